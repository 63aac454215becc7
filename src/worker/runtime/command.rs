//! The `command` runtime: what a process says on its standard output.
//!
//! A line that is a JSON object which the stream's language knows is a message; every other line is log and means nothing
//! to Menagerie. The languages are described for authors of agents in `docs/protocol.md`. The whole output, messages
//! included, is spooled elsewhere: this part only listens.

use serde_json::Value;

use super::super::sys::find_byte;
use super::auto::recognise;
use super::claude::Claude;
use super::codex::Codex;
use super::gemini::Gemini;
use super::menagerie;
use super::opencode::Opencode;
use super::said::Said;
use crate::domain::agent::StreamFormat;

/// Longer lines are not read as messages.
pub(in super::super) const LINE_BYTES_MAX: usize = 1 << 20;

/// The language of a stream, with what has to be remembered to understand it.
#[derive(Debug)]
enum Language {
    Menagerie,
    Claude(Claude),
    Codex(Codex),
    Gemini(Gemini),
    Opencode(Opencode),
    /// Not known yet.
    Auto,
    Plain,
}

impl Language {
    fn of(format: StreamFormat) -> Self {
        match format {
            StreamFormat::Menagerie => Self::Menagerie,
            StreamFormat::Claude => Self::Claude(Claude::default()),
            StreamFormat::Codex => Self::Codex(Codex::default()),
            StreamFormat::Gemini => Self::Gemini(Gemini::default()),
            StreamFormat::Opencode => Self::Opencode(Opencode::default()),
            StreamFormat::Plain => Self::Plain,
            StreamFormat::Auto => Self::Auto,
        }
    }
}

/// Listens to an execution.
#[derive(Debug)]
pub(in super::super) struct Listener {
    language: Language,
    partial: Vec<u8>,
    /// Whether the present line is too long, or begins in a way that no message does.
    skipping: bool,
    /// What was understood.
    pub(in super::super) said: Said,
}

impl Listener {
    /// For a stream in a language.
    pub(in super::super) fn new(format: StreamFormat) -> Self {
        Self { language: Language::of(format), partial: vec![], skipping: false, said: Said::default() }
    }

