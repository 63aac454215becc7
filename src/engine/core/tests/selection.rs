//! Choosing among agents: who gets a task, why, and what changes that.

use super::world::*;
use crate::domain::artifact::FoundArtifact;
use crate::domain::learning::USUAL;
use crate::domain::link::Report;
use crate::domain::selection::Factor;
use crate::domain::*;
use crate::engine::core::Core;

/// Three agents in cages of their own that differ in their words alone.
const FLEET: &str = r#"
[[cage]]
range = "001-003"

[[agent]]
name = "ann"
cage = "001"
keywords = ["parser", "rust"]
runtime = { type = "command", command = ["work"] }

[[agent]]
name = "ben"
cage = "002"
keywords = ["sql", "migration"]
runtime = { type = "command", command = ["work"] }

[[agent]]
name = "cyd"
cage = "003"
runtime = { type = "command", command = ["work"] }
"#;

fn of_type(kind: &str) -> NewTask {
    NewTask { kind: kind.to_owned(), ..bare() }
}

/// Submits a task, has it placed, and says who got it.
fn placed(world: &mut World, task: NewTask) -> (TaskId, String) {
    let id = world.submit(task);
    world.schedule();
    (id, world.place(id).0)
}

/// Has a task done from beginning to end, and says by whom.
fn done(world: &mut World, task: NewTask, kind: OutcomeKind) -> (TaskId, String) {
    let (id, agent) = placed(world, task);
    world.finish(id, kind);
    (id, agent)
}

fn choice(world: &World, task: TaskId) -> Option<selection::Choice> {
    world.records.iter().rev().find_map(|record| match &record.event {
        Event::ExecutionScheduled(event) if event.task_id == task => Some(event.choice.clone()),
        _ => None,
    })?
}

fn factor(world: &World, agent: &str, text: &str, kind: &str, factor: Factor) -> (Option<f64>, String) {
    let found = world.core.recommend(text, kind, Some(world.user), USUAL, 10);
    let item = found.items.iter().find(|item| item.name == agent).expect("the agent is recommended");
    let factor = &item.factors[factor as usize];
    (factor.value, factor.evidence.clone())
}

#[test]
fn words_lead_to_whoever_is_declared_with_them() {
    let mut world = World::new(FLEET);
    assert_eq!(placed(&mut world, about("Write a migration for the SQL schema")).1, "ben");
    assert_eq!(placed(&mut world, about("parsing: the parser.rs is slow")).1, "ann");
    world.assert_durable();
    let mut world = World::new(FLEET);
    let (id, agent) = placed(&mut world, about("nothing of the kind"));
    assert_eq!(agent, "ann", "among equals the smallest cage, as without selection");
    assert_eq!(choice(&world, id).unwrap().factors[Factor::KeywordMatch as usize], None);
}

