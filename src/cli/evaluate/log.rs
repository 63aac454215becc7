//! Reading recorded outcomes: one task a line, every error with its line and column.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io::{BufRead, Read};

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Longer lines are refused: a text is read as far as 4 KiB and may have a MiB.
pub const LINE_BYTES_MAX: u64 = 8 << 20;
/// More lines than this are refused.
const LINES_MAX: usize = 2_000_000;
/// After so many errors the rest is not read any more.
const PROBLEMS_MAX: usize = 20;
/// An agent's name has at most so many characters, as everywhere.
const NAME_CHARS_MAX: usize = 100;

/// How one agent did with a task.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Recorded {
    /// Whether it succeeded.
    pub success: bool,
    /// How long it took, in seconds.
    #[serde(default, deserialize_with = "amount")]
    pub duration: Option<f64>,
    /// How many tokens it used.
    #[serde(default, deserialize_with = "amount")]
    pub tokens: Option<f64>,
    /// What it cost.
    #[serde(default, deserialize_with = "amount")]
    pub cost: Option<f64>,
}

/// How agents did, by name and in that order; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcomes(pub Vec<(String, Recorded)>);

/// A recorded task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Line {
    /// Which; each task stands in a log once.
    pub task: Name,
    /// What was to be done.
    pub text: String,
    /// The type of task; nothing for none.
    #[serde(default)]
    pub group: Option<Name>,
    /// How agents did.
    pub outcomes: Outcomes,
}

/// A text or a number that names something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            other => Err(D::Error::custom(format!("{other} is no name; write a text or a number"))),
        }
    }
}

/// An amount that is not negative, or null for unknown.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        Some(amount) if !(0.0..=1e18).contains(&amount) => Err(D::Error::custom(format!(
            "{amount} is no amount; write a number from 0 on, or null where it is unknown"
        ))),
        amount => Ok(amount),
    }
}

/// Refuses what is no agent's name.
pub fn check_name(name: &str) -> Result<(), String> {
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX {
        return Err(format!("an agent's name has 1 to {NAME_CHARS_MAX} characters, not {chars}"));
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Outcomes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByAgent;
        impl<'de> Visitor<'de> for ByAgent {
            type Value = Outcomes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of outcomes by agent")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outcomes, A::Error> {
                let mut found: Vec<(String, Recorded)> = vec![];
                while let Some(name) = map.next_key::<String>()? {
                    check_name(&name).map_err(A::Error::custom)?;
                    if found.iter().any(|(other, _)| *other == name) {
                        return Err(A::Error::custom(format!("agent \"{name}\" stands here twice")));
                    }
                    found.push((name, map.next_value()?));
                }
                if found.is_empty() {
                    return Err(A::Error::custom("no outcomes; name at least one agent"));
                }
                found.sort_by(|one, other| one.0.cmp(&other.0));
                Ok(Outcomes(found))
            }
        }
        deserializer.deserialize_map(ByAgent)
    }
}

/// Reads one line of JSON; the error is the column, from 1, and a sentence.
pub fn parse<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, (usize, String)> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err((error.valid_up_to() + 1, "not UTF-8; save the file in that encoding".to_owned()));
    }
    // Where a line breaks off is its last column, not the first of the next.
    serde_json::from_slice(text.trim_ascii_end()).map_err(|error| {
        let said = error.to_string();
        let message = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
        (error.column().max(1), message.to_owned())
    })
}

/// Reads one line, without more than one may have. `Ok(false)` at the end.
pub fn next_line(name: &str, number: usize, reader: &mut dyn BufRead, buffer: &mut Vec<u8>) -> Result<bool, String> {
    buffer.clear();
    match reader.take(LINE_BYTES_MAX + 1).read_until(b'\n', buffer) {
        Ok(0) => Ok(false),
        Ok(read) if read as u64 > LINE_BYTES_MAX => {
            Err(format!("{name}:{number}:{LINE_BYTES_MAX}: longer than {LINE_BYTES_MAX} bytes; one task a line"))
        }
        Ok(_) => Ok(true),
        Err(error) => Err(format!("cannot read {name}: {error}")),
    }
}

