//! Rows as the store would hand them over, made from a core's own state.

use crate::domain::snapshot::Snapshot;
use crate::engine::core::Core;

pub fn of(core: &Core) -> Snapshot {
    let tasks = core.tasks.numbers().into_iter().collect();
    let rows = core.rows(&tasks, core.artifacts.values().copied().collect(), core.alerts.iter().cloned().collect());
    Snapshot { past: core.selection.past(), ..rows }
}
