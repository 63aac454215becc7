//! What drawing costs, without engine and terminal: each screen at 200x60 with a thousand cages and pages full of rows. Prints
//! JSON: microseconds as medians, and bytes as they would be sent.
//!
//! - `first`: everything anew, as after a resize
//! - `same`: nothing has changed, which has to send nothing
//! - `tick`: a second later, when the figures of all cages, the counts and the rows in sight have moved
//!
//! `cargo bench --bench console -- [COLUMNS LINES]`

use std::error::Error;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use menagerie::api::client::Query;
use menagerie::api::live::{CageCell, Minute, Overview, Pulse, Topic};
use menagerie::domain::counts::Counts;
use menagerie::domain::{Agent, Alert, Artifact, CageId, Execution, Task, Timestamp};
use menagerie::ui::Options;
use menagerie::ui::app::App;
use menagerie::ui::gather::{AgentRow, Records};
use menagerie::ui::message::Message;
use menagerie::ui::place::Place;
use menagerie::ui::request::{Answer, Page, Request};
use menagerie::ui::terminal::ColorDepth;
use menagerie::ui::terminal::encoder::Encoder;
use menagerie::ui::view;
use ratatui::Terminal;
use ratatui::layout::Size;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How often each drawing is timed.
const RUNS: usize = 50;

/// 2026-03-04T10:00:00Z.
const BEGIN: i64 = 1_772_618_400;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Takes everything, as a quick terminal does.
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The fleet at a second.
struct World {
    second: u64,
}

/// A number below `bound` that differs from one number and second to the next as if it were drawn.
fn spread(number: u64, second: u64, bound: u64) -> u64 {
    let mut z = (number << 20 | second).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)) % bound
}

fn made<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| {
        eprintln!("the bench makes something that the wire does not know: {error}");
        std::process::exit(1)
    })
}

fn window(query: &Query) -> (u64, u64) {
    let number = |name: &str| query.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.parse().ok());
    (number("offset").unwrap_or(0), number("limit").unwrap_or(100).min(1_000))
}

impl World {
    fn at(&self, ago: u64) -> Timestamp {
        let second = BEGIN + i64::try_from(self.second).unwrap_or(0) - i64::try_from(ago).unwrap_or(0);
        Timestamp::from_micros(second * 1_000_000)
    }

    fn page<T>(query: &Query, total: u64, row: impl Fn(u64) -> T) -> Page<T> {
        let (offset, limit) = window(query);
        Page { rows: (offset..total.min(offset + limit)).map(row).collect(), total }
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let tasks = &mut counts.tasks;
        (tasks.pending, tasks.executing, tasks.completed) = (980_000 - self.second * 25, 1_000, self.second * 25);
        counts.artifacts.pending = 250 + self.second;
        counts
    }

    fn pulse(&self) -> Pulse {
        let (seq, time) = (5_000_000 + self.second * 100, self.at(0));
        Pulse { seq, time, changed: Topic::ALL.to_vec(), counts: self.counts(), alerts: 3, read_only: false }
    }

    fn task(&self, number: u64) -> Task {
        let status = ["pending", "executing", "completed", "failed"][usize::try_from(number % 4).unwrap_or(0)];
        made(json!({
            "id": format!("0195{:04x}-0000-7000-8000-{number:012x}", number % 65_536), "type": "digest", "status": status,
            "priority": 1 + number % 7, "parameters": {"configuration": {"number": number, "seconds": 30}},
            "requirements": {"capabilities": ["digest"]}, "depends_on": [], "max_attempts": 1,
            "created_by": "0195ffff-0000-7000-8000-000000000001", "created_at": self.at(600 + number),
            "updated_at": self.at(60), "metadata": {"source": "bench", "tags": ["nightly"]},
            "started_at": (status != "pending").then(|| self.at(20 + self.second)),
            "completed_at": matches!(status, "completed" | "failed").then(|| self.at(5)),
        }))
    }

    fn agent(&self, number: u64) -> AgentRow {
        let agent: Agent = made(json!({
            "id": format!("0195{:04x}-0000-7000-8000-a{number:011x}", number % 65_536), "name": format!("clerk-{number:05}"),
            "tier": "worker", "capabilities": ["index", "digest"], "concurrency": 1, "status": "busy", "running": 1,
            "owner": "0195ffff-0000-7000-8000-000000000001", "cage_id": format!("{:03}", number % 1_000 + 1),
            "counters": {"total_executions": number + self.second, "success_count": number, "avg_execution_time_ms": 40_000},
            "last_heartbeat": self.at(spread(number, self.second, 5)), "created_at": self.at(90_000), "updated_at": self.at(3),
        }));
        AgentRow { agent, work: None }
    }

