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
            let remark = match column.sorted {
                Some(false) => "ascending now; again for descending",
                Some(true) => "descending now; again for ascending",
                None => "",
            };
            Choice::new(column.title.to_lowercase(), remark, move || Step::SortBy(place))
        });
        app.open(Box::new(Menu::new("sort by", choices.collect())));
    },
};
