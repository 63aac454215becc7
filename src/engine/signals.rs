//! What the engine itself knows and rules look at, as metrics: once each time that rules are evaluated.

use std::path::PathBuf;
use std::time::Duration;

use super::core::risk;
use super::core::vitals::Vitals;
use super::figures::Figures;
use super::link::host_name;
use super::samples::{
    AGENT_HEALTH, AGENT_RESPONSE, CAGE_CPU_SHARE, CAGE_MEMORY_SHARE, CAGE_TOKENS_SHARE, DATA_DISK_SHARE,
    DEADLINE_SPARE, FLEET_COST, FLEET_ERRORS, Metric, NODE_HEARTBEAT, Point, QUEUE_WAIT, labels,
};
use super::telemetry::Telemetry;
use crate::domain::{AlertRule, Bytes, Cpu, NodeStatus, Timestamp};

/// How many executions must have ended lately before their share of failures says something.
const ENDED_LEAST: u64 = 10;
/// How many of the latest minutes that share is of.
const ERROR_MINUTES: usize = 5;

/// What is made here without a measurement of a worker.
const OWN: [&Metric; 7] =
    [&AGENT_HEALTH, &AGENT_RESPONSE, &DATA_DISK_SHARE, &DEADLINE_SPARE, &FLEET_COST, &FLEET_ERRORS, &NODE_HEARTBEAT];

/// What workers measure is about these.
const MEASURED: [&str; 4] = ["menagerie_node_", "menagerie_gpu_", "menagerie_cage_", "menagerie_agent_"];

/// The least between two measurements that a rule can ask for.
const NEEDED_LEAST: Duration = Duration::from_millis(500);

/// Whether workers measure a metric of the machine itself, busy or not.
pub fn is_of_machine(metric: &str) -> bool {
    ["menagerie_node_", "menagerie_gpu_"].iter().any(|beginning| metric.starts_with(beginning))
        && !OWN.iter().any(|own| own.name == metric)
}

/// How often workers have to measure so that the window of no rule is ever empty: twice in the shortest of those that look at
/// what workers measure. `None` when none does.
pub fn needed(rules: &[AlertRule]) -> Option<Duration> {
    let measured = |rule: &&AlertRule| {
        MEASURED.iter().any(|beginning| rule.metric.starts_with(beginning))
            && !OWN.iter().any(|metric| metric.name == rule.metric)
    };
    let shortest = rules.iter().filter(|rule| rule.enabled).filter(measured).map(|rule| rule.window).min();
    shortest.map(|window| (window.to_std() / 2).max(NEEDED_LEAST))
}

/// Where figures come from besides the core.
#[derive(Clone)]
pub struct Sources {
    /// What ended, and how.
    pub figures: Figures,
    /// What workers measured and agents reported.
    pub telemetry: Telemetry,
    /// Whose disk is looked at.
    pub data_dir: PathBuf,
}

/// The metrics of this moment. What nobody knows is not among them, and what workers measure comes from them.
pub fn signals(vitals: &Vitals, sources: &Sources, now: Timestamp) -> Vec<Point> {
    let mut found = vec![];
    fleet(vitals, sources, now, &mut found);
    for agent in &vitals.agents {
        found.push(Point { metric: &AGENT_HEALTH, labels: labels(&[("agent", &agent.name)]), value: agent.health });
        if let Some(response) = agent.response {
            found.push(Point {
                metric: &AGENT_RESPONSE,
                labels: labels(&[("agent", &agent.name)]),
                value: response.as_secs_f64(),
            });
        }
    }
    found.extend(risk::at_risk(&vitals.due, now, &sources.figures).map(|(spare, due, _)| Point {
        metric: &DEADLINE_SPARE,
        labels: labels(&[("task", &due.task_id.to_string())]),
        value: spare as f64 / 1e6,
    }));
    measured(vitals, sources, &mut found);
    found
}

