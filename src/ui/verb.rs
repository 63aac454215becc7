//! Verbs of the command line from the palette, run as a person would run them.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::app::{App, Effect, Options};
use super::declaration_lines;
use super::layers::confirm::Confirm;
use super::layers::detail::Detail;
use super::message::{Message, Post};
use super::step::{Step, Tone};
use crate::api::client::Account;
use crate::api::types::WireCommand;
use crate::domain::approval_rule::Verdict;

/// The most that is shown of what a verb says, in bytes.
const SAID_MAX: usize = 256 * 1024;

/// What only looks, each as its first words: all that a console with `--read-only` runs.
const LOOKS: &[&str] = &[
    "status",
    "task list",
    "task show",
    "task logs",
    "task explain",
    "agent list",
    "agent show",
    "agent performance",
    "cage list",
    "cage show",
    "artifact list",
    "artifact show",
    "approval rule list",
    "approval rule show",
    "approval rule test",
    "approval rule proposed",
    "inbox list",
    "alert list",
    "alert show",
    "alert rule list",
    "alert rule show",
    "alert rule test",
    "alert rule metrics",
    "dashboard",
    "event list",
    "journal verify",
    "journal tail",
    "node list",
    "node show",
    "node gpus",
    "execution list",
    "execution show",
    "metric list",
    "metric query",
    "metric stats",
    "search",
    "agent recommend",
    "agent tree",
    "agent history",
    "agent diff",
    "model list",
    "model show",
    "model compare",
    "model export",
    "evaluate",
    "filter",
    "config show",
    "db status",
    "schema",
    "help",
];

/// What adds something, or has a verb that takes it back. Whatever is in neither list may end something, and is asked about.
const GENTLE: &[&str] = &[
    "run",
    "apply",
    "task submit",
    "task wait",
    "task retry",
    "task reassign",
    "task prioritise",
    "task rate",
    "agent add",
    "agent set",
    "agent rename",
    "agent reassign",
    "agent report",
    "agent drain",
    "agent resume",
    "cage maintenance",
    "artifact approve",
    "artifact reject",
    "artifact reopen",
    "approval rule add",
    "inbox snooze",
    "alert acknowledge",
    "alert silence",
    "alert resolve",
    "alert reopen",
    "alert rule add",
    "alert rule enable",
    "alert rule disable",
];

/// What is said before something that would be asked about is run, instead of that it may end something.
const WARNINGS: &[(&str, &str)] = &[
    (
        "agent rollback",
        "It declares the agent anew as it was in that version, for all that starts from then on. What runs goes on as it \
         began. z does not take it back; another rollback, to the version that is the last now, does.",
    ),
    (
        "model rollback",
        "What the model learned since that version decides no more; it is kept as a version of its own. z does not take it \
         back; another rollback, to the version that is in force now, does.",
    ),
    (
        "model train",
        "It makes a version of what the model has learned until now, and puts it in force if it beats the present one.",
    ),
];

/// The words of a line after the program's name, if that is there.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = split(line)?;
    if words.first().is_some_and(|word| word == "menagerie") {
        words.remove(0);
    }
    Ok(words)
}

/// Whether words begin like one of a list.
fn begin_like(words: &[String], list: &[&str]) -> bool {
    let like = |one: &&str| one.split(' ').count() <= words.len() && one.split(' ').zip(words).all(|(a, b)| a == b);
    list.iter().any(like)
}

/// Whether a line can do no harm.
pub fn is_harmless(line: &str) -> bool {
    words(line).is_ok_and(|words| begin_like(&words, LOOKS))
}

/// The line that stops the engine, with `all` also everything that runs.
pub const fn stop_line(all: bool) -> &'static str {
    if all { "menagerie stop --all" } else { "menagerie stop" }
}

