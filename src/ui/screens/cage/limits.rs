//! The limits of a cage: how much of each is used, whether it holds, and by what.

use ratatui::text::{Line, Span};

use crate::api::live::{CageCell, Gauge};
use crate::domain::cage::EnforcementEntry;
use crate::domain::{Cage, CageLimits, Enforcement};
use crate::ui::look::{Look, Mark};
use crate::ui::screens::cages::measure::{cores, heat, thousands};
use crate::ui::sparks::{self, Sparks};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::{self, chart};

/// The limits of which the use is kept over time, with the metric that it is.
pub const MEASURED: [(&str, &str); 4] = [
    ("cpu", "menagerie_cage_cpu_used_cores"),
    ("memory", "menagerie_cage_memory_used_bytes"),
    ("tokens", "menagerie_cage_tokens_window"),
    ("pids", "menagerie_cage_pids"),
];

/// One limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// `memory`.
    pub name: String,
    /// Of it in use, 0-1 and more; `None` when unknown.
    share: Option<f64>,
    /// What is used, for people; `-` when unknown, empty for what has no quantity.
    used: String,
    /// The most there can be, for people; empty where there is no limit.
    most: String,
    /// Whether it is one that was not declared: then nothing need hold it.
    undeclared: bool,
    /// How it holds and by what; `None` before the cage was first set up.
    holds: Option<(Enforcement, String)>,
}

/// Every limit: those with a quantity first, then what else keeps the cage shut.
pub fn all(cage: &Cage, cell: Option<&CageCell>) -> Vec<Limit> {
    let limits = &cage.resource_limits;
    let entries = &cage.enforcement.0;
    let holds = |name: &str| {
        let entry: Option<&EnforcementEntry> = entries.iter().find(|entry| entry.limit == name);
        entry.map(|entry| (entry.enforcement, entry.by.clone()))
    };
    let mut out: Vec<Limit> = quantities(limits, cell)
        .into_iter()
        .filter(|(name, _, limit, _)| limit.is_some() || holds(name).is_some())
        .map(|(name, gauge, limit, write)| Limit {
            name: name.to_owned(),
            share: gauge.and_then(|gauge| gauge.share()),
            used: match (name, gauge.and_then(|gauge| gauge.used)) {
                ("wall", _) => String::new(),
                (_, Some(used)) => write(used),
                (_, None) => "-".to_owned(),
            },
            undeclared: limit.is_none(),
            most: limit.unwrap_or_default(),
            holds: holds(name),
        })
        .collect();
    for entry in entries.iter().filter(|entry| !out.iter().any(|limit| limit.name == entry.limit)).collect::<Vec<_>>() {
        out.push(Limit {
            name: entry.limit.clone(),
            share: None,
            used: String::new(),
            undeclared: false,
            most: if entry.limit == "network" { cage.network.to_string() } else { String::new() },
            holds: Some((entry.enforcement, entry.by.clone())),
        });
    }
    out
}

