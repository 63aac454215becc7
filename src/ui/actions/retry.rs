//! Giving ended tasks another life.

use crate::api::types::WireCommand;
use crate::ui::action::Action;
use crate::ui::screen::Noun;

/// Retries failed or cancelled tasks.
pub static RETRY: Action = Action {
    name: "retry",
    title: "retry",
    help: "give the selected failed or cancelled tasks another life",
    changes: true,
    hint: 1,
    ready: |app| {
        super::need(app, Noun::Task, |item| match item.state.as_str() {
            "failed" | "cancelled" => None,
            other => Some(format!("it is {other}; only what failed or was cancelled can be tried again")),
        })
    },
    run: |app| {
        super::order(app, "retry", "task retry", |ids| WireCommand::RetryTasks { ids });
    },
};
