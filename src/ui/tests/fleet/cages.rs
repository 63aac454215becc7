//! A thousand cages, most of them at work, and one of them closely.

use serde_json::json;

use super::alerts::alert;
use super::{HOSTILE, at};
use crate::api::live::{CageCell, CageProcess, CellState, Gauge, OpenAlert};
use crate::domain::spool::{self, Chunk, Stream};
use crate::domain::{Alert, Cage, CageStatus, Timestamp};
use crate::ui::gather::AttemptRow;
use crate::ui::request::Page;

/// How the ids of executions in a cage begin.
pub const EXECUTIONS: &str = "0195cccc";

const MIB: f64 = 1024.0 * 1024.0;

/// The cage that uses most memory though others use more of their limit.
pub const MOST_MEMORY: u16 = 777;

/// So many cages, by number.
pub fn grid(count: u16) -> Vec<CageCell> {
    (1..=count).map(cell).collect()
}

fn cell(number: u16) -> CageCell {
    use CellState::{Failing, Idle, Running, Starting, Stopped, Unknown, Waiting, Warning};
    let n = f64::from(number);
    let state = match number {
        13 | 402 => Failing,
        21 | 404 => Warning,
        34 | 405 => Waiting,
        55 | 406 => Starting,
        89 => Unknown,
        42 => Running,
        _ if number.is_multiple_of(10) => Stopped,
        _ if number.is_multiple_of(3) => Idle,
        _ => Running,
    };
    // A wave, so that all levels are there.
    let wave = |offset: f64| ((n + offset) / 17.0).sin().abs();
    let busy = matches!(state, Running | Warning | Starting | Waiting);
    let known = !matches!(state, Unknown | Stopped);
    let gauge = |share: f64, limit: f64| Gauge {
        used: known.then_some(if busy { share * limit } else { 0.0 }),
        granted: known.then_some(if busy { limit / 2.0 } else { 0.0 }),
        limit: Some(limit),
    };
    let agent = match number {
        _ if state == Stopped => None,
        7 => Some(HOSTILE[0].to_owned()),
        8 => Some("a".repeat(500)),
        9 => Some(HOSTILE[2].to_owned()),
        _ => Some(format!("builder-{number}")),
    };
    let memory = match number {
        MOST_MEMORY => Gauge { used: Some(3_000.0 * MIB), granted: None, limit: Some(8_192.0 * MIB) },
        21 => Gauge { used: Some(130.0 * MIB), granted: None, limit: Some(128.0 * MIB) },
        _ => gauge(wave(0.0) * 0.95, 128.0 * MIB),
    };
    CageCell {
        id: format!("{number:03}").parse().unwrap(),
        status: match state {
            Stopped if number.is_multiple_of(100) => CageStatus::Maintenance,
            Stopped => CageStatus::Vacant,
            _ => CageStatus::Occupied,
        },
        state,
        node: Some("local".to_owned()),
        agent,
        running: u32::from(busy),
        alerts: u32::from(state == Warning),
        cpu: gauge(wave(5.0), 2.0),
        memory,
        memory_peak: Gauge::default(),
        gpu: Gauge::default(),
        tokens: gauge(wave(9.0) * 0.7, 200_000.0),
        pids: Gauge { used: known.then_some(if busy { 5.0 } else { 0.0 }), granted: None, limit: Some(64.0) },
    }
}

/// What is open about one cage: of itself, and shared with others.
pub fn alerts() -> Vec<OpenAlert> {
    let own = alert(0);
    let shared = Alert {
        severity: crate::domain::Severity::Warning,
        source: "rule agent-slow".to_owned(),
        message: "12 more; last: agent builder-9 takes 20 s to answer".to_owned(),
        ..alert(8)
    };
    vec![
        OpenAlert {
            alert: Alert { message: "memory of cage 404 is 97 % of its limit".to_owned(), ..own },
            figure: Some("97 % where 90 % is the limit, avg of cage_memory_ratio".to_owned()),
            now: Some("95 % now, 99.1 % at worst".to_owned()),
        },
        OpenAlert { alert: shared, figure: Some("12 share it".to_owned()), now: None },
    ]
}

