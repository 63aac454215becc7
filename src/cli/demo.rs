//! `menagerie demo`: the main job on real input. A fleet of real agents surveys a git repository in an engine of its own.

mod ground;
mod kit;
mod plan;
mod watch;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use etcetera::BaseStrategy;
use serde_json::json;

use self::ground::Ground;
use self::plan::{EDITOR, GLUTTON, Paths};
use self::watch::Watch;
use super::config::{Origin, Setting};
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::output::Role;
use super::stop::{self, StopArgs};
use crate::api::client::{Client, End};
use crate::api::types::WireCommand;
use crate::api::types::{JournalRow, Status};
use crate::domain::{Bytes, Reply, Span, TaskId};

/// Options of `menagerie demo`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Exit status: 0 when every surveyor succeeded and the one that eats memory was caught, otherwise 1.\n\
    The survey runs in a data directory of its own, or in the one that --data-dir names."
)]
pub struct DemoArgs {
    /// A folder in the git repository to survey [default: the one around the current folder, else a small one that
    /// the binary carries]
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// Approve everything and go on to the summary, then stop the demo's engine
    #[arg(long)]
    pub approve_all: bool,
    /// With --approve-all: leave the demo's engine running
    #[arg(long, requires = "approve_all")]
    pub keep: bool,
    /// Show lines of progress, no console
    #[arg(long)]
    pub headless: bool,
}

/// The status of a process that was interrupted from the keyboard.
const INTERRUPTED: i32 = 130;

pub fn run(context: &mut Context, args: &DemoArgs) -> Outcome {
    let mut demo = Demo::prepare(context, args)?;
    let began = Instant::now();
    let (client, mut watch) = demo.submit()?;
    if demo.follow(&client, &mut watch, |watch| watch.all_ended_but(EDITOR))? == End::Interrupted {
        return demo.interrupted();
    }
    let took = Span::from_micros(i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX)).human();
    demo.say(&format!("\nThe survey took {took}; {} artifacts wait for a person.\n", watch.artifacts.len()))?;
    demo.show_artifacts(&watch)?;
    demo.say_glutton(&watch)?;
    if args.approve_all {
        demo.approve(&client, &watch)?;
        if demo.follow(&client, &mut watch, |watch| watch.all_ended_but(""))? == End::Interrupted {
            return demo.interrupted();
        }
        demo.show_summary(&client, &watch)?;
    } else {
        demo.say_what_next(&watch)?;
    }
    let status = demo.judge(&watch, args.approve_all)?;
    if args.approve_all && !args.keep {
        drop(client);
        stop::run(&mut demo.context, &StopArgs { all: true })?;
    } else {
        let stop = demo.command("stop --all");
        demo.say(&format!("The demo's engine runs on. To end it and everything in its cages:\n  {stop}"))?;
    }
    demo.context.out.flush()?;
    Ok(status)
}

/// The demo while it runs.
struct Demo {
    /// A context of its own: the demo's data directory.
    context: Context,
    ground: Ground,
    scripts: PathBuf,
}

impl Demo {
    /// Finds the repository, settles on a data directory and writes the scripts beside it.
    fn prepare(context: &Context, args: &DemoArgs) -> Result<Self, Failure> {
        let found = match &args.path {
            Some(path) => Some(ground::find(path)?),
            None => ground::find(Path::new(".")).ok(),
        };
        // What cages may read cannot lie in the data directory, which no cage sees; so the two lie side by side.
        let name = found.as_ref().map_or_else(|| "carried".to_owned(), |ground| short_hash(&ground.repository));
        let home = home()?.join(format!("demo-{name}"));
        let mut settings = context.settings.clone();
        if settings.data_dir.origin == Origin::Default {
            settings.data_dir = Setting { value: home.join("data"), origin: Origin::Default };
        }
        let scripts = home.join("survey");
        kit::write(&scripts).map_err(|error| Failure::file("write the demo's scripts to", &scripts, &error))?;
        let ground = match found {
            Some(ground) => ground,
            None => ground::make(&home.join("repository"))?,
        };
        Ok(Self { context: Context::new(settings), ground, scripts })
    }

