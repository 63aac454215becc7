//! Alerts: what the system says about itself at severity warning and above stays until somebody, or its own end, resolves
//! it. What comes up again counts as the same alert: the same source and the same trigger.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::draw;
use super::remedy::remedy_for;
use super::{Core, Decisions};
use crate::domain::alert::{AlertContext, Resolution};
use crate::domain::event::{AlertRaised, AlertRepeated, AlertResolved, SystemEventRaised};
use crate::domain::{
    Actor, Alert, AlertId, AlertStatus, NodeId, Refusal, Scope, Severity, Span, Subject, SystemEvent, SystemEventId,
    Timestamp,
};

/// What the trigger of a broken limit begins with; the limit's name follows.
pub const LIMIT_EXCEEDED: &str = "limit exceeded: ";
/// A node's worker cannot be reached.
pub const NODE_LOST: &str = "node lost";
/// The clock of a node's worker goes otherwise than the engine's.
pub const CLOCK_OFF: &str = "clock off";
/// A node has lost a GPU.
pub const GPU_LOST: &str = "gpu lost";
/// A worker ended and took executions along.
pub const WORKER_ENDED: &str = "worker ended";
/// An agent's circuit breaker opened.
pub const BREAKER: &str = "breaker opened";
/// A cage could not be set up.
pub const CAGE_FAILED: &str = "cannot be set up";
/// A task was given up.
pub const TASK_FAILED: &str = "task failed";
/// An approved difference could not be merged.
pub const NOT_MERGED: &str = "not merged";
/// The store could not be written.
pub const STORE_FAILED: &str = "store failed";

/// A receiver of alerts does not take them.
pub const DELIVERY_FAILED: &str = "delivery failed";

/// A model is of a format that only a newer binary reads.
pub const MODEL_REFUSED: &str = "model refused";
/// What alerts have for a trigger that come from no rule; broken limits have more, after [`LIMIT_EXCEEDED`].
pub const TRIGGERS: [&str; 11] = [
    NODE_LOST,
    CLOCK_OFF,
    GPU_LOST,
    WORKER_ENDED,
    BREAKER,
    CAGE_FAILED,
    TASK_FAILED,
    NOT_MERGED,
    STORE_FAILED,
    DELIVERY_FAILED,
    MODEL_REFUSED,
];

/// The limits of cages that are broken when they are.
pub const LIMITS: [&str; 4] = ["memory", "pids", "disk", "tokens"];

/// So many alerts may be unresolved; beyond that the one not seen for the longest gives way.
const ALERTS_MAX: usize = 10_000;

/// How many words of a message that has no trigger of its own tell what sort it is.
const WORDS_MAX: usize = 12;

/// The alerts that are not resolved.
#[derive(Debug, Default)]
pub struct Alerts {
    known: BTreeMap<AlertId, Alert>,
    causes: BTreeMap<(String, String), AlertId>,
    triggers: BTreeMap<String, BTreeSet<AlertId>>,
    ages: BTreeSet<(Timestamp, AlertId)>,
}

impl Alerts {
    /// One of them.
    pub fn get(&self, id: AlertId) -> Option<&Alert> {
        self.known.get(&id)
    }

    /// The one with a cause: source and trigger.
    pub fn of_cause(&self, (source, trigger): (&str, &str)) -> Option<&Alert> {
        self.causes.get(&(source.to_owned(), trigger.to_owned())).and_then(|id| self.known.get(id))
    }

    /// Those with a trigger, by id.
    pub fn of_trigger(&self, trigger: &str) -> impl ExactSizeIterator<Item = AlertId> {
        static NONE: BTreeSet<AlertId> = BTreeSet::new();
        self.triggers.get(trigger).unwrap_or(&NONE).iter().copied()
    }