#[test]
fn how_often_something_is_done_leads_to_whoever_is_declared_for_it_however_it_is_said() {
    let fleet = FLEET.replace(r#""sql", "migration""#, r#""each month""#);
    let mut world = World::new(&fleet);
    for text in ["the figures of each month", "a monthly digest", "once a month", "close the books, 0 4 1 * *"] {
        let (id, agent) = placed(&mut world, about(text));
        assert_eq!(agent, "ben", "{text}");
        assert!(choice(&world, id).unwrap().factors[Factor::KeywordMatch as usize] > Some(0), "{text}");
        world.finish(id, OutcomeKind::Succeeded);
    }
    world.assert_durable();
}

#[test]
fn a_choice_is_recorded_where_there_was_one() {
    let mut world = World::new(FLEET);
    let (id, _) = placed(&mut world, about("sql"));
    let made = choice(&world, id).unwrap();
    assert_eq!((made.among, made.factors[0], made.factors[2]), (3, Some(1000), None));
    let named = NewTask { agent: Some("cyd".into()), ..about("sql") };
    let (id, agent) = placed(&mut world, named);
    assert_eq!((agent.as_str(), choice(&world, id)), ("cyd", None), "who is named is not chosen");
    let (id, agent) = placed(&mut world, about("parser"));
    assert_eq!((agent.as_str(), choice(&world, id)), ("ann", None), "one that alone is free is not chosen either");
}

#[test]
fn where_there_was_no_choice_it_is_said_who_would_have_been_better() {
    let mut world = World::new(FLEET);
    let (first, _) = placed(&mut world, about("sql"));
    // Two are free, and neither is as good as the one that is not.
    let (id, agent) = placed(&mut world, about("sql"));
    let better = choice(&world, id).unwrap().better.unwrap();
    assert_eq!((agent.as_str(), better.agent.as_str(), better.ahead), ("ann", "ben", 250));
    let (id, agent) = placed(&mut world, about("sql"));
    let made = choice(&world, id).unwrap();
    assert_eq!((agent.as_str(), made.among), ("cyd", 1));
    let said = made.sentence("cyd");
    assert!(said.starts_with("agent cyd was the only one that could start it then, with a score of 0."), "{said}");
    assert!(said.ends_with("; agent ben would have scored 0.25 more and had no slot free"), "{said}");
    world.assert_durable();
    // Who is drained would not have done it in any case, and who is no better is not spoken of.
    world.command(Command::DrainAgents { ids: vec![world.agent("ben")] }).unwrap();
    world.finish(id, OutcomeKind::Succeeded);
    let (id, agent) = placed(&mut world, about("sql"));
    assert_eq!((agent.as_str(), choice(&world, id)), ("cyd", None));
    world.finish(first, OutcomeKind::Succeeded);
    world.assert_durable();
}

#[test]
fn selection_can_be_switched_off_and_weighed_otherwise() {
    let mut world = World::new(FLEET);
    world.apply("[defaults.selection]\nenabled = false").unwrap();
    let (id, agent) = placed(&mut world, about("sql"));
    assert_eq!((agent.as_str(), choice(&world, id)), ("ann", None));
    let weights = "keyword_match = 0\nphase_alignment = 1";
    world.apply(&format!("[defaults.selection.weights]\n{weights}")).unwrap();
    let score = |world: &World| world.core.recommend("sql", "", None, USUAL, 3).items[0].factors[0].weight;
    assert!(score(&world).abs() < 1e-9);
    for bad in ["collaboration = -1", "collaboration = nan", "collaboration = inf"] {
        let refusal = world.apply(&format!("[defaults.selection.weights]\n{bad}")).unwrap_err();
        assert!(refusal.field.ends_with("weights.collaboration"), "{refusal}");
    }
    world.assert_durable();
}

#[test]
fn who_succeeds_is_preferred_and_who_fails_is_not() {
    let mut world = World::new(FLEET);
    // Everybody gets a first chance, the oldest first, before anybody gets a second.
    let firsts: Vec<_> = (0..3)
        .map(|at| {
            let kind = if at == 1 { OutcomeKind::Succeeded } else { OutcomeKind::Failed };
            let task = NewTask { max_attempts: 1, ..of_type("paint") };
            done(&mut world, task, kind).1
        })
        .collect();
    assert_eq!(firsts, ["ann", "ben", "cyd"]);
    assert_eq!(done(&mut world, of_type("paint"), OutcomeKind::Succeeded).1, "ben");
    let (value, evidence) = factor(&world, "ben", "", "paint", Factor::RecentSuccess);
    assert!(value.unwrap() > 0.8 && evidence == "100 % of 2 executions in 30 days", "{value:?} {evidence}");
    let (value, evidence) = factor(&world, "ann", "", "paint", Factor::DomainExpertise);
    assert!(value.unwrap() < 0.5 && evidence.contains("0 % of 1 execution in 84 days"), "{value:?} {evidence}");
    assert_eq!(factor(&world, "ann", "", "carve", Factor::DomainExpertise).0, None);
    world.assert_durable();
    // Long after, nothing of it counts any more.
    world.pass(Span::from_secs(100 * 86_400));
    world.submit(task());
    assert_eq!(factor(&world, "ann", "", "paint", Factor::RecentSuccess).0, None);
    world.assert_durable();
}

#[test]
fn what_a_task_brings_says_nothing_about_its_agent() {
    let mut world = World::new(FLEET);
    let brought = NewTask { max_attempts: 1, ..task() };
    done(&mut world, brought, OutcomeKind::Failed);
    assert_eq!(factor(&world, "ann", "", "processing", Factor::RecentSuccess).0, None);
    let (id, _) = placed(&mut world, bare());
    world.finish(id, OutcomeKind::WorkerLost);
    assert_eq!(factor(&world, "ann", "", "processing", Factor::RecentSuccess).0, None, "nor does a lost worker");
}

#[test]
fn ratings_correct_a_habit_and_can_be_taken_back() {
    let mut world = World::new(FLEET);
    let mut last = None;
    for _ in 0..4 {
        let (id, agent) = done(&mut world, of_type("build"), OutcomeKind::Succeeded);
        last = (agent == "ann").then_some(id).or(last);
    }
    let before = factor(&world, "ann", "", "build", Factor::RecentSuccess).0.unwrap();
    let id = last.unwrap();
    let rate = |rating| Command::RateTasks { ids: vec![id], rating, note: None };
    let reply = world.command(rate(Some(1))).unwrap();
    let rated = factor(&world, "ann", "", "build", Factor::RecentSuccess);
    assert!(rated.0.unwrap() < before && rated.1.contains("rated 1.0 by 1 user"), "{rated:?}");
    assert!(factor(&world, "ann", "", "build", Factor::UserPreference).0.unwrap() < 0.5);
    assert_ne!(placed(&mut world, of_type("build")).1, "ann", "somebody else gets the next one");
    world.assert_durable();
    let command::Reply::Items { inverse, .. } = reply else { panic!("{reply:?}") };
    world.command(inverse[0].clone()).unwrap();
    assert_eq!(factor(&world, "ann", "", "build", Factor::RecentSuccess).0, Some(before));
    assert_eq!(factor(&world, "ann", "", "build", Factor::UserPreference).0, None);
    world.assert_durable();
    assert_eq!(world.command(rate(Some(6))).unwrap_err().field, "rating");
    let running = placed(&mut world, bare()).0;
    let refused = world.command(Command::RateTasks { ids: vec![running], rating: Some(3), note: None });
    assert_eq!(refused.unwrap_err().kind, RefusalKind::Conflict, "what has not ended cannot be rated");
}

#[test]
fn taking_a_rating_back_gives_back_what_was_said_before_with_its_reason() {
    let mut world = World::new(FLEET);
    let (id, _) = done(&mut world, bare(), OutcomeKind::Succeeded);
    let say = |rating, note: Option<&str>| Command::RateTasks { ids: vec![id], rating, note: note.map(str::to_owned) };
    let mut inverse_of = |command: &Command| match world.command(command.clone()).unwrap() {
        command::Reply::Items { inverse, .. } => inverse,
        reply => panic!("{reply:?}"),
    };
    assert_eq!(inverse_of(&say(Some(2), Some("slow"))), [say(None, None)], "nothing was said before");
    assert_eq!(inverse_of(&say(Some(5), None)), [say(Some(2), Some("slow"))]);
    assert_eq!(inverse_of(&say(None, None)), [say(Some(5), None)]);
}

#[test]
fn a_rating_given_again_replaces_the_one_before() {
    let mut world = World::new(FLEET);
    let (id, agent) = done(&mut world, bare(), OutcomeKind::Succeeded);
    for stars in [1, 3, 5, 5] {
        world.command(Command::RateTasks { ids: vec![id], rating: Some(stars), note: None }).unwrap();
    }
    let evidence = factor(&world, &agent, "", "processing", Factor::UserPreference).1;
    assert_eq!(evidence, "1 rating of 5.0 stars in the mean");
    world.assert_durable();
}

#[test]
fn judgements_of_artifacts_count_until_they_are_taken_back() {
    let mut world = World::new(FLEET);
    let (id, agent) = placed(&mut world, bare());
    let found = FoundArtifact {
        kind: ArtifactType::Code,
        title: "a.rs".into(),
        content: None,
        path: None,
        size: 1,
        digest: String::new(),
        metadata: serde_json::Map::new(),
        quality: None,
        difference: None,
    };
    let execution_id = world.execution(id);
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    world.report(Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![found] });
    let artifact = *world.artifacts.keys().next().unwrap();
    let said = |world: &World| factor(world, &agent, "", "processing", Factor::UserPreference).1;
    world.command(Command::ReviewArtifacts { ids: vec![artifact], approve: false, note: None, quality: None }).unwrap();
    assert_eq!(said(&world), "0 approved, 1 rejected");
    world.assert_durable();
    world.command(Command::ReviewArtifacts { ids: vec![artifact], approve: true, note: None, quality: None }).unwrap();
    assert_eq!(said(&world), "1 approved, 0 rejected", "a judgement takes the place of the one before");
    world.command(Command::ReopenReviews { ids: vec![artifact] }).unwrap();
    assert!(said(&world).starts_with("unknown"), "{}", said(&world));
    world.assert_durable();
}

