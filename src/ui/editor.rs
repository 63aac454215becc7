//! `$EDITOR` for what is easier written than asked for, and what crossterm reads as messages.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crossterm::event::{Event, KeyEventKind};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, kill_process, waitpid};

use super::app::App;
use super::key::Key;
use super::layers::confirm::Confirm;
use super::message::Message;
use super::step::{Order, Step, Tone};
use super::terminal::input::Read;
use super::terminal::signals::{self, Signal};
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

/// How many names are tried for the folder of what is edited.
const FOLDERS_MAX: u32 = 1_000;

/// Has `text` edited; the saved text, or why there is none. When the editor is stopped (`^Z`), so is this process, for
/// whoever started it waits for that one.
pub fn edit(text: &str) -> Result<String, String> {
    let editor = std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR")).unwrap_or_else(|_| "vi".to_owned());
    let base = std::env::temp_dir();
    let folder =
        private_folder(&base).map_err(|error| format!("cannot make a folder in {}: {error}", base.display()))?;
    let file = folder.join("tasks.jsonl");
    let written = File::create_new(&file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    // The variable may hold options too, as in `code --wait`.
    let status = run(Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(&file));
    let saved = match status {
        Ok(status) if status.success() => std::fs::read_to_string(&file).map_err(|error| error.to_string()),
        Ok(status) => Err(format!("{editor} ended with {status}; nothing was submitted")),
        Err(error) => Err(format!("cannot start {editor}: {error}")),
    };
    // What stays behind in a temporary folder harms nobody.
    let _ = std::fs::remove_dir_all(&folder);
    saved
}

/// A new folder that nobody else can enter. In a folder that everybody can write to, what is there already is not used: it
/// may be somebody else's.
fn private_folder(base: &Path) -> io::Result<PathBuf> {
    for number in 0..FOLDERS_MAX {
        let folder = base.join(format!("menagerie-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("all of {FOLDERS_MAX} names are taken")))
}

/// Runs a command to its end, stopping and going on with it.
fn run(command: &mut Command) -> io::Result<ExitStatus> {
    let pid = Pid::from_child(&command.spawn()?);
    loop {
        match waitpid(Some(pid), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => {
                signals::stop()?;
                kill_process(pid, rustix::process::Signal::CONT)?;
            }
            Ok(Some((_, status))) => return Ok(ExitStatus::from_raw(status.as_raw())),
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_edited_lies_in_a_folder_of_ones_own_whatever_was_planted_there() {
        let base = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let name = |number: u32| base.path().join(format!("menagerie-{}-{number}", std::process::id()));
        symlink(elsewhere.path(), name(0)).unwrap();
        std::fs::create_dir(name(1)).unwrap();
        let folder = private_folder(base.path()).unwrap();
        assert_eq!(folder, name(2));
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(private_folder(&base.path().join("missing")).is_err());
    }
}
