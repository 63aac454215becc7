//! Taking alerts, silencing them, saying that they are over, and going to what they are about.

use crate::api::types::WireCommand;
use crate::domain::time::When;
use crate::ui::action::{Action, always};
use crate::ui::app::App;
use crate::ui::layers::prompt::Prompt;
use crate::ui::screen::{Noun, Selection};
use crate::ui::step::{Order, Step};
use crate::ui::verb::quote;

/// Says that somebody knows.
pub static ACKNOWLEDGE: Action = Action {
    name: "acknowledge",
    title: "acknowledge",
    help: "say that somebody knows of the selected alerts and looks after them",
    changes: true,
    hint: 2,
    ready: |app| {
        super::need(app, Noun::Alert, |item| (item.state != "active").then(|| format!("it is {} already", item.state)))
    },
    run: |app| {
        super::order(app, "acknowledge", "alert acknowledge", |ids| WireCommand::AcknowledgeAlerts { ids, note: None });
    },
};

/// Says that somebody knows, and something about it.
pub static NOTE: Action = Action {
    name: "acknowledge_with_note",
    title: "acknowledge with note",
    help: "say that somebody knows of the selected alerts, and what",
    changes: true,
    hint: 1,
    ready: ACKNOWLEDGE.ready,
    run: |app| {
        let Some(selection) = app.selection() else { return };
        let help = "what the next one should know; may stay empty. Enter acknowledges, Esc leaves it";
        let prompt = Prompt::new("note", "", help, move |typed| {
            let note = super::given(typed);
            let option = note.as_ref().map(|note| format!("--note {}", quote(note))).unwrap_or_default();
            let command = |ids| WireCommand::AcknowledgeAlerts { ids, note };
            Ok(vec![order(&selection, "acknowledge", "acknowledge", &option, command)])
        });
        app.open(Box::new(prompt.changing()));
    },
};

/// Hides for a while.
pub static SILENCE: Action = Action {
    name: "silence",
    title: "silence",
    help: "do not let the selected alerts call anybody for a while, or again with off",
    changes: true,
    hint: 2,
    ready: not_over,
    run: |app| {
        let Some(selection) = app.selection() else { return };
        let help = "Enter: 1h; or how long: 30m, 8h, 2d; or until when: 2026-01-31T17:00:00Z; off shows them again";
        let prompt = Prompt::new("silence for", "", help, move |typed| {
            let typed = Some(typed.trim()).filter(|typed| !typed.is_empty()).unwrap_or("1h");
            let until =
                if typed == "off" { None } else { Some(typed.parse::<When>().map_err(|error| error.to_string())?) };
            let (what, option) = match until {
                Some(until) => (format!("silence for {typed}"), format!("--until {until}")),
                None => ("show again".to_owned(), "--off".to_owned()),
            };
            let order = order(&selection, &what, "silence", &option, |ids| WireCommand::SilenceAlerts { ids, until });
            Ok(vec![order])
        });
        app.open(Box::new(prompt.changing()));
    },
};

/// Says that it is over.
pub static RESOLVE: Action = Action {
    name: "resolve",
    title: "resolve",
    help: "say that the selected alerts are over, what was done and anything else",
    changes: true,
    hint: 2,
    ready: not_over,
    run: |app| {
        let Some(selection) = app.selection() else { return };
        let help = "what was done about it; may stay empty. Enter goes on to the notes";
        let prompt = Prompt::new("action", "", help, move |action| {
            let (selection, action) = (selection.clone(), super::given(action));
            let help = "anything else that the next one should know; may stay empty. Enter resolves";
            let notes = Prompt::new("notes", "", help, move |notes| {
                let (action, notes) = (action.clone(), super::given(notes));
                let option = |name: &str, value: &Option<String>| {
                    value.as_ref().map(|value| format!("--{name} {} ", quote(value))).unwrap_or_default()
                };
                let options = format!("{}{}", option("action", &action), option("notes", &notes));
                let command = |ids| WireCommand::ResolveAlerts { ids, action, notes };
                Ok(vec![order(&selection, "resolve", "resolve", options.trim(), command)])
            });
            Ok(vec![Step::Open(Box::new(notes.changing()))])
        });
        app.open(Box::new(prompt.changing()));
    },
};

/// Shows what is over, or what is not.
pub static OVER: Action = Action {
    name: "over",
    title: "over",
    help: "show the alerts that are over, or again those that are not",
    changes: false,
    hint: 1,
    ready: always,
    run: |app| {
        app.with_screen(|screen, out| screen.perform("over", out));
    },
};

/// Goes to what an alert is about.
pub static SOURCE: Action = Action {
    name: "source",
    title: "source",
    help: "go to the cage, agent or task that the alert is about",
    changes: false,
    hint: 2,
    ready: |app| match app.source() {
        Some(_) => Ok(()),
        None => Err("there is no screen of what it is about".to_owned()),
    },
    run: |app| {
        if let Some(place) = app.source() {
            app.step(Step::Go(place));
        }
    },
};

fn not_over(app: &App) -> Result<(), String> {
    super::need(app, Noun::Alert, |item| (item.state == "resolved").then(|| "it is over already".to_owned()))
}

/// The step that changes alerts: at once for one, with a preview for several.
fn order(
    selection: &Selection,
    what: &str,
    verb: &str,
    options: &str,
    command: impl FnOnce(Vec<String>) -> WireCommand,
) -> Step {
    let ids: Vec<String> = selection.items.iter().map(|item| item.id.clone()).collect();
    let title = match &selection.items[..] {
        [one] => format!("{what}: {}", one.name),
        items => format!("{what}: {}", Noun::Alert.counted(items.len())),
    };
    let line = format!("menagerie alert {verb} {} {options}", ids.join(" "));
    let order = Order { line: line.trim_end().to_owned(), title, command: command(ids) };
    if selection.shown_first() { Step::Preview(order) } else { Step::Order(order) }
}
