//! Withholding agents, letting them work again, changing and removing them.

use crate::api::types::WireCommand;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::agent_form::AgentForm;
use crate::ui::screen::{Item, Noun};
use crate::ui::step::{Order, Step};
use crate::ui::verb::quote;

/// Drains agents.
pub static DRAIN: Action = Action {
    name: "drain",
    title: "drain",
    help: "let the selected agents end what they have and take nothing new",
    changes: true,
    hint: 1,
    ready: |app| {
        super::need(app, Noun::Agent, |item| {
            (item.state == "maintenance").then(|| "it is drained already; resume lets it work again".to_owned())
        })
    },
    run: |app| order(app, "drain", "agent drain", |ids| WireCommand::DrainAgents { ids }),
};

/// Lets drained or paused agents work again.
pub static RESUME: Action = Action {
    name: "resume",
    title: "resume",
    help: "let drained agents work again, and those that a breaker pauses after failures: that resets the breaker",
    changes: true,
    hint: 1,
    ready: |app| {
        super::need(app, Noun::Agent, |item| match item.state.as_str() {
            // What was never in sight is for the engine to judge.
            "maintenance" | "error" | "" => None,
            other => Some(format!("it is {other}: neither drained nor paused by its breaker")),
        })
    },
    run: |app| {
        let broken = app.selection().is_some_and(|selection| selection.items.iter().all(|item| item.state == "error"));
        let what = if broken { "reset the breaker of" } else { "resume" };
        order(app, what, "agent resume", |ids| WireCommand::ResumeAgents { ids });
    },
};

/// Opens a form with what is declared about an agent.
pub static EDIT: Action = Action {
    name: "edit_agent",
    title: "edit",
    help: "change what is declared about the agent: a form with all its fields",
    changes: true,
    hint: 2,
    ready: |app| one(app).map(|_| ()),
    run: |app| {
        if let Ok(agent) = one(app) {
            app.open(Box::new(AgentForm::new(agent.id, agent.name)));
        }
    },
};

/// The one agent that is meant: the only marked one, else the one under the cursor.
fn one(app: &App) -> Result<Item, String> {
    let selection = app.selection().filter(|selection| selection.noun == Noun::Agent);
    match selection.map(|selection| selection.items) {
        Some(mut items) if items.len() == 1 => Ok(items.remove(0)),
        Some(items) if items.len() > 1 => {
            Err(format!("{} are marked; one is edited at a time", Noun::Agent.counted(items.len())))
        }
        _ => Err("no agent is selected".to_owned()),
    }
}

/// Removes agents.
pub static REMOVE: Action = Action {
    name: "remove",
    title: "remove",
    help: "remove the selected agents; what runs has to end first: drain them before",
    changes: true,
    hint: 1,
    ready: |app| {
        super::need(app, Noun::Agent, |item| {
            matches!(item.state.as_str(), "active" | "busy")
                .then(|| "it works; drain it, and remove it when it has ended".to_owned())
        })
    },
    run: |app| order(app, "remove", "agent remove", |ids| WireCommand::RemoveAgents { ids }),
};

/// Orders a change of the selected agents, named as people name them: at once for one, with a preview for several.
fn order(app: &mut App, what: &str, verb: &str, command: impl FnOnce(Vec<String>) -> WireCommand) {
    let Some(selection) = app.selection() else { return };
    let names: Vec<String> = selection.items.iter().map(|item| item.name.clone()).collect();
    let title = match &names[..] {
        [one] => format!("{what} agent {one}"),
        names => format!("{what} {}", Noun::Agent.counted(names.len())),
    };
    let line = names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(" ");
    let order = Order { line: format!("menagerie {verb} {line}"), title, command: command(names) };
    app.step(if selection.shown_first() { Step::Preview(order) } else { Step::Order(order) });
}
