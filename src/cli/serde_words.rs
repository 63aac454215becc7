//! Serde's messages in words that a person can act on: which field, which value, what is allowed.

use crate::domain::Refusal;
use crate::domain::refusal::nearest;

/// The runtimes of agents that this version does not have.
const RUNTIMES_TO_COME: [&str; 3] = ["chat", "acp", "human"];

/// What people call some fields, and their names.
const SYNONYMS: [(&str, &str); 9] = [
    ("attempts", "max_attempts"),
    ("cores", "cpu"),
    ("dependencies", "depends_on"),
    ("mem", "memory"),
    ("needs", "depends_on"),
    ("retries", "max_attempts"),
    ("robot", "agent"),
    ("worker", "agent"),
    ("name", "key"),
];

/// What is allowed in fields of which a type says less.
const ALLOWED: [(&str, &str); 8] = [
    ("priority", "a whole number from 1 to 10"),
    ("max_attempts", "a whole number from 1 to 100"),
    ("pids", "a whole number from 1 to 4194304"),
    ("deadline", "a time in quotes, such as \"2026-01-31T17:00:00Z\", or from now, such as \"2h\""),
    ("timeout", "a span, such as \"10m\""),
    ("estimate", "a span, such as \"10m\""),
    ("wall", "a span, such as \"30m\""),
    ("output", "\"table\", \"json\", \"jsonl\" or \"csv\""),
];

/// What quantities call themselves where they do not know their field.
const QUANTITIES: [&str; 5] = ["size", "span", "time", "cpu", "tokens"];

/// A message about a field; without one where it is not known.
pub fn in_words(message: &str, field: Option<&str>) -> String {
    // A quantity's own refusal is complete but for the field that it stands in.
    if let Some(field) = field
        && let Some((_, rest)) = message.split_once(": ").filter(|(word, _)| QUANTITIES.contains(word))
    {
        return format!("{field}: {rest}");
    }
    if message == "expected ident" {
        return "no JSON; a task is an object, such as {\"type\": \"analysis\"}".to_owned();
    }
    let field = field.unwrap_or("value");
    if let Some((found, expected)) = mismatch(message) {
        let value = plain_value(found);
        let allowed = ALLOWED.iter().find(|(name, _)| field.rsplit('.').next() == Some(*name));
        let allowed = allowed.map_or_else(|| plain_expected(expected), |(_, allowed)| (*allowed).to_owned());
        let refusal = Refusal::invalid(field, value, allowed);
        if field.ends_with("command") && expected == "a sequence" && found.starts_with("string ") {
            let words: Vec<_> = value.split_whitespace().map(|word| format!("\"{word}\"")).collect();
            return refusal.hint(format!("Write a list of words: [{}]", words.join(", "))).to_string();
        }
        return refusal.to_string();
    }
    let mut words = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown variant")
        && let Some(wrong) = words.clone().next().filter(|wrong| RUNTIMES_TO_COME.contains(wrong))
        && words.clone().any(|known| known == "command")
    {
        return Refusal::invalid("runtime.type", wrong, "command")
            .hint(format!("A later version will have {}", RUNTIMES_TO_COME.join(", ")))
            .to_string();
    }
    if (message.starts_with("unknown field") || message.starts_with("unknown variant"))
        && let Some(wrong) = words.next()
        && let Some(near) = likely(wrong, &words.collect::<Vec<_>>())
    {
        return format!("{message}. Did you mean `{near}`?");
    }
    message.to_owned()
}

/// The known word that an unknown one most likely stands for: what it is a slip of, the beginning of, or another name for.
fn likely<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let synonym = SYNONYMS.iter().find(|(word, name)| *word == wrong && known.contains(name)).map(|(_, name)| *name);
    let begun = || known.iter().copied().find(|word| wrong.len() >= 3 && word.starts_with(wrong));
    synonym
        .and_then(|name| known.iter().copied().find(|word| *word == name))
        .or_else(|| nearest(wrong, known.iter().copied()))
        .or_else(begun)
}

/// The value that a message complains of, as it stands in the file; `None` where it cannot be told.
pub fn offending_value(message: &str) -> Option<&str> {
    let quantity = message.split_once(": \"").filter(|(word, _)| QUANTITIES.contains(word));
    if let Some((value, _)) = quantity.and_then(|(_, rest)| rest.split_once('"')) {
        return Some(value);
    }
    mismatch(message).map(|(found, _)| plain_value(found)).filter(|value| !value.is_empty())
}

/// What was found and what was expected, when a message is about that.
fn mismatch(message: &str) -> Option<(&str, &str)> {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    rest.rsplit_once(", expected ")
}

