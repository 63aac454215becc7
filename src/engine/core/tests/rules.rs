//! Rules and what their figures lead to: one alert a cause, worse and milder again, over by itself, and nothing in the
//! journal for a figure that changes nothing.

use std::collections::BTreeMap;

use super::world::*;
use crate::domain::alert_rule::RULES_MAX;
use crate::domain::command::Command;
use crate::domain::time::When;
use crate::domain::*;
use crate::engine::core::{Decisions, Observation};

const FLEET: &str = r#"
[[cage]]
range = "001-040"
limits = { cpu = 1, memory = "64MiB" }
[[agent]]
name = "own"
cage = "001"
runtime = { type = "command", command = ["work"] }
[[alert_rule]]
name = "hot"
metric = "cage_heat_ratio"
scope = "cage"
warning = "50%"
critical = "80%"
hysteresis = 0.1
for = "10s"
group = 3
inhibited_by = ["node lost"]
message = "{scope} at {value} of {threshold}"
remedy = "cool it"
"#;

fn observe(world: &mut World, rule: &str, subject: &Subject, value: Option<f64>) -> usize {
    let mut out = Decisions::default();
    let observation =
        Observation { rule: rule.into(), subject: subject.clone(), value, time: None, labels: BTreeMap::new() };
    world.core.observe(world.now, &observation, &mut out);
    let records = out.records.len();
    world.take(out);
    records
}

fn heat(world: &mut World, number: u16, value: f64) -> usize {
    observe(world, "hot", &Subject::new(Scope::Cage, cage(number).to_string()), Some(value))
}

/// By source and trigger: the severity of what is not resolved.
fn open(world: &World) -> BTreeMap<String, Severity> {
    world.core.alerts().map(|alert| (alert.source.clone(), alert.severity)).collect()
}

fn one(source: &str, severity: Severity) -> BTreeMap<String, Severity> {
    BTreeMap::from([(source.to_owned(), severity)])
}

#[test]
fn an_alert_waits_escalates_and_clears_by_itself() {
    let mut world = World::new(FLEET);
    assert_eq!(heat(&mut world, 3, 0.6), 0, "it has to hold for its time first");
    world.pass(Span::from_secs(5));
    assert_eq!(heat(&mut world, 3, 0.4), 0);
    world.pass(Span::from_secs(5));
    assert_eq!(heat(&mut world, 3, 0.6), 0, "the time begins anew");
    world.pass(Span::from_secs(10));
    assert!(heat(&mut world, 3, 0.6) > 0);
    assert_eq!(open(&world), one("cage 003", Severity::Warning));
    let alert = world.core.alerts().next().unwrap().clone();
    assert_eq!(alert.message, "cage 003 at 60 % of 50 %");
    assert_eq!(alert.context.remedy.as_deref(), Some("cool it"));
    assert_eq!((alert.context.threshold, alert.context.value), (Some(0.5), Some(0.6)));
    world.command(Command::AcknowledgeAlerts { ids: vec![alert.id], note: None }).unwrap();
    for _ in 0..100 {
        world.pass(Span::from_secs(1));
        assert_eq!(heat(&mut world, 3, 0.7), 0, "nothing changes");
    }
    heat(&mut world, 3, 0.9);
    world.pass(Span::from_secs(10));
    heat(&mut world, 3, 0.9);
    assert_eq!(open(&world), one("cage 003", Severity::Critical));
    let worse = world.core.alerts().next().unwrap().clone();
    assert_eq!((worse.id, worse.status, worse.context.threshold), (alert.id, AlertStatus::Active, Some(0.8)));
    assert_eq!(heat(&mut world, 3, 0.75), 0, "within the hysteresis");
    heat(&mut world, 3, 0.7);
    assert_eq!(open(&world), one("cage 003", Severity::Warning));
    heat(&mut world, 3, 0.3);
    assert_eq!(open(&world), BTreeMap::new());
    let resolution = world.alerts[&alert.id].resolution.clone().unwrap();
    assert!(resolution.by.is_none() && resolution.action.unwrap().contains("cage_heat_ratio is 30 %"));
    let said = world.records.iter().filter_map(|record| match &record.event {
        event::Event::SystemEventRaised(raised) if raised.event.source == "cage 003" => {
            Some((raised.event.severity, raised.event.message.clone()))
        }
        _ => None,
    });
    let expected = [
        (Severity::Warning, "cage 003 at 60 % of 50 %"),
        (Severity::Critical, "escalated from warning to critical: cage 003 at 90 % of 80 %"),
        (Severity::Info, "eased from critical to warning: cage 003 at 70 % of 50 %"),
        (Severity::Info, "over: cage 003 at 70 % of 50 %; cleared by itself: cage_heat_ratio is 30 %"),
    ];
    assert_eq!(said.collect::<Vec<_>>(), expected.map(|(severity, words)| (severity, words.to_owned())));
    world.assert_durable();
}

