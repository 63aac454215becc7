//! Claude Code's `--output-format stream-json`: one object a line, from `system`/`init` over the messages of model and
//! tools to `result`, which has the last word about text, cost and tokens.

use std::collections::BTreeMap;

use serde_json::Value;

use super::said::{Refused, Said, at, last_words, number, shorten, text, tool_use};
use crate::domain::Activity;

/// Of how many messages of the model the tokens are kept apart; later ones count when the result comes.
const MESSAGES_MAX: usize = 10_000;

/// What is known of a session.
#[derive(Debug, Default)]
pub(super) struct Claude {
    /// Tokens by message of the model: each part of one comes as a line of its own, with the whole message's figures.
    messages: BTreeMap<String, u64>,
    /// How the session ended: well, or why not. The last result counts.
    end: Option<Result<(), String>>,
    refused: Refused,
}

impl Claude {
    /// Takes in a line.
    pub(super) fn line(&mut self, line: &Value, said: &mut Said) {
        match (text(line, &["type"]), text(line, &["subtype"])) {
            ("system", "init") => said.does(Activity::Starting, None),
            ("system", "api_retry") => said.does(Activity::WaitingModel, None),
            ("rate_limit_event", _) if text(line, &["rate_limit_info", "status"]) == "rejected" => {
                said.does(Activity::WaitingModel, None);
            }
            ("assistant", _) => self.assistant(line, said),
            // What tools have given goes back to the model.
            ("user", _) => said.does(Activity::Thinking, None),
            ("result", subtype) => self.result(line, subtype, said),
            _ => {}
        }
    }

    fn assistant(&mut self, line: &Value, said: &mut Said) {
        let id = text(line, &["message", "id"]);
        if let Some(usage) = at(line, &["message", "usage"])
            && (self.messages.len() < MESSAGES_MAX || self.messages.contains_key(id))
        {
            let tokens = self.messages.entry(id.to_owned()).or_default();
            *tokens = billed(usage).max(*tokens);
            said.tokens(self.messages.values().fold(0, |sum, tokens| sum.saturating_add(*tokens)));
        }
        for part in at(line, &["message", "content"]).and_then(Value::as_array).into_iter().flatten() {
            match text(part, &["type"]) {
                "tool_use" => {
                    said.does(Activity::Tool, Some(&tool_use(text(part, &["name"]), part.get("input"))));
                }
                "text" => {
                    said.does(Activity::Thinking, None);
                    said.remark(last_words(text(part, &["text"])));
                }
                "thinking" => said.does(Activity::Thinking, None),
                _ => {}
            }
        }
    }

    fn result(&mut self, line: &Value, subtype: &str, said: &mut Said) {
        let models = at(line, &["modelUsage"]).and_then(Value::as_object).filter(|models| !models.is_empty());
        let sum =
            |of: &Value, keys: &[&str]| keys.iter().fold(0_u64, |sum, key| sum.saturating_add(number(of, &[key])));
        let (read, written) = if let Some(models) = models {
            // By model, so that what helpers used counts as well.
            models.values().fold((0_u64, 0_u64), |(read, written), model| {
                let keys = ["inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"];
                (read.saturating_add(sum(model, &keys)), written.saturating_add(number(model, &["outputTokens"])))
            })
        } else {
            let written = number(line, &["usage", "output_tokens"]);
            (line.get("usage").map_or(0, billed).saturating_sub(written), written)
        };
        said.tokens(read.saturating_add(written));
        said.tokens_apart(read, written);
        if let Some(cost) = line.get("total_cost_usd").and_then(Value::as_f64) {
            said.cost(cost);
        }
        let words = text(line, &["result"]);
        if !words.is_empty() {
            said.result(words.into());
            said.remark(last_words(words));
        }
        self.refused.clear();
        for denial in at(line, &["permission_denials"]).and_then(Value::as_array).into_iter().flatten() {
            self.refused.add(text(denial, &["tool_name"]));
        }
        let failed = at(line, &["is_error"]).and_then(Value::as_bool) == Some(true) || subtype != "success";
        self.end = Some(if failed {
            let errors = at(line, &["errors"]).and_then(Value::as_array).into_iter().flatten();
            let errors: Vec<_> = errors.filter_map(Value::as_str).collect();
            let why = if words.is_empty() { errors.join("; ") } else { words.to_owned() };
            Err(if why.is_empty() { subtype.to_owned() } else { shorten(&why) })
        } else {
            Ok(())
        });
    }

    /// Why it did not succeed, whatever its exit status; `None` when by its own word it did.
    pub(super) fn failure(&self) -> Option<String> {
        match &self.end {
            None => Some("its stream ended without a result".to_owned()),
            Some(Err(why)) => Some(format!("it says: {why}")),
            Some(Ok(())) => self.refused.sentence(),
        }
    }
}

/// All tokens that are charged for: those read, those written to and read from the cache, and those made.
fn billed(usage: &Value) -> u64 {
    let keys = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"];
    keys.iter().fold(0, |sum, key| sum.saturating_add(number(usage, &[key])))
}