/// A value without serde's word for its kind: ``integer `-3` `` becomes `-3`.
fn plain_value(found: &str) -> &str {
    for (kind, quote) in [("string ", '"'), ("integer ", '`'), ("floating point ", '`'), ("boolean ", '`')] {
        if let Some(value) = found.strip_prefix(kind) {
            return value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote)).unwrap_or(value);
        }
    }
    match found {
        "map" => "{...}",
        "sequence" => "[...]",
        other => other,
    }
}

/// What was expected, without the names of a program's types.
fn plain_expected(expected: &str) -> String {
    let whole = |last: &str| format!("a whole number from 0 to {last}");
    match expected {
        "u8" => whole("255"),
        "u16" => whole("65535"),
        "u32" => whole("4294967295"),
        "u64" | "usize" => whole("18446744073709551615"),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a sequence" => "a list, such as [\"one\", \"two\"]".to_owned(),
        "a string" | "a borrowed string" => "a text in quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a map" => "names with their values in braces".to_owned(),
        other if other.starts_with("struct ") || other.starts_with("internally tagged enum") => {
            "named fields with their values in braces".to_owned()
        }
        other => other.to_owned(),
    }
}

/// The key of the value that begins at `offset` in TOML, the nearest before it in the same entry.
pub fn toml_key(text: &str, offset: usize) -> Option<&str> {
    let before = text.get(..offset)?;
    let before = before[..before.rfind('=')?].trim_end();
    let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-' || c == '.'));
    let key = &before[start.map_or(0, |at| at + 1)..];
    (!key.is_empty()).then_some(key)
}

/// The key of the value that ends at `offset` in a line of JSON; `value` is how it is written.
pub fn json_key<'a>(line: &'a str, offset: usize, value: &str) -> Option<&'a str> {
    let before = line.get(..offset.min(line.len()))?;
    let before = &before[..before.rfind(value)?];
    let before = before[..before.rfind(':')?].trim_end().strip_suffix('"')?;
    let key = &before[before.rfind('"')? + 1..];
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_gets_the_nearest() {
        assert_eq!(
            in_words("unknown field `memry`, expected one of `cpu`, `memory`", None),
            "unknown field `memry`, expected one of `cpu`, `memory`. Did you mean `memory`?"
        );
        for (wrong, near) in [("prio", "priority"), ("retries", "max_attempts"), ("robot", "agent")] {
            let words = in_words(
                &format!("unknown field `{wrong}`, expected one of `agent`, `priority`, `max_attempts`"),
                None,
            );
            assert!(words.ends_with(&format!("Did you mean `{near}`?")), "{words}");
        }
        assert_eq!(in_words("unknown field `zzzzzz`, expected `cpu`", None), "unknown field `zzzzzz`, expected `cpu`");
    }

    #[test]
    fn field_value_and_what_is_allowed_are_named() {
        let cases = [
            (
                "invalid value: integer `-3`, expected u32",
                "concurrency",
                "concurrency: \"-3\" is not allowed; allowed: a whole number from 0 to 4294967295",
            ),
            (
                "invalid type: string \"make test\", expected a sequence",
                "command",
                "command: \"make test\" is not allowed; allowed: a list, such as [\"one\", \"two\"]. Write a list of words: [\"make\", \"test\"]",
            ),
            (
                "invalid type: boolean `true`, expected a string",
                "name",
                "name: \"true\" is not allowed; allowed: a text",
            ),
            (
                "invalid type: string \"much\", expected f64",
                "keyword_match",
                "keyword_match: \"much\" is not allowed; allowed: a number",
            ),
            ("invalid type: map, expected a sequence", "write", "write: \"{...}\" is not allowed; allowed: a list"),
        ];
        for (message, field, expected) in cases {
            let words = in_words(message, Some(field));
            assert!(words.starts_with(expected), "{words}\n  instead of {expected}");
        }
    }

    #[test]
    fn runtimes_to_come_are_named_as_such() {
        let words = in_words("unknown variant `chat`, expected `command`", None);
        assert!(
            words.starts_with("runtime.type: \"chat\" is not allowed; allowed: command. A later version"),
            "{words}"
        );
        assert!(!in_words("unknown variant `chatt`, expected `command`", None).contains("later version"));
    }

    #[test]
    fn keys_are_found_before_their_values() {
        let text = "[[agent]]\nname = \"a\"\nruntime = { type = \"command\", command = \"x y\" }";
        assert_eq!(toml_key(text, text.find("\"x y\"").unwrap()), Some("command"));
        assert_eq!(toml_key(text, 0), None);
        let line = r#"{"type": "a:b", "priority": -3}"#;
        assert_eq!(json_key(line, line.len() - 1, "-3"), Some("priority"));
        assert_eq!(json_key("-3", 2, "-3"), None);
    }
}
