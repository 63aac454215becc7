//! `menagerie agent tree`, `history`, `diff` and `rollback`: the hierarchy of agents, and the definitions that they have
//! had.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde_json::Value;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::items;
use super::list::ListArgs;
use super::output::Role;
use super::table::clean;
use super::view;
use crate::api::client::{Client, encode};
use crate::api::filters::AGENT_VERSIONS;
use crate::api::types::WireCommand;
use crate::domain::agent::AgentVersion;
use crate::domain::difference::{differences, shown_differences};
use crate::domain::{Agent, Fleet, Refusal, Reply, User};

/// Shows who reports to whom: all, or those under one agent.
pub fn tree(context: &mut Context, root: Option<&str>) -> Outcome {
    let client = context.engine()?;
    let (agents, _): (Vec<Value>, u64) = client
        .list("agents", &vec![("limit".to_owned(), "100000".to_owned()), ("sort".to_owned(), "name".to_owned())])?;
    let root = match root {
        None => None,
        Some(text) => {
            let agent: Value = client.get(&format!("/v1/agents/{}", encode(text)), &vec![])?;
            Some(view::text(&agent, "name"))
        }
    };
    let mut juniors: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for agent in &agents {
        juniors.entry(view::text(agent, "reports_to")).or_default().push(agent);
    }
    let tops = match &root {
        None => juniors.get("").cloned().unwrap_or_default(),
        Some(name) => agents.iter().filter(|agent| view::text(agent, "name") == *name).collect(),
    };
    let rows = flatten(&tops, &juniors);
    let values: Vec<Value> = rows
        .iter()
        .map(|(depth, agent)| {
            serde_json::json!({"name": agent["name"], "depth": depth, "tier": agent["tier"], "role": agent["role"],
                "status": agent["status"], "reports_to": agent["reports_to"]})
        })
        .collect();
    if context.out.values(&values)? {
        return Ok(0);
    }
    for (depth, agent) in rows {
        let word = |name: &str| Some(view::text(agent, name)).filter(|word| !word.is_empty());
        let said: Vec<_> = [word("tier"), word("role"), word("status")].into_iter().flatten().collect();
        let said = context.out.paint(Role::Dim, &clean(&said.join(", ")));
        context.out.line(&format!("{}{}  {said}", "  ".repeat(depth), clean(&view::text(agent, "name"))))?;
    }
    Ok(0)
}

/// Everybody with how far down they stand, each superior before those who report to it.
fn flatten<'a>(tops: &[&'a Value], juniors: &BTreeMap<String, Vec<&'a Value>>) -> Vec<(usize, &'a Value)> {
    let mut open: Vec<(usize, &Value)> = tops.iter().rev().map(|agent| (0, *agent)).collect();
    let (mut rows, mut seen) = (vec![], BTreeSet::new());
    while let Some((depth, agent)) = open.pop() {
        let name = view::text(agent, "name");
        // The engine lets no cycle in; an answer that has one all the same must not be followed for ever.
        if seen.insert(name.clone()) {
            rows.push((depth, agent));
            open.extend(juniors.get(&name).into_iter().flatten().rev().map(|agent| (depth + 1, *agent)));
        }
    }
    rows
}

fn versions(client: &Client, agent: &str) -> Result<Vec<AgentVersion>, Failure> {
    let all = vec![("limit".to_owned(), "100000".to_owned())];
    Ok(client.list(&path_of(agent), &all)?.0)
}

fn path_of(agent: &str) -> String {
    format!("agents/{}/versions", encode(agent))
}

/// Shows when an agent was declared otherwise, by whom, and what was changed each time.
pub fn history(context: &mut Context, agent: &str, list: &ListArgs) -> Outcome {
    let client = context.engine()?;
    let versions = versions(&client, agent)?;
    let mut fetched = list.fetch_from(&client, &path_of(agent), &AGENT_VERSIONS, vec![], context.out.is_table())?;
    let users = client.list::<User>("users", &vec![("limit".to_owned(), "10000".to_owned())])?.0;
    let changes = |at: usize, differ: Differ| match at.checked_sub(1) {
        None => vec!["declared".to_owned()],
        Some(before) => between(&versions[before], &versions[at], differ),
    };
    // What was changed is told from the version before, which need not be among those asked for.
    let place_of = |row: &Value| {
        let number = row["version"].as_u64()?;
        versions.iter().position(|version| version.version == number)
    };
    let places: Vec<usize> = fetched.rows.iter().filter_map(place_of).collect();
    let row = |at: &usize| {
        let version = &versions[*at];
        serde_json::json!({"version": version.version, "seq": version.seq, "time": version.time,
            "actor": version.actor, "changes": changes(*at, differences)})
    };
    fetched.rows = places.iter().map(row).collect();
    list.print_as(context, fetched, |context, _| {
        for at in places {
            let AgentVersion { version, seq, time, actor, .. } = &versions[at];
            let actor = clean(&view::actor(actor, &users));
            let head = format!("version {version}, record {seq}, {time} by {actor}");
            let head = context.out.paint(Role::Dim, &head);
            context.out.line(&head)?;
            show_changes(context, &changes(at, shown_differences))?;
        }
        Ok(())
    })
}

