//! The palette does what was chosen or written in full, and asks before what ends something.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use super::{Driver, fleet, options};
use crate::api::client::Account;
use crate::api::types::WireCommand;
use crate::domain::Reply;
use crate::ui::app::Effect;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;
use crate::ui::verbs::Verb;

/// A small command line.
fn verbs() -> &'static Verb {
    static TREE: OnceLock<Verb> = OnceLock::new();
    let verb = |name: &str, verbs| Verb {
        name: name.into(),
        also: vec![],
        help: format!("{name} it"),
        verbs,
        options: vec![],
    };
    TREE.get_or_init(|| {
        let artifact = verb("artifact", vec![verb("approve", vec![]), verb("list", vec![])]);
        let agent = verb("agent", vec![verb("remove", vec![]), verb("drain", vec![])]);
        let journal = verb("journal", vec![verb("verify", vec![])]);
        let all = vec![
            artifact,
            agent,
            journal,
            verb("task", vec![verb("list", vec![]), verb("rate", vec![]), verb("wait", vec![])]),
            verb("status", vec![]),
        ];
        verb("menagerie", all.into_iter().chain([verb("stop", vec![])]).collect())
    })
}

/// A console and what it asked for that changes something.
fn console(place: &Place) -> (Driver, Rc<RefCell<Vec<String>>>) {
    let mut options = options(ColorDepth::True);
    options.verbs = verbs;
    let mut driver = Driver::with(options, place, (120, 36));
    let changes = Rc::new(RefCell::new(Vec::new()));
    let asked = Rc::clone(&changes);
    driver.engine = Box::new(move |request| match request {
        Request::Command(_) => {
            asked.borrow_mut().push(format!("{request:?}"));
            Ok(Answer::Done(Box::new(Reply::Items {
                done: vec!["x".into()],
                refused: vec![],
                inverse: vec![],
                warnings: vec![],
            })))
        }
        Request::Shutdown { .. } => {
            asked.borrow_mut().push(format!("{request:?}"));
            Ok(Answer::Stopping)
        }
        other => fleet::answer(other),
    });
    driver.later(Duration::from_secs(5));
    (driver, changes)
}

fn type_line(driver: &mut Driver, line: &str) {
    driver.press(":");
    driver.type_text(line);
}

fn say(driver: &mut Driver, line: &str) {
    type_line(driver, line);
    driver.press("enter");
    driver.collect();
}

fn layer(driver: &Driver) -> Option<&'static str> {
    driver.app.layer().map(super::super::layer::Layer::name)
}

fn ran(driver: &Driver) -> Vec<&str> {
    let lines = driver.effects.iter().filter_map(|effect| match effect {
        Effect::Verb(line) => Some(line.as_str()),
        _ => None,
    });
    lines.collect()
}

#[test]
fn of_several_that_begin_alike_none_is_done() {
    let (mut driver, changes) = console(&Place::Artifacts);
    for line in ["a", "re", "st"] {
        say(&mut driver, line);
        driver.sees(&format!("begin with \"{line}\""));
        assert_eq!((layer(&driver), changes.borrow().len()), (Some("palette"), 0), "{line}");
        driver.press("esc");
    }
    // What shows something is offered before what changes something.
    type_line(&mut driver, "a");
    let frame = driver.draw();
    let place = |what: &str| frame.lines().position(|line| line.contains(what)).unwrap_or(usize::MAX);
    let (screen, change) = (place("   agents "), place("   approve "));
    assert!(screen < change && change < usize::MAX, "{frame}");
}

#[test]
fn a_word_that_one_thing_begins_with_means_it_unless_it_changes_something() {
    let (mut driver, changes) = console(&Place::Artifacts);
    say(&mut driver, "task");
    assert_eq!(*driver.app.history.place(), Place::Tasks);
    driver.press("6 j j");
    say(&mut driver, "appro");
    assert_eq!(changes.borrow().len(), 0);
    let (mut driver, changes) = console(&Place::Artifacts);
    driver.press("j j");
    say(&mut driver, "rese");
    assert_eq!((layer(&driver), changes.borrow().len()), (Some("palette"), 0), "nothing is called so");
    driver.sees("nothing is called \"rese\"");
    driver.press("esc");
    say(&mut driver, "approve");
    driver.settle();
    assert_eq!(changes.borrow().len(), 1, "written in full it is done");
}

