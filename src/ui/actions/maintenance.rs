//! Withholding cages, and giving them back.

use crate::api::types::WireCommand;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::screen::{Item, Noun};
use crate::ui::step::{Order, Step};

/// Withholds cages, or gives them back when all of them are withheld.
pub static MAINTENANCE: Action = Action {
    name: "maintenance",
    title: "maintenance",
    help: "withhold the selected cages: what runs goes on, nothing new starts; again gives them back",
    changes: true,
    hint: 2,
    ready: |app| super::need(app, Noun::Cage, |_| None),
    run,
};

fn is_withheld(item: &Item) -> bool {
    item.state == "maintenance"
}

fn run(app: &mut App) {
    let Some(selection) = app.selection() else { return };
    let shown_first = selection.shown_first();
    let on = !selection.items.iter().all(is_withheld);
    // Those that are so already would only be refused.
    let items: Vec<Item> = selection.items.into_iter().filter(|item| is_withheld(item) != on).collect();
    let ids: Vec<_> = items.iter().filter_map(|item| item.id.parse().ok()).collect();
    let numbers: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    let what = match &items[..] {
        [one] => one.name.clone(),
        items => Noun::Cage.counted(items.len()),
    };
    let (title, option) = if on { (format!("withhold {what}"), "") } else { (format!("give back {what}"), "--off ") };
    let order = Order {
        line: format!("menagerie cage maintenance {option}{}", numbers.join(" ")),
        title,
        command: WireCommand::SetCageMaintenance { ids, on },
    };
    app.step(if shown_first { Step::Preview(order) } else { Step::Order(order) });
}
