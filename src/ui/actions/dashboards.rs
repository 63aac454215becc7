//! Going from dashboard to dashboard.

use super::grid::{only_in, perform};
use crate::ui::action::{Action, Scope};

const DASHBOARDS: &[Scope] = &[Scope::Dashboards];

/// The next one.
pub static NEXT_DASHBOARD: Action = Action {
    name: "next_dashboard",
    title: "next",
    help: "the next dashboard: top agents, timeline, errors, collaboration, days, trends",
    changes: false,
    hint: 3,
    ready: |app| only_in(app, DASHBOARDS),
    run: |app| perform(app, "next_dashboard"),
};

/// The one before.
pub static PREVIOUS_DASHBOARD: Action = Action {
    name: "previous_dashboard",
    title: "previous",
    help: "the dashboard before",
    changes: false,
    hint: 1,
    ready: |app| only_in(app, DASHBOARDS),
    run: |app| perform(app, "previous_dashboard"),
};

/// Other agents together, or by another figure.
pub static ANOTHER_GROUP: Action = Action {
    name: "another_group",
    title: "regroup",
    help: "top agents by another figure; the others per agent, kind, division, owner or type of task",
    changes: false,
    hint: 3,
    ready: |app| only_in(app, DASHBOARDS),
    run: |app| perform(app, "another_group"),
};
