//! Menagerie's own JSON lines, as `docs/protocol.md` describes them for authors of agents.

use serde::Deserialize;
use serde_json::Value;

use super::said::{Announced, Said};
use crate::domain::Activity;

/// A message of an agent.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Message {
    Progress {
        #[serde(default)]
        percent: Option<f64>,
        #[serde(default)]
        message: Option<String>,
    },
    Activity {
        state: Activity,
        #[serde(default)]
        detail: Option<String>,
    },
    Artifact(Announced),
    Tokens {
        #[serde(default)]
        used: Option<u64>,
        #[serde(default)]
        input: Option<u64>,
        #[serde(default)]
        output: Option<u64>,
        #[serde(default)]
        cost: Option<f64>,
    },
    Result {
        #[serde(default)]
        output: Value,
        #[serde(default)]
        summary: Option<String>,
    },
}

/// Takes in a line that may be a message; anything else is log.
pub(super) fn line(line: &[u8], said: &mut Said) {
    let Ok(message) = serde_json::from_slice::<Message>(line) else { return };
    match message {
        Message::Progress { percent, message } => {
            if let Some(percent) = percent {
                said.progress(percent);
            }
            if let Some(text) = message {
                said.remark(&text);
            }
        }
        Message::Activity { state, detail } => {
            if Activity::SAID.contains(&state) {
                said.does(state, detail.as_deref());
            }
        }
        Message::Artifact(announced) => said.announce(announced),
        Message::Tokens { used, input, output, cost } => {
            let apart = input.or(output).map(|_| (input.unwrap_or(0), output.unwrap_or(0)));
            if let Some((input, output)) = apart {
                said.tokens_apart(input, output);
            }
            if let Some(used) = used.or(apart.map(|(input, output)| input.saturating_add(output))) {
                said.tokens(used);
            }
            if let Some(cost) = cost {
                said.cost(cost);
            }
        }
        Message::Result { output, summary } => {
            said.result(output);
            if let Some(text) = summary {
                said.remark(&text);
            }
        }
    }
}
