//! What agents did, day by day, against the journal's own records.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::generator::{History, history};
use super::properties::{commit, rows};
use crate::domain::event::{AgentRemoved, Event};
use crate::domain::{AgentId, AgentPerformance, Day, OutcomeKind, Span};
use crate::store::{Query, Store, check, migrate, rebuild};

/// A history whose executions end on several days, at the very beginning and the very end of one too.
pub(super) fn over_days(seed: u64, steps: usize) -> History {
    let mut history = history(seed, steps);
    for (place, record) in history.records.iter_mut().enumerate() {
        if let Event::ExecutionEnded(event) = &mut record.event {
            let later = event.ended_at.plus(Span::from_secs(86_400 * (place % 3) as i64));
            event.ended_at = match place % 4 {
                0 => Day::of(later).begins(),
                1 => Day::of(later).begins().plus(Span::from_micros(86_400_000_000 - 1)),
                _ => later,
            };
            if place % 5 == 0 {
                event.outcome.tokens_used = None;
            }
        }
    }
    history
}

/// What was stopped by others says nothing about who did it.
const STOPPED: [OutcomeKind; 3] = [OutcomeKind::Cancelled, OutcomeKind::Preempted, OutcomeKind::WorkerLost];

/// Executions, successes, mean time in milliseconds, tokens.
type Figures = (u64, u64, Option<u64>, Option<u64>);

/// The same by hand.
fn by_hand(history: &History) -> BTreeMap<(Day, AgentId), Figures> {
    let mut ended: BTreeMap<(Day, AgentId), Vec<_>> = BTreeMap::new();
    for record in &history.records {
        // Whose cage could not be set up has done nothing.
        if let Event::ExecutionEnded(event) = &record.event
            && event.outcome.kind != OutcomeKind::CageFailed
        {
            ended.entry((Day::of(event.ended_at), event.agent_id)).or_default().push(event);
        }
    }
    let sum = |all: Vec<&crate::domain::event::ExecutionEnded>| {
        let tokens = all.iter().filter_map(|event| event.outcome.tokens_used).reduce(|a, b| a + b);
        let events: Vec<_> = all.iter().filter(|event| !STOPPED.contains(&event.outcome.kind)).collect();
        let good = events.iter().filter(|event| event.outcome.succeeded()).count() as u64;
        let took: Vec<i64> =
            events.iter().filter_map(|event| Some(event.ended_at.since(event.started_at?).as_micros())).collect();
        let mean = (!took.is_empty()).then(|| took.iter().sum::<i64>().unsigned_abs() / took.len() as u64 / 1000);
        (events.len() as u64, good, mean, tokens)
    };
    ended.into_iter().map(|(key, events)| (key, sum(events))).collect()
}

