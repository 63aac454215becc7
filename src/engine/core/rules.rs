//! The alert rules in force: those that came with the program, and over them those that were declared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::{Core, Decisions};
use crate::domain::alert_rule::NoData;
use crate::domain::alert_state::Pending;
use crate::domain::event::AlertRuleDeclared;
use crate::domain::{Actor, AlertId, AlertRule, Fleet, Level, Refusal, Severity, Subject, Timestamp};

/// The rules that came with the program, by name. What they say stands in no journal: only alerts do, and changed rules.
static BUILT_IN: LazyLock<BTreeMap<String, AlertRule>> = LazyLock::new(|| {
    // A test holds that the file is whole; a program whose file is not would have fewer rules, not none of its work.
    let file: Fleet = toml::from_str(include_str!("rules.toml")).unwrap_or_default();
    let rules = file.alert_rule.iter().filter_map(|patch| patch.over(None).ok());
    rules.map(|rule| (rule.name.clone(), rule)).collect()
});

/// The rule of a name as it came with the program.
pub fn built_in(name: &str) -> Option<&'static AlertRule> {
    BUILT_IN.get(name)
}

/// The subjects of a rule that share one alert.
#[derive(Clone, Debug, Default)]
pub struct Group {
    members: BTreeMap<Subject, Severity>,
    critical: usize,
}

impl Group {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The worst among them; `None` when there is none.
    pub fn worst(&self) -> Option<Severity> {
        match (self.members.is_empty(), self.critical) {
            (true, _) => None,
            (false, 0) => Some(Severity::Warning),
            (false, _) => Some(Severity::Critical),
        }
    }

    /// Which they are.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.members.keys()
    }

    fn set(&mut self, subject: &Subject, severity: Option<Severity>) {
        let old = match severity {
            Some(severity) => self.members.insert(subject.clone(), severity),
            None => self.members.remove(subject),
        };
        self.critical += usize::from(severity == Some(Severity::Critical));
        self.critical -= usize::from(old == Some(Severity::Critical));
    }
}

/// What was declared of rules, and how far their subjects are.
#[derive(Debug, Default)]
pub struct Rules {
    pub(super) declared: BTreeMap<String, AlertRule>,
    pub(super) groups: BTreeMap<String, Group>,
    /// No event sets this: after a restart, what a rule waits for begins anew.
    pub(super) pending: BTreeMap<String, BTreeMap<Subject, Pending>>,
    /// What has lately been over by its figures: how grave it was, and until when that counts. No event sets this either.
    fell: BTreeMap<(String, Subject), (Level, Timestamp)>,
    /// Of what is pending, what was explained by an alert that a person has resolved, and up to which level: quiet until it has been
    /// well once, or gets worse.
    explained: BTreeMap<String, BTreeMap<Subject, Level>>,
    /// Rises with every change of rules.
    version: u64,
}

/// What whoever evaluates rules has to know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    /// Rises with every change of rules.
    pub version: u64,
    /// The rules to be evaluated, if they have changed.
    pub rules: Option<Vec<AlertRule>>,
    /// By rule and source: the level of the alert that there is.
    pub fired: BTreeMap<String, BTreeMap<String, Level>>,
    /// By rule and source: what waits for a rule's time to pass.
    pub pending: BTreeMap<String, BTreeSet<String>>,
    /// By rule and source: what has fired and is over, because nothing runs there any more.
    pub at_rest: BTreeMap<String, BTreeSet<String>>,
}

impl Watched {
    /// Whether what a rule has fired for is over, because nothing runs there any more.
    pub fn rests(&self, rule: &str, source: &str) -> bool {
        self.at_rest.get(rule).is_some_and(|sources| sources.contains(source))
    }
}

impl Rules {
    /// The rule of a name as it is in force.
    pub fn get(&self, name: &str) -> Option<&AlertRule> {
        self.declared.get(name).or_else(|| built_in(name))
    }

    /// Every rule in force, by name.
    pub fn iter(&self) -> impl Iterator<Item = &AlertRule> {
        let mut names: BTreeSet<&str> = BUILT_IN.keys().map(String::as_str).collect();
        names.extend(self.declared.keys().map(String::as_str));
        names.into_iter().filter_map(|name| self.get(name))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        BUILT_IN.len() + self.declared.keys().filter(|name| built_in(name).is_none()).count()
    }

