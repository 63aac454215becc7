//! Choosing the columns of a list.

use crate::ui::action::{Action, always};
use crate::ui::layers::menu::{Choice, Menu};
use crate::ui::step::Step;

/// Offers the columns to show or hide.
pub static COLUMNS: Action = Action {
    name: "columns",
    title: "columns",
    help: "show or hide a column",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        let columns = app.with_list(|list, _| list.columns()).unwrap_or_default();
        let choices = columns.iter().enumerate().map(|(place, column)| {
            let remark = if column.shown { "shown; choose to hide" } else { "hidden; choose to show" };
            Choice::new(column.title.to_lowercase(), remark, move || Step::ToggleColumn(place))
        });
        app.open(Box::new(Menu::new("columns", choices.collect())));
    },
};