fn fleet(vitals: &Vitals, sources: &Sources, now: Timestamp, found: &mut Vec<Point>) {
    let wait = vitals.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
    found.push(Point { metric: &QUEUE_WAIT, labels: labels(&[]), value: wait });
    let minutes = sources.figures.minutes(now);
    let late = minutes.iter().rev().take(ERROR_MINUTES);
    let (completed, failed) = late.fold((0, 0), |(done, failed), it| (done + it.completed, failed + it.failed));
    if completed + failed >= ENDED_LEAST {
        found.push(Point {
            metric: &FLEET_ERRORS,
            labels: labels(&[]),
            value: failed as f64 / (completed + failed) as f64,
        });
    }
    let running = sources.telemetry.reported().1;
    if let Some(cost) = minutes.iter().map(|minute| minute.cost).chain([running]).flatten().reduce(|a, b| a + b) {
        found.push(Point { metric: &FLEET_COST, labels: labels(&[]), value: cost });
    }
}

/// What workers measure, of what there may be. The one worker is on this machine.
fn measured(vitals: &Vitals, sources: &Sources, found: &mut Vec<Point>) {
    let host = host_name();
    let share = |used: Option<u64>, limit: u64| used.filter(|_| limit > 0).map(|used| used as f64 / limit as f64);
    let disk = rustix::fs::statvfs(&sources.data_dir).ok().and_then(|disk| {
        let total = disk.f_blocks.saturating_sub(disk.f_bfree.saturating_sub(disk.f_bavail));
        share(Some(total.saturating_sub(disk.f_bavail)), total)
    });
    let of_node = labels(&[("node", &host)]);
    found.extend(disk.map(|value| Point { metric: &DATA_DISK_SHARE, labels: of_node.clone(), value }));
    if !vitals.nodes.iter().any(|node| node.name == host && node.status == NodeStatus::Online) {
        return;
    }
    if let Some(silent) = sources.telemetry.heard_ago() {
        found.push(Point { metric: &NODE_HEARTBEAT, labels: of_node, value: silent.as_secs_f64() });
    }
    let Some(usage) = sources.telemetry.usage() else { return };
    for cage in vitals.cages.iter().filter(|cage| cage.node == host) {
        let Some(used) = usage.of(cage.id) else { continue };
        let limits = &cage.limits;
        let of_cage = [
            (&CAGE_CPU_SHARE, used.cpu_millis, limits.cpu.map(Cpu::as_millis)),
            (&CAGE_MEMORY_SHARE, used.memory, limits.memory.map(Bytes::get)),
            (&CAGE_TOKENS_SHARE, used.tokens, limits.tokens.map(|limit| limit.tokens)),
        ];
        let labels = labels(&[("node", &host), ("cage", &cage.id.to_string())]);
        for (metric, used, limit) in of_cage {
            let value = share(used, limit.unwrap_or(0));
            found.extend(value.map(|value| Point { metric, labels: labels.clone(), value }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AlertRulePatch;

    #[test]
    fn workers_measure_twice_in_the_shortest_window_that_needs_them() {
        let rule = |metric: &str, window: &str, enabled: bool| {
            let limit = if metric.ends_with("_seconds") { "1s" } else { "1" };
            let patch = serde_json::json!({
                "name": "r", "metric": metric, "warning": limit, "window": window, "enabled": enabled,
            });
            serde_json::from_value::<AlertRulePatch>(patch).unwrap().over(None).unwrap()
        };
        let slow = rule("menagerie_cage_pids", "1m", true);
        let of_engine = rule("menagerie_node_heartbeat_seconds", "1s", true);
        let own = rule("menagerie_queue_wait_seconds", "1s", true);
        let off = rule("menagerie_cage_pids", "2s", false);
        let fast = rule("menagerie_gpu_processes", "5s", true);
        assert_eq!(needed(&[of_engine.clone(), own.clone(), off.clone()]), None);
        assert_eq!(needed(&[slow.clone(), of_engine, own, off]), Some(Duration::from_secs(30)));
        assert_eq!(needed(&[slow, fast]), Some(Duration::from_millis(2500)));
        assert_eq!(needed(&[rule("menagerie_cage_pids", "1s", true)]), Some(NEEDED_LEAST));
    }
}
