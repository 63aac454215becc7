//! Putting things off.

use crate::api::types::WireCommand;
use crate::domain::time::When;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::prompt::Prompt;
use crate::ui::screen::Noun;
use crate::ui::step::{Order, Step};
use crate::ui::text;
use crate::ui::verb::quote;

/// What is put off when nothing else is said.
const USUAL: &str = "1h";

/// Puts off what waits for a human.
pub static SNOOZE: Action = Action {
    name: "snooze",
    title: "snooze",
    help: "put the selected things off: for 30m, 4h, 2d, until tomorrow or a time; off shows them again",
    changes: true,
    hint: 2,
    ready: |app| match app.selection() {
        Some(selection) if matches!(selection.noun, Noun::Artifact | Noun::Task) => {
            let waits = selection.items.iter().any(|item| matches!(item.state.as_str(), "pending" | "failed"));
            if waits { Ok(()) } else { Err("it waits for nobody".to_owned()) }
        }
        _ => Err("nothing that waits is selected".to_owned()),
    },
    run,
};

fn run(app: &mut App) {
    let Some(selection) = app.selection() else { return };
    let what = match &selection.items[..] {
        [one] => text::fit(&text::clean(&one.name), 40).into_owned(),
        items => selection.noun.counted(items.len()),
    };
    let shown_first = selection.shown_first();
    let ids: Vec<String> = selection.items.into_iter().map(|item| item.id).collect();
    let help =
        "Enter: 1h; or 30m, 4h, 2d, tomorrow (this time), a time such as 2026-01-31T17:00:00Z, off to show it again";
    let prompt = Prompt::new("put off for", "", help, move |typed| {
        let ids = ids.clone();
        let (until, words) = until(typed.trim())?;
        let (title, flag) = match &words {
            Some(words) => (format!("put off {what} for {words}"), format!("--until {}", quote(words))),
            None => (format!("show {what} again"), "--off".to_owned()),
        };
        let line = format!("menagerie inbox snooze {} {flag}", ids.join(" "));
        let order = Order { command: WireCommand::SnoozeReviews { ids, until }, line, title };
        Ok(vec![if shown_first { Step::Preview(order) } else { Step::Order(order) }])
    });
    app.open(Box::new(prompt.changing()));
}

/// What was typed as a moment, and in the words of the command line; no moment to show things again.
fn until(typed: &str) -> Result<(Option<When>, Option<String>), String> {
    let words = match typed.to_lowercase().as_str() {
        "off" => return Ok((None, None)),
        "tomorrow" => "1d".to_owned(),
        "" => USUAL.to_owned(),
        _ => typed.to_owned(),
    };
    match words.parse::<When>() {
        Ok(until) => Ok((Some(until), Some(words))),
        Err(refusal) => Err(refusal.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_words_and_times_are_understood_and_anything_else_is_told_what_is() {
        let day = "24h".parse::<When>().unwrap();
        assert_eq!(until("tomorrow").unwrap(), (Some(day), Some("1d".to_owned())));
        assert_eq!(until("30m").unwrap().1.as_deref(), Some("30m"));
        assert_eq!(until("").unwrap().1.as_deref(), Some("1h"));
        assert_eq!(until("off").unwrap(), (None, None));
        assert!(until("2026-01-31T17:00:00Z").is_ok());
        assert!(until("next week").unwrap_err().contains("90m"));
    }
}
