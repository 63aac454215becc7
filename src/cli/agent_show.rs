//! `menagerie agent show`: every field of an agent, one after the other.

use serde_json::{Map, Value};

use super::agent::{home, mean, success};
use super::failure::Failure;
use super::output::Role;
use super::table::Cell;
use super::view;
use crate::domain::agent::{AgentMetrics, Capability, Runtime};
use crate::domain::{Agent, User, Workspace};
use crate::ui;

/// What is known of an agent, line by line, each with its label; what goes on from the line before has an empty one.
pub fn fields(shown: &Value, users: &[User]) -> Result<Vec<(&'static str, Cell)>, Failure> {
    let malformed = |error: serde_json::Error| Failure::failed(format!("the engine's agent cannot be read: {error}"));
    let agent: Agent = serde_json::from_value(shown.clone()).map_err(malformed)?;
    let spec = &agent.spec;
    let failures = match agent.consecutive_failures {
        0 => Cell::default(),
        some => Cell::new(format!("{some} in a row"), Role::Warning),
    };
    let Runtime::Command { command, env, workdir, format, workspace } = &spec.runtime;
    let owner = users.iter().find(|user| user.id == agent.owner);
    let owner = owner.map_or_else(|| agent.owner.to_string(), |user| user.name.clone());
    let text = |text: &Option<String>| vec![Cell::from(text.clone().unwrap_or_default())];
    let one = |cell: Cell| vec![cell];
    let slots = format!("{} of {} taken", agent.running, spec.concurrency);
    let format = if format.is_default() { String::new() } else { format.to_string() };
    let fields = [
        ("name", one(spec.name.clone().into())),
        ("id", one(agent.id.to_string().into())),
        ("display name", text(&spec.display_name)),
        ("status", one(view::status(shown, "status"))),
        ("paused until", one(view::moment(shown, "breaker_until"))),
        ("failures", one(failures)),
        ("owner", one(owner.into())),
        ("kind", one(view::text(shown, "kind").into())),
        ("division", one(view::text(shown, "division").into())),
        ("participant", one(view::text(shown, "participant").into())),
        ("role", text(&spec.role)),
        ("tier", one(view::text(shown, "tier").into())),
        ("reports to", text(&spec.reports_to)),
        ("cage", one(home(shown).into())),
        ("slots", one(slots.into())),
        ("task", one(view::text(shown, "current_task_id").into())),
        ("capabilities", capabilities(&spec.capabilities)),
        ("specializations", one(spec.specializations.join(", ").into())),
        ("tools", one(spec.tools_available.join(", ").into())),
        ("keywords", one(spec.keywords.join(", ").into())),
        ("command", command_of(command)),
        ("environment", pairs(env)),
        ("starts in", text(workdir)),
        ("speaks", one(format.into())),
        ("works on", one(workspace.as_ref().map(Workspace::phrase).unwrap_or_default().into())),
        ("settings", pairs(&spec.configuration.settings)),
        ("constraints", pairs(&spec.configuration.constraints)),
        ("resources", pairs(&spec.resource_config)),
        ("executions", one(agent.counters.total_executions.to_string().into())),
        ("succeeded", one(success(shown).into())),
        ("stopped by others", one(agent.counters.stopped_executions.to_string().into())),
        ("mean time", one(mean(shown).into())),
        ("metrics", metrics(agent.metrics)),
        ("heartbeat", one(view::moment(shown, "last_heartbeat"))),
        ("created", one(view::moment(shown, "created_at"))),
        ("updated", one(view::moment(shown, "updated_at"))),
    ];
    let rows = fields.into_iter().flat_map(|(label, cells)| {
        cells.into_iter().enumerate().map(move |(place, cell)| (if place == 0 { label } else { "" }, cell))
    });
    Ok(rows.collect())
}

/// Capabilities on one line; those with parameters on a line of their own, behind them.
fn capabilities(all: &[Capability]) -> Vec<Cell> {
    let (plain, with): (Vec<_>, Vec<_>) = all.iter().partition(|capability| capability.parameters.is_empty());
    let plain = plain.iter().map(|capability| capability.kind.as_str()).collect::<Vec<_>>().join(", ");
    let plain = Some(plain).filter(|words| !words.is_empty());
    plain.into_iter().chain(with.iter().map(ToString::to_string)).map(Cell::from).collect()
}

/// A program with its arguments as a shell takes them; an argument of several lines stands under it, line by line.
fn command_of(command: &[String]) -> Vec<Cell> {
    let mut lines = vec![String::new()];
    for word in command {
        if word.contains('\n') {
            lines.extend(word.lines().map(|line| format!("    {line}")));
            lines.push(String::new());
        } else if let Some(line) = lines.last_mut() {
            let gap = if line.is_empty() { "" } else { " " };
            *line = format!("{line}{gap}{}", view::quote(word));
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.into_iter().map(Cell::from).collect()
}

/// Names with their values, one a line.
/// What is known of how good it is.
fn metrics(AgentMetrics { performance, reliability, efficiency }: AgentMetrics) -> Vec<Cell> {
    let figures = [("performance", performance), ("reliability", reliability), ("efficiency", efficiency)];
    let known = figures.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", ui::decimals(value?, 2))));
    known.map(Cell::from).collect()
}

fn pairs(map: &Map<String, Value>) -> Vec<Cell> {
    let pair = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    };
    map.iter().map(pair).map(Cell::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_line_by_line_and_parameters_stand_beside_what_they_are_of() {
        let texts = |cells: Vec<Cell>| cells.into_iter().map(|cell| cell.text).collect::<Vec<_>>();
        let command = ["sh", "-c", "cd /srv\nmake", "two words"].map(str::to_owned);
        assert_eq!(texts(command_of(&command)), ["sh -c", "    cd /srv", "    make", "'two words'"]);
        assert!(command_of(&[]).is_empty());
        let all: Vec<Capability> = ["a", "b={\"x\":1}", "c"].map(|text| text.parse().unwrap()).into();
        assert_eq!(texts(capabilities(&all)), ["a, c", "b={\"x\":1}"]);
    }
}