    fn cell(&self, number: u16) -> CageCell {
        let gauge = |measure: u64, limit: u64| {
            // Most of what is used stays what it was a second ago; a tenth of the cages move.
            let moves = spread(u64::from(number), self.second, 10) == 0;
            let second = if moves { self.second } else { measure };
            json!({"used": spread(u64::from(number) * 8 + measure, second, limit * 9 / 10), "granted": 0, "limit": limit})
        };
        let states = ["running", "running", "running", "running", "starting", "idle"];
        made(json!({
            "id": CageId::new(number).ok(), "status": "occupied", "running": 1, "node": "here",
            "state": states[usize::try_from(spread(u64::from(number), self.second / 20, 6)).unwrap_or(0)],
            "agent": format!("clerk-{number:05}"), "cpu": gauge(1, 4), "memory": gauge(2, 16 << 20), "gpu": {},
            "tokens": gauge(3, 100_000), "pids": gauge(4, 32),
        }))
    }

    fn overview(&self) -> Overview {
        let minute = |number: u64| Minute { completed: 1_400 + spread(number, self.second, 200), failed: 30 };
        let gauge = |used: u64, limit: u64| json!({"used": used, "granted": used, "limit": limit});
        let share = spread(0, self.second, 100);
        made(json!({
            "seq": 5_000_000, "time": self.at(0), "health": [], "counts": self.counts(),
            "queue": {"pending": 980_000, "oldest_wait_s": 3_600 + self.second, "median_wait_s": 40},
            "minutes": (0..60).map(minute).collect::<Vec<_>>(),
            "nodes": [{"name": "here", "status": "online", "cpu": gauge(share / 50, 2), "gpu": {},
                "memory": gauge((4 << 30) + (share << 20), 24 << 30)}],
            "tokens_hour": 80_000_000 + self.second * 30_000,
            "inbox": [], "inbox_total": 0, "alerts": [], "alerts_total": 0, "at_risk": [], "at_risk_total": 0,
        }))
    }

    fn artifact(&self, number: u64) -> Artifact {
        made(json!({
            "id": format!("0195{:04x}-0000-7000-8000-b{number:011x}", number % 65_536),
            "agent_id": "0195ffff-0000-7000-8000-000000000003", "task_id": "0195ffff-0000-7000-8000-000000000004",
            "execution_id": "0195ffff-0000-7000-8000-000000000005", "type": "report", "title": format!("shift-{number}.md"),
            "size": 4_000, "digest": "00", "human_approved": false, "review": {"state": "pending"},
            "created_at": self.at(60 + number),
        }))
    }

    fn alert(&self, number: u64) -> Alert {
        made(json!({
            "id": format!("0195eeee-0000-7000-8000-{number:012x}"), "severity": "warning", "status": "active",
            "source": format!("cage {:03}", number + 1), "message": "memory is at 91 % of its limit",
            "time": self.at(4_000), "last_seen": self.at(3), "count": 1 + self.second, "context": {},
        }))
    }

    /// What an engine would answer; `None` for what no screen needs to be full.
    fn answer(&self, request: &Request) -> Option<Answer> {
        Some(match request {
            Request::Tasks(query) => Answer::Tasks(Self::page(query, 1_000_000, |number| self.task(number))),
            Request::AgentRows(query) => Answer::AgentRows(Self::page(query, 10_000, |number| self.agent(number))),
            Request::Artifacts(query) => Answer::Artifacts(Self::page(query, 250, |number| self.artifact(number))),
            Request::Alerts(query) => Answer::Alerts(Self::page(query, 300, |number| self.alert(number).into())),
            Request::Executions(query) => Answer::Executions(Self::page(query, 0, |_| made::<Execution>(json!({})))),
            Request::Inbox(query) => {
                let item = |number: u64| {
                    made(json!({
                        "id": format!("0195{number:04x}"), "kind": "artifact", "title": format!("shift-{number}.md"),
                        "artifact_type": "report", "agent": "clerk-00007", "task_id": "0195", "task_type": "digest",
                        "size": 4_000, "since": self.at(60 + number), "blocks": number % 3, "cost": 40.0 - number as f64 / 10.0,
                        "risk": "normal", "group": "digest", "rank": number,
                    }))
                };
                Answer::Inbox(Self::page(query, 250, item))
            }
            Request::Journal(query) => {
                let row = |number: u64| {
                    made(json!({
                        "seq": 5_000_000 - number, "time": self.at(number / 100), "actor": "engine",
                        "kind": "task_cancelled", "version": 1, "hash": "00",
                        "body": {"task_id": format!("0195{number:04x}-0000-7000-8000-000000000abc"), "note": null},
                    }))
                };
                Answer::Journal(Records { rows: Self::page(query, 5_000_000, row).rows, next: None, head: 5_000_000 })
            }
            Request::Overview => Answer::Overview(Box::new(self.overview())),
            Request::Grid => Answer::Grid((1..=CageId::LAST).map(|number| self.cell(number)).collect()),
            Request::Names(_) => Answer::Names(std::collections::BTreeMap::new()),
            _ => return None,
        })
    }
}