    pub(super) fn declare(&mut self, rule: AlertRule) {
        self.version += 1;
        self.declared.insert(rule.name.clone(), rule);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.version += 1;
        self.declared.remove(name);
    }

    pub(super) fn set_grouped(&mut self, rule: &str, subject: &Subject, severity: Option<Severity>) {
        if severity.is_none() && !self.groups.contains_key(rule) {
            return;
        }
        let group = self.groups.entry(rule.to_owned()).or_default();
        group.set(subject, severity);
        if group.members.is_empty() {
            self.groups.remove(rule);
        }
    }

    /// The level at which a subject takes part in the alert of a rule's group.
    pub(super) fn grouped(&self, rule: &str, subject: &Subject) -> Option<Level> {
        self.groups.get(rule)?.members.get(subject).copied().map(Level::of)
    }

    /// Everything that shares an alert: rule, subject and severity.
    pub(super) fn all_grouped(&self) -> impl Iterator<Item = (&String, &Subject, Severity)> {
        let groups = self.groups.iter();
        groups.flat_map(|(rule, group)| group.members.iter().map(move |(subject, severity)| (rule, subject, *severity)))
    }

    pub(super) fn set_pending(&mut self, rule: &str, subject: &Subject, pending: Pending) {
        if pending.is_none() {
            self.forget_explained(rule, subject);
        }
        if !pending.is_none() {
            self.pending.entry(rule.to_owned()).or_default().insert(subject.clone(), pending);
        } else if let Some(subjects) = self.pending.get_mut(rule) {
            subjects.remove(subject);
            if subjects.is_empty() {
                self.pending.remove(rule);
            }
        }
    }

    pub(super) fn pending(&self, rule: &str, subject: &Subject) -> Pending {
        self.pending.get(rule).and_then(|subjects| subjects.get(subject)).copied().unwrap_or_default()
    }
}

impl Rules {
    /// An alert that explained what waits is resolved by a person, who has seen to all that it has come to so far.
    pub(super) fn set_explained(&mut self, rule: &str, subject: &Subject) {
        let level = match self.pending(rule, subject) {
            Pending { critical: Some(_), .. } => Level::Critical,
            Pending { warning: Some(_), .. } => Level::Warning,
            _ => return,
        };
        self.explained.entry(rule.to_owned()).or_default().insert(subject.clone(), level);
    }

    /// Nobody has seen to it after all.
    pub(super) fn forget_explained(&mut self, rule: &str, subject: &Subject) {
        if let Some(subjects) = self.explained.get_mut(rule) {
            subjects.remove(subject);
        }
    }

    /// Whether a person has seen to what a subject has come to.
    pub(super) fn is_explained(&self, rule: &str, subject: &Subject, level: Level) -> bool {
        let known = self.explained.get(rule).and_then(|subjects| subjects.get(subject));
        known.is_some_and(|known| level <= *known)
    }
}

/// How much that was over lately is remembered.
const FELL_MAX: usize = 1024;

impl Rules {
    /// What a rule said of a subject is over by its figures.
    pub(super) fn set_fell(&mut self, rule: &AlertRule, subject: &Subject, level: Level, now: Timestamp) {
        if self.fell.len() >= FELL_MAX {
            self.fell.retain(|_, (_, until)| now <= *until);
        }
        if level > Level::Clear && self.fell.len() < FELL_MAX {
            self.fell.insert((rule.name.clone(), subject.clone()), (level, now.plus(rule.window)));
        }
    }

    /// How grave what a rule said of a subject was before its figures fell the last time, and until when that counts.
    pub(super) fn fell(&self, rule: &str, subject: &Subject) -> Option<(Level, Timestamp)> {
        self.fell.get(&(rule.to_owned(), subject.clone())).copied()
    }
}

impl Core {
    /// The rules in force, by name.
    pub fn alert_rules(&self) -> impl Iterator<Item = &AlertRule> {
        self.rules.iter()
    }

    /// Whether a rule came with the program, and whether it was declared since.
    pub fn origin_of_rule(&self, name: &str) -> (bool, bool) {
        (built_in(name).is_some(), self.rules.declared.contains_key(name))
    }

