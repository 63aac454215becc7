//! Giving work to somebody else, and agents another home.

use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::candidates::Candidates;
use crate::ui::screen::{Noun, Selection};

/// Offers who else could.
pub static REASSIGN: Action = Action {
    name: "reassign",
    title: "reassign",
    help: "give the selected tasks to another agent, or agents another cage: who can, who is free, what would change",
    changes: true,
    hint: 1,
    ready,
    run,
};

fn ready(app: &App) -> Result<(), String> {
    let Some(selection) = app.selection() else { return Err("nothing is selected".to_owned()) };
    match selection.noun {
        Noun::Task => super::need(app, Noun::Task, |item| match item.state.as_str() {
            "pending" | "scheduled" | "executing" => None,
            other => Some(format!("it is {other}; nobody has to do it any more")),
        }),
        Noun::Agent => Ok(()),
        Noun::Cage => super::need(app, Noun::Cage, |item| {
            (item.state == "vacant").then(|| "nobody lives there, so there is nobody to move".to_owned())
        }),
        other => Err(format!("{} cannot be given to somebody else", other.counted(2).trim_start_matches("2 "))),
    }
}

fn run(app: &mut App) {
    let Some(Selection { noun, items, .. }) = app.selection() else { return };
    let ids: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
    let layer = match (noun, &items[..]) {
        (Noun::Task, [one]) => Candidates::for_task(&one.id).titled(format!("reassign {}", one.name)),
        (Noun::Task, _) => Candidates::for_tasks(ids),
        (Noun::Agent, [one]) => Candidates::for_agent(&one.name),
        (Noun::Agent, _) => Candidates::for_agents(items.iter().map(|item| item.name.clone()).collect()),
        (Noun::Cage, [one]) => Candidates::for_cage(&one.id),
        // Each agent of several cages would have to go to the same one.
        (Noun::Cage, _) => {
            app.step(crate::ui::step::Step::Say(
                crate::ui::step::Tone::Info,
                "reassign moves one cage's agent at a time; vacate sends several away".to_owned(),
            ));
            return;
        }
        _ => return,
    };
    app.open(Box::new(layer));
}
