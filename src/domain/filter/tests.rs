//! The language: what is read, what is refused and how.

use proptest::prelude::*;

use super::*;
use crate::domain::artifact::ArtifactType;
use crate::domain::task::TaskStatus;

fn parse(text: &str) -> Filter {
    Filter::parse(&tables::TASKS, text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

fn refusal(text: &str) -> Refusal {
    match Filter::parse(&tables::TASKS, text) {
        Err(refusal) => refusal,
        Ok(filter) => panic!("{text} is read as {filter:?}"),
    }
}

/// A row that gives what it is told to.
struct Given(Vec<(&'static str, Cell<'static>)>);

impl Row for Given {
    fn cells(&self, field: &str, _: Timestamp, visit: &mut dyn FnMut(Cell<'_>)) {
        self.0.iter().filter(|(name, _)| *name == field).for_each(|(_, cell)| visit(*cell));
    }
}

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const HOUR: i64 = 3_600_000_000;

fn holds(text: &str, cells: &[(&'static str, Cell<'static>)]) -> bool {
    let names = Names::from([(Uuid::from_u128(7), "Tester".to_owned())]);
    let asker = Asker { now: NOW, me: &[UserId(Uuid::from_u128(9))], names: &names };
    parse(text).matches(&tables::TASKS, &Given(cells.to_vec()), &asker)
}

#[test]
fn numbers_compare_and_ranges_have_both_ends() {
    let has = |text: &str| (1..=10).filter(|n| holds(text, &[("priority", Cell::Number(*n))])).collect::<Vec<_>>();
    for (text, expected) in [
        ("priority:7", vec![7]),
        ("priority:=7", vec![7]),
        ("priority:>7", vec![8, 9, 10]),
        ("priority:>=7", vec![7, 8, 9, 10]),
        ("priority:<3", vec![1, 2]),
        ("priority:<=3", vec![1, 2, 3]),
        ("priority:3..5", vec![3, 4, 5]),
        ("priority:9..", vec![9, 10]),
        ("priority:..2", vec![1, 2]),
        ("priority:1,>8,4..5", vec![1, 4, 5, 9, 10]),
        ("-priority:<9", vec![9, 10]),
        ("priority:>2 priority:<5", vec![3, 4]),
    ] {
        assert_eq!(has(text), expected, "{text}");
    }
}

#[test]
fn ages_count_back_and_deadlines_forward() {
    let age = |text: &str, hours: i64| holds(text, &[("age", Cell::Number(NOW.as_micros() - hours * HOUR))]);
    assert!(age("age:<2h", 1) && !age("age:<2h", 2) && !age("age:<2h", 3));
    assert!(age("age:<=2h", 2) && !age("age:>2h", 2) && age("age:>=2h", 2) && age("age:>2h", 3));
    assert!(age("age:1h..3h", 1) && age("age:1h..3h", 3) && !age("age:1h..3h", 4) && !age("age:1h..3h", 0));
    let due = |text: &str, hours: i64| holds(text, &[("deadline", Cell::Number(NOW.as_micros() + hours * HOUR))]);
    assert!(due("deadline:<2h", 1) && due("deadline:<2h", -1) && !due("deadline:<2h", 3));
    assert!(due("deadline:<now", -1) && !due("deadline:<now", 1) && due("deadline:>now", 1));
    assert!(!holds("deadline:<2h", &[]) && holds("deadline:none", &[]) && !due("deadline:none", 1));
    assert!(holds("-deadline:<2h", &[]), "what has no deadline is not due");
}

#[test]
fn times_are_instants_days_or_spans_ago() {
    let at = |text: &str, time: &str| {
        holds(text, &[("created_at", Cell::Number(time.parse::<Timestamp>().unwrap().as_micros()))])
    };
    let (last, next) = ("2026-03-01T23:59:59.999999Z", "2026-03-02T00:00:00Z");
    assert!(at("created_at:2026-03-01", last) && !at("created_at:2026-03-01", next));
    assert!(at("created_at:<=2026-03-01", last) && !at("created_at:<2026-03-01", last));
    assert!(!at("created_at:>2026-03-01", last) && at("created_at:>2026-03-01", next));
    assert!(at("created_at:2026-03-01..2026-03-02", next) && at("created:2026-03-02T00:00:00Z", next));
    let hours_ago = |text: &str, hours: i64| {
        let cell = Cell::Number(NOW.as_micros() - hours * HOUR);
        holds(text, &[("created_at", cell), ("since", cell), ("until", cell)])
    };
    assert!(hours_ago("created_at:>2h", 1) && !hours_ago("created_at:>2h", 3));
    assert!(hours_ago("since:2h", 2) && !hours_ago("since:2h", 3));
    assert!(hours_ago("until:2h", 3) && !hours_ago("until:2h", 2));
}

#[test]
fn text_occurs_and_is_exact_on_request() {
    let error = |text: &str| holds(text, &[("error", Cell::Text("Out of Memory, sorry"))]);
    assert!(error("error:memory") && error("error:\"of memory, s\"") && !error("error:=memory"));
    assert!(error("error:=\"Out of Memory, sorry\"") && !error("error:=\"out of memory, sorry\""));
    assert!(error("error:disk,memory") && !error("error:disk,gpu") && !error("error:none"));
    assert!(holds("error:none", &[]) && !holds("error:\"none\"", &[]));
    assert!(holds("error:\"none\"", &[("error", Cell::Text("None found"))]));
    let tags = [("tag", Cell::Text("nightly")), ("tag", Cell::Text("slow"))];
    assert!(holds("tag:slow tag:nightly -tag:fast", &tags) && !holds("-tag:slow", &tags));
}

#[test]
fn names_are_found_by_parts_and_ids_by_their_beginning() {
    let tester = [("agent", Cell::Id(Uuid::from_u128(7)))];
    assert!(holds("agent:test", &tester) && holds("agent:=Tester", &tester) && !holds("agent:=tester", &tester));
    assert!(holds("agent:00000000", &tester) && !holds("agent:00000001", &tester));
    assert!(!holds("agent:\"00000000\"", &tester), "quoted, it is a name");
    assert!(!holds("agent:none", &tester) && holds("agent:none", &[]));
    let mine = [("owner", Cell::Id(Uuid::from_u128(9)))];
    assert!(holds("owner:me", &mine) && !holds("owner:me", &[("owner", Cell::Id(Uuid::from_u128(8)))]));
    let id = [("id", Cell::Id(Uuid::from_u128(0x0199_a8e3_4b2c_7f3a_9d21_0123_4567_89ab)))];
    for prefix in ["0", "0199a8e3", "0199A8E3-4b", "0199a8e34b2c7f3a9d210123456789ab"] {
        assert!(holds(&format!("id:{prefix}"), &id), "{prefix}");
    }
    assert!(!holds("id:0199a8e4", &id));
}

#[test]
fn words_are_found_when_their_letters_stand_close() {
    let command = |text: &str| holds(text, &[("command", Cell::Text("cargo build --release"))]);
    assert!(command("build") && command("BUILD release") && command("crgbld") && command("-test"));
    assert!(!command("cgr") && command("car"), "few letters have to stand side by side");
    assert!(!command("releases") && !command("dliub") && !command("cargobuildx"));
    assert!(command("\"build --rel\"") && !command("\"bld\"") && !command("-\"cargo build\""));
    assert!(holds("ÜBUNG", &[("type", Cell::Text("meine übung"))]));
    assert!(holds("testr", &[("agent", Cell::Id(Uuid::from_u128(7)))]), "names count as text");
    let executing = [("status", Cell::Text("executing"))];
    assert!(holds("executing", &executing) && holds("Exec", &executing) && holds("running", &executing));
    assert!(!holds("-exe", &executing) && holds("-failed", &executing));
    assert!(!holds("ex", &executing) && !holds("ing", &executing), "most rows would be full of so little");
    assert!(!holds("exctng", &executing), "a status has few spellings and none is guessed");
    // Over three words of a sentence nearly everything would be spread.
    assert!(!text::Needle::fuzzy("histo").is_in("puts the findings together"));
    assert!(text::Needle::fuzzy("histo").is_in("historian"));
    // The window is three times the word: eight letters in between are too many for four.
    assert!(text::Needle::fuzzy("abcd").is_in("a--b--c----d") && !text::Needle::fuzzy("abcd").is_in("a---b---c---d"));
    assert!(text::Needle::fuzzy("aabc").is_in("a a a a a a a a a abc"), "a later beginning may be the right one");
}

#[test]
fn statuses_take_every_spelling_and_no_other() {
    for status in TaskStatus::ALL {
        assert!(holds(&format!("status:{status}"), &[("status", Cell::Text(status.as_str()))]));
    }
    assert!(holds("status:Running", &[("status", Cell::Text("executing"))]));
    assert!(holds("status:failed,cancelled", &[("status", Cell::Text("cancelled"))]));
    let refused = refusal("priority:3 status:faild");
    assert_eq!(refused.field, "filter, column 19: status");
    assert!(refused.hint.contains("failed") && refused.value == "faild", "{refused}");
}

#[test]
fn a_word_that_people_use_stands_for_every_spelling_that_it_means() {
    let is = |text: &str, status: &'static str| holds(text, &[("status", Cell::Text(status))]);
    for text in ["status:queued", "status:=Queued", "queued", "status:failed,queued"] {
        assert!(is(text, "pending") && is(text, "scheduled") && !is(text, "executing"), "{text}");
    }
    assert!(is("status:running", "executing") && is("running", "executing") && !is("status:running", "pending"));
    assert!(is("-status:queued", "executing") && !is("-status:queued", "scheduled"));
    let exactly = Filter { terms: vec![Filter::exactly(&tables::TASKS, "status", "queued").unwrap()] };
    assert_eq!(format!("{exactly:?}"), format!("{:?}", parse("status:pending,scheduled")));
    assert_eq!(complete::complete(&tables::TASKS, "status:que"), ["status:queued"]);
    assert!(holds("mem:>1GiB", &[("memory", Cell::Number(2 << 30))]));
}

#[test]
fn refusals_name_place_value_and_what_is_allowed() {
    for (text, words) in [
        ("stats:failed", &["column 1:", "\"stats\"", "status", "did you mean \"status\"", "quotes"][..]),
        ("http://x", &["column 1:", "http", "quotes"]),
        ("build  priority:high", &["column 17", "priority", "\"high\"", "3..7"]),
        ("priority:", &["column 10", "nothing stands after"]),
        ("priority:1,,2", &["column 12"]),
        ("age:1h", &["column 5", "say <1h or >1h"]),
        ("age:<soon", &["column 5", "soon", "<10m"]),
        ("type:>7", &["only numbers"]),
        ("cage:0", &["001 to 1000"]),
        ("cage:20-x", &["001 to 1000"]),
        ("gate:perhaps", &["yes or no"]),
        ("id:xyz", &["first digits"]),
        ("memory:>lots", &["512MiB"]),
        ("priority:none", &["\"none\""]),
        ("error:\"open", &["column 7", "closing quote"]),
        ("error:\"a\"b", &["column 10", "blank or a comma"]),
        ("-", &["column 1", "FIELD:VALUE"]),
        ("type:a priority:+5", &["column 17"]),
        ("created_at:2026-13-01", &["2026-01-31"]),
        ("priority:..", &["column 10"]),
    ] {
        let sentence = refusal(text).to_string();
        for word in words {
            assert!(sentence.contains(word), "{text}: no {word:?} in: {sentence}");
        }
    }
    let long = refusal(&"x ".repeat(1 << 19));
    assert!(long.to_string().len() < 200 && long.allowed.contains("20000"), "{long}");
    // As many ids as may be named fit in it: consoles ask for the rows in sight that way.
    let ids = vec![Uuid::nil().to_string(); super::parse::VALUES_MAX].join(",");
    assert!(ids.len() + 100 <= super::parse::CHARS_MAX, "{} characters", ids.len());
    assert!(refusal(&"a,".repeat(2000).replace("a,a", "a a")).to_string().len() < 300);
    assert!(refusal(&format!("type:{}", "a,".repeat(1000))).to_string().len() < 300);
}

#[test]
fn cages_are_numbers_and_ranges() {
    let cage = |text: &str, number: i64| holds(text, &[("cage", Cell::Number(number))]);
    assert!(cage("cage:003", 3) && cage("cage:3", 3) && !cage("cage:3", 30));
    assert!(cage("cage:1-20", 20) && cage("cage:1..20", 1) && !cage("cage:1-20", 21) && cage("cage:>20", 21));
    assert!(cage("cage:1-5,9", 9) && holds("cage:none", &[]));
}

#[test]
fn an_exact_value_is_no_filter_text() {
    let term = |field: &str, value: &str| Filter::exactly(&tables::TASKS, field, value);
    let wants = |field: &str, value: &str| match term(field, value).unwrap().test {
        Test::Field(_, wants) => wants,
        Test::Word(_) => panic!("a field"),
    };
    assert_eq!(wants("type", "a b"), [Want::Exactly("a b".into())]);
    assert_eq!(wants("status", "pending, running"), [Want::Word("pending"), Want::Word("executing")]);
    assert!(term("since", "1h").is_ok() && term("prority", "3").is_err() && term("priority", ">3").is_err());
}

#[test]
fn completion_offers_what_fits() {
    let offered = |text: &str| complete::complete(&tables::TASKS, text);
    assert!(offered("").contains(&"status:".to_owned()));
    assert_eq!(offered("build pri"), ["priority:"]);
    assert_eq!(offered("status:f"), ["status:failed"]);
    assert_eq!(offered("-status:pending,c"), ["-status:pending,completed", "-status:pending,cancelled"]);
    assert_eq!(offered("owner:"), ["owner:me"]);
    assert_eq!(offered("deadline:n"), ["deadline:none"]);
    assert!(offered("nothing:x").is_empty());
    // What is offered is read.
    for table in tables::ALL {
        for field in table.fields {
            for offer in complete::complete(table, &format!("{}:", field.name)) {
                Filter::parse(table, &offer).unwrap_or_else(|refusal| panic!("{}: {offer}: {refusal}", table.name));
            }
        }
    }
}

#[test]
fn no_name_means_two_things() {
    for table in tables::ALL {
        let mut names: Vec<&str> =
            table.fields.iter().flat_map(|field| field.aliases.iter().chain([&field.name])).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}", table.name);
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }
}

#[test]
fn a_record_is_found_by_what_stands_in_it() {
    let names = Names::from([(Uuid::from_u128(7), "tester".to_owned()), (Uuid::from_u128(8), "ada".to_owned())]);
    let body = r#"{"agent_id":"00000000-0000-0000-0000-000000000007","cage_id":"003","note":"a \"quoted\" word"}"#;
    let actor = "user:00000000-0000-0000-0000-000000000008";
    let record = JournalRecord { seq: 5, time: NOW, actor, kind: "agent_moved", body };
    let asker = Asker { now: NOW, me: &[UserId(Uuid::from_u128(8))], names: &names };
    let has = |text: &str| Filter::parse(&tables::JOURNAL, text).unwrap().matches(&tables::JOURNAL, &record, &asker);
    assert!(has("object:tester") && has("object:=003") && has("object:00000000-0000") && has("object:word"));
    assert!(!has("object:cage_id") && !has("object:=03") && !has("object:ada"), "keys are not what a record is about");
    assert!(has("actor:ada") && has("actor:me") && !has("actor:engine") && has("kind:agent") && has("seq:>=5"));
    assert!(has("agentmoved ada") && !has("submitted"));
    assert!(has("actor:user") && !has("actor:node"));
    let node = JournalRecord { actor: "node:00000000-0000-0000-0000-000000000007", ..record };
    let by = |text: &str| Filter::parse(&tables::JOURNAL, text).unwrap().matches(&tables::JOURNAL, &node, &asker);
    assert!(by("actor:node") && by("-actor:user") && !by("actor:engine"));
    let engine = JournalRecord { actor: "engine", ..record };
    assert!(Filter::parse(&tables::JOURNAL, "actor:engine").unwrap().matches(&tables::JOURNAL, &engine, &asker));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}", noise in any::<String>()) {
        for table in tables::ALL {
            let _ = Filter::parse(table, &text);
            let _ = Filter::parse(table, &noise);
            let _ = complete::complete(table, &text);
        }
    }

    #[test]
    fn anything_that_looks_like_a_filter_is_read_or_refused(
        terms in prop::collection::vec((0usize..60, "[-]?", "[<>=]{0,2}", "[0-9a-zA-Z.,:\"-]{0,12}"), 0..6)
    ) {
        for table in tables::ALL {
            let text: Vec<String> = terms.iter().map(|(place, sign, op, value)| {
                format!("{sign}{}:{op}{value}", table.fields[place % table.fields.len()].name)
            }).collect();
            if let Ok(filter) = Filter::parse(table, &text.join(" ")) {
                let names = Names::new();
                let asker = Asker { now: NOW, me: &[], names: &names };
                filter.matches(table, &Given(vec![]), &asker);
            }
        }
    }

    #[test]
    fn a_needle_is_where_a_plain_search_finds_it(word in "[a-cA-Cäß]{1,6}", text in "[a-cA-C ä-]{0,30}") {
        prop_assert_eq!(text::Needle::plain(&word).is_in(&text), text.to_lowercase().contains(&word.to_lowercase()));
        if text::Needle::plain(&word).is_in(&text) {
            prop_assert!(text::Needle::fuzzy(&word).is_in(&text), "what is there as it is, is there spread");
        }
    }
}

#[test]
fn the_kinds_of_artifacts_are_offered() {
    let offered = complete::complete(&tables::ARTIFACTS, "type:");
    assert_eq!(offered.len(), ArtifactType::ALL.len());
}
