//! Calling somebody who looks elsewhere: by the desktop's notifications, through the terminal, or by its bell.
//!
//! Called for is what is bad (an alert of error or above), what waits for a human when nothing did before, each thing of
//! high risk that comes to wait, and after a while also what else has come.
//! Who has the terminal before their eyes is not called. Calls of ten seconds are one call, in which alerts of one rule are
//! said together, and an alert that comes up again and again calls once, until it is over.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::clipboard::wrap_for_tmux;
use super::request::{Answer, Request, Ticket};
use super::screen::Out;
use super::screens::alerts::calls;
use super::text;
use crate::api::live::{Pulse, Topic};
use crate::domain::{Alert, Severity, Timestamp};

/// The shortest time between two calls.
const PAUSE: Duration = Duration::from_secs(10);

/// How long after a call for the inbox further things that wait call again, unless they are of high risk.
const AGAIN_AFTER: Duration = Duration::from_mins(5);

/// A terminal that never says whether it is looked at counts as left when no key came for so long.
const LEFT_AFTER: Duration = Duration::from_mins(2);

/// The most alerts that are looked at: those that were raised last.
const ALERTS_MAX: usize = 50;

/// The longest call, in columns.
const CALL_MAX: usize = 200;

/// How somebody is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Means {
    /// Not at all.
    Off,
    /// By the terminal's bell.
    Bell,
    /// By a notification of the desktop, and the bell for terminals that know none.
    #[default]
    Desktop,
}

impl Means {
    /// Reads the setting.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "bell" => Some(Self::Bell),
            "desktop" | "on" => Some(Self::Desktop),
            _ => None,
        }
    }

    /// Its spelling in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Bell => "bell",
            Self::Desktop => "desktop",
        }
    }
}

/// Which sequence a terminal takes for a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `OSC 9`: iTerm2, kitty, `WezTerm`, Ghostty, Windows Terminal.
    #[default]
    Osc9,
    /// `OSC 777`: the VTE family, foot, urxvt.
    Osc777,
}

impl Dialect {
    /// What the surroundings say of the terminal.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let takes_777 = variable("VTE_VERSION").is_some() || term.starts_with("foot") || term.starts_with("rxvt");
        if takes_777 { Self::Osc777 } else { Self::Osc9 }
    }
}

/// What a call sends to the terminal. The words are made harmless here.
pub fn sequence(words: &str, means: Means, dialect: Dialect, tmux: bool) -> Option<String> {
    // A semicolon would end the title of one dialect, and a digit first means progress in the other.
    let words = text::fit(&text::clean(words), CALL_MAX).replace(';', ",");
    let call = match (means, dialect) {
        (Means::Off, _) => return None,
        (Means::Bell, _) => return Some("\x07".to_owned()),
        (Means::Desktop, Dialect::Osc9) => format!("\x1b]9;menagerie: {words}\x07"),
        (Means::Desktop, Dialect::Osc777) => format!("\x1b]777;notify;menagerie;{words}\x07"),
    };
    let call = if tmux { wrap_for_tmux(&call) } else { call };
    Some(call + "\x07")
}

/// Alerts of one rule or other trigger that wait to be called for, by source: how bad, and what is said.
type OfRule = BTreeMap<String, (Severity, String)>;

/// The most sources that a call names.
const SOURCES_MAX: usize = 4;