    /// The triggers that begin so and have an alert.
    pub fn triggers_beginning<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = &'a str> {
        let from = self.triggers.range::<str, _>((Bound::Included(beginning), Bound::Unbounded));
        from.map(|(trigger, _)| trigger.as_str()).take_while(move |trigger| trigger.starts_with(beginning))
    }

    /// Every trigger with its alerts.
    pub fn by_trigger(&self) -> impl Iterator<Item = (&str, &BTreeSet<AlertId>)> {
        self.triggers.iter().map(|(trigger, ids)| (trigger.as_str(), ids))
    }

    /// Whether one more would make the oldest give way.
    pub fn are_full(&self) -> bool {
        self.known.len() >= ALERTS_MAX
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.known.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Takes one in.
    pub fn insert(&mut self, alert: Alert) {
        let (source, trigger) = alert.cause();
        self.causes.insert((source.to_owned(), trigger.to_owned()), alert.id);
        self.triggers.entry(trigger.to_owned()).or_default().insert(alert.id);
        self.ages.insert((alert.last_seen, alert.id));
        self.known.insert(alert.id, alert);
    }

    /// Forgets one.
    pub fn remove(&mut self, id: AlertId) -> Option<Alert> {
        let alert = self.known.remove(&id)?;
        let (source, trigger) = alert.cause();
        self.causes.remove(&(source.to_owned(), trigger.to_owned()));
        if let Some(ids) = self.triggers.get_mut(trigger) {
            ids.remove(&id);
            if ids.is_empty() {
                self.triggers.remove(trigger);
            }
        }
        self.ages.remove(&(alert.last_seen, id));
        Some(alert)
    }

    /// Changes one.
    pub fn change(&mut self, id: AlertId, change: impl FnOnce(&mut Alert)) {
        if let Some(mut alert) = self.remove(id) {
            change(&mut alert);
            self.insert(alert);
        }
    }

    /// The one that was not seen for the longest.
    fn oldest(&self) -> Option<AlertId> {
        self.ages.first().map(|(_, id)| *id)
    }
}

/// What raises an alert, without figures.
pub fn trigger(name: &str) -> AlertContext {
    AlertContext { trigger: name.to_owned(), ..AlertContext::default() }
}

/// What raises an alert when a value reaches a threshold.
pub fn crossed(name: &str, threshold: f64, value: f64) -> AlertContext {
    AlertContext { threshold: Some(threshold), value: Some(value), ..trigger(name) }
}

/// The source of what concerns an agent.
pub fn agent_source(name: &str) -> String {
    format!("agent {name}")
}

/// The source of what concerns a node.
pub fn node_source(name: &str) -> String {
    format!("node {name}")
}

/// The source of what concerns a receiver of alerts.
pub fn delivery_source(receiver: &str) -> String {
    format!("delivery {receiver}")
}

