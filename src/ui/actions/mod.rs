//! What a person can do, one action or one family a file, and the one list of all of them.

/// Declares actions that the screen itself performs, on the screens of some scopes.
macro_rules! performed {
    ($($name:ident, $action:literal, $title:literal, $hint:literal, $scopes:expr, $help:literal;)+) => {$(
        #[doc = $help]
        pub static $name: Action = Action {
            name: $action,
            title: $title,
            help: $help,
            changes: false,
            hint: $hint,
            ready: |app| only_in(app, $scopes),
            run: |app| perform(app, $action),
        };
    )+};
}

mod action_log;
mod agents;
pub mod alert_rules;
mod alerts;
mod cancel;
mod columns;
mod copy;
mod dashboards;
mod dependencies;
mod describe;
mod events;
mod explain;
mod failure;
mod filter;
mod freeze;
mod grid;
mod help;
mod maintenance;
mod marks;
mod matches;
mod metrics;
mod motion;
mod navigate;
mod output;
mod pager;
mod palette;
pub(super) mod past;
mod priority;
mod quit;
mod rate;
mod reassign;
mod refresh;
mod retry;
mod review;
mod shutdown;
mod silences;
mod snooze;
mod sort;
mod start;
mod submit;
mod theme;
mod tree;
mod triage;
mod undo;
mod vacate;

use super::action::Action;
use super::app::App;
use super::screen::{Item, Noun};
use super::step::{Order, Step};
use crate::api::types::WireCommand;

/// Every action.
pub static ALL: &[&Action] = &[
    &navigate::OPEN,
    &navigate::BACK,
    &triage::OPEN_ITEM,
    &review::APPROVE,
    &review::REJECT,
    &review::NOTE,
    &snooze::SNOOZE,
    &triage::GROUP,
    &triage::SHOW_SNOOZED,
    &triage::CHANGES,
    &triage::PROPOSAL,
    &triage::TEXT_DOWN,
    &triage::TEXT_UP,
    &explain::EXPLAIN,
    &output::OUTPUT,
    &dependencies::DEPENDENCIES,
    &submit::SUBMIT,
    &submit::EDIT,
    &cancel::CANCEL,
    &retry::RETRY,
    &priority::PRIORITY,
    &rate::RATE,
    &maintenance::MAINTENANCE,
    &vacate::VACATE,
    &grid::MEASURE,
    &grid::FULLEST_FIRST,
    &grid::GRID_OR_LIST,
    &grid::CAGE_OUTPUT,
    &grid::ATTEMPT_OUTPUT,
    &grid::FACTS_DOWN,
    &grid::FACTS_UP,
    &grid::NEXT_PANEL,
    &grid::NEXT_ROW,
    &grid::PREVIOUS_ROW,
    &grid::FIRST_ROW,
    &grid::LAST_ROW,
    &grid::CELL_LEFT,
    &grid::CELL_RIGHT,
    &grid::NEXT_CELL,
    &grid::PREVIOUS_CELL,
    &reassign::REASSIGN,
    &agents::DRAIN,
    &agents::RESUME,
    &agents::EDIT,
    &agents::REMOVE,
    &alerts::ACKNOWLEDGE,
    &alerts::NOTE,
    &alerts::SILENCE,
    &alerts::RESOLVE,
    &alerts::OVER,
    &alerts::SOURCE,
    &alert_rules::RULES,
    &alert_rules::ENABLE,
    &alert_rules::TEST,
    &alert_rules::THRESHOLDS,
    &alert_rules::SILENCE,
    &alert_rules::NEW,
    &alert_rules::REMOVE,
    &silences::SILENCES,
    &silences::NEW,
    &silences::END,
    &describe::DESCRIBE,
    &metrics::RANGE_LONGER,
    &metrics::RANGE_SHORTER,
    &metrics::FUNCTION,
    &metrics::EARLIER,
    &metrics::LATER,
    &metrics::COMPARE,
    &metrics::WHOLE_CHART,
    &metrics::GPUS,
    &dashboards::NEXT_DASHBOARD,
    &dashboards::PREVIOUS_DASHBOARD,
    &dashboards::ANOTHER_GROUP,
    &events::FOLLOW,
    &events::KINDS,
    &tree::TREE,
    &tree::FOLD,
    &tree::FOLD_CLOSE,
    &tree::FOLD_OPEN,
    &undo::UNDO,
    &undo::UNDO_OLDER,
    &undo::REDO,
    &filter::FILTER,
    &pager::SEARCH,
    &pager::FOLLOW,
    &pager::WRAP,
    &pager::SCROLL_LEFT,
    &pager::SCROLL_RIGHT,
    &pager::COPY_TEXT,
    &matches::NEXT_MATCH,
    &matches::PREVIOUS_MATCH,
    &marks::MARK,
    &marks::MARK_RANGE,
    &marks::MARK_ALL,
    &sort::SORT,
    &columns::COLUMNS,
    &copy::COPY,
    &action_log::ACTION_LOG,
    &failure::FAILURE,
    &help::HELP,
    &palette::PALETTE,
    &past::AT,
    &past::NOW,
    &past::BACK,
    &past::FORWARD,
    &past::MINUTE_BACK,
    &past::MINUTE_FORWARD,
    &theme::THEME,
    &freeze::FREEZE,
    &refresh::REFRESH,
    &refresh::REDRAW,
    &start::START,
    &shutdown::SHUTDOWN,
    &shutdown::SHUTDOWN_ALL,
    &quit::QUIT,
    &navigate::OVERVIEW,
    &navigate::INBOX,
    &navigate::CAGES,
    &navigate::AGENTS,
    &navigate::TASKS,
    &navigate::ARTIFACTS,
    &navigate::ALERTS,
    &navigate::SESSIONS,
    &navigate::METRICS,
    &navigate::DASHBOARDS,
    &navigate::EVENTS,
    &navigate::NEXT_SCREEN,
    &navigate::PREVIOUS_SCREEN,
    &navigate::HISTORY_BACK,
    &navigate::HISTORY_FORWARD,
    &motion::DOWN,
    &motion::UP,
    &motion::TOP,
    &motion::BOTTOM,
    &motion::HALF_PAGE_DOWN,
    &motion::HALF_PAGE_UP,
    &motion::PAGE_DOWN,
    &motion::PAGE_UP,
];