/// Reads a whole log.
///
/// # Errors
/// One sentence a problem, each beginning with `name:line:column`.
pub fn read(name: &str, reader: &mut dyn BufRead) -> Result<Vec<Line>, Vec<String>> {
    let (mut lines, mut problems, mut buffer) = (vec![], vec![], vec![]);
    let mut seen: HashMap<Name, usize> = HashMap::new();
    for number in 1.. {
        match next_line(name, number, reader, &mut buffer) {
            Ok(true) => {}
            Ok(false) => break,
            Err(problem) => {
                problems.push(problem);
                break;
            }
        }
        if buffer.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match parse::<Line>(&buffer) {
            Ok(line) => match seen.entry(line.task.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(number);
                    lines.push(line);
                }
                Entry::Occupied(entry) => {
                    let (task, first) = (&entry.key().0, entry.get());
                    problems.push(format!("{name}:{number}:1: task \"{task}\" stands in line {first} already"));
                }
            },
            Err((column, problem)) => problems.push(format!("{name}:{number}:{column}: {problem}")),
        }
        if problems.len() >= PROBLEMS_MAX {
            problems.push(format!("{name}: more lines were not read"));
            break;
        }
        if lines.len() > LINES_MAX {
            problems.push(format!("{name}: more than {LINES_MAX} tasks; split the log"));
            break;
        }
    }
    if lines.is_empty() && problems.is_empty() {
        problems.push(format!("{name}: no tasks; write one JSON object a line, with task, text, group and outcomes"));
    }
    if problems.is_empty() { Ok(lines) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Line>, Vec<String>> {
        read("log", &mut text.as_bytes())
    }

    #[test]
    fn a_line_is_read_as_it_is_written() {
        let text =
            r#"{"task": 7, "text": "fix it", "group": "bug", "outcomes": {"b": {"success": true, "duration": 1.5,
            "tokens": 10, "cost": 0.2}, "a": {"success": false}}, "by": "x"}"#
                .replace('\n', "");
        let lines = read_text(&format!("{text}\n\n")).unwrap();
        let [(first, one), (second, other)] = &lines[0].outcomes.0[..] else { panic!("{lines:?}") };
        assert_eq!((first.as_str(), second.as_str(), lines.len()), ("a", "b", 1));
        assert_eq!((one.success, one.cost, other.success, other.cost), (false, None, true, Some(0.2)));
        assert_eq!(lines[0].group, Some(Name("bug".into())));
    }

    #[test]
    fn bad_lines_are_refused_by_line_and_column() {
        let good = r#"{"task": "t", "text": "", "outcomes": {"a": {"success": true}}}"#;
        for (bad, column, said) in [
            ("{\"task\": \"t\"", 12, "EOF"),
            (r#"{"task": "t", "text": "x", "outcomes": {}}"#, 41, "no outcomes"),
            (r#"{"task": "t", "text": "x", "outcomes": {"a": {"success": 1}}}"#, 58, "boolean"),
            (r#"{"task": "t", "text": "x", "outcomes": {"a": {"success": true, "cost": -1}}}"#, 74, "no amount"),
            (r#"{"task": "t", "text": 5, "outcomes": {"a": {"success": true}}}"#, 23, "string"),
            (r#"{"task": "t", "text": "x", "outcomes": {"": {"success": true}}}"#, 42, "1 to 100"),
            (r#"{"task": null, "text": "x", "outcomes": {"a": {"success": true}}}"#, 13, "no name"),
            (r#"{"task": "t", "outcomes": {"a": {"success": true}}}"#, 51, "missing field `text`"),
        ] {
            let other = good.replace("\"t\"", "\"u\"");
            let problems = read_text(&format!("{good}\n{bad}\n{other}")).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with("log:2:") && problems[0].contains(said), "{problems:?}");
            let found: usize = problems[0].split(':').nth(2).unwrap().parse().unwrap();
            assert!(found.abs_diff(column) <= 2, "{problems:?} not near {column}");
        }
        let twice = r#"{"task": 1, "text": "", "outcomes": {"a": {"success": true}, "a": {"success": true}}}"#;
        assert!(read_text(twice).unwrap_err()[0].contains("twice"));
        let other = good.replace("\"t\"", "\"u\"");
        let problems = read_text(&format!("{good}\n{other}\n{good}")).unwrap_err();
        assert_eq!(problems, ["log:3:1: task \"t\" stands in line 1 already"]);
        assert!(read("log", &mut &b"\xff\xfe"[..]).unwrap_err()[0].starts_with("log:1:1: not UTF-8"));
        assert!(read_text("").unwrap_err()[0].contains("no tasks"));
        assert!(read_text(&"x\n".repeat(100)).unwrap_err().len() == PROBLEMS_MAX + 1);
    }
}
