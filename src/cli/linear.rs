//! `menagerie --linear`: what waits for a human as numbered plain lines, for screen readers and bad links.
//!
//! Nothing is redrawn: every answer is appended. No boxes, no colours, no sign that a screen reader would stumble over.
//! The same engine, the same changes and the same way back as in the console; it reads commands from standard input, so
//! that it can be piped as well as typed.

use std::io::BufRead;

use super::context::{Context, now};
use super::failure::{Failure, Outcome};
use crate::api::client::{Client, Error};
use crate::api::live::{Health, HealthState, Overview};
use crate::api::triage::{InboxItem, InboxKind, Risk};
use crate::api::types::WireCommand;
use crate::domain::time::When;
use crate::domain::{Reply, Span, Timestamp};
use crate::ui;

/// The most entries that have a number at once.
const ENTRIES_MAX: usize = 200;

/// How many lines of a text or a list are said at a time.
const PAGE_LINES: usize = 20;

/// The most of an artifact that is read, in bytes.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// What can be typed.
const HELP: &[&str] = &[
    "i                 how the fleet is",
    "l                 list again what waits, with new numbers, 20 lines at a time",
    "o 3               open number 3: say its text, 20 lines at a time",
    "more              the next lines of the list or the text",
    "a 3 4             approve numbers 3 and 4",
    "x 3 reason        reject number 3, with a reason",
    "s 3 1h            put number 3 off for an hour; of an alert: silence it",
    "t 3               try the failed task of number 3 again",
    "k 5 note          acknowledge alert 5",
    "r 5 what was done resolve alert 5",
    "u                 take the last change back",
    "q                 quit; the fleet goes on",
];

/// A session at the line.
struct Session<'a> {
    context: &'a mut Context,
    client: Client,
    read_only: bool,
    /// What has a number, in order.
    entries: Vec<InboxItem>,
    /// What was done last and what takes it back, the last one at the end.
    inverses: Vec<(String, Vec<WireCommand>)>,
    /// The rest of the list or the text that is being said, the next line at the end.
    text: Vec<String>,
    /// A change of high risk that was asked for once and is made when it is asked for again.
    asked: Option<String>,
}

/// Says what waits and does what is typed, until `q` or the end of input.
pub fn run(context: &mut Context, read_only: bool) -> Outcome {
    let client = context.engine()?;
    let mut session = Session {
        context,
        client,
        read_only,
        entries: Vec::new(),
        inverses: Vec::new(),
        text: Vec::new(),
        asked: None,
    };
    session.status()?;
    session.list()?;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?;
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        if matches!(word, "q" | "quit") {
            break;
        }
        session.obey(word, rest.trim())?;
    }
    session.context.out.flush()?;
    Ok(0)
}

