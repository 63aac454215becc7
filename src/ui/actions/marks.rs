//! Marking rows, to act on many at once.

use crate::ui::action::{Action, always};

/// Marks the row under the cursor.
pub static MARK: Action = Action {
    name: "mark",
    title: "mark",
    help: "mark this row, or take its mark away, and go on to the next",
    changes: false,
    hint: 1,
    ready: always,
    run: |app| {
        app.with_list(|list, out| list.toggle_mark(out));
    },
};

/// Marks a range.
pub static MARK_RANGE: Action = Action {
    name: "mark_range",
    title: "mark range",
    help: "begin a range here; again: mark everything from there to here",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        app.with_list(|list, out| list.mark_range(out));
    },
};

/// Marks everything.
pub static MARK_ALL: Action = Action {
    name: "mark_all",
    title: "mark all",
    help: "mark everything that the filter lets through, at most 10,000",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        app.with_list(|list, out| list.mark_all(out));
    },
};
