//! What the engine itself knows and rules look at, as metrics: once each time that rules are evaluated.

use std::path::PathBuf;

use super::core::vitals::Vitals;
use super::figures::Figures;
use super::link::host_name;
use super::risk;
use super::telemetry::Telemetry;
use super::watchers::Watchers;
use super::windows::Labels;
use crate::domain::requirements::Quantities;
use crate::domain::{Bytes, Cpu, NodeStatus, Timestamp};

/// How many executions must have ended lately before their share of failures says something.
const ENDED_LEAST: u64 = 10;
/// How many of the latest minutes that share is of.
const ERROR_MINUTES: usize = 5;

/// Every metric that a rule of the program looks at, with what it is. Workers and agents bring others.
pub const METRICS: &[(&str, &str)] = &[
    ("agent_health_ratio", "how far an agent is from its circuit breaker; label agent"),
    ("agent_repeated_lines", "how often an agent has written the same line in a row; label agent"),
    ("agent_response_seconds", "how long an agent's executions take until their process runs; label agent"),
    ("agent_silent_seconds", "for how long a working agent has written nothing; label agent"),
    ("cage_cpu_ratio", "processor time used, of the limit; labels cage, node"),
    ("cage_memory_ratio", "memory used, of the limit; labels cage, node"),
    ("cage_tokens_ratio", "tokens used, of the limit; labels cage, node"),
    ("fleet_cost_hour_dollars", "what agents reported to have cost within the last hour"),
    ("fleet_errors_ratio", "executions that failed, of those that ended within the last five minutes (at least ten)"),
    ("node_cpu_ratio", "processor time used, of all; label node"),
    ("node_disk_ratio", "the data directory's disk in use; label node"),
    ("node_gpu_memory_ratio", "memory of a GPU in use; labels node, gpu"),
    ("node_heartbeat_seconds", "how long ago a worker that has to measure was heard; label node"),
    ("node_memory_ratio", "memory in use, of all; label node"),
    ("queue_wait_seconds", "how long the oldest task that could start has waited"),
    ("task_deadline_spare_seconds", "what a task that may be late has to spare at its deadline; label task"),
];

/// Where figures come from besides the core.
#[derive(Clone)]
pub struct Sources {
    /// What ended, and how.
    pub figures: Figures,
    /// What workers measured and agents reported.
    pub telemetry: Telemetry,
    /// Whether workers measure.
    pub watchers: Watchers,
    /// Whose disk is looked at.
    pub data_dir: PathBuf,
}

/// The metrics of this moment: name, labels and value. What nobody knows is not among them.
pub fn signals(vitals: &Vitals, sources: &Sources, now: Timestamp) -> Vec<(&'static str, Labels, f64)> {
    let mut found = vec![];
    fleet(vitals, sources, now, &mut found);
    for agent in &vitals.agents {
        found.push(("agent_health_ratio", label("agent", &agent.name), agent.health));
        if let Some(response) = agent.response {
            found.push(("agent_response_seconds", label("agent", &agent.name), response.as_secs_f64()));
        }
    }
    for due in &vitals.due {
        let typical = due.agent.and_then(|agent| sources.figures.typical(agent));
        if let Some((spare, _)) = risk::judge(due, now, typical) {
            found.push(("task_deadline_spare_seconds", label("task", &due.task_id.to_string()), spare as f64 / 1e6));
        }
    }
    measured(vitals, sources, &mut found);
    found
}

fn label(name: &str, value: &str) -> Labels {
    Labels::from([(name.to_owned(), value.to_owned())])
}

fn fleet(vitals: &Vitals, sources: &Sources, now: Timestamp, found: &mut Vec<(&'static str, Labels, f64)>) {
    let wait = vitals.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
    found.push(("queue_wait_seconds", Labels::new(), wait));
    let minutes = sources.figures.minutes(now);
    let late = minutes.iter().rev().take(ERROR_MINUTES);
    let (completed, failed) = late.fold((0, 0), |(done, failed), it| (done + it.completed, failed + it.failed));
    if completed + failed >= ENDED_LEAST {
        found.push(("fleet_errors_ratio", Labels::new(), failed as f64 / (completed + failed) as f64));
    }
    let running = sources.telemetry.reported().1;
    if let Some(cost) = minutes.iter().map(|minute| minute.cost).chain([running]).flatten().reduce(|a, b| a + b) {
        found.push(("fleet_cost_hour_dollars", Labels::new(), cost));
    }
}

/// What workers measure, of what there may be. The one worker is on this machine.
fn measured(vitals: &Vitals, sources: &Sources, found: &mut Vec<(&'static str, Labels, f64)>) {
    let host = host_name();
    let share = |used: Option<u64>, limit: u64| used.filter(|_| limit > 0).map(|used| used as f64 / limit as f64);
    let disk = rustix::fs::statvfs(&sources.data_dir).ok().and_then(|disk| {
        let total = disk.f_blocks.saturating_sub(disk.f_bfree.saturating_sub(disk.f_bavail));
        share(Some(total.saturating_sub(disk.f_bavail)), total)
    });
    found.extend(disk.map(|disk| ("node_disk_ratio", label("node", &host), disk)));
    let node = vitals.nodes.iter().find(|node| node.name == host && node.status == NodeStatus::Online);
    let Some(node) = node else { return };
    if let Some(measuring) = sources.watchers.measuring_for() {
        let silent = sources.telemetry.measured_ago().map_or(measuring, |ago| ago.min(measuring));
        found.push(("node_heartbeat_seconds", label("node", &host), silent.as_secs_f64()));
    }
    let Some(usage) = sources.telemetry.usage() else { return };
    let Quantities([cpu, memory, ..]) = node.capacity;
    let of_node = [("node_cpu_ratio", usage.host.cpu_millis, cpu), ("node_memory_ratio", usage.host.memory, memory)];
    for (name, used, limit) in of_node {
        found.extend(share(used, limit).map(|share| (name, label("node", &host), share)));
    }
    for cage in vitals.cages.iter().filter(|cage| cage.node == host) {
        let (used, limits) = (usage.of(cage.id), &cage.limits);
        let of_cage = [
            ("cage_cpu_ratio", used.cpu_millis, limits.cpu.map(Cpu::as_millis)),
            ("cage_memory_ratio", used.memory, limits.memory.map(Bytes::get)),
            ("cage_tokens_ratio", used.tokens, limits.tokens.map(|limit| limit.tokens)),
        ];
        for (name, used, limit) in of_cage {
            if let Some(share) = share(used, limit.unwrap_or(0)) {
                let mut labels = label("cage", &cage.id.to_string());
                labels.insert("node".to_owned(), host.clone());
                found.push((name, labels, share));
            }
        }
    }
}
