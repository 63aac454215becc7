//! Which language a stream is in, by its first JSON lines.

use serde_json::Value;

use super::said::text;
use crate::domain::agent::StreamFormat;

/// The language that only this line can be of; `None` when it may be of several, or of none.
pub(super) fn recognise(line: &Value) -> Option<StreamFormat> {
    let kind = text(line, &["type"]);
    let has = |key: &str| line.get(key).is_some();
    match kind {
        "system" if has("subtype") && has("session_id") => Some(StreamFormat::Claude),
        "assistant" | "user" if has("message") => Some(StreamFormat::Claude),
        _ if ["thread.", "turn.", "item."].iter().any(|start| kind.starts_with(start)) => Some(StreamFormat::Codex),
        "init" if has("session_id") => Some(StreamFormat::Gemini),
        "step_start" | "step_finish" | "text" | "tool_use" if has("sessionID") => Some(StreamFormat::Opencode),
        "progress" if has("percent") || !text(line, &["message"]).is_empty() => Some(StreamFormat::Menagerie),
        "tokens" if has("used") || has("cost") => Some(StreamFormat::Menagerie),
        "activity" if has("state") => Some(StreamFormat::Menagerie),
        "artifact" if has("path") || has("content") => Some(StreamFormat::Menagerie),
        _ => None,
    }
}
