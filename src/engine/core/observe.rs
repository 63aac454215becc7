//! What a rule's figures lead to: pending, warning, critical, over. A figure that changes no level leaves no record.
//!
//! The level that has fired is that of the alert that there is, so a restart or a recovery finds it where it was, and an
//! alert that was resolved by hand comes up again if its cause is not over. Only since when a threshold is exceeded, how
//! grave what has just ended was, and what a person has closed with another alert, is in memory alone.

use std::collections::{BTreeMap, BTreeSet};

use super::alerts::{NODE_LOST, agent_source, node_source};
use super::rules::{Group, group_source};
use super::state::ExecutionState;
use super::{Core, Decisions};
use crate::domain::alert::{AlertAttempt, AlertContext};
use crate::domain::alert_rule::NoData;
use crate::domain::alert_state::Pending;
use crate::domain::event::{AlertGrouped, AlertRepeated, AlertUnacknowledged};
use crate::domain::{Actor, Alert, AlertRule, AlertStatus, CageId, Level, Scope, Severity, Subject, TaskId, Timestamp};

/// So many attempts are named by one alert.
const ATTEMPTS_MAX: usize = 8;

/// One figure of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The rule, by name.
    pub rule: String,
    /// What the figure is of.
    pub subject: Subject,
    /// The figure; `None` when there were no samples.
    pub value: Option<f64>,
    /// When that was measured last, if it was.
    pub time: Option<Timestamp>,
    /// The labels of the series whose figure it is; of several the one that is worst.
    pub labels: BTreeMap<String, String>,
}

impl Core {
    /// Takes in a figure. One of a rule that there is not, or that is disabled, says nothing.
    ///
    /// Costs O(log n) in the number of alerts, rules and subjects.
    pub fn observe(&mut self, now: Timestamp, observation: &Observation, out: &mut Decisions) {
        let now = self.clock(now);
        let Some(rule) = self.rules.get(&observation.rule).filter(|rule| rule.enabled).cloned() else { return };
        let value = observation.value.filter(|value| value.is_finite());
        let observation = &Observation { value, ..observation.clone() };
        let subject = &observation.subject;
        if subject.scope != rule.scope {
            self.lay_down(&rule, subject, "the rule is evaluated for something else now", now, out);
            return;
        }
        if self.is_of_before(&rule, observation) {
            return;
        }
        let rests = self.is_at_rest(&rule, subject);
        let fired = self.fired(&rule.name, subject);
        let mut pending = self.rules.pending(&rule.name, subject);
        let level = pending.take_in(&rule, fired, value, rests, now);
        if rests && rule.ends_with_work() {
            self.lay_down(&rule, subject, "nothing runs there any more", now, out);
            return;
        }
        // Whoever waits for its time waits on while it is inhibited, and fires at once when that is over.
        let quiet = || self.rules.is_explained(&rule.name, subject, level) || self.is_inhibited(&rule, subject);
        let changes = level < fired || (level > fired && !quiet());
        if changes {
            pending.settle(level);
        }
        self.rules.set_pending(&rule.name, subject, pending);
        if changes {
            self.fire(&rule, observation, level, now, out);
        }
    }

    /// Whether a rule is about what runs in a cage or for an agent and nothing does.
    pub(super) fn is_at_rest(&self, rule: &AlertRule, subject: &Subject) -> bool {
        if !rule.rests_without_work() {
            return false;
        }
        match subject.scope {
            Scope::Cage => {
                let cage = subject.name.parse().ok().and_then(|id| self.cage(id));
                cage.is_some_and(|cage| cage.executions.is_empty())
            }
            Scope::Agent => {
                let slot = self.agent_names.get(&subject.name);
                slot.is_some_and(|slot| self.agents[*slot].running == 0)
            }
            Scope::Node | Scope::Gpu | Scope::Task | Scope::Queue | Scope::Fleet => false,
        }
    }