#[test]
fn nothing_is_said_of_a_cage_or_an_agent_once_nothing_runs_there() {
    let mut world = World::new(FLEET);
    let here = Subject::new(Scope::Cage, cage(1).to_string());
    let own = Subject::new(Scope::Agent, "own");
    let memory = |world: &mut World, value: f64| {
        observe(world, "cage-memory", &here, Some(value));
        world.pass(Span::from_secs(5));
        observe(world, "cage-memory", &here, Some(value))
    };
    assert_eq!(memory(&mut world, 0.99), 0, "nothing has run there");
    let id = world.submit(bare());
    assert_eq!(world.schedule(), [id]);
    assert!(memory(&mut world, 0.95) > 0);
    assert_eq!(open(&world), one("cage 001", Severity::Warning));
    world.finish(id, OutcomeKind::Succeeded);
    let resting = world.core.watched(0).at_rest;
    assert!(resting["cage-memory"].contains("cage 001"), "whoever evaluates is told of it: {resting:?}");
    // A figure that comes late, or a peak: it gets no worse, it is over.
    observe(&mut world, "cage-memory", &here, Some(0.99));
    assert_eq!(open(&world), BTreeMap::new());
    let reason = world.alerts.values().last().unwrap().resolution.clone().unwrap().action.unwrap();
    assert!(reason.ends_with("nothing runs there any more"), "{reason}");
    assert_eq!(memory(&mut world, 0.99), 0);
    for _ in 0..2 {
        assert_eq!(observe(&mut world, "looping-agent", &own, Some(1.0)), 0);
        world.pass(Span::from_secs(60));
    }
    world.assert_durable();
}

#[test]
fn a_limit_that_is_broken_takes_the_place_of_what_was_said_of_the_way_there() {
    let mut world = World::new(FLEET);
    let here = Subject::new(Scope::Cage, cage(1).to_string());
    let id = world.submit(NewTask { max_attempts: 3, ..bare() });
    assert_eq!(world.schedule(), [id]);
    for _ in 0..2 {
        observe(&mut world, "cage-memory", &here, Some(0.99));
        world.pass(Span::from_secs(5));
    }
    assert_eq!(open(&world), one("cage 001", Severity::Critical));
    let outcome = Outcome { limit: Some("memory".into()), ..Outcome::new(OutcomeKind::LimitExceeded, "too much") };
    world.finish_with(id, outcome);
    let triggers = |world: &World| world.core.alerts().map(|alert| alert.context.trigger.clone()).collect::<Vec<_>>();
    assert_eq!(triggers(&world), ["limit exceeded: memory"]);
    assert_eq!(open(&world), one("cage 001", Severity::Critical), "what had become critical is no milder for its end");
    // The next attempt leaks as well: it is the same story.
    world.pass(Span::from_secs(600));
    assert_eq!(world.schedule(), [id]);
    for _ in 0..2 {
        observe(&mut world, "cage-memory", &here, Some(0.99));
        world.pass(Span::from_secs(5));
    }
    assert_eq!(triggers(&world), ["limit exceeded: memory"]);
    world.finish(id, OutcomeKind::Succeeded);
    assert_eq!(triggers(&world), Vec::<String>::new());
    world.assert_durable();
}

#[test]
fn what_was_measured_between_a_kill_and_its_report_makes_it_no_milder() {
    let mut world = World::new(FLEET);
    let here = Subject::new(Scope::Cage, cage(1).to_string());
    let leaks_and_is_killed_after = |world: &mut World, passed: i64| {
        let id = world.submit(NewTask { max_attempts: 1, ..bare() });
        assert_eq!(world.schedule(), [id]);
        for _ in 0..2 {
            observe(world, "cage-memory", &here, Some(0.99));
            world.pass(Span::from_secs(5));
        }
        assert_eq!(open(world), one("cage 001", Severity::Critical));
        // The kernel has ended the process; the report of it is still on its way.
        observe(world, "cage-memory", &here, Some(0.02));
        assert_eq!(open(world), BTreeMap::new());
        world.pass(Span::from_secs(passed));
        killed(world, id);
        let alert = world.core.alerts().find(|alert| alert.source == "cage 001").unwrap().clone();
        assert_eq!(alert.context.trigger, "limit exceeded: memory");
        world.command(Command::ResolveAlerts { ids: vec![alert.id], action: None, notes: None }).unwrap();
        alert.severity
    };
    assert_eq!(leaks_and_is_killed_after(&mut world, 1), Severity::Critical, "it is the same story");
    world.pass(Span::from_secs(600));
    assert_eq!(leaks_and_is_killed_after(&mut world, 61), Severity::Warning, "what was over for longer is another");
}

#[test]
fn a_worker_that_is_not_heard_explains_why_nothing_begins_to_run() {
    let mut world = World::new(FLEET);
    let (node, own) = (Subject::new(Scope::Node, "host"), Subject::new(Scope::Agent, "own"));
    let here = Subject::new(Scope::Cage, cage(1).to_string());
    let task = world.submit(bare());
    assert_eq!(world.schedule(), [task]);
    let slow = |world: &mut World| {
        observe(world, "response-time", &own, Some(12.0));
        world.pass(Span::from_secs(5));
        observe(world, "response-time", &own, Some(17.0));
    };
    // It is said before anything else is known.
    slow(&mut world);
    for _ in 0..2 {
        observe(&mut world, "cage-memory", &here, Some(0.95));
        world.pass(Span::from_secs(5));
    }
    let triggers = |world: &World| world.core.alerts().map(|alert| alert.context.trigger.clone()).collect::<Vec<_>>();
    assert_eq!(triggers(&world), ["response-time", "cage-memory"]);
    let mut out = Decisions::default();
    world.core.node_lost(world.now, world.node, &mut out);
    world.take(out);
    assert_eq!(
        triggers(&world),
        ["cage-memory", "node lost"],
        "what its cage has used is another story, and stays one"
    );
    let over = world.alerts.values().filter_map(|alert| alert.resolution.clone()?.action).collect::<Vec<_>>();
    assert_eq!(over, ["cleared by itself: it has come to \"node lost\" of node host"]);
    slow(&mut world);
    assert_eq!(triggers(&world), ["cage-memory", "node lost"], "the lost node explains it");
    let mut out = Decisions::default();
    let back = world.core.node_hello(world.now, "host", CAPACITY, serde_json::Map::new(), &mut out);
    world.core.node_synced(world.now, back, false, &[], &mut out);
    world.take(out);
    assert_eq!(triggers(&world), ["cage-memory"]);
    // Before a node is given up it is told that it is not heard, which explains the same.
    observe(&mut world, "missed-heartbeats", &node, Some(11.0));
    slow(&mut world);
    assert_eq!(triggers(&world), ["cage-memory", "missed-heartbeats"]);
    world.assert_durable();
}

