//! Evaluates the alert rules while there is a reason: asks for the figure of each subject, and tells the deciding thread
//! those that may change a level. It keeps no level itself: the core's are the only ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::Error;
use super::beat::Beat;
use super::core::vitals::Vitals;
use super::core::{Core, Observation, Watched, built_in};
use super::message::Message;
use super::present::Present;
use super::samples::DEADLINE_SPARE;
use super::series::Recorder;
use super::signals::{Sources, is_of_machine, needed, signals};
use super::watchers::Watchers;
use super::windows::{Ring, Windows};
use crate::domain::{AlertRule, Level, Span, Subject, Timestamp};

/// How often rules are evaluated while there is a reason.
const INTERVAL: Duration = Duration::from_secs(1);

/// The rules and what the core has made of them so far.
#[derive(Debug, Default)]
pub struct Evaluator {
    rules: Vec<AlertRule>,
    version: u64,
    grace: Span,
    /// When it evaluated for the first time.
    begun: Option<Timestamp>,
    /// Where the figures of what has fired are noted.
    present: Present,
}

impl Evaluator {
    /// After its start an engine knows no figures yet: for as long as `grace`, what it knows nothing of is not taken to be
    /// over. Workers that nobody looks at measure rarely, and windows have to fill.
    pub fn new(grace: Span) -> Self {
        Self { grace, ..Self::default() }
    }

    /// Notes the figures of what has fired there, for whoever looks at alerts.
    #[must_use]
    pub fn noting(self, present: Present) -> Self {
        Self { present, ..self }
    }

    /// The rules that are known.
    pub fn rules(&self) -> &[AlertRule] {
        &self.rules
    }

    /// The version of the rules that are known; 0 when none are.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Takes over the rules, if they have changed. Gives whether they have.
    pub fn learn(&mut self, watched: &mut Watched) -> bool {
        self.version = watched.version;
        let changed = watched.rules.take();
        let has = changed.is_some();
        self.rules = changed.unwrap_or_else(|| std::mem::take(&mut self.rules));
        has
    }

    /// The figures that may change something: of those whose level is not the one that has fired, of those that wait for
    /// their time, and of those that have fired and of which there is no figure any more or nothing runs any more.
    pub fn evaluate(&mut self, watched: &Watched, windows: &impl Windows, now: Timestamp) -> Vec<Observation> {
        let knows_what_is_gone = now.since(*self.begun.get_or_insert(now)) >= self.grace;
        let mut observations = vec![];
        for rule in &self.rules {
            let values = windows.values(rule, now);
            let fired = watched.fired.get(&rule.name).filter(|fired| !fired.is_empty());
            let pending = watched.pending.get(&rule.name);
            let observe = |subject: Subject, value: Option<f64>| {
                let (labels, time) = windows.worst(rule, &subject, now).unzip();
                Observation { rule: rule.name.clone(), subject, value, time, labels: labels.unwrap_or_default() }
            };
            if fired.is_none() && pending.is_none() {
                let rise = values.into_iter().filter(|(_, value)| rule.level(*value, Level::Clear) > Level::Clear);
                observations.extend(rise.map(|(subject, value)| observe(subject, value)));
                continue;
            }
            let mut gone: BTreeSet<&str> = BTreeSet::new();
            gone.extend(fired.into_iter().flat_map(BTreeMap::keys).map(String::as_str));
            gone.extend(pending.into_iter().flatten().map(String::as_str));
            for (subject, value) in values {
                let source = subject.to_string();
                let waits = pending.is_some_and(|pending| pending.contains(&source));
                let level = fired.and_then(|fired| fired.get(&source)).copied().unwrap_or(Level::Clear);
                gone.remove(source.as_str());
                if level > Level::Clear {
                    self.present.note(rule, &source, value, now);
                }
                if waits || rule.level(value, level) != level || watched.rests(&rule.name, &source) {
                    observations.push(observe(subject, value));
                }
            }
            observations.extend(gone.into_iter().filter_map(Subject::of_source).map(|subject| observe(subject, None)));
        }
        self.present.keep(&watched.fired);
        observations
            .retain(|it| it.value.is_some() || knows_what_is_gone || watched.rests(&it.rule, &it.subject.to_string()));
        observations
    }
}