struct Stage {
    app: App,
    world: World,
    terminal: Terminal<Encoder<Nowhere>>,
    began: Instant,
    /// What nobody could answer.
    unanswered: usize,
}

impl Stage {
    fn new(place: &Place, size: Size) -> Outcome<Self> {
        let (world, began) = (World { second: 0 }, Instant::now());
        let mut app = App::new(Options::new("/nowhere".into(), ColorDepth::True), place, (world.at(0), began));
        app.update(Message::Pulse(world.pulse()));
        let terminal = Terminal::new(Encoder::new(Nowhere, size, ColorDepth::True, true))?;
        let mut stage = Self { app, world, terminal, began, unanswered: 0 };
        stage.draw()?;
        stage.settle()?;
        Ok(stage)
    }

    fn draw(&mut self) -> Outcome<(Duration, u64)> {
        let before = self.terminal.backend().written();
        let begun = Instant::now();
        self.terminal.draw(|frame| view::draw(&mut self.app, frame))?;
        let took = begun.elapsed();
        Ok((took, self.terminal.backend().written() - before))
    }

    /// Answers what is asked, until nothing more is.
    fn settle(&mut self) -> Outcome<()> {
        loop {
            let asks = self.app.take_asks();
            if asks.is_empty() {
                return Ok(());
            }
            for ask in asks {
                let answer = self.world.answer(&ask.request);
                self.unanswered += usize::from(answer.is_none());
                let answer = answer.ok_or_else(|| "the bench has no answer".to_owned());
                self.app.update(Message::Answer { ticket: ask.ticket, answer });
            }
            self.draw()?;
        }
    }

    /// Lets a second pass, and gives what its one frame costs: taking the answers in is the console's work too.
    fn tick(&mut self) -> Outcome<(Duration, u64)> {
        self.world.second += 1;
        self.app.set_now((self.world.at(0), self.began + Duration::from_secs(self.world.second)));
        self.app.update(Message::Pulse(self.world.pulse()));
        let answers: Vec<_> = self
            .app
            .take_asks()
            .into_iter()
            .map(|ask| (ask.ticket, self.world.answer(&ask.request).ok_or_else(String::new)))
            .collect();
        let begun = Instant::now();
        for (ticket, answer) in answers {
            self.app.update(Message::Answer { ticket, answer });
        }
        let (_, bytes) = self.draw()?;
        let took = begun.elapsed();
        self.settle()?;
        Ok((took, bytes))
    }
}

fn median<T: Ord + Copy>(mut figures: Vec<T>) -> Option<T> {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied()
}

/// Microseconds and bytes: medians of several runs.
fn timed(mut run: impl FnMut() -> Outcome<(Duration, u64)>) -> Outcome<Value> {
    let figures = (0..RUNS).map(|_| run()).collect::<Outcome<Vec<_>>>()?;
    let us = median(figures.iter().map(|(took, _)| took.as_micros()).collect());
    Ok(
        json!({"us": us.map(|us| u64::try_from(us).unwrap_or(u64::MAX)), "bytes": median(figures.iter().map(|(_, bytes)| *bytes).collect())}),
    )
}

fn main() -> Outcome<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let size = Size::new(numbers.next().unwrap_or(200), numbers.next().unwrap_or(60));
    let mut screens = serde_json::Map::new();
    for (place, name) in Place::MAIN {
        let mut stage = Stage::new(place, size)?;
        let first = timed(|| {
            stage.terminal.resize(size.into())?;
            stage.draw()
        })?;
        let same = timed(|| stage.draw())?;
        let tick = timed(|| stage.tick())?;
        eprintln!("{name:<10} first {first}  same {same}  tick {tick}  unanswered {}", stage.unanswered);
        screens.insert((*name).to_owned(), json!({"first": first, "same": same, "tick": tick}));
    }
    let report = json!({"columns": size.width, "lines": size.height, "runs": RUNS, "screens": screens});
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
