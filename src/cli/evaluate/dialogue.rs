//! Choosing as a program asks, a line at a time, and learning as it tells how that came out. What makes no sense is answered
//! with an error and changes nothing; the dialogue goes on, because what was learned in it is kept nowhere else.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use serde::Deserialize;
use serde_json::{Value, json};

use super::Feedback;
use super::figures::told;
use super::log::{LINE_BYTES_MAX, Name, Outcomes, check_name, next_line, parse};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::domain::selection::Factor;
use crate::engine::core::rehearsal::{Question, Rehearsal};

/// So many choices are remembered whose outcome nobody has told yet; of more the oldest are forgotten.
const OPEN_MAX: usize = 10_000;

/// What may stand in a line: a question, or how one came out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    task: Option<Name>,
    text: Option<String>,
    group: Option<Name>,
    agents: Option<Vec<String>>,
    outcomes: Option<Outcomes>,
}

/// The names that stand in the outcomes of a line, which a log may have more of.
#[derive(Deserialize)]
struct Keys {
    outcomes: BTreeMap<String, BTreeMap<String, Value>>,
}

/// What an outcome may say.
const OUTCOME_KEYS: [&str; 4] = ["success", "duration", "tokens", "cost"];

/// A choice whose outcome is not known yet.
struct Open {
    task: Option<Name>,
    text: String,
    kind: String,
    agents: Vec<String>,
    chosen: String,
}

impl Open {
    fn question(&self) -> Question<'_> {
        Question { text: &self.text, kind: &self.kind }
    }
}

/// Why a line was refused: the column, from 1, and a sentence.
type Refused = (usize, String);

fn refused(sentence: impl Into<String>) -> Refused {
    (1, sentence.into())
}

/// What was asked and learned so far.
struct Dialogue {
    rehearsal: Rehearsal,
    feedback: Feedback,
    /// In the order in which they were asked.
    open: Vec<Open>,
    /// Whether the last of them is what was asked last; otherwise the outcome of that is known.
    awaits_last: bool,
}

impl Dialogue {
    /// Takes a line in; what is to be answered, if anything. A refused line has changed nothing.
    fn take_in(&mut self, text: &[u8]) -> Result<Option<Value>, Refused> {
        let line: Line = parse(text)?;
        match line {
            Line { task, text: None, group: None, agents: None, outcomes: Some(outcomes) } => {
                check_keys(text)?;
                self.told(task.as_ref(), &outcomes).map(|()| None)
            }
            Line { task, text: Some(text), group, agents: Some(agents), outcomes: None } => {
                let kind = group.map(|group| group.0).unwrap_or_default();
                self.asked(task, text, kind, agents).map(Some)
            }
            _ => Err(refused(
                "neither a question, with task, text, group and agents, nor outcomes with the task or without",
            )),
        }
    }

    fn asked(&mut self, task: Option<Name>, text: String, kind: String, agents: Vec<String>) -> Result<Value, Refused> {
        check(&agents).map_err(refused)?;
        if let Some(task) = task.as_ref().filter(|task| self.place_of(task).is_some()) {
            let task = &task.0;
            return Err(refused(format!("task \"{task}\" was asked already and nobody has told how it came out")));
        }
        let names: Vec<_> = agents.iter().map(String::as_str).collect();
        let Some(answer) = self.rehearsal.choose(Question { text: &text, kind: &kind }, &names) else {
            return Err(refused("no agents; name at least one"));
        };
        let chosen = agents.get(answer.chosen).cloned().unwrap_or_default();
        let factors: serde_json::Map<_, _> =
            Factor::ALL.iter().zip(answer.factors).map(|(factor, value)| (factor.to_string(), json!(value))).collect();
        let said = json!({"agent": chosen, "score": answer.score, "factors": factors, "learned": answer.learned});
        if self.open.len() == OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push(Open { task, text, kind, agents, chosen });
        self.awaits_last = true;
        Ok(said)
    }

