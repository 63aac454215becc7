//! What dashboards show, beside the same by hand over everything.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::generator::{History, history};
use super::performance::over_days;
use super::properties::commit;
use crate::domain::confidence::Change;
use crate::domain::dashboard::{Per, TopBy};
use crate::domain::event::Event;
use crate::domain::execution::Outcome;
use crate::domain::{AgentId, Day, Execution, OutcomeKind, Scope, Span, Timestamp};
use crate::store::{Query, Reader, TimelineQuery, alert_history, dashboards, runs};

const ALL: u64 = 100_000;

fn everything() -> Query {
    Query { limit: ALL, ..Query::default() }
}

fn last(history: &History) -> Timestamp {
    history.records.last().map_or(Timestamp::EPOCH, |record| record.time).plus(Span::from_secs(1))
}

/// What an agent is called, also one that was removed.
fn called(reader: &Reader, id: AgentId) -> String {
    if let Some(agent) = reader.agent(id).unwrap() {
        return agent.spec.name;
    }
    let versions = reader.agent_versions(&id.to_string()).unwrap();
    versions.last().map_or_else(|| id.to_string(), |last| format!("{} (removed)", last.spec.name))
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
            let top = reader.top_agents(Day::of(begin), *by, ALL, None).unwrap();
            let found: BTreeMap<_, _> =
                top.iter().map(|agent| (agent.agent_id, (agent.execution_count, agent.success_count))).collect();
            prop_assert_eq!(&found, &by_agent);
            let figures: Vec<u64> = top.iter().map(|agent| match by {
                // Of what is not negative the bits are in order.
                TopBy::Success => agent.success.low.to_bits(),
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
        // What somebody cancelled did not fail.
        let kinds = |spans: &[crate::domain::dashboard::TimelineSpan]| {
            spans.iter().fold((0, 0), |(failed, cancelled), span| (failed + span.failed, cancelled + span.cancelled))
        };
        let whole = TimelineQuery { from: begin, to: end, step: FINE, offset: 0, limit: ALL };
        let rows = reader.timeline(&whole).unwrap().rows;
        let found = rows.iter().map(|row| kinds(&row.spans)).fold((0, 0), |all, row| (all.0 + row.0, all.1 + row.1));
        let ended = |is: &dyn Fn(OutcomeKind) -> bool| executions.iter()
            .filter(|one| under_way(one, begin, end) && one.outcome.as_ref().is_some_and(|it| is(it.kind))).count() as u64;
        let wanted = (
            ended(&|kind| kind != OutcomeKind::Succeeded && kind != OutcomeKind::Cancelled),
            ended(&|kind| kind == OutcomeKind::Cancelled),
        );
        prop_assert_eq!(found, wanted);
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
        let errors = reader.errors(begin, None).unwrap();
        prop_assert_eq!((errors.looked_at, errors.groups.iter().map(|group| group.count).sum()), (wanted, wanted));
        let of = |kind: OutcomeKind| errors.groups.iter().filter(|group| group.outcome == kind).map(|it| it.count).sum::<u64>();
        for kind in OutcomeKind::ALL {
            let wanted = executions.iter().filter(wrong)
                .filter(|one| one.outcome.as_ref().is_some_and(|outcome| outcome.kind == *kind)).count() as u64;
            prop_assert_eq!(of(*kind), wanted);
        }

        let tasks = reader.tasks(&everything()).unwrap().items;
        let who: BTreeMap<_, _> = tasks.iter().map(|task| (task.id, task.assigned_agent_id)).collect();
        let called = |id| called(&reader, id);
        let mut wanted: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut all = 0;
        for (task, on) in tasks.iter().flat_map(|task| task.depends_on.iter().map(move |on| (task, on))) {
            all += 1;
            if let (Some(from), Some(to)) = (who.get(on).copied().flatten(), task.assigned_agent_id) {
                *wanted.entry((called(from), called(to))).or_default() += 1;
            }
        }
        let found = reader.collaboration(begin, Per::Agent).unwrap();
        let links: BTreeMap<_, _> = found.links.iter().filter(|link| link.tasks > 0)
            .map(|link| ((link.from.clone(), link.to.clone()), link.tasks)).collect();
        prop_assert_eq!(found.looked_at, all);
        prop_assert_eq!(found.open, all - wanted.values().sum::<u64>());
        prop_assert_eq!(links, wanted);
        // Who succeeds after whom: every attempt that ended, once for each whose results it builds on.
        let mut wanted: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        for task in tasks.iter().filter(|task| task.assigned_agent_id.is_some()) {
            let before: BTreeSet<String> =
                task.depends_on.iter().filter_map(|on| who.get(on).copied().flatten()).map(called).collect();
            for one in executions.iter().filter(|one| one.task_id == task.id) {
                let Some(outcome) = one.outcome.as_ref().filter(|outcome| outcome.kind.judges_agent())
                else { continue };
                for from in &before {
                    let sum = wanted.entry((from.clone(), called(one.agent_id))).or_default();
                    *sum = (sum.0 + 1, sum.1 + u64::from(outcome.succeeded()));
                }
            }
        }
        let succeeded: BTreeMap<_, _> = found.links.iter().filter(|link| link.success.n > 0)
            .map(|link| ((link.from.clone(), link.to.clone()), (link.success.n, link.success.successes))).collect();
        prop_assert_eq!(succeeded, wanted);
        let overall: BTreeMap<String, (u64, u64)> = by_agent.iter().map(|(id, sum)| (called(*id), *sum)).collect();
        for link in &found.links {
            let sum = overall.get(&link.to).copied().unwrap_or_default();
            prop_assert_eq!((link.overall.n, link.overall.successes), sum);
        }
    }

    #[test]
    fn groups_are_the_sums_of_their_agents(seed: u64, steps in 20usize..300) {
        let history = over_days(seed, steps);
        let (_folder, store) = commit(&history, 50);
        let reader = store.reader().unwrap();
        let first = Day::of(history.records[0].time);
        let from = Day::from_number(first.number() + 1);
        let days = reader.agent_performance(&everything()).unwrap().items;
        let executions = reader.executions(&everything()).unwrap().items;
        let agents = reader.agents(&everything()).unwrap().items;
        let users = reader.users(&everything()).unwrap().items;
        let group = |per: Per, id| {
            let agent = agents.iter().find(|agent| agent.id == id);
            match per {
                Per::Agent => called(&reader, id),
                Per::Type => agent.map_or("-", |agent| agent.spec.kind.as_str()).to_owned(),
                Per::Division => agent.and_then(|agent| agent.spec.division).map_or("-", |it| it.as_str()).to_owned(),
                Per::Owner => agent.and_then(|agent| users.iter().find(|user| user.id == agent.owner))
                    .map_or_else(|| "-".to_owned(), |user| user.name.clone()),
                Per::TaskType => unreachable!("types of tasks are no groups of agents"),
            }
        };
        for per in Per::ALL.iter().copied().filter(|per| *per != Per::TaskType) {
            // What was removed is found by its last version; by hand that is left out.
            let known = |id| per == Per::Agent || agents.iter().any(|agent| agent.id == id);
            if !days.iter().all(|day| known(day.agent_id)) {
                continue;
            }
            let mut wanted: BTreeMap<String, [(u64, u64, u64); 2]> = BTreeMap::new();
            let mut apart: BTreeMap<(Day, String), (u64, u64)> = BTreeMap::new();
            for day in &days {
                let sum = &mut wanted.entry(group(per, day.agent_id)).or_default()[usize::from(day.date >= from)];
                *sum = (sum.0 + day.execution_count, sum.1 + day.success_count, sum.2);
                let sum = apart.entry((day.date, group(per, day.agent_id))).or_default();
                *sum = (sum.0 + day.execution_count, sum.1 + day.success_count);
            }
            for one in executions.iter().filter(|one| one.outcome.as_ref().is_some_and(Outcome::succeeded)) {
                if one.started_at.is_some() {
                    let late = usize::from(one.created_at >= from.begins());
                    wanted.entry(group(per, one.agent_id)).or_default()[late].2 += 1;
                }
            }
            let trends = reader.trends(first, from, per, ALL).unwrap();
            let found: BTreeMap<String, _> = trends.trends.iter().map(|trend| {
                let sums = [&trend.before, &trend.now].map(|it| (it.success.n, it.success.successes, it.time.n));
                (trend.group.clone(), sums)
            }).collect();
            prop_assert_eq!(trends.groups, found.len() as u64);
            prop_assert_eq!(found, wanted);
            prop_assert!(trends.trends.is_sorted_by(|one, other| one.now.success.low >= other.now.success.low));
            prop_assert!(reader.trends(first, from, per, 1).unwrap().trends.len() <= 1);
            let found: BTreeMap<_, _> = reader.days_apart(first, per).unwrap().into_iter()
                .map(|day| ((day.date, day.group.unwrap()), (day.execution_count, day.success_count))).collect();
            prop_assert_eq!(found, apart);
            let errors = reader.errors(Timestamp::from_micros(0), Some(per)).unwrap();
            for one in &errors.groups {
                prop_assert!(one.group.is_some());
                prop_assert_eq!((one.share.successes, one.share.n), (one.count, errors.looked_at));
            }
        }
    }

    #[test]
    fn types_of_tasks_are_the_sums_of_what_says_something_of_them(seed: u64, steps in 20usize..300) {
        let history = over_days(seed, steps);
        let (_folder, store) = commit(&history, 50);
        let reader = store.reader().unwrap();
        let first = Day::of(history.records[0].time);
        let from = Day::from_number(first.number() + 1);
        let mut wanted: BTreeMap<String, [(u64, u64); 2]> = BTreeMap::new();
        let mut apart: BTreeMap<(Day, String), (u64, u64)> = BTreeMap::new();
        for record in &history.records {
            let Event::ExecutionEnded(event) = &record.event else { continue };
            let Some(kind) = event.kind.clone().filter(|_| event.outcome.kind != OutcomeKind::CageFailed) else { continue };
            let (day, good) = (Day::of(record.time), u64::from(event.outcome.succeeded()));
            let sum = &mut wanted.entry(kind.clone()).or_default()[usize::from(day >= from)];
            *sum = (sum.0 + 1, sum.1 + good);
            let sum = apart.entry((day, kind)).or_default();
            *sum = (sum.0 + 1, sum.1 + good);
        }
        let trends = reader.trends(first, from, Per::TaskType, ALL).unwrap();
        let found: BTreeMap<String, _> = trends.trends.iter().map(|trend| {
            (trend.group.clone(), [&trend.before, &trend.now].map(|it| (it.success.n, it.success.successes)))
        }).collect();
        prop_assert_eq!(&found, &wanted);
        let found: BTreeMap<_, _> = reader.days_apart(first, Per::TaskType).unwrap().into_iter()
            .map(|day| ((day.date, day.group.unwrap()), (day.execution_count, day.success_count))).collect();
        prop_assert_eq!(found, apart);
        for (kind, [before, now]) in &wanted {
            let top = reader.top_agents(first, TopBy::Executions, ALL, Some(kind)).unwrap();
            let sum = top.iter().fold((0, 0), |sum, one| (sum.0 + one.execution_count, sum.1 + one.success_count));
            prop_assert_eq!(sum, (before.0 + now.0, before.1 + now.1), "{}", kind);
        }
        prop_assert!(reader.top_agents(first, TopBy::Success, ALL, Some("no such type")).unwrap().is_empty());
        let errors = reader.errors(Timestamp::from_micros(0), Some(Per::TaskType)).unwrap();
        prop_assert!(errors.groups.iter().all(|one| one.group.is_some()));
        let links = reader.collaboration(Timestamp::from_micros(0), Per::TaskType).unwrap().links;
        let types: BTreeSet<_> = reader.tasks(&everything()).unwrap().items.into_iter().map(|task| task.kind).collect();
        prop_assert!(links.iter().all(|link| types.contains(&link.from) && types.contains(&link.to)), "{links:?}");
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

#[test]
fn what_few_did_by_luck_does_not_come_first() {
    let mut history = history(9, 600);
    let (lucky, steady) = (history.agents[0], history.agents[1]);
    let mut seen = 0;
    history.records.retain(|record| !matches!(&record.event, Event::AgentRemoved(_)));
    for record in &mut history.records {
        if let Event::ExecutionEnded(event) = &mut record.event {
            seen += 1;
            event.agent_id = if seen <= 2 { lucky } else { steady };
            event.outcome.kind = if seen % 20 == 5 { OutcomeKind::Failed } else { OutcomeKind::Succeeded };
        }
    }
    assert!(seen > 40, "{seen}");
    let (_folder, store) = commit(&history, 50);
    let reader = store.reader().unwrap();
    let top = reader.top_agents(Day::from_number(0), TopBy::Success, 10, None).unwrap();
    assert_eq!((top[0].agent_id, top[1].agent_id), (steady, lucky));
    assert!(top[0].success.share < top[1].success.share, "two of two is luck: {top:?}");
    let day = Day::of(history.records[0].time);
    let trends = reader.trends(Day::from_number(day.number() - 1), day, Per::Agent, 10).unwrap();
    assert_eq!((trends.trends[0].now.success.n, trends.trends[1].now.success.n), (seen - 2, 2));
    assert_eq!(trends.trends[0].success_change, Change::Unclear, "there was nothing before");
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
fn when_something_ran_is_what_the_executions_say() {
    let history = history(5, 300);
    let (_folder, store) = commit(&history, 50);
    let reader = store.reader().unwrap();
    let executions = reader.executions(&everything()).unwrap().items;
    let agents = reader.agents(&everything()).unwrap().items;
    assert!(executions.len() > 10, "{}", executions.len());
    let middle = executions[executions.len() / 2].created_at;
    for since in [Timestamp::EPOCH, middle] {
        for scope in [Scope::Cage, Scope::Agent] {
            let runs = reader.runs(scope, since).unwrap();
            let mut times: BTreeMap<String, BTreeSet<Timestamp>> = BTreeMap::new();
            for run in executions.iter().filter(|run| run.completed_at.is_none_or(|ended| ended >= since)) {
                let name = match scope {
                    Scope::Cage => Some(run.cage_id.to_string()),
                    _ => agents.iter().find(|agent| agent.id == run.agent_id).map(|agent| agent.spec.name.clone()),
                };
                let ends = run.completed_at.unwrap_or(Timestamp::LAST);
                times.entry(name.unwrap_or_default()).or_default().extend([run.created_at, ends]);
            }
            // An agent that was removed has no name any more.
            times.remove("");
            for (name, times) in times {
                assert_eq!(runs.changes(&name).collect::<BTreeSet<_>>(), times, "{scope} {name} since {since}");
            }
        }
    }
}

#[test]
fn none_of_them_goes_through_everything() {
    let (_folder, store) = commit(&history(3, 50), 50);
    let reader = store.reader().unwrap();
    let mut statements = dashboards::statements();
    statements.extend([alert_history::sql(), alert_history::FIRED.to_owned()]);
    statements.extend([runs::began_sql(), runs::OPEN_SQL.to_owned()]);
    for sql in &statements {
        let found = plan(&reader, sql);
        let scans: Vec<&str> = found.split("; ").filter(|line| line.starts_with("SCAN")).collect();
        let bounded: BTreeSet<&str> =
            ["SCAN s", "SCAN d", "SCAN CONSTANT ROW", "SCAN alert USING COVERING INDEX alert_trigger"].into();
        assert!(scans.iter().all(|scan| bounded.contains(scan)), "{sql}\n{found}");
    }
}
