//! Judging artifacts. What is of high risk is judged alone and after a question, whatever is selected beside it.

use crate::api::types::WireCommand;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::confirm::Confirm;
use crate::ui::layers::prompt::Prompt;
use crate::ui::screen::{Item, Noun, Selection};
use crate::ui::step::{Order, Step, Tone};
use crate::ui::text;
use crate::ui::verb::quote;

/// Approves artifacts.
pub static APPROVE: Action = Action {
    name: "approve",
    title: "approve",
    help: "approve the selected artifacts; what waits for them can start",
    changes: true,
    hint: 3,
    ready: |app| need(app, "approved"),
    run: |app| {
        let Some(selection) = app.selection() else { return };
        match steps(&selection, true, None) {
            Ok(step) => app.step(step),
            Err(why) => app.say(Tone::Info, why),
        }
    },
};

/// Rejects artifacts.
pub static REJECT: Action = Action {
    name: "reject",
    title: "reject",
    help: "reject the selected artifacts; asks why, which their agents' people will want to know",
    changes: true,
    hint: 3,
    ready: |app| need(app, "rejected"),
    run: |app| ask_note(app, false),
};

/// Approves artifacts with a note.
pub static NOTE: Action = Action {
    name: "approve_with_note",
    title: "approve with note",
    help: "approve the selected artifacts and say something about them",
    changes: true,
    hint: 1,
    ready: |app| need(app, "approved"),
    run: |app| ask_note(app, true),
};

fn need(app: &App, judged: &str) -> Result<(), String> {
    super::need(app, Noun::Artifact, |item| {
        (item.state == judged).then(|| format!("it is {judged} already; the other judgement can replace it"))
    })
}

fn ask_note(app: &mut App, approve: bool) {
    let Some(selection) = app.selection() else { return };
    // What cannot be judged is not asked about first.
    if let Err(why) = steps(&selection, approve, None) {
        return app.refuse(if approve { &NOTE } else { &REJECT }, &why);
    }
    let what = match &selection.items[..] {
        [one] => text::fit(&text::clean(&one.name), 24).into_owned(),
        items => selection.noun.counted(items.len()),
    };
    // What is rejected holds up others until somebody thinks again.
    let most = selection.items.iter().map(|item| item.holds_up).max().unwrap_or(0);
    let consequence = match usize::try_from(most).unwrap_or(usize::MAX) {
        some @ 1.. if !approve => format!(", {} held up", Noun::Task.counted(some)),
        _ => String::new(),
    };
    let (verb, help) = if approve {
        ("approve", "a note that is kept with the approval; Enter approves, Esc leaves it")
    } else {
        ("reject", "say why: whoever looks after the agent reads it; Enter rejects, Esc leaves it")
    };
    let prompt = Prompt::new(format!("{verb} {what}{consequence}:"), "", help, move |note| {
        let note = note.trim();
        if note.is_empty() && !approve {
            return Err("a rejection needs a reason: say what is wrong, so that it can be done better".to_owned());
        }
        let note = (!note.is_empty()).then(|| note.to_owned());
        steps(&selection, approve, note).map(|step| vec![step])
    });
    app.open(Box::new(prompt.changing()));
}

/// What judging a selection leads to: a change at once, a question, a preview; or why it cannot be done.
fn steps(selection: &Selection, approve: bool, note: Option<String>) -> Result<Step, String> {
    let verb = if approve { "approve" } else { "reject" };
    if let [one] = &selection.items[..] {
        let title = format!("{verb} {}", text::fit(&text::clean(&one.name), 60));
        let order = order(vec![one.id.clone()], approve, note, title);
        if one.high_risk {
            return Ok(Step::Open(Box::new(question(one, verb, order))));
        }
        return Ok(if selection.marked { Step::Preview(order) } else { Step::Order(order) });
    }
    let (high, others): (Vec<&Item>, Vec<&Item>) = selection.items.iter().partition(|item| item.high_risk);
    if others.is_empty() {
        let number = high.len();
        return Err(format!("all {number} are of high risk, and those are judged one by one: put the cursor on one"));
    }
    let left_out = match high.len() {
        0 => String::new(),
        number => format!(" ({number} of high risk left out: judge alone)"),
    };
    let title = format!("{verb} {}{left_out}", Noun::Artifact.counted(others.len()));
    let ids: Vec<String> = others.iter().map(|item| item.id.clone()).collect();
    Ok(Step::Preview(order(ids, approve, note, title)))
}

fn question(item: &Item, verb: &str, order: Order) -> Confirm {
    let words = vec![
        text::clean(&item.name).into_owned(),
        String::new(),
        "It is of high risk: a decision, or the work of a task tagged high-risk. Others act on it as soon as it is judged, \
         and taking the judgement back does not stop what has begun by then."
            .to_owned(),
    ];
    Confirm::new(format!("{verb} this one?"), words, "", Step::Order(order))
}

fn order(ids: Vec<String>, approve: bool, note: Option<String>, title: String) -> Order {
    let verb = if approve { "approve" } else { "reject" };
    let why = note.as_ref().map(|note| format!(" --note {}", quote(note))).unwrap_or_default();
    let line = format!("menagerie artifact {verb} {}{why}", ids.join(" "));
    Order { command: WireCommand::ReviewArtifacts { ids, approve, note, quality: None }, line, title }
}
