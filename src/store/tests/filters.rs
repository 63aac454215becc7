//! The filter language over the store's tables gives what it gives in memory, and its totals are right.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::generator::{History, history};
use super::properties::commit;
use crate::domain::event::{CageDeclared, Event};
use crate::domain::filter::{Asker, Filter, Kind, Names, Row, Table, tables};
use crate::domain::id::UserId;
use crate::domain::quantity::{Bytes, Cpu, Span};
use crate::domain::{CageLimits, NetworkPolicy, TaskStatus, Timestamp};
use crate::store::connection::open_writer;
use crate::store::query::{self, ALL};
use crate::store::{COUNT_MAX, Error, JournalQuery, Page, Query, Reader, Store};

fn ask(filter: &str, now: Timestamp) -> Query {
    Query { filter: filter.to_owned(), limit: 100_000, now, uid: Some(1000), ..Query::default() }
}

/// What the store finds, beside what is found in memory among everything.
fn compare<T: Row + PartialEq + std::fmt::Debug>(
    table: &Table,
    text: &str,
    asker: &Asker<'_>,
    list: impl Fn(&Query) -> Result<Page<T>, Error>,
) -> Result<usize, TestCaseError> {
    let Ok(filter) = Filter::parse(table, text) else {
        prop_assert!(matches!(list(&ask(text, asker.now)), Err(Error::Refused(_))), "{text}");
        return Ok(0);
    };
    let all = list(&ask("", asker.now)).unwrap().items;
    let wanted: Vec<&T> = all.iter().filter(|row| filter.matches(table, *row, asker)).collect();
    let found = list(&ask(text, asker.now)).unwrap_or_else(|error| panic!("{text}: {error}"));
    prop_assert_eq!(found.items.iter().collect::<Vec<_>>(), &wanted[..], "{}: {}", table.name, text);
    prop_assert_eq!((found.total, found.more), (wanted.len() as u64, false), "{}", text);
    Ok(wanted.len())
}

/// Everything that the history's store has names for.
fn names(reader: &Reader) -> Names {
    let every = Query { limit: 1000, ..Query::default() };
    let agents = reader.agents(&every).unwrap().items.into_iter().map(|agent| (agent.id.0, agent.spec.name));
    let users = reader.users(&every).unwrap().items.into_iter().map(|user| (user.id.0, user.name));
    let nodes = reader.nodes(&every).unwrap().items.into_iter().map(|node| (node.id.0, node.name));
    agents.chain(users).chain(nodes).collect()
}

/// Texts that occur in histories, and some that do not.
const TEXTS: &[&str] = &[
    "analysis",
    "PROC",
    "prcsng",
    "ünïcode",
    "small",
    "red",
    "test",
    "broke",
    "agent",
    "agent-1",
    "=agent-2",
    "ada",
    "me",
    "here",
    "report_100%",
    "t e",
    "\"it \\\"broke\"",
    "something",
    "no more",
    "depend",
    "=red",
    "shell",
    "true",
    "none",
    "\"none\"",
    "zebra",
    "engine",
];

/// A value that fits a kind of field, most of the time.
fn value(kind: Kind, pick: usize, ids: &[Uuid], now: Timestamp) -> String {
    let op = ["", ">", ">=", "<", "<="][pick % 5];
    let spread = pick / 5;
    match kind {
        Kind::Text | Kind::Named(_) if spread.is_multiple_of(3) && !ids.is_empty() => {
            ids[spread % ids.len()].to_string()[..20].to_owned()
        }
        Kind::Text | Kind::Named(_) => TEXTS[spread % TEXTS.len()].to_owned(),
        Kind::Word(words) => {
            let all = (words.all)();
            format!("{},{}", all[spread % all.len()], all[spread / 7 % all.len()])
        }
        Kind::Whole => format!("{op}{}", [0, 1, 2, 3, 5, 8, 300][spread % 7]),
        Kind::Decimal => format!("{op}{}", ["0", "0.3", "0.5", "0.7", "1", "0.30000000000000004"][spread % 6]),
        Kind::Cores => format!("{op}{}", ["0", "1", "2", "1500m", "8"][spread % 5]),
        Kind::Size => format!("{op}{}", ["0", "4", "1MiB", "3MiB", "64MiB", "16GiB"][spread % 6]),
        Kind::Span => format!("{}{}", [">", "<", ">=", "<="][pick % 4], ["0s", "1ms", "20ms", "1h"][spread % 4]),
        Kind::Age => {
            format!("{}{}", [">", "<", ">=", "<="][pick % 4], ["1s", "10ms", "50ms", "200ms", "1h"][spread % 5])
        }
        Kind::Time | Kind::Due => match spread % 3 {
            0 => format!("{}{}ms", [">", "<", ">=", "<="][pick % 4], spread % 300),
            1 => format!("{op}{}", Timestamp::from_micros(now.as_micros() - (spread % 300) as i64 * 1000)),
            _ => format!("{op}2025-06-15"),
        },
        Kind::Since | Kind::Until => format!("{}ms", spread % 300),
        Kind::Flag => ["yes", "no"][spread % 2].to_owned(),
        Kind::Cage => ["1", "002", "1-2", ">2", "2..", "1,4"][spread % 6].to_owned(),
        Kind::Id(_) if ids.is_empty() => "0".to_owned(),
        Kind::Id(_) => ids[spread % ids.len()].to_string()[..[8, 13, 20, 36][spread % 4]].to_owned(),
    }
}

