//! What is to be said of one agent, fact by fact.

use serde_json::{Map, Value};

use crate::domain::agent::{AgentMetrics, Capability, Runtime};
use crate::domain::{AgentStatus, Cage, Workspace};
use crate::ui::gather::AgentRow;
use crate::ui::look::Look;
use crate::ui::screens::agents::row;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::verb::quote;

/// One fact.
pub struct Fact {
    /// What it is about, in a word.
    pub label: &'static str,
    /// What there is to say.
    pub words: String,
    /// How it is coloured.
    pub role: Role,
}

/// The facts, the most important first. What nobody declared or measured is left out, except where not knowing it matters.
pub fn facts(row: &AgentRow, cage: Option<&Cage>, look: &Look<'_>) -> Vec<Fact> {
    let agent = &row.agent;
    let spec = &agent.spec;
    let mut facts = Vec::new();
    let mut say = |label: &'static str, role: Role, words: String| {
        if !words.is_empty() {
            facts.push(Fact { label, words, role });
        }
    };
    let state = row::mark(agent.status);
    say("status", state.role(), format!("{} {}", look.mark(state), status(row, look)));
    say("does", Role::Text, does(row));
    say("cage", Role::Text, place(row));
    let record = match row::success(row) {
        None => "no attempt has ended yet".to_owned(),
        Some(share) => {
            let runs = agent.counters.total_executions;
            let noun = if runs == 1 { "attempt" } else { "attempts" };
            let mean = match agent.counters.avg_execution_time_ms {
                Some(mean) => {
                    let micros = i64::try_from(mean).unwrap_or(i64::MAX).saturating_mul(1_000);
                    format!("{} in the mean", text::duration(micros))
                }
                None => "none was started".to_owned(),
            };
            format!("{} {noun}, {} good, {mean}", text::count(runs), text::percent(share))
        }
    };
    say("record", Role::Text, record);
    if agent.consecutive_failures > 0 {
        say("failures", Role::Warn, format!("{} in a row", agent.consecutive_failures));
    }
    let heard = match row.heard() {
        Some(time) => format!("{} ago", look.age(time)),
        None if agent.counters.total_executions == 0 => "never: no attempt of it has started yet".to_owned(),
        None => "unknown".to_owned(),
    };
    say("heard", if row.heard().is_some() { Role::Text } else { Role::Unknown }, heard);
    say("reports to", Role::Text, spec.reports_to.clone().unwrap_or_default());
    let tier = spec.tier.map(|tier| tier.to_string());
    let division = spec.division.map(|division| division.to_string());
    let standing: Vec<String> = [tier, division, spec.role.clone()].into_iter().flatten().collect();
    say("place", Role::Text, standing.join(" · "));
    say("can", Role::Text, capabilities(&spec.capabilities));
    let Runtime::Command { command, env, workdir, format, workspace } = &spec.runtime;
    let command: Vec<String> = command.iter().map(|word| quote(word)).collect();
    let command = if command.is_empty() { "what its tasks bring".to_owned() } else { command.join(" ") };
    say("runs", Role::Text, command);
    say("speaks", Role::Text, if format.is_default() { String::new() } else { format.to_string() });
    say("in", Role::Text, workdir.clone().unwrap_or_default());
    say("on", Role::Text, workspace.as_ref().map(Workspace::phrase).unwrap_or_default());
    say("limits", Role::Text, cage.map(limits).unwrap_or_default());
    say("with", Role::Dim, joined(env.keys().map(String::as_str)));
    say("tools", Role::Text, joined(spec.tools_available.iter().map(String::as_str)));
    say("knows", Role::Text, joined(spec.specializations.iter().map(String::as_str)));
    say("keywords", Role::Text, joined(spec.keywords.iter().map(String::as_str)));
    say("shown as", Role::Text, spec.display_name.clone().unwrap_or_default());
    let participant = spec.participant.map(|participant| participant.to_string());
    let kind: Vec<String> = std::iter::once(spec.kind.to_string()).chain(participant).collect();
    say("kind", Role::Dim, kind.join(" · "));
    say("settings", Role::Dim, pairs(&spec.configuration.settings));
    say("constraints", Role::Dim, pairs(&spec.configuration.constraints));
    say("resources", Role::Dim, pairs(&spec.resource_config));
    let AgentMetrics { performance, reliability, efficiency } = agent.metrics;
    let figures = [("performance", performance), ("reliability", reliability), ("efficiency", efficiency)];
    let figures = figures.map(|(name, value)| value.map(|value| format!("{name} {}", text::percent(value))));
    say("figures", Role::Dim, figures.into_iter().flatten().collect::<Vec<_>>().join(" · "));
    let owner = look.names.of(agent.owner).map_or_else(|| text::short_id(&agent.owner.to_string()), str::to_owned);
    say("owner", Role::Text, owner);
    say("declared", Role::Dim, format!("{} ago", look.age(agent.created_at)));
    say("id", Role::Dim, agent.id.to_string());
    facts
}

