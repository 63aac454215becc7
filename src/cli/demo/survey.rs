//! The survey: prepared, submitted, and followed in lines of progress.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::begin::{Begun, begin};
use super::ground::{self, Ground};
use super::plan::{self, EDITOR, GLUTTON, Paths};
use super::watch::Watch;
use super::{DemoArgs, command_line, home, kit, quoted, settings_in};
use crate::api::client::{Client, End, Error};
use crate::api::types::JournalRow;
use crate::api::types::WireCommand;
use crate::cli::context::{Context, now};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Role;
use crate::cli::stop::{self, StopArgs};
use crate::cli::table;
use crate::domain::{Bytes, Fleet, NewTask, Span, TaskId, Timestamp};

/// The status of a process that was interrupted from the keyboard.
const INTERRUPTED: i32 = 130;

/// The survey of a repository.
pub struct Survey {
    /// A context of its own: the demo's data directory.
    pub context: Context,
    ground: Ground,
    scripts: PathBuf,
}

impl Survey {
    /// Finds the repository at or around `path`, settles on a data directory and writes the scripts beside it.
    pub fn prepare(context: &Context, path: Option<&Path>) -> Result<Self, Failure> {
        let found = match path {
            Some(path) => Some(ground::find(path)?),
            None => ground::find(Path::new(".")).ok(),
        };
        // What cages may read cannot lie in the data directory, which no cage sees; so the two lie side by side.
        let name = found.as_ref().map_or_else(|| "carried".to_owned(), |ground| short_hash(&ground.repository));
        let home = home()?.join(format!("demo-{name}"));
        let settings = settings_in(context, &home);
        let scripts = home.join("survey");
        kit::write(&scripts, kit::SURVEY)
            .map_err(|error| Failure::file("write the demo's scripts to", &scripts, &error))?;
        let ground = match found {
            Some(ground) => ground,
            None => ground::make(&home.join("repository"))?,
        };
        Ok(Self { context: Context::new(settings), ground, scripts })
    }

    /// The fleet and its tasks, with the fleet written beside the scripts for whoever wants to apply it by hand.
    pub fn work(&self) -> Result<(Fleet, Vec<NewTask>), Failure> {
        let paths = Paths {
            repository: text(&self.ground.repository)?,
            read: self.ground.read.iter().map(|path| text(path)).collect::<Result<_, _>>()?,
            scripts: text(&self.scripts)?,
        };
        let fleet = plan::fleet(&paths)?;
        let tasks = plan::tasks(&fleet, &paths.repository);
        let file = self.scripts.join("survey.toml");
        let written = toml::to_string(&fleet).map_err(|error| Failure::failed(format!("the fleet file: {error}")))?;
        std::fs::write(&file, written).map_err(|error| Failure::file("write", &file, &error))?;
        Ok((fleet, tasks))
    }

    /// Starts the engine, and begins the survey or goes on with the one that is under way.
    fn begin(&mut self, again: bool) -> Result<(Client, Begun), Failure> {
        let repository = self.ground.repository.display().to_string();
        let data_dir = self.context.settings.data_dir.value.display().to_string();
        self.say(&format!("Surveying {repository}\nData directory {data_dir}\n"))?;
        let (fleet, tasks) = self.work()?;
        let client = self.context.engine()?;
        let cages = fleet.cage.len();
        let begun = begin(&client, fleet, tasks, again)?;
        let count = begun.tasks.len();
        self.say(&match begun.before {
            None => format!("{cages} cages with limits of their own, {count} tasks\n"),
            Some((since, over)) => format!("{}\n", was_there(count, since, over)),
        })?;
        Ok((client, begun))
    }