fn listed(store: &Store, filter: &str) -> Vec<AgentPerformance> {
    let query = Query { limit: 100_000, filter: filter.to_owned(), ..Query::default() };
    store.reader().unwrap().agent_performance(&query).unwrap().items
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn how_good_an_agent_is_follows_from_the_records(seed: u64, steps in 0usize..300) {
        let history = history(seed, steps);
        let (_folder, store) = commit(&history, 20);
        // Of each agent all its time and that of its successes, and the latter by type of task.
        let mut spent: BTreeMap<AgentId, (f64, f64)> = BTreeMap::new();
        let mut took: BTreeMap<(AgentId, &str), (f64, f64)> = BTreeMap::new();
        for record in &history.records {
            let Event::ExecutionEnded(event) = &record.event else { continue };
            let judged = event.outcome.kind.judges_agent() && event.outcome.kind != OutcomeKind::CageFailed;
            let Some(started) = event.started_at.filter(|_| judged) else { continue };
            let micros = event.ended_at.since(started).as_micros() as f64;
            let good = event.outcome.succeeded();
            let sum = spent.entry(event.agent_id).or_default();
            *sum = (sum.0 + micros, sum.1 + if good { micros } else { 0.0 });
            if let Some(kind) = event.kind.as_deref().filter(|_| good) {
                let sum = took.entry((event.agent_id, kind)).or_default();
                *sum = (sum.0 + 1.0, sum.1 + micros);
            }
        }
        let close = |found: Option<f64>, wanted: Option<f64>| match (found, wanted) {
            (Some(found), Some(wanted)) => (found - wanted).abs() < 0.002,
            (found, wanted) => found == wanted,
        };
        for agent in store.reader().unwrap().agents(&Query { limit: 1000, ..Query::default() }).unwrap().items {
            let (all, good) = spent.get(&agent.id).copied().unwrap_or_default();
            let efficiency = (all > 0.0).then(|| good / all);
            prop_assert!(close(agent.metrics.efficiency, efficiency), "{:?} {efficiency:?}", agent.metrics);
            let (mut own, mut others) = (0.0, 0.0);
            for ((_, kind), (count, micros)) in took.iter().filter(|((id, _), _)| *id == agent.id) {
                let rest = took.iter().filter(|((id, of), _)| *id != agent.id && of == kind);
                let rest = rest.fold((0.0, 0.0), |sum, (_, of)| (sum.0 + of.0, sum.1 + of.1));
                if rest.0 > 0.0 {
                    (own, others) = (own + micros, others + count * rest.1 / rest.0);
                }
            }
            let performance = (own > 0.0).then(|| others / (own + others));
            prop_assert!(close(agent.metrics.performance, performance), "{:?} {performance:?}", agent.metrics);
            let counters = &agent.counters;
            let share = (counters.total_executions > 0)
                .then(|| counters.success_count as f64 / counters.total_executions as f64);
            prop_assert!(close(agent.metrics.reliability, share), "{:?} {share:?}", agent.metrics);
        }
    }

    #[test]
    fn every_day_is_what_ended_on_it(seed: u64, steps in 0usize..300, batch in 1usize..60) {
        let history = over_days(seed, steps);
        let (folder, store) = commit(&history, batch);
        let found: BTreeMap<_, _> = listed(&store, "").into_iter().map(|day| {
            let figures = (day.execution_count, day.success_count, day.avg_duration_ms, day.total_tokens_used);
            ((day.date, day.agent_id), figures)
        }).collect();
        prop_assert_eq!(found, by_hand(&history));
        let mut wanted: BTreeMap<AgentId, (u64, u64)> = BTreeMap::new();
        for record in &history.records {
            let Event::ExecutionEnded(event) = &record.event else { continue };
            let (judged, stopped) = wanted.entry(event.agent_id).or_default();
            *judged += u64::from(event.outcome.kind.judges_agent());
            *stopped += u64::from(STOPPED.contains(&event.outcome.kind));
        }
        for (agent, (judged, stopped)) in wanted {
            // What an agent has done goes with it when it is removed.
            let Some(counters) = store.reader().unwrap().agent_counters(agent).unwrap() else { continue };
            prop_assert_eq!((counters.total_executions, counters.stopped_executions), (judged, stopped));
        }
        prop_assert!(check(folder.path()).unwrap().differences.is_empty());
        let before = rows(folder.path());
        drop(store);
        rebuild(folder.path()).unwrap();
        prop_assert_eq!(&before, &rows(folder.path()));
        // A store that comes from before there were such figures has them of its whole past.
        migrate::down(folder.path(), Some(7)).unwrap();
        prop_assert!(!rows(folder.path()).contains("agent_performance_daily"));
        migrate::up(folder.path(), None).unwrap();
        prop_assert_eq!(before, rows(folder.path()));
    }
}

#[test]
fn the_latest_day_comes_first_and_a_removed_agent_keeps_its_record() {
    let mut history = over_days(5, 400);
    let agent_id = history.agents[0];
    history.add(AgentRemoved { agent_id });
    let (_folder, store) = commit(&history, 100);
    let all = listed(&store, "");
    assert!(all.len() > 4 && all.is_sorted_by_key(|day| (std::cmp::Reverse(day.date), day.agent_id)), "{all:?}");
    let of_removed: Vec<_> = all.iter().filter(|day| day.agent_id == agent_id).collect();
    assert!(
        !of_removed.is_empty()
            && of_removed.iter().all(|day| day.agent.as_deref().is_some_and(|name| name.ends_with(" (removed)"))),
        "{of_removed:?}"
    );
    assert!(all.iter().any(|day| day.agent.as_deref() == Some("agent-2")), "{all:?}");
    let day = all[0].date;
    let of_day = listed(&store, &format!("date:{day}"));
    assert_eq!(of_day, all.iter().filter(|other| other.date == day).cloned().collect::<Vec<_>>());
}

#[test]
fn no_number_of_tokens_stops_the_store() {
    let mut history = over_days(5, 300);
    for record in &mut history.records {
        if let Event::ExecutionEnded(event) = &mut record.event {
            event.outcome.tokens_used = Some(u64::MAX);
        }
    }
    for batch in [1, 1000] {
        let (folder, store) = commit(&history, batch);
        assert!(listed(&store, "").iter().all(|day| day.total_tokens_used == Some(i64::MAX as u64)));
        assert!(check(folder.path()).unwrap().differences.is_empty());
    }
}
