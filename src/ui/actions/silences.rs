//! Silences: going to them, making and ending them.

use super::grid::only_in;
use crate::api::types::WireCommand;
use crate::domain::Matcher;
use crate::ui::action::{Action, Scope, always};
use crate::ui::layers::prompt::Prompt;
use crate::ui::place::Place;
use crate::ui::screen::Noun;
use crate::ui::step::{Order, Step};

/// Goes to them.
pub static SILENCES: Action = Action {
    name: "silences",
    title: "silences",
    help: "which alerts call nobody, and until when",
    changes: false,
    hint: 1,
    ready: always,
    run: |app| app.go(&Place::Silences),
};

/// Makes one.
pub static NEW: Action = Action {
    name: "new_silence",
    title: "new silence",
    help: "let alerts of some rules about some sources call nobody for a while",
    changes: true,
    hint: 3,
    ready: |app| only_in(app, &[Scope::Silences]),
    run: |app| {
        let help =
            "which rule or trigger, such as cage-memory or node*; empty for every one. Enter goes on to the source";
        let prompt = Prompt::new("rule", "", help, |rule| {
            let rule = super::given(rule);
            let help = "about what, such as cage 00* or agent builder; empty for everything. Enter goes on to the time";
            let source = Prompt::new("source", "", help, move |source| {
                let matcher = Matcher { rule: rule.clone(), source: super::given(source) };
                matcher.check().map_err(|refusal| refusal.to_string())?;
                Ok(vec![Step::Open(Box::new(super::alert_rules::silence(matcher)))])
            });
            Ok(vec![Step::Open(Box::new(source))])
        });
        app.open(Box::new(prompt));
    },
};

/// Ends some.
pub static END: Action = Action {
    name: "end_silences",
    title: "end",
    help: "end the selected silences before their time",
    changes: true,
    hint: 3,
    ready: |app| super::need(app, Noun::Silence, |_| None),
    run: |app| {
        let Some(selection) = app.selection() else { return };
        let ids = selection.items.iter().filter_map(|item| item.id.parse().ok()).collect();
        let shown: Vec<&str> = selection.items.iter().map(|item| item.id.as_str()).collect();
        let title = match &selection.items[..] {
            [one] => format!("end the silence of {}", one.name),
            items => format!("end {}", Noun::Silence.counted(items.len())),
        };
        let order = Order {
            line: format!("menagerie alert silences --end {}", shown.join(" --end ")),
            title,
            command: WireCommand::RemoveSilences { ids },
        };
        app.step(if selection.shown_first() { Step::Preview(order) } else { Step::Order(order) });
    },
};