impl Session<'_> {
    fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.context.out.line(&harmless(text))?;
        self.context.out.flush()?;
        Ok(())
    }

    fn obey(&mut self, word: &str, rest: &str) -> Result<(), Failure> {
        match word {
            "" => Ok(()),
            "?" | "h" | "help" => HELP.iter().try_for_each(|line| self.say(line)),
            "i" | "info" => self.status(),
            "l" | "list" => self.list(),
            "o" | "open" => self.open(rest),
            "m" | "more" => self.more(),
            "u" | "undo" => self.undo(),
            "a" | "x" | "s" | "t" | "k" | "r" => match self.command(word, rest) {
                Ok(command) => self.change(&format!("{word} {rest}"), &command),
                Err(why) => self.say(&why),
            },
            other => self.say(&format!("{other} is no command; ? lists them")),
        }
    }

    /// How many there are of everything, and which parts are not well.
    fn status(&mut self) -> Result<(), Failure> {
        let overview = self.client.overview()?;
        for line in status_lines(&overview) {
            self.say(&line)?;
        }
        Ok(())
    }

    fn list(&mut self) -> Result<(), Failure> {
        let limit = vec![("limit".to_owned(), ENTRIES_MAX.to_string())];
        let (entries, waiting): (Vec<InboxItem>, u64) = self.client.list("inbox", &limit)?;
        self.entries = entries;
        let wait = if waiting == 1 { "waits" } else { "wait" };
        self.say(&format!("{waiting} {wait} for you, the dearest delay first. ? lists the commands."))?;
        let now = now();
        let mut lines: Vec<String> =
            self.entries.iter().enumerate().map(|(place, entry)| describe(place + 1, entry, now)).collect();
        let beyond = waiting.saturating_sub(self.entries.len() as u64);
        if beyond > 0 {
            lines.push(format!("and {beyond} more, which l lists once these are decided"));
        }
        lines.reverse();
        self.text = lines;
        if self.text.is_empty() { Ok(()) } else { self.more() }
    }

    /// The entries whose numbers `words` begins with, and the rest of the words.
    fn numbered<'w>(&self, words: &'w str, many: bool) -> Result<(Vec<&InboxItem>, &'w str), String> {
        let mut entries = Vec::new();
        let mut rest = words;
        loop {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            let Ok(number) = word.parse::<usize>() else { break };
            let entry = number.checked_sub(1).and_then(|place| self.entries.get(place));
            entries.push(entry.ok_or_else(|| format!("there is no number {number}; l lists them"))?);
            rest = after.trim_start();
            if !many {
                break;
            }
        }
        if entries.is_empty() { Err("say a number of the list, as in: o 3".to_owned()) } else { Ok((entries, rest)) }
    }

    /// The change that is meant, or why there is none.
    fn command(&self, word: &str, rest: &str) -> Result<WireCommand, String> {
        let (entries, words) = self.numbered(rest, word == "a")?;
        let note = (!words.is_empty()).then(|| words.to_owned());
        let items = |what: &str| {
            let id = |item: &&InboxItem| match item.kind {
                InboxKind::Alert => Err(format!("that is an alert; to {what} is for artifacts")),
                InboxKind::Artifact | InboxKind::FailedTask => Ok(item.id.clone()),
            };
            entries.iter().map(id).collect::<Result<Vec<_>, _>>()
        };
        let alert = || match entries[..] {
            [item] if item.kind == InboxKind::Alert => Ok(vec![item.id.clone()]),
            _ => Err("that is no alert".to_owned()),
        };
        Ok(match word {
            "a" => WireCommand::ReviewArtifacts { ids: items("approve")?, approve: true, note, quality: None },
            "x" if note.is_none() => return Err("say why, as in: x 3 the numbers do not add up".to_owned()),
            "x" => WireCommand::ReviewArtifacts { ids: items("reject")?, approve: false, note, quality: None },
            "t" => match entries[..] {
                [InboxItem { task_id: Some(id), .. }] => WireCommand::RetryTasks { ids: vec![id.clone()] },
                _ => return Err("that is no failed task".to_owned()),
            },
            "k" => WireCommand::AcknowledgeAlerts { ids: alert()?, note },
            "r" => WireCommand::ResolveAlerts { ids: alert()?, action: note, notes: None },
            _ => {
                let span: Span =
                    words.parse().map_err(|_| format!("{words:?} is no time; write 30m, 1h or 2d, as in: s 3 1h"))?;
                let until = Some(When::In(span));
                WireCommand::SnoozeReviews { ids: entries.iter().map(|item| item.id.clone()).collect(), until }
            }
        })
    }

    fn change(&mut self, typed: &str, command: &WireCommand) -> Result<(), Failure> {
        if self.read_only {
            return self.say("nothing is changed: this was started with --read-only");
        }
        if self.is_risky(command) && self.asked.as_deref() != Some(typed) {
            self.asked = Some(typed.to_owned());
            return self.say("that is of high risk. Type the same again to do it.");
        }
        self.asked = None;
        match self.client.command(command) {
            Ok(reply) => {
                let inverse = match &reply {
                    Reply::Submitted { inverse, .. } | Reply::Items { inverse, .. } => inverse.as_slice(),
                    Reply::Applied { .. } => &[],
                };
                let wired = |command| serde_json::from_value(serde_json::to_value(command).ok()?).ok();
                let inverse: Option<Vec<WireCommand>> = inverse.iter().map(wired).collect();
                let inverse = inverse.unwrap_or_default();
                let back = match inverse.is_empty() {
                    true => "",
                    false if command.sets_going() => " u takes it back, not what it set going.",
                    false => " u takes it back.",
                };
                let mut said = String::new();
                if let Reply::Items { done, refused, .. } = &reply {
                    let titles: Vec<String> = done.iter().map(|id| self.title(id)).collect();
                    said = format!("{} {}", participle(command), titles.join(", "));
                    if !done.is_empty() {
                        self.say(&format!("{said}.{back}"))?;
                    }
                    for item in refused {
                        self.say(&format!("refused: {}: {}", self.title(&item.item), item.refusal))?;
                    }
                }
                if !inverse.is_empty() {
                    self.inverses.push((said, inverse));
                }
                Ok(())
            }
            Err(Error::Refused(refusal)) => self.say(&format!("refused: {refusal}")),
            Err(error) => Err(error.into()),
        }
    }

    /// How the list calls what has an id; the id itself where it is not listed.
    fn title(&self, id: &str) -> String {
        let is = |item: &&InboxItem| item.id == id || item.task_id.as_deref() == Some(id);
        let by_id = self.entries.iter().find(|item| item.id == id).or_else(|| self.entries.iter().find(is));
        by_id.map_or_else(
            || id.to_owned(),
            |item| match &item.alert {
                Some(alert) => format!("the alert about {}", alert.source),
                None => item.title.clone(),
            },
        )
    }

    /// Whether a judgement concerns something of high risk.
    fn is_risky(&self, command: &WireCommand) -> bool {
        let WireCommand::ReviewArtifacts { ids, .. } = command else { return false };
        let high = |item: &InboxItem| item.risk == Risk::High && ids.contains(&item.id);
        self.entries.iter().any(high)
    }

    fn undo(&mut self) -> Result<(), Failure> {
        let Some((said, commands)) = self.inverses.pop() else {
            return self.say("nothing was changed that could be taken back");
        };
        for command in &commands {
            match self.client.command(command) {
                Ok(_) => {}
                Err(Error::Refused(refusal)) => return self.say(&format!("refused: {refusal}")),
                Err(error) => return Err(error.into()),
            }
        }
        self.say(&format!("taken back: {said}."))
    }

    fn open(&mut self, rest: &str) -> Result<(), Failure> {
        let item = match self.numbered(rest, false) {
            Ok((entries, _)) => entries[0].clone(),
            Err(why) => return self.say(&why),
        };
        let text = match item.kind {
            InboxKind::Artifact => {
                let (bytes, total) = self.client.artifact_part(&item.id, 0, TEXT_BYTES_MAX)?;
                let mut text = String::from_utf8_lossy(&bytes).into_owned();
                if total > TEXT_BYTES_MAX {
                    text.push_str("\n(the rest is left out; menagerie artifact show says all of it)");
                }
                text
            }
            InboxKind::FailedTask => item.title,
            InboxKind::Alert => {
                let alert = item.alert.as_deref();
                let present =
                    alert.and_then(|alert| alert.figures.as_ref()).map(|it| format!("present: {}", it.said()));
                let remedy = alert.and_then(|alert| alert.context.remedy.as_ref()).map(|it| format!("remedy: {it}"));
                [Some(item.title.clone()), present, remedy].into_iter().flatten().collect::<Vec<_>>().join("\n")
            }
        };
        self.text = text.lines().rev().map(str::to_owned).collect();
        self.more()
    }

    fn more(&mut self) -> Result<(), Failure> {
        for _ in 0..PAGE_LINES {
            match self.text.pop() {
                Some(line) => self.say(&line)?,
                None => return self.say("(end)"),
            }
        }
        if self.text.is_empty() {
            return self.say("(end)");
        }
        let left = self.text.len();
        self.say(&format!("({left} more lines; type more)"))
    }
}

