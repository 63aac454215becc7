//! Narrowing a list while one types.

use crate::ui::action::{Action, always};
use crate::ui::layers::prompt::Prompt;
use crate::ui::step::Step;

/// Asks for a filter.
pub static FILTER: Action = Action {
    name: "filter",
    title: "filter",
    help: "show only what matches: words, or status:failed priority:>7 owner:me age:<1h",
    changes: false,
    hint: 2,
    ready: always,
    run: |app| {
        let Some(now) = app.with_list(|list, _| list.filter().to_owned()) else { return };
        let help =
            "words match fuzzily; field:value  field:>7  -field:value  a,b means either; Enter keeps, Esc leaves";
        let prompt = Prompt::new("filter", now, help, |filter| Ok(vec![Step::Filter(filter.to_owned())]));
        app.open(Box::new(prompt.selected().live(|filter| Step::Filter(filter.to_owned()))));
    },
};