#[test]
fn an_agent_that_is_well_again_is_so_at_once_and_by_its_figure() {
    let mut world = World::new(FLEET);
    let own = Subject::new(Scope::Agent, "own");
    let health =
        |world: &World| world.core.vitals(world.now).agents.first().map(|agent| (agent.name.clone(), agent.health));
    assert_eq!(health(&world), None, "it neither works nor has it failed");
    let task = world.submit(NewTask { max_attempts: 9, ..bare() });
    assert_eq!(world.schedule(), [task]);
    world.finish(task, OutcomeKind::Failed);
    let (_, failing) = health(&world).unwrap();
    assert!(failing < 1.0);
    observe(&mut world, "agent-health", &own, Some(0.3));
    assert_eq!(open(&world), one("agent own", Severity::Warning));
    world.pass(Span::from_secs(600));
    assert_eq!(world.schedule(), [task]);
    world.finish(task, OutcomeKind::Succeeded);
    // Nothing runs, and that it fails no more is known all the same.
    let (name, well) = health(&world).unwrap();
    assert_eq!((name.as_str(), well), ("own", 1.0));
    observe(&mut world, "agent-health", &own, Some(well));
    let over = world.alerts.values().last().unwrap().resolution.clone().unwrap().action.unwrap();
    assert_eq!(over, "cleared by itself: menagerie_agent_health_ratio is 100 %");
    assert_eq!(health(&world), None, "and then there is nothing more to be said of it");
}

/// Breakers that open soon, and retries that come soon.
const SOON: &str =
    "[defaults]\nbreaker = { failures = 3, cooldown = \"20s\" }\nretry = { delay = \"1s\", limit = \"1s\" }\n";

fn killed(world: &mut World, id: TaskId) {
    let outcome = Outcome { limit: Some("memory".into()), ..Outcome::new(OutcomeKind::LimitExceeded, "too much") };
    world.finish_with(id, outcome);
}

#[test]
fn one_process_that_is_killed_again_and_again_is_one_alert_whatever_follows_from_it() {
    let mut world = World::new(&format!("{FLEET}{SOON}"));
    let own = Subject::new(Scope::Agent, "own");
    let id = world.submit(NewTask { max_attempts: 3, ..bare() });
    for health in [0.6, 0.3, 0.0] {
        assert_eq!(world.schedule(), [id]);
        world.start(id);
        world.pass(Span::from_secs(5));
        let execution = world.execution(id);
        killed(&mut world, id);
        observe(&mut world, "agent-health", &own, Some(health));
        assert_eq!(open(&world), one("cage 001", Severity::Warning), "at {health}");
        let attempts = world.core.alerts().next().unwrap().context.attempts.clone();
        let [attempt] = &attempts[..] else { panic!("{attempts:?}") };
        assert_eq!((attempt.agent.as_str(), attempt.cage), ("own", cage(1)));
        assert_eq!((attempt.task_id, attempt.execution_id), (id, execution));
        world.assert_durable();
        world.pass(Span::from_secs(2));
    }
    let alert = world.core.alerts().next().unwrap();
    let said = "too much; it was the last of 3 attempts; its breaker is open: 3 failures in a row, no task for 20s";
    assert!(alert.message.ends_with(said) && alert.count == 3, "{alert:?}");
}

#[test]
fn what_a_person_has_seen_to_says_nothing_more_until_it_was_well_in_between() {
    let mut world = World::new(&format!("{FLEET}{SOON}"));
    let own = Subject::new(Scope::Agent, "own");
    let id = world.submit(NewTask { max_attempts: 1, ..bare() });
    assert_eq!(world.schedule(), [id]);
    killed(&mut world, id);
    observe(&mut world, "agent-health", &own, Some(0.3));
    assert_eq!(open(&world), one("cage 001", Severity::Warning));
    let ids = world.core.alerts().map(|alert| alert.id).collect();
    world.command(Command::ResolveAlerts { ids, action: None, notes: Some("told its owner".into()) }).unwrap();
    for _ in 0..3 {
        observe(&mut world, "agent-health", &own, Some(0.3));
        assert_eq!(open(&world), BTreeMap::new(), "that is the story that was just closed");
        world.pass(Span::from_secs(60));
    }
    observe(&mut world, "agent-health", &own, Some(0.1));
    assert_eq!(open(&world), one("agent own", Severity::Critical), "nobody closed what it has come to since");
    observe(&mut world, "agent-health", &own, Some(1.0));
    observe(&mut world, "agent-health", &own, Some(0.3));
    assert_eq!(open(&world), one("agent own", Severity::Warning), "and this is another one");
}

