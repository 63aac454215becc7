//! What a text says that agents can be chosen by: stems of its words, types of files, a phase of a project, and how often
//! it is done again.
//!
//! Words are found by the Unicode rules for word boundaries (UAX 29), so any script will do; words of ASCII letters are
//! stemmed as English ones (Porter's second algorithm, in the `rust-stemmers` library), others stay as they are.

use std::collections::BTreeMap;

use rust_stemmers::{Algorithm, Stemmer};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::time_pattern::time_patterns;
use crate::domain::selection::{Phase, TaskContext};
use crate::domain::task::{TaskMetadata, TaskParameters};

/// So much of a text is read: what it is about is said early, and reading takes a tenth of a millisecond a KiB.
const TEXT_BYTES_MAX: usize = 4 << 10;
/// So many stems are kept.
const KEYWORDS_MAX: usize = 32;
/// So many types of files are kept.
const FILE_TYPES_MAX: usize = 8;
/// Longer words are digests, keys or noise.
const WORD_CHARS_MAX: usize = 40;
/// So deep values nest within an input that is read.
const DEPTH_MAX: usize = 16;

/// Words that say nothing about what a text is about, sorted.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "an", "and", "any", "are", "as", "at", "be", "been", "before", "but", "by", "can",
    "could", "do", "does", "each", "for", "from", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it",
    "its", "more", "must", "my", "no", "not", "of", "on", "one", "or", "our", "please", "should", "so", "some", "task",
    "than", "that", "the", "their", "them", "then", "there", "this", "to", "us", "use", "using", "want", "was", "we",
    "what", "when", "which", "will", "with", "you",
];

/// Types of files by the ends of their names, each with the word that agents are likely to be declared with.
const FILE_TYPES: &[(&str, &str)] = &[
    ("c", "c"),
    ("cc", "c++"),
    ("cpp", "c++"),
    ("cs", "csharp"),
    ("css", "css"),
    ("csv", "csv"),
    ("dockerfile", "docker"),
    ("go", "golang"),
    ("h", "c"),
    ("hpp", "c++"),
    ("html", "html"),
    ("ipynb", "notebook"),
    ("java", "java"),
    ("jl", "julia"),
    ("js", "javascript"),
    ("json", "json"),
    ("jsx", "react"),
    ("kt", "kotlin"),
    ("lua", "lua"),
    ("md", "markdown"),
    ("pdf", "pdf"),
    ("php", "php"),
    ("pl", "perl"),
    ("proto", "protobuf"),
    ("py", "python"),
    ("rb", "ruby"),
    ("rs", "rust"),
    ("sh", "shell"),
    ("sql", "sql"),
    ("swift", "swift"),
    ("tex", "latex"),
    ("tf", "terraform"),
    ("toml", "toml"),
    ("ts", "typescript"),
    ("tsx", "react"),
    ("yaml", "yaml"),
];

/// Stems that point to a phase.
const PHASES: [(Phase, &[&str]); 6] = [
    (Phase::Planning, &["plan", "planner", "roadmap", "estim", "scope", "requir", "prioriti", "backlog", "schedul"]),
    (Phase::Design, &["design", "architect", "architectur", "prototyp", "wirefram", "schema", "sketch"]),
    (Phase::Implementation, &["implement", "build", "code", "coder", "develop", "program"]),
    (Phase::Testing, &["test", "tester", "verifi", "valid", "qa", "review", "benchmark", "coverag", "audit"]),
    (Phase::Deployment, &["deploy", "releas", "ship", "rollout", "publish", "instal", "provis", "packag"]),
    (Phase::Maintenance, &["fix", "bug", "maintain", "mainten", "refactor", "upgrad", "migrat", "debug", "patch"]),
];

/// The language's word for a type of file.
pub(super) fn language_of(file_type: &str) -> Option<&'static str> {
    FILE_TYPES.iter().find(|(end, _)| *end == file_type).map(|(_, language)| *language)
}

/// Finds the stems of a text's words. Made once for many texts.
pub(in crate::engine::core) struct Reader {
    stemmer: Stemmer,
}

impl Default for Reader {
    fn default() -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English) }
    }
}

