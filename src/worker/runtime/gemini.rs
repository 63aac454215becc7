//! Gemini CLI's `--output-format stream-json`: `init`, messages in pieces, tools, and a `result` with the figures.

use std::collections::BTreeMap;

use serde_json::Value;

use super::said::{Refused, Said, last_words, number, shorten, text, tool_use};
use crate::domain::Activity;

/// The longest answer that is kept, in bytes; longer ones are kept from their beginning.
const ANSWER_BYTES_MAX: usize = 512 << 10;

/// How many tools in use are remembered.
const TOOLS_MAX: usize = 1000;

/// What is known of a session.
#[derive(Debug, Default)]
pub(super) struct Gemini {
    /// What the model has said since it last used a tool.
    answer: String,
    /// The tools in use, by the numbers of their calls: several may be called before the first has given its result.
    tools: BTreeMap<String, String>,
    /// How the session ended: well, or why not.
    end: Option<Result<(), String>>,
    /// The last error that was told.
    error: Option<String>,
    refused: Refused,
}

impl Gemini {
    /// Takes in a line.
    pub(super) fn line(&mut self, line: &Value, said: &mut Said) {
        match text(line, &["type"]) {
            "init" => said.does(Activity::Starting, None),
            "message" if text(line, &["role"]) == "assistant" => {
                let piece = text(line, &["content"]);
                if self.answer.len() + piece.len() <= ANSWER_BYTES_MAX {
                    self.answer.push_str(piece);
                }
                said.does(Activity::Thinking, None);
                said.remark(last_words(&self.answer));
            }
            "tool_use" => {
                self.answer.clear();
                let tool = shorten(text(line, &["tool_name"]));
                said.does(Activity::Tool, Some(&tool_use(&tool, line.get("parameters"))));
                if self.tools.len() < TOOLS_MAX {
                    self.tools.insert(shorten(text(line, &["tool_id"])), tool);
                }
            }
            "tool_result" => {
                said.does(Activity::Thinking, None);
                let tool = self.tools.remove(&shorten(text(line, &["tool_id"]))).unwrap_or_default();
                // `policy_violation` is what a tool ends with that nobody is there to allow.
                if matches!(text(line, &["error", "type"]), "policy_violation" | "execution_denied") {
                    self.refused.add(&tool);
                }
            }
            "error" => {
                let why = shorten(text(line, &["message"]));
                said.remark(&why);
                if text(line, &["severity"]) == "error" {
                    self.error = Some(why);
                }
            }
            "result" => self.result(line, said),
            _ => {}
        }
    }

    fn result(&mut self, line: &Value, said: &mut Said) {
        let figure = |key| number(line, &["stats", key]);
        // The total has what was thought and what tools were handed, which the two others leave out.
        let parts = figure("input_tokens").saturating_add(figure("output_tokens"));
        said.tokens(figure("total_tokens").max(parts));
        said.tokens_apart(figure("input_tokens"), figure("output_tokens"));
        if !self.answer.is_empty() {
            said.result(std::mem::take(&mut self.answer).into());
        }
        self.end = Some(if text(line, &["status"]) == "success" {
            Ok(())
        } else {
            let told = [text(line, &["error", "message"]), self.error.as_deref().unwrap_or_default()];
            let why = told.into_iter().find(|why| !why.is_empty()).unwrap_or("it failed");
            Err(shorten(why))
        });
    }

    /// Why it did not succeed, whatever its exit status; `None` when by its own word it did.
    pub(super) fn failure(&self) -> Option<String> {
        match (&self.end, &self.error) {
            (Some(Ok(())), _) => self.refused.sentence(),
            (Some(Err(why)), _) | (None, Some(why)) => Some(format!("it says: {why}")),
            (None, None) => Some("its stream ended without a result".to_owned()),
        }
    }
}