#[test]
fn a_case_that_was_not_closed_after_all_explains_nothing() {
    let mut world = World::new(&format!("{FLEET}{SOON}"));
    let own = Subject::new(Scope::Agent, "own");
    let id = world.submit(NewTask { max_attempts: 1, ..bare() });
    assert_eq!(world.schedule(), [id]);
    killed(&mut world, id);
    observe(&mut world, "agent-health", &own, Some(0.3));
    let ids: Vec<AlertId> = world.core.alerts().map(|alert| alert.id).collect();
    let resolve = |ids| Command::ResolveAlerts { ids, action: None, notes: None };
    world.command(resolve(ids.clone())).unwrap();
    world.command(Command::ReopenAlerts { ids }).unwrap();
    // It is over by itself then: the agent succeeds in that cage.
    let next = world.submit(bare());
    world.pass(Span::from_secs(60));
    assert_eq!(world.schedule(), [next]);
    world.finish(next, OutcomeKind::Succeeded);
    assert_eq!(open(&world), BTreeMap::new());
    observe(&mut world, "agent-health", &own, Some(0.3));
    assert_eq!(open(&world), one("agent own", Severity::Warning), "nobody has seen to that");
}

#[test]
fn a_fleet_that_is_stopped_as_was_wanted_calls_nobody() {
    let lose = |world: &mut World| {
        let mut out = Decisions::default();
        world.core.node_lost(world.now, world.node, &mut out);
        world.take(out);
    };
    let mut world = World::new(FLEET);
    let mut out = Decisions::default();
    world.core.stop_all(world.now, &mut out);
    world.take(out);
    let records = world.records.len();
    lose(&mut world);
    assert_eq!(
        (open(&world), world.records.len()),
        (BTreeMap::new(), records),
        "the next engine finds out who stays away"
    );
    let mut world = World::new(FLEET);
    lose(&mut world);
    assert_eq!(open(&world), one("node host", Severity::Critical));
    assert!(world.core.alerts().next().unwrap().message.ends_with("cannot be reached; nothing ran there"));
}

#[test]
fn a_breaker_takes_the_place_of_the_health_that_led_to_it_and_a_broken_limit_that_of_both() {
    let mut world = World::new(&format!("{FLEET}{SOON}"));
    let own = Subject::new(Scope::Agent, "own");
    let triggers = |world: &World| {
        world.core.alerts().map(|alert| (alert.context.trigger.clone(), alert.severity)).collect::<Vec<_>>()
    };
    let critical = |trigger: &str| vec![(trigger.to_owned(), Severity::Critical)];
    let id = world.submit(NewTask { max_attempts: 9, ..bare() });
    for failure in 1..=3 {
        assert_eq!(world.schedule(), [id]);
        if failure == 3 {
            observe(&mut world, "agent-health", &own, Some(0.1));
            assert_eq!(triggers(&world), critical("agent-health"));
        }
        world.finish(id, OutcomeKind::Failed);
        world.pass(Span::from_secs(2));
    }
    assert_eq!(triggers(&world), critical("breaker opened"), "it is as grave as what it takes the place of");
    let over = world.alerts.values().find(|alert| alert.context.trigger == "agent-health").unwrap();
    let why = over.resolution.clone().unwrap().action.unwrap();
    assert!(why.ends_with("it has come to \"breaker opened\""), "{why}");
    // After the pause it gets one to try, and that is killed.
    world.pass(Span::from_secs(60));
    assert_eq!(world.schedule(), [id]);
    killed(&mut world, id);
    assert_eq!(triggers(&world), critical("limit exceeded: memory"));
    let alert = world.core.alerts().next().unwrap().clone();
    assert!(alert.message.contains("its breaker is open: 4 failures in a row, no task for 40s"), "{}", alert.message);
    observe(&mut world, "agent-health", &own, Some(0.0));
    assert_eq!(triggers(&world).len(), 1, "its health says nothing new");
    world.assert_durable();
}

#[test]
fn who_goes_round_in_circles_or_says_nothing_is_named_with_the_attempt() {
    for rule in ["looping-agent", "silent-agent"] {
        let mut world = World::new(&FLEET.replace("name = \"own\"", "name = \"own\"\nconcurrency = 2"));
        let own = Subject::new(Scope::Agent, "own");
        let id = world.submit(bare());
        assert_eq!(world.schedule(), [id]);
        let execution = world.execution(id);
        let far = if rule == "silent-agent" { 1e6 } else { 1.0 };
        for _ in 0..2 {
            observe(&mut world, rule, &own, Some(far));
            world.pass(Span::from_secs(60));
        }
        let alert = world.core.alerts().next().unwrap().clone();
        assert!(alert.message.ends_with(&format!("in cage 001 with task {id}")), "{}", alert.message);
        let remedy = alert.context.remedy.clone().unwrap();
        for verb in ["logs", "cancel"] {
            assert!(remedy.contains(&format!("menagerie task {verb} {id}")), "{remedy}");
        }
        let said = alert::AlertAttempt { agent: "own".into(), cage: cage(1), task_id: id, execution_id: execution };
        assert_eq!(alert.context.attempts, std::slice::from_ref(&said));
        world.assert_durable();
        // Of two nobody can tell which it is.
        let other = world.submit(bare());
        assert_eq!(world.schedule(), [other]);
        observe(&mut world, rule, &own, Some(if rule == "silent-agent" { 700.0 } else { 0.91 }));
        let eased = world.core.alerts().next().unwrap().clone();
        assert_eq!((eased.id, eased.severity, eased.context.attempts.len()), (alert.id, Severity::Warning, 2));
        let both = format!("with task {} or {}", id.min(other), id.max(other));
        assert!(eased.message.ends_with(&both), "{}", eased.message);
        // The day after the alert alone says which they were.
        world.finish(id, OutcomeKind::Succeeded);
        world.finish(other, OutcomeKind::Succeeded);
        observe(&mut world, rule, &own, None);
        assert_eq!(open(&world), BTreeMap::new());
        assert!(world.alerts[&alert.id].context.attempts.contains(&said));
        world.assert_durable();
    }
}