    /// Starts the engine, declares the fleet and submits the tasks.
    fn submit(&mut self) -> Result<(Client, Watch), Failure> {
        let repository = self.ground.repository.display().to_string();
        let data_dir = self.context.settings.data_dir.value.display().to_string();
        self.say(&format!("Surveying {repository}\nData directory {data_dir}\n"))?;
        let paths = Paths {
            repository: text(&self.ground.repository)?,
            read: self.ground.read.iter().map(|path| text(path)).collect::<Result<_, _>>()?,
            scripts: text(&self.scripts)?,
        };
        let fleet = plan::fleet(&paths)?;
        let tasks = plan::tasks(&fleet);
        // For the reader: the same can be applied by hand.
        let file = self.scripts.join("survey.toml");
        let written = toml::to_string(&fleet).map_err(|error| Failure::failed(format!("the fleet file: {error}")))?;
        std::fs::write(&file, written).map_err(|error| Failure::file("write", &file, &error))?;

        let client = self.context.engine()?;
        let cages = fleet.cage.len();
        client.command(&WireCommand::Apply { fleet, dry_run: false })?;
        let seq = client.get::<Status>("/v1/status", &vec![])?.seq;
        let names: Vec<String> = tasks.iter().filter_map(|task| task.key.clone()).collect();
        let reply = client.command(&WireCommand::SubmitTasks { tasks, keep_going: false })?;
        let Reply::Submitted { ids, .. } = reply else {
            return Err(Failure::failed("the engine answered the submission with something else"));
        };
        self.say(&format!("{cages} cages with limits of their own, {} tasks\n", ids.len()))?;
        Ok((client, Watch::new(ids.into_iter().zip(names), seq)))
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
        for (agent, artifact) in &watch.artifacts {
            self.say(&format!(
                "  {}  {agent:<15} {:<8} {:>8}  {}",
                artifact.id,
                artifact.kind,
                Bytes::new(artifact.size).human(),
                super::table::clean(&artifact.title)
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
        let ids: Vec<_> = watch.artifacts.iter().map(|(_, artifact)| artifact.id).collect();
        if !ids.is_empty() {
            let count = ids.len();
            for id in ids {
                // Each by itself, because some may be of high risk and are refused together with others.
                let (ids, note) = (vec![id.to_string()], Some("menagerie demo --approve-all".to_owned()));
                client.command(&WireCommand::ReviewArtifacts { ids, approve: true, note })?;
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
        let Some((_, first)) = watch.artifacts.first() else { return Ok(()) };
        // A file of ids keeps the command short: there are about thirty.
        let list = self.scripts.join("waiting-artifacts");
        let ids: Vec<String> = watch.artifacts.iter().map(|(_, artifact)| artifact.id.to_string()).collect();
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
        let program = std::env::args_os().next().unwrap_or_else(|| "menagerie".into());
        format!("{} {words} --data-dir {}", quoted(Path::new(&program)), quoted(&self.context.settings.data_dir.value))
    }
}

/// Where demos keep their data: the state folder, so that a cleaned cache ends no running engine.
fn home() -> Result<PathBuf, Failure> {
    let base = etcetera::base_strategy::Xdg::new()
        .map_err(|_| Failure::refused("no home folder is known; set HOME, or give --data-dir"))?;
    Ok(base.state_dir().unwrap_or_else(|| base.data_dir()).join("menagerie"))
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

/// A path as a shell reads it back.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@%".contains(c)) && !text.is_empty() {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        for path in ["/plain/path-1.2", "/a b", "/it's", "/$HOME", ""] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(Path::new(path)))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), path);
        }
    }

    #[test]
    fn every_repository_has_a_directory_of_its_own() {
        assert_ne!(short_hash(Path::new("/a")), short_hash(Path::new("/b")));
        assert_eq!(short_hash(Path::new("/a")).len(), 12);
    }
}
