//! The `command` runtime: what a process says on its standard output.
//!
//! A line that is a JSON object with a `type` known here is a message; every other line is log and means nothing to
//! Menagerie. The messages are described for authors of agents in `docs/protocol.md`. The whole output, messages
//! included, is spooled elsewhere: this part only listens.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::sys::find_byte;
use crate::domain::ArtifactType;

/// Longer lines are not read as messages.
pub(in super::super) const LINE_BYTES_MAX: usize = 1 << 20;

/// How many artifacts one execution may announce.
const ANNOUNCED_MAX: usize = 1000;
/// How large the announced artifacts of one execution may be together.
const ANNOUNCED_BYTES_MAX: usize = 4 << 20;
/// How large the metadata of one artifact may be, as JSON.
const METADATA_BYTES_MAX: usize = 16 << 10;
/// How large a result may be, as JSON.
const RESULT_BYTES_MAX: usize = 1 << 20;
/// How many unknown kinds of artifacts are named.
const STRANGE_MAX: usize = 3;

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
    Artifact(Announced),
    Tokens {
        #[serde(default)]
        used: Option<u64>,
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

/// An artifact that an agent announced.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(in super::super) struct Announced {
    /// What it says it is.
    #[serde(default)]
    pub(in super::super) kind: Option<String>,
    /// What it is called; the path when left out.
    #[serde(default)]
    pub(in super::super) title: Option<String>,
    /// The text itself.
    #[serde(default)]
    pub(in super::super) content: Option<String>,
    /// Or a file: in the artifact folder, or else below the working folder.
    #[serde(default)]
    pub(in super::super) path: Option<String>,
    /// Free.
    #[serde(default)]
    pub(in super::super) metadata: Map<String, Value>,
}

/// What an execution has said so far.
#[derive(Debug, Default)]
pub(in super::super) struct Listener {
    partial: Vec<u8>,
    /// Whether the present line is too long, or begins in a way that no message does.
    skipping: bool,
    /// 0-100.
    pub(in super::super) progress: Option<u8>,
    /// The latest remark about progress, or the summary.
    pub(in super::super) message: Option<String>,
    /// Tokens in all.
    pub(in super::super) tokens_used: Option<u64>,
    /// US dollars in all.
    pub(in super::super) cost: Option<f64>,
    /// The result.
    pub(in super::super) result: Option<Value>,
    /// Artifacts, in order.
    pub(in super::super) announced: Vec<Announced>,
    /// Bytes in them.
    announced_bytes: usize,
    /// The first kinds of announced artifacts that are none, and how many announced such a one.
    strange: (Vec<String>, usize),
    /// How many of what was said exceeded a bound: artifacts, and results.
    over: (usize, usize),
    /// Whether something changed that a person would like to see.
    pub(in super::super) changed: bool,
}