#[test]
fn an_alert_waits_in_the_inbox_until_somebody_has_taken_it() {
    let mut world = World::new(FLEET);
    let inbox = |world: &World, silenced: bool| world.core.inbox_alerts(world.now, silenced);
    for number in [3, 4] {
        heat(&mut world, number, 0.6);
    }
    world.pass(Span::from_secs(10));
    heat(&mut world, 3, 0.6);
    let id = world.core.alerts().next().unwrap().id;
    let at = |world: &World| inbox(world, false).iter().find(|item| item.id == id).map(|item| item.cost);
    // A warning counts as one task of the usual priority: (1 + hours) * (1 + 5 / 5).
    assert_eq!(at(&world), Some(2.0));
    world.pass(Span::from_secs(1800));
    assert_eq!(at(&world), Some(3.0));
    // It is put off as anything else is, which silences it; taken back, it is there again.
    let ids = vec![ReviewId(id.0)];
    let put_off = Command::SnoozeReviews { ids: ids.clone(), until: Some(When::In(Span::from_secs(60))) };
    let Reply::Items { inverse, .. } = world.command(put_off.clone()).unwrap() else { panic!() };
    assert_eq!((at(&world), inbox(&world, true).len(), world.core.active_alerts(world.now)), (None, 1, 0));
    world.command(inverse[0].clone()).unwrap();
    assert_eq!((at(&world), world.core.active_alerts(world.now)), (Some(3.0), 1));
    world.command(put_off.clone()).unwrap();
    world.pass(Span::from_secs(61));
    assert!(at(&world).is_some(), "its time has passed");
    // What is taken waits for nobody, until it gets worse.
    world.command(Command::AcknowledgeAlerts { ids: vec![id], note: None }).unwrap();
    assert_eq!((at(&world), inbox(&world, true).len()), (None, 0));
    heat(&mut world, 3, 0.9);
    world.pass(Span::from_secs(10));
    heat(&mut world, 3, 0.9);
    assert!(at(&world).is_some_and(|cost| cost > 26.0), "a critical one counts as twenty-five tasks: {:?}", at(&world));
    // It is gone when it is over, by itself or by hand, and then it cannot be put off.
    heat(&mut world, 3, 0.1);
    assert_eq!(at(&world), None);
    let refusal = world.command(put_off).unwrap_err().to_string();
    assert!(refusal.contains("already resolved"), "{refusal}");
    heat(&mut world, 4, 0.6);
    world.pass(Span::from_secs(10));
    heat(&mut world, 4, 0.6);
    let other = inbox(&world, false)[0].id;
    assert_ne!(other, id);
    world.command(Command::ResolveAlerts { ids: vec![other], action: None, notes: None }).unwrap();
    assert_eq!(inbox(&world, true), []);
    world.assert_durable();
}

#[test]
fn an_alert_resolved_by_hand_comes_up_again_while_its_cause_lasts() {
    let mut world = World::new(FLEET);
    heat(&mut world, 3, 0.6);
    world.pass(Span::from_secs(10));
    heat(&mut world, 3, 0.6);
    let id = world.core.alerts().next().unwrap().id;
    world.command(Command::ResolveAlerts { ids: vec![id], action: None, notes: None }).unwrap();
    heat(&mut world, 3, 0.6);
    assert_eq!(open(&world), BTreeMap::new(), "it has to hold for its time again");
    world.pass(Span::from_secs(10));
    heat(&mut world, 3, 0.6);
    assert_eq!(open(&world), one("cage 003", Severity::Warning));
    world.assert_durable();
}

#[test]
fn a_lost_node_explains_what_its_cages_would_say() {
    let mut world = World::new(FLEET);
    heat(&mut world, 1, 0.6);
    let mut out = Decisions::default();
    world.core.node_lost(world.now, world.node, &mut out);
    world.take(out);
    world.pass(Span::from_secs(20));
    for number in 1..=40 {
        heat(&mut world, number, 0.9);
    }
    assert_eq!(open(&world), one("node host", Severity::Critical));
    let id = world.core.alerts().next().unwrap().id;
    world.command(Command::ResolveAlerts { ids: vec![id], action: None, notes: None }).unwrap();
    heat(&mut world, 1, 0.9);
    assert_eq!(open(&world), BTreeMap::new(), "the node is lost, whoever says that it is over");
    let mut out = Decisions::default();
    let node = world.core.node_hello(world.now, "host", CAPACITY, serde_json::Map::new(), &mut out);
    world.core.node_synced(world.now, node, false, &[], &mut out);
    world.take(out);
    heat(&mut world, 1, 0.6);
    assert_eq!(open(&world), one("cage 001", Severity::Warning), "it has held for its time meanwhile");
    // The agent that lives in the cage and the task that runs there are behind the node as well.
    world.assert_durable();
}