/// Runs `line`, if this console may; asks first when it may end something, and for the word itself when it stops the
/// engine.
pub fn ask(app: &mut App, line: &str) {
    let words = match words(line) {
        Ok(words) => words,
        Err(why) => return app.say(Tone::Bad, format!("{line}: {why}")),
    };
    if let (Err(why), Err(allowed)) = (app.may_change(), looks_only(line)) {
        return app.say(Tone::Bad, format!("{line}: {why}; {allowed}"));
    }
    if words.is_empty() || begin_like(&words, LOOKS) || begin_like(&words, GENTLE) {
        return run(app, line.to_owned());
    }
    let typed = if words[0] == "stop" { "stop" } else { "" };
    let said = format!("menagerie {}", words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "));
    let known = WARNINGS.iter().find(|(verb, _)| begin_like(&words, &[*verb])).map(|(_, warning)| *warning);
    let warning = known.unwrap_or("It may end what runs or remove something, and what is ended z does not give back.");
    let said = vec![said, warning.to_owned()];
    app.open(Box::new(Confirm::new("run this?", said, typed, Step::RunVerb(line.to_owned()))));
}

/// Runs `line`, and keeps account of it when it changes something.
pub fn run(app: &mut App, line: String) {
    if !is_harmless(&line) {
        let now = app.wall();
        app.orders.verb_sent(&in_full(&line), now);
    }
    app.verb_awaited = Some(line.clone());
    app.effect(Effect::Verb(line));
}

/// Shows what a line said that has ended. Whoever has gone on to something else meanwhile is told at the bottom: what opens
/// by itself over what somebody does takes their keys.
pub fn ended(app: &mut App, line: String, mut said: String, status: Option<i32>, changes: Vec<Account>) {
    let back = app.orders.verb_ended(&in_full(&line), status, changes);
    if let Some(back) = back {
        said = format!("{}\n\n{back}", said.trim_end());
    }
    if app.verb_awaited.take_if(|awaited| *awaited == line).is_some() && app.layer().is_none() {
        return app.open(Box::new(Detail::of_text(line, &said)));
    }
    let (tone, how) = match status {
        Some(0) => (Tone::Done, back.map_or_else(|| "has ended".to_owned(), |back| format!("has ended · {back}"))),
        Some(status) => (Tone::Bad, format!("ended with exit status {status}")),
        None => (Tone::Bad, "was not run to its end".to_owned()),
    };
    app.toasts.keep(tone, format!("{} {how}", in_full(&line)), (line, said));
}

/// The line as a shell takes it.
fn in_full(line: &str) -> String {
    if line.starts_with("menagerie ") { line.to_owned() } else { format!("menagerie {line}") }
}

/// The line with the data directory that each of its commands is about, where that is not the one that the command line
/// looks at by itself: pasted, it would address another fleet.
pub fn addressed(line: &str, options: &Options) -> String {
    if options.usual_data_dir {
        return line.to_owned();
    }
    let program = format!("menagerie --data-dir {} ", quote(&options.data_dir.to_string_lossy()));
    let mut whole = String::new();
    let mut open = None;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        // What stands in quotes is a value, whatever it says.
        let begins = open.is_none() && (whole.is_empty() || whole.ends_with("; "));
        if let Some(after) = rest.strip_prefix("menagerie ").filter(|_| begins) {
            whole += &program;
            rest = after;
            continue;
        }
        open = match open {
            Some(quote) if quote == c => None,
            None if matches!(c, '\'' | '"') => Some(c),
            open => open,
        };
        whole.push(c);
        rest = &rest[c.len_utf8()..];
    }
    whole
}

/// Whether `line` only looks, for a console that may change nothing; else what it may run.
pub fn looks_only(line: &str) -> Result<(), String> {
    if begin_like(&words(line)?, LOOKS) {
        return Ok(());
    }
    Err(format!("only what looks is run here: {}", LOOKS.join(", ")))
}

