//! `$EDITOR` for what is easier written than asked for, and what crossterm reads as messages.

use std::io::Write;
use std::process::Command;

use crossterm::event::{Event, KeyEventKind};

use super::app::App;
use super::key::Key;
use super::layers::confirm::Confirm;
use super::message::Message;
use super::step::{Order, Step, Tone};
use super::terminal::input::Read;
use super::terminal::signals::Signal;
use crate::api::types::WireCommand;
use crate::domain::NewTask;

/// What was read as a message.
pub fn message(read: Read) -> Message {
    match read {
        Read::Gone => Message::TerminalGone,
        Read::Ground(light) => Message::Ground(light),
        Read::Event(Event::Key(key), at) if key.kind != KeyEventKind::Release => Message::Key(Key::from(key), at),
        Read::Event(Event::Mouse(mouse), _) => Message::Mouse(mouse),
        Read::Event(Event::Paste(text), _) => Message::Paste(text),
        Read::Event(Event::Resize(..), _) => Message::Signal(Signal::Resize),
        Read::Event(Event::FocusLost, _) => Message::Focus(false),
        Read::Event(Event::FocusGained | Event::Key(_), _) => Message::Focus(true),
    }
}

/// Has `text` edited; the saved text, or why there is none.
pub fn edit(text: &str) -> Result<String, String> {
    let editor = std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR")).unwrap_or_else(|_| "vi".to_owned());
    let folder = std::env::temp_dir().join(format!("menagerie-{}", std::process::id()));
    let file = folder.join("tasks.jsonl");
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        std::fs::File::create(&file)?.write_all(text.as_bytes())
    };
    write().map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    // The variable may hold options too, as in `code --wait`.
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(&file).status();
    let saved = match status {
        Ok(status) if status.success() => std::fs::read_to_string(&file).map_err(|error| error.to_string()),
        Ok(status) => Err(format!("{editor} ended with {status}; nothing was submitted")),
        Err(error) => Err(format!("cannot start {editor}: {error}")),
    };
    // What stays behind in a temporary folder harms nobody.
    let _ = std::fs::remove_dir_all(&folder);
    saved
}

/// Submits what was saved: JSON lines, a task each; lines that begin with # are remarks.
pub fn submit(app: &mut App, edited: Result<String, String>) {
    let parse = |text: &str| -> Result<Vec<NewTask>, String> {
        let lines =
            text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
        lines
            .map(|(place, line)| {
                let mut task: NewTask = serde_json::from_str(line)
                    .map_err(|error| format!("line {}, column {}: {error}", place + 1, error.column()))?;
                task.normalise().map_err(|refusal| format!("line {}: {refusal}", place + 1))?;
                Ok(task)
            })
            .collect()
    };
    let text = match edited {
        Ok(text) => text,
        Err(message) => return app.say(Tone::Bad, message),
    };
    match parse(&text) {
        // What was written is not thrown away for a comma.
        Err(message) => {
            let words = vec![message, "Nothing was submitted. Edit it again?".to_owned()];
            app.open(Box::new(Confirm::new("what you wrote has a fault", words, "", Step::Edit(text))));
        }
        Ok(tasks) if tasks.is_empty() => app.say(Tone::Info, "nothing was submitted"),
        Ok(tasks) => {
            let title = format!("submit {}", super::screen::Noun::Task.counted(tasks.len()));
            let command = WireCommand::SubmitTasks { keep_going: false, tasks };
            app.order(Order { command, line: "menagerie task submit --batch FILE".to_owned(), title });
        }
    }
}