/// What is said of the alerts of a rule.
fn said(rule: &str, alerts: &OfRule) -> String {
    let worst = alerts.values().map(|(severity, _)| *severity).max().unwrap_or(Severity::Error);
    match alerts.iter().next() {
        Some((source, (severity, message))) if alerts.len() == 1 => format!("{severity} from {source}: {message}"),
        _ => {
            // The worst is named first, whatever it is called.
            let mut sources: Vec<(&String, &(Severity, String))> = alerts.iter().collect();
            sources.sort_by_key(|(source, (severity, _))| (Reverse(*severity), *source));
            let named: Vec<&str> = sources.into_iter().take(SOURCES_MAX).map(|(source, _)| source.as_str()).collect();
            let more = alerts.len().saturating_sub(SOURCES_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{} alerts of {rule}, {worst}: {}{more}", alerts.len(), named.join(", "))
        }
    }
}

/// Alerts that have called, or for which nobody had to be called.
struct Known {
    ids: BTreeSet<String>,
    /// Whether these are all that there were. Otherwise what was not among them may have been there for long.
    all: bool,
    /// When the newest of them was raised.
    newest: Timestamp,
}

impl Known {
    /// Whether an alert has come since.
    fn lacks(&self, alert: &Alert) -> bool {
        !self.ids.contains(&alert.id.to_string()) && (self.all || alert.time > self.newest)
    }
}

/// Decides when to call and for what.
pub struct Notifier {
    /// How somebody is called.
    pub means: Means,
    /// Whether the terminal is looked at, if it ever said so.
    focused: Option<bool>,
    last_key: Instant,
    /// How many artifacts waited for a judgement.
    to_review: Option<u64>,
    /// What was there when it was looked last.
    known: Option<Known>,
    asked: Option<Ticket>,
    /// The alerts to call for, by the rule or other trigger that raised them.
    alerts: BTreeMap<String, OfRule>,
    /// How many things of high risk waited.
    risky: Option<u64>,
    /// What one of them is called: the one whose delay costs most.
    riskiest: Option<String>,
    asked_risky: Option<Ticket>,
    /// What to say of the inbox, and whether that is of what is of high risk.
    inbox: Option<(String, bool)>,
    /// How many artifacts waited when somebody was there or was called for them last.
    seen: u64,
    /// When somebody was called for the inbox, if nobody has been there since.
    inbox_called: Option<Instant>,
    called: Option<Instant>,
}

impl Notifier {
    /// Nobody has been called yet.
    pub fn new(now: Instant, means: Means) -> Self {
        Self {
            means,
            focused: None,
            last_key: now,
            to_review: None,
            known: None,
            asked: None,
            alerts: BTreeMap::new(),
            risky: None,
            riskiest: None,
            asked_risky: None,
            inbox: None,
            seen: 0,
            inbox_called: None,
            called: None,
        }
    }

    /// The terminal was entered or left.
    pub fn focus(&mut self, focused: bool) {
        self.focused = Some(focused);
        if focused {
            self.take_back();
        }
    }

    /// Somebody pressed a key.
    pub fn key(&mut self, now: Instant) {
        self.last_key = now;
        self.take_back();
    }

    /// Whoever is there need not be called.
    fn take_back(&mut self) {
        self.alerts.clear();
        self.inbox = None;
        self.inbox_called = None;
        self.seen = self.to_review.unwrap_or(0);
    }

    /// Whether there is something to call for, and it is known what of it is of high risk.
    fn waits(&self) -> bool {
        (!self.alerts.is_empty() || self.inbox.is_some()) && self.asked_risky.is_none()
    }

    fn away(&self, now: Instant) -> bool {
        self.focused.map_or(now.saturating_duration_since(self.last_key) >= LEFT_AFTER, |focused| !focused)
    }

    /// Takes what has changed in the fleet; asks for the alerts when they did.
    pub fn pulse(&mut self, pulse: &Pulse, now: Instant, out: &mut Out) {
        let waits = pulse.counts.artifacts.pending;
        let before = self.to_review.replace(waits);
        self.seen = if before.is_none() || !self.away(now) { waits } else { self.seen.min(waits) };
        // Further ones do not call one by one: nobody would look any more.
        let time = self.seen == 0 || self.inbox_called.is_none_or(|called| now >= called + AGAIN_AFTER);
        if waits > self.seen && time && self.may_call(now) && self.inbox.is_none() {
            let words =
                if waits == 1 { "something waits for you".to_owned() } else { format!("{waits} things wait for you") };
            self.inbox = Some((words, false));
        }
        if self.known.is_none() || pulse.changed.contains(&Topic::Alerts) {
            let query = vec![
                ("status".to_owned(), "active".to_owned()),
                ("type".to_owned(), "error,critical".to_owned()),
                ("sort".to_owned(), "-time".to_owned()),
                ("limit".to_owned(), ALERTS_MAX.to_string()),
            ];
            self.asked = Some(out.ask(Some("notify"), Request::Alerts(query)));
        }
        if waits == 0 {
            (self.risky, self.riskiest, self.asked_risky) = (Some(0), None, None);
        } else if before != Some(waits) {
            let high = ("filter".to_owned(), "kind:artifact risk:high".to_owned());
            let query = vec![high, ("limit".to_owned(), "1".to_owned())];
            self.asked_risky = Some(out.ask(Some("notify inbox"), Request::Inbox(query)));
        }
    }

    /// Takes the alerts that it asked for; `false` when the ticket is not its own.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, wall: Timestamp, now: Instant) -> bool {
        if self.asked_risky.take_if(|asked| *asked == ticket).is_some() {
            if let Ok(Answer::Inbox(page)) = answer {
                let more = self.risky.replace(page.total).is_some_and(|before| page.total > before);
                self.riskiest = page.rows.first().map(|item| item.title.clone());
                if more && self.may_call(now) {
                    let words = match page.total {
                        1 => "something of high risk waits for you".to_owned(),
                        several => format!("{several} things of high risk wait for you"),
                    };
                    self.inbox = Some((words, true));
                }
            }
            return true;
        }
        if self.asked.take_if(|asked| *asked == ticket).is_none() {
            return false;
        }
        if let Ok(Answer::Alerts(page)) = answer {
            let bad: Vec<&Alert> = page.rows.iter().map(|row| &row.alert).filter(|alert| calls(alert, wall)).collect();
            let newest = page.rows.iter().map(|alert| alert.time).chain(self.known.as_ref().map(|known| known.newest));
            let before = self.known.replace(Known {
                ids: bad.iter().map(|alert| alert.id.to_string()).collect(),
                all: page.rows.len() as u64 >= page.total,
                newest: newest.max().unwrap_or(Timestamp::EPOCH),
            });
            for alert in bad {
                let new = before.as_ref().is_some_and(|known| known.lacks(alert));
                if new && self.may_call(now) {
                    let of_rule = self.alerts.entry(alert.context.trigger.clone()).or_default();
                    of_rule.insert(alert.source.clone(), (alert.severity, alert.message.clone()));
                }
            }
        }
        true
    }

    fn may_call(&self, now: Instant) -> bool {
        self.means != Means::Off && self.away(now)
    }

    /// Whether an alert that calls is active: the header shows it.
    pub fn is_bad(&self) -> bool {
        self.known.as_ref().is_some_and(|known| !known.ids.is_empty())
    }

    /// The words of a call that is due.
    pub fn due(&mut self, now: Instant) -> Option<String> {
        if !self.waits() || self.next().is_some_and(|next| next > now) {
            return None;
        }
        self.called = Some(now);
        if self.inbox.is_some() {
            (self.inbox_called, self.seen) = (Some(now), self.to_review.unwrap_or(0));
        }
        let inbox = self.inbox.take().map(|(words, of_risk)| match (&self.riskiest, self.risky) {
            (Some(title), Some(1)) if of_risk => format!("{words}: {title}"),
            (Some(title), Some(_)) if of_risk => format!("{words}, first: {title}"),
            (Some(title), Some(several)) => format!("{words}, {several} of high risk, first: {title}"),
            _ => words,
        });
        let mut alerts: Vec<(String, OfRule)> = std::mem::take(&mut self.alerts).into_iter().collect();
        // What is cut off at the end matters least.
        alerts.sort_by_key(|(_, alerts)| Reverse(alerts.values().map(|(severity, _)| *severity).max()));
        let words: Vec<String> = alerts.iter().map(|(rule, alerts)| said(rule, alerts)).chain(inbox).collect();
        Some(match &words[..] {
            [one] => one.clone(),
            several => format!("{} things: {}", several.len(), several.join(" · ")),
        })
    }

    /// When the next call is due, if one waits.
    pub fn next(&self) -> Option<Instant> {
        self.waits().then(|| self.called.map_or(self.last_key, |called| called + PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::counts::Counts;
    use crate::ui::request::Page;

    const NOW: i64 = 1_772_618_400_000_000;

    /// A notifier whose terminal was left, and which knows that nothing is wrong.
    fn left(began: Instant) -> Notifier {
        let mut notifier = Notifier::new(began, Means::Desktop);
        notifier.focus(false);
        see(&mut notifier, began, 0, vec![]);
        notifier
    }

    fn alert(number: u64, severity: &str, source: &str) -> Alert {
        serde_json::from_value(serde_json::json!({
            "id": format!("0195eeee-0000-7000-8000-{number:012x}"), "severity": severity, "status": "active",
            "source": source, "message": "full", "time": Timestamp::from_micros(NOW),
            "last_seen": Timestamp::from_micros(NOW), "count": 1, "context": {"trigger": "memory"},
        }))
        .unwrap()
    }

    /// The engine says that so much waits and that these alerts are active.
    fn see(notifier: &mut Notifier, now: Instant, to_review: u64, alerts: Vec<Alert>) {
        let total = alerts.len() as u64;
        see_of(notifier, now, to_review, alerts, total);
    }

    /// The same with so many alerts in all.
    fn see_of(notifier: &mut Notifier, now: Instant, to_review: u64, alerts: Vec<Alert>, total: u64) {
        let mut counts = Counts::default();
        counts.artifacts.pending = to_review;
        let time = Timestamp::from_micros(NOW);
        let pulse = Pulse { seq: 1, time, changed: vec![Topic::Alerts], counts, alerts: 0, read_only: false };
        let mut out = Out::after(0);
        notifier.pulse(&pulse, now, &mut out);
        let ticket = out.asks.first().unwrap().ticket;
        let Request::Alerts(query) = &out.asks[0].request else { panic!("{:?}", out.asks[0].request) };
        assert!(query.contains(&("sort".to_owned(), "-time".to_owned())), "{query:?}");
        assert!(notifier.answer(
            ticket,
            &Ok(Answer::Alerts(Page { rows: alerts.into_iter().map(Into::into).collect(), total })),
            time,
            now
        ));
    }

    /// The engine says what of it is of high risk.
    fn see_risky(notifier: &mut Notifier, now: Instant, titles: &[&str]) {
        let item = |title: &&str| {
            serde_json::from_value(serde_json::json!({
                "id": "0195eeee-0000-7000-8000-000000000001", "kind": "artifact", "title": title, "risk": "high",
                "group": "g", "since": Timestamp::from_micros(NOW), "blocks": 0, "cost_of_delay": 0.0,
            }))
            .unwrap()
        };
        let rows = titles.iter().take(1).map(item).collect();
        let ticket = notifier.asked_risky.unwrap();
        let answer = Ok(Answer::Inbox(Page { rows, total: titles.len() as u64 }));
        assert!(notifier.answer(ticket, &answer, Timestamp::from_micros(NOW), now));
    }

    #[test]
    fn a_call_names_what_is_of_the_highest_risk_among_all_that_it_is_for() {
        let began = Instant::now();
        let mut notifier = left(began);
        see(&mut notifier, began, 27, vec![]);
        // What is of high risk is not known yet.
        assert_eq!((notifier.due(began), notifier.next()), (None, None));
        see_risky(&mut notifier, began, &["drop-column.md"]);
        assert_eq!(notifier.due(began).as_deref(), Some("something of high risk waits for you: drop-column.md"));
        let later = began + AGAIN_AFTER;
        see(&mut notifier, later, 30, vec![alert(1, "error", "cage 001"), alert(2, "critical", "cage 009")]);
        see_risky(&mut notifier, later, &["drop-column.md"]);
        let words = "2 things: 2 alerts of memory, critical: cage 009, cage 001 · 30 things wait for you, 1 of high risk, \
                     first: drop-column.md";
        assert_eq!(notifier.due(later).as_deref(), Some(words));
        see(&mut notifier, later, 31, vec![]);
        see_risky(&mut notifier, later, &["keys.toml", "drop-column.md"]);
        let words = "2 things of high risk wait for you, first: keys.toml";
        assert_eq!(notifier.due(later + PAUSE).as_deref(), Some(words));
    }

    #[test]
    fn a_new_bad_alert_calls_once_and_a_mild_one_never() {
        let began = Instant::now();
        let mut notifier = left(began);
        see(&mut notifier, began, 0, vec![alert(1, "warning", "cage 001")]);
        assert_eq!(notifier.due(began), None);
        see(&mut notifier, began, 0, vec![alert(2, "error", "cage 002")]);
        assert_eq!(notifier.due(began).as_deref(), Some("error from cage 002: full"));
        see(&mut notifier, began, 0, vec![alert(2, "error", "cage 002")]);
        assert_eq!(notifier.due(began + PAUSE), None);
        // It was over, and came up again.
        see(&mut notifier, began, 0, vec![]);
        see(&mut notifier, began, 0, vec![alert(2, "error", "cage 002")]);
        assert!(notifier.due(began + PAUSE).is_some());
    }

    #[test]
    fn of_more_than_are_looked_at_only_those_call_that_were_raised_since() {
        let began = Instant::now();
        let mut notifier = Notifier::new(began, Means::Desktop);
        notifier.focus(false);
        let raised = |number: u64, seconds: i64| Alert {
            time: Timestamp::from_micros(NOW + seconds * 1_000_000),
            ..alert(number, "error", &format!("cage {number:03}"))
        };
        see_of(&mut notifier, began, 0, vec![raised(3, 30), raised(2, 20)], 3);
        // One is over, so that one comes into sight that was there all along.
        see_of(&mut notifier, began, 0, vec![raised(3, 30), raised(1, 10)], 2);
        assert_eq!(notifier.due(began), None);
        // From here on all are known, and what was not bad enough before calls.
        see_of(&mut notifier, began, 0, vec![raised(3, 30), raised(1, 10), raised(0, 0)], 3);
        assert_eq!(notifier.due(began).as_deref(), Some("error from cage 000: full"));
        see_of(&mut notifier, began, 0, vec![raised(5, 50), raised(4, 40)], 9);
        assert_eq!(notifier.due(began + PAUSE).as_deref(), Some("2 alerts of memory, error: cage 004, cage 005"));
        see_of(&mut notifier, began, 0, vec![raised(6, 60), raised(5, 50)], 9);
        assert_eq!(notifier.due(began + PAUSE * 2).as_deref(), Some("error from cage 006: full"));
    }

    #[test]
    fn what_was_there_before_does_not_call() {
        let began = Instant::now();
        let mut notifier = Notifier::new(began, Means::Desktop);
        notifier.focus(false);
        see(&mut notifier, began, 5, vec![alert(1, "critical", "store")]);
        assert_eq!(notifier.due(began), None);
    }

    #[test]
    fn the_first_thing_that_waits_calls_and_the_next_ones_do_not() {
        let began = Instant::now();
        let mut notifier = left(began);
        see(&mut notifier, began, 1, vec![]);
        see_risky(&mut notifier, began, &[]);
        assert_eq!(notifier.due(began).as_deref(), Some("something waits for you"));
        see(&mut notifier, began, 2, vec![]);
        assert_eq!(notifier.due(began + PAUSE), None);
    }

    #[test]
    fn what_comes_later_calls_after_a_while_and_what_is_of_high_risk_at_once() {
        let began = Instant::now();
        let mut notifier = left(began);
        see(&mut notifier, began, 1, vec![]);
        see_risky(&mut notifier, began, &[]);
        assert!(notifier.due(began).is_some());
        // No more than before: nothing to call for, however late.
        see(&mut notifier, began + AGAIN_AFTER, 1, vec![]);
        assert_eq!(notifier.due(began + AGAIN_AFTER), None);
        let soon = began + PAUSE;
        see(&mut notifier, soon, 3, vec![]);
        assert_eq!(notifier.due(soon), None);
        see_risky(&mut notifier, soon, &["a"]);
        assert_eq!(notifier.due(soon).as_deref(), Some("something of high risk waits for you: a"));
        // The same ones call no second time; others do when it is time.
        let late = soon + AGAIN_AFTER;
        see(&mut notifier, late, 4, vec![]);
        see_risky(&mut notifier, late, &["a"]);
        assert_eq!(notifier.due(late).as_deref(), Some("4 things wait for you, 1 of high risk, first: a"));
    }

    #[test]
    fn calls_of_ten_seconds_are_one_in_which_those_of_a_rule_stand_together() {
        let began = Instant::now();
        let mut notifier = left(began);
        see(&mut notifier, began, 0, vec![alert(1, "error", "a")]);
        assert!(notifier.due(began).is_some());
        let soon = began + Duration::from_secs(1);
        see(&mut notifier, soon, 0, vec![alert(1, "error", "a"), alert(2, "error", "b")]);
        see(&mut notifier, soon, 0, vec![alert(3, "error", "b"), alert(4, "critical", "c")]);
        assert_eq!(notifier.due(soon), None);
        assert_eq!(notifier.next(), Some(began + PAUSE));
        let words = notifier.due(began + PAUSE).unwrap();
        assert_eq!(words, "2 alerts of memory, critical: c, b");
        assert_eq!(notifier.next(), None);
        let later = began + PAUSE;
        let many = (10..16).map(|number| alert(number, "error", &format!("cage {number:03}")));
        let other =
            Alert { context: serde_json::from_str("{\"trigger\":\"disk\"}").unwrap(), ..alert(20, "error", "box") };
        see(&mut notifier, later, 1, many.chain([other]).collect());
        see_risky(&mut notifier, later, &[]);
        let words = notifier.due(later + PAUSE).unwrap();
        let memory = "6 alerts of memory, error: cage 010, cage 011, cage 012, cage 013 and 2 more";
        assert_eq!(words, format!("3 things: error from box: full · {memory} · something waits for you"));
    }

    #[test]
    fn who_looks_is_not_called() {
        let began = Instant::now();
        let mut notifier = left(began);
        notifier.focus(true);
        see(&mut notifier, began, 3, vec![alert(1, "critical", "store")]);
        assert_eq!(notifier.due(began + PAUSE), None);
        // Coming back takes a call back that waits.
        notifier.focus(false);
        see(&mut notifier, began, 3, vec![alert(2, "critical", "store")]);
        notifier.focus(true);
        assert_eq!(notifier.due(began + PAUSE), None);
    }

    #[test]
    fn a_terminal_that_never_says_whether_it_is_looked_at_is_left_when_no_key_comes() {
        let began = Instant::now();
        let mut notifier = Notifier::new(began, Means::Desktop);
        see(&mut notifier, began, 0, vec![]);
        see(&mut notifier, began + Duration::from_mins(1), 1, vec![]);
        assert_eq!(notifier.due(began + Duration::from_mins(1)), None);
        see(&mut notifier, began + LEFT_AFTER, 0, vec![]);
        see(&mut notifier, began + LEFT_AFTER, 1, vec![]);
        see_risky(&mut notifier, began + LEFT_AFTER, &[]);
        assert!(notifier.due(began + LEFT_AFTER).is_some());
    }

    #[test]
    fn nothing_that_somebody_wrote_reaches_the_terminal_raw() {
        let words = "full\x1b]52;c;eA==\x07;\u{9d}x";
        for dialect in [Dialect::Osc9, Dialect::Osc777] {
            let plain = sequence(words, Means::Desktop, dialect, false).unwrap();
            assert_eq!(plain.matches('\x1b').count(), 1, "{plain:?}");
            // One ends the sequence, the other is the bell.
            assert_eq!(plain.matches('\x07').count(), 2, "{plain:?}");
            assert!(!plain.contains('\u{9d}'));
        }
        assert_eq!(
            sequence("x", Means::Desktop, Dialect::Osc9, true).unwrap(),
            "\x1bPtmux;\x1b\x1b]9;menagerie: x\x07\x1b\\\x07"
        );
        assert_eq!(sequence("x", Means::Bell, Dialect::Osc9, false).as_deref(), Some("\x07"));
        assert_eq!(sequence("x", Means::Off, Dialect::Osc9, false), None);
        assert!(sequence(&"y".repeat(9_000), Means::Desktop, Dialect::Osc9, false).unwrap().len() < 300);
    }

    #[test]
    fn the_dialect_follows_the_terminal() {
        let of = |name: &'static str, value: &'static str| {
            Dialect::detect(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(of("VTE_VERSION", "7600"), Dialect::Osc777);
        assert_eq!(of("TERM", "foot-extra"), Dialect::Osc777);
        assert_eq!(of("TERM", "xterm-kitty"), Dialect::Osc9);
    }
}
