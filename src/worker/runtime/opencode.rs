//! `OpenCode`'s `run --format json`: steps, each with its figures, the tools used in them and the texts.

use serde_json::Value;

use super::said::{Refused, Said, at, last_words, number, shorten, text, tool_use};
use crate::domain::Activity;

/// What is known of a session.
#[derive(Debug, Default)]
pub(super) struct Opencode {
    tokens: (u64, u64),
    cost: f64,
    error: Option<String>,
    refused: Refused,
}

impl Opencode {
    /// Takes in a line.
    pub(super) fn line(&mut self, line: &Value, said: &mut Said) {
        let Some(part) = line.get("part").or_else(|| line.get("error")) else { return };
        match text(line, &["type"]) {
            "step_start" | "reasoning" => said.does(Activity::Thinking, None),
            "text" => {
                let words = text(part, &["text"]);
                said.does(Activity::Thinking, None);
                said.remark(last_words(words));
                said.result(words.into());
            }
            // Told once the tool has been used.
            "tool_use" => {
                let name = text(part, &["tool"]);
                said.does(Activity::Thinking, None);
                said.remark(&tool_use(name, at(part, &["state", "input"])));
                let error = text(part, &["state", "error"]);
                if error.contains("rejected permission") || error.contains("rule which prevents") {
                    self.refused.add(name);
                }
            }
            "step_finish" => self.step(part, said),
            "error" => {
                let told = [text(part, &["data", "message"]), text(part, &["message"]), text(part, &["name"])];
                let why = shorten(told.into_iter().find(|why| !why.is_empty()).unwrap_or("an error"));
                said.remark(&why);
                self.error = Some(why);
            }
            _ => {}
        }
    }

    fn step(&mut self, part: &Value, said: &mut Said) {
        let read: [&[&str]; 3] = [&["input"], &["cache", "read"], &["cache", "write"]];
        let written: [&[&str]; 2] = [&["output"], &["reasoning"]];
        if let Some(tokens) = part.get("tokens") {
            let add = |to: u64, paths: &[&[&str]]| {
                paths.iter().fold(to, |sum, path| sum.saturating_add(number(tokens, path)))
            };
            self.tokens = (add(self.tokens.0, &read), add(self.tokens.1, &written));
            said.tokens(self.tokens.0.saturating_add(self.tokens.1));
            said.tokens_apart(self.tokens.0, self.tokens.1);
        }
        if let Some(cost) = part.get("cost").and_then(Value::as_f64) {
            self.cost += cost;
            said.cost(self.cost);
        }
        match text(part, &["reason"]) {
            why @ ("length" | "content-filter" | "error") => {
                self.error = Some(format!("its last step ended for: {why}"));
            }
            // An error that was followed by a step that ended well was overcome.
            _ => self.error = None,
        }
    }

    /// Why it did not succeed, whatever its exit status; `None` when by its own word it did. What its last step was is
    /// not always told, so an end without one says nothing.
    pub(super) fn failure(&self) -> Option<String> {
        self.error.as_ref().map(|why| format!("it says: {why}")).or_else(|| self.refused.sentence())
    }
}