    /// Begins the survey and shows lines of progress until it is over.
    pub fn follow_to_the_end(mut self, args: &DemoArgs) -> Outcome {
        let start = Instant::now();
        let (client, begun) = self.begin(args.again)?;
        let before = begun.before;
        let mut watch = Watch::new(begun.tasks, begun.seq);
        if self.follow(&client, &mut watch, |watch| watch.all_ended_but(EDITOR))? == End::Interrupted {
            return self.interrupted();
        }
        let took = match before {
            None => {
                let took = Span::from_micros(i64::try_from(start.elapsed().as_micros()).unwrap_or(i64::MAX));
                format!("The survey took {}", took.human())
            }
            Some(_) => "The survey is done".to_owned(),
        };
        self.say(&format!("\n{took}; {} artifacts wait for a person.\n", watch.waiting().count()))?;
        self.show_artifacts(&watch)?;
        self.say_glutton(&watch)?;
        if args.approve_all {
            self.approve(&client, &watch)?;
            if self.follow(&client, &mut watch, |watch| watch.all_ended_but(""))? == End::Interrupted {
                return self.interrupted();
            }
            self.show_summary(&client, &watch)?;
        } else {
            self.say_what_next(&watch)?;
        }
        let status = self.judge(&watch, args.approve_all)?;
        if args.approve_all && !args.keep {
            drop(client);
            stop::run(&mut self.context, &StopArgs { all: true })?;
        } else {
            let stop = self.command("stop --all");
            self.say(&format!("The demo's engine runs on. To end it and everything in its cages:\n  {stop}"))?;
        }
        self.context.out.flush()?;
        Ok(status)
    }

    /// Shows the records as they become durable, until `done`, the engine's end or Ctrl-C.
    fn follow(&mut self, client: &Client, watch: &mut Watch, done: impl Fn(&Watch) -> bool) -> Result<End, Failure> {
        let mut problem = None;
        while !done(watch) {
            let end = client.stream(watch.seq, |_, data| {
                let seen = serde_json::from_str::<JournalRow>(data)
                    .map_err(|error| Failure::failed(format!("the engine sent a record that cannot be read: {error}")))
                    .and_then(|row| watch.see(&row).map_or(Ok(()), |line| self.say(&line)));
                match seen {
                    Err(failure) => {
                        problem = Some(failure);
                        ControlFlow::Break(())
                    }
                    Ok(()) if done(watch) => ControlFlow::Break(()),
                    Ok(()) => ControlFlow::Continue(()),
                }
            })?;
            match (problem.take(), end) {
                (Some(failure), _) => return Err(failure),
                (None, End::Done) if !done(watch) => {
                    let log = self.context.settings.data_dir.value.join("engine.log");
                    return Err(Failure::failed(format!("the demo's engine ended; its log is {}", log.display())));
                }
                (None, End::Interrupted) => return Ok(End::Interrupted),
                (None, _) => {}
            }
        }
        Ok(End::Stopped)
    }

    fn show_artifacts(&mut self, watch: &Watch) -> Result<(), Failure> {
        for (agent, artifact) in watch.waiting() {
            self.say(&format!(
                "  {}  {agent:<15} {:<8} {:>8}  {}",
                artifact.id,
                artifact.kind,
                Bytes::new(artifact.size).human(),
                table::clean(&artifact.title)
            ))?;
        }
        Ok(())
    }

    fn say_glutton(&mut self, watch: &Watch) -> Result<(), Failure> {
        let (role, line) = match watch.glutton_caught() {
            Ok(how) => (Role::Good, format!("\nCaught: the {GLUTTON}, which eats memory on purpose: {how}\n")),
            Err(how) => (Role::Bad, format!("\nNot caught: the {GLUTTON}, which eats memory on purpose: {how}\n")),
        };
        let painted = self.context.out.paint(role, &line);
        self.say(&painted)
    }

    /// Approves what was made.
    fn approve(&mut self, client: &Client, watch: &Watch) -> Result<(), Failure> {
        let ids: Vec<_> = watch.waiting().map(|(_, artifact)| artifact.id).collect();
        if !ids.is_empty() {
            let count = ids.len();
            for id in ids {
                // Each by itself, because some may be of high risk and are refused together with others.
                let (ids, note) = (vec![id.to_string()], Some("menagerie demo --approve-all".to_owned()));
                match client.command(&WireCommand::ReviewArtifacts { ids, approve: true, note, quality: None }) {
                    // The survey may have been approved before.
                    Err(Error::Refused(refusal)) if refusal.value.contains("already approved") => {}
                    answer => drop(answer?),
                }
            }
            self.say(&format!("Approved {count} artifacts, as --approve-all says.\n"))?;
        }
        Ok(())
    }

    /// Prints the summary itself.
    fn show_summary(&mut self, client: &Client, watch: &Watch) -> Result<(), Failure> {
        for (_, artifact) in watch.artifacts.iter().filter(|(agent, _)| agent == EDITOR) {
            let content = client.get_bytes(&format!("/v1/artifacts/{}/content", artifact.id), &vec![])?;
            self.say(&format!("\n{}", String::from_utf8_lossy(&content)))?;
        }
        Ok(())
    }