    /// Whether a figure is of what ran in a cage or for an agent before: it was measured before anything began that runs
    /// there now, of which nothing was measured yet.
    fn is_of_before(&self, rule: &AlertRule, observation: &Observation) -> bool {
        let subject = &observation.subject;
        if observation.time.is_none() || !rule.is_of_work() {
            return false;
        }
        let first = match subject.scope {
            Scope::Cage => {
                let cage = subject.name.parse().ok();
                self.executions.iter().filter(|(_, run)| Some(run.cage) == cage).map(|(_, run)| run.created_at).min()
            }
            Scope::Agent => {
                let slot = self.agent_names.get(&subject.name);
                self.executions.iter().filter(|(_, run)| Some(&run.agent) == slot).map(|(_, run)| run.created_at).min()
            }
            Scope::Node | Scope::Gpu | Scope::Task | Scope::Queue | Scope::Fleet => None,
        };
        rule.is_of_before(first, observation.time)
    }

    /// The alert of a rule about a subject is over for another reason than its figures, and nothing waits for its time.
    fn lay_down(&mut self, rule: &AlertRule, subject: &Subject, why: &str, now: Timestamp, out: &mut Decisions) {
        self.rules.set_pending(&rule.name, subject, Pending::default());
        let source = subject.to_string();
        if let Some(alert_id) = self.alerts.of_cause((&source, &rule.name)).map(|alert| alert.id) {
            self.end_alert(alert_id, format!("cleared by itself: {why}"), now, out);
        } else if self.rules.grouped(&rule.name, subject).is_some() {
            self.group(rule, subject, None, &format!("{source}: {why}"), now, out);
        }
    }

    /// An alert of something has come up that keeps rules quiet: what they have said of it is the same story, and over. Not so
    /// what a rule of a node keeps without samples: one that cannot be reached has a full disk all the same.
    pub(super) fn supersede_rules(&mut self, subject: &Subject, trigger: &str, now: Timestamp, out: &mut Decisions) {
        let rules: Vec<AlertRule> = self.kept_quiet(subject, trigger).cloned().collect();
        for rule in rules {
            self.lay_down(&rule, subject, &format!("it has come to \"{trigger}\""), now, out);
        }
    }

    /// The same for all that is on a node whose alert with this trigger has come up, of rules that are kept quiet by what led to it
    /// as well: that work there does not begin to run is explained by a worker that is not heard. What else is said of cages and
    /// agents there has come up before, for another reason, and would come up again once the node is back.
    pub(super) fn supersede_rules_on(&mut self, node: &Subject, trigger: &str, now: Timestamp, out: &mut Decisions) {
        let source = node.to_string();
        let mut explained: Vec<(AlertRule, Subject)> = vec![];
        let led_to: BTreeSet<&str> = self.kept_quiet(node, trigger).map(|rule| rule.name.as_str()).collect();
        let rules = self.rules.iter().filter(|rule| {
            rule.scope != Scope::Node
                && rule.inhibited_by.iter().any(|it| it == trigger)
                && rule.inhibited_by.iter().any(|it| led_to.contains(it.as_str()))
        });
        for rule in rules {
            let alerts = self.alerts.of_trigger(&rule.name).filter_map(|id| self.alerts.get(id));
            let single = alerts.filter_map(|alert| Subject::of_source(&alert.source));
            let shared = self.rules.groups.get(&rule.name).into_iter().flat_map(Group::subjects).cloned();
            let there = single.chain(shared).filter(|it| self.sources_over(it).contains(&source));
            explained.extend(there.map(|subject| (rule.clone(), subject)));
        }
        for (rule, subject) in explained {
            self.lay_down(&rule, &subject, &format!("it has come to \"{trigger}\" of {source}"), now, out);
        }
    }

    /// The worst that rules have said of subjects and that an alert with this trigger takes the place of. It is to be told as
    /// at least as grave, or whoever hears grave alerts alone would hear that all is well at the moment of the harm. What was
    /// measured between the harm and the report of it, such as the memory of a process that the kernel has just killed, may
    /// have ended what was said already: that counts for as long as the rule looks back.
    pub(super) fn worst_superseded(&self, subjects: &[Subject], trigger: &str, now: Timestamp) -> Option<Severity> {
        let level = |rule: &AlertRule, subject: &Subject| {
            let fell = self.rules.fell(&rule.name, subject).filter(|(_, until)| now <= *until);
            self.fired(&rule.name, subject).max(fell.map_or(Level::Clear, |(level, _)| level))
        };
        let levels =
            subjects.iter().flat_map(|subject| self.kept_quiet(subject, trigger).map(move |rule| level(rule, subject)));
        levels.max().and_then(Level::severity)
    }

