//! Changing what comes first.

use crate::api::types::WireCommand;
use crate::ui::action::Action;
use crate::ui::layers::prompt::Prompt;
use crate::ui::screen::Noun;
use crate::ui::step::{Order, Step};

/// Changes the priority of tasks.
pub static PRIORITY: Action = Action {
    name: "priority",
    title: "priority",
    help: "change the priority of the selected tasks, 1 to 10, 10 first",
    changes: true,
    hint: 1,
    ready: |app| {
        super::need(app, Noun::Task, |item| match item.state.as_str() {
            "pending" | "scheduled" | "executing" => None,
            other => Some(format!("it is {other}; its priority no longer matters")),
        })
    },
    run: |app| {
        let Some(selection) = app.selection() else { return };
        let ids: Vec<String> = selection.items.iter().map(|item| item.id.clone()).collect();
        let shown_first = selection.shown_first();
        let prompt = Prompt::new("priority", "", "1 to 10; 10 comes first, 5 is usual", move |typed| {
            let priority = typed.trim().parse::<u8>().ok().filter(|priority| (1..=10).contains(priority));
            let priority = priority.ok_or_else(|| format!("{typed:?} is no priority: write a number from 1 to 10"))?;
            let title = format!("priority {priority} for {}", Noun::Task.counted(ids.len()));
            let line = format!("menagerie task prioritise --priority {priority} {}", ids.join(" "));
            let order = Order { command: WireCommand::PrioritiseTasks { ids: ids.clone(), priority }, line, title };
            Ok(vec![if shown_first { Step::Preview(order) } else { Step::Order(order) }])
        });
        app.open(Box::new(prompt.changing()));
    },
};
