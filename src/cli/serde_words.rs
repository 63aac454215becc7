//! Serde's messages in words that a person can act on: which field, which value, what is allowed.

use crate::domain::Refusal;
use crate::domain::refusal::nearest;

/// The runtimes of agents that this version does not have.
const RUNTIMES_TO_COME: [&str; 3] = ["chat", "acp", "human"];

/// A message about a field; without one where it is not known.
pub fn in_words(message: &str, field: Option<&str>) -> String {
    let field = field.unwrap_or("value");
    if let Some((found, expected)) = mismatch(message) {
        let value = plain_value(found);
        let refusal = Refusal::invalid(field, value, plain_expected(expected));
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
        && let Some(near) = nearest(wrong, words)
    {
        return format!("{message}. Did you mean `{near}`?");
    }
    message.to_owned()
}

/// The value that a message complains of, as it stands in the file; `None` where it cannot be told.
pub fn offending_value(message: &str) -> Option<&str> {
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