    /// The rules that an alert of a subject with this trigger keeps quiet and takes the place of.
    fn kept_quiet(&self, subject: &Subject, trigger: &str) -> impl Iterator<Item = &AlertRule> {
        self.rules.iter().filter(move |rule| {
            rule.scope == subject.scope
                && (rule.scope != Scope::Node || rule.no_data == NoData::Clear)
                && rule.inhibited_by.iter().any(|it| it == trigger)
        })
    }

    /// The level at which a subject has an alert of a rule, by itself or in a group.
    fn fired(&self, rule: &str, subject: &Subject) -> Level {
        match self.alerts.of_cause((&subject.to_string(), rule)) {
            Some(alert) => Level::of(alert.severity),
            None => self.rules.grouped(rule, subject).unwrap_or(Level::Clear),
        }
    }

    /// Whether something that is known already explains what a rule would say of a subject.
    fn is_inhibited(&self, rule: &AlertRule, subject: &Subject) -> bool {
        if rule.inhibited_by.is_empty() {
            return false;
        }
        let mut sources = vec![subject.to_string(), Subject::new(Scope::Fleet, "").to_string()];
        sources.extend(self.sources_over(subject));
        rule.inhibited_by.iter().any(|trigger| {
            sources.iter().any(|source| self.alerts.of_cause((source, trigger)).is_some())
                // A node that was lost before its alert was resolved by hand is still lost.
                || (trigger == NODE_LOST && self.is_lost(&sources))
                || self.has_alert_of_attempts(trigger, subject)
        })
    }

    /// Whether an alert with this trigger is about an attempt of the agent, wherever that was.
    fn has_alert_of_attempts(&self, trigger: &str, subject: &Subject) -> bool {
        let alerts = self.alerts.of_trigger(trigger).filter_map(|id| self.alerts.get(id));
        let mut attempts = alerts.flat_map(|alert| &alert.context.attempts);
        subject.scope == Scope::Agent && attempts.any(|attempt| attempt.agent == subject.name)
    }

    /// A person resolves an alert: what it has kept quiet is seen to with it, and comes up when it gets worse or has been well in
    /// between. Not so when the alert is reopened.
    pub(super) fn explain_by(&mut self, alert: &Alert, closed: bool) {
        let trigger = &alert.context.trigger;
        let agents = alert.context.attempts.iter().map(|attempt| Subject::new(Scope::Agent, &attempt.agent));
        let subjects: Vec<Subject> = Subject::of_source(&alert.source).into_iter().chain(agents).collect();
        let quiet = subjects.iter().flat_map(|subject| {
            let rules = self.rules.iter().filter(|rule| rule.scope == subject.scope);
            let rules = rules.filter(|rule| rule.inhibited_by.iter().any(|it| it == trigger));
            rules.map(move |rule| (rule.name.clone(), subject.clone()))
        });
        let quiet: Vec<(String, Subject)> = quiet.collect();
        for (rule, subject) in quiet {
            if closed {
                self.rules.set_explained(&rule, &subject);
            } else {
                self.rules.forget_explained(&rule, &subject);
            }
        }
    }

    fn is_lost(&self, sources: &[String]) -> bool {
        self.nodes.iter().any(|state| state.lost_at.is_some() && sources.contains(&node_source(&state.node.name)))
    }

    /// What a subject is on and in: the cage and the agent of a task, the cage of an agent, the node of all.
    fn sources_over(&self, subject: &Subject) -> Vec<String> {
        let mut sources = vec![];
        let cage: Option<CageId> = match subject.scope {
            Scope::Cage => subject.name.parse().ok(),
            Scope::Agent => self.agent_names.get(&subject.name).and_then(|slot| {
                let agent = &self.agents[*slot];
                agent.cage.or(agent.spec.cage)
            }),
            Scope::Task => subject.name.parse::<TaskId>().ok().and_then(|id| {
                let task = &self.tasks[self.task_ids.get(id)?];
                let run = (task.execution != super::slab::NONE).then(|| &self.executions[task.execution])?;
                sources.push(agent_source(&self.agents[run.agent].spec.name));
                Some(run.cage)
            }),
            Scope::Gpu => {
                sources.extend(subject.node().map(node_source));
                None
            }
            Scope::Node | Scope::Queue | Scope::Fleet => None,
        };
        if let Some(state) = cage.and_then(|cage| self.cage(cage)) {
            sources.push(Subject::new(Scope::Cage, state.spec.id.to_string()).to_string());
            sources.push(node_source(&self.nodes[state.node as usize].node.name));
        }
        sources
    }