#[test]
fn who_did_well_after_another_is_preferred_after_that_one() {
    let mut world = World::new(FLEET);
    let (first, maker) = done(&mut world, NewTask { agent: Some("cyd".into()), ..bare() }, OutcomeKind::Succeeded);
    let next = |on: TaskId, agent: Option<&str>| NewTask {
        depends_on: vec![on.to_string()],
        agent: agent.map(str::to_owned),
        max_attempts: 1,
        ..of_type("paint")
    };
    done(&mut world, next(first, Some("ann")), OutcomeKind::Failed);
    let (good, _) = done(&mut world, next(first, Some("ben")), OutcomeKind::Succeeded);
    let (id, agent) = placed(&mut world, next(first, None));
    assert_eq!((maker.as_str(), agent.as_str()), ("cyd", "ben"));
    let company = choice(&world, id).unwrap().factors[Factor::Collaboration as usize];
    assert_eq!(company, Some(667), "one of one, and one of two more that are not known");
    world.finish(id, OutcomeKind::Succeeded);
    world.assert_durable();
    // A task submitted before the other has ended learns of its agent all the same.
    let open = world.submit(NewTask { agent: Some("cyd".into()), ..bare() });
    let waiting = world.submit(next(open, None));
    world.schedule();
    world.finish(open, OutcomeKind::Succeeded);
    world.assert_durable();
    world.schedule();
    assert_eq!(world.place(waiting).0, "ben");
    assert!(choice(&world, waiting).unwrap().factors[Factor::Collaboration as usize] > company);
    let _ = good;
}

