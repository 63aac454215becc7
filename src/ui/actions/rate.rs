//! Saying how well tasks were done.

use crate::api::types::WireCommand;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::prompt::Prompt;
use crate::ui::place::Place;
use crate::ui::screen::Noun;
use crate::ui::step::{Order, Step};
use crate::ui::text::{self, short_id};
use crate::ui::verb;

/// Rates tasks.
pub static RATE: Action = Action {
    name: "rate",
    title: "rate",
    help: "say how well the selected tasks were done, 1 to 5 and why, or take it back: the choice of agents learns from it",
    changes: true,
    hint: 1,
    ready: |app| meant(app).map(|_| ()),
    run,
};

/// What is to be rated.
struct Meant {
    ids: Vec<String>,
    name: String,
    shown_first: bool,
}

/// The selected tasks; elsewhere the task of the attempt under the cursor.
fn meant(app: &App) -> Result<Meant, String> {
    if let Some(selection) = app.selection().filter(|selection| selection.noun == Noun::Task) {
        super::need(app, Noun::Task, |item| match item.state.as_str() {
            state @ ("pending" | "scheduled" | "executing") => {
                Some(format!("it is {state}; it is rated once it has ended"))
            }
            _ => None,
        })?;
        let name = match &selection.items[..] {
            [one] => text::fit(&text::clean(&one.name), 30).into_owned(),
            items => Noun::Task.counted(items.len()),
        };
        let ids = selection.items.iter().map(|item| item.id.clone()).collect();
        return Ok(Meant { ids, name, shown_first: selection.shown_first() });
    }
    match app.target() {
        Some(Place::Task(id) | Place::Attempt(id, _)) => {
            let name = format!("task {}", short_id(&id));
            Ok(Meant { ids: vec![id], name, shown_first: false })
        }
        _ => Err("no task is under the cursor".to_owned()),
    }
}

fn run(app: &mut App) {
    let Ok(Meant { ids, name, shown_first }) = meant(app) else { return };
    let help = "1 to 5, 5 best, and why: 2 broke the build; 0 takes back what you said";
    let prompt = Prompt::new(format!("rate {name}:"), "", help, move |typed| {
        let (rating, note) = read(typed)?;
        let title = match rating {
            Some(stars) => format!("rate {name} {stars} of 5"),
            None => format!("rate {name} no more"),
        };
        let command = WireCommand::RateTasks { ids: ids.clone(), rating, note };
        let order = Order { line: verb::line_of(&command), title, command };
        Ok(vec![if shown_first { Step::Preview(order) } else { Step::Order(order) }])
    });
    app.open(Box::new(prompt.changing()));
}

/// Stars and why, as they are typed: `4`, `2 broke the build`, `0`, `off`.
fn read(typed: &str) -> Result<(Option<u8>, Option<String>), String> {
    let typed = typed.trim();
    let (stars, note) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let rating = match stars {
        "0" | "off" => None,
        stars => {
            let known = stars.parse::<u8>().ok().filter(|stars| (1..=5).contains(stars));
            let wrong = || format!("{stars:?} is no rating: write a number from 1 to 5, or 0 to take yours back");
            Some(known.ok_or_else(wrong)?)
        }
    };
    Ok((rating, super::given(note)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_come_first_and_the_rest_is_why() {
        assert_eq!(read(" 2  broke the build "), Ok((Some(2), Some("broke the build".to_owned()))));
        assert_eq!(
            (read("5"), read("0"), read("off it was another")),
            (Ok((Some(5), None)), Ok((None, None)), Ok((None, Some("it was another".to_owned()))),)
        );
        for wrong in ["", "6", "-1", "good", "4.5"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