/// What it does in the word of the data model, and what there is to know about that.
fn status(row: &AgentRow, look: &Look<'_>) -> String {
    let agent = &row.agent;
    let slots = format!("{} of {} slots taken", agent.running, agent.spec.concurrency);
    match agent.status {
        AgentStatus::Error => {
            let until = agent.breaker_until.map(|until| until.as_micros() - look.now.as_micros());
            let until = match until {
                Some(left) if left > 0 => format!("; it is tried again in {}", text::age(left)),
                _ => String::new(),
            };
            let failures = agent.consecutive_failures;
            format!("error: its breaker is open after {failures} failures in a row{until}; U resets it")
        }
        AgentStatus::Maintenance if agent.running > 0 => format!("maintenance: drained, ends what it has; {slots}"),
        AgentStatus::Maintenance => "maintenance: drained; U lets it work again".to_owned(),
        AgentStatus::Offline => "offline: the worker of its node cannot be reached".to_owned(),
        AgentStatus::Blocked => format!("blocked: waits for a human; {slots}"),
        other => format!("{other}: {slots}"),
    }
}

fn does(row: &AgentRow) -> String {
    let Some(work) = &row.work else { return "nothing".to_owned() };
    let mut words = vec![work.kind.clone().unwrap_or_else(|| "a task".to_owned())];
    words.push(work.progress.map_or("progress unknown".to_owned(), |progress| format!("{progress}%")));
    words.extend(work.activity.clone());
    words.extend(work.said.clone());
    let others = row.agent.running.saturating_sub(1);
    if others > 0 {
        words.push(format!("and {others} more"));
    }
    words.join(" · ")
}

fn place(row: &AgentRow) -> String {
    match (row.agent.cage_id, row.agent.spec.cage) {
        (Some(now), Some(home)) if now == home => format!("{now}, its home"),
        (Some(now), Some(home)) => format!("{now}; its home is {home}"),
        (Some(now), None) => format!("{now} for now; it has no home"),
        (None, Some(home)) => format!("none now; its home is {home}"),
        (None, None) => "none now; it takes any vacant one".to_owned(),
    }
}

/// The limits of its cage in a line; what is not limited is left out.
fn limits(cage: &Cage) -> String {
    let limits = &cage.resource_limits;
    let size = |bytes: u64| text::bytes(bytes as f64);
    let all = [
        limits.cpu.map(|cpu| format!("{cpu} cores")),
        limits.memory.map(|memory| format!("memory {}", size(memory.get()))),
        limits.pids.map(|pids| format!("{pids} processes")),
        limits.gpu.map(|gpu| format!("{gpu} gpu")),
        limits.gpu_memory.map(|memory| format!("gpu memory {}", size(memory.get()))),
        limits.tokens.map(|tokens| format!("tokens {tokens}")),
        limits.disk.map(|disk| format!("disk {}", size(disk.get()))),
        limits.wall.map(|wall| format!("{wall} an attempt")),
    ];
    let said: Vec<String> = all.into_iter().flatten().collect();
    if said.is_empty() { format!("cage {} has none", cage.id) } else { said.join(", ") }
}

/// What it can do; what has parameters on a line of its own, behind the others.
fn capabilities(all: &[Capability]) -> String {
    let (plain, with): (Vec<_>, Vec<_>) = all.iter().partition(|capability| capability.parameters.is_empty());
    let plain = Some(joined(plain.iter().map(|capability| capability.kind.as_str()))).filter(|words| !words.is_empty());
    plain.into_iter().chain(with.iter().map(ToString::to_string)).collect::<Vec<_>>().join("\n")
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn pairs(map: &Map<String, Value>) -> String {
    let pair = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    };
    map.iter().map(pair).collect::<Vec<_>>().join(", ")
}
