//! `bench console`: the console in a pseudo-terminal against one engine with a large fleet: first while nothing happens, then
//! while its cages work.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::report::{Report, Scratch};
use super::subject::Subject;
use super::submit::wait_for_worker;
use super::terminal::{Heard, Terminal, Used, memory};
use crate::cli::demo::scale::{self, Scale};
use crate::cli::failure::Failure;

/// How the benchmark is set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Fleet and queue.
    pub scale: Scale,
    /// How long each screen is watched.
    pub seconds: u64,
    /// How many keys are pressed, about, idle and again live.
    pub keys: usize,
    /// Runs.
    pub runs: usize,
    /// A folder that is filled the first time and kept.
    pub keep: Option<PathBuf>,
}

/// Columns and lines.
const SIZE: (u16, u16) = (160, 50);

/// After so long without a byte a key has been answered in full.
const QUIET: Duration = Duration::from_millis(40);

/// A key that draws nothing within this draws nothing.
const SILENT: Duration = Duration::from_millis(500);

/// So many of the slowest keys are named.
const SLOWEST: usize = 8;

/// Each screen with its key.
const SCREENS: [(&str, &str); 8] = [
    ("overview", "1"),
    ("inbox", "2"),
    ("cages", "3"),
    ("agents", "4"),
    ("tasks", "5"),
    ("artifacts", "6"),
    ("alerts", "7"),
    ("events", "0"),
];

/// What is pressed on each screen: rows, half pages, both ends, help and palette, a filter letter by letter.
const KEYS: &[&str] =
    &["j", "j", "j", "k", "j", "\x04", "\x04", "\x15", "G", "k", "k", "\x15", "g", "j", "?", "\x1b", ":", "t", "\x1b"];

/// What is typed into the filter of the screens that have one.
const FILTER: &[&str] = &["/", "n", "i", "g", "h", "t", "\x1b"];

/// Runs the benchmark.
pub fn run(settings: &Settings) -> Result<Report, Failure> {
    let subject = match &settings.keep {
        Some(folder) => Subject::start_in(folder)?,
        None => Subject::start(None)?,
    };
    wait_for_worker(&subject)?;
    // Cages see nothing of the data directory, so what they read lies beside it.
    let scratch = Scratch::new(None).map_err(|error| Failure::failed(format!("cannot make a folder: {error}")))?;
    let scripts =
        settings.keep.as_ref().map_or_else(|| scratch.path().to_owned(), |keep| keep.with_extension("scripts"));
    let names = fill(&subject, settings, &scripts)?;
    let mut runs = Vec::new();
    for _ in 0..settings.runs {
        let mut run = Map::new();
        let silent = idle(&subject, settings, &mut run)?;
        set_at_work(&subject, settings.scale, &names, true)?;
        live(&subject, settings, &silent, &mut run)?;
        set_at_work(&subject, settings.scale, &names, false)?;
        runs.push(Value::Object(run));
    }
    let Scale { agents, tasks, .. } = settings.scale;
    let shown = json!({
        "agents": agents, "cages": settings.scale.cages(), "tasks": tasks, "columns": SIZE.0, "lines": SIZE.1,
        "seconds": settings.seconds,
    });
    Ok(Report::new("console", shown, runs))
}

/// Declares the fleet, drained, and submits the tasks: the agents' names.
fn fill(subject: &Subject, settings: &Settings, scripts: &Path) -> Result<Vec<String>, Failure> {
    let client = subject.client()?;
    scale::declare(&client, settings.scale, scripts)?;
    let fleet = settings.scale.fleet(&scripts.to_string_lossy())?;
    let names: Vec<String> = fleet.agent.into_iter().map(|agent| agent.name).collect();
    set_at_work(subject, settings.scale, &names, false)?;
    scale::submit(&client, settings.scale, |_| {})?;
    Ok(names)
}

