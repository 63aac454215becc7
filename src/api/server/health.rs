//! How each part of the engine is, why, and what to do about it.

use crate::api::live::{Health, HealthState};
use crate::domain::{Bytes, NodeStatus, Span, Timestamp};
use crate::engine::core::look::OverviewView;

/// Below which share of the disk somebody should look, and below which hardly anything works any more.
const DISK_LOW: f64 = 0.05;
const DISK_FULL: f64 = 0.01;
/// A task that could start and has waited for so long deserves a look.
const WAIT_LONG: Span = Span::from_secs(3600);

/// The file system under the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Disk {
    /// Bytes that may still be written.
    pub(super) free: u64,
    /// Bytes in all.
    pub(super) total: u64,
}

/// Each part, the worst first.
pub(super) fn judge(view: &OverviewView, read_only: bool, disk: Option<Disk>, now: Timestamp) -> Vec<Health> {
    let mut parts = vec![store(read_only), worker(view), queue(view, now), agents(view), space(disk)];
    let rank = |state| match state {
        HealthState::Failed => 0,
        HealthState::Degraded => 1,
        HealthState::Unknown => 2,
        HealthState::Ok => 3,
    };
    parts.sort_by_key(|part| rank(part.state));
    parts
}

fn part(component: &str, state: HealthState, reason: impl Into<String>, remedy: impl Into<String>) -> Health {
    Health { component: component.to_owned(), state, reason: reason.into(), remedy: remedy.into() }
}

fn well(component: &str) -> Health {
    part(component, HealthState::Ok, "", "")
}

fn store(read_only: bool) -> Health {
    if !read_only {
        return well("store");
    }
    part(
        "store",
        HealthState::Failed,
        "the engine is read-only: its store takes no changes",
        "look at engine.log in the data directory; it goes on by itself once the store works again",
    )
}

fn worker(view: &OverviewView) -> Health {
    let lost: Vec<&str> =
        view.nodes.iter().filter(|node| node.status == NodeStatus::Lost).map(|node| node.name.as_str()).collect();
    let remedy = "look at worker.log in the data directory";
    match (view.nodes.len(), lost.len()) {
        (0, _) => part("worker", HealthState::Failed, "no worker has ever connected", remedy),
        (_, 0) => well("worker"),
        (all, gone) => {
            let state = if gone == all { HealthState::Failed } else { HealthState::Degraded };
            let reason = format!("{gone} of {all} machines cannot be reached: {}", lost.join(", "));
            part("worker", state, reason, remedy)
        }
    }
}

fn queue(view: &OverviewView, now: Timestamp) -> Health {
    let wait = view.oldest.map(|oldest| now.since(oldest));
    if view.unsatisfiable > 0 {
        let many = if view.unsatisfiable == 1 { "1 task asks" } else { &format!("{} tasks ask", view.unsatisfiable) };
        let reason = format!("{many} for what no cage and agent together can do");
        return part("queue", HealthState::Degraded, reason, "menagerie task explain TASK says what is missing");
    }
    match wait {
        Some(wait) if wait > WAIT_LONG => {
            let reason = format!("the oldest task has waited for {}", wait.human());
            part("queue", HealthState::Degraded, reason, "menagerie task explain TASK says what it waits for")
        }
        _ => well("queue"),
    }
}

fn agents(view: &OverviewView) -> Health {
    let (count, names) = &view.tripped;
    if *count == 0 {
        return well("agents");
    }
    let more = if *count > names.len() as u64 { " and others" } else { "" };
    let noun = if *count == 1 { "1 agent is" } else { &format!("{count} agents are") };
    let reason = format!("{noun} paused after repeated failures: {}{more}", names.join(", "));
    let remedy = format!("menagerie agent resume {}", names.first().map_or("AGENT", String::as_str));
    part("agents", HealthState::Degraded, reason, remedy)
}