/// Writes into the log which rules that came with the program are evaluated for something else than they came for, as a fleet
/// file of an earlier version left them. Whoever wants them so has said so; whoever does not would wonder.
fn tell_of_other_scopes(rules: &[AlertRule]) {
    for (rule, came) in rules.iter().filter_map(|rule| Some((rule, built_in(&rule.name)?))) {
        if rule.scope != came.scope {
            let (rule, scope, came) = (&rule.name, rule.scope, came.scope);
            tracing::info!(rule, %scope, built_in = %came, "a changed rule; alert rule remove gives it back as it came");
        }
    }
}

/// What the thread that evaluates needs.
pub struct Evaluation {
    /// Where observations go, and questions to the core.
    pub decider: Sender<Message>,
    /// Where samples are.
    pub ring: Ring,
    /// Where the figures of open alerts are noted.
    pub present: Present,
    /// What else figures come from.
    pub sources: Sources,
    /// Whoever has workers measure.
    pub watchers: Watchers,
    /// Where figures are kept, for rules to be tried on.
    pub recorder: Recorder,
    /// Says that something has changed.
    pub beat: Beat,
    /// Set once the engine has begun to leave.
    pub leaving: Arc<AtomicBool>,
    /// For how long after the start nothing is taken to be over for want of samples.
    pub grace: Span,
}

/// Evaluates the rules until the engine leaves: once a second while figures come in, work is there or an alert is open,
/// and not at all while the fleet is idle.
pub fn keep_evaluating(evaluation: Evaluation) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(Error::io("start the evaluation of rules"))?;
    runtime.block_on(evaluation.run());
    Ok(())
}

impl Evaluation {
    async fn run(self) {
        let mut evaluator = Evaluator::new(self.grace).noting(self.present.clone());
        let mut changes = self.beat.follow();
        while !self.leaving.load(Ordering::Acquire) {
            let Some(has_reason) = self.tick(&mut evaluator).await else { return };
            tokio::time::sleep(INTERVAL).await;
            if !has_reason {
                tokio::select! {
                    alive = changes.changed() => if alive.is_err() { return },
                    () = self.ring.pushed() => {}
                }
            }
        }
    }