#[test]
fn agents_come_change_and_go() {
    let mut world = World::new(FLEET);
    assert_eq!(world.core.recommend("sql", "", None, USUAL, 1).items[0].name, "ben");
    let cyd = "[[agent]]\nname = \"cyd\"\ncage = \"003\"\nkeywords = [\"sql\", \"migration\", \"tuning\"]";
    world.apply(cyd).unwrap();
    let found = world.core.recommend("tuning a sql migration", "", None, USUAL, 3);
    assert!(found.items.iter().all(|item| item.name != "cyd"), "who has no command can do nothing about a text");
    world.apply(&format!("{cyd}\nruntime = {{ type = \"command\", command = [\"tune\"] }}")).unwrap();
    let found = world.core.recommend("tuning a sql migration", "", None, USUAL, 3);
    assert_eq!(found.items[0].name, "cyd");
    assert!(found.items[1].to_win.as_ref().unwrap().contains("tune"), "{:?}", found.items[1]);
    let queued = world.submit(about("tuning"));
    world.command(Command::RemoveAgents { ids: vec![world.agent("cyd")] }).unwrap();
    world.schedule();
    assert_ne!(world.place(queued).0, "cyd");
    assert!(world.core.recommend("tuning", "", None, USUAL, 9).items.iter().all(|item| item.name != "cyd"));
    world.assert_durable();
}

