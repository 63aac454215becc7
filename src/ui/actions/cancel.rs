//! Taking tasks back.

use crate::api::types::WireCommand;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::confirm::Confirm;
use crate::ui::screen::Noun;
use crate::ui::step::{Order, Step};

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
    let ids_count = ids.len();
    let title = format!("cancel {}", Noun::Task.counted(ids.len()));
    let line = format!("menagerie task cancel {}", ids.join(" "));
    let running = selection.items.iter().filter(|item| item.state != "pending").count();
    let order = Order { command: WireCommand::CancelTasks { ids, note: None }, line, title: title.clone() };
    if running == 0 {
        // What waits can be given back its place by a retry, so there is nothing to ask.
        app.step(if selection.items.len() > 1 { Step::Preview(order) } else { Step::Order(order) });
    } else {
        let words = vec![if ids_count == 1 {
            "It runs and will be stopped at once. What it has done so far is lost.".to_owned()
        } else {
            format!("{running} of them run and will be stopped at once. What they have done so far is lost.")
        }];
        app.open(Box::new(Confirm::new(format!("{title}?"), words, "", Step::Order(order))));
    }
}