/// What makes sentences of what differs.
type Differ = fn(&Value, &Value) -> Vec<String>;

fn between(before: &AgentVersion, after: &AgentVersion, differ: Differ) -> Vec<String> {
    let json = |version: &AgentVersion| serde_json::to_value(&version.spec).unwrap_or(Value::Null);
    let found = differ(&json(before), &json(after));
    if found.is_empty() { vec!["owner".to_owned()] } else { found }
}

fn version_of(versions: &[AgentVersion], number: u64) -> Result<&AgentVersion, Refusal> {
    let found = versions.iter().find(|version| version.version == number);
    found.ok_or_else(|| {
        Refusal::not_found("version", number)
            .allowed(format!("1 to {}", versions.len()))
            .hint("menagerie agent history shows them")
    })
}

/// Shows what is different between two definitions; without any given, between the last and the one before it.
pub fn diff(context: &mut Context, agent: &str, from: Option<u64>, to: Option<u64>) -> Outcome {
    let client = context.engine()?;
    let versions = versions(&client, agent)?;
    let last = versions.len() as u64;
    let from = from.unwrap_or_else(|| last.saturating_sub(1).max(1));
    let to = to.unwrap_or(last);
    let (before, after) = (version_of(&versions, from)?, version_of(&versions, to)?);
    let found = |differ: Differ| if before.spec == after.spec { vec![] } else { between(before, after, differ) };
    let value = serde_json::json!({"from": from, "to": to, "changes": found(differences)});
    if context.out.value(&value)? {
        return Ok(0);
    }
    let head = context.out.paint(Role::Dim, &format!("version {from} -> version {to}"));
    context.out.line(&head)?;
    let found = found(shown_differences);
    if found.is_empty() {
        context.out.line("nothing is different")?;
    }
    show_changes(context, &found)?;
    Ok(0)
}

/// Prints what was changed, indented.
pub fn show_changes(context: &mut Context, changes: &[String]) -> io::Result<()> {
    changes.iter().try_for_each(|line| context.out.line(&format!("  {}", clean(line))))
}

/// Declares an agent as it was once; that makes a new version, and the ones between stay in the history.
pub fn rollback(context: &mut Context, agent: &str, version: u64) -> Outcome {
    let client = context.engine()?;
    let versions = versions(&client, agent)?;
    let mut spec = version_of(&versions, version)?.spec.clone();
    // It keeps the name that it has; one that was removed comes back under the one that it had.
    if let Ok(present) = client.get::<Agent>(&format!("/v1/agents/{}", encode(agent)), &vec![]) {
        spec.name = present.spec.name;
    }
    let fleet = Fleet { agent: vec![spec], ..Fleet::default() };
    match client.command(&WireCommand::Apply { fleet, dry_run: false })? {
        Reply::Applied { changes, warnings, .. } => {
            items::warn(context, &warnings);
            let rows: Vec<Value> = changes.iter().filter_map(|change| serde_json::to_value(change).ok()).collect();
            if context.out.values(&rows)? {
                return Ok(0);
            }
            if changes.is_empty() {
                context.out.line(&format!("{agent} already is as it was in version {version}"))?;
            }
            for change in &changes {
                context.out.line(&format!("{} is as it was in version {version}", clean(&change.what)))?;
                show_changes(context, change.lines())?;
            }
            Ok(0)
        }
        other => Err(items::unexpected(&other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tree_has_superiors_before_their_juniors_and_ends_on_a_cycle() {
        let agents = [
            json!({"name": "a", "reports_to": null}),
            json!({"name": "b", "reports_to": "a"}),
            json!({"name": "c", "reports_to": "b"}),
            json!({"name": "d", "reports_to": "a"}),
        ];
        let mut juniors: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for agent in &agents {
            juniors.entry(view::text(agent, "reports_to")).or_default().push(agent);
        }
        let rows = flatten(&[&agents[0]], &juniors);
        let shown: Vec<_> = rows.iter().map(|(depth, agent)| (*depth, view::text(agent, "name"))).collect();
        let expected = [(0, "a"), (1, "b"), (2, "c"), (1, "d")].map(|(depth, name)| (depth, name.to_owned()));
        assert_eq!(shown, expected);
        juniors.entry("c".to_owned()).or_default().push(&agents[0]);
        assert_eq!(flatten(&[&agents[0]], &juniors).len(), 4);
    }
}
