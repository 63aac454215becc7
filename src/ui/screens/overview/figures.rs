//! The panels of figures: health, the fleet in counts, what ended, the machines.

use ratatui::text::{Line, Span};

use crate::api::live::{Gauge, Health, HealthState, NodeLoad, Overview};
use crate::domain::{NodeStatus, Severity};
use crate::ui::events_text::{said_of, shortened};
use crate::ui::look::{Look, Mark};
use crate::ui::screens::cages::measure::{cores, thousands};
use crate::ui::sparks::{self, Sparks};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::{self, chart};

/// How a part is, as a mark.
const fn health_mark(state: HealthState) -> Mark {
    match state {
        HealthState::Ok => Mark::Done,
        HealthState::Degraded => Mark::Warning,
        HealthState::Failed => Mark::Failed,
        HealthState::Unknown => Mark::Unknown,
    }
}

/// `before` and as many names as fit into `room` columns, and how many more there are.
fn named_within(before: &str, names: &[String], room: usize) -> String {
    let words = |shown: usize| {
        let more = match names.len() - shown {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{before}{}{more}", names[..shown].join(", "))
    };
    let fits = (1..=names.len()).rev().map(words).find(|words| text::width(words) <= room);
    fits.unwrap_or_else(|| words(names.len().min(1)))
}

/// How the parts are: why not, and what to do, for each that is not well; the others in one line. `brief` gives each
/// reason one line and each remedy two.
pub fn health(overview: &Overview, room: usize, brief: bool, look: &Look<'_>) -> Vec<Line<'static>> {
    let parts: &[Health] = &overview.health;
    let mut lines = Vec::new();
    if !look.connected {
        let words = "no engine answers: how its parts are is unknown, and the rest is as it was last";
        let words = format!("{} {words}", look.mark(Mark::Unknown));
        lines.push(Line::styled(text::fit(&words, room).into_owned(), look.style(Role::Unknown)));
        return lines;
    }
    let wrap = |words: &str, room: usize, most: usize| {
        let mut wrapped = widgets::wrap(words, room.max(12));
        if brief && wrapped.len() > most {
            let rest = wrapped.split_off(most - 1).join(" ");
            wrapped.push(text::fit(&rest, room).into_owned());
        }
        wrapped
    };
    let in_trouble = |part: &&Health| matches!(part.state, HealthState::Degraded | HealthState::Failed);
    for part in parts.iter().filter(in_trouble) {
        let mark = health_mark(part.state);
        let head = format!("{} {} {}", look.mark(mark), text::clean(&part.component), part.state);
        let indent = text::width(&head) + 2;
        for (place, words) in wrap(&part.reason, room.saturating_sub(indent), 1).into_iter().enumerate() {
            let front = if place == 0 { format!("{head}  ") } else { " ".repeat(indent) };
            lines.push(Line::from(vec![Span::styled(front, look.style(mark.role())), Span::raw(words)]));
        }
        if !part.remedy.is_empty() {
            for (place, words) in wrap(&part.remedy, room.saturating_sub(4), 2).into_iter().enumerate() {
                let front = if place == 0 { look.sign("  → ", "  > ") } else { "    " };
                lines.push(Line::from(vec![
                    Span::styled(front, look.style(Role::Accent)),
                    Span::styled(words, look.style(Role::Info)),
                ]));
            }
        }
    }
    // Nobody is told that all is well while the worst that there is waits for an answer.
    let critical = overview.alerts.iter().find(|alert| alert.severity == Severity::Critical);
    if let Some(alert) = critical {
        let (source, said) = (shortened(&alert.source), said_of(&alert.source, &alert.message));
        let words = format!("{} critical alert, {source}: {said}", look.mark(Mark::Failed));
        lines.push(Line::styled(text::fit(&text::clean(&words), room).into_owned(), look.style(Role::Bad)));
    }
    let named = |state: HealthState| {
        let names = parts.iter().filter(|part| part.state == state).map(|part| text::clean(&part.component));
        names.map(std::borrow::Cow::into_owned).collect::<Vec<_>>()
    };
    let (well, unknown) = (named(HealthState::Ok), named(HealthState::Unknown));
    let mut rest = Vec::new();
    if !well.is_empty() {
        // The parts of the system; what they watch may be in trouble all the same.
        let all = match critical {
            Some(_) => "in order: ",
            None if lines.is_empty() && unknown.is_empty() => "the system is well: ",
            None => "well: ",
        };
        let words = named_within(&format!("{} {all}", look.mark(Mark::Done)), &well, room);
        rest.push(Span::styled(format!("{words}   "), look.style(Role::Good)));
        if overview.alerts_total > 0 {
            let alerts = if overview.alerts_total == 1 { "alert" } else { "alerts" };
            let words = format!("{} {} {alerts}   ", look.mark(Mark::Warning), text::count(overview.alerts_total));
            rest.push(Span::styled(words, look.style(Role::Warn)));
        }
    }
    if !unknown.is_empty() || parts.is_empty() {
        let mark = look.mark(Mark::Unknown);
        let words = match parts {
            [] => format!("{mark} the engine says nothing about its health"),
            _ => named_within(&format!("{mark} nobody has measured: "), &unknown, room),
        };
        rest.push(Span::styled(words, look.style(Role::Unknown)));
    }
    // As many in a line as there is room for.
    let mut line = Line::default();
    for span in rest {
        if !line.spans.is_empty() && line.width() + text::width(span.content.trim_end()) > room {
            lines.push(std::mem::take(&mut line));
        }
        line.push_span(span);
    }
    if !line.spans.is_empty() {
        lines.push(line);
    }
    lines
}

/// One count with its sign, if it has one.
type Count = (Option<Mark>, u64, &'static str, bool);

/// How many there are of everything, by state. What is none is left out, but for what is always looked for.
pub fn fleet(overview: &Overview, room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let (tasks, agents, cages) = (&overview.counts.tasks, &overview.counts.agents, &overview.counts.cages);
    let groups: [(&str, &[Count]); 3] = [
        (
            "tasks",
            &[
                (Some(Mark::Running), tasks.executing, "running", true),
                (Some(Mark::Starting), tasks.scheduled, "starting", false),
                (Some(Mark::Queued), tasks.pending, "queued", true),
                (Some(Mark::Failed), tasks.failed, "failed", true),
                (Some(Mark::Done), tasks.completed, "done", true),
                (Some(Mark::Stopped), tasks.cancelled, "cancelled", false),
            ],
        ),
        (
            "agents",
            &[
                (Some(Mark::Running), agents.active + agents.busy, "at work", true),
                (Some(Mark::Idle), agents.idle, "idle", true),
                (Some(Mark::Human), agents.blocked, "blocked", false),
                (Some(Mark::Failed), agents.error, "paused by failures", false),
                (Some(Mark::Stopped), agents.maintenance, "drained", false),
                (Some(Mark::Unknown), agents.offline, "offline", false),
            ],
        ),
        (
            "cages",
            &[
                // That somebody lives there says nothing about how that one is.
                (None, cages.occupied, "occupied", true),
                (Some(Mark::Vacant), cages.vacant, "vacant", true),
                (Some(Mark::Withheld), cages.maintenance, "withheld", false),
            ],
        ),
    ];
    groups.iter().flat_map(|(name, counts)| counted(name, counts, room, look)).collect()
}

fn counted(name: &str, counts: &[Count], room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    const NAME: usize = 8;
    let mut lines = vec![vec![Span::styled(text::pad(name, NAME), look.style(Role::Dim))]];
    let mut used = NAME;
    for (mark, number, what, always) in counts {
        if *number == 0 && !always {
            continue;
        }
        // Large numbers are about finished work, where digits matter least.
        let number_text = if *number >= 100_000 { thousands(*number as f64) } else { text::count(*number) };
        let width = text::width(&number_text) + what.len() + if mark.is_some() { 5 } else { 3 };
        if used + width > room + 2 && used > NAME {
            lines.push(vec![Span::raw(" ".repeat(NAME))]);
            used = NAME;
        }
        used += width;
        // What is none draws no eye.
        if let Some(line) = lines.last_mut() {
            line.extend(mark.map(|mark| {
                let role = if *number == 0 { Role::Dim } else { mark.role() };
                Span::styled(format!("{} ", look.mark(mark)), look.style(role))
            }));
            line.push(Span::styled(number_text, look.style(if *number == 0 { Role::Dim } else { Role::Text })));
            line.push(Span::styled(format!(" {what}  "), look.style(Role::Dim)));
        }
    }
    lines.into_iter().map(Line::from).collect()
}

/// The queue and what ended in the last hour, with a chart of `height` lines for what completed. `brief` says all that
/// is no chart in one line.
pub fn flow(overview: &Overview, room: usize, height: usize, brief: bool, look: &Look<'_>) -> Vec<Line<'static>> {
    let dim = look.style(Role::Dim);
    let wait = |seconds: Option<f64>| seconds.map_or("-".to_owned(), span);
    let queue = &overview.queue;
    let tokens = overview.tokens_hour.map_or("-".to_owned(), |tokens| thousands(tokens as f64));
    let cost = overview.cost_hour.map_or("-".to_owned(), |cost| format!("${}", text::decimals(cost, 2)));
    // Of the ways to say it the first for which there is room; the last one is cut, with a mark that it is.
    let first = |short: bool| {
        let mut first = vec![
            Span::styled(text::pad("queue", 8), dim),
            Span::raw(text::count(queue.pending)),
            Span::styled(
                match (queue.oldest_wait_s, brief || short) {
                    (None, _) if queue.pending == 0 => " wait",
                    // What waits for other tasks, approvals or a later try is in nobody's queue.
                    (None, _) if short => " wait, none for a place",
                    (None, _) => " wait, none of them for a place",
                    (Some(_), true) => " wait, oldest ",
                    (Some(_), false) => " wait, the oldest ",
                },
                dim,
            ),
            Span::raw(queue.oldest_wait_s.map(span).unwrap_or_default()),
            Span::styled(if brief || short { ", median " } else { ", median to start " }, dim),
            Span::raw(wait(queue.median_wait_s)),
        ];
        if brief {
            // A sum, and no rate.
            first.extend([
                Span::styled(if short { "   last hour " } else { "   tokens " }, dim),
                Span::raw(tokens.clone()),
                Span::styled(", ", dim),
                Span::raw(cost.clone()),
                Span::styled(if short { "" } else { " in the last hour" }, dim),
            ]);
        }
        Line::from(first)
    };
    let first = Some(first(false)).filter(|line| line.width() <= room).unwrap_or_else(|| first(true));
    let mut lines = vec![first];
    let completed: Vec<u64> = overview.minutes.iter().map(|minute| minute.completed).collect();
    let failed: Vec<u64> = overview.minutes.iter().map(|minute| minute.failed).collect();
    if completed.is_empty() {
        lines.push(Line::styled("what ended is counted from now on", dim));
    } else {
        lines.extend(history("done", &completed, height, Role::Chart, room, look));
        lines.extend(history("failed", &failed, 1, Role::Bad, room, look));
    }
    if !brief {
        // Nobody has said any, or nobody was there to hear it: the engine has just been started, or one looks at a past.
        let known = overview.tokens_hour.is_some() || overview.cost_hour.is_some();
        let said = if known { "  in the last hour" } else { "  unknown for the last hour" };
        lines.push(Line::from(vec![
            Span::styled(text::pad("tokens", 8), dim),
            Span::raw(tokens),
            Span::styled("  cost ", dim),
            Span::raw(cost),
            Span::styled(said, dim),
        ]));
    }
    lines
}

/// A chart with its name before and its sum behind.
fn history(name: &str, values: &[u64], height: usize, role: Role, room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    const NAME: usize = 8;
    /// Columns of what stands behind: ` 345 attempts, most 67 in 3 minutes`.
    const TAIL: usize = 37;
    let dim = look.style(Role::Dim);
    let sum: u64 = values.iter().sum();
    if sum == 0 {
        let words = format!("none in {} minutes", values.len());
        return vec![Line::from(vec![Span::styled(text::pad(name, NAME), dim), Span::styled(words, dim)])];
    }
    let columns = room.saturating_sub(NAME + TAIL).clamp(10, 60);
    let (sums, each) = chart::squeeze(values, columns);
    let max = sums.iter().copied().max().unwrap_or(0);
    let within = if each == 1 { "a minute".to_owned() } else { format!("in {each} minutes") };
    let rows = chart::columns(&sums, max, height, look);
    let last = rows.len() - 1;
    let rows = rows.into_iter().enumerate().map(|(place, row)| {
        let front = if place == last { text::pad(name, NAME) } else { " ".repeat(NAME) };
        let mut spans = vec![Span::styled(front, dim), Span::styled(row, look.style(role))];
        if place == last {
            spans.push(Span::raw(format!(" {}", text::count(sum))));
            // A task that is tried again is one failed task and several attempts.
            let attempts = if sum == 1 { "attempt" } else { "attempts" };
            spans.push(Span::styled(format!(" {attempts}, most {} {within}", text::count(max)), dim));
        }
        Line::from(spans)
    });
    rows.collect()
}

/// Seconds for people.
pub fn span(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "waits are far below what i64 holds in microseconds")]
    text::duration((seconds * 1e6) as i64)
}

/// The machines in one line each, for where there is little room: `local  cpu ███▒░ 68%`.
pub fn nodes_in_brief(nodes: &[NodeLoad], room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let dim = look.style(Role::Dim);
    if nodes.is_empty() {
        return vec![Line::styled("No machine has joined yet.", dim)];
    }
    let line = |node: &NodeLoad| {
        let mut spans = vec![Span::styled(text::pad(&text::clean(&node.name), 8), dim)];
        if node.status == NodeStatus::Lost {
            spans.push(Span::styled(format!("{} out of reach", look.mark(Mark::Unknown)), look.style(Role::Bad)));
            return Line::from(spans);
        }
        let width = room.saturating_sub(48).div_euclid(3).clamp(4, 12);
        for (name, gauge) in [("cpu", &node.cpu), ("memory", &node.memory), ("gpu", &node.gpu)] {
            spans.push(Span::styled(format!("{name} "), dim));
            match gauge.limit {
                Some(limit) if limit <= 0.0 => spans.push(Span::styled("none  ", dim)),
                _ => {
                    spans.extend(gauge_bar(gauge, width, look));
                    let used = gauge.share().map_or("-".to_owned(), text::percent);
                    spans.push(Span::raw(format!(" {}  ", text::pad(&used, 4))));
                }
            }
        }
        Line::from(spans)
    };
    nodes.iter().map(line).collect()
}

/// Used and granted of the limit as a bar.
fn gauge_bar(gauge: &Gauge, width: usize, look: &Look<'_>) -> Vec<Span<'static>> {
    let share = |value: Option<f64>| value.zip(gauge.limit).map(|(value, limit)| value / limit);
    let role = match share(gauge.used) {
        Some(full) if full >= 0.9 => Role::Bad,
        Some(much) if much >= 0.7 => Role::Warn,
        _ => Role::Chart,
    };
    chart::bar(share(gauge.used), share(gauge.granted), width, role, look)
}

/// What is kept over time of machines: cores, memory, devices.
pub const MEASURED: [&str; 3] = [CPU, MEMORY, GPU];
const CPU: &str = "menagerie_node_cpu_usage_ratio";
const MEMORY: &str = "menagerie_node_memory_usage_ratio";
const GPU: &str = "menagerie_gpu_usage_ratio";

/// The machines: for each what is used, granted and there of cores, memory and devices, and what was used in the last hour.
pub fn nodes(nodes: &[NodeLoad], past: &Sparks, room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    if nodes.is_empty() {
        let words = "No machine has joined yet: a worker joins when the engine starts one.";
        return widgets::wrap(words, room).into_iter().map(|line| Line::styled(line, look.style(Role::Dim))).collect();
    }
    let mut lines = Vec::new();
    for node in nodes {
        let name = text::clean(&node.name).into_owned();
        if node.status == NodeStatus::Lost {
            let words = format!(
                "{} {name} is out of reach; what it runs is kept until its lease ends",
                look.mark(Mark::Unknown)
            );
            lines.push(Line::styled(text::fit(&words, room).into_owned(), look.style(Role::Bad)));
            continue;
        }
        if nodes.len() > 1 {
            lines.push(Line::styled(text::fit(&name, room).into_owned(), look.style(Role::Title)));
        }
        let mut push = |metric: &str, mut line: Line<'static>| {
            // Beside the figures of now, where there is room.
            if line.width() + 1 + sparks::COLUMNS <= room
                && let Some(hour) = past.of(metric, &node.name, look)
            {
                line.push_span(Span::raw(" ".repeat(room - line.width() - sparks::COLUMNS)));
                line.push_span(Span::styled(hour, look.style(Role::Chart)));
            }
            lines.push(line);
        };
        push(CPU, load("cpu", &node.cpu, cores, " cores", room, look));
        push(MEMORY, load("memory", &node.memory, text::bytes, "", room, look));
        // Most machines have no device; that is said in a word and needs no bar.
        push(GPU, load("gpu", &node.gpu, |value| text::decimals(value, 0), "", room, look));
    }
    lines
}

fn load(
    name: &str,
    gauge: &Gauge,
    write: impl Fn(f64) -> String,
    unit: &str,
    room: usize,
    look: &Look<'_>,
) -> Line<'static> {
    const NAME: usize = 8;
    let dim = look.style(Role::Dim);
    let show = |value: Option<f64>| text::pad_left(&value.map_or("-".to_owned(), &write), 5);
    let mut spans = vec![Span::styled(text::pad(name, NAME), dim)];
    match gauge.limit {
        Some(limit) if limit <= 0.0 => spans.push(Span::styled("none", dim)),
        limit => {
            let width = room.saturating_sub(NAME + 40).clamp(8, 30);
            spans.extend(gauge_bar(gauge, width, look));
            spans.push(Span::raw(format!(" {}", show(gauge.used))));
            spans.push(Span::styled(" used ", dim));
            // Tasks that reserve nothing are granted nothing, which is no figure to compare.
            if gauge.granted == Some(0.0) {
                spans.push(Span::styled(" none granted of ", dim));
            } else {
                spans.push(Span::raw(show(gauge.granted)));
                spans.push(Span::styled(" granted of ", dim));
            }
            spans.push(Span::raw(format!("{}{unit}", limit.map_or("-".to_owned(), &write))));
        }
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_not_fit_are_counted() {
        let names: Vec<String> = ["store", "journal", "disk"].map(str::to_owned).into();
        assert_eq!(named_within("well: ", &names, 26), "well: store, journal, disk");
        assert_eq!(named_within("well: ", &names, 25), "well: store and 2 more");
        assert_eq!(named_within("well: ", &names, 0), "well: store and 2 more");
        assert_eq!(named_within("well: ", &[], 9), "well: ");
    }
}