#[test]
fn the_engine_is_stopped_after_the_word_only() {
    for line in ["stop", "stop --all", "menagerie stop"] {
        let (mut driver, changes) = console(&Place::Overview);
        say(&mut driver, line);
        assert_eq!((layer(&driver), changes.borrow().len()), (Some("confirm"), 0), "{line}");
        assert_eq!(ran(&driver), [""; 0], "{line}");
        driver.press("y enter");
        assert_eq!(changes.borrow().len(), 0, "{line}");
        say(&mut driver, line);
        driver.type_text("shutdown");
        driver.press("enter");
        let all = line.contains("--all");
        assert_eq!(*changes.borrow(), [format!("Shutdown {{ kill: {all} }}")], "{line}");
        let logged = driver.app.orders.log().last().unwrap().line.clone();
        assert_eq!(logged, if all { "menagerie stop --all" } else { "menagerie stop" });
    }
}

#[test]
fn verbs_that_end_something_are_asked_about_and_stand_in_the_log() {
    let (mut driver, _) = console(&Place::Overview);
    say(&mut driver, "agent remove ann");
    assert_eq!((layer(&driver), ran(&driver)), (Some("confirm"), vec![]));
    driver.sees("menagerie agent remove ann");
    driver.press("enter");
    driver.collect();
    assert_eq!(ran(&driver), [""; 0], "Enter says no");
    say(&mut driver, "agent remove ann");
    driver.press("y");
    driver.collect();
    assert_eq!(ran(&driver), ["agent remove ann"]);
    let entry = driver.app.orders.log().last().unwrap().clone();
    assert_eq!((entry.line.as_str(), entry.outcome), ("menagerie agent remove ann", None));
    let ended = |status| Message::Verb {
        line: "agent remove ann".into(),
        said: "gone".into(),
        status: Some(status),
        changes: vec![],
    };
    driver.app.update(ended(0));
    driver.press("esc z");
    driver.sees("the last change cannot be taken back: menagerie agent remove ann");
    // What was refused has changed nothing.
    say(&mut driver, "agent drain ann");
    driver.app.update(Message::Verb {
        line: "agent drain ann".into(),
        said: "no".into(),
        status: Some(2),
        changes: vec![],
    });
    let outcomes: Vec<_> = driver.app.orders.log().iter().map(|entry| entry.outcome.clone()).collect();
    assert_eq!(outcomes, [Some("done".to_owned()), Some("exit status 2".to_owned())]);
    driver.press("esc z");
    driver.sees("the last change cannot be taken back: menagerie agent remove ann");
}

#[test]
fn what_a_verb_said_opens_over_nothing_that_is_being_done() {
    let (mut driver, _) = console(&Place::Tasks);
    let ended = |line: &str, status| Message::Verb {
        line: line.into(),
        said: format!("said by {line}"),
        status,
        changes: vec![],
    };
    say(&mut driver, "task wait 12");
    driver.press("/");
    driver.type_text("ab");
    driver.app.update(ended("task wait 12", Some(0)));
    driver.type_text("c");
    assert_eq!(layer(&driver), Some("prompt"));
    driver.sees("abc");
    driver.press("esc");
    driver.sees("menagerie task wait 12 has ended   Esc: read, ! in full");
    driver.press("!");
    driver.sees("said by task wait 12");
    driver.press("esc");
    driver.sees_not("has ended");
    // Whoever went on without opening anything is not interrupted either.
    say(&mut driver, "task wait 13");
    driver.press("j");
    driver.app.update(ended("task wait 13", Some(1)));
    assert_eq!(layer(&driver), None);
    driver.sees("menagerie task wait 13 ended with exit status 1   Esc: read, ! in full");
    driver.press("esc");
    // Whoever waits for it sees it at once.
    say(&mut driver, "task wait 14");
    driver.app.update(ended("task wait 14", Some(0)));
    driver.sees("said by task wait 14");
}

#[test]
fn what_a_verb_said_is_read_to_its_end() {
    let (mut driver, _) = console(&Place::Tasks);
    say(&mut driver, "task list");
    let long = "wide ".repeat(500);
    let lines: Vec<_> = (0..200).map(|number| format!("line {number} {long}")).chain(["the end".to_owned()]).collect();
    let said = lines.join("\n");
    driver.app.update(Message::Verb { line: "task list".into(), said, status: Some(0), changes: vec![] });
    driver.sees("line 0 ");
    driver.press("G");
    driver.sees("the end");
    driver.press("pageup");
    driver.sees_not("the end");
    driver.press("g");
    driver.sees("line 0 ");
}

