//! Sorting a list.

use crate::ui::action::{Action, always};
use crate::ui::layers::menu::{Choice, Menu};
use crate::ui::step::Step;

/// Offers the columns to sort by.
pub static SORT: Action = Action {
    name: "sort",
    title: "sort",
    help: "choose a column to sort by; the same again turns the order round",
    changes: false,
    hint: 1,
    ready: always,
    run: |app| {
        let columns = app.with_list(|list, _| list.columns()).unwrap_or_default();
        let sortable = columns.iter().enumerate().filter(|(_, column)| column.sortable);
        let choices = sortable.map(|(place, column)| {
            let order = match column.sorted {
                Some(false) => "ascending now; again for descending",
                Some(true) => "descending now; again for ascending",
                None => "",
            };
            let remark = match (in_full(column.title), order) {
                ("", order) => order.to_owned(),
                (name, "") => name.to_owned(),
                (name, order) => format!("{name}, {order}"),
            };
            Choice::new(column.title.to_lowercase(), remark, move || Step::SortBy(place))
        });
        app.open(Box::new(Menu::new("sort by", choices.collect())));
    },
};

/// What a heading is short for, so that it is found by the whole word too; empty for one that is whole itself.
fn in_full(title: &str) -> &'static str {
    match title {
        "CPU" => "cores used",
        "CPUMAX" => "limit of cores",
        "MEM" => "memory used",
        "MEMMAX" => "limit of memory",
        "MEM%" => "share of memory used",
        "TOKENS" => "tokens used",
        "TOKMAX" => "limit of tokens",
        "PIDS" => "processes",
        "RUN" => "running executions",
        "PRI" => "priority",
        "DUE" => "deadline",
        "TRY" => "attempts",
        _ => "",
    }
}