/// Runs `line` as arguments of this program on a thread of its own, in the `folder` of the past that is looked at if there
/// is one; what it says comes as a message.
pub fn start(line: &str, app: &App, folder: Option<&Path>, post: &Post) {
    let words = match words(line) {
        Ok(words) => words,
        Err(message) => {
            post.send(Message::Verb { line: line.to_owned(), said: message, status: None, changes: Vec::new() });
            return;
        }
    };
    let (line, post, data_dir) = (line.to_owned(), post.clone(), folder.unwrap_or(&app.options.data_dir).to_owned());
    // Whoever only looks starts no engine either.
    let no_start = (app.options.read_only || folder.is_some()).then_some("--no-start");
    let account = (!begin_like(&words, LOOKS)).then(|| account_of(&data_dir));
    thread::spawn(move || {
        let mut options: Vec<String> = no_start.map(str::to_owned).into_iter().collect();
        options.extend(account.iter().map(|path| format!("--account={}", path.display())));
        let (said, status) = said_of(&data_dir, options.into_iter().chain(words));
        let changes = account.as_deref().map_or_else(Vec::new, changes_in);
        post.send(Message::Verb { line, said, status, changes });
    });
}

/// A file for what a verb changes, that no other has.
fn account_of(data_dir: &Path) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    data_dir.join(format!("console-{}-{number}.account", std::process::id()))
}

/// What a verb changed by its account, which is taken away. None where there is no account, or one that cannot be read: then
/// nobody knows what would take it back.
fn changes_in(path: &Path) -> Vec<Account> {
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    let _ = std::fs::remove_file(path);
    text.lines().map(serde_json::from_str).collect::<Result<_, _>>().unwrap_or_default()
}

/// What this program says on a data directory to such arguments, and its exit status.
fn said_of(data_dir: &Path, arguments: impl Iterator<Item = String>) -> (String, Option<i32>) {
    let program = std::env::current_exe();
    let said =
        program.and_then(|program| said_by(Command::new(program).arg("--data-dir").arg(data_dir).args(arguments)));
    said.unwrap_or_else(|error| (format!("cannot run it: {error}"), None))
}

/// Starts an engine on a thread of its own, as any verb does that needs one; what came of it comes as a message.
pub fn start_engine(app: &App, post: &Post) {
    let (post, data_dir) = (post.clone(), app.options.data_dir.clone());
    thread::spawn(move || {
        // `status` only looks; this one needs an engine.
        let (said, status) = said_of(&data_dir, ["node", "list"].map(str::to_owned).into_iter());
        let (tone, text) = started(&said, status);
        post.send(Message::Said { tone, text });
    });
}

/// What to say of an engine that was to be started, by what a verb said that needs one.
fn started(said: &str, status: Option<i32>) -> (Tone, String) {
    if status == Some(0) {
        return (Tone::Done, "an engine runs now; it goes on when you leave".to_owned());
    }
    let why = said.trim().strip_prefix("error: ").unwrap_or(said.trim());
    (Tone::Bad, format!("no engine could be started: {why}"))
}

/// What a command says, output and errors as they come, and its exit status. One that says more than can be shown is ended,
/// for it may never end by itself.
fn said_by(command: &mut Command) -> io::Result<(String, Option<i32>)> {
    let (heard, said) = io::pipe()?;
    let mut child = command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said).spawn()?;
    // The command holds the pipe's other end too, and with that open it would never be read to its end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut bytes = Vec::new();
    let read = heard.take(SAID_MAX as u64 + 1).read_to_end(&mut bytes);
    let cut = bytes.len() > SAID_MAX;
    if cut || read.is_err() {
        // It may have ended meanwhile.
        let _ = child.kill();
    }
    let status = child.wait()?;
    read?;
    bytes.truncate(SAID_MAX);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match (cut, text.is_empty()) {
        (true, _) => (format!("{text}\n\nIt was ended here: it said more than {} KiB.", SAID_MAX / 1024), None),
        (false, true) => (format!("done ({status})"), status.code()),
        (false, false) => (text, status.code()),
    })
}

/// A word as one has to write it for a shell.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if word.contains('\'') && !word.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}

/// Words as a shell would see them: blanks separate, quotes hold together.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some(open) => Err(format!("the quotation that begins with {open} does not end")),
        None => Ok(words),
    }
}

