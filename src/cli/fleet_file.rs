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
    #[serde(default)]
    alert_rule: Vec<Spanned<toml::Value>>,
    #[serde(default)]
    approval_rule: Vec<Spanned<toml::Value>>,
    defaults: Option<Spanned<toml::Value>>,
}

impl Places {
    /// Where the entries begin, in order.
    fn starts(&self) -> Vec<usize> {
        let lists = [&self.cage, &self.agent, &self.user, &self.resource, &self.alert_rule, &self.approval_rule];
        let entries = lists.into_iter().flatten().chain(&self.defaults);
        let mut starts: Vec<usize> = entries.map(|entry| entry.span().start).collect();
        starts.sort_unstable();
        starts
    }
}

/// A fleet file as it was read.
pub struct FleetFile {
    /// What it declares.
    pub fleet: Fleet,
    source: Source,
}

impl FleetFile {
    /// What the engine refuses of it, with file, line and column in front where it names an entry. What an entry refers to,
    /// such as an agent or a cage, may be declared elsewhere, so that only the engine can tell that it is not there.
    pub fn placed(&self, refusal: Refusal) -> Refusal {
        let is_about = |entry: &str| refusal.field.strip_prefix(entry).is_some_and(|rest| rest.starts_with(": "));
        let (fleet, places) = (&self.fleet, &self.source.places);
        let cages = fleet.cage.iter().zip(&places.cage).find(|(entry, _)| {
            let alone = Fleet { cage: vec![(*entry).clone()], ..Fleet::default() };
            alone.cages().is_ok_and(|specs| specs.iter().any(|spec| is_about(&format!("cage {}", spec.id))))
        });
        let agents = fleet.agent.iter().map(|agent| format!("agent {}", agent.name)).zip(&places.agent);
        let alerts = fleet.alert_rule.iter().map(|rule| format!("alert rule {}", rule.name)).zip(&places.alert_rule);
        let approvals = fleet.approval_rule.iter().map(|rule| format!("approval rule {}", rule.name));
        let mut named = agents.chain(alerts).chain(approvals.zip(&places.approval_rule));
        let place =
            cages.map(|(_, place)| place).or_else(|| named.find(|(entry, _)| is_about(entry)).map(|(_, place)| place));
        match place {
            Some(place) => {
                let at = self.source.position(place.span(), &refusal);
                refusal.within(at)
            }
            None => refusal,
        }
    }
}

/// The text of a fleet file, with where its entries stand.
struct Source {
    name: String,
    text: String,
    places: Places,
    starts: Vec<usize>,
}

impl Source {
    /// File, line and column of what is refused in an entry.
    fn position(&self, span: Range<usize>, refusal: &Refusal) -> String {
        // An entry's own span ends before its `[cage.limits]`; what belongs to it goes on until the next entry begins.
        let end = self.starts.iter().copied().find(|start| *start > span.start).unwrap_or(self.text.len());
        let (line, column) = position(&self.text, find(&self.text, span.start..end.max(span.end), refusal));
        format!("{}:{line}:{column}", self.name)
    }

    /// The sentence for what is refused in an entry.
    fn problem(&self, span: Range<usize>, refusal: &Refusal) -> String {
        format!("{}: {refusal}", self.position(span, refusal))
    }
}

/// Reads and checks a fleet file, or standard input for `-`. A leading `~` in paths becomes the caller's home folder,
/// because the engine may be another's.
///
/// # Errors
/// All problems that can be found without the engine, each with file, line and column.
pub fn read(path: &Path) -> Result<Fleet, Failure> {
    let (name, text) = toml_file::read_text(path)?;
    Ok(parse(name, text, None)?.fleet)
}