#[test]
fn what_was_measured_of_an_earlier_execution_says_nothing_of_the_next() {
    let mut world = World::new(FLEET);
    let own = Subject::new(Scope::Agent, "own");
    let silent = |world: &mut World, value: f64, time: Timestamp| {
        let (rule, subject) = ("silent-agent".to_owned(), own.clone());
        let figure = Observation { rule, subject, value: Some(value), time: Some(time), labels: BTreeMap::new() };
        let mut out = Decisions::default();
        world.core.observe(world.now, &figure, &mut out);
        world.take(out);
    };
    let task = world.submit(bare());
    world.schedule();
    world.start(task);
    world.pass(Span::from_secs(300));
    let measured = world.now;
    world.finish(task, OutcomeKind::Succeeded);
    world.pass(Span::from_secs(1));
    let next = world.submit(bare());
    world.schedule();
    world.start(next);
    silent(&mut world, 900.0, measured);
    assert_eq!(open(&world), BTreeMap::new(), "that was the one before");
    let now = world.now;
    silent(&mut world, 900.0, now);
    assert_eq!(open(&world), one("agent own", Severity::Warning));
    world.assert_durable();
}

#[test]
fn each_gpu_has_its_alert_which_names_it_and_its_node() {
    let mut world = World::new(FLEET);
    let full = |world: &mut World, gpu: &str, value: f64| {
        let labels = [("node", "host"), ("gpu", gpu), ("uuid", &format!("GPU-{gpu}"))];
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
        let (rule, subject) = ("gpu-memory".to_owned(), Subject::gpu(gpu, "host"));
        let mut out = Decisions::default();
        world.core.observe(world.now, &Observation { rule, subject, value: Some(value), time: None, labels }, &mut out);
        world.take(out);
    };
    for _ in 0..2 {
        full(&mut world, "3", 0.95);
        full(&mut world, "5", 0.96);
        world.pass(Span::from_secs(60));
    }
    let expected = BTreeMap::from(["gpu 3 of host", "gpu 5 of host"].map(|it| (it.to_owned(), Severity::Warning)));
    assert_eq!(open(&world), expected);
    let alert = world.core.alerts().find(|alert| alert.source == "gpu 3 of host").unwrap();
    assert_eq!(alert.message, "GPU 3 (GPU-3) of node host has 95 % of its memory in use");
    let remedy = alert.context.remedy.as_ref().unwrap();
    assert!(remedy.contains("node gpus host") && remedy.contains("GPU 3"), "{remedy}");
    full(&mut world, "3", 0.2);
    assert_eq!(open(&world), one("gpu 5 of host", Severity::Warning), "one is well again");
    // Its node is lost, and with it what there would be to say.
    let mut out = Decisions::default();
    world.core.node_lost(world.now, world.node, &mut out);
    world.take(out);
    for _ in 0..2 {
        full(&mut world, "3", 0.99);
        world.pass(Span::from_secs(60));
    }
    assert_eq!(open(&world).into_keys().collect::<Vec<_>>(), ["gpu 5 of host", "node host"]);
    world.assert_durable();
}

#[test]
fn an_alert_of_a_rule_that_is_evaluated_for_something_else_now_is_over() {
    let mut world = World::new(FLEET);
    heat(&mut world, 3, 0.6);
    world.pass(Span::from_secs(10));
    heat(&mut world, 3, 0.6);
    let trigger = |alert: Alert| Alert {
        source: "agent own".into(),
        id: AlertId::new(world.now, 7),
        context: alert::AlertContext { trigger: "hot".into(), ..alert.context },
        ..alert
    };
    let older = trigger(world.core.alerts().next().unwrap().clone());
    // An older program evaluated it for agents, and raised this.
    let mut records = world.records.clone();
    let last = records.last().unwrap().clone();
    let event = event::AlertRaised { alert: older }.into();
    records.push(event::Record { seq: last.seq + 1, event, ..last });
    let mut core = crate::engine::core::Core::new();
    for record in &records {
        core.apply(record);
    }
    let mut out = Decisions::default();
    let subject = Subject::new(Scope::Agent, "own");
    let gone = Observation { rule: "hot".into(), subject, value: None, time: None, labels: BTreeMap::new() };
    core.observe(world.now, &gone, &mut out);
    assert_eq!(core.alerts().map(|alert| alert.source.as_str()).collect::<Vec<_>>(), ["cage 003"]);
}