/// What a change that can be asked for here has done, in a word.
const fn participle(command: &WireCommand) -> &'static str {
    match command {
        WireCommand::ReviewArtifacts { approve: true, .. } => "approved",
        WireCommand::ReviewArtifacts { approve: false, .. } => "rejected",
        WireCommand::RetryTasks { .. } => "tried again:",
        WireCommand::AcknowledgeAlerts { .. } => "acknowledged",
        WireCommand::ResolveAlerts { .. } => "resolved",
        WireCommand::SnoozeReviews { .. } => "put off",
        _ => "done:",
    }
}

/// How the fleet is in sentences.
fn status_lines(overview: &Overview) -> Vec<String> {
    let (tasks, agents) = (&overview.counts.tasks, &overview.counts.agents);
    let of = |number: u64, words: &str| (number > 0).then(|| format!("{number} {words}"));
    let said = [
        Some(format!("{} running", tasks.executing + tasks.scheduled)),
        Some(format!("{} queued", tasks.pending)),
        of(tasks.failed, "failed"),
        Some(format!("{} done", tasks.completed)),
    ];
    let mut lines = vec![format!("tasks: {}.", said.into_iter().flatten().collect::<Vec<_>>().join(", "))];
    let said = [
        Some(format!("{} at work", agents.active + agents.busy)),
        Some(format!("{} idle", agents.idle)),
        of(agents.blocked, "blocked"),
        of(agents.error, "paused by failures"),
        of(agents.maintenance, "drained"),
        of(agents.offline, "offline"),
    ];
    lines.push(format!("agents: {}.", said.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    let unwell: Vec<&Health> = overview
        .health
        .iter()
        .filter(|part| matches!(part.state, HealthState::Degraded | HealthState::Failed))
        .collect();
    if unwell.is_empty() {
        lines.push("health: ok.".to_owned());
    }
    lines.extend(unwell.iter().map(|part| {
        let remedy = if part.remedy.is_empty() { String::new() } else { format!(". {}", part.remedy) };
        format!("health: {} {}: {}{remedy}", part.component, part.state, part.reason)
    }));
    if overview.at_risk_total > 0 {
        lines.push(format!("deadlines at risk: {}.", overview.at_risk_total));
    }
    lines
}

/// One line for one entry.
fn describe(number: usize, item: &InboxItem, now: Timestamp) -> String {
    let age = now.since(item.since).human();
    if let Some(alert) = &item.alert {
        return format!("{number}. alert, {}: {}: {}, raised {age} ago", alert.severity, alert.source, alert.message);
    }
    let kind = match item.kind {
        InboxKind::Artifact => item.artifact_type.map_or("artifact", |kind| kind.as_str()),
        InboxKind::FailedTask => "failed task",
        InboxKind::Alert => "alert",
    };
    let agent = item.agent.as_ref().map(|agent| format!(" by {agent}")).unwrap_or_default();
    let blocks = match item.blocks {
        0 => String::new(),
        1 => ", 1 task waits for it".to_owned(),
        many => format!(", {many} tasks wait for it"),
    };
    let risk = if item.risk == Risk::High { ", high risk" } else { "" };
    format!("{number}. {kind}: {}{agent}, waits {age}{blocks}{risk}", item.title)
}

/// Text without anything that a terminal would obey, and without what is not seen: a screen reader would stumble over it, or
/// say two names alike that are not.
fn harmless(text: &str) -> String {
    let said: String = text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect();
    ui::clean(&said).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_task_waits_and_two_tasks_wait() {
        let blocks = |blocks: u64| {
            let item = serde_json::json!({
                "id": "0195eeee-0000-7000-8000-000000000001", "kind": "artifact", "title": "activity.csv",
                "artifact_type": "report", "since": Timestamp::EPOCH, "blocks": blocks, "cost_of_delay": 1.0,
                "group": "g", "risk": "normal",
            });
            describe(1, &serde_json::from_value(item).unwrap(), Timestamp::EPOCH)
        };
        assert!(!blocks(0).contains("wait for"), "{}", blocks(0));
        assert!(blocks(1).ends_with(", 1 task waits for it"), "{}", blocks(1));
        assert!(blocks(2).ends_with(", 2 tasks wait for it"), "{}", blocks(2));
    }

    #[test]
    fn nothing_is_said_that_cannot_be_seen() {
        let hidden = "a\u{200b}d\u{200d}min\u{feff}\u{2060}\u{34f}\u{ad}\u{202e}\u{1b}[2J\tx\u{9b}";
        assert_eq!(harmless(hidden), "admin[2J x");
        assert_eq!(harmless("e\u{301} 👩\u{200d}👧"), "e\u{301} 👩\u{200d}👧", "what is seen together stays together");
    }
}