/// As [`read`], and also checks what only the machine itself can tell: that agents' programs are there, and that no cage
/// reaches into the engine's data directory.
pub fn read_here(path: &Path, data_dir: &Path) -> Result<FleetFile, Failure> {
    let (name, text) = toml_file::read_text(path)?;
    parse(name, text, Some(data_dir))
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

/// Reads and checks the text of a fleet file that errors call `name`; with a data directory also what only this machine
/// can tell.
fn parse(name: String, text: String, data_dir: Option<&Path>) -> Result<FleetFile, Failure> {
    let mut fleet: Fleet = toml_file::parse(&name, &text)?;
    let places: Places = toml_file::parse(&name, &text)?;
    for entry in &mut fleet.cage {
        for path in entry.read.iter_mut().chain(&mut entry.write) {
            *path = expand_home(path)?;
        }
    }
    let source = Source { starts: places.starts(), name, text, places };
    let places = &source.places;
    let mut problems = Vec::new();
    let mut programs = data_dir.map(Programs::new);
    for (entry, place) in fleet.cage.iter().zip(&places.cage) {
        let alone = Fleet { cage: vec![entry.clone()], ..Fleet::default() };
        let checked = alone.cages().and_then(|_| data_dir.map_or(Ok(()), |data_dir| alone.check_grants(data_dir)));
        if let Err(refusal) = checked {
            problems.push(source.problem(place.span(), &refusal));
        }
    }
    for (agent, place) in fleet.agent.iter().zip(&places.agent) {
        let checked = agent.check().and_then(|()| programs.as_mut().map_or(Ok(()), |known| known.check_agent(agent)));
        if let Err(refusal) = checked {
            problems.push(source.problem(place.span(), &refusal));
        }
    }
    for (user, place) in fleet.user.iter().zip(&places.user) {
        if let Err(refusal) = user.check() {
            problems.push(source.problem(place.span(), &refusal));
        }
    }
    for (resource, place) in fleet.resource.iter().zip(&places.resource) {
        if let Err(refusal) = resource.check() {
            problems.push(source.problem(place.span(), &refusal));
        }
    }
    if let (Some(defaults), Some(place)) = (&mut fleet.defaults, &places.defaults)
        && let Err(refusal) = defaults.check()
    {
        problems.push(source.problem(place.span(), &refusal));
    }
    if problems.is_empty() {
        // What is left is between entries: a number or a name used twice. The last place that has it is at fault.
        let last = |places: &[Spanned<toml::Value>], refusal: &Refusal| {
            let holds = |place: &&Spanned<toml::Value>| source.text[place.span()].contains(&refusal.value);
            places.iter().rev().find(holds).or(places.last()).map_or(0..0, Spanned::span)
        };
        if let Err(refusal) = fleet.cages() {
            problems.push(source.problem(last(&places.cage, &refusal), &refusal));
        }
        if let Err(refusal) = fleet.check_agents() {
            problems.push(source.problem(last(&places.agent, &refusal), &refusal));
        }
        if let Err(refusal) = fleet.check_hierarchy() {
            let at_fault =
                |agent: &crate::domain::agent::AgentSpec| refusal.field.starts_with(&format!("agent {}: ", agent.name));
            let place = fleet.agent.iter().position(at_fault).and_then(|place| places.agent.get(place));
            problems.push(source.problem(place.map_or(0..0, Spanned::span), &refusal));
        }
        if let Err(refusal) = fleet.check_users() {
            problems.push(source.problem(last(&places.user, &refusal), &refusal));
        }
        if let Err(refusal) = fleet.check_resources() {
            problems.push(source.problem(last(&places.resource, &refusal), &refusal));
        }
    }
    if problems.is_empty() { Ok(FleetFile { fleet, source }) } else { Err(Failure::Refused(problems)) }
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

    fn read_text(text: &str, data_dir: Option<&Path>) -> Result<FleetFile, Failure> {
        parse("f.toml".to_owned(), text.to_owned(), data_dir)
    }

    fn problem(text: &str) -> String {
        read_text(text, None).err().unwrap().sentences().join("\n")
    }

    #[test]
    fn a_whole_file_is_read() {
        let text = r#"
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
            "#;
        let fleet = read_text(text, None).unwrap().fleet;
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
        let problem = |text: &str| match read_text(text, Some(Path::new("/var/lib/menagerie"))) {
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
        let absent = absent_paths(&read_text(&text, None).unwrap().fleet);
        assert_eq!(absent.len(), 1, "{absent:?}");
        assert!(absent[0].starts_with("cage 007 and 1 more: read: \"/no/such\" is not there"), "{absent:?}");
    }

    #[test]
    fn what_the_engine_refuses_stands_at_its_place_too() {
        let text = "[[cage]]\nrange = \"1-4\"\nnode = \"far\"\n[[agent]]\nname = \"a\"\n[[agent]]\nname = \"ab\"\n\
                    cage = \"9\"\nreports_to = \"c\"\n[[alert_rule]]\nname = \"hot\"\nmetric = \"heat\"\n\
                    [[approval_rule]]\nname = \"docs\"\nagent = \"c\"\ntype = \"doc\"\ntask_type = \"t\"\n";
        let file = read_text(text, None).unwrap();
        for (place, field, expected) in [
            ("agent ab", "reports_to", "f.toml:9:1: agent ab: reports_to \"x\" does not exist"),
            ("agent ab", "cage", "f.toml:8:1: agent ab: cage \"x\" does not exist"),
            ("cage 003", "node", "f.toml:3:1: cage 003: node \"x\" does not exist"),
            ("alert rule hot", "metric", "f.toml:12:1: alert rule hot: metric \"x\" does not exist"),
            ("approval rule docs", "agent", "f.toml:15:1: approval rule docs: agent \"x\" does not exist"),
            // Not of this file.
            ("agent b", "cage", "agent b: cage \"x\" does not exist"),
        ] {
            assert_eq!(file.placed(Refusal::not_found(field, "x").within(place)).to_string(), expected);
        }
    }

    #[test]
    fn every_problem_is_listed() {
        let found = problem("[[agent]]\nname = \"\"\n[[agent]]\nname = \"b\"\nconcurrency = 0");
        assert_eq!(found.lines().count(), 2, "{found}");
    }
}