// The stemmer has no words for itself.
impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader {
    /// The stems of a text's words, in order and as often as they occur; words that say nothing are left out.
    pub(super) fn stems(&self, text: &str) -> Vec<String> {
        let mut stems = vec![];
        for word in text.unicode_words().flat_map(|word| word.split('_')) {
            let word = word.to_lowercase();
            let chars = word.chars().count();
            let said = chars > 1 || !word.is_ascii();
            if !said || chars > WORD_CHARS_MAX || STOP_WORDS.binary_search(&word.as_str()).is_ok() {
                continue;
            }
            if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
                stems.push(self.stemmer.stem(&word).into_owned());
            } else if !word.bytes().all(|byte| byte.is_ascii_digit()) {
                stems.push(word);
            }
        }
        stems
    }

    /// What a text says. Of its stems those that are `known` come first, then those that occur most often, then those
    /// that occur first.
    pub(in crate::engine::core) fn context(&self, text: &str, known: impl Fn(&str) -> bool) -> TaskContext {
        let text = head(text, TEXT_BYTES_MAX);
        let stems = self.stems(text);
        let phase = phase_of(stems.iter().map(String::as_str));
        let mut counts: BTreeMap<String, (u32, usize)> = BTreeMap::new();
        for (place, stem) in stems.into_iter().enumerate() {
            counts.entry(stem).or_insert((0, place)).0 += 1;
        }
        let mut counted: Vec<_> =
            counts.into_iter().map(|(stem, (count, place))| (known(&stem), count, place, stem)).collect();
        counted.sort_unstable_by_key(|(known, count, place, _)| (!known, std::cmp::Reverse(*count), *place));
        counted.truncate(KEYWORDS_MAX);
        TaskContext {
            keywords: counted.into_iter().map(|(.., stem)| stem).collect(),
            file_types: file_types(text),
            phase,
            time_patterns: time_patterns(text),
        }
    }

    /// What a task's title, description, input and tags say. A phase may also be named: `phase` of its metadata.
    pub(in crate::engine::core) fn context_of(
        &self,
        parameters: &TaskParameters,
        metadata: &TaskMetadata,
        known: impl Fn(&str) -> bool,
    ) -> TaskContext {
        let mut text = String::new();
        for name in ["title", "description"] {
            if let Some(words) = metadata.other.get(name).and_then(Value::as_str) {
                add(&mut text, words);
            }
        }
        metadata.tags.iter().for_each(|tag| add(&mut text, tag));
        parameters.input_data.values().for_each(|value| add_texts(&mut text, value, DEPTH_MAX));
        let named = metadata.other.get("phase").and_then(Value::as_str).and_then(|word| word.parse().ok());
        let context = if text.is_empty() { TaskContext::default() } else { self.context(&text, known) };
        TaskContext { phase: named.or(context.phase), ..context }
    }
}

/// The first bytes of a text, cut between characters.
fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn add(text: &mut String, words: &str) {
    let room = TEXT_BYTES_MAX.saturating_sub(text.len());
    if room > 0 {
        text.push_str(head(words, room));
        text.push('\n');
    }
}

/// Adds every text within a value.
fn add_texts(text: &mut String, value: &Value, depth: usize) {
    if text.len() >= TEXT_BYTES_MAX || depth == 0 {
        return;
    }
    match value {
        Value::String(words) => add(text, words),
        Value::Array(values) => values.iter().for_each(|value| add_texts(text, value, depth - 1)),
        Value::Object(map) => map.values().for_each(|value| add_texts(text, value, depth - 1)),
        _ => {}
    }
}

/// The types of the files that a text names, in the order in which they are named.
fn file_types(text: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '"' | '\'' | '(' | ')' | '[' | ']' | '`');
    for word in text.split(ends) {
        let word = word.trim_end_matches(['.', '!', '?']);
        let end = match word.rsplit_once('.') {
            Some((_, end)) => end.to_ascii_lowercase(),
            None if word == "Dockerfile" => "dockerfile".to_owned(),
            None => continue,
        };
        if language_of(&end).is_some() && !found.contains(&end) {
            found.push(end);
        }
        if found.len() == FILE_TYPES_MAX {
            break;
        }
    }
    found
}