    /// The attempts that a figure is about: those of the subject that are under way, in the cage that the series names.
    fn attempts(&self, rule: &AlertRule, subject: &Subject, labels: &BTreeMap<String, String>) -> Vec<AlertAttempt> {
        if !rule.is_of_work() {
            return vec![];
        }
        let runs = self.executions.iter().map(|(_, run)| run);
        let mut runs: Vec<_> = match subject.scope {
            Scope::Cage => {
                let cage: Option<CageId> = subject.name.parse().ok();
                runs.filter(|run| Some(run.cage) == cage).collect()
            }
            Scope::Agent => {
                let slot = self.agent_names.get(&subject.name);
                runs.filter(|run| Some(&run.agent) == slot).collect()
            }
            Scope::Task | Scope::Node | Scope::Gpu | Scope::Queue | Scope::Fleet => vec![],
        };
        let cage: Option<CageId> = labels.get(Scope::Cage.as_str()).and_then(|cage| cage.parse().ok());
        if runs.iter().any(|run| Some(run.cage) == cage) {
            runs.retain(|run| Some(run.cage) == cage);
        }
        runs.sort_by_key(|run| run.id);
        let attempt = |run: &ExecutionState| AlertAttempt {
            agent: self.agents[run.agent].spec.name.clone(),
            cage: run.cage,
            task_id: self.tasks[run.task].id,
            execution_id: run.id,
        };
        runs.into_iter().take(ATTEMPTS_MAX).map(attempt).collect()
    }

    /// Brings a subject's alert to a level.
    fn fire(&mut self, rule: &AlertRule, observation: &Observation, level: Level, now: Timestamp, out: &mut Decisions) {
        let Observation { subject, value, labels, .. } = observation;
        let (source, value) = (subject.to_string(), *value);
        let mut attempts = self.attempts(rule, subject, labels);
        let known = self.alerts.of_cause((&source, &rule.name));
        if let Some(alert) = known.filter(|_| attempts.is_empty()) {
            attempts.clone_from(&alert.context.attempts);
        }
        let own = known.map(|alert| (alert.id, alert.severity, alert.status));
        let labels = &with_attempts(labels, &attempts);
        let message = rule.say(subject, level, value, labels);
        let before = self.fired(&rule.name, subject);
        if level < before && !rule.inhibited_by.is_empty() {
            self.rules.set_fell(rule, subject, before, now);
        }
        let Some(severity) = level.severity() else {
            if let Some((alert_id, ..)) = own {
                self.end_alert(alert_id, format!("cleared by itself: {}", cleared(rule, value)), now, out);
            } else {
                self.group(rule, subject, None, &message, now, out);
            }
            return;
        };
        let context = AlertContext {
            trigger: rule.name.clone(),
            threshold: rule.threshold(level).map(|threshold| threshold.value),
            value,
            remedy: rule.advise(subject, level, value, labels),
            attempts,
        };
        if let Some((alert_id, before, status)) = own {
            // Whoever acknowledged a warning does not know of what has become of it.
            if severity > before && status == AlertStatus::Acknowledged {
                self.emit(now, Actor::Engine, AlertUnacknowledged { alert_id }, out);
            }
            let AlertContext { threshold, value, remedy, attempts, .. } = context;
            self.say_change((before, severity), &source, &message, now, out);
            self.emit(
                now,
                Actor::Engine,
                AlertRepeated { alert_id, severity, message, value, threshold, left: false, remedy, attempts },
                out,
            );
        } else if self.rules.grouped(&rule.name, subject).is_some() || self.is_crowded(rule) {
            self.group(rule, subject, Some(severity), &message, now, out);
        } else {
            self.say(severity, &source, &message, now, out);
            self.raise(severity, source, context, message, now, out);
        }
    }

