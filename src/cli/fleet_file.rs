//! Reading a fleet file: TOML to [`Fleet`], with every error at its line and column.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::config::expand_home;
use super::failure::Failure;
use super::program::Programs;
use super::toml_file::{self, position};
use crate::domain::{Fleet, Refusal};

/// Where the entries of a fleet file stand.
#[derive(Deserialize)]
struct Places {
    #[serde(default)]
    cage: Vec<Spanned<toml::Value>>,
    #[serde(default)]
    agent: Vec<Spanned<toml::Value>>,
    #[serde(default)]
    user: Vec<Spanned<toml::Value>>,
    #[serde(default)]
    resource: Vec<Spanned<toml::Value>>,
    defaults: Option<Spanned<toml::Value>>,
}

impl Places {
    /// Where the entries begin, in order.
    fn starts(&self) -> Vec<usize> {
        let entries = self.cage.iter().chain(&self.agent).chain(&self.user).chain(&self.resource).chain(&self.defaults);
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

/// As [`read`], and also checks what only the machine itself can tell: that agents' programs are there, and that no cage
/// reaches into the engine's data directory.
pub fn read_here(path: &Path, data_dir: &Path) -> Result<Fleet, Failure> {
    let (name, text) = toml_file::read_text(path)?;
    parse_here(&name, &text, Some(data_dir))
}

/// A sentence for each path under `read` or `write` that is not there. The cages work without it.
pub fn absent_paths(fleet: &Fleet) -> Vec<String> {
    let mut absent: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for entry in &fleet.cage {
        let cage = entry.id.map(|id| id.to_string()).or_else(|| entry.range.clone()).unwrap_or_default();
        for (field, paths) in [("read", &entry.read), ("write", &entry.write)] {
            for path in paths.iter().filter(|path| !Path::new(path).exists()) {
                absent.entry((path.as_str(), field)).or_default().push(cage.clone());
            }
        }
    }
    let sentence = |((path, field), cages): ((&str, &str), Vec<String>)| {
        let more = if cages.len() > 1 { format!(" and {} more", cages.len() - 1) } else { String::new() };
        format!(
            "cage {}{more}: {field}: \"{path}\" is not there; agents go without it until it is: make it, or take it out of the \
             file",
            cages[0]
        )
    };
    absent.into_iter().map(sentence).collect()
}

/// Reads and checks the text of a fleet file that errors call `name`.
fn parse(name: &str, text: &str) -> Result<Fleet, Failure> {
    parse_here(name, text, None)
}

fn parse_here(name: &str, text: &str, data_dir: Option<&Path>) -> Result<Fleet, Failure> {
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
    let mut programs = data_dir.map(Programs::new);
    for (entry, place) in fleet.cage.iter().zip(&places.cage) {
        let alone = Fleet { cage: vec![entry.clone()], ..Fleet::default() };
        let checked = alone.cages().and_then(|_| data_dir.map_or(Ok(()), |data_dir| alone.check_grants(data_dir)));
        if let Err(refusal) = checked {
            problems.push(problem(place.span(), &refusal));
        }
    }
    for (agent, place) in fleet.agent.iter().zip(&places.agent) {
        let checked = agent.check().and_then(|()| programs.as_mut().map_or(Ok(()), |known| known.check_agent(agent)));
        if let Err(refusal) = checked {
            problems.push(problem(place.span(), &refusal));
        }
    }
    for (user, place) in fleet.user.iter().zip(&places.user) {
        if let Err(refusal) = user.check() {
            problems.push(problem(place.span(), &refusal));
        }
    }
    for (resource, place) in fleet.resource.iter().zip(&places.resource) {
        if let Err(refusal) = resource.check() {
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
        if let Err(refusal) = fleet.check_hierarchy() {
            let at_fault =
                |agent: &crate::domain::agent::AgentSpec| refusal.field.starts_with(&format!("agent {}: ", agent.name));
            let place = fleet.agent.iter().position(at_fault).and_then(|place| places.agent.get(place));
            problems.push(problem(place.map_or(0..0, Spanned::span), &refusal));
        }
        if let Err(refusal) = fleet.check_users() {
            problems.push(problem(last(&places.user, &refusal), &refusal));
        }
        if let Err(refusal) = fleet.check_resources() {
            problems.push(problem(last(&places.resource, &refusal), &refusal));
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
            ("[[cage]]\nid = \"1\"\nlimits = { memory = \"-5\" }", "f.toml:3:21: memory: \"-5\" is not allowed"),
            (
                "[[cage]]\nid = \"1\"\nlimits = { wall = \"-1m\" }",
                "f.toml:3:19: wall: \"-1m\" is not allowed; allowed: ",
            ),
            (
                "[[agent]]\nname = \"a\"\n[[agent]]\nname = \"x\"\nreports_to = \"y\"\n[[agent]]\nname = \"y\"\nreports_to = \"x\"",
                "f.toml:5:1: agent x: reports_to: \"x -> y -> x\" is not allowed; allowed: a hierarchy without a cycle",
            ),
            ("[[agent]]\nname = \"a\"\nrobot = 1", "unknown field `robot`"),
            ("[[cage]]\nid = \"1001\"", "f.toml:2:6: cage: \"1001\""),
            ("[[cage]]\nid = \"1\"\n\n[[cage]]\nid = \"001\"", "f.toml:5:1: cage: "),
            ("[[cage]]\nid = \"1\"\nread = [\"src\"]", "f.toml:3:1: cage 001: read: \"src\""),
            ("[[agent]]\nname = \"a\"\nconcurrency = 0", "f.toml:3:1: agent a: concurrency: \"0\""),
            ("[[agent]]\nname = \"a\"\n[[agent]]\nname = \"a\"", "f.toml:4:1: agent.name"),
            ("[[agent]]\nkind = \"task_executor\"", "missing field `name`"),
            ("[defaults]\nageing = \"0s\"", "f.toml:2:1: defaults.ageing"),
            (
                "[[cage]]\nid = \"1\"\nnetwork = \"some\"",
                "f.toml:3:11: network: \"some\" is not allowed; allowed: \"none\"",
            ),
            ("[[cage]]\nid = \"1\"\nnetwork = [70000]", "f.toml:3:11: network: \"70000\" is not allowed"),
            ("[[agent]]\nname = \"a\"\nconcurrency = -3", "f.toml:3:15: concurrency: \"-3\" is not allowed"),
            (
                "[[agent]]\nname = \"a\"\nruntime = { type = \"command\", command = \"make test\" }",
                "command: \"make test\" is not allowed; allowed: a list",
            ),
            ("[[agent]]\nname = \"a\"\nruntime = { type = \"chat\" }", "runtime.type: \"chat\" is not allowed"),
            (
                "[[agent]]\nname = \"a\"\nruntime = { type = \"command\", env = { \"A=B\" = 1 } }",
                "f.toml:3:31: agent a: runtime.env: \"A=B\"",
            ),
            (
                "[[agent]]\nname = \"a\"\nruntime = { type = \"command\", env = { MENAGERIE_CAGE = \"7\" } }",
                "runtime.env: \"MENAGERIE_CAGE\" is not allowed",
            ),
            (
                "[[agent]]\nname = \"a\"\nruntime = { type = \"command\", workdir = \"rel\" }",
                "f.toml:3:31: agent a: runtime.workdir: \"rel\"",
            ),
            ("[[cage]]\nid = \"1\"\nwrite = [\"/\"]", "f.toml:3:1: cage 001: write: \"/\" is not allowed"),
            ("[[cage]]\nid = \"1\"\nread = [\"/srv/../etc\"]", "read: \"/srv/../etc\" is not allowed"),
            ("[[user]]\nname = \"a\"\nemail = \"nowhere\"", "f.toml:3:1: user.email: \"nowhere\""),
            ("[[user]]\nname = \"a\"\nemail = \"a@b\"\n[[user]]\nname = \"c\"\nemail = \"a@b\"", "each address once"),
            ("[[resource]]\nname = \"cpus\"", "f.toml:2:1: resource.name: \"cpus\" is not allowed"),
            ("[[cage]\n", "f.toml:1:"),
        ];
        for (text, expected) in cases {
            let found = problem(text);
            assert!(found.contains(expected), "{text}\n  gives {found}\n  not   {expected}");
        }
    }

    #[test]
    fn what_only_this_machine_can_tell_is_checked_here() {
        let problem = |text: &str| match parse_here("f.toml", text, Some(Path::new("/var/lib/menagerie"))) {
            Ok(_) => String::new(),
            Err(failure) => failure.sentences().join("\n"),
        };
        let agent = |program: &str| {
            format!("[[agent]]\nname = \"a\"\nruntime = {{ type = \"command\", command = [\"{program}\"] }}")
        };
        let cage = |grant: &str| format!("[[cage]]\nid = \"1\"\n{grant}");
        for (text, expected) in [
            (agent("/no/such/prog"), "f.toml:3:31: agent a: runtime.command \"/no/such/prog\" does not exist"),
            (agent("/no/such/prog"), "Looked for the file /no/such/prog"),
            (agent("no-such-program-at-all"), "Looked for it in "),
            (cage("write = [\"/var/lib\"]"), "f.toml:3:1: cage 001: write: \"/var/lib\" is not allowed"),
            (cage("read = [\"/var/lib/menagerie/cages\"]"), "f.toml:3:1: cage 001: read"),
        ] {
            let found = problem(&text);
            assert!(found.contains(expected), "{text}\n  gives {found}\n  not   {expected}");
        }
        for text in [agent("sh"), cage("read = [\"/var/lib\"]"), cage("write = [\"/var/lib/men\"]")] {
            assert_eq!(problem(&text), "", "{text}");
        }
    }

    #[test]
    fn a_path_that_is_not_there_is_told_once_for_all_its_cages() {
        let cage = |id: &str, paths: &str| format!("[[cage]]\n{id}\nread = [{paths}]\n");
        let text = cage("id = \"7\"", "\"/no/such\", \"/usr\"") + &cage("range = \"8-9\"", "\"/no/such\"");
        let absent = absent_paths(&parse("f.toml", &text).unwrap());
        assert_eq!(absent.len(), 1, "{absent:?}");
        assert!(absent[0].starts_with("cage 007 and 1 more: read: \"/no/such\" is not there"), "{absent:?}");
    }

    #[test]
    fn every_problem_is_listed() {
        let found = problem("[[agent]]\nname = \"\"\n[[agent]]\nname = \"b\"\nconcurrency = 0");
        assert_eq!(found.lines().count(), 2, "{found}");
    }
}