/// One cage with all that can be said of limits.
pub fn cage(id: &str) -> Cage {
    let entry =
        |limit: &str, enforcement: &str, by: &str| json!({"limit": limit, "enforcement": enforcement, "by": by});
    let entries = [
        entry("cpu", "enforced", "cgroup v1 cpu"),
        entry("memory", "enforced", "cgroup v1 memory, with swap"),
        entry("pids", "enforced", "cgroup v1 pids"),
        entry(
            "disk",
            "watched",
            "the worker counts the bytes in the cage's folders every second and ends what is over; project quotas are \
             not there: \x1b[31mno such device\x1b[0m",
        ),
        entry("wall", "enforced", "the worker's timer"),
        entry("tokens", "watched", "as the agent reports them"),
        entry("gpu", "absent", "no device is there"),
        entry("network", "absent", "no network namespaces on this host"),
        entry("filesystem", "enforced", "Landlock and a root of its own"),
    ];
    serde_json::from_value(json!({
        "id": id,
        "node_id": "0195aaaa-0000-7000-8000-000000000001",
        "agent_id": "0195bbbb-0000-7000-8000-000000000001",
        "status": "occupied",
        "resource_limits": {
            "cpu": 2.0, "memory": "128MiB", "pids": 64, "tokens": "200k/h", "disk": "1GiB", "wall": "30m",
        },
        "network": "none",
        "read": ["~/src", "/opt/\x1b]0;evil\x07models"],
        "write": [],
        "enforcement": entries,
        "created_at": at(90_000),
        "updated_at": at(4_000),
    }))
    .unwrap()
}

/// What runs and ran in it, the newest first.
pub fn executions(limit: u64) -> Page<AttemptRow> {
    let rows = (0..limit.min(14)).map(|number| execution(i64::try_from(number).unwrap()));
    Page { rows: rows.collect(), total: 812 }
}

fn execution(number: i64) -> AttemptRow {
    // The second newest still runs; the newest failed at once.
    let (status, kind) = match number {
        1 => ("running", None),
        0 => ("failed", Some("limit_exceeded")),
        4 => ("failed", Some("cancelled")),
        _ => ("completed", Some("succeeded")),
    };
    let message = if number == 0 { "memory: used 128MiB of 128MiB\x1b[2J" } else { "" };
    let outcome = kind.map(|kind| json!({"kind": kind, "message": message}));
    let began = number * 300 + 40;
    let execution = serde_json::from_value(json!({
        "id": format!("{EXECUTIONS}-0000-7000-8000-{number:012x}"),
        "task_id": format!("0195dddd-0000-7000-8000-{number:012x}"),
        "agent_id": "0195bbbb-0000-7000-8000-000000000001",
        "cage_id": "042",
        "node_id": "0195aaaa-0000-7000-8000-000000000001",
        "execution_type": "command",
        "status": status,
        "progress": (number == 1).then_some(62),
        "attempt": 1,
        "outcome": outcome,
        "metrics": {"duration": kind.map(|_| "12s")},
        "tokens_used": (number % 3 == 0).then_some(12_345),
        "output_summary": if number == 1 { "compiling 4 of 7 \u{202e}stnuoc" } else { "wrote report.md" },
        "created_at": at(began),
        "started_at": at(began - 1),
        "completed_at": kind.map(|_| at(began - 13)),
    }))
    .unwrap();
    let kind = (number != 5).then(|| if number == 2 { HOSTILE[0].to_owned() } else { format!("build part {number}") });
    AttemptRow { execution, kind }
}

/// What is there now.
pub fn processes() -> Vec<CageProcess> {
    let process = |pid: u32, state: &str, command: &str, kib: u64| CageProcess {
        pid,
        parent: 4100,
        state: state.to_owned(),
        command: command.to_owned(),
        cpu_seconds: f64::from(pid % 50) * 1.7,
        memory_bytes: kib * 1024,
        threads: 1 + pid % 4,
        task_id: (pid != 4101).then(|| "0195dddd-0000-7000-8000-000000000001".parse().unwrap()),
    };
    vec![
        process(4101, "S", "init", 512),
        process(4102, "S", "sh -c make test", 1_229),
        process(4110, "R", "cc1 -O2 parser.c\x1b[31m", 72_704),
        process(4111, "D", "cc1 -O2 lexer.c", 12_288),
        process(4112, "Z", "", 0),
    ]
}

/// What the current execution wrote.
pub fn output() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut write = |stream: Stream, content: &str| {
        spool::encode(Chunk { stream, time: Timestamp::EPOCH, bytes: content.as_bytes() }, &mut bytes);
    };
    for number in 0..30 {
        write(Stream::Out, &format!("\x1b[1mCC\x1b[0m part-{number}.o\n"));
    }
    write(Stream::Err, "parser.c:12: warning: unused variable 'x'\n");
    write(Stream::Note, "1.2MiB were dropped here\n");
    write(Stream::Out, "\x1b]0;evil title\x07LINK   10%\r 55%\r 99%");
    bytes
}
