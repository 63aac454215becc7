//! What is different between two declarations, field by field, for people.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::quantity::Bytes;

/// A leaf whose values fit into so many characters together is shown on one line.
const LINE_CHARS: usize = 120;
/// So many characters of a changed line are shown.
const SHOWN_CHARS: usize = 100;
/// So many of them, at most, stand before what is different in it.
const BEFORE_CHARS: usize = 20;
/// So many changed lines of one leaf are shown.
const SHOWN_LINES: usize = 40;
/// Texts of more lines are not compared line by line: that would take too long.
const COMPARED_LINES: usize = 1000;

/// What differs at one place.
enum Leaf {
    /// From what to what.
    Changed(String, Value, Value),
    /// The same in another order.
    Moved(String),
}

/// `limits.memory: 128MiB -> 256MiB` for each leaf that differs.
pub fn differences(old: &Value, new: &Value) -> Vec<String> {
    leaves(old, new).iter().map(exact).collect()
}

/// The same for people to read, line by line: of a text of several lines, and of a long list, only what differs, with `-` and `+`
/// before it, and what is long shortened around that.
pub fn shown_differences(old: &Value, new: &Value) -> Vec<String> {
    leaves(old, new).iter().flat_map(readable).collect()
}

fn leaves(old: &Value, new: &Value) -> Vec<Leaf> {
    let mut leaves = vec![];
    compare("", old, new, &mut leaves);
    leaves
}

fn exact(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Changed(path, old, new) => format!("{path}: {} -> {}", show(path, old), show(path, new)),
        Leaf::Moved(path) => format!("{path}: in another order"),
    }
}

fn readable(leaf: &Leaf) -> Vec<String> {
    let Leaf::Changed(path, old, new) = leaf else { return vec![exact(leaf)] };
    let (before, after) = (lines(path, old), lines(path, new));
    let several = |value: &Value, lines: &[String]| match value {
        // A list with a word of several lines has more lines than words.
        Value::Array(words) => lines.len() > words.len(),
        _ => lines.len() > 1,
    };
    let whole = exact(leaf);
    let short = whole.chars().count() <= LINE_CHARS + path.chars().count();
    if short && !several(old, &before) && !several(new, &after) {
        return vec![whole];
    }
    let mut shown = vec![format!("{path}:")];
    if before.len().max(after.len()) > COMPARED_LINES {
        shown.push(format!("  {} lines -> {} lines", before.len(), after.len()));
        return shown;
    }
    for op in capture_diff_slices(Algorithm::Myers, &before, &after) {
        if op.tag() == DiffTag::Equal {
            continue;
        }
        let (gone, come) = (&before[op.old_range()], &after[op.new_range()]);
        shown.extend(gone.iter().enumerate().map(|(at, line)| format!("  - {}", around(line, come.get(at)))));
        shown.extend(come.iter().enumerate().map(|(at, line)| format!("  + {}", around(line, gone.get(at)))));
    }
    if shown.len() == 1 {
        shown.push("  only where lines end".to_owned());
    }
    if shown.len() > SHOWN_LINES + 1 {
        let more = shown.len() - SHOWN_LINES - 1;
        shown.truncate(SHOWN_LINES + 1);
        shown.push(format!("  … and {more} more lines"));
    }
    shown
}

/// A value as lines: those of a text, those of each word of a list, and one of anything else; none of nothing.
fn lines(path: &str, value: &Value) -> Vec<String> {
    let split = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    match value {
        Value::Null => vec![],
        Value::String(text) => split(text),
        Value::Array(words) => words
            .iter()
            .flat_map(|word| match word {
                Value::String(text) => split(text),
                other => vec![show(path, other)],
            })
            .collect(),
        other => vec![show(path, other)],
    }
}

/// A line shortened to where it differs from the one that it takes the place of.
fn around(line: &str, other: Option<&String>) -> String {
    let chars: Vec<char> = line.chars().collect();
    if chars.len() <= SHOWN_CHARS {
        return line.to_owned();
    }
    let same = other.map_or(0, |other| chars.iter().zip(other.chars()).take_while(|(a, b)| **a == *b).count());
    let start = same.saturating_sub(BEFORE_CHARS).min(chars.len() - SHOWN_CHARS);
    let end = start + SHOWN_CHARS;
    let (before, after) = (if start > 0 { "…" } else { "" }, if end < chars.len() { "…" } else { "" });
    format!("{before}{}{after}", chars[start..end].iter().collect::<String>())
}

fn compare(path: &str, old: &Value, new: &Value, fields: &mut Vec<Leaf>) {
    if old == new {
        return;
    }
    if let (Some(before), Some(after)) = (members(old), members(new)) {
        let (known, names) = (fields.len(), before.keys().chain(after.keys()).collect::<BTreeSet<_>>());
        for name in &names {
            let path = if path.is_empty() { (*name).clone() } else { format!("{path}.{name}") };
            let value = |map: &BTreeMap<String, Value>| map.get(*name).cloned().unwrap_or(Value::Null);
            compare(&path, &value(&before), &value(&after), fields);
        }
        if !names.is_empty() && fields.len() == known {
            fields.push(Leaf::Moved(path.to_owned()));
        }
        if !names.is_empty() {
            return;
        }
    }
    fields.push(Leaf::Changed(path.to_owned(), old.clone(), new.clone()));
}