#[test]
fn floating_agents_are_chosen_like_those_at_home() {
    let agent = |rest: &str| format!("[[agent]]\nruntime = {{ type = \"command\", command = [\"work\"] }}\n{rest}\n");
    let words = "keywords = [\"sql\"]";
    let fleet = [
        "[[cage]]\nrange = \"001-003\"\n".to_owned(),
        agent("name = \"a\""),
        agent(&format!("name = \"b\"\n{words}")),
        agent(&format!("name = \"c\"\n{words}\ncapabilities = [\"x\"]")),
    ];
    let mut world = World::new(&fleet.concat());
    let (id, agent) = placed(&mut world, about("sql"));
    assert_eq!((agent.as_str(), choice(&world, id).unwrap().among), ("b", 3), "of equals the less versatile");
    assert_eq!(placed(&mut world, about("sql")).1, "c", "then the next best, though another is older");
    let (id, agent) = placed(&mut world, about("sql"));
    let last = choice(&world, id).unwrap();
    let better = last.better.as_ref().map(|better| better.agent.as_str());
    assert_eq!((agent.as_str(), last.among, better), ("a", 1, Some("b")), "the last one is not chosen");
    world.assert_durable();
}

#[test]
fn a_task_that_brings_its_command_goes_to_whoever_is_free() {
    let mut world = World::new(FLEET);
    let mut parameters = about("a migration of sql").parameters;
    parameters.configuration = task().parameters.configuration;
    let (id, agent) = placed(&mut world, NewTask { parameters, ..bare() });
    assert_eq!((agent.as_str(), choice(&world, id)), ("ann", None));
    world.assert_durable();
}

#[test]
fn what_matters_most_is_nobodys_first_chance() {
    let mut world = World::new(FLEET);
    let (_, first) = done(&mut world, of_type("paint"), OutcomeKind::Succeeded);
    assert_eq!(first, "ann");
    let urgent = |priority| NewTask { priority, ..of_type("carve") };
    assert_eq!(done(&mut world, urgent(8), OutcomeKind::Succeeded).1, "ann", "who has succeeded goes first");
    let (id, agent) = placed(&mut world, NewTask { kind: "sew".to_owned(), ..urgent(7) });
    assert_eq!(agent, "ben");
    assert_eq!(choice(&world, id).unwrap().factors[Factor::RecentSuccess as usize], None);
    world.assert_durable();
}

#[test]
fn any_text_is_answered_and_unknown_is_said_to_be_unknown() {
    let world = World::new(FLEET);
    for text in ["", " ", "写测试", "\u{0}\u{202e}", &"parser ".repeat(200_000)] {
        let found = world.core.recommend(text, "", None, USUAL, 200);
        assert_eq!(found.items.len(), 3);
        for item in &found.items {
            assert!((0.0..=1.0).contains(&item.score));
            let sum: f64 = item.factors.iter().map(|factor| factor.weight * factor.counted).sum();
            assert!((sum - item.score).abs() < 1e-5, "{item:?}");
            for factor in &item.factors {
                assert_eq!(factor.value.is_none(), factor.evidence.starts_with("unknown"), "{factor:?}");
            }
        }
    }
}

#[test]
fn what_is_recommended_is_what_is_chosen() {
    let mut world = World::new(FLEET);
    for at in 0..12_usize {
        let text = ["rust parser", "sql", "deploy the thing", "migration of parser.rs"][at % 4];
        let best = world.core.recommend(text, "processing", Some(world.user), USUAL, 1).items[0].clone();
        let kind = if at.is_multiple_of(3) { OutcomeKind::Failed } else { OutcomeKind::Succeeded };
        let task = NewTask { max_attempts: 1, ..about(text) };
        let (id, agent) = placed(&mut world, task);
        assert_eq!(agent, best.name, "{text}");
        let kept = choice(&world, id).unwrap();
        assert!((f64::from(kept.score) / 1000.0 - best.score).abs() < 0.001, "{kept:?} {best:?}");
        world.finish(id, kind);
    }
    world.assert_durable();
}