/// A random filter for a table.
fn text(table: &Table, picks: &[(usize, usize, bool)], ids: &[Uuid], now: Timestamp) -> String {
    let term = |(field, pick, negated): &(usize, usize, bool)| {
        let sign = if *negated { "-" } else { "" };
        let at = field % (table.fields.len() + 2);
        let Some(field) = table.fields.get(at) else { return format!("{sign}{}", TEXTS[pick % TEXTS.len()]) };
        let none = field.optional && pick % 11 == 0;
        let value = if none { "none".to_owned() } else { value(field.kind, *pick, ids, now) };
        // A second value for the same field.
        let second =
            if pick % 7 == 0 { format!(",{}", self::value(field.kind, pick / 3, ids, now)) } else { String::new() };
        format!("{sign}{}:{value}{second}", field.name)
    };
    picks.iter().map(term).collect::<Vec<_>>().join(" ")
}

/// A history with limits on cages, which the random ones rarely have.
fn rich(seed: u64, steps: usize) -> (History, tempfile::TempDir, Store) {
    let mut history = history(seed, steps);
    for record in history.records.clone() {
        let Event::CageDeclared(CageDeclared { mut spec, node_id }) = record.event else { continue };
        let number = u64::from(spec.id.number());
        spec.limits = CageLimits {
            cpu: (number != 2).then(|| Cpu::from_millis(number * 500)),
            memory: (number != 3).then(|| Bytes::from_mib(number)),
            wall: (number != 1).then(|| Span::from_secs(60)),
            tokens: Some("200k/h".parse().unwrap()),
            ..CageLimits::default()
        };
        spec.network =
            [NetworkPolicy::Unsaid, NetworkPolicy::Ports(vec![80])][usize::from(number.is_multiple_of(2))].clone();
        history.add(CageDeclared { spec, node_id });
    }
    let (folder, store) = commit(&history, 100);
    (history, folder, store)
}