/// Words that people know from elsewhere, by the name of the action that they mean.
pub static SYNONYMS: &[(&str, &[&str])] = &[
    ("describe", &["info", "show", "inspect"]),
    ("approve", &["accept"]),
    ("reject", &["deny", "refuse"]),
    ("snooze", &["postpone", "defer"]),
    ("explain", &["reason"]),
    ("output", &["log", "logs", "tail"]),
    ("cage_output", &["log", "logs", "tail"]),
    ("attempt_output", &["log", "logs", "tail"]),
    ("dependencies", &["graph", "dag"]),
    ("submit", &["create"]),
    ("cancel", &["kill", "stop", "abort", "delete"]),
    ("retry", &["rerun", "restart", "repeat"]),
    ("maintenance", &["cordon"]),
    ("vacate", &["evict"]),
    ("measure", &["memory", "cpu", "tokens"]),
    ("another_group", &["per", "division", "owner"]),
    ("rate", &["stars", "praise", "blame"]),
    ("reassign", &["move", "transfer"]),
    ("edit_agent", &["change", "modify"]),
    ("drain", &["cordon", "pause"]),
    ("resume", &["uncordon", "continue"]),
    ("acknowledge", &["ack"]),
    ("silence", &["mute"]),
    ("undo", &["revert"]),
    ("filter", &["find", "grep"]),
    ("search", &["find", "grep"]),
    ("mark", &["select"]),
    ("sort", &["order"]),
    ("copy", &["yank"]),
    ("action_log", &["history", "audit"]),
    ("palette", &["command"]),
    ("theme", &["colors", "colours"]),
    ("freeze", &["hold", "pause"]),
    ("refresh", &["reload"]),
    ("quit", &["exit", "leave"]),
];

/// What was typed; `None` for nothing.
fn given(typed: &str) -> Option<String> {
    Some(typed.trim().to_owned()).filter(|typed| !typed.is_empty())
}

/// Whether things of a kind are selected and at least one of them will do; else why not. `obstacle` says what is wrong
/// with one.
fn need(app: &App, noun: Noun, obstacle: impl Fn(&Item) -> Option<String>) -> Result<(), String> {
    let Some(selection) = app.selection().filter(|selection| selection.noun == noun) else {
        return Err(format!("no {} is selected", noun.counted(1).trim_start_matches("1 ")));
    };
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for item in &selection.items {
        let Some(why) = obstacle(item) else { return Ok(()) };
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, times)) => *times += 1,
            None => reasons.push((why, 1)),
        }
    }
    match (&reasons[..], selection.items.len()) {
        ([], _) => Ok(()),
        ([(why, _)], 1) => Err(why.clone()),
        ([(why, _)], number) => Err(format!("none of {}: {why}", noun.counted(number))),
        (reasons, number) => {
            let said: Vec<String> = reasons.iter().map(|(why, times)| format!("{why} ({times} of them)")).collect();
            Err(format!("none of {}: {}", noun.counted(number), said.join(", ")))
        }
    }
}

/// The one task that is meant: the only marked one, else the one under the cursor.
fn one_task(app: &App) -> Result<Item, String> {
    let selection = app.selection().filter(|selection| selection.noun == Noun::Task);
    match selection.map(|selection| selection.items) {
        Some(mut items) if items.len() == 1 => Ok(items.remove(0)),
        Some(items) => Err(format!("{} are marked; it works for one at a time", Noun::Task.counted(items.len()))),
        None => Err("no task is selected".to_owned()),
    }
}

/// Orders a change of what is selected: at once for what is under the cursor, with a preview for several and for marks. `verb` is the command line's
/// after `menagerie`, to which the ids are added.
fn order(app: &mut App, what: &str, verb: &str, command: impl FnOnce(Vec<String>) -> WireCommand) {
    let Some(selection) = app.selection() else { return };
    let ids: Vec<String> = selection.items.iter().map(|item| item.id.clone()).collect();
    let title = match &selection.items[..] {
        [one] => format!("{what} {}", super::text::clean(&one.name)),
        items => format!("{what} {}", selection.noun.counted(items.len())),
    };
    let order = Order { line: format!("menagerie {verb} {}", ids.join(" ")), title, command: command(ids) };
    app.step(if selection.shown_first() { Step::Preview(order) } else { Step::Order(order) });
}