    /// In what a rule that came with the program and was declared since differs from how it came.
    pub fn changes_of_rule(&self, name: &str) -> Vec<String> {
        let declared = self.rules.declared.get(name).zip(built_in(name));
        declared.map(|(rule, built_in)| rule.differences(built_in)).unwrap_or_default()
    }

    /// What whoever evaluates the rules has to know, who knows the rules of a version already.
    pub fn watched(&self, known: u64) -> Watched {
        // The first version is 1, so that whoever knows nothing is told.
        let version = self.rules.version + 1;
        let rules = (version != known).then(|| self.rules.iter().filter(|rule| rule.enabled).cloned().collect());
        let mut fired: BTreeMap<String, BTreeMap<String, Level>> = BTreeMap::new();
        for (trigger, ids) in self.alerts.by_trigger() {
            let Some(rule) = self.rules.get(trigger) else { continue };
            let alerts = ids.iter().filter_map(|id| self.alerts.get(*id));
            let own = alerts.filter(|alert| alert.source != group_source(&rule.name));
            let levels = own.map(|alert| (alert.source.clone(), Level::of(alert.severity)));
            fired.entry(rule.name.clone()).or_default().extend(levels);
        }
        for (rule, subject, severity) in self.rules.all_grouped() {
            fired.entry(rule.clone()).or_default().insert(subject.to_string(), Level::of(severity));
        }
        let sources = |subjects: &BTreeMap<Subject, Pending>| subjects.keys().map(Subject::to_string).collect();
        let pending = self.rules.pending.iter().map(|(rule, subjects)| (rule.clone(), sources(subjects))).collect();
        let mut at_rest: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, sources) in &fired {
            let Some(rule) = self.rules.get(name).filter(|rule| rule.no_data == NoData::Clear) else { continue };
            let rests = |source: &&String| Subject::of_source(source).is_some_and(|it| self.is_at_rest(rule, &it));
            let resting: BTreeSet<String> = sources.keys().filter(rests).cloned().collect();
            if !resting.is_empty() {
                at_rest.insert(name.clone(), resting);
            }
        }
        Watched { version, rules, fired, pending, at_rest }
    }

    /// The rule of a name, or why there is none.
    pub(super) fn known_rule(&self, name: &str) -> Result<&AlertRule, Refusal> {
        self.rules.get(name).ok_or_else(|| {
            let names = self.rules.iter().map(|rule| rule.name.as_str());
            let otherwise = "menagerie alert rule list shows those that there are";
            Refusal::not_found("alert rule", name).hint_nearest(name, names, otherwise)
        })
    }

    /// Declares a rule. Alerts of one that now looks at something else, or at nothing, are over.
    pub(super) fn declare_rule(&mut self, now: Timestamp, actor: Actor, rule: AlertRule, out: &mut Decisions) {
        let before = self.rules.get(&rule.name).cloned();
        let name = rule.name.clone();
        let why = before.and_then(|before| match () {
            () if !rule.enabled => Some("the rule was disabled"),
            () if (&before.metric, before.scope, &before.labels) != (&rule.metric, rule.scope, &rule.labels) => {
                Some("the rule looks at something else now")
            }
            () => None,
        });
        self.emit(now, actor, AlertRuleDeclared { rule }, out);
        if let Some(why) = why {
            self.clear_rule(&name, why, now, out);
        }
    }

    /// The alerts of a rule are over, whatever they were about.
    pub(super) fn clear_rule(&mut self, name: &str, why: &str, now: Timestamp, out: &mut Decisions) {
        self.rules.pending.remove(name);
        self.rules.explained.remove(name);
        let open: Vec<AlertId> = self.alerts.of_trigger(name).collect();
        for alert_id in open {
            self.end_alert(alert_id, format!("cleared by itself: {why}"), now, out);
        }
    }
}

/// The source of the alert that the subjects of a rule share.
pub(super) fn group_source(rule: &str) -> String {
    format!("rule {rule}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_file_is_whole() {
        let file: Fleet = toml::from_str(include_str!("rules.toml")).unwrap();
        assert!(file.check_alert_rules().is_ok());
        for patch in &file.alert_rule {
            let rule = patch.over(None).unwrap();
            assert!(!rule.remedy.is_empty(), "{} says what to do", rule.name);
            assert!(rule.message.contains("{value}"), "{} says the figure", rule.name);
        }
        assert_eq!(BUILT_IN.len(), file.alert_rule.len());
    }
}
