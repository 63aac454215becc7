//! Alerts: raised once a cause, worse but never milder, over when their cause is.

use super::world::*;
use crate::domain::alert::AlertStatus;
use crate::domain::command::Command;
use crate::domain::link::Report;
use crate::domain::node::{Capacity, LOST_GPUS};
use crate::domain::time::When;
use crate::domain::*;
use crate::engine::core::{Decisions, Observation};

const FLEET: &str = r#"
[[cage]]
range = "001-002"
limits = { cpu = 4, memory = "1GiB" }
[[agent]]
name = "own"
cage = "001"
runtime = { type = "command", command = ["work"] }
[defaults]
breaker = { failures = 2, cooldown = "20s" }
retry = { delay = "1s", limit = "1s" }
"#;

fn notice(world: &mut World, severity: Severity, message: &str) {
    world.report(Report::Notice { severity, source: "worker".into(), message: message.into() });
}

fn open(world: &World) -> Vec<Alert> {
    world.core.alerts().cloned().collect()
}

fn lose(world: &mut World) {
    let mut out = Decisions::default();
    world.core.node_lost(world.now, world.node, &mut out);
    world.take(out);
}

fn bring_back(world: &mut World) {
    let mut out = Decisions::default();
    let node = world.core.node_hello(world.now, "host", CAPACITY, serde_json::Map::new(), &mut out);
    world.core.node_synced(world.now, node, false, &[], &mut out);
    world.take(out);
}

