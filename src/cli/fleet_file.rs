//! Reading a fleet file: TOML to [`Fleet`], with every error at its line and column.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::config::expand_home;
use super::failure::Failure;
use super::toml_file::{self, position};
use crate::domain::{Fleet, Refusal};

/// Where the entries of a fleet file stand.
#[derive(Deserialize)]
struct Places {
    #[serde(default)]
    cage: Vec<Spanned<toml::Value>>,
    #[serde(default)]
    agent: Vec<Spanned<toml::Value>>,
    defaults: Option<Spanned<toml::Value>>,
}

impl Places {
    /// Where the entries begin, in order.
    fn starts(&self) -> Vec<usize> {
        let entries = self.cage.iter().chain(&self.agent).chain(&self.defaults);
        let mut starts: Vec<usize> = entries.map(|entry| entry.span().start).collect();
        starts.sort_unstable();
        starts
    }
}

/// Reads and checks a fleet file, or standard input for `-`. A leading `~` in paths becomes the caller's home folder,
/// because the engine may be another's.
///
/// # Errors
/// All problems that can be found without the engine, each with file, line and column.
pub fn read(path: &Path) -> Result<Fleet, Failure> {
    let (name, text) = toml_file::read_text(path)?;
    parse(&name, &text)
}

/// Reads and checks the text of a fleet file that errors call `name`.
pub fn parse(name: &str, text: &str) -> Result<Fleet, Failure> {
    let mut fleet: Fleet = toml_file::parse(name, text)?;
    let places: Places = toml_file::parse(name, text)?;
    for entry in &mut fleet.cage {
        for path in entry.read.iter_mut().chain(&mut entry.write) {
            *path = expand_home(path)?;
        }
    }
    let starts = places.starts();
    let problem = |span: Range<usize>, refusal: &Refusal| {
        // An entry's own span ends before its `[cage.limits]`; what belongs to it goes on until the next entry begins.
        let end = starts.iter().copied().find(|start| *start > span.start).unwrap_or(text.len());
        let (line, column) = position(text, find(text, span.start..end.max(span.end), refusal));
        format!("{name}:{line}:{column}: {refusal}")
    };
    let mut problems = Vec::new();
    for (entry, place) in fleet.cage.iter().zip(&places.cage) {
        let alone = Fleet { cage: vec![entry.clone()], ..Fleet::default() };
        if let Err(refusal) = alone.cages() {
            problems.push(problem(place.span(), &refusal));
        }
    }
    for (agent, place) in fleet.agent.iter().zip(&places.agent) {
        if let Err(refusal) = agent.check() {
            problems.push(problem(place.span(), &refusal));
        }
    }
    if let (Some(defaults), Some(place)) = (&mut fleet.defaults, &places.defaults)
        && let Err(refusal) = defaults.check()
    {
        problems.push(problem(place.span(), &refusal));
    }
    if problems.is_empty() {
        // What is left is between entries: a number or a name used twice. The last place that has it is at fault.
        let last = |places: &[Spanned<toml::Value>], refusal: &Refusal| {
            let holds = |place: &&Spanned<toml::Value>| text[place.span()].contains(&refusal.value);
            places.iter().rev().find(holds).or(places.last()).map_or(0..0, Spanned::span)
        };
        if let Err(refusal) = fleet.cages() {
            problems.push(problem(last(&places.cage, &refusal), &refusal));
        }
        if let Err(refusal) = fleet.check_agents() {
            problems.push(problem(last(&places.agent, &refusal), &refusal));
        }
    }
    if problems.is_empty() { Ok(fleet) } else { Err(Failure::Refused(problems)) }
}

/// Where in an entry the refused field stands: its key, if the entry spells it, otherwise what numbers a cage, otherwise
/// the entry's beginning.
fn find(text: &str, span: Range<usize>, refusal: &Refusal) -> usize {
    let entry = text.get(span.clone()).unwrap_or_default();
    let key = refusal.field.rsplit(['.', ' ']).next().unwrap_or_default();
    let numbers: &[&str] = if refusal.field == "cage" { &["id", "range"] } else { &[] };
    let place = [key].iter().chain(numbers).find_map(|key| find_key(entry, key));
    span.start + place.unwrap_or(0)
}

/// Where `key = …` stands in an entry's text.
fn find_key(entry: &str, key: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    entry.match_indices(key).map(|(at, _)| at).filter(|_| !key.is_empty()).find(|at| {
        let (before, after) = (&entry[..*at], &entry[at + key.len()..]);
        !before.ends_with(is_word) && after.trim_start().starts_with('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        parse("f.toml", text).unwrap_err().sentences().join("\n")
    }

    #[test]
    fn a_whole_file_is_read() {
        let fleet = parse(
            "f.toml",
            r#"
            [[cage]]
            range = "001-004"
            limits = { cpu = 1.0, memory = "128MiB", pids = 64, gpu = 0, tokens = "200k/h", disk = "1GiB", wall = "30m" }
            network = "none"
            read = ["~/src"]
            write = []
            [[agent]]
            name = "tester"
            division = "engineering"
            capabilities = ["shell"]
            cage = "001"
            concurrency = 2
            runtime = { type = "command", command = ["make", "test"] }
            [defaults]
            timeout = "1h"
            "#,
        )
        .unwrap();
        assert_eq!(fleet.cages().unwrap().len(), 4);
        assert!(fleet.cage[0].read[0].starts_with('/'));
        assert_eq!(fleet.agent[0].concurrency, 2);
    }

    #[test]
    fn errors_stand_at_their_place() {
        let cases = [
            ("[[cage]]\nid = \"1\"\nlimits = { memry = 5 }", "f.toml:3:12: unknown field `memry`"),
            ("[[cage]]\nid = \"1\"\nlimits = { memry = 5 }", "Did you mean `memory`?"),
            ("[[cage]]\nid = \"1\"\n[cage.limits]\ncpu = 1\nmemory = \"5B\"", "f.toml:5:1: cage 001: limits.memory"),
            ("[[cage]]\nid = \"1\"\nlimits = { memory = \"-5\" }", "f.toml:3:21: size: \"-5\""),
            ("[[cage]]\nid = \"1001\"", "f.toml:2:6: cage: \"1001\""),
            ("[[cage]]\nid = \"1\"\n\n[[cage]]\nid = \"001\"", "f.toml:5:1: cage: "),
            ("[[cage]]\nid = \"1\"\nread = [\"src\"]", "f.toml:3:1: cage 001: read: \"src\""),
            ("[[agent]]\nname = \"a\"\nconcurrency = 0", "f.toml:3:1: agent a: concurrency: \"0\""),
            ("[[agent]]\nname = \"a\"\n[[agent]]\nname = \"a\"", "f.toml:4:1: agent.name"),
            ("[[agent]]\nkind = \"task_executor\"", "missing field `name`"),
            ("[defaults]\nageing = \"0s\"", "f.toml:2:1: defaults.ageing"),
            ("[[cage]\n", "f.toml:1:"),
        ];
        for (text, expected) in cases {
            let found = problem(text);
            assert!(found.contains(expected), "{text}\n  gives {found}\n  not   {expected}");
        }
    }

    #[test]
    fn every_problem_is_listed() {
        let found = problem("[[agent]]\nname = \"\"\n[[agent]]\nname = \"b\"\nconcurrency = 0");
        assert_eq!(found.lines().count(), 2, "{found}");
    }
}