impl Listener {
    /// Takes output in, in pieces of any size.
    pub(in super::super) fn feed(&mut self, mut bytes: &[u8]) {
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

    /// What was said and not taken because it exceeded a bound, in a sentence; once.
    pub(in super::super) fn complaint(&mut self) -> Option<String> {
        let (artifacts, results) = std::mem::take(&mut self.over);
        let mut parts = vec![];
        if artifacts > 0 {
            parts.push(format!(
                "{artifacts} announced artifacts were left out: of one execution {ANNOUNCED_MAX} are taken, 4 MiB \
                 together, each with at most 16 KiB of metadata; larger content belongs in the artifact folder"
            ));
        }
        if results > 0 {
            parts.push(format!("{results} results were left out: a result may have 1 MiB as JSON"));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// What was taken otherwise than it was said, in a sentence; once.
    pub(in super::super) fn remark(&mut self) -> Option<String> {
        let (kinds, count) = std::mem::take(&mut self.strange);
        let known: Vec<_> = ArtifactType::ALL.iter().map(|kind| kind.as_str()).collect();
        (count > 0).then(|| {
            format!(
                "{count} announced artifacts have a kind that there is not ({}) and were judged by their content; \
                 allowed: {}",
                kinds.join(", "),
                known.join(", ")
            )
        })
    }

    fn line(&mut self, line: &[u8]) {
        if line.len() > LINE_BYTES_MAX || !may_be_message(line) {
            return;
        }
        let Ok(message) = serde_json::from_slice::<Message>(line) else { return };
        self.changed = true;
        match message {
            Message::Progress { percent, message } => {
                if let Some(percent) = percent.filter(|percent| percent.is_finite()) {
                    // In range by `clamp`, so the conversion only drops the fraction.
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                    let percent = percent.clamp(0.0, 100.0) as u8;
                    self.progress = Some(percent);
                }
                self.message = message.map(|text| shorten(&text)).or(self.message.take());
            }
            Message::Artifact(announced) => {
                let metadata = json_bytes(&announced.metadata);
                let texts = [&announced.kind, &announced.title, &announced.content, &announced.path];
                let bytes = metadata + texts.into_iter().flatten().map(String::len).sum::<usize>();
                if self.announced.len() < ANNOUNCED_MAX
                    && metadata <= METADATA_BYTES_MAX
                    && self.announced_bytes + bytes <= ANNOUNCED_BYTES_MAX
                {
                    if let Some(kind) = announced.kind.as_ref().filter(|kind| kind.parse::<ArtifactType>().is_err()) {
                        self.strange.1 += 1;
                        if self.strange.0.len() < STRANGE_MAX && !self.strange.0.contains(kind) {
                            self.strange.0.push(shorten(kind).chars().take(40).collect());
                        }
                    }
                    self.announced_bytes += bytes;
                    self.announced.push(announced);
                } else {
                    self.over.0 += 1;
                }
            }
            Message::Tokens { used, cost } => {
                // A total never goes back; an agent that says otherwise has counted anew.
                self.tokens_used = used.max(self.tokens_used);
                let cost = cost.filter(|cost| cost.is_finite() && *cost >= 0.0);
                self.cost = match (cost, self.cost) {
                    (Some(new), Some(old)) => Some(new.max(old)),
                    (new, old) => new.or(old),
                };
            }
            Message::Result { output, summary } => {
                if json_bytes(&output) <= RESULT_BYTES_MAX {
                    self.result = Some(output);
                } else {
                    self.over.1 += 1;
                }
                self.message = summary.map(|text| shorten(&text)).or(self.message.take());
            }
        }
    }
}

/// How long something is as JSON.
fn json_bytes(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |text| text.len())
}

fn may_be_message(line: &[u8]) -> bool {
    line.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| *byte == b'{')
}

/// Remarks are one line on a screen.
fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAID: &str = concat!(
        "hello\n",
        "{\"type\":\"progress\",\"percent\":40,\"message\":\"half\"}\n",
        "{\"type\":\"unknown\"}\n{not json}\n{\"a\":1}\n",
        "{\"type\":\"tokens\",\"used\":12,\"cost\":0.5}\n{\"type\":\"tokens\",\"used\":7}\n",
        "  {\"type\":\"artifact\",\"title\":\"T\",\"content\":\"c\",\"kind\":\"doc\"}\r\n",
        "{\"type\":\"result\",\"output\":{\"x\":[1]},\"summary\":\"done\"}",
    );

    proptest! {
        #[test]
        fn pieces_of_any_size_say_the_same(cuts in proptest::collection::vec(0..SAID.len(), 0..20)) {
            let mut cuts = cuts;
            cuts.extend([0, SAID.len()]);
            cuts.sort_unstable();
            let mut listener = Listener::default();
            for cut in cuts.windows(2) {
                listener.feed(&SAID.as_bytes()[cut[0]..cut[1]]);
            }
            listener.end();
            prop_assert_eq!(listener.progress, Some(40));
            prop_assert_eq!(listener.message.as_deref(), Some("done"));
            prop_assert_eq!(listener.tokens_used, Some(12));
            prop_assert_eq!(listener.cost, Some(0.5));
            prop_assert_eq!(listener.announced.len(), 1);
            prop_assert_eq!(listener.result, Some(serde_json::json!({"x": [1]})));
        }

        #[test]
        fn any_bytes_are_borne(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20)) {
            let mut listener = Listener::default();
            for piece in &pieces {
                listener.feed(piece);
            }
            listener.end();
        }
    }

    #[test]
    fn a_kind_that_there_is_not_is_remarked_upon() {
        let mut listener = Listener::default();
        for kind in ["banana", "doc", "banana", "pear"] {
            listener.feed(format!("{{\"type\":\"artifact\",\"content\":\"c\",\"kind\":\"{kind}\"}}\n").as_bytes());
        }
        assert_eq!(listener.announced.len(), 4, "they are taken all the same");
        let remark = listener.remark().unwrap();
        assert!(remark.starts_with("3 announced artifacts") && remark.contains("(banana, pear)"), "{remark}");
        assert_eq!(listener.remark(), None);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut listener = Listener::default();
        for _ in 0..64 {
            listener.feed(&vec![b'x'; 1 << 16]);
            assert!(listener.partial.is_empty());
        }
        let mut listener = Listener::default();
        listener.feed(b"{");
        for _ in 0..64 {
            listener.feed(&vec![b' '; 1 << 16]);
            assert!(listener.partial.len() <= LINE_BYTES_MAX);
        }
        listener.feed(b"}\n{\"type\":\"progress\",\"percent\":250}\n");
        assert_eq!(listener.progress, Some(100));
    }
}