/// What sort of message this is: its first words, up to a colon, with a mark for those that name a single thing.
pub fn sort_of(message: &str) -> String {
    let head = message.split(':').find(|part| part.split_whitespace().count() > 2).unwrap_or(message);
    let words = head.split_whitespace().take(WORDS_MAX);
    let words =
        words.map(|word| if word.chars().any(|c| c.is_ascii_digit() || "/\"".contains(c)) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

impl Core {
    /// Says something about the system; from severity warning on it stays as an alert, with what to do about its trigger.
    pub(super) fn tell(
        &mut self,
        severity: Severity,
        source: String,
        context: AlertContext,
        message: String,
        now: Timestamp,
        out: &mut Decisions,
    ) {
        if severity < Severity::Warning {
            self.say(severity, &source, &message, now, out);
            return;
        }
        let known = self.alerts.of_cause((&source, &context.trigger)).map(|alert| (alert.id, alert.severity));
        match known {
            Some((_, before)) if severity > before => {
                self.say_change((before, severity), &source, &message, now, out);
            }
            // What goes on is as grave as it was: whoever reads the grave events alone reads of its end, too.
            Some((_, before)) => self.say(before.max(severity), &source, &message, now, out),
            None => self.say(severity, &source, &message, now, out),
        }
        if let Some((alert_id, before)) = known {
            let severity = before.max(severity);
            let AlertContext { value, attempts, .. } = context;
            let event = AlertRepeated {
                alert_id,
                severity,
                message,
                value,
                threshold: None,
                left: false,
                remedy: None,
                attempts,
            };
            self.emit(now, Actor::Engine, event, out);
            return;
        }
        let remedy = remedy_for(&context.trigger).to_owned();
        let context = AlertContext { remedy: Some(remedy), ..context };
        self.raise(severity, source, context, message, now, out);
    }

    /// Says something about the system and leaves it at that.
    pub(super) fn say(&mut self, severity: Severity, source: &str, message: &str, now: Timestamp, out: &mut Decisions) {
        let event = SystemEvent {
            id: SystemEventId::new(now, draw::id_bits(self.seed, self.seq + 1, 0)),
            severity,
            source: source.to_owned(),
            message: message.to_owned(),
            time: now,
            context: serde_json::Map::new(),
            metadata: serde_json::Map::new(),
        };
        self.emit(now, Actor::Engine, SystemEventRaised { event }, out);
    }

    /// Says that an alert has got worse or milder, from what to what and why, if it has. The list of events alone has to tell
    /// a whole story.
    pub(super) fn say_change(
        &mut self,
        (from, to): (Severity, Severity),
        source: &str,
        message: &str,
        now: Timestamp,
        out: &mut Decisions,
    ) {
        match from.cmp(&to) {
            Ordering::Less => self.say(to, source, &format!("escalated from {from} to {to}: {message}"), now, out),
            Ordering::Equal => {}
            Ordering::Greater => {
                self.say(Severity::Info, source, &format!("eased from {from} to {to}: {message}"), now, out);
            }
        }
    }

    /// Raises an alert whose cause has none, silenced from the start if a silence means it.
    pub(super) fn raise(
        &mut self,
        severity: Severity,
        source: String,
        context: AlertContext,
        message: String,
        now: Timestamp,
        out: &mut Decisions,
    ) {
        self.make_room_for_alert(now, out);
        let silenced_until = self.silenced_until((&source, &context.trigger), now);
        let alert = Alert {
            id: AlertId::new(now, draw::id_bits(self.seed, self.seq + 1, 0)),
            severity,
            status: AlertStatus::Active,
            source,
            message,
            time: now,
            last_seen: now,
            count: 1,
            context,
            acknowledged_by: None,
            note: None,
            silenced_until,
            resolution: None,
        };
        self.emit(now, Actor::Engine, AlertRaised { alert }, out);
    }

    /// The oldest alerts give way when there are too many.
    pub(super) fn make_room_for_alert(&mut self, now: Timestamp, out: &mut Decisions) {
        while self.alerts.len() >= ALERTS_MAX
            && let Some(alert_id) = self.alerts.oldest()
        {
            self.end_alert(alert_id, format!("gave way: more than {ALERTS_MAX} alerts are unresolved"), now, out);
        }
    }

    /// An alert ends by itself, for a reason.
    pub(super) fn end_alert(&mut self, alert_id: AlertId, why: String, now: Timestamp, out: &mut Decisions) {
        let resolution = Resolution { time: now, by: None, action: Some(why), notes: None };
        self.resolve(Actor::Engine, alert_id, resolution, out);
    }

    /// An alert is over. A word from the same source says so, with who ended it and how: the list of events alone has to
    /// tell a whole story.
    pub(super) fn resolve(&mut self, actor: Actor, alert_id: AlertId, resolution: Resolution, out: &mut Decisions) {
        let now = resolution.time;
        if let Some(alert) = self.alerts.get(alert_id) {
            let (source, mut message) = (alert.source.clone(), format!("over: {}", alert.message));
            let by = resolution.by.and_then(|id| self.users.get(&id)).map(|user| format!("resolved by {}", user.name));
            for part in [by, resolution.action.clone(), resolution.notes.clone()].into_iter().flatten() {
                message.push_str("; ");
                message.push_str(&part);
            }
            self.say(Severity::Info, &source, &message, now, out);
        }
        self.emit(now, actor, AlertResolved { alert_id, resolution }, out);
    }

    /// What raised an alert is over: it clears by itself.
    pub(super) fn clear_alert(&mut self, source: &str, trigger: &str, why: &str, now: Timestamp, out: &mut Decisions) {
        if let Some(alert_id) = self.alerts.of_cause((source, trigger)).map(|alert| alert.id) {
            self.end_alert(alert_id, format!("cleared by itself: {why}"), now, out);
        }
    }

    /// The store works again after it could not be written: says so, because meanwhile nothing could be.
    pub fn store_failed(&mut self, now: Timestamp, error: &str, out: &mut Decisions) {
        let now = self.clock(now);
        let message = format!("the store could not be written and no change was taken until now: {error}");
        self.tell(Severity::Error, "store".to_owned(), trigger(STORE_FAILED), message, now, out);
    }

    /// At a start: models that could not be taken up, because a newer binary made them, and work goes on without what they had
    /// learned. Where there is none, that is over. What has learned enough for a version, from a journal that had none of
    /// its model yet, becomes one, so that this is not learned again at every start.
    pub fn models_taken_up(&mut self, now: Timestamp, refused: &[Refusal], out: &mut Decisions) {
        let now = self.clock(now);
        if refused.is_empty() {
            self.clear_alert("learning", MODEL_REFUSED, "every model could be taken up", now, out);
        } else {
            let refused: Vec<_> = refused.iter().map(ToString::to_string).collect();
            let message = format!("work goes on without what was learned: {}", refused.join("; "));
            self.tell(Severity::Warning, "learning".to_owned(), trigger(MODEL_REFUSED), message, now, out);
        }
        self.keep_models(now, out);
    }

    /// The clock of a node's worker is off from the engine's by so many microseconds (ahead of it: more than zero), or is
    /// right again (`None`). What is known already is not said again.
    pub fn clock_off(&mut self, now: Timestamp, node: NodeId, offset: Option<i64>, out: &mut Decisions) {
        let now = self.clock(now);
        let Some(number) = self.node_number(node) else { return };
        let name = self.nodes[number as usize].node.name.clone();
        let source = node_source(&name);
        match offset {
            None => self.clear_alert(&source, CLOCK_OFF, "the clock is right again", now, out),
            Some(_) if self.alerts.of_cause((&source, CLOCK_OFF)).is_some() => {}
            Some(offset) => {
                let by = Span::from_micros(offset.saturating_abs()).human();
                let side = if offset > 0 { "ahead of" } else { "behind" };
                let message = format!(
                    "the clock of node {name} is {by} {side} the engine's; the times that it reports are put where they can be"
                );
                let context = AlertContext { value: Some(offset as f64 / 1e6), ..trigger(CLOCK_OFF) };
                self.tell(Severity::Warning, source, context, message, now, out);
            }
        }
    }

    /// A receiver of alerts does not take them, or takes them again. What is known already is not said again.
    pub fn delivery(&mut self, now: Timestamp, receiver: &str, error: Option<&str>, out: &mut Decisions) {
        let now = self.clock(now);
        let source = delivery_source(receiver);
        match error {
            None => self.clear_alert(&source, DELIVERY_FAILED, "it takes alerts again", now, out),
            Some(_) if self.alerts.of_cause((&source, DELIVERY_FAILED)).is_some() => {}
            Some(error) => {
                let message = format!("alerts do not reach {receiver}: {error}");
                self.tell(Severity::Error, source, trigger(DELIVERY_FAILED), message, now, out);
            }
        }
    }

    /// The alerts that are not resolved, by id.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter()
    }

    /// What alerts may be about at the moment: every cage, agent and node, all as one, and whatever has an alert. Tasks, and
    /// what only workers know, such as GPUs, are not among it.
    pub fn alert_sources(&self) -> BTreeSet<String> {
        let cages = self.cages().map(|cage| Subject::new(Scope::Cage, cage.spec.id.to_string()));
        let agents = self.agent_names.keys().map(|name| Subject::new(Scope::Agent, name.as_str()));
        let nodes = self.nodes.iter().map(|state| Subject::new(Scope::Node, state.node.name.as_str()));
        let whole = [Scope::Queue, Scope::Fleet].map(|scope| Subject::new(scope, ""));
        let subjects = cages.chain(agents).chain(nodes).chain(whole).map(|subject| subject.to_string());
        subjects.chain(self.alerts.iter().map(|alert| alert.source.clone())).collect()
    }

    /// How many alerts need somebody's eye now: nobody has taken them and they are not silenced.
    pub fn active_alerts(&self, now: Timestamp) -> u64 {
        let needs = |alert: &&Alert| {
            alert.status == AlertStatus::Active && alert.silenced_until.is_none_or(|until| until <= now)
        };
        self.alerts.iter().filter(needs).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_differ_in_names_and_figures_are_of_one_sort() {
        let one = "cage 003: new limits were not taken: device busy";
        let other = "cage 017: new limits were not taken: no such file";
        assert_eq!(sort_of(one), sort_of(other));
        assert_eq!(sort_of(one), "new limits were not taken");
        assert_ne!(sort_of(one), sort_of("cage 003 was not declared to this worker"));
        assert_eq!(sort_of(""), "");
    }
}