fn space(disk: Option<Disk>) -> Health {
    let Some(Disk { free, total }) = disk.filter(|disk| disk.total > 0) else {
        return part("disk", HealthState::Unknown, "the data directory's disk does not say what is free", "");
    };
    let share = free as f64 / total as f64;
    if share >= DISK_LOW {
        return well("disk");
    }
    let state = if share < DISK_FULL { HealthState::Failed } else { HealthState::Degraded };
    let reason = format!("{:.1} % of the data directory's disk is free: {}", share * 100.0, Bytes::new(free).human());
    part("disk", state, reason, "make room, or move the data directory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::requirements::Quantities;
    use crate::engine::core::look::NodeView;

    fn view(nodes: &[NodeStatus]) -> OverviewView {
        let node = |status: &NodeStatus| NodeView {
            name: "here".to_owned(),
            status: *status,
            capacity: Quantities::ZERO,
            granted: Quantities::ZERO,
        };
        OverviewView {
            nodes: nodes.iter().map(node).collect(),
            oldest: None,
            unsatisfiable: 0,
            tripped: (0, vec![]),
            due: vec![],
        }
    }

    const ROOMY: Option<Disk> = Some(Disk { free: 50, total: 100 });

    fn states(view: &OverviewView, read_only: bool, disk: Option<Disk>, now: i64) -> Vec<(String, HealthState)> {
        let parts = judge(view, read_only, disk, Timestamp::from_micros(now * 1_000_000));
        for part in &parts {
            assert_eq!(part.reason.is_empty(), part.state == HealthState::Ok, "{part:?}");
        }
        parts.into_iter().map(|part| (part.component, part.state)).collect()
    }

    #[test]
    fn all_is_well_until_something_is_not() {
        let fine = view(&[NodeStatus::Online]);
        let found = states(&fine, false, ROOMY, 0);
        assert_eq!(found.len(), 5);
        assert!(found.iter().all(|(_, state)| *state == HealthState::Ok), "{found:?}");
        let worst = |view: &OverviewView, read_only, disk, now| states(view, read_only, disk, now).swap_remove(0);
        let expect = |component: &str, state| (component.to_owned(), state);
        assert_eq!(worst(&fine, true, ROOMY, 0), expect("store", HealthState::Failed));
        assert_eq!(worst(&view(&[]), false, ROOMY, 0), expect("worker", HealthState::Failed));
        assert_eq!(worst(&view(&[NodeStatus::Lost]), false, ROOMY, 0), expect("worker", HealthState::Failed));
        let one_of_two = view(&[NodeStatus::Lost, NodeStatus::Online]);
        assert_eq!(worst(&one_of_two, false, ROOMY, 0), expect("worker", HealthState::Degraded));
        let low = |free| Some(Disk { free, total: 1000 });
        assert_eq!(worst(&fine, false, low(49), 0), expect("disk", HealthState::Degraded));
        assert_eq!(worst(&fine, false, low(9), 0), expect("disk", HealthState::Failed));
        assert_eq!(worst(&fine, false, low(50), 0).1, HealthState::Ok);
        assert_eq!(worst(&fine, false, None, 0), expect("disk", HealthState::Unknown));
        let waiting = OverviewView { oldest: Some(Timestamp::from_micros(1)), ..fine.clone() };
        assert_eq!(worst(&waiting, false, ROOMY, 3600).1, HealthState::Ok);
        assert_eq!(worst(&waiting, false, ROOMY, 3602), expect("queue", HealthState::Degraded));
        let hopeless = OverviewView { unsatisfiable: 2, ..fine.clone() };
        assert_eq!(worst(&hopeless, false, ROOMY, 0), expect("queue", HealthState::Degraded));
        let tripped = OverviewView { tripped: (1, vec!["a".to_owned()]), ..fine };
        assert_eq!(worst(&tripped, true, ROOMY, 0), expect("store", HealthState::Failed), "the worst comes first");
        assert_eq!(states(&tripped, true, ROOMY, 0)[1], expect("agents", HealthState::Degraded));
    }
}