/// What stands in a value, by name: in an object, and in a list of objects that have a type or a name each; in none nothing.
fn members(value: &Value) -> Option<BTreeMap<String, Value>> {
    match value {
        Value::Object(map) => Some(map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()),
        Value::Array(list) if !list.is_empty() => {
            let name = |one: &Value| one.get("type").or_else(|| one.get("name"))?.as_str().map(str::to_owned);
            let named = list.iter().map(|one| Some((name(one)?, one.clone()))).collect::<Option<BTreeMap<_, _>>>()?;
            // Of two of one name nobody could tell which is meant.
            (named.len() == list.len()).then_some(named)
        }
        Value::Null | Value::Array(_) => Some(BTreeMap::new()),
        _ => None,
    }
}

/// The fields whose numbers are bytes.
const SIZES: [&str; 5] = ["memory", "gpu_memory", "disk", "storage", "output"];

/// A value as it stands in a difference: sizes with their units, as a fleet file has them, and lists word by word.
fn show(path: &str, value: &Value) -> String {
    let field = path.rsplit('.').next().unwrap_or(path);
    match (value, value.as_u64()) {
        (Value::Null, _) => "none".to_owned(),
        (Value::String(text), _) => text.clone(),
        (Value::Object(map), _) if map.is_empty() => "nothing in it".to_owned(),
        (Value::Array(list), _) if list.is_empty() => "none".to_owned(),
        (Value::Array(list), _) => {
            let between = if field == "command" { " " } else { ", " };
            list.iter().map(|one| word(path, one)).collect::<Vec<_>>().join(between)
        }
        (_, Some(bytes)) if SIZES.contains(&field) => Bytes::new(bytes).to_string(),
        (other, _) => other.to_string(),
    }
}

/// A word of a list, in quotes where one could not see where it ends.
fn word(path: &str, value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() || text.contains([' ', ',', '"']) => value.to_string(),
        _ => show(path, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_script_only_the_lines_that_differ_are_shown() {
        let script = |middle: &str| format!("set -e\ncd /srv\n{middle}\necho done\n");
        let spec =
            |middle: &str, keywords: &[&str]| json!({"keywords": keywords, "command": ["sh", "-c", script(middle)]});
        let (old, new) = (spec("make test", &["a"]), spec("make check\nmake lint", &["b"]));
        let shown = ["command:", "  - make test", "  + make check", "  + make lint", "keywords: a -> b"];
        assert_eq!(shown_differences(&old, &new), shown);
        // What others read stays as it was.
        assert!(differences(&old, &new)[0].contains("echo done"), "{:?}", differences(&old, &new));
        let long = |end: &str| json!({"role": format!("{}{end}{}", "x".repeat(300), "y".repeat(300))});
        let shown = shown_differences(&long("one"), &long("two"));
        let expected = |sign: &str, word: &str| format!("  {sign} …{}{word}{}…", "x".repeat(20), "y".repeat(77));
        assert_eq!(shown, ["role:".to_owned(), expected("-", "one"), expected("+", "two")]);
        let many = |letter: &str| json!({"role": vec![letter; 500].join("\n")});
        let shown = shown_differences(&many("a"), &many("b"));
        assert_eq!((shown.len(), shown.last().map(String::as_str)), (42, Some("  … and 960 more lines")));
        let huge = json!({"role": "a\n".repeat(2000)});
        assert_eq!(shown_differences(&json!({}), &huge), ["role:", "  0 lines -> 2000 lines"]);
    }

    #[test]
    fn every_field_has_a_line_and_none_is_json() {
        let old = json!({
            "name": "ann", "keywords": ["sql"], "tools": [], "limits": null, "capabilities": [{"type": "shell"}],
            "runtime": {"command": ["make", "test"], "env": {}}, "configuration": {"settings": {"model": "a"}},
        });
        let new = json!({
            "name": "ann", "keywords": ["sql", "query plan"], "tools": ["git"], "limits": {"memory": 1_073_741_824, "pids": 9},
            "capabilities": [{"type": "review", "parameters": {"languages": ["rust"]}}, {"type": "shell"}],
            "runtime": {"command": ["make", "all tests"], "env": {"A": "1"}}, "configuration": null,
        });
        let expected = [
            "capabilities.review.parameters.languages: none -> rust",
            "capabilities.review.type: none -> review",
            "configuration.settings.model: a -> none",
            "keywords: sql -> sql, \"query plan\"",
            "limits.memory: none -> 1GiB",
            "limits.pids: none -> 9",
            "runtime.command: make test -> make \"all tests\"",
            "runtime.env.A: none -> 1",
            "tools: none -> git",
        ];
        assert_eq!(differences(&old, &new), expected);
        assert_eq!(differences(&json!({"env": null}), &json!({"env": {}})), ["env: none -> nothing in it"]);
        let order = |first: &str, second: &str| json!({"a": [{"type": first}, {"type": second}]});
        assert_eq!(differences(&order("x", "y"), &order("y", "x")), ["a: in another order"]);
        let twice = json!({"rules": [{"name": "a", "at": 1}, {"name": "a", "at": 2}]});
        assert_eq!(differences(&json!({"rules": [5]}), &twice).len(), 1);
    }
}