    /// Evaluates once. Gives whether there is a reason to do so again; `None` when the engine has left.
    async fn tick(&self, evaluator: &mut Evaluator) -> Option<bool> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let version = evaluator.version();
        let look = move |core: &Core, now: Timestamp| {
            // Nobody may be left to hear it.
            let _ = answer.send((core.watched(version), core.vitals(now), now));
        };
        self.decider.send(Message::Look(Box::new(look))).ok()?;
        let (mut watched, vitals, now): (Watched, Vitals, Timestamp) = answered.await.ok()?;
        let mut points = signals(&vitals, &self.sources, now);
        for point in &points {
            self.ring.put(point.metric.name, &point.labels, now, point.value, now);
        }
        // A series for each task would be one without an end.
        points.retain(|point| point.metric != &DEADLINE_SPARE);
        self.recorder.put(now, &points);
        if evaluator.learn(&mut watched) {
            tell_of_other_scopes(evaluator.rules());
            self.ring.keep(evaluator.rules(), now);
            self.watchers.need(needed(evaluator.rules()));
        }
        let of_machines = |rule: &AlertRule| {
            watched.fired.get(&rule.name).is_some_and(|fired| !fired.is_empty()) && is_of_machine(&rule.metric)
        };
        self.watchers.await_figures(evaluator.rules().iter().any(of_machines));
        self.ring.look_after(now);
        let observations = evaluator.evaluate(&watched, &self.ring, now);
        let has_reason = vitals.is_busy || !observations.is_empty() || !watched.fired.is_empty();
        if !observations.is_empty() {
            self.decider.send(Message::Observe(observations)).ok()?;
        }
        Some(has_reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert_rule::Comparison;
    use crate::domain::{AlertRulePatch, Scope};
    use crate::engine::core::Decisions;
    use crate::engine::windows::Labels;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000 + seconds) * 1_000_000)
    }

    /// A core with one rule, the samples and whoever evaluates, as the engine puts them together.
    struct Rig {
        core: Core,
        ring: Ring,
        evaluator: Evaluator,
        second: i64,
    }

    impl Rig {
        fn new(no_data: &str) -> Self {
            let mut core = Core::new();
            let mut out = Decisions::default();
            core.open(at(0), 1, "test", &mut out);
            let user = core.user_for(at(0), 1, "alice", "host", &mut out);
            let patch = AlertRulePatch {
                name: "hot".into(),
                metric: Some("heat".into()),
                scope: Some(Scope::Cage),
                warning: Some("10".parse().unwrap()),
                hold: Some(Span::from_secs(2)),
                window: Some(Span::from_secs(5)),
                no_data: Some(no_data.parse().unwrap()),
                ..AlertRulePatch::default()
            };
            let command = crate::domain::Command::AddAlertRule { rule: Box::new(patch) };
            let actor = crate::domain::Actor::User(user);
            core.command(at(0), actor, command, &crate::engine::core::Context::default(), &mut out).unwrap();
            Self { core, ring: Ring::default(), evaluator: Evaluator::default(), second: 0 }
        }

        /// A second passes in which cages were so hot. Gives how many figures were told, and how many records they made.
        fn tick(&mut self, heat: &[(&str, f64)]) -> (usize, usize) {
            self.second += 1;
            let now = at(self.second);
            for (cage, value) in heat {
                let labels = Labels::from([("cage".to_owned(), (*cage).to_owned())]);
                self.ring.push("heat", &labels, now, *value, now);
            }
            let mut watched = self.core.watched(self.evaluator.version());
            self.evaluator.learn(&mut watched);
            let told = self.evaluator.evaluate(&watched, &self.ring, now);
            let mut out = Decisions::default();
            for observation in &told {
                self.core.observe(now, observation, &mut out);
            }
            (told.len(), out.records.len())
        }

        fn open(&self) -> Vec<String> {
            self.core.alerts().map(|alert| alert.source.clone()).collect()
        }
    }

    #[test]
    fn only_what_may_change_a_level_is_told() {
        let mut rig = Rig::new("keep");
        assert_eq!(rig.tick(&[("001", 1.0), ("002", 2.0)]), (0, 0));
        assert_eq!(rig.tick(&[("001", 11.0), ("002", 2.0)]), (1, 0), "it waits for its time");
        assert_eq!(rig.tick(&[("001", 11.0), ("002", 2.0)]), (1, 0));
        let (told, records) = rig.tick(&[("001", 11.0), ("002", 2.0)]);
        assert!(told == 1 && records > 0);
        assert_eq!(rig.open(), ["cage 001"]);
        assert_eq!(rig.tick(&[("001", 12.0)]), (0, 0), "it has fired");
        assert_eq!(rig.tick(&[("001", 12.0), ("002", 11.0)]), (1, 0));
        assert_eq!(rig.tick(&[("001", 12.0), ("002", 2.0)]), (1, 0), "one that waited no longer has to");
        assert_eq!(rig.tick(&[("001", 12.0), ("002", 2.0)]), (0, 0));
        assert_eq!(rig.tick(&[("001", 3.0)]), (1, 2), "it is over, and a word says so");
        assert_eq!(rig.open(), Vec::<String>::new());
    }

    #[test]
    fn what_is_gone_is_told_as_nothing() {
        for (no_data, left) in [("keep", vec!["cage 001"]), ("clear", vec![])] {
            let mut rig = Rig::new(no_data);
            for _ in 0..3 {
                rig.tick(&[("001", 11.0)]);
            }
            assert_eq!(rig.open(), ["cage 001"]);
            for _ in 0..10 {
                rig.tick(&[]);
            }
            assert_eq!(rig.open(), left, "{no_data}");
            rig.ring.look_after(at(1000));
            rig.tick(&[("002", 1.0)]);
            assert_eq!(rig.open(), left, "{no_data}: its series is gone as well");
        }
    }

    #[test]
    fn a_restart_finds_what_had_fired() {
        let mut rig = Rig::new("keep");
        for _ in 0..3 {
            rig.tick(&[("001", 11.0)]);
        }
        rig.evaluator = Evaluator::default();
        rig.ring = Ring::default();
        assert_eq!(rig.tick(&[("001", 11.0)]), (0, 0));
        assert_eq!(rig.tick(&[("001", 1.0)]), (1, 2));
        assert_eq!(rig.open(), Vec::<String>::new());
    }

    #[test]
    fn after_a_start_nothing_is_over_for_want_of_samples_before_the_grace_has_passed() {
        let mut rig = Rig::new("clear");
        for _ in 0..3 {
            rig.tick(&[("001", 11.0)]);
        }
        // Another engine takes up the same journal: it has no samples yet.
        rig.evaluator = Evaluator::new(Span::from_secs(120));
        rig.ring = Ring::default();
        for second in 0..120 {
            assert_eq!(rig.tick(&[]), (0, 0), "{second}");
        }
        assert_eq!(rig.open(), ["cage 001"]);
        assert_eq!(rig.tick(&[]), (1, 2), "the grace is over, and there still are none");
        assert_eq!(rig.open(), Vec::<String>::new());
        // A figure counts at once, grace or not.
        for _ in 0..3 {
            rig.tick(&[("001", 11.0)]);
        }
        rig.evaluator = Evaluator::new(Span::from_secs(120));
        assert_eq!(rig.tick(&[("001", 1.0)]), (1, 2));
        assert_eq!(rig.open(), Vec::<String>::new());
    }

    /// A subject of a rule, and the labels of a series about it.
    fn subject_of_rule(rule: &AlertRule) -> (String, Labels) {
        let name = match rule.scope {
            Scope::Cage => "001",
            Scope::Agent => "coder",
            Scope::Node => "host",
            Scope::Gpu => "3",
            Scope::Task => "00000000-0000-7000-8000-000000000001",
            Scope::Queue | Scope::Fleet => "",
        };
        let mut labels: Labels =
            rule.scope.label().into_iter().map(|label| (label.to_owned(), name.to_owned())).collect();
        if rule.scope == Scope::Gpu {
            labels
                .extend([("node", "host"), ("uuid", "GPU-a")].map(|(label, name)| (label.to_owned(), name.to_owned())));
        }
        (rule.subject(&labels).unwrap().to_string(), labels)
    }

    /// Every rule that comes with the program, by its metric alone; tests/watching has them fire by real causes.
    #[test]
    fn every_built_in_rule_fires_at_each_threshold_and_clears() {
        let names: Vec<String> = Core::new().alert_rules().map(|rule| rule.name.clone()).collect();
        assert!(names.len() >= 15, "{names:?}");
        for name in names {
            let mut rig = Rig::new("keep");
            let rule = rig.core.alert_rules().find(|rule| rule.name == name).unwrap().clone();
            let (source, labels) = subject_of_rule(&rule);
            let lasts = (rule.window.as_micros() + rule.hold.as_micros()) / 1_000_000 + 2;
            let mut pass = |value: f64| {
                for _ in 0..lasts {
                    rig.second += 1;
                    rig.ring.push(&rule.metric, &labels, at(rig.second), value, at(rig.second));
                    let mut watched = rig.core.watched(rig.evaluator.version());
                    rig.evaluator.learn(&mut watched);
                    rig.ring.keep(rig.evaluator.rules(), at(rig.second));
                    for told in rig.evaluator.evaluate(&watched, &rig.ring, at(rig.second)) {
                        rig.core.observe(at(rig.second), &told, &mut Decisions::default());
                    }
                }
                let open = rig.core.alerts().filter(|alert| alert.source == source);
                open.map(|alert| (alert.severity, alert.message.clone())).collect::<Vec<_>>()
            };
            // Half of the way from the threshold to what is worse, and far away on the other side of it.
            let rises = matches!(rule.comparison, Comparison::Above | Comparison::AtLeast);
            let margin = |value: f64| value.abs() * 0.001 + 0.001;
            let beyond = |value: f64| if rises { value + margin(value) } else { value - margin(value) };
            let fine = rule.warning.or(rule.critical).unwrap().value;
            let fine = if rises { fine * 0.5 } else { fine.abs() * 2.0 + 1.0 };
            assert_eq!(pass(fine), [], "{name} is quiet while all is well");
            for level in [Level::Warning, Level::Critical] {
                let Some(threshold) = rule.threshold(level) else { continue };
                let open = pass(beyond(threshold.value));
                let [(severity, message)] = &open[..] else { panic!("{name} at {level}: {open:?}") };
                assert_eq!(Some(*severity), level.severity(), "{name}");
                assert!(message.contains(&rule.unit().show(beyond(threshold.value))), "{name}: {message}");
            }
            assert_eq!(pass(fine), [], "{name} clears");
        }
    }
}