/// The phase that most of the stems point to; of several the earlier. `None` where no stem points to any.
fn phase_of<'s>(stems: impl Iterator<Item = &'s str>) -> Option<Phase> {
    let mut votes = [0_u32; 6];
    for stem in stems {
        for (phase, words) in PHASES {
            votes[phase as usize] += u32::from(words.contains(&stem));
        }
    }
    let most = votes.iter().copied().max().filter(|most| *most > 0)?;
    Phase::ALL.iter().copied().find(|phase| votes[*phase as usize] == most)
}

/// The phases that stems point to, one bit each in the order of [`Phase::ALL`].
pub(super) fn phases_of<'s>(stems: impl Iterator<Item = &'s str>) -> u8 {
    stems.fold(0, |mask, stem| {
        let of_stem = PHASES.iter().filter(|(_, words)| words.contains(&stem));
        of_stem.fold(mask, |mask, (phase, _)| mask | 1 << *phase as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> TaskContext {
        Reader::default().context(text, |_| false)
    }

    #[test]
    fn words_are_stemmed_and_counted() {
        let context = read("Parse the parser: parsing parsed_values quickly, then test parsers.");
        assert_eq!(context.keywords[..2], ["pars", "parser"]);
        assert!(!context.keywords.iter().any(|word| word == "the" || word == "then"));
    }

    #[test]
    fn known_words_are_kept_before_frequent_ones() {
        let many: String = (0..100).fold(String::new(), |text, n| text + &format!("noise{n} noise{n} "));
        let context = Reader::default().context(&(many + "kernel"), |stem| stem == "kernel");
        assert_eq!((context.keywords.len(), context.keywords[0].as_str()), (KEYWORDS_MAX, "kernel"));
    }

    #[test]
    fn the_lists_that_are_searched_are_in_order() {
        assert!(STOP_WORDS.is_sorted());
        assert_eq!(Reader::default().stems("with the and you about a task"), [""; 0]);
    }

    #[test]
    fn phases_and_files_are_found() {
        assert_eq!(read("please fix the bug in main.rs and lib.rs, see README.md.").phase, Some(Phase::Maintenance));
        assert_eq!(read("fix main.rs, lib.rs; README.md.").file_types, ["rs", "md"]);
        assert_eq!(read("the quick brown fox v1.2 at example.com").file_types, [""; 0]);
        assert_eq!(read("nothing of that kind").phase, None);
    }

    #[test]
    fn any_text_can_be_read() {
        assert!(read("").is_empty());
        assert!(read(" \u{0}\u{1f}… !?").is_empty());
        for text in ["写测试", "написать тесты парсера", "اكتب اختبارات", "テストを書く", "🦀🦀"]
        {
            let context = read(text);
            assert_eq!(context.is_empty(), text == "🦀🦀", "{text}: {context:?}");
        }
        let huge = "é".repeat(1 << 20);
        assert!(read(&huge).keywords.is_empty(), "one word of a million letters is noise");
        assert!(read(&"word ".repeat(1 << 18)).keywords == ["word"]);
    }

    #[test]
    fn inputs_are_read_as_deep_as_they_nest() {
        let mut value = Value::String("kernel".to_owned());
        for _ in 0..4 {
            value = serde_json::json!({"key": [value]});
        }
        let mut parameters = TaskParameters::default();
        parameters.input_data.insert("prompt".to_owned(), value);
        let metadata: TaskMetadata =
            serde_json::from_value(serde_json::json!({"title": "Deploy", "tags": ["web"]})).unwrap();
        let context = Reader::default().context_of(&parameters, &metadata, |_| false);
        assert_eq!(context.keywords, ["deploy", "web", "kernel"]);
        assert_eq!(context.phase, Some(Phase::Deployment));
        let said: TaskMetadata = serde_json::from_value(serde_json::json!({"phase": "design"})).unwrap();
        let context = Reader::default().context_of(&TaskParameters::default(), &said, |_| false);
        assert_eq!(context.phase, Some(Phase::Design));
    }
}