#[test]
fn many_subjects_of_one_rule_are_told_as_one() {
    let mut world = World::new(FLEET);
    let all = |world: &mut World, value: f64| (1..=40).map(|number| heat(world, number, value)).sum::<usize>();
    all(&mut world, 0.6);
    world.pass(Span::from_secs(10));
    all(&mut world, 0.6);
    let severities = open(&world);
    assert_eq!(severities.len(), 4, "{severities:?}");
    assert_eq!(severities["rule hot"], Severity::Warning);
    let shared = |world: &World| world.core.alerts().find(|alert| alert.source == "rule hot").cloned();
    let group = shared(&world).unwrap();
    assert_eq!((group.context.value, group.count), (Some(37.0), 37));
    assert!(group.message.starts_with("37 more; last: cage 040"), "{}", group.message);
    assert_eq!(all(&mut world, 0.6), 0, "nothing changes");
    world.assert_durable();
    // Whoever looks at a cage sees its alert, be it its own or shared.
    let about = world.core.alerts_of_cages();
    let sources = |number| about[&cage(number)].iter().map(|alert| alert.source.as_str()).collect::<Vec<_>>();
    assert_eq!((about.len(), sources(1), sources(40)), (40, vec!["cage 001"], vec!["rule hot"]));
    let rule = world.core.alert_rule("hot").unwrap();
    assert_eq!(about[&cage(40)][0].figure(Some(rule)).as_deref(), Some("37 share it"));
    let own = about[&cage(1)][0].figure(Some(rule)).unwrap();
    assert!(own.starts_with("60 % where 50 % is the limit, ") && own.ends_with(rule.measure()), "{own}");
    // One of those that share it gets worse, and so does the alert.
    heat(&mut world, 40, 0.9);
    world.pass(Span::from_secs(10));
    heat(&mut world, 40, 0.9);
    assert_eq!(shared(&world).unwrap().severity, Severity::Critical);
    heat(&mut world, 40, 0.6);
    assert_eq!(shared(&world).unwrap().severity, Severity::Warning);
    // Each that leaves is said, and neither counts as one that came up nor calls anybody.
    let before = shared(&world).unwrap();
    world.pass(Span::from_secs(10));
    for number in 1..=39 {
        heat(&mut world, number, 0.1);
    }
    assert_eq!(open(&world), one("rule hot", Severity::Warning));
    let after = shared(&world).unwrap();
    assert_eq!((after.context.value, after.message.as_str()), (Some(1.0), "1 more; over: cage 039"));
    assert_eq!((after.count, after.last_seen), (before.count, before.last_seen));
    world.assert_durable();
    heat(&mut world, 40, 0.1);
    assert_eq!(open(&world), BTreeMap::new());
    // Resolved by hand, it comes up again; reopened it cannot be.
    all(&mut world, 0.6);
    world.pass(Span::from_secs(10));
    all(&mut world, 0.6);
    let id = shared(&world).unwrap().id;
    world.command(Command::ResolveAlerts { ids: vec![id], action: None, notes: None }).unwrap();
    assert!(world.command(Command::ReopenAlerts { ids: vec![id] }).unwrap_err().to_string().contains("shared"));
    world.assert_durable();
    all(&mut world, 0.6);
    world.pass(Span::from_secs(10));
    all(&mut world, 0.6);
    assert_eq!(shared(&world).unwrap().context.value, Some(37.0));
    world.command(Command::RemoveAlertRules { names: vec!["hot".into()] }).unwrap();
    assert_eq!(open(&world), BTreeMap::new());
    assert_eq!(heat(&mut world, 1, 0.9), 0, "there is no such rule any more");
    world.assert_durable();
}

#[test]
fn silences_mean_what_comes_up_later_too() {
    let mut world = World::new(FLEET);
    heat(&mut world, 1, 0.6);
    world.pass(Span::from_secs(10));
    heat(&mut world, 1, 0.6);
    assert_eq!(world.core.active_alerts(world.now), 1);
    let add = |rule: Option<&str>, source: Option<&str>, seconds: i64| Command::AddSilence {
        matcher: Matcher { rule: rule.map(Into::into), source: source.map(Into::into) },
        until: When::In(Span::from_secs(seconds)),
        note: Some("known".into()),
    };
    for wrong in [add(None, None, 60), add(Some(""), None, 60), add(Some("hot"), None, 0)] {
        assert!(world.command(wrong).is_err());
    }
    let Reply::Items { inverse, .. } = world.command(add(Some("ho*"), Some("cage *"), 60)).unwrap() else { panic!() };
    world.command(add(Some("*"), Some("cage 002"), 30)).unwrap();
    assert_eq!(world.core.active_alerts(world.now), 0);
    heat(&mut world, 2, 0.6);
    world.pass(Span::from_secs(10));
    heat(&mut world, 2, 0.6);
    assert_eq!((open(&world).len(), world.core.active_alerts(world.now)), (2, 0));
    world.assert_durable();
    // The one that is left ends earlier, and means one of the two.
    let Reply::Items { inverse, .. } = world.command(inverse[0].clone()).unwrap() else { panic!() };
    assert_eq!(world.core.active_alerts(world.now), 1);
    world.pass(Span::from_secs(21));
    assert_eq!(world.core.active_alerts(world.now), 2);
    world.command(inverse[0].clone()).unwrap();
    assert_eq!(world.core.active_alerts(world.now), 0);
    assert_eq!(world.core.silences().count(), 1, "what was over went when there was a new one");
    world.pass(Span::from_secs(30));
    assert_eq!(world.core.active_alerts(world.now), 2, "its time has passed");
    world.assert_durable();
}

