//! Codex CLI's `exec --json`: threads, turns and items, each with events of its own.

use serde_json::Value;

use super::said::{Refused, Said, at, last_words, number, shorten, text};
use crate::domain::Activity;

/// What is known of a thread.
#[derive(Debug, Default)]
pub(super) struct Codex {
    /// How the last turn ended: well, or why not.
    end: Option<Result<(), String>>,
    /// The last error that was told; most are tried again.
    error: Option<String>,
    refused: Refused,
}

impl Codex {
    /// Takes in a line.
    pub(super) fn line(&mut self, line: &Value, said: &mut Said) {
        match text(line, &["type"]) {
            "thread.started" => said.does(Activity::Starting, None),
            "turn.started" => {
                self.end = None;
                said.does(Activity::Thinking, None);
            }
            "turn.completed" => {
                // The figures are those of the whole thread so far; what comes from the cache is among what was read.
                let usage = |key| number(line, &["usage", key]);
                said.tokens(usage("input_tokens").saturating_add(usage("output_tokens")));
                said.tokens_apart(usage("input_tokens"), usage("output_tokens"));
                self.end = Some(Ok(()));
            }
            "request_user_input" => {
                let asked = at(line, &["questions"]).and_then(|questions| questions.get(0));
                let asked = asked.map(|question| shorten(text(question, &["question"]))).unwrap_or_default();
                said.does(Activity::WaitingHuman, Some(&asked));
            }
            "turn.failed" => {
                let why = shorten(text(line, &["error", "message"]));
                said.remark(&why);
                self.end = Some(Err(why));
            }
            "error" => {
                let why = shorten(text(line, &["message"]));
                said.does(Activity::WaitingModel, None);
                said.remark(&why);
                self.error = Some(why);
            }
            kind @ ("item.started" | "item.updated" | "item.completed") => {
                if let Some(item) = line.get("item") {
                    self.item(item, kind == "item.completed", said);
                }
            }
            _ => {}
        }
    }

    fn item(&mut self, item: &Value, completed: bool, said: &mut Said) {
        let kind = [text(item, &["type"]), text(item, &["item_type"])].into_iter().find(|kind| !kind.is_empty());
        let tool = match kind.unwrap_or_default() {
            "agent_message" | "assistant_message" => {
                let words = text(item, &["text"]);
                said.does(Activity::Thinking, None);
                said.remark(last_words(words));
                if completed {
                    said.result(words.into());
                }
                return;
            }
            "todo_list" => {
                let items = at(item, &["items"]).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let is_done = |item: &&Value| at(item, &["completed"]).and_then(Value::as_bool) == Some(true);
                if !items.is_empty() {
                    said.progress(100.0 * items.iter().filter(is_done).count() as f64 / items.len() as f64);
                }
                return;
            }
            "command_execution" => text(item, &["command"]).to_owned(),
            "mcp_tool_call" => format!("{} {}", text(item, &["server"]), text(item, &["tool"])),
            // Other threads: `spawn_agent`, `send_input`, `wait`, `close_agent`.
            "collab_tool_call" => text(item, &["tool"]).to_owned(),
            "web_search" => format!("web search: {}", text(item, &["query"])),
            "file_change" => "file change".to_owned(),
            "error" => {
                said.remark(text(item, &["message"]));
                return;
            }
            _ => {
                said.does(Activity::Thinking, None);
                return;
            }
        };
        if !completed {
            said.does(Activity::Tool, Some(&tool));
            return;
        }
        said.does(Activity::Thinking, None);
        if text(item, &["status"]) == "declined" {
            self.refused.add(&tool);
        }
    }

    /// Why it did not succeed, whatever its exit status; `None` when by its own word it did.
    pub(super) fn failure(&self) -> Option<String> {
        match (&self.end, &self.error) {
            (Some(Ok(())), _) => self.refused.sentence(),
            (Some(Err(why)), _) | (None, Some(why)) => Some(format!("it says: {why}")),
            (None, None) => Some("its stream ended before its turn was completed".to_owned()),
        }
    }
}
