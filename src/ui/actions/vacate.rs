//! Sending the agents of cages away.

use crate::api::types::WireCommand;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::screen::{Item, Noun};
use crate::ui::step::{Order, Step};

/// Empties cages.
pub static VACATE: Action = Action {
    name: "vacate",
    title: "vacate",
    help: "send the agents of the selected cages away: their work is stopped and queued again; shows first what changes",
    changes: true,
    hint: 2,
    ready: |app| {
        super::need(app, Noun::Cage, |item| {
            (item.state == "vacant").then(|| "nobody lives there, so there is nobody to send away".to_owned())
        })
    },
    run,
};

/// Stops work, so it is shown first what it does, for one cage too.
fn run(app: &mut App) {
    let Some(selection) = app.selection() else { return };
    let items: Vec<Item> = selection.items.into_iter().filter(|item| item.state != "vacant").collect();
    let ids: Vec<_> = items.iter().filter_map(|item| item.id.parse().ok()).collect();
    let numbers: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    let what = match &items[..] {
        [one] => one.name.clone(),
        items => Noun::Cage.counted(items.len()),
    };
    let order = Order {
        line: format!("menagerie cage vacate {}", numbers.join(" ")),
        title: format!("vacate {what}"),
        command: WireCommand::VacateCages { ids },
    };
    app.step(Step::Preview(order));
}