    fn told(&mut self, task: Option<&Name>, outcomes: &Outcomes) -> Result<(), Refused> {
        let place = match task {
            Some(task) => self.place_of(task).ok_or_else(|| {
                refused(format!("outcomes of task \"{}\", which was not asked or came out already; ask first", task.0))
            })?,
            None => self.open.len().checked_sub(1).filter(|_| self.awaits_last).ok_or_else(|| {
                refused("outcomes of nothing that was asked, or of what came out already; ask first, or name the task")
            })?,
        };
        let open = &self.open[place];
        if let Some((name, _)) = outcomes.0.iter().find(|(name, _)| !open.agents.contains(name)) {
            return Err(refused(format!("an outcome of agent \"{name}\", which was not among those to choose from")));
        }
        let counts = |name: &str| self.feedback == Feedback::All || name == open.chosen;
        if !outcomes.0.iter().any(|(name, _)| counts(name)) {
            let chosen = &open.chosen;
            return Err(refused(format!(
                "no outcome of agent \"{chosen}\", which was chosen; nothing else is learned from"
            )));
        }
        for (name, outcome) in outcomes.0.iter().filter(|(name, _)| counts(name)) {
            self.rehearsal.learn(open.question(), name, told(outcome));
        }
        self.awaits_last &= place + 1 < self.open.len();
        self.open.remove(place);
        Ok(())
    }

    fn place_of(&self, task: &Name) -> Option<usize> {
        self.open.iter().rposition(|open| open.task.as_ref() == Some(task))
    }
}

/// Answers until standard input ends.
pub fn run(context: &mut Context, feedback: Feedback) -> Outcome {
    let mut dialogue = Dialogue { rehearsal: Rehearsal::default(), feedback, open: vec![], awaits_last: false };
    let (mut buffer, mut lines, mut errors) = (vec![], 0_u64, 0_u64);
    let mut reader = std::io::stdin().lock();
    for number in 1.. {
        let answer = match next_line("<stdin>", number, &mut reader, &mut buffer) {
            Ok(false) => break,
            Ok(true) if buffer.iter().all(u8::is_ascii_whitespace) => continue,
            Ok(true) => {
                dialogue.take_in(&buffer).map_err(|(column, problem)| format!("<stdin>:{number}:{column}: {problem}"))
            }
            Err(problem) if buffer.len() as u64 > LINE_BYTES_MAX => {
                if buffer.last() != Some(&b'\n') {
                    reader
                        .skip_until(b'\n')
                        .map_err(|error| Failure::failed(format!("cannot read <stdin>: {error}")))?;
                }
                Err(problem)
            }
            Err(problem) => return Err(Failure::failed(problem)),
        };
        lines += 1;
        let answer = match answer {
            Ok(Some(said)) => said,
            Ok(None) => continue,
            Err(problem) => {
                errors += 1;
                json!({"error": problem})
            }
        };
        context.out.raw(format!("{answer}\n").as_bytes())?;
        context.out.flush()?;
        std::io::stdout().flush()?;
    }
    if errors > 0 {
        return Err(Failure::failed(format!("{errors} of {lines} lines were refused; the answers say why")));
    }
    Ok(0)
}

fn check(agents: &[String]) -> Result<(), String> {
    for (place, name) in agents.iter().enumerate() {
        check_name(name)?;
        if agents[..place].contains(name) {
            return Err(format!("agent \"{name}\" stands here twice"));
        }
    }
    if agents.is_empty() { Err("no agents; name at least one".to_owned()) } else { Ok(()) }
}

/// Refuses what an outcome says beyond what is understood.
fn check_keys(text: &[u8]) -> Result<(), Refused> {
    let keys: Keys = parse(text)?;
    let mut all = keys.outcomes.values().flat_map(BTreeMap::keys);
    match all.find(|key| !OUTCOME_KEYS.contains(&key.as_str())) {
        Some(key) => {
            Err(refused(format!("unknown field `{key}` of an outcome, expected one of {}", OUTCOME_KEYS.join(", "))))
        }
        None => Ok(()),
    }
}