/// Has the agents work and waits until nine of ten cages do; or drains them and waits until nothing runs.
fn set_at_work(subject: &Subject, scale: Scale, names: &[String], on: bool) -> Result<(), Failure> {
    let command = if on { "resume_agents" } else { "drain_agents" };
    subject.client()?.command(&json!({"command": command, "ids": names}))?;
    let wanted = u64::from(scale.cages()) * 9 / 10;
    let begun = Instant::now();
    loop {
        let status = subject.status()?;
        let running = status.tasks.executing;
        if (on && running >= wanted) || (!on && running + status.tasks.scheduled == 0) {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_mins(5) {
            return Err(Failure::failed(format!(
                "after five minutes {running} tasks run; the figures would mean nothing"
            )));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e5).round() / 100.0
}

/// Starts a console and gives it with the time to its first frame and to the last of those that follow at once.
fn start(subject: &Subject) -> Result<(Terminal, Duration, Duration), Failure> {
    let mut terminal = Terminal::start(subject.data_dir(), &[], SIZE)?;
    let heard = terminal.read_until_quiet(Duration::from_millis(300), Duration::from_secs(20));
    let (Some(first), Some(last)) = (heard.first, heard.last) else {
        return Err(Failure::failed("the console has drawn nothing for 20 s"));
    };
    let begun = terminal.begun;
    Ok((terminal, first - begun, last - begun))
}

/// Measures while nothing happens; gives which of the pressed keys drew nothing.
fn idle(subject: &Subject, settings: &Settings, run: &mut Map<String, Value>) -> Result<BTreeSet<usize>, Failure> {
    let mut firsts = Vec::new();
    let mut fulls = Vec::new();
    for _ in 0..4 {
        let (_, first, full) = start(subject)?;
        firsts.push(first);
        fulls.push(full);
    }
    let (mut terminal, first, full) = start(subject)?;
    firsts.push(first);
    fulls.push(full);
    run.insert("first_frame_ms".into(), json!(part(&mut firsts, 50)));
    run.insert("first_figures_ms".into(), json!(part(&mut fulls, 50)));
    watch("idle", &mut terminal, settings, run)?;
    let silent = press("idle", &mut terminal, settings, &BTreeSet::new(), run)?;
    remember("idle", &terminal, run);
    Ok(silent)
}

fn live(
    subject: &Subject,
    settings: &Settings,
    silent: &BTreeSet<usize>,
    run: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let (mut terminal, ..) = start(subject)?;
    run.insert("live_executing".into(), json!(subject.status()?.tasks.executing));
    watch("live", &mut terminal, settings, run)?;
    press("live", &mut terminal, settings, silent, run)?;
    remember("live", &terminal, run);
    Ok(())
}

/// Looks at each screen for a while without a key.
fn watch(
    when: &str,
    terminal: &mut Terminal,
    settings: &Settings,
    run: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let mut screens = Map::new();
    let (mut bytes, mut cpu, mut span) = (0, Duration::ZERO, Duration::ZERO);
    for (name, key) in SCREENS {
        terminal.press(key.as_bytes())?;
        terminal.read_until_quiet(Duration::from_millis(300), Duration::from_secs(2));
        let (before, begun) = (Used::of(terminal.pid()), Instant::now());
        let heard: Heard = terminal.read_for(Duration::from_secs(settings.seconds));
        let (used, took) = (Used::of(terminal.pid()).since(before), begun.elapsed());
        bytes += heard.bytes;
        (cpu, span) = (cpu + used.cpu, span + took);
        let figures = json!({
            "bytes_per_s": rate(heard.bytes as f64, took),
            "frames_per_s": rate(heard.frames as f64, took),
            "cpu_percent": rate(used.cpu.as_secs_f64() * 100.0, took),
        });
        screens.insert(name.to_owned(), figures);
    }
    run.insert(format!("{when}_bytes_per_s"), json!(rate(bytes as f64, span)));
    run.insert(format!("{when}_cpu_percent"), json!(rate(cpu.as_secs_f64() * 100.0, span)));
    run.insert(format!("{when}_screens"), Value::Object(screens));
    Ok(())
}

fn rate(amount: f64, span: Duration) -> f64 {
    (amount / span.as_secs_f64() * 1e3).round() / 1e3
}

/// Presses keys, one after the other has been answered, always the same ones in the same order; gives which of them drew
/// nothing. Those that drew nothing while nothing happened (`known_silent`: `j` at the end of a list) are counted as silent
/// again: while the fleet works a frame does come sooner or later, but not for the key, and the wait for it says nothing
/// of how long a key takes.
fn press(
    when: &str,
    terminal: &mut Terminal,
    settings: &Settings,
    known_silent: &BTreeSet<usize>,
    run: &mut Map<String, Value>,
) -> Result<BTreeSet<usize>, Failure> {
    let (mut drawn, mut answered, mut silent) = (vec![], vec![], BTreeSet::new());
    let mut slowest = Vec::new();
    let mut bytes = 0;
    let before = Used::of(terminal.pid());
    while drawn.len() + silent.len() < settings.keys {
        for (name, key) in SCREENS {
            let filter = if name == "overview" || name == "cages" { &[] } else { FILTER };
            for key in std::iter::once(&key).chain(KEYS).chain(filter) {
                let number = drawn.len() + silent.len();
                let pressed = Instant::now();
                terminal.press(key.as_bytes())?;
                let heard = terminal.read_until_quiet(QUIET, SILENT);
                bytes += heard.bytes;
                let (Some(first), Some(last)) = (heard.first, heard.last) else {
                    silent.insert(number);
                    continue;
                };
                if known_silent.contains(&number) {
                    silent.insert(number);
                    continue;
                }
                let took = first - pressed;
                slowest.push((took, format!("{} on {name}: {} ms", key.escape_debug(), millis(took))));
                drawn.push(took);
                answered.push(last - pressed);
            }
            terminal.press(b"\x1b")?;
            terminal.read_until_quiet(QUIET, QUIET);
        }
    }
    slowest.sort();
    let slowest: Vec<String> = slowest.into_iter().rev().take(SLOWEST).map(|(_, text)| text).collect();
    let used = Used::of(terminal.pid()).since(before);
    let count = drawn.len().max(1) as f64;
    let each = |span: Duration| json!((span.as_secs_f64() * 1e5 / count).round() / 100.0);
    for (name, percent) in [("p50", 50), ("p99", 99)] {
        run.insert(format!("{when}_key_{name}_ms"), json!(part(&mut drawn, percent)));
        run.insert(format!("{when}_answered_{name}_ms"), json!(part(&mut answered, percent)));
    }
    run.insert(format!("{when}_keys"), json!(drawn.len()));
    run.insert(format!("{when}_keys_silent"), json!(silent.len()));
    run.insert(format!("{when}_key_slowest"), json!(slowest));
    run.insert(format!("{when}_key_cpu_ms"), each(used.cpu));
    // What of it is not the console's own: other programs had the processors.
    run.insert(format!("{when}_key_waited_for_cpu_ms"), each(used.waited));
    run.insert(format!("{when}_key_bytes"), json!((bytes as f64 / count).round()));
    Ok(silent)
}

/// The milliseconds below which so many per cent lie.
fn part(spans: &mut [Duration], percent: usize) -> f64 {
    spans.sort_unstable();
    let place = (spans.len() * percent / 100).min(spans.len().saturating_sub(1));
    spans.get(place).copied().map_or(f64::NAN, millis)
}

fn remember(when: &str, terminal: &Terminal, run: &mut Map<String, Value>) {
    let [now, most, own] = memory(terminal.pid());
    run.insert(format!("{when}_memory_bytes"), json!(now));
    run.insert(format!("{when}_memory_most_bytes"), json!(most));
    run.insert(format!("{when}_memory_own_bytes"), json!(own));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_below_a_percentage() {
        let mut spans: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert!((part(&mut spans, 50) - 51.0).abs() < 1e-9);
        assert!((part(&mut spans, 99) - 100.0).abs() < 1e-9);
        assert!(part(&mut [], 50).is_nan());
    }
}
