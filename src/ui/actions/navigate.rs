//! Going from screen to screen, and back.

use crate::ui::action::{Action, always};
use crate::ui::app::App;
use crate::ui::place::Place;
use crate::ui::screen::Screen;
use crate::ui::step::Step;

macro_rules! go_to {
    ($($name:ident, $action:literal, $place:ident, $help:literal;)+) => {$(
        #[doc = $help]
        pub static $name: Action = Action {
            name: $action,
            title: $action,
            help: $help,
            changes: false,
            hint: 0,
            ready: always,
            run: |app| app.go(&Place::$place),
        };
    )+};
}

go_to! {
    OVERVIEW, "overview", Overview, "what one needs to know first";
    INBOX, "inbox", Inbox, "everything that waits for a human";
    CAGES, "cages", Cages, "the grid of all cages";
    AGENTS, "agents", Agents, "who works";
    TASKS, "tasks", Tasks, "what is queued, runs and is done";
    ARTIFACTS, "artifacts", Artifacts, "what agents made";
    ALERTS, "alerts", Alerts, "what needs an eye";
    METRICS, "metrics", Metrics, "figures over time, and GPUs";
    DASHBOARDS, "dashboards", Dashboards, "what the fleet did: top agents, timeline, errors, collaboration, days, trends";
    EVENTS, "events", Events, "the journal, live";
}

/// To the next screen that has a key of its own.
pub static NEXT_SCREEN: Action = Action {
    name: "next_screen",
    title: "next screen",
    help: "the next of the screens with a key of their own",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| by(app, 1),
};

/// Keeps the key of a screen that is not there yet.
pub static SESSIONS: Action = Action {
    name: "sessions",
    title: "sessions",
    help: "what agents say to each other",
    changes: false,
    hint: 0,
    ready: |_| Err("they come with a later version".to_owned()),
    run: |_| {},
};

/// To the one before.
pub static PREVIOUS_SCREEN: Action = Action {
    name: "previous_screen",
    title: "previous screen",
    help: "the one before among the screens with a key of their own",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| by(app, Place::MAIN.len() - 1),
};

fn by(app: &mut App, steps: usize) {
    let main = app.history.trail().first().cloned().unwrap_or(Place::Overview);
    let at = Place::MAIN.iter().position(|(place, _)| *place == main).unwrap_or(0);
    app.go(&Place::MAIN[(at + steps) % Place::MAIN.len()].0);
}

/// To where one was before.
pub static HISTORY_BACK: Action = Action {
    name: "history_back",
    title: "back in time",
    help: "where one was before, whichever way one came",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        if let Some(place) = app.history.earlier() {
            app.enter(&place);
        }
    },
};

/// Forward again.
pub static HISTORY_FORWARD: Action = Action {
    name: "history_forward",
    title: "forward again",
    help: "where one was before going back",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        if let Some(place) = app.history.later() {
            app.enter(&place);
        }
    },
};

/// Opens what the cursor is on.
pub static OPEN: Action = Action {
    name: "open",
    title: "open",
    help: "look closer at what the cursor is on",
    changes: false,
    hint: 3,
    ready: |app| match app.screen().and_then(Screen::target) {
        Some(_) => Ok(()),
        None => Err("there is nothing under the cursor to open".to_owned()),
    },
    run: |app| {
        if let Some(place) = app.screen().and_then(Screen::target) {
            app.step(Step::Go(place));
        }
    },
};

/// Out of things, the innermost first: a failure is read, marks go, the filter goes, the detail is left.
pub static BACK: Action = Action {
    name: "back",
    title: "back",
    help: "put a failure away as read; else clear marks, filter or search; else leave this detail",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        if app.toasts.read_shown() {
            return;
        }
        let cleared = app.with_list(|list, out| {
            if list.clear_marks() {
                return true;
            }
            let filtered = !list.filter().is_empty();
            list.set_filter(String::new(), out);
            filtered
        });
        if cleared != Some(true) && app.with_pager(crate::ui::pager::Pager::clear_search) != Some(true) {
            app.step(Step::Back);
        }
    },
};
