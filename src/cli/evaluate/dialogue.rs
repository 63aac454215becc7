//! Choosing as a program asks, a line at a time, and learning as it tells how that came out.

use std::io::Write;

use serde::Deserialize;
use serde_json::json;

use super::Feedback;
use super::figures::told;
use super::log::{Name, Outcomes, check_name, next_line, parse};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::domain::selection::Factor;
use crate::engine::core::rehearsal::{Question, Rehearsal};

/// So many choices are remembered whose outcome nobody has told yet.
const OPEN_MAX: usize = 10_000;

/// What may stand in a line: a question, or how one came out.
#[derive(Deserialize)]
struct Line {
    task: Option<Name>,
    text: Option<String>,
    group: Option<Name>,
    agents: Option<Vec<String>>,
    outcomes: Option<Outcomes>,
}

/// A choice whose outcome is not known yet.
struct Open {
    task: Option<Name>,
    text: String,
    kind: String,
    chosen: String,
}

impl Open {
    fn question(&self) -> Question<'_> {
        Question { text: &self.text, kind: &self.kind }
    }
}

/// Answers until standard input ends.
pub fn run(context: &mut Context, feedback: Feedback) -> Outcome {
    let (mut rehearsal, mut open, mut buffer) = (Rehearsal::default(), Vec::<Open>::new(), vec![]);
    let mut reader = std::io::stdin().lock();
    for number in 1.. {
        if !next_line("<stdin>", number, &mut reader, &mut buffer).map_err(Failure::refused)? {
            break;
        }
        if buffer.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let refuse =
            |(column, problem): (usize, String)| Failure::refused(format!("<stdin>:{number}:{column}: {problem}"));
        let line: Line = parse(&buffer).map_err(refuse)?;
        if let Some(outcomes) = line.outcomes {
            let last = match &line.task {
                Some(task) => open.iter().rposition(|one| one.task.as_ref() == Some(task)),
                None => open.len().checked_sub(1),
            };
            let Some(place) = last else {
                return Err(refuse((1, "outcomes of nothing that was asked; ask first".to_owned())));
            };
            learn(&mut rehearsal, &open.remove(place), &outcomes, feedback);
            continue;
        }
        let (Some(text), Some(agents)) = (line.text, line.agents) else {
            let say = "neither a question, with task, text, group and agents, nor outcomes";
            return Err(refuse((1, say.to_owned())));
        };
        check(&agents).map_err(|problem| refuse((1, problem)))?;
        let kind = line.group.map(|group| group.0).unwrap_or_default();
        let names: Vec<_> = agents.iter().map(String::as_str).collect();
        let Some(answer) = rehearsal.choose(Question { text: &text, kind: &kind }, &names) else {
            return Err(refuse((1, "no agents; name at least one".to_owned())));
        };
        let chosen = agents.get(answer.chosen).cloned().unwrap_or_default();
        let factors: serde_json::Map<_, _> =
            Factor::ALL.iter().zip(answer.factors).map(|(factor, value)| (factor.to_string(), json!(value))).collect();
        let said = json!({"agent": chosen, "score": answer.score, "factors": factors, "learned": answer.learned});
        context.out.raw(format!("{said}\n").as_bytes())?;
        context.out.flush()?;
        std::io::stdout().flush()?;
        if open.len() == OPEN_MAX {
            open.remove(0);
        }
        open.push(Open { task: line.task, text, kind, chosen });
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

fn learn(rehearsal: &mut Rehearsal, open: &Open, outcomes: &Outcomes, feedback: Feedback) {
    for (name, outcome) in &outcomes.0 {
        if *name == open.chosen || feedback == Feedback::All {
            rehearsal.learn(open.question(), name, told(outcome));
        }
    }
}