/// How many hold in which way: what is missing is seen even where there is no room for all of them.
pub fn summary(limits: &[Limit]) -> String {
    let count = |what: &str, wanted: &dyn Fn(Enforcement, &Limit) -> bool| {
        let holds = |limit: &&Limit| limit.holds.as_ref().is_some_and(|(holds, _)| wanted(*holds, limit));
        let number = limits.iter().filter(holds).count();
        (number > 0).then(|| format!("{number} {what}"))
    };
    let counts = [
        count("enforced", &|holds, _| holds == Enforcement::Enforced),
        count("watched", &|holds, _| holds == Enforcement::Watched),
        count("absent", &|holds, limit| holds == Enforcement::Absent && !limit.undeclared),
        count("not declared", &|holds, limit| holds == Enforcement::Absent && limit.undeclared),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    if counts.is_empty() { "how they hold is known after the first use".to_owned() } else { counts.join(", ") }
}

/// Name, figures, the limit in words, how a figure is written.
type Quantity = (&'static str, Option<Gauge>, Option<String>, fn(f64) -> String);

fn quantities(limits: &CageLimits, cell: Option<&CageCell>) -> [Quantity; 8] {
    let plain = |value: f64| text::decimals(value, 0);
    let bytes = |bytes: crate::domain::Bytes| text::bytes(bytes.get() as f64);
    [
        ("cpu", cell.map(|cell| cell.cpu), limits.cpu.map(|cpu| format!("{cpu} cores")), cores),
        ("memory", cell.map(|cell| cell.memory), limits.memory.map(bytes), text::bytes),
        ("gpu", cell.map(|cell| cell.gpu), limits.gpu.map(|gpu| gpu.to_string()), plain),
        ("gpu_memory", None, limits.gpu_memory.map(bytes), text::bytes),
        ("tokens", cell.map(|cell| cell.tokens), limits.tokens.map(|tokens| tokens.to_string()), thousands),
        ("pids", cell.map(|cell| cell.pids), limits.pids.map(|pids| pids.to_string()), thousands),
        ("disk", None, limits.disk.map(bytes), text::bytes),
        // A run's time is said beside the run.
        ("wall", None, limits.wall.map(|wall| format!("{} a run", wall.human())), plain),
    ]
}

/// How a limit holds, as a mark.
const fn mark(enforcement: Enforcement, undeclared: bool) -> Mark {
    match enforcement {
        Enforcement::Enforced => Mark::Done,
        Enforcement::Watched => Mark::Starting,
        Enforcement::Absent if undeclared => Mark::Idle,
        Enforcement::Absent => Mark::Failed,
    }
}

/// The columns of a limit's name, and of what is used of how much.
const NAME: usize = 13;
const FIGURES: usize = 19;

/// The columns of the bar.
const fn bar_width(room: usize) -> usize {
    if room >= 90 { 16 } else { 8 }
}

/// The columns of the last hour in small, with a blank; none where there is no room.
const fn past_width(room: usize) -> usize {
    if room >= 90 { sparks::COLUMNS + 1 } else { 0 }
}

/// What is left for saying by what a limit holds: after pointer, name, bar, figures, share, last hour, mark and word.
const fn room_for_by(room: usize) -> usize {
    room.saturating_sub(2 + NAME + bar_width(room) + 1 + FIGURES + 1 + 4 + 1 + past_width(room) + 2 + 9)
}

/// By what it holds, wrapped, where that does not fit into its line.
fn in_full(limit: &Limit, room: usize) -> Vec<String> {
    let by = limit.holds.as_ref().map(|(_, by)| text::clean(by)).unwrap_or_default();
    if text::width(&by) <= room_for_by(room) { Vec::new() } else { widgets::wrap(&by, room.saturating_sub(6)) }
}

/// How many lines a limit takes.
pub fn height(limit: &Limit, here: bool, room: usize) -> usize {
    1 + if here { in_full(limit, room).len() } else { 0 }
}

/// The lines of a limit, with what was used of it within the last hour; the one under the cursor says in full by what it
/// holds.
pub fn lines(
    limit: &Limit,
    (past, cage): (&Sparks, &str),
    here: bool,
    room: usize,
    look: &Look<'_>,
) -> Vec<Line<'static>> {
    let ground = if here { Role::Cursor } else { Role::Text };
    let style = |role: Role| look.theme.over(role, ground);
    let bar_width = bar_width(room);
    let mut spans = vec![
        Span::raw(if here { look.sign("▶ ", "> ") } else { "  " }),
        Span::raw(text::pad(&text::clean(&limit.name).replace('_', " "), NAME)),
    ];
    match limit.share {
        Some(share) => {
            let full = chart::steps_said(share, bar_width);
            spans.push(Span::styled(look.sign("█", "#").repeat(full), style(bar_role(share))));
            spans.push(Span::styled(look.sign("░", ".").repeat(bar_width - full), style(Role::Dim)));
        }
        // What is used of a limit is not known; of what has no limit or no quantity there is no bar.
        None if limit.used == "-" && !limit.most.is_empty() => {
            spans.push(Span::styled(chart::unknown(bar_width, look), style(Role::Dim)));
        }
        None => spans.push(Span::raw(" ".repeat(bar_width))),
    }
    let of = match (limit.used.as_str(), limit.most.as_str()) {
        ("-", "") => "no limit".to_owned(),
        ("", most) => most.to_owned(),
        (used, "") => format!("{used}, no limit"),
        (used, most) => format!("{used} of {most}"),
    };
    let share = limit.share.map(text::percent).unwrap_or_default();
    spans.push(Span::raw(format!(" {} {} ", text::pad(&of, FIGURES), text::pad_left(&share, 4))));
    if past_width(room) > 0 {
        let metric = MEASURED.iter().find(|(name, _)| *name == limit.name).map(|(_, metric)| *metric);
        let hour = metric.and_then(|metric| past.of(metric, cage, look)).unwrap_or_default();
        spans.push(Span::styled(text::pad(&hour, past_width(room)), style(Role::Chart)));
    }
    let (sign, word, by) = match &limit.holds {
        Some((enforcement, by)) => (mark(*enforcement, limit.undeclared), enforcement.as_str(), by.as_str()),
        None => (Mark::Unknown, "not yet", "known after the cage's first use"),
    };
    spans.push(Span::styled(format!("{} {word:<9}", look.mark(sign)), style(sign.role())));
    spans.push(Span::styled(text::pad(&text::clean(by), room_for_by(room)), style(Role::Dim)));
    let mut out = vec![Line::from(spans).style(look.style(ground))];
    if here {
        let more = in_full(limit, room).into_iter();
        out.extend(more.map(|words| Line::styled(format!("      {words}"), look.style(Role::Info))));
    }
    out
}

/// A colour for a share whose ground is another's, unlike that of [`heat`].
fn bar_role(share: f64) -> Role {
    match heat(share) {
        Role::Heat4 => Role::Bad,
        Role::Heat3 => Role::Warn,
        _ => Role::Chart,
    }
}