#[test]
fn a_stop_that_fails_is_said_and_stands_in_the_log() {
    for (comes, said) in [
        (Err("the store cannot be written".to_owned()), "stop the engine: the store cannot be written"),
        (Ok(Answer::Lost { perhaps_done: true, why: "it went away".into() }), "whether it stops is not known"),
        (Ok(Answer::Lost { perhaps_done: false, why: "no engine runs".into() }), "stop the engine: no engine runs"),
        (Ok(Answer::Stopping), "the engine stops"),
    ] {
        let (mut driver, _) = console(&Place::Overview);
        let good = comes == Ok(Answer::Stopping);
        driver.engine = Box::new(move |request| match request {
            Request::Shutdown { .. } => comes.clone(),
            other => fleet::answer(other),
        });
        say(&mut driver, "shutdown");
        driver.type_text("shutdown");
        driver.press("enter");
        driver.sees(said);
        let entry = driver.app.orders.log().last().unwrap().clone();
        assert_eq!((entry.failed, entry.outcome.is_some()), (!good, true), "{entry:?}");
    }
}

#[test]
fn verbs_that_look_are_run_at_once_and_leave_no_trace() {
    let (mut driver, _) = console(&Place::Overview);
    say(&mut driver, "task list --status failed");
    say(&mut driver, "status");
    assert_eq!(ran(&driver), ["task list --status failed", "status"]);
    assert!(driver.app.orders.log().is_empty());
}

#[test]
fn tab_completes_verbs_and_eats_none_of_them() {
    let (mut driver, _) = console(&Place::Artifacts);
    type_line(&mut driver, "artifact a");
    driver.press("tab");
    driver.type_text("12");
    driver.sees(": artifact approve 12");
    driver.press("tab");
    driver.sees(": artifact approve 12");
    driver.press("esc");
    say(&mut driver, "journal");
    driver.sees("journal needs one more word");
    driver.press("down enter enter");
    driver.collect();
    assert_eq!(ran(&driver), ["journal verify"]);
}

#[test]
fn a_screens_name_with_words_opens_it_filtered_by_them() {
    for (line, place, filter) in [
        ("agents glutton", Place::Agents, "glutton"),
        ("cages 014", Place::Cages, "014"),
        ("tasks failed", Place::Tasks, "failed"),
        ("tasks status:failed priority:>7", Place::Tasks, "status:failed priority:>7"),
    ] {
        let (mut driver, _) = console(&Place::Overview);
        say(&mut driver, line);
        driver.settle();
        assert_eq!((layer(&driver), driver.app.history.place()), (None, &place), "{line}");
        assert_eq!(driver.app.with_list(|list, _| list.filter().to_owned()).as_deref(), Some(filter));
        assert_eq!(ran(&driver), [""; 0], "{line}");
    }
    let (mut driver, _) = console(&Place::Tasks);
    say(&mut driver, "overview failed");
    driver.sees("overview has no list to filter by \"failed\"");
    assert_eq!((layer(&driver), driver.app.history.place()), (Some("palette"), &Place::Tasks));
}

#[test]
fn a_verb_that_does_not_exist_is_refused_by_name_and_never_asked_about() {
    for (line, says) in [
        ("task failed", "task has no verb \"failed\"; there are list, rate, wait"),
        ("agent remvoe ann", "agent has no verb \"remvoe\"; did you mean remove?"),
        ("menagerie journal verfy", "journal has no verb \"verfy\"; did you mean verify?"),
        ("aproev 12", "nothing is called \"aproev\"; did you mean approve?"),
        ("approve 12", "approve takes no words: it acts on what is selected"),
    ] {
        let (mut driver, changes) = console(&Place::Artifacts);
        say(&mut driver, line);
        driver.sees(says);
        driver.sees(&format!(": {line}"));
        assert_eq!((layer(&driver), ran(&driver), changes.borrow().len()), (Some("palette"), vec![], 0), "{line}");
    }
    let (mut driver, _) = console(&Place::Artifacts);
    say(&mut driver, "help agent");
    assert_eq!(ran(&driver), ["help agent"]);
}

#[test]
fn an_action_is_called_by_its_label_too_and_the_one_of_this_screen_is_meant() {
    let (mut driver, _) = console(&Place::Tasks);
    driver.press("j j");
    say(&mut driver, "why");
    let said = driver.draw();
    let (mut other, _) = console(&Place::Tasks);
    other.press("j j w");
    assert_eq!(said, other.draw());
    // Two are called `remove`: one of agents, one of rules.
    let (mut driver, _) = console(&Place::AlertRules);
    say(&mut driver, "remove");
    let said = driver.draw();
    let (mut other, _) = console(&Place::AlertRules);
    other.press("D");
    assert_eq!(said, other.draw());
    // A word from elsewhere finds it; what changes something is not done on that word alone.
    let (mut driver, changes) = console(&Place::Tasks);
    say(&mut driver, "kill");
    driver.sees("it changes something: Enter again does it");
    driver.sees(": cancel");
    assert_eq!((layer(&driver), changes.borrow().len()), (Some("palette"), 0));
    driver.press("esc");
    type_line(&mut driver, "logs");
    driver.sees("   output ");
}