#[test]
fn a_subtree_moves_and_cycles_are_refused() {
    let mut world = World::new(FLEET);
    let [ann, ben, cyd] = ["ann", "ben", "cyd"].map(|name| world.agent(name));
    let move_to = |ids, superior| Command::ReportTo { ids, superior };
    world.command(move_to(vec![ben], Some(ann))).unwrap();
    let reply = world.command(move_to(vec![cyd], Some(ben))).unwrap();
    let refusal = world.command(move_to(vec![ann], Some(cyd))).unwrap_err();
    assert!(refusal.value.contains("ann -> cyd -> ben -> ann"), "{refusal}");
    assert_eq!(world.command(move_to(vec![ann], Some(ann))).unwrap_err().kind, RefusalKind::Invalid);
    let command::Reply::Items { inverse, .. } = reply else { panic!("{reply:?}") };
    world.command(inverse[0].clone()).unwrap();
    assert_eq!(world.core.agent_spec(cyd).unwrap().reports_to, None);
    world.assert_durable();
}

#[test]
fn a_renamed_agent_keeps_what_it_does_and_what_is_known_of_it() {
    let mut world = World::new(FLEET);
    let [ann, ben] = ["ann", "ben"].map(|name| world.agent(name));
    world.command(Command::ReportTo { ids: vec![ben], superior: Some(ann) }).unwrap();
    done(&mut world, of_type("parse"), OutcomeKind::Succeeded);
    let (id, _) = placed(&mut world, about("rust parser"));
    let rename = |name: &str| Command::RenameAgent { agent: ann, name: name.to_owned() };
    assert_eq!(world.command(rename("ben")).unwrap_err().kind, RefusalKind::Conflict);
    assert_eq!(world.command(rename("")).unwrap_err().kind, RefusalKind::Invalid);
    let reply = world.command(rename("anne")).unwrap();
    assert_eq!(world.agent("anne"), ann);
    assert_eq!(world.core.agent_spec(ben).unwrap().reports_to.as_deref(), Some("anne"));
    assert_eq!(factor(&world, "anne", "", "parse", Factor::RecentSuccess).1, "100 % of 1 execution in 30 days");
    world.finish(id, OutcomeKind::Succeeded);
    assert_eq!(factor(&world, "anne", "", "parse", Factor::RecentSuccess).1, "100 % of 2 executions in 30 days");
    let command::Reply::Items { inverse, .. } = reply else { panic!("{reply:?}") };
    world.command(inverse[0].clone()).unwrap();
    assert_eq!(world.core.agent_spec(ben).unwrap().reports_to.as_deref(), Some("ann"));
    world.assert_durable();
}

#[test]
fn what_is_cached_is_what_would_be_worked_out_anew() {
    let mut world = World::new(FLEET);
    let kinds = ["build", "review", "deploy"];
    for round in 0..60_usize {
        let text = ["rust parser", "sql", "deploy it", ""][round % 4];
        let task = NewTask { kind: kinds[round % 3].to_owned(), max_attempts: 1, ..about(text) };
        let (id, _) = placed(&mut world, task);
        world.start(id);
        world.pass(Span::from_secs(i64::try_from(1 + round * round % 50).unwrap()));
        world.finish(id, if round % 4 == 1 { OutcomeKind::Failed } else { OutcomeKind::Succeeded });
        match round {
            20 => drop(world.command(Command::RateTasks { ids: vec![id], rating: Some(2), note: None }).unwrap()),
            30 => drop(world.apply("[defaults.selection.weights]\nrecent_success = 0.5").unwrap()),
            40 => drop(world.command(Command::RemoveAgents { ids: vec![world.agent("cyd")] }).unwrap()),
            45 => drop(world.apply("[[agent]]\nname = \"dot\"\ncage = \"003\"\nkeywords = [\"sql\"]").unwrap()),
            50 => world.pass(Span::from_secs(90_000)),
            _ => {}
        }
        if round == 50 {
            world.submit(task_at_rest());
        }
        // A state that was restored has no caches.
        let fresh = Core::restore(super::snapshot::of(&world));
        for kind in kinds {
            let cached = world.core.recommend(text, kind, Some(world.user), USUAL, 10);
            assert_eq!(cached, fresh.recommend(text, kind, Some(world.user), USUAL, 10), "round {round}, {kind}");
        }
    }
}

/// A task that starts nowhere: it only makes time pass for the state.
fn task_at_rest() -> NewTask {
    NewTask { agent: Some("ann".into()), ..bare() }
}