    /// How to look at the artifacts, approve them and get the summary, in commands that can be copied.
    fn say_what_next(&mut self, watch: &Watch) -> Result<(), Failure> {
        let Some((summary, _)) = watch.member(EDITOR) else { return Ok(()) };
        let Some((_, first)) = watch.waiting().next() else { return Ok(()) };
        // A file of ids keeps the command short: there are about thirty.
        let list = self.scripts.join("waiting-artifacts");
        let ids: Vec<String> = watch.waiting().map(|(_, artifact)| artifact.id.to_string()).collect();
        std::fs::write(&list, ids.join("\n") + "\n").map_err(|error| Failure::file("write", &list, &error))?;
        let lines = [
            "The summary waits until all of them are approved. Look at one, approve it or reject it:".to_owned(),
            format!("  {}", self.command(&format!("artifact show {}", first.id))),
            format!("  {}", self.command(&format!("artifact approve {} --note \"read it\"", first.id))),
            "Approve all of them:".to_owned(),
            format!("  xargs {} < {}", self.command("artifact approve"), quoted(&list)),
            "Ask why the summary waits; wait for it and read it:".to_owned(),
            format!("  {}", self.command(&format!("task explain {summary}"))),
            format!(
                "  {} && {}",
                self.command(&format!("task wait {summary}")),
                self.command(&format!("artifact list --task {summary}"))
            ),
            String::new(),
        ];
        lines.iter().try_for_each(|line| self.say(line))
    }

    /// The exit status, after naming what went wrong.
    fn judge(&mut self, watch: &Watch, with_summary: bool) -> Result<i32, Failure> {
        let failures = watch.failures(if with_summary { "" } else { EDITOR });
        for failure in &failures {
            let painted = self.context.out.paint(Role::Bad, failure);
            self.say(&painted)?;
        }
        let caught = watch.glutton_caught();
        let good = failures.is_empty() && caught.is_ok();
        if !self.context.out.is_table() {
            let artifacts: Vec<_> = watch.artifacts.iter().map(|(_, artifact)| artifact).collect();
            self.context.out.value(&json!({
                "repository": self.ground.repository,
                "data_dir": self.context.settings.data_dir.value,
                "succeeded": good,
                "failures": failures,
                "glutton_caught": caught.is_ok(),
                "summary": watch.member(EDITOR).map(|(id, member): (&TaskId, _)| json!({"task_id": id, "status": member.status})),
                "artifacts": artifacts,
            }))?;
        }
        Ok(i32::from(!good))
    }

    fn interrupted(&mut self) -> Outcome {
        let stop = self.command("stop --all");
        self.say(&format!("\nThe survey goes on without you. To end it:\n  {stop}"))?;
        Ok(INTERRUPTED)
    }

    /// A line for people: on standard output, or beside it when that is for a program.
    fn say(&mut self, line: &str) -> Result<(), Failure> {
        if self.context.out.is_table() {
            self.context.out.line(line)?;
            self.context.out.flush()?;
        } else {
            eprintln!("{line}");
        }
        Ok(())
    }

    /// A command line for the demo's engine.
    fn command(&self, words: &str) -> String {
        command_line(&self.context.settings.data_dir.value, words)
    }
}

/// What is said of a survey that was there before, and how to begin another.
pub fn was_there(tasks: usize, since: Timestamp, over: bool) -> String {
    let age = Span::from_micros(now().since(since).as_micros()).human();
    let state = if over { "over" } else { "under way" };
    format!("The survey of {age} ago is {state} here: {tasks} tasks; --again begins another")
}

/// Twelve hexadecimal digits that stand for a path.
fn short_hash(path: &Path) -> String {
    blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex().chars().take(12).collect()
}

fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(ToOwned::to_owned).ok_or_else(|| {
        Failure::refused(format!("PATH: \"{}\" is not UTF-8; move the repository or give another", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_repository_has_a_directory_of_its_own() {
        assert_ne!(short_hash(Path::new("/a")), short_hash(Path::new("/b")));
        assert_eq!(short_hash(Path::new("/a")).len(), 12);
    }
}
