//! What an execution has said of itself so far, whatever its language.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::workspace;
use crate::domain::artifact::{QUALITY, is_quality};
use crate::domain::{Activity, ArtifactType, Difference};

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
/// How many names of refused tools are told.
const REFUSED_SHOWN: usize = 5;

/// An artifact that an agent announced.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
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
    /// How good it is, 0-1.
    #[serde(default)]
    pub(in super::super) quality: Option<f64>,
    /// What it is a difference from; nothing that an agent could say.
    #[serde(skip)]
    pub(in super::super) difference: Option<Difference>,
}

impl Announced {
    /// The difference that was taken in a workspace.
    pub(in super::super) fn difference(difference: Difference) -> Self {
        Self {
            kind: Some(ArtifactType::Code.as_str().to_owned()),
            path: Some(workspace::difference::FILE.to_owned()),
            difference: Some(difference),
            ..Self::default()
        }
    }
}

/// What an execution has said so far.
#[derive(Debug, Default)]
pub(in super::super) struct Said {
    /// 0-100.
    pub(in super::super) progress: Option<u8>,
    /// The latest remark about progress, or the summary.
    pub(in super::super) message: Option<String>,
    /// What it does.
    pub(in super::super) activity: Option<Activity>,
    /// What it does that with.
    pub(in super::super) activity_detail: Option<String>,
    /// Tokens in all.
    pub(in super::super) tokens_used: Option<u64>,
    /// Of those, what models read and what they wrote, where that is told apart.
    pub(in super::super) tokens_apart: Option<(u64, u64)>,
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
    /// The first qualities that are none, and how many announced artifacts had such a one.
    no_quality: (Vec<String>, usize),
    /// How many of what was said exceeded a bound: artifacts, and results.
    over: (usize, usize),
    /// Whether something changed that a person would like to see.
    pub(in super::super) changed: bool,
}

impl Said {
    /// A remark about how it goes. One of nothing but blanks says nothing.
    pub(super) fn remark(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.message = Some(shorten(text.trim()));
            self.changed = true;
        }
    }

    /// What it does from now on.
    pub(in super::super) fn does(&mut self, activity: Activity, detail: Option<&str>) {
        self.activity = Some(activity);
        self.activity_detail = detail.map(shorten).filter(|detail| !detail.is_empty());
        self.changed = true;
    }

    /// How far it is, in per cent.
    pub(super) fn progress(&mut self, percent: f64) {
        if percent.is_finite() {
            // In range by `clamp`, so the conversion only drops the fraction.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let percent = percent.clamp(0.0, 100.0) as u8;
            self.progress = Some(percent);
            self.changed = true;
        }
    }

    /// Tokens in all. A total never goes back; an agent that says otherwise has counted anew.
    pub(super) fn tokens(&mut self, used: u64) {
        self.tokens_used = Some(used).max(self.tokens_used);
        self.changed = true;
    }

    /// Tokens in all that models read, and that they wrote; likewise.
    pub(super) fn tokens_apart(&mut self, read: u64, written: u64) {
        let (before_read, before_written) = self.tokens_apart.unwrap_or_default();
        self.tokens_apart = Some((read.max(before_read), written.max(before_written)));
    }

    /// US dollars in all; likewise.
    pub(super) fn cost(&mut self, cost: f64) {
        if cost.is_finite() && cost >= 0.0 {
            self.cost = Some(self.cost.map_or(cost, |old| old.max(cost)));
            self.changed = true;
        }
    }

    /// The result; the last one counts.
    pub(super) fn result(&mut self, output: Value) {
        if json_bytes(&output) <= RESULT_BYTES_MAX {
            self.result = Some(output);
        } else {
            self.over.1 += 1;
        }
        self.changed = true;
    }

    /// An artifact.
    pub(super) fn announce(&mut self, mut announced: Announced) {
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
            if let Some(quality) = announced.quality.take_if(|quality| !is_quality(*quality)) {
                self.no_quality.1 += 1;
                if self.no_quality.0.len() < STRANGE_MAX {
                    self.no_quality.0.push(quality.to_string());
                }
            }
            self.announced_bytes += bytes;
            self.announced.push(announced);
        } else {
            self.over.0 += 1;
        }
        self.changed = true;
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
    pub(in super::super) fn misnamed(&mut self) -> Option<String> {
        let (kinds, strange) = std::mem::take(&mut self.strange);
        let (qualities, without) = std::mem::take(&mut self.no_quality);
        let known: Vec<_> = ArtifactType::ALL.iter().map(|kind| kind.as_str()).collect();
        let mut parts = vec![];
        if strange > 0 {
            parts.push(format!(
                "{strange} announced artifacts have a kind that there is not ({}) and were judged by their content; \
                 allowed: {}",
                kinds.join(", "),
                known.join(", ")
            ));
        }
        if without > 0 {
            parts.push(format!(
                "{without} announced artifacts have a quality that is none ({}), which was left out; allowed: {QUALITY}",
                qualities.join(", ")
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Tools that an agent was refused permission to use.
#[derive(Debug, Default)]
pub(super) struct Refused {
    names: Vec<String>,
    times: usize,
}

impl Refused {
    /// Permission to use a tool was refused.
    pub(super) fn add(&mut self, tool: &str) {
        self.times += 1;
        let name = shorten(tool);
        if self.names.len() < REFUSED_SHOWN && !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// Forgets what was refused.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What was refused, in words.
    pub(super) fn sentence(&self) -> Option<String> {
        let times = if self.times == 1 { "once".to_owned() } else { format!("{} times", self.times) };
        (self.times > 0).then(|| format!("it was refused permission {times}: {}", self.names.join(", ")))
    }
}

/// How long something is as JSON.
fn json_bytes(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |text| text.len())
}

/// Remarks are one line on a screen.
pub(super) fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}

/// The last line of a text that is not blank.
pub(super) fn last_words(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// The text at a path of keys, empty when there is none.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a path of keys, zero when there is none.
pub(super) fn number(value: &Value, path: &[&str]) -> u64 {
    at(value, path).and_then(Value::as_u64).unwrap_or(0)
}

/// The value at a path of keys.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// A tool with the argument that tells most of its use: `Bash: cargo test`.
pub(super) fn tool_use(name: &str, arguments: Option<&Value>) -> String {
    const TELLING: [&str; 10] =
        ["command", "cmd", "file_path", "filePath", "absolute_path", "path", "pattern", "query", "url", "description"];
    let telling = TELLING.iter().find_map(|key| arguments?.get(key)?.as_str());
    match telling.and_then(|text| text.lines().next()) {
        Some(text) if !text.is_empty() => format!("{name}: {text}"),
        _ => name.to_owned(),
    }
}
