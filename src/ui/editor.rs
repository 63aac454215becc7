//! `$EDITOR` for what is easier written than asked for, and what crossterm reads as messages.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, PipeWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;

use crossterm::event::{Event, KeyEventKind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, kill_process, waitpid};

use super::app::App;
use super::key::Key;
use super::layers::confirm::Confirm;
use super::message::Message;
use super::step::{Order, Step, Tone};
use super::terminal::input::{self, Read};
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
/// whoever started it waits for that one. When the terminal goes away or this process is told to end, the editor is too.
pub fn edit(text: &str) -> Result<String, String> {
    let editor = Editor::chosen(|name| std::env::var(name).ok());
    let base = std::env::temp_dir();
    let folder =
        private_folder(&base).map_err(|error| format!("cannot make a folder in {}: {error}", base.display()))?;
    let file = folder.join("tasks.jsonl");
    let written = File::create_new(&file).and_then(|mut file| file.write_all(text.as_bytes()));
    let saved = match written {
        Ok(()) => match run(&editor, &file, &folder) {
            Ok(status) if status.success() => std::fs::read_to_string(&file).map_err(|error| error.to_string()),
            Ok(status) => Err(editor.failed(status)),
            Err(error) => Err(format!("cannot start {}: {error}", editor.line)),
        },
        Err(error) => Err(format!("cannot write {}: {error}", file.display())),
    };
    // What stays behind in a temporary folder harms nobody.
    let _ = std::fs::remove_dir_all(&folder);
    saved
}

/// The editor that is to be used.
struct Editor {
    /// As the variable has it; it may hold options too, as in `code --wait`.
    line: String,
    /// Which variable names it; `None` where none does.
    variable: Option<&'static str>,
}

impl Editor {
    /// What the surroundings name, `vi` where they name none.
    fn chosen(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = |name| Some((variable(name).filter(|line| !line.trim().is_empty())?, name));
        match ["VISUAL", "EDITOR"].into_iter().find_map(named) {
            Some((line, variable)) => Self { line, variable: Some(variable) },
            None => Self { line: "vi".to_owned(), variable: None },
        }
    }

    /// Why there is nothing to submit, when it ended so.
    fn failed(&self, status: ExitStatus) -> String {
        let program = self.line.split_whitespace().next().unwrap_or_default();
        let why = match status.code() {
            Some(NOT_FOUND) => format!("there is no program {program}"),
            Some(NOT_EXECUTABLE) => format!("{program} cannot be executed"),
            _ => return format!("{} ended with {status}; nothing was submitted", self.line),
        };
        match self.variable {
            Some(variable) => {
                format!("{why}, which ${variable} names as the editor; set ${variable} to one that is here")
            }
            None => format!("{why}, and neither $VISUAL nor $EDITOR names an editor; set one of them"),
        }
    }
}

/// What a shell ends with when it finds no such program, and when it may not execute it.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

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

/// Runs the editor to its end, stopping and going on with it. Should this process have to end meanwhile, the editor learns that
/// its terminal is gone, and the folder goes at once: nobody may be left to remove it later.
fn run(editor: &Editor, file: &Path, folder: &Path) -> io::Result<ExitStatus> {
    let line = format!("{} \"$1\"", editor.line);
    let pid = Pid::from_child(&Command::new("sh").arg("-c").arg(line).arg("sh").arg(file).spawn()?);
    // Where that cannot be watched, the editor is at work all the same.
    let _watch = Watch::begin(pid, folder).ok();
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

/// Waits, beside whoever waits for the editor, for the end of its terminal or of this process; until it is dropped.
struct Watch {
    _signals: signals::Ends,
    /// Closed with this: the thread that waits has nothing more to wait for.
    _open: PipeWriter,
}

impl Watch {
    fn begin(editor: Pid, folder: &Path) -> io::Result<Self> {
        let folder = folder.to_owned();
        let end = move || {
            // It may have ended by itself, and the folder be gone.
            let _ = kill_process(editor, rustix::process::Signal::HUP);
            let _ = std::fs::remove_dir_all(&folder);
        };
        let signals = signals::Ends::listen(end.clone())?;
        let (closed, open) = io::pipe()?;
        let Ok(terminal) = input::terminal() else {
            // It was there when editing was asked for, so it has gone since.
            end();
            return Ok(Self { _signals: signals, _open: open });
        };
        // Whoever has no controlling terminal gets no signal when it goes away.
        thread::Builder::new().name("hangup".to_owned()).spawn(move || {
            let mut fds = [PollFd::new(&terminal, PollFlags::empty()), PollFd::new(&closed, PollFlags::empty())];
            while matches!(poll(&mut fds, None), Err(Errno::INTR)) {}
            if fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) {
                end();
            }
        })?;
        Ok(Self { _signals: signals, _open: open })
    }
}

/// Submits what was saved: JSON lines, a task each; lines that begin with # are remarks.
pub fn submit(app: &mut App, edited: Result<String, String>) {
    let parse = |text: &str| -> Result<Vec<NewTask>, String> {
        let lines =
            text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
        lines
            .map(|(place, line)| {
                let mut task: NewTask = serde_json::from_str(line).map_err(|error| fault(place + 1, &error))?;
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

/// What is wrong with a line, where whoever wrote it finds it: to the parser every line is the first.
fn fault(line: usize, error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    format!("line {line}, column {}: {}", error.column(), said.strip_suffix(&place).unwrap_or(&said))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_fault_is_found_in_the_line_that_was_edited() {
        let mut driver = crate::ui::tests::Driver::new(&crate::ui::place::Place::Tasks, (120, 36));
        submit(&mut driver.app, Ok("# a remark\n\n{\"type\": \"one\"}\n{\"type\": \"two\" \"x\"}\n".to_owned()));
        driver.sees("line 4, column 16: expected `,` or `}`");
        driver.sees_not("at line 1");
        driver.press("n");
        submit(&mut driver.app, Ok("\n{\"typ\": \"two\"}\n".to_owned()));
        driver.sees("line 2, column");
        driver.sees_not("at line 1");
    }

    #[test]
    fn an_editor_that_is_not_there_is_named_with_its_variable() {
        let chosen = |visual: &'static str, editor: &'static str| {
            Editor::chosen(move |name| Some(if name == "VISUAL" { visual } else { editor }.to_owned()))
        };
        let missing = ExitStatus::from_raw(127 << 8);
        let said = chosen("", "emacsx -nw").failed(missing);
        assert_eq!(
            said,
            "there is no program emacsx, which $EDITOR names as the editor; set $EDITOR to one that is here"
        );
        assert!(
            chosen("hx", "vi")
                .failed(ExitStatus::from_raw(126 << 8))
                .starts_with("hx cannot be executed, which $VISUAL")
        );
        let said = Editor::chosen(|_| None).failed(missing);
        assert!(said.contains("no program vi, and neither $VISUAL nor $EDITOR"), "{said}");
        let said = chosen("hx", "").failed(ExitStatus::from_raw(1 << 8));
        assert!(said.starts_with("hx ended with exit status: 1; nothing"), "{said}");
    }

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