/// A command as the command line writes it.
pub fn line_of(command: &WireCommand) -> String {
    let words = |verb: &str, ids: &[String]| {
        let ids: Vec<String> = ids.iter().map(|id| quote(id)).collect();
        format!("menagerie {verb} {}", ids.join(" "))
    };
    match command {
        WireCommand::ResumeAgents { ids } => words("agent resume", ids),
        WireCommand::DrainAgents { ids } => words("agent drain", ids),
        WireCommand::ReviewArtifacts { ids, approve: true, .. } => words("artifact approve", ids),
        WireCommand::ReviewArtifacts { ids, approve: false, .. } => words("artifact reject", ids),
        // One at a time: a rating is of one task.
        WireCommand::RateTasks { ids, rating, note } => {
            let stars = rating.map_or_else(|| "--off".to_owned(), |stars| stars.to_string());
            let said = option("note", note.as_ref());
            let lines = ids.iter().map(|id| format!("menagerie task rate {} {stars}{said}", quote(id)));
            lines.collect::<Vec<_>>().join("; ")
        }
        WireCommand::RenameAgent { agent, name } => {
            format!("menagerie agent rename {} {}", quote(agent), quote(name))
        }
        WireCommand::ReportTo { ids, superior } => match superior {
            Some(superior) => words(&format!("agent report --to {}", quote(superior)), ids),
            None => words("agent report", ids),
        },
        WireCommand::TrainModel { model } => format!("menagerie model train {model}"),
        WireCommand::RollBackModel { model, version } => format!("menagerie model rollback {model} {version}"),
        WireCommand::ReopenReviews { ids } => words("artifact reopen", ids),
        WireCommand::SnoozeReviews { ids, until: None } => words("inbox snooze --off", ids),
        WireCommand::SnoozeReviews { ids, until: Some(until) } => words(&format!("inbox snooze --until {until}"), ids),
        WireCommand::SubmitTasks { .. } => "menagerie task submit --batch FILE".to_owned(),
        WireCommand::CancelTasks { ids, pending_only, .. } => {
            words(if *pending_only { "task cancel --pending-only" } else { "task cancel" }, ids)
        }
        WireCommand::RetryTasks { ids } => words("task retry", ids),
        WireCommand::PrioritiseTasks { ids, priority } => words(&format!("task prioritise --priority {priority}"), ids),
        WireCommand::ReassignTasks { ids, agent, cage } => {
            let mut verb = "task reassign".to_owned();
            if let Some(agent) = agent {
                verb = format!("{verb} --agent {}", quote(agent));
            }
            if let Some(cage) = cage {
                verb = format!("{verb} --cage {cage}");
            }
            words(&verb, ids)
        }
        WireCommand::Apply { .. } => "menagerie apply FILE".to_owned(),
        WireCommand::SetCageMaintenance { ids, on } => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            words(if *on { "cage maintenance" } else { "cage maintenance --off" }, &ids)
        }
        WireCommand::VacateCages { ids } => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            words("cage vacate", &ids)
        }
        WireCommand::AddAgent { agent } => declaration_lines::agent(agent),
        WireCommand::SetAgent { id, changes } => declaration_lines::agent_change(id, changes),
        WireCommand::RemoveAgents { ids } => words("agent remove", ids),
        // The home goes last: without one it is left out.
        WireCommand::ReassignAgents { ids, cage } => {
            words("agent reassign", ids) + &cage.map(|cage| format!(" --cage {cage}")).unwrap_or_default()
        }
        WireCommand::AcknowledgeAlerts { ids, note } => {
            words("alert acknowledge", ids) + &option("note", note.as_ref())
        }
        WireCommand::UnacknowledgeAlerts { ids } => words("alert acknowledge --off", ids),
        WireCommand::ReopenAlerts { ids } => words("alert reopen", ids),
        WireCommand::AddApprovalRule { rule } => {
            let reject = if rule.verdict == Verdict::Reject { " --reject" } else { "" };
            let (agent, kind, task_type) = (quote(&rule.agent), rule.kind, quote(&rule.task_type));
            let options = format!("--agent {agent} --type {kind} --task-type {task_type}{reject}");
            format!("menagerie approval rule add {} {options}", quote(&rule.name))
        }
        WireCommand::RemoveApprovalRules { names } => words("approval rule remove", names),
        WireCommand::SilenceAlerts { ids, until: None } => words("alert silence --off", ids),
        WireCommand::SilenceAlerts { ids, until: Some(until) } => words(&format!("alert silence --until {until}"), ids),
        WireCommand::ResolveAlerts { ids, action, notes } => {
            words("alert resolve", ids) + &option("action", action.as_ref()) + &option("notes", notes.as_ref())
        }
        WireCommand::AddAlertRule { rule } => declaration_lines::rule(rule),
        WireCommand::RemoveAlertRules { names } => words("alert rule remove", names),
        WireCommand::EnableAlertRules { names, on } => {
            words(if *on { "alert rule enable" } else { "alert rule disable" }, names)
        }
        WireCommand::AddSilence { matcher, until, note } => {
            let (rule, source) = (option("rule", matcher.rule.as_ref()), option("source", matcher.source.as_ref()));
            format!("menagerie alert silence{rule}{source} --until {until}{}", option("note", note.as_ref()))
        }
        WireCommand::RemoveSilences { ids } => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            words("alert silences --end", &ids)
        }
    }
}