    /// Takes output in, in pieces of any size.
    pub(in super::super) fn feed(&mut self, mut bytes: &[u8]) {
        if matches!(self.language, Language::Plain) {
            return;
        }
        while let Some(end) = find_byte(b'\n', bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if !self.skipping {
                if self.partial.is_empty() {
                    self.line(line);
                } else if self.partial.len() + line.len() <= LINE_BYTES_MAX {
                    let mut whole = std::mem::take(&mut self.partial);
                    whole.extend_from_slice(line);
                    self.line(&whole);
                    whole.clear();
                    self.partial = whole;
                }
            }
            self.skipping = false;
            self.partial.clear();
            bytes = rest;
        }
        if self.skipping || bytes.is_empty() {
            return;
        }
        // Only what may become a message is worth remembering.
        let hopeless = self.partial.is_empty() && !may_be_message(bytes);
        if hopeless || self.partial.len() + bytes.len() > LINE_BYTES_MAX {
            self.skipping = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    /// The output is at its end; a last line need not be closed.
    pub(in super::super) fn end(&mut self) {
        let last = std::mem::take(&mut self.partial);
        if !self.skipping && !last.is_empty() {
            self.line(&last);
        }
    }

    /// Why it did not succeed by its own word, whatever its exit status. Some command lines end with 0 although they failed,
    /// or were refused what they needed.
    pub(in super::super) fn failure(&self) -> Option<String> {
        match &self.language {
            Language::Menagerie | Language::Auto | Language::Plain => None,
            Language::Claude(claude) => claude.failure(),
            Language::Codex(codex) => codex.failure(),
            Language::Gemini(gemini) => gemini.failure(),
            Language::Opencode(opencode) => opencode.failure(),
        }
    }

    fn line(&mut self, line: &[u8]) {
        if line.len() > LINE_BYTES_MAX || !may_be_message(line) {
            return;
        }
        if matches!(self.language, Language::Menagerie) {
            menagerie::line(line, &mut self.said);
            return;
        }
        let Ok(value) = serde_json::from_slice::<Value>(line) else { return };
        if matches!(self.language, Language::Auto)
            && let Some(format) = recognise(&value)
        {
            self.language = Language::of(format);
        }
        let said = &mut self.said;
        match &mut self.language {
            Language::Menagerie | Language::Auto => menagerie::line(line, said),
            Language::Claude(claude) => claude.line(&value, said),
            Language::Codex(codex) => codex.line(&value, said),
            Language::Gemini(gemini) => gemini.line(&value, said),
            Language::Opencode(opencode) => opencode.line(&value, said),
            Language::Plain => {}
        }
    }
}

fn may_be_message(line: &[u8]) -> bool {
    line.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| *byte == b'{')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Activity;
    use proptest::prelude::*;

    const SAID: &str = concat!(
        "hello\n",
        "{\"type\":\"progress\",\"percent\":40,\"message\":\"half\"}\n",
        "{\"type\":\"unknown\"}\n{not json}\n{\"a\":1}\n",
        "{\"type\":\"activity\",\"state\":\"tool\",\"detail\":\"cargo test\"}\n",
        "{\"type\":\"activity\",\"state\":\"verified\"}\n",
        "{\"type\":\"tokens\",\"used\":12,\"cost\":0.5}\n{\"type\":\"tokens\",\"used\":7}\n",
        "  {\"type\":\"artifact\",\"title\":\"T\",\"content\":\"c\",\"kind\":\"doc\"}\r\n",
        "{\"type\":\"result\",\"output\":{\"x\":[1]},\"summary\":\"done\"}",
    );

    /// A session of each command line, written as they write.
    const STREAMS: [(StreamFormat, &str); 4] = [
        (StreamFormat::Claude, include_str!("../../../tests/streams/claude.jsonl")),
        (StreamFormat::Codex, include_str!("../../../tests/streams/codex.jsonl")),
        (StreamFormat::Gemini, include_str!("../../../tests/streams/gemini.jsonl")),
        (StreamFormat::Opencode, include_str!("../../../tests/streams/opencode.jsonl")),
    ];

    fn heard(format: StreamFormat, text: &str) -> Listener {
        let mut listener = Listener::new(format);
        listener.feed(text.as_bytes());
        listener.end();
        listener
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_say_the_same(cuts in proptest::collection::vec(0..SAID.len(), 0..20)) {
            let mut cuts = cuts;
            cuts.extend([0, SAID.len()]);
            cuts.sort_unstable();
            for format in [StreamFormat::Menagerie, StreamFormat::Auto] {
                let mut listener = Listener::new(format);
                for cut in cuts.windows(2) {
                    listener.feed(&SAID.as_bytes()[cut[0]..cut[1]]);
                }
                listener.end();
                let said = listener.said;
                prop_assert_eq!(said.progress, Some(40));
                prop_assert_eq!(said.message.as_deref(), Some("done"));
                prop_assert_eq!(said.activity, Some(Activity::Tool));
                prop_assert_eq!(said.activity_detail.as_deref(), Some("cargo test"));
                prop_assert_eq!(said.tokens_used, Some(12));
                prop_assert_eq!(said.cost, Some(0.5));
                prop_assert_eq!(said.announced.len(), 1);
                prop_assert_eq!(said.result, Some(serde_json::json!({"x": [1]})));
            }
        }

        #[test]
        fn any_bytes_are_borne(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20)) {
            for format in StreamFormat::ALL {
                let mut listener = Listener::new(*format);
                for piece in &pieces {
                    listener.feed(piece);
                }
                listener.end();
                let _ = listener.failure();
            }
        }

        /// Lines that are nearly right go further into the adapters than noise does.
        #[test]
        fn damaged_streams_are_borne(which in 0..STREAMS.len(), hits in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..20)) {
            let mut bytes = STREAMS[which].1.as_bytes().to_vec();
            for (at, byte) in hits {
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
            }
            for format in [STREAMS[which].0, StreamFormat::Auto] {
                let mut listener = Listener::new(format);
                listener.feed(&bytes);
                listener.end();
                let _ = listener.failure();
            }
        }