/// Compares one random filter on every list.
fn compare_all(seed: u64, steps: usize, picks: &[(usize, usize, bool)]) -> Result<usize, TestCaseError> {
    let (history, _folder, store) = rich(seed, steps);
    let reader = store.reader().unwrap();
    let (names, now) = (names(&reader), history.time());
    let me: Vec<UserId> = history.users.clone();
    let asker = Asker { now, me: &me, names: &names };
    let mut ids: Vec<Uuid> = history.tasks.iter().map(|task| task.id.0).collect();
    ids.extend(history.agents.iter().map(|id| id.0));
    let filter = |table: &Table| text(table, picks, &ids, now);
    let mut found = compare(&tables::TASKS, &filter(&tables::TASKS), &asker, |query| reader.tasks(query))?;
    found += compare(&tables::EXECUTIONS, &filter(&tables::EXECUTIONS), &asker, |query| reader.executions(query))?;
    found += compare(&tables::AGENTS, &filter(&tables::AGENTS), &asker, |query| reader.agents(query))?;
    found += compare(&tables::AGENT_PERFORMANCE, &filter(&tables::AGENT_PERFORMANCE), &asker, |query| {
        reader.agent_performance(query)
    })?;
    found += compare(&tables::CAGES, &filter(&tables::CAGES), &asker, |query| reader.cages(query))?;
    found += compare(&tables::NODES, &filter(&tables::NODES), &asker, |query| reader.nodes(query))?;
    found += compare(&tables::ARTIFACTS, &filter(&tables::ARTIFACTS), &asker, |query| reader.artifacts(query))?;
    found += compare(&tables::ALERTS, &filter(&tables::ALERTS), &asker, |query| reader.alerts(query))?;
    found += compare(&tables::EVENTS, &filter(&tables::EVENTS), &asker, |query| reader.system_events(query))?;
    Ok(found)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_finds_what_memory_finds(
        seed: u64, steps in 50usize..300,
        picks in prop::collection::vec((any::<usize>(), 0usize..100_000, any::<bool>()), 1..4),
    ) {
        compare_all(seed, steps, &picks)?;
    }

    #[test]
    fn the_counts_kept_are_those_of_the_rows(seed: u64, steps in 0usize..400, batch in 1usize..60) {
        let history = history(seed, steps);
        let (_folder, store) = commit(&history, batch);
        let reader = store.reader().unwrap();
        let all = reader.tasks(&ask("", history.time())).unwrap();
        prop_assert_eq!(all.total, all.items.len() as u64);
        for status in TaskStatus::ALL {
            // A page of nothing has to be counted.
            let query = Query { limit: 0, ..ask(&format!("status:{status}"), history.time()) };
            let count = all.items.iter().filter(|task| task.status == *status).count() as u64;
            prop_assert_eq!(reader.tasks(&query).unwrap().total, count, "{}", status);
        }
        let executions = reader.executions(&ask("", history.time())).unwrap();
        prop_assert_eq!(executions.total, executions.items.len() as u64);
        for status in ["starting", "running", "completed", "failed", "starting,running,running"] {
            let query = Query { limit: 0, ..ask(&format!("status:{status}"), history.time()) };
            let count = executions.items.iter().filter(|e| status.split(',').any(|word| word == e.status.as_str())).count();
            prop_assert_eq!(reader.executions(&query).unwrap().total, count as u64, "{}", status);
        }
        let allocations = reader.allocations(&ask("", history.time())).unwrap();
        prop_assert_eq!(allocations.total, allocations.items.len() as u64);
    }

    #[test]
    fn a_page_is_the_same_from_either_end(seed: u64, offset in 0u64..80, limit in 0u64..30, sort in 0usize..8) {
        let history = history(seed, 250);
        let (_folder, store) = commit(&history, 100);
        let reader = store.reader().unwrap();
        let sort = ["", "priority", "-priority", "deadline", "-deadline", "-priority,created_at", "age", "-duration"][sort];
        let query = |filter: &str, limit, offset| {
            let sort = (!sort.is_empty()).then(|| sort.to_owned());
            Query { sort, limit, offset, ..ask(filter, history.time()) }
        };
        // With a filter whose total is not known the list is read from its front.
        let whole = reader.tasks(&query("priority:>=1", 1000, 0)).unwrap().items;
        let page = reader.tasks(&query("", limit, offset)).unwrap().items;
        let wanted: Vec<_> = whole.into_iter().skip(offset as usize).take(limit as usize).collect();
        prop_assert_eq!(page, wanted, "{}", sort);
    }

    #[test]
    fn the_journal_is_the_same_from_either_end_and_in_parts(
        seed: u64, limit in 1usize..40,
        picks in prop::collection::vec((any::<usize>(), 0usize..100_000, any::<bool>()), 0..3),
    ) {
        let history = history(seed, 200);
        let (_folder, store) = commit(&history, 100);
        let reader = store.reader().unwrap();
        let (names, now) = (names(&reader), history.time());
        let asker = Asker { now, me: &history.users, names: &names };
        let ids: Vec<Uuid> = history.tasks.iter().map(|task| task.id.0).collect();
        let text = text(&tables::JOURNAL, &picks, &ids, now);
        let Ok(filter) = Filter::parse(&tables::JOURNAL, &text) else { return Ok(()) };
        let all = reader.journal(0, usize::MAX).unwrap();
        let record = |row: &crate::store::JournalRow| crate::domain::filter::JournalRecord {
            seq: row.seq, time: row.time, actor: &row.actor, kind: &row.kind, body: row.body.get(),
        }.seq;
        let wanted: Vec<u64> = all.iter().filter(|row| {
            let record = crate::domain::filter::JournalRecord {
                seq: row.seq, time: row.time, actor: &row.actor, kind: &row.kind, body: row.body.get(),
            };
            filter.matches(&tables::JOURNAL, &record, &asker)
        }).map(record).collect();
        for newest_first in [false, true] {
            let mut query = JournalQuery { newest_first, limit, filter: text.clone(), now, uid: Some(1000), ..JournalQuery::default() };
            let mut found = vec![];
            loop {
                let page = reader.records(&query).unwrap();
                prop_assert!(page.rows.len() <= limit);
                found.extend(page.rows.iter().map(record));
                match page.next {
                    Some(next) if newest_first => query.before = Some(next),
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
            if newest_first {
                found.reverse();
            }
            prop_assert_eq!(&found, &wanted, "{} {}", text, newest_first);
        }
    }
}

#[test]
fn random_filters_find_something_often_enough_to_mean_something() {
    let mut found = BTreeMap::new();
    for field in 0..tables::TASKS.fields.len() {
        let some = (0..12).any(|pick| compare_all(5, 250, &[(field, pick * 7919, false)]).unwrap() > 0);
        found.insert(field, some);
    }
    assert!(found.values().filter(|some| **some).count() > found.len() * 3 / 4, "{found:?}");
}

#[test]
fn every_field_of_every_listing_is_stored_and_every_sort_works() {
    let (_history, _folder, store) = rich(3, 200);
    let reader = store.reader().unwrap();
    for listing in ALL {
        for field in listing.table().fields {
            let sample = match field.kind {
                Kind::Word(words) => (words.all)().join(","),
                Kind::Flag => "yes".to_owned(),
                Kind::Span | Kind::Age => "<1h".to_owned(),
                Kind::Time | Kind::Due | Kind::Since | Kind::Until => "2025-06-15".to_owned(),
                _ => "1".to_owned(),
            };
            for filter in [format!("{}:{sample}", field.name), format!("-{}:{sample} word", field.name)] {
                read_any(&reader, listing.table().name, &Query { filter, ..Query::default() });
            }
            let sort = Some(format!("-{}", field.name)).filter(|_| listing.sorts().contains(&field.name));
            read_any(&reader, listing.table().name, &Query { sort, ..Query::default() });
        }
    }
}

fn read_any(reader: &Reader, list: &str, query: &Query) {
    let result = match list {
        "tasks" => reader.tasks(query).map(drop),
        "executions" => reader.executions(query).map(drop),
        "agents" => reader.agents(query).map(drop),
        "agent-performance" => reader.agent_performance(query).map(drop),
        "cages" => reader.cages(query).map(drop),
        "nodes" => reader.nodes(query).map(drop),
        "resources" => reader.resources(query).map(drop),
        "allocations" => reader.allocations(query).map(drop),
        "artifacts" => reader.artifacts(query).map(drop),
        "users" => reader.users(query).map(drop),
        "alerts" => reader.alerts(query).map(drop),
        "events" => reader.system_events(query).map(drop),
        other => panic!("{other}"),
    };
    result.unwrap_or_else(|error| panic!("{list}: {query:?}: {error}"));
}

#[test]
fn what_does_not_exist_is_refused_as_an_option_and_empty_as_a_filter() {
    let (_history, _folder, store) = rich(3, 200);
    let reader = store.reader().unwrap();
    let exact = |name: &str, value: &str| {
        reader.tasks(&Query { filters: vec![(name.to_owned(), value.to_owned())], ..Query::default() })
    };
    for (name, value) in [("cage", "999"), ("agent", "nobody"), ("owner", "nobody"), ("task", "ffffffff")] {
        match exact(name, value) {
            Err(Error::Refused(refusal)) => assert!(refusal.to_string().contains("does not exist"), "{refusal}"),
            other => panic!("{name}={value}: {other:?}"),
        }
    }
    assert!(exact("cage", "1").is_ok() && exact("cage", "none").is_ok() && exact("since", "1h").is_ok());
    assert_eq!(reader.tasks(&ask("cage:999 agent:nobody", Timestamp::EPOCH)).unwrap().total, 0);
    assert!(reader.tasks(&ask("cage:1001", Timestamp::EPOCH)).is_err());
}

#[test]
fn a_text_cannot_reach_the_statement() {
    let (_history, _folder, store) = rich(3, 100);
    let reader = store.reader().unwrap();
    for hostile in
        ["error:'", "type:=\"' OR 1=1 --\"", "';DROP\u{20}TABLE\u{20}task;--", "error:\"%_?1\"", "agent:=\"x')--\""]
    {
        assert_eq!(reader.tasks(&ask(hostile, Timestamp::EPOCH)).unwrap().total, 0, "{hostile}");
    }
    assert!(reader.tasks(&Query::default()).unwrap().total > 0);
}

#[test]
fn what_people_ask_for_all_the_time_is_found_by_an_index() {
    let (_history, _folder, store) = rich(3, 100);
    let reader = store.reader().unwrap();
    let steps = |listing, filter: &str, sort: &str| reader.plan(listing, filter, sort);
    for (filter, sort, index) in [
        ("", "-priority", "task_priority"),
        ("", "priority", "task_priority"),
        ("", "-created_at", "task_created"),
        ("", "age", "task_created"),
        ("status:pending", "", "task_open"),
        ("status:pending,running", "-priority", "task_priority"),
        ("status:failed", "", "task_unsuccessful"),
        ("status:completed", "-completed_at", "task_ended"),
        ("status:completed,failed,cancelled", "-completed_at", "task_ended"),
        ("status:pending priority:>7", "", "task_open"),
        ("id:01977420", "", "task_id"),
    ] {
        let plan = steps(&query::TASKS, filter, sort);
        // The second sort is of the page alone.
        let sorted = plan.iter().filter(|step| step.contains("USE TEMP B-TREE FOR ORDER BY")).count();
        assert!(plan.iter().any(|step| step.contains(index)), "{filter} {sort}: {plan:?}");
        assert!(sorted <= 1 || filter.starts_with("id"), "{filter} {sort}: {plan:?}");
    }
    // However many: the console asks so for what a screen full of agents does.
    let whole: Vec<String> = (1..200_u128).map(|id| uuid::Uuid::from_u128(id << 64).to_string()).collect();
    for sort in ["", "-created_at"] {
        let plan = steps(&query::TASKS, &format!("id:{}", whole.join(",")), sort);
        assert!(plan.iter().any(|step| step.contains("task_id (id=?)")), "{sort}: {plan:?}");
    }
    for filter in ["since:1h", "age:<1h priority:>3"] {
        let plan = steps(&query::TASKS, filter, "");
        assert!(plan.iter().any(|step| step.contains("INTEGER PRIMARY KEY (rowid>?)")), "{filter}: {plan:?}");
    }
    let plan = steps(&query::EXECUTIONS, "status:running", "");
    assert!(plan.iter().any(|step| step.contains("execution_live")), "{plan:?}");
}

#[test]
fn counting_has_a_bound_and_says_so() {
    let (_history, folder, store) = rich(3, 60);
    let known = store.reader().unwrap().tasks(&Query::default()).unwrap().total;
    let writer = open_writer(folder.path(), false).unwrap();
    writer
        .execute_batch(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300000)
             INSERT INTO task (seq, id, type, status, priority, dependencies, approval_gate, max_attempts, attempts, losses,
                 executions, preemptible, created_by, created_at, updated_at)
             SELECT 1000000 + x, unhex(printf('%032x', x)), iif(x IN (1, 300000), 'rare', 'bulk'), 'pending', 1 + x % 10, 0, 0,
                 3, 0, 0, 0, 0, zeroblob(16), 1, 1 FROM n;
             UPDATE listed SET rows = rows + 300000 WHERE list = 'task' AND status = 'pending';",
        )
        .unwrap();
    let reader = store.reader().unwrap();
    let total = |filter: &str, limit, offset| {
        let page = reader.tasks(&Query { limit, offset, ..ask(filter, Timestamp::EPOCH) }).unwrap();
        (page.items.len(), page.total, page.more)
    };
    assert_eq!(total("", 5, 0), (5, known + 300_000, false), "kept, not counted");
    assert_eq!(total("type:bulk", 5, 0), (5, COUNT_MAX, true));
    assert_eq!(total("type:bulk", 5, 150_000), (5, 150_005, true), "never fewer than were seen");
    // Two rows, far apart: the first page is full before counting has come to the second.
    let rare = "priority:>=0 attempts:>=0 preemptible:no type:rare";
    assert_eq!(total(rare, 1, 0), (1, 1, true));
    assert_eq!(total(rare, 5, 0), (2, 2, false), "a page that is not full has the total");
    assert_eq!(total(rare, 5, 2), (0, 0, true));
    // Having run out once, the reader goes on as before.
    assert_eq!(total("priority:1 type:bulk", 5, 0).0, 5);
    assert_eq!(total(rare, 5, 0), (2, 2, false));
}