#[test]
fn rules_are_declared_changed_and_taken_back() {
    let mut world = World::new(FLEET);
    let before = world.records.len();
    world.apply(FLEET).unwrap();
    assert_eq!(world.records.len(), before, "twice changes nothing");
    let Reply::Applied { changes, .. } =
        world.apply("[[alert_rule]]\nname = \"queue-wait\"\nwarning = \"30m\"").unwrap()
    else {
        panic!()
    };
    assert_eq!(changes[0].what, "alert rule queue-wait");
    assert_eq!(changes[0].fields, ["warning: 10m -> 30m"]);
    let rule = |world: &World, name: &str| world.core.alert_rules().find(|rule| rule.name == name).cloned();
    let changed = rule(&world, "queue-wait").unwrap();
    assert_eq!(changed.critical, Some("1h".parse().unwrap()), "what it does not name stays");
    for (wrong, expected) in [
        ("name = \"queue-wait\"\nwarning = \"90%\"", "a span, such as \"5s\""),
        ("name = \"new\"", "the name of a metric"),
        ("name = \"x\"\nmetric = \"m\"\nwarning = 1\n[[alert_rule]]\nname = \"x\"", "each name once"),
    ] {
        let refusal = world.apply(&format!("[[alert_rule]]\n{wrong}")).unwrap_err().to_string();
        assert!(refusal.contains(expected), "{refusal}");
    }
    // Back to what came with the program, and forth again.
    let names = vec!["queue-wait".to_owned()];
    let steps = [
        Command::RemoveAlertRules { names: names.clone() },
        Command::EnableAlertRules { names: names.clone(), on: false },
        Command::RemoveAlertRules { names: vec!["hot".into()] },
    ];
    for step in steps {
        let rules = |world: &World| world.core.alert_rules().cloned().collect::<Vec<_>>();
        let was = rules(&world);
        let Reply::Items { inverse, .. } = world.command(step.clone()).unwrap() else { panic!() };
        assert_ne!(rules(&world), was, "{step:?}");
        for command in inverse {
            world.command(command).unwrap();
        }
        assert_eq!(rules(&world), was, "{step:?}");
        world.assert_durable();
    }
    world.command(Command::RemoveAlertRules { names: names.clone() }).unwrap();
    let refusal = world.command(Command::RemoveAlertRules { names }).unwrap_err().to_string();
    assert!(refusal.contains("built in") && refusal.contains("alert rule disable"), "{refusal}");
    let refusal = world.command(Command::EnableAlertRules { names: vec!["queue-wiat".into()], on: true }).unwrap_err();
    assert!(refusal.to_string().contains("did you mean \"queue-wait\"?"), "{refusal}");
    let patch =
        AlertRulePatch { metric: Some("m".into()), warning: Some("1".parse().unwrap()), ..AlertRulePatch::default() };
    let many = (0..RULES_MAX).map(|number| AlertRulePatch { name: format!("n{number}"), ..patch.clone() }).collect();
    let fleet = Fleet { alert_rule: many, ..Fleet::default() };
    let refusal = world.command(Command::Apply { fleet, dry_run: false }).unwrap_err().to_string();
    assert!(refusal.contains("at most 10000"), "{refusal}");
    assert!(world.command(Command::AddAlertRule { rule: Box::new(patch) }).is_err(), "a rule needs a name");
}

#[test]
fn a_disabled_rule_says_nothing_and_its_alerts_are_over() {
    let mut world = World::new(FLEET);
    heat(&mut world, 1, 0.6);
    world.pass(Span::from_secs(10));
    heat(&mut world, 1, 0.6);
    heat(&mut world, 2, 0.6);
    assert_eq!(world.core.watched(0).pending["hot"].len(), 1);
    world.command(Command::EnableAlertRules { names: vec!["hot".into()], on: false }).unwrap();
    assert_eq!(open(&world), BTreeMap::new());
    world.pass(Span::from_secs(10));
    assert_eq!(heat(&mut world, 2, 0.6), 0);
    let watched = world.core.watched(0);
    assert!(watched.pending.is_empty() && watched.fired.is_empty());
    assert!(watched.rules.unwrap().iter().all(|rule| rule.name != "hot"));
    assert_eq!(world.core.watched(watched.version).rules, None, "they are told once");
}

#[test]
fn each_built_in_rule_fires_once_and_clears() {
    let names: Vec<String> = World::new("").core.alert_rules().map(|rule| rule.name.clone()).collect();
    assert!(names.len() >= 14, "{names:?}");
    for name in names {
        let mut world = World::new(FLEET);
        // Some rules are about what runs.
        world.submit(bare());
        world.schedule();
        let rule = world.core.alert_rules().find(|rule| rule.name == name).cloned().unwrap();
        let subject = match rule.scope {
            Scope::Cage => Subject::new(Scope::Cage, "001"),
            Scope::Agent => Subject::new(Scope::Agent, "own"),
            Scope::Node => Subject::new(Scope::Node, "host"),
            Scope::Gpu => Subject::gpu("3", "host"),
            Scope::Task => Subject::new(Scope::Task, TaskId::new(START, 1).to_string()),
            single => Subject::new(single, ""),
        };
        let first = rule.warning.or(rule.critical).unwrap().value;
        let sign = if rule.is_beyond(Level::Warning, f64::MAX, Level::Clear) { 1.0 } else { -1.0 };
        let (bad, good) = (first + sign * (0.01 * first.abs() + 0.001), first - sign * (0.5 * first.abs() + 1.0));
        observe(&mut world, &name, &subject, Some(good));
        assert_eq!(open(&world), BTreeMap::new(), "{name}");
        for _ in 0..3 {
            observe(&mut world, &name, &subject, Some(bad));
            world.pass(rule.hold);
        }
        assert_eq!(open(&world).into_keys().collect::<Vec<_>>(), [subject.to_string()], "{name}");
        let alert = world.core.alerts().next().unwrap().clone();
        assert_eq!((alert.context.trigger.as_str(), alert.count), (name.as_str(), 1));
        assert!(!alert.message.contains(['{', '}']) && alert.context.remedy.is_some(), "{alert:?}");
        observe(&mut world, &name, &subject, Some(good));
        assert_eq!(open(&world), BTreeMap::new(), "{name}");
        world.assert_durable();
    }
}