        #[test]
        fn any_values_are_borne(
            kind in "(system|assistant|user|result|thread.started|turn.completed|turn.failed|item.completed|init|message|tool_use|tool_result|error|step_start|step_finish|text)",
            key in "(message|usage|modelUsage|item|part|stats|result|permission_denials|error|errors|tokens|total_cost_usd)",
            value in "(null|1|-1|1e300|\"x\"|\\[1\\]|\\[\\{\\}\\]|\\{\\}|\\{\"content\":\\[1,\\{\"type\":\"tool_use\"\\}\\]\\}|\\{\"input_tokens\":18446744073709551615,\"output_tokens\":9\\})",
        ) {
            let line = format!("{{\"type\":\"{kind}\",\"{key}\":{value}}}\n");
            for format in StreamFormat::ALL {
                let _ = heard(*format, &line).failure();
            }
        }
    }

    #[test]
    fn a_session_of_each_command_line_is_understood() {
        let expected = [
            // Tokens as the vendor charges for them: all of them by model; read and made; the total; summed over the steps.
            (
                44_230,
                (43_618, 612),
                Some(0.1834),
                "All 12 tests pass now.\nThe bound was off by one.",
                "The bound was off by one.",
            ),
            (25_101, (24_763, 338), None, "Fixed the bound; 12 tests pass.", "Fixed the bound; 12 tests pass."),
            (
                11_520,
                (11_020, 310),
                None,
                "The bound was off by one; it is fixed.",
                "The bound was off by one; it is fixed.",
            ),
            (18_160, (18_050, 110), Some(0.031), "Fixed; all tests pass.", "Fixed; all tests pass."),
        ];
        for ((format, stream), (tokens, apart, cost, result, message)) in STREAMS.into_iter().zip(expected) {
            for told in [format, StreamFormat::Auto] {
                let listener = heard(told, stream);
                assert_eq!(listener.failure(), None, "{format}, told as {told}");
                let said = listener.said;
                assert_eq!((said.tokens_used, said.tokens_apart), (Some(tokens), Some(apart)), "{format}");
                assert_eq!(said.cost.map(|cost| (cost * 1e4).round() / 1e4), cost, "{format}");
                assert_eq!(said.result, Some(result.into()), "{format}");
                assert_eq!(said.message.as_deref(), Some(message), "{format}");
            }
        }
    }

    #[test]
    fn what_is_done_is_known_from_the_last_line() {
        use Activity::{Starting, Thinking, Tool};
        let after = |place: usize, lines: usize| {
            let (format, stream) = STREAMS[place];
            let text: String = stream.split_inclusive('\n').take(lines).collect();
            let said = heard(format, &text).said;
            (said.activity, said.activity_detail)
        };
        let tool = |detail: &str| (Some(Tool), Some(detail.to_owned()));
        assert_eq!([1, 2].map(|lines| after(0, lines).0), [Some(Starting), Some(Thinking)]);
        assert_eq!(after(0, 3), tool("Bash: cargo test"));
        assert_eq!(after(0, 4), (Some(Thinking), None));
        assert_eq!(after(1, 3), tool("cargo test"));
        assert_eq!(after(2, 4), tool("run_shell_command: cargo test"));
        let codex = |line: &str| {
            let said = heard(StreamFormat::Codex, line).said;
            (said.activity, said.activity_detail)
        };
        let other = r#"{"type":"item.started","item":{"id":"i","type":"collab_tool_call","tool":"spawn_agent","sender_thread_id":"t","receiver_thread_ids":[],"prompt":"test it","agents_states":{},"status":"in_progress"}}"#;
        assert_eq!(codex(other), tool("spawn_agent"));
        let asks = r#"{"type":"request_user_input","id":"u","call_id":"c","questions":[{"id":"q","header":"Base","question":"Which branch?"}]}"#;
        assert_eq!(codex(asks), (Some(Activity::WaitingHuman), Some("Which branch?".to_owned())));
    }

    #[test]
    fn an_end_without_success_says_why() {
        use StreamFormat::{Claude, Codex, Gemini, Opencode};
        let claude = r#"{"type":"result","subtype":"success","is_error":false,"result":"I could not edit the file.","permission_denials":[{"tool_name":"Edit"},{"tool_name":"Bash"},{"tool_name":"Edit"}]}"#;
        let cases = [
            (Claude, claude, "it was refused permission 3 times: Edit, Bash"),
            (
                Claude,
                r#"{"type":"result","subtype":"success","is_error":true,"result":"Credit balance is too low"}"#,
                "it says: Credit balance is too low",
            ),
            (Claude, r#"{"type":"result","subtype":"error_max_turns","is_error":false}"#, "it says: error_max_turns"),
            (
                Claude,
                r#"{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["a","b"]}"#,
                "it says: a; b",
            ),
            (Claude, r#"{"type":"system","subtype":"init","session_id":"s"}"#, "its stream ended without a result"),
            (
                Codex,
                r#"{"type":"turn.failed","error":{"message":"usage limit reached"}}"#,
                "it says: usage limit reached",
            ),
            (Codex, r#"{"type":"error","message":"stream disconnected"}"#, "it says: stream disconnected"),
            (Codex, r#"{"type":"turn.started"}"#, "its stream ended before its turn was completed"),
            (
                Codex,
                "{\"type\":\"item.completed\",\"item\":{\"type\":\"command_execution\",\"command\":\"rm x\",\"status\":\"declined\"}}\n{\"type\":\"turn.completed\"}",
                "it was refused permission once: rm x",
            ),
            (
                Gemini,
                r#"{"type":"result","status":"error","error":{"type":"Error","message":"quota exhausted"}}"#,
                "it says: quota exhausted",
            ),
            (
                Gemini,
                "{\"type\":\"tool_use\",\"tool_name\":\"write_file\"}\n{\"type\":\"tool_result\",\"status\":\"error\",\"error\":{\"type\":\"policy_violation\"}}\n{\"type\":\"result\",\"status\":\"success\"}",
                "it was refused permission once: write_file",
            ),
            (
                Gemini,
                "{\"type\":\"tool_use\",\"tool_name\":\"write_file\",\"tool_id\":\"1\"}\n{\"type\":\"tool_use\",\"tool_name\":\"read_file\",\"tool_id\":\"2\"}\n{\"type\":\"tool_result\",\"tool_id\":\"2\",\"status\":\"success\"}\n{\"type\":\"tool_result\",\"tool_id\":\"1\",\"status\":\"error\",\"error\":{\"type\":\"policy_violation\"}}\n{\"type\":\"result\",\"status\":\"success\"}",
                "it was refused permission once: write_file",
            ),
            (Gemini, r#"{"type":"init","session_id":"s"}"#, "its stream ended without a result"),
            (
                Opencode,
                r#"{"type":"error","sessionID":"s","error":{"name":"APIError","data":{"message":"no key"}}}"#,
                "it says: no key",
            ),
            (
                Opencode,
                r#"{"type":"tool_use","sessionID":"s","part":{"tool":"bash","state":{"error":"The user rejected permission to use this specific tool call."}}}"#,
                "it was refused permission once: bash",
            ),
            (
                Opencode,
                r#"{"type":"step_finish","sessionID":"s","part":{"reason":"length"}}"#,
                "it says: its last step ended for: length",
            ),
        ];
        for (format, stream, why) in cases {
            assert_eq!(heard(format, stream).failure().as_deref(), Some(why), "{format}: {stream}");
        }
        // Who overcame an error has not failed.
        let overcome = "{\"type\":\"error\",\"message\":\"reconnecting\"}\n{\"type\":\"turn.completed\"}";
        assert_eq!(heard(Codex, overcome).failure(), None);
    }

    #[test]
    fn nothing_is_read_of_plain_text() {
        let listener = heard(StreamFormat::Plain, SAID);
        assert!(!listener.said.changed && listener.said.result.is_none() && listener.failure().is_none());
    }

    #[test]
    fn parts_of_one_message_are_counted_once() {
        let part = |id: &str| {
            format!(
                r#"{{"type":"assistant","message":{{"id":"{id}","content":[],"usage":{{"input_tokens":10,"output_tokens":5}}}}}}"#
            )
        };
        let stream = [part("a"), part("a"), part("b"), part("a")].join("\n");
        assert_eq!(heard(StreamFormat::Claude, &stream).said.tokens_used, Some(30));
    }

    #[test]
    fn a_quality_is_from_0_to_1_or_none() {
        let mut listener = Listener::new(StreamFormat::Menagerie);
        for quality in ["0", "1.0", "0.25", "-0.1", "7", "null"] {
            listener.feed(format!("{{\"type\":\"artifact\",\"content\":\"c\",\"quality\":{quality}}}\n").as_bytes());
        }
        let said: Vec<_> = listener.said.announced.iter().map(|one| one.quality).collect();
        assert_eq!(said, [Some(0.0), Some(1.0), Some(0.25), None, None, None]);
        let remark = listener.said.misnamed().unwrap();
        assert!(remark.starts_with("2 announced artifacts have a quality that is none (-0.1, 7)"), "{remark}");
    }

    #[test]
    fn a_kind_that_there_is_not_is_remarked_upon() {
        let mut listener = Listener::new(StreamFormat::Menagerie);
        for kind in ["banana", "doc", "banana", "pear"] {
            listener.feed(format!("{{\"type\":\"artifact\",\"content\":\"c\",\"kind\":\"{kind}\"}}\n").as_bytes());
        }
        assert_eq!(listener.said.announced.len(), 4, "they are taken all the same");
        let remark = listener.said.misnamed().unwrap();
        assert!(remark.starts_with("3 announced artifacts") && remark.contains("(banana, pear)"), "{remark}");
        assert_eq!(listener.said.misnamed(), None);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut listener = Listener::new(StreamFormat::Menagerie);
        for _ in 0..64 {
            listener.feed(&vec![b'x'; 1 << 16]);
            assert!(listener.partial.is_empty());
        }
        let mut listener = Listener::new(StreamFormat::Menagerie);
        listener.feed(b"{");
        for _ in 0..64 {
            listener.feed(&vec![b' '; 1 << 16]);
            assert!(listener.partial.len() <= LINE_BYTES_MAX);
        }
        listener.feed(b"}\n{\"type\":\"progress\",\"percent\":250}\n");
        assert_eq!(listener.said.progress, Some(100));
    }
}