    /// Whether so many subjects of a rule have an alert that further ones share one.
    fn is_crowded(&self, rule: &AlertRule) -> bool {
        let shared = usize::from(self.rules.groups.contains_key(&rule.name));
        self.alerts.of_trigger(&rule.name).count() - shared >= rule.group as usize || self.alerts.are_full()
    }

    /// A subject joins those that share an alert, changes its severity there, or leaves.
    fn group(
        &mut self,
        rule: &AlertRule,
        subject: &Subject,
        severity: Option<Severity>,
        message: &str,
        now: Timestamp,
        out: &mut Decisions,
    ) {
        let name = &rule.name;
        let event = AlertGrouped { rule: name.clone(), subject: subject.clone(), severity };
        let before = self.rules.groups.get(name).and_then(super::rules::Group::worst);
        self.emit(now, Actor::Engine, event, out);
        let (members, worst) = self.rules.groups.get(name).map_or((0, None), |group| (group.len(), group.worst()));
        let source = group_source(name);
        let known = self.alerts.of_cause((&source, name)).map(|alert| (alert.id, alert.status));
        let more = if members == 1 { "1 more".to_owned() } else { format!("{members} more") };
        let message = match severity {
            Some(_) => format!("{more}; last: {message}"),
            None => format!("{more}; over: {subject}"),
        };
        match (known, worst) {
            (Some((alert_id, _)), None) => {
                self.end_alert(alert_id, "cleared by itself: all that shared it are over".to_owned(), now, out);
            }
            (Some((alert_id, status)), Some(worst)) => {
                if before < Some(worst) && status == AlertStatus::Acknowledged {
                    self.emit(now, Actor::Engine, AlertUnacknowledged { alert_id }, out);
                }
                let value = u32::try_from(members).ok().map(f64::from);
                let left = severity.is_none();
                self.say_change((before.unwrap_or(worst), worst), &source, &message, now, out);
                let event = AlertRepeated {
                    alert_id,
                    severity: worst,
                    message,
                    value,
                    threshold: None,
                    left,
                    remedy: None,
                    attempts: vec![],
                };
                self.emit(now, Actor::Engine, event, out);
            }
            (None, Some(worst)) => {
                let context = AlertContext {
                    trigger: name.clone(),
                    value: u32::try_from(members).ok().map(f64::from),
                    // Several share it, and whoever reads what to do finds each task where that one is shown.
                    remedy: rule.advise(subject, Level::Clear, None, &shared_labels()),
                    threshold: None,
                    attempts: vec![],
                };
                self.say(worst, &source, &message, now, out);
                self.raise(worst, source, context, message, now, out);
            }
            _ => {}
        }
    }
}

/// Labels with the cage and the task of attempts, which a rule may name; the word of a series goes before.
fn with_attempts(labels: &BTreeMap<String, String>, attempts: &[AlertAttempt]) -> BTreeMap<String, String> {
    let mut labels = labels.clone();
    let mut name = |label: Scope, names: Vec<String>| {
        let names: BTreeSet<String> = names.into_iter().collect();
        if !names.is_empty() {
            let names: Vec<String> = names.into_iter().collect();
            labels.entry(label.as_str().to_owned()).or_insert(names.join(" or "));
        }
    };
    name(Scope::Cage, attempts.iter().map(|attempt| attempt.cage.to_string()).collect());
    name(Scope::Task, attempts.iter().map(|attempt| attempt.task_id.to_string()).collect());
    labels
}

/// What stands for cage and task where many share an alert.
fn shared_labels() -> BTreeMap<String, String> {
    [(Scope::Cage, "CAGE"), (Scope::Task, "TASK")]
        .map(|(label, word)| (label.as_str().to_owned(), word.to_owned()))
        .into()
}

/// Why an alert is over.
fn cleared(rule: &AlertRule, value: Option<f64>) -> String {
    match value {
        Some(value) => format!("{} is {}", rule.metric, rule.unit().show(value)),
        None => format!("there are no samples of {} any more", rule.metric),
    }
}
