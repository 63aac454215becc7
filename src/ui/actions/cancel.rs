//! Taking tasks back.

use crate::api::types::WireCommand;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::confirm::Confirm;
use crate::ui::screen::Noun;
use crate::ui::step::{Order, Step};
use crate::ui::{text, verb};

/// Cancels tasks.
pub static CANCEL: Action = Action {
    name: "cancel",
    title: "cancel",
    help: "take the selected tasks back; what runs is stopped, and that cannot be taken back",
    changes: true,
    hint: 1,
    ready: |app| {
        super::need(app, Noun::Task, |item| match item.state.as_str() {
            "pending" | "scheduled" | "executing" => None,
            other => Some(format!("it is {other} already")),
        })
    },
    run,
};

fn run(app: &mut App) {
    let Some(selection) = app.selection() else { return };
    let ids: Vec<String> = selection.items.iter().map(|item| item.id.clone()).collect();
    let title = match &selection.items[..] {
        [one] => format!("cancel {}", text::fit(&text::clean(&one.name), 60)),
        items => format!("cancel {}", Noun::Task.counted(items.len())),
    };
    let running = selection.items.iter().any(|item| matches!(item.state.as_str(), "scheduled" | "executing"));
    let several = selection.shown_first() || selection.items.iter().any(|item| item.array);
    let command = WireCommand::CancelTasks { ids, note: None, pending_only: !several && !running };
    let order = Order { line: verb::line_of(&command), command, title: title.clone() };
    if several {
        // The engine knows best which of them run by now, and says it of each.
        app.step(Step::Preview(order));
    } else if running {
        let words = vec!["It runs and will be stopped at once. What it has done so far is lost.".to_owned()];
        app.open(Box::new(Confirm::new(format!("{title}?"), words, "", Step::Order(order))));
    } else {
        // What waits can be given back its place by a retry, so there is nothing to ask. What is in sight may be old: the engine
        // refuses it if it runs by now.
        app.step(Step::Order(order));
    }
}