#[test]
fn help_finds_actions_by_words_from_elsewhere() {
    for (word, finds) in [
        ("move", "r reassign "),
        ("log", "l output "),
        ("logs", "l output "),
        ("kill", "D cancel "),
        ("stop", "D cancel "),
    ] {
        let (mut driver, _) = console(&Place::Tasks);
        driver.press("?");
        driver.type_text(word);
        let frame = driver.draw();
        let find = frame.lines().position(|line| line.contains(" find: ")).unwrap();
        let first = frame.lines().nth(find + 1).unwrap();
        assert!(first.contains(finds), "{word}: {first}");
    }
}

#[test]
fn a_columns_whole_name_finds_it_in_the_list_to_sort_by() {
    let (mut driver, _) = console(&Place::Cages);
    driver.press("v s");
    driver.type_text("memory used");
    driver.sees(" mem  memory used");
}

#[test]
fn a_noun_with_a_number_a_name_or_an_id_opens_that_thing() {
    let id = fleet::tasks::id(487);
    let artifact = fleet::review::id(2);
    for (line, place) in [
        ("cage 014", Place::Cage("014".into())),
        ("cage 14", Place::Cage("014".into())),
        ("agent builder-1", Place::Agent("builder-1".into(), "builder-1".into())),
        ("agent 'zoe the 2nd'", Place::Agent("zoe the 2nd".into(), "zoe the 2nd".into())),
        (&*format!("task {id}"), Place::Task(id.clone())),
        ("task 000001e7", Place::Task("000001e7".into())),
        (&*format!("artifact {artifact}"), Place::Artifact(artifact.clone(), artifact.clone())),
    ] {
        let (mut driver, changes) = console(&Place::Overview);
        say(&mut driver, line);
        assert_eq!((layer(&driver), driver.app.history.place()), (None, &place), "{line}");
        assert_eq!((ran(&driver), changes.borrow().len()), (vec![], 0), "{line}");
    }
    // A verb stays one, also misspelt.
    let (mut driver, _) = console(&Place::Overview);
    say(&mut driver, "task list");
    assert_eq!(ran(&driver), ["task list"]);
    for line in ["agent remvoe", "task lits", "cage many"] {
        let (mut driver, _) = console(&Place::Overview);
        say(&mut driver, line);
        assert_eq!(driver.app.history.place(), &Place::Overview, "{line}");
    }
}

#[test]
fn models_are_looked_at_without_a_question_and_what_goes_back_says_how_far() {
    for line in
        ["model list", "model show policy", "model compare policy 1 2", "model export policy 1", "evaluate selection x"]
    {
        let mut driver = Driver::new(&Place::Overview, (120, 36));
        driver.press(":");
        driver.type_text(line);
        driver.press("enter");
        assert!(driver.effects.iter().any(|effect| matches!(effect, Effect::Verb(run) if run == line)), "{line}");
    }
    for (line, words) in [
        ("agent rollback a 2", "It declares the agent anew as it was in that version"),
        ("model rollback policy 2", "What the model learned since that version decides no more"),
        ("task cancel 12", "It may end what runs or remove something"),
    ] {
        let mut driver = Driver::new(&Place::Overview, (120, 36));
        driver.press(":");
        driver.type_text(line);
        driver.press("enter");
        driver.sees(words);
        assert!(!driver.effects.iter().any(|effect| matches!(effect, Effect::Verb(_))), "{line}");
    }
}

#[test]
fn what_was_typed_is_taken_back_as_the_engine_says() {
    let (mut driver, asked) = console(&Place::Tasks);
    say(&mut driver, "task rate 12 5");
    driver.collect();
    assert_eq!(ran(&driver), ["task rate 12 5"]);
    driver.press("z");
    driver.sees("cannot be taken back");
    let id = fleet::tasks::id(12);
    let command = WireCommand::RateTasks { ids: vec!["12".into()], rating: Some(5), note: None };
    let before = crate::domain::Command::RateTasks {
        ids: vec![id.parse().unwrap()],
        rating: Some(2),
        note: Some("slow".to_owned()),
    };
    let reply = Reply::Items { done: vec![id.clone()], refused: vec![], inverse: vec![before], warnings: vec![] };
    let changes = vec![Account { command, reply }];
    let said = "rated 5 of 5".to_owned();
    driver.app.update(Message::Verb { line: "task rate 12 5".into(), said, status: Some(0), changes });
    driver.sees("z takes it back");
    driver.press("esc z");
    let back = WireCommand::RateTasks { ids: vec![id], rating: Some(2), note: Some("slow".to_owned()) };
    assert_eq!(*asked.borrow(), [format!("Command({back:?})")]);
    driver.sees("took back: menagerie task rate 12 5");
}
