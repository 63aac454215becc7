//! What dashboards show, beside the same by hand over everything.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::generator::{History, history};
use super::properties::commit;
use crate::domain::dashboard::TopBy;
use crate::domain::event::Event;
use crate::domain::{Day, Execution, OutcomeKind, Span, Timestamp};
use crate::store::{Query, Reader, TimelineQuery, alert_history, dashboards};

const ALL: u64 = 100_000;

fn everything() -> Query {
    Query { limit: ALL, ..Query::default() }
}

fn last(history: &History) -> Timestamp {
    history.records.last().map_or(Timestamp::EPOCH, |record| record.time).plus(Span::from_secs(1))
}

/// The same step for every execution apart from each other.
const FINE: Span = Span::from_micros(1);

fn under_way(execution: &Execution, from: Timestamp, to: Timestamp) -> bool {
    let began = execution.started_at.unwrap_or(execution.created_at);
    began < to && execution.completed_at.is_none_or(|ended| ended >= from)
}

/// Cages with how many executions were under way in each.
fn cages(reader: &Reader, query: &TimelineQuery) -> BTreeMap<String, u64> {
    let found = reader.timeline(query).unwrap();
    assert_eq!(found.complete_from, query.from);
    let sum = |row: &crate::domain::dashboard::TimelineRow| row.spans.iter().map(|span| span.count).sum();
    found.rows.iter().map(|row| (row.cage_id.to_string(), sum(row))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn they_are_what_the_same_by_hand_gives(seed: u64, steps in 20usize..300) {
        let history = history(seed, steps);
        let (_folder, store) = commit(&history, 50);
        let reader = store.reader().unwrap();
        let (begin, end) = (Timestamp::from_micros(0), last(&history));

        let days = reader.agent_performance(&everything()).unwrap().items;
        let mut by_agent: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        let mut by_day: BTreeMap<Day, (u64, u64, u64)> = BTreeMap::new();
        for day in &days {
            let agent = by_agent.entry(day.agent_id).or_default();
            *agent = (agent.0 + day.execution_count, agent.1 + day.success_count);
            let sum = by_day.entry(day.date).or_default();
            *sum = (sum.0 + day.execution_count, sum.1 + day.success_count, sum.2 + 1);
        }
        for by in TopBy::ALL {
            let top = reader.top_agents(Day::of(begin), *by, ALL).unwrap();
            let found: BTreeMap<_, _> =
                top.iter().map(|agent| (agent.agent_id, (agent.execution_count, agent.success_count))).collect();
            prop_assert_eq!(&found, &by_agent);
            let figures: Vec<u64> = top.iter().map(|agent| match by {
                TopBy::Executions => agent.execution_count,
                TopBy::Successes => agent.success_count,
                TopBy::Failures => agent.execution_count - agent.success_count,
                TopBy::Time => agent.busy_ms.unwrap_or(0),
                TopBy::Tokens => agent.total_tokens_used.map_or(0, |tokens| tokens + 1),
            }).collect();
            prop_assert!(figures.is_sorted_by(|one, other| one >= other), "{by}: {figures:?}");
        }
        let found: BTreeMap<_, _> = reader.days(Day::of(begin)).unwrap().into_iter()
            .map(|day| (day.date, (day.execution_count, day.success_count, day.agents))).collect();
        prop_assert_eq!(found, by_day);

        let executions = reader.executions(&everything()).unwrap().items;
        let middle = Timestamp::from_micros(i64::midpoint(history.records[0].time.as_micros(), end.as_micros()));
        for (from, to) in [(begin, end), (history.records[0].time, middle), (middle, end)] {
            let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
            for execution in executions.iter().filter(|execution| under_way(execution, from, to)) {
                *wanted.entry(execution.cage_id.to_string()).or_default() += 1;
            }
            let query = TimelineQuery { from, to, step: FINE, offset: 0, limit: ALL };
            prop_assert_eq!(&cages(&reader, &query), &wanted);
            // However coarse, nothing is lost.
            let coarse = TimelineQuery { step: Span::from_secs(3_600), ..query };
            prop_assert_eq!(&cages(&reader, &coarse), &wanted);
            let parts: usize = (0..=wanted.len() as u64)
                .map(|offset| cages(&reader, &TimelineQuery { offset, limit: 1, ..query }).len()).sum();
            prop_assert_eq!(parts, wanted.len());
        }

        let wrong = |execution: &&Execution| execution.outcome.as_ref().is_some_and(|outcome| !matches!(
            outcome.kind, OutcomeKind::Succeeded | OutcomeKind::Cancelled | OutcomeKind::Preempted
        ));
        let wanted = executions.iter().filter(wrong).count() as u64;
        let errors = reader.errors(begin).unwrap();
        prop_assert_eq!((errors.looked_at, errors.groups.iter().map(|group| group.count).sum()), (wanted, wanted));
        let of = |kind: OutcomeKind| errors.groups.iter().filter(|group| group.outcome == kind).map(|it| it.count).sum::<u64>();
        for kind in OutcomeKind::ALL {
            let wanted = executions.iter().filter(wrong)
                .filter(|one| one.outcome.as_ref().is_some_and(|outcome| outcome.kind == *kind)).count() as u64;
            prop_assert_eq!(of(*kind), wanted);
        }

        let tasks = reader.tasks(&everything()).unwrap().items;
        let who: BTreeMap<_, _> = tasks.iter().map(|task| (task.id, task.assigned_agent_id)).collect();
        let names: BTreeMap<_, _> = reader.agents(&everything()).unwrap().items.into_iter()
            .map(|agent| (agent.id, agent.spec.name)).collect();
        let mut wanted: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut all = 0;
        for (task, on) in tasks.iter().flat_map(|task| task.depends_on.iter().map(move |on| (task, on))) {
            all += 1;
            if let (Some(from), Some(to)) = (who.get(on).copied().flatten(), task.assigned_agent_id) {
                let called = |id| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
                *wanted.entry((called(from), called(to))).or_default() += 1;
            }
        }
        let found = reader.collaboration(begin).unwrap();
        let links: BTreeMap<_, _> = found.links.iter()
            .map(|link| ((link.from.clone(), link.to.clone()), link.tasks)).collect();
        prop_assert_eq!(found.looked_at, all);
        prop_assert_eq!(found.open, all - wanted.values().sum::<u64>());
        prop_assert_eq!(links, wanted);
    }

    #[test]
    fn the_history_of_an_alert_is_every_record_about_it(seed: u64, steps in 50usize..300) {
        let history = history(seed, steps);
        let (_folder, store) = commit(&history, 50);
        let reader = store.reader().unwrap();
        let alerts = reader.alerts(&everything()).unwrap().items;
        for alert in &alerts {
            let about = |event: &Event| match event {
                Event::AlertRaised(event) => event.alert.id == alert.id,
                Event::AlertReopened(event) => event.alert.id == alert.id,
                Event::AlertRepeated(event) => event.alert_id == alert.id,
                Event::AlertAcknowledged(event) => event.alert_id == alert.id,
                Event::AlertUnacknowledged(event) => event.alert_id == alert.id,
                Event::AlertSilenced(event) => event.alert_id == alert.id,
                Event::AlertResolved(event) => event.alert_id == alert.id,
                _ => false,
            };
            let mut wanted: Vec<u64> =
                history.records.iter().filter(|record| about(&record.event)).map(|record| record.seq).collect();
            wanted.reverse();
            let found: Vec<u64> = reader.alert_history(alert.id).unwrap().iter().map(|row| row.seq).collect();
            prop_assert_eq!(found, wanted);
        }
        let mut fired: BTreeMap<String, (u64, Timestamp)> = BTreeMap::new();
        for alert in &alerts {
            let (count, time) = fired.entry(alert.context.trigger.clone()).or_insert((0, alert.time));
            (*count, *time) = (*count + 1, (*time).max(alert.time));
        }
        prop_assert_eq!(reader.fired().unwrap(), fired);
    }
}

/// How the database finds what a statement asks for.
fn plan(reader: &Reader, sql: &str) -> String {
    let mut explain = reader.connection().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let count = explain.parameter_count();
    let values = vec![rusqlite::types::Value::Integer(0); count];
    let lines = explain.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
    lines.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[test]
fn none_of_them_goes_through_everything() {
    let (_folder, store) = commit(&history(3, 50), 50);
    let reader = store.reader().unwrap();
    let mut statements = dashboards::statements();
    statements.extend([alert_history::sql(), alert_history::FIRED.to_owned()]);
    for sql in &statements {
        let found = plan(&reader, sql);
        let scans: Vec<&str> = found.split("; ").filter(|line| line.starts_with("SCAN")).collect();
        let bounded: BTreeSet<&str> = ["SCAN s", "SCAN d", "SCAN alert USING COVERING INDEX alert_trigger"].into();
        assert!(scans.iter().all(|scan| bounded.contains(scan)), "{sql}\n{found}");
    }
}
