//! What can be done with a text: searching, wrapping, following, looking to the side.

use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::prompt::Prompt;
use crate::ui::pager::Pager;
use crate::ui::step::{Step, Tone};

fn has_text(app: &App) -> Result<(), String> {
    match app.text() {
        Some(_) => Ok(()),
        None => Err("there is no text here".to_owned()),
    }
}

/// Looks for words.
pub static SEARCH: Action = Action {
    name: "search",
    title: "search",
    help: "look for words in this text; small letters find capitals too; n and N go from match to match",
    changes: false,
    hint: 2,
    ready: has_text,
    run: |app| {
        let Some(now) = app.with_pager(|pager| {
            pager.begin_search();
            pager.searched().to_owned()
        }) else {
            return;
        };
        let help = "Enter stays at the match, or looks on in all of it; Esc goes back; then n next, N previous";
        let prompt = Prompt::new("search", now, help, |words| Ok(vec![Step::Seek(words.to_owned())]));
        app.open(Box::new(prompt.selected().live(|words| Step::Search(words.to_owned()))));
    },
};

/// Wraps lines or cuts them.
pub static WRAP: Action = Action {
    name: "wrap",
    title: "wrap",
    help: "wrap long lines, or cut them at the edge and look to the side",
    changes: false,
    hint: 1,
    ready: has_text,
    run: |app| {
        app.with_pager(Pager::toggle_wrap);
    },
};

/// Keeps the end in sight.
pub static FOLLOW: Action = Action {
    name: "follow",
    title: "follow",
    help: "keep the end in sight while more is written, or stay here",
    changes: false,
    hint: 2,
    ready: |app| match app.text().map(Pager::follows) {
        Some(Some(_)) => Ok(()),
        Some(None) => Err("this text does not grow".to_owned()),
        None => Err("there is no text here".to_owned()),
    },
    run: |app| {
        let follows = app.with_pager(|pager| {
            pager.toggle_follow();
            pager.follows() == Some(true)
        });
        if let Some(follows) = follows {
            app.say(Tone::Info, if follows { "following" } else { "staying here; f follows again" });
        }
    },
};

/// To the left of lines that are cut.
pub static SCROLL_LEFT: Action = Action {
    name: "scroll_left",
    title: "look left",
    help: "the part of cut lines further to the left",
    changes: false,
    hint: 0,
    ready: is_cut,
    run: |app| {
        app.with_pager(|pager| pager.shift(-1));
    },
};

/// To the right of lines that are cut.
pub static SCROLL_RIGHT: Action = Action {
    name: "scroll_right",
    title: "look right",
    help: "the part of cut lines further to the right",
    changes: false,
    hint: 0,
    ready: is_cut,
    run: |app| {
        app.with_pager(|pager| pager.shift(1));
    },
};

fn is_cut(app: &App) -> Result<(), String> {
    has_text(app)?;
    if app.text().is_some_and(Pager::wraps) {
        return Err("lines are wrapped, so all of them is in sight; W cuts them".to_owned());
    }
    Ok(())
}

/// Copies the text in sight.
pub static COPY_TEXT: Action = Action {
    name: "copy_text",
    title: "copy text",
    help: "put the lines in sight into the clipboard, also over SSH",
    changes: false,
    hint: 0,
    ready: has_text,
    run: |app| {
        let Some(pager) = app.text() else { return };
        let lines: Vec<&str> = pager.in_sight().map(crate::ui::pager::TextLine::text).collect();
        let lines = lines.join("\n");
        app.step(Step::Copy(lines));
    },
};