/// An option with its value, after a blank; nothing where there is no value.
fn option(name: &str, value: Option<&String>) -> String {
    value.map(|value| format!(" --{name} {}", quote(value))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::terminal::ColorDepth;

    #[test]
    fn who_started_an_engine_is_told_that_it_runs_or_why_not() {
        assert_eq!(started("NODE  STATUS\nbox  joining\n", Some(0)).0, Tone::Done);
        let (tone, text) = started("error: the engine did not start: its disk is full\n       free some\n", Some(1));
        assert_eq!(tone, Tone::Bad);
        assert_eq!(text, "no engine could be started: the engine did not start: its disk is full\n       free some");
        assert_eq!(started("cannot run it: gone", None).1, "no engine could be started: cannot run it: gone");
    }

    #[test]
    fn what_changes_something_is_no_looking() {
        for line in [
            "task list -s failed",
            "menagerie status",
            "journal verify",
            "artifact show 12",
            "model export policy 3",
            "evaluate selection x",
        ] {
            assert_eq!(looks_only(line), Ok(()), "{line}");
        }
        for line in [
            "stop",
            "task cancel 12",
            "run -- rm x",
            "menagerie stop --all",
            "task",
            "engine",
            "lists",
            "model train policy",
            "agent rollback a 1",
            "",
        ] {
            assert!(looks_only(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_verb_that_never_ends_is_ended_when_it_has_said_as_much_as_can_be_shown() {
        let run = |script: &str| said_by(Command::new("sh").args(["-c", script])).unwrap();
        let (said, status) = run("while :; do echo 0123456789abcdef; done");
        assert!((SAID_MAX..SAID_MAX + 100).contains(&said.len()), "{} bytes", said.len());
        assert!(said.ends_with("more than 256 KiB.") && status.is_none(), "{status:?}");
        assert_eq!(run("echo one; echo two >&2; echo three; exit 3"), ("one\ntwo\nthree\n".to_owned(), Some(3)));
        assert_eq!(run("exit 0"), ("done (exit status: 0)".to_owned(), Some(0)));
    }

    #[test]
    fn a_line_for_another_shell_says_of_each_command_which_fleet_it_is_about() {
        let mut options = Options::new("/tmp/a fleet".into(), ColorDepth::True);
        let line = "menagerie task rate 1 3; menagerie alert resolve 2 --notes 'x; menagerie stop'";
        assert_eq!(addressed(line, &options), line);
        options.usual_data_dir = false;
        let dir = "menagerie --data-dir '/tmp/a fleet'";
        let whole = format!("{dir} task rate 1 3; {dir} alert resolve 2 --notes 'x; menagerie stop'");
        assert_eq!(addressed(line, &options), whole);
    }

    #[test]
    fn words_as_in_a_shell() {
        assert_eq!(split("run -- sh -c 'a  b' \"\"").unwrap(), ["run", "--", "sh", "-c", "a  b", ""]);
        assert!(split("run 'x").is_err());
        for word in ["x", "", "a b", "it's", "it's \"$1\"", "\"", "$HOME", "-n"] {
            assert_eq!(split(&quote(word)).unwrap(), [word]);
        }
    }
}