#[test]
fn one_cause_is_one_alert_until_it_is_resolved() {
    let mut world = World::new(FLEET);
    notice(&mut world, Severity::Info, "cage 001 is ready");
    assert_eq!(open(&world), []);
    notice(&mut world, Severity::Error, "cage 001: new limits were not taken: busy");
    world.pass(Span::from_secs(5));
    notice(&mut world, Severity::Warning, "cage 002: new limits were not taken: gone");
    notice(&mut world, Severity::Warning, "cage 002 was not declared to this worker");
    let alerts = open(&world);
    assert_eq!(alerts.iter().map(|alert| alert.count).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((alerts[0].severity, alerts[0].last_seen), (Severity::Error, world.now));
    assert!(alerts[0].message.contains("gone") && alerts[0].time < world.now);
    world.command(Command::ResolveAlerts { ids: vec![alerts[0].id], action: None, notes: None }).unwrap();
    notice(&mut world, Severity::Warning, "cage 002: new limits were not taken: gone");
    assert_eq!(open(&world).len(), 2);
    // Its cause has another alert by now.
    let refusal = world.command(Command::ReopenAlerts { ids: vec![alerts[0].id] }).unwrap_err();
    assert!(refusal.to_string().contains("come up again"), "{refusal}");
    world.assert_durable();
}

/// What was said of the system so far, by severity and words.
fn said(world: &World) -> Vec<(Severity, String)> {
    let events = world.records.iter().filter_map(|record| match &record.event {
        Event::SystemEventRaised(raised) => Some((raised.event.severity, raised.event.message.clone())),
        _ => None,
    });
    events.collect()
}

#[test]
fn a_worker_that_is_not_heard_and_then_lost_is_one_alert_the_graver_one() {
    let mut world = World::new(FLEET);
    let node = Subject::new(Scope::Node, "host");
    let figure = |world: &mut World, rule: &str, value: f64| {
        let (rule, subject) = (rule.to_owned(), node.clone());
        let mut out = Decisions::default();
        let observation =
            Observation { rule, subject, value: Some(value), time: None, labels: std::collections::BTreeMap::new() };
        world.core.observe(world.now, &observation, &mut out);
        world.take(out);
    };
    figure(&mut world, "node-disk", 0.95);
    figure(&mut world, "missed-heartbeats", 11.0);
    figure(&mut world, "missed-heartbeats", 16.0);
    lose(&mut world);
    // What the thread that evaluates saw last comes late.
    figure(&mut world, "missed-heartbeats", 19.0);
    let told = |world: &World| {
        let alerts = open(world).into_iter().map(|alert| (alert.context.trigger, alert.severity));
        alerts.collect::<Vec<_>>()
    };
    let disk = ("node-disk".to_owned(), Severity::Warning);
    assert_eq!(
        told(&world),
        [disk.clone(), ("node lost".to_owned(), Severity::Critical)],
        "a full disk is full all the same"
    );
    let words = said(&world);
    let ended = words.iter().find(|(_, words)| words.starts_with("over: the worker of node host"));
    assert!(ended.unwrap().1.contains("it has come to \"node lost\""), "{words:?}");
    bring_back(&mut world);
    figure(&mut world, "missed-heartbeats", 0.5);
    assert_eq!(told(&world), [disk]);
    world.assert_durable();
}

#[test]
fn a_clock_that_is_off_is_one_event_and_one_alert_until_it_is_right() {
    let mut world = World::new(FLEET);
    let off = |world: &mut World, offset: Option<i64>| {
        let mut out = Decisions::default();
        world.core.clock_off(world.now, world.node, offset, &mut out);
        world.take(out);
    };
    off(&mut world, None);
    assert_eq!(open(&world), []);
    off(&mut world, Some(-3_600_000_000));
    off(&mut world, Some(-3_601_000_000));
    let [alert] = &open(&world)[..] else { panic!("{:?}", open(&world)) };
    assert_eq!((alert.source.as_str(), alert.severity, alert.count), ("node host", Severity::Warning, 1));
    assert!(alert.message.contains("node host is 1h behind the engine's"), "{}", alert.message);
    assert!(alert.context.remedy.as_ref().unwrap().contains("NTP"), "{alert:?}");
    let warned =
        said(&world).into_iter().filter(|(severity, words)| *severity == Severity::Warning && words.contains("clock"));
    assert_eq!(warned.count(), 1);
    off(&mut world, None);
    assert_eq!(open(&world), []);
    world.assert_durable();
}

#[test]
fn each_change_of_severity_is_an_event_that_says_from_what_to_what() {
    let mut world = World::new(FLEET);
    notice(&mut world, Severity::Warning, "cage 001: new limits were not taken: busy");
    notice(&mut world, Severity::Error, "cage 001: new limits were not taken: gone");
    notice(&mut world, Severity::Warning, "cage 001: new limits were not taken: busy");
    let expected = [
        (Severity::Warning, "cage 001: new limits were not taken: busy"),
        (Severity::Error, "escalated from warning to error: cage 001: new limits were not taken: gone"),
        // Whoever reads the grave ones alone reads how it goes on.
        (Severity::Error, "cage 001: new limits were not taken: busy"),
    ];
    let words = said(&world);
    let words = &words[words.len() - 3..];
    assert_eq!(words, expected.map(|(severity, words)| (severity, words.to_owned())));
    world.assert_durable();
}

#[test]
fn a_lost_worker_clears_its_alert_when_it_is_back() {
    let mut world = World::new(FLEET);
    lose(&mut world);
    let alert = open(&world).remove(0);
    assert_eq!((alert.source.as_str(), alert.severity), ("node host", Severity::Critical));
    world.command(Command::AcknowledgeAlerts { ids: vec![alert.id], note: Some("cable".into()) }).unwrap();
    bring_back(&mut world);
    assert_eq!(open(&world), []);
    let alert = &world.alerts[&alert.id];
    let resolution = alert.resolution.as_ref().unwrap();
    assert!(resolution.by.is_none() && resolution.action.as_ref().unwrap().contains("cleared by itself"));
    world.assert_durable();
}

#[test]
fn a_tripped_breaker_clears_its_alert_by_success_or_by_hand() {
    let mut world = World::new(FLEET);
    let trip = |world: &mut World| {
        for _ in 0..2 {
            let id = world.submit(NewTask { max_attempts: 1, ..bare() });
            world.schedule();
            world.finish(id, OutcomeKind::Failed);
        }
    };
    let breaker = |world: &World| open(world).into_iter().find(|alert| alert.source == "agent own");
    trip(&mut world);
    let alert = breaker(&world).unwrap();
    assert_eq!((alert.context.threshold, alert.context.value), (Some(2.0), Some(2.0)));
    world.pass(Span::from_secs(60));
    let id = world.submit(task());
    assert_eq!(world.schedule(), [id]);
    assert!(breaker(&world).is_some(), "a pause that has ended proves nothing");
    world.finish(id, OutcomeKind::Succeeded);
    assert_eq!(breaker(&world), None);
    trip(&mut world);
    let ids = vec![world.agent("own")];
    world.command(Command::ResumeAgents { ids }).unwrap();
    assert_eq!(breaker(&world), None);
    world.assert_durable();
}

#[test]
fn broken_limits_and_lost_work_are_alerts_of_their_own() {
    let mut world = World::new(FLEET);
    let id = world.submit(NewTask { max_attempts: 1, ..task() });
    world.schedule();
    let outcome = Outcome { limit: Some("memory".into()), ..Outcome::new(OutcomeKind::LimitExceeded, "too much") };
    world.finish_with(id, outcome);
    let mut found: Vec<_> = open(&world).into_iter().map(|alert| (alert.source, alert.context.trigger)).collect();
    found.sort();
    assert_eq!(found, [("cage 001".to_owned(), "limit exceeded: memory".to_owned())], "one end is one alert");
    assert!(open(&world)[0].message.ends_with("too much; it was the only attempt"), "{}", open(&world)[0].message);
    let id = world.submit(NewTask { max_attempts: 1, ..task() });
    world.schedule();
    world.finish(id, OutcomeKind::Failed);
    assert!(open(&world).iter().any(|alert| alert.context.trigger == "task failed"));
    let mut out = Decisions::default();
    world.core.store_failed(world.now, "disk full", &mut out);
    world.take(out);
    assert!(open(&world).iter().any(|alert| alert.source == "store" && alert.severity == Severity::Error));
}

fn broken(world: &mut World, id: TaskId) {
    let outcome = Outcome { limit: Some("memory".into()), ..Outcome::new(OutcomeKind::LimitExceeded, "too much") };
    world.finish_with(id, outcome);
}

#[test]
fn a_broken_limit_names_cage_agent_and_remedy_and_is_over_when_the_cage_has_completed_something_since() {
    let mut world = World::new(&FLEET.replace("name = \"own\"", "name = \"own\"\nconcurrency = 2"));
    let first = world.submit(NewTask { max_attempts: 1, ..task() });
    let beside = world.submit(task());
    assert_eq!(world.schedule().len(), 2);
    world.pass(Span::from_secs(1));
    broken(&mut world, first);
    let alert = open(&world).remove(0);
    let remedy = alert.context.remedy.clone().unwrap();
    assert!(remedy.contains("limits.memory"), "{remedy}");
    assert!(alert.message.starts_with("agent own broke the memory limit of cage 001 with task "), "{alert:?}");
    // What was there already when the limit was broken proves nothing.
    world.pass(Span::from_secs(1));
    world.finish(beside, OutcomeKind::Succeeded);
    assert_eq!(open(&world).len(), 1);
    let later = world.submit(task());
    world.schedule();
    world.pass(Span::from_secs(1));
    world.finish(later, OutcomeKind::Succeeded);
    assert_eq!(open(&world), []);
    let resolution = world.alerts[&alert.id].resolution.clone().unwrap();
    assert!(resolution.by.is_none() && resolution.action.unwrap().starts_with("cleared by itself"));
    world.assert_durable();
}

#[test]
fn whatever_raises_an_alert_without_a_rule_says_what_to_do() {
    let mut world = World::new(FLEET);
    lose(&mut world);
    notice(&mut world, Severity::Error, "the disk of the spool is full");
    for alert in open(&world) {
        assert!(alert.context.remedy.is_some_and(|remedy| !remedy.is_empty()), "{}", alert.message);
    }
}

#[test]
fn what_people_do_about_alerts_can_be_taken_back() {
    let mut world = World::new(FLEET);
    notice(&mut world, Severity::Error, "the disk of the spool is full");
    let id = open(&world)[0].id;
    let ids = vec![id];
    let steps = [
        Command::AcknowledgeAlerts { ids: ids.clone(), note: Some("on it".into()) },
        Command::SilenceAlerts { ids: ids.clone(), until: Some(When::In(Span::from_secs(60))) },
        Command::SilenceAlerts { ids: ids.clone(), until: Some(When::In(Span::from_secs(90))) },
        Command::UnacknowledgeAlerts { ids: ids.clone() },
        Command::ResolveAlerts { ids: ids.clone(), action: Some("cleaned".into()), notes: Some("twice".into()) },
        Command::ReopenAlerts { ids: ids.clone() },
    ];
    for step in steps {
        let before = world.alerts[&id].clone();
        let mut there = || match world.command(step.clone()).unwrap() {
            Reply::Items { inverse, .. } => (inverse, world.alerts[&id].clone()),
            other => panic!("{other:?}"),
        };
        let (inverse, after) = there();
        assert_ne!(before, after, "{step:?}");
        assert_eq!(inverse.len(), 1, "{step:?}");
        world.command(inverse[0].clone()).unwrap();
        let mut back = world.alerts[&id].clone();
        // When it was resolved again is the one thing that is new.
        if let (Some(then), Some(now)) = (&before.resolution, &mut back.resolution) {
            now.time = then.time;
        }
        assert_eq!(back, before, "{step:?}");
        world.command(step.clone()).unwrap();
        world.pass(Span::from_secs(1));
    }
    for wrong in [
        Command::UnacknowledgeAlerts { ids: ids.clone() },
        Command::ReopenAlerts { ids: ids.clone() },
        Command::SilenceAlerts { ids: ids.clone(), until: Some(When::At(START)) },
        Command::ResolveAlerts { ids: vec![AlertId(uuid::Uuid::nil())], action: None, notes: None },
    ] {
        assert!(world.command(wrong.clone()).is_err(), "{wrong:?}");
    }
    assert_eq!(world.alerts[&id].status, AlertStatus::Active);
    world.assert_durable();
}

#[test]
fn alerts_are_bounded_and_the_oldest_gives_way() {
    let mut world = World::new("");
    let mut out = Decisions::default();
    let raise = |world: &mut World, source: String, out: &mut Decisions| {
        let report = Report::Notice { severity: Severity::Warning, source, message: "odd".into() };
        world.core.report(world.now, world.node, world.now, report, out);
    };
    for number in 0..10_000 {
        world.pass(Span::from_millis(1));
        raise(&mut world, format!("part {number}"), &mut out);
    }
    // The first comes up again, so that the second is the oldest.
    world.pass(Span::from_millis(1));
    raise(&mut world, "part 0".into(), &mut out);
    raise(&mut world, "one more".into(), &mut out);
    world.take(out);
    let sources: Vec<_> = open(&world).into_iter().map(|alert| alert.source).collect();
    assert_eq!(sources.len(), 10_000);
    assert!(sources.iter().any(|source| source == "part 0") && sources.iter().all(|source| source != "part 1"));
}

/// The node says that it has so many devices left, and which are lost.
fn gpus(world: &mut World, left: u64, lost: &[&str]) {
    let capacity = Capacity { gpu: left, gpu_memory: left * (24 << 30), ..CAPACITY };
    let mut metadata = serde_json::Map::new();
    if !lost.is_empty() {
        metadata.insert(LOST_GPUS.to_owned(), lost.into());
    }
    world.report(Report::Capacity { capacity, metadata });
}

#[test]
fn a_lost_gpu_is_told_once_and_given_to_nobody_until_it_is_back() {
    let mut world =
        World::new(&FLEET.replace("cpu = 4,", "cpu = 4, gpu = 2,").replace("cage = \"001\"", "concurrency = 9"));
    let on_gpu = || {
        let mut task = task();
        task.requirements.gpu = 1;
        task
    };
    let tasks = [(); 3].map(|()| world.submit(on_gpu()));
    assert_eq!(world.schedule().len(), 2, "there are two devices");
    gpus(&mut world, 1, &["GPU-b"]);
    gpus(&mut world, 1, &["GPU-b"]);
    let [alert] = &open(&world)[..] else { panic!("{:?}", open(&world)) };
    assert_eq!((alert.severity, alert.count, alert.source.as_str()), (Severity::Error, 1, "node host"));
    assert!(alert.message.contains("GPU-b") && alert.message.contains("1 left"), "{}", alert.message);
    for id in &tasks[..2] {
        world.start(*id);
    }
    world.finish(tasks[0], OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [], "the device that is left is held by the other");
    world.finish(tasks[1], OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [tasks[2]]);
    gpus(&mut world, 0, &["GPU-a", "GPU-b"]);
    assert_eq!(open(&world)[0].count, 2, "the same cause again");
    assert!(open(&world)[0].message.contains("GPUs GPU-a, GPU-b"), "all that are lost: {:?}", open(&world));
    let resource = |world: &World| {
        let seen = world.records.iter().rev().find_map(|record| match &record.event {
            Event::NodeSeen(seen) => Some(seen.resources.clone()),
            _ => None,
        });
        seen.unwrap().into_iter().filter(|it| it.kind == ResourceType::Gpu).map(|it| it.status).collect::<Vec<_>>()
    };
    assert_eq!(resource(&world), [ResourceStatus::Failed; 2]);
    gpus(&mut world, 1, &["GPU-b"]);
    let lost = |world: &World| world.core.view_overview(world.now, Span::ZERO, 0).lost_gpus;
    assert_eq!(lost(&world), [("host".to_owned(), vec!["GPU-b".to_owned()])], "what is well tells of it");
    assert_eq!((open(&world).len(), resource(&world)), (1, vec![ResourceStatus::Available; 2]), "one is still missing");
    gpus(&mut world, 2, &[]);
    assert_eq!((open(&world), lost(&world)), (vec![], vec![]));
}
