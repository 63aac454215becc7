//! The GPUs of every machine, device by device, with the processes on them, their cages and tasks.

use std::cell::RefCell;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::api::live::NodeSensors;
use crate::domain::NodeStatus;
use crate::domain::gpu::{Gpu, GpuProcess, GpuState, GpuThrottle};
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::{self, axis, chart};

/// From this width on everything of a device stands in one line below its name.
const WIDE: usize = 150;

/// So many lines below the cursor's row are in sight too, so that one sees what comes.
const BELOW: usize = 2;

/// A row that the cursor goes through: a device of a machine, or a process on one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RowId {
    node: String,
    device: u32,
    process: Option<u32>,
}

/// What is known of them, and where the cursor is.
#[derive(Default)]
pub struct Gpus {
    known: Option<Vec<NodeSensors>>,
    cursor: Option<RowId>,
    /// Where rows were drawn last, for clicks.
    drawn: RefCell<Vec<(Rect, RowId)>>,
    /// Of what was drawn last the first line in sight, how many lines were, and the row that each line there is belongs to.
    seen: RefCell<(usize, usize, Vec<Option<RowId>>)>,
}

impl Gpus {
    /// Takes what sensors say; a row that is gone gives the cursor to the first.
    pub fn take(&mut self, nodes: &[NodeSensors]) {
        self.known = Some(nodes.to_vec());
        let rows = self.rows();
        if !self.cursor.as_ref().is_some_and(|cursor| rows.contains(cursor)) {
            self.cursor = rows.into_iter().next();
        }
    }

    fn nodes(&self) -> &[NodeSensors] {
        self.known.as_deref().unwrap_or_default()
    }

    /// Every device with the name of its machine.
    fn devices(&self) -> impl Iterator<Item = (&str, &Gpu)> {
        self.nodes().iter().flat_map(|node| {
            let devices = node.sensors.iter().flat_map(|sensors| &sensors.gpus.devices);
            devices.map(|gpu| (node.name.as_str(), gpu))
        })
    }

    fn rows(&self) -> Vec<RowId> {
        let of = |(node, gpu): (&str, &Gpu)| {
            let row = |process| RowId { node: node.to_owned(), device: gpu.index, process };
            let processes = gpu.processes.iter().map(|process| row(Some(process.pid)));
            std::iter::once(row(None)).chain(processes).collect::<Vec<_>>()
        };
        self.devices().flat_map(of).collect()
    }

    /// How many devices there are, and how many of them answer.
    pub fn summary(&self) -> String {
        let all = self.devices().count();
        let lost = self.devices().filter(|(_, gpu)| gpu.state == GpuState::Lost).count();
        match (self.known.is_some(), lost) {
            (false, _) => "[…]".to_owned(),
            (true, 0) => format!("[{all}]"),
            (true, lost) => format!("[{all}, {lost} lost]"),
        }
    }

    /// Moves the cursor: `choose` gets its place and the last one.
    pub fn put_cursor(&mut self, choose: impl FnOnce(usize, usize) -> usize) {
        let rows = self.rows();
        let Some(last) = rows.len().checked_sub(1) else { return };
        let at = self.cursor.as_ref().and_then(|cursor| rows.iter().position(|row| row == cursor)).unwrap_or(0);
        self.cursor = rows.into_iter().nth(choose(at, last).min(last));
    }

    /// Puts the cursor where one clicked; `false` where there is no row.
    pub fn click(&mut self, column: u16, y: u16) -> bool {
        let found =
            self.drawn.borrow().iter().find(|(at, _)| at.contains((column, y).into())).map(|(_, id)| id.clone());
        found.is_some_and(|id| {
            self.cursor = Some(id);
            true
        })
    }

    /// Moves what is in sight by so many lines, and the cursor with it, as what is in sight follows from that.
    pub fn scroll(&mut self, lines: i64) {
        let (top, height, ids) = &*self.seen.borrow();
        let last = ids.len().saturating_sub(*height);
        let top = top.saturating_add_signed(isize::try_from(lines).unwrap_or(0)).min(last);
        // The last row that lets so much be in sight.
        let end = if top == last { ids.len() } else { (top + height).saturating_sub(BELOW) };
        let row = ids.iter().take(end).rev().flatten().next();
        self.cursor = row.or_else(|| ids.iter().flatten().next()).cloned();
    }

    /// The task, otherwise the cage of the process under the cursor.
    pub fn target(&self) -> Option<Place> {
        let cursor = self.cursor.as_ref()?;
        let (_, gpu) = self.devices().find(|(node, gpu)| *node == cursor.node && gpu.index == cursor.device)?;
        let process = gpu.processes.iter().find(|process| Some(process.pid) == cursor.process)?;
        let task = process.task_id.map(|id| Place::Task(id.to_string()));
        task.or_else(|| process.cage_id.map(|id| Place::Cage(id.to_string())))
    }

    /// All lines from above, each with the row that it belongs to.
    fn lines(&self, room: usize, look: &Look<'_>) -> Vec<(Option<RowId>, Line<'static>)> {
        let mut lines = Vec::new();
        for node in self.nodes() {
            let name = text::clean(&node.name).into_owned();
            let gpus = node.sensors.as_ref().map(|sensors| &sensors.gpus);
            let driver = gpus.and_then(|gpus| gpus.driver_version.as_ref());
            let driver = driver.map(|version| format!("  driver {}", text::clean(version))).unwrap_or_default();
            let head = vec![Span::styled(name, look.style(Role::Title)), Span::styled(driver, look.style(Role::Dim))];
            lines.push((None, Line::from(head)));
            let mut say = |role: Role, words: &str| {
                for words in widgets::wrap(words, room.saturating_sub(2)) {
                    lines.push((None, Line::styled(format!("  {words}"), look.style(role))));
                }
            };
            match gpus {
                _ if node.status == NodeStatus::Lost => say(Role::Bad, "out of reach: how its GPUs are is unknown"),
                None => say(Role::Unknown, "its sensors were not read yet"),
                Some(gpus) => {
                    let why = gpus.sensor.why_none();
                    if !why.is_empty() {
                        let reason = gpus.reason.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
                        say(Role::Dim, &format!("{}: {why}{reason}", gpus.sensor));
                    }
                    for gpu in &gpus.devices {
                        let row = |process| RowId { node: node.name.clone(), device: gpu.index, process };
                        let on = |process| self.cursor.as_ref() == Some(&row(process));
                        let device = device(gpu, on(None), room, look);
                        lines.extend(device.into_iter().map(|line| (Some(row(None)), line)));
                        let processes = gpu.processes.iter();
                        lines.extend(
                            processes.map(|it| (Some(row(Some(it.pid))), process(it, on(Some(it.pid)), room, look))),
                        );
                    }
                }
            }
        }
        lines
    }

    /// Draws what is in sight, the row under the cursor always.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, error: Option<&str>, look: &Look<'_>) {
        self.drawn.borrow_mut().clear();
        let words = match (&self.known, error) {
            (None, error) => Some(error.unwrap_or("asking the engine …")),
            (Some(nodes), _) if nodes.is_empty() => Some("No machine has joined yet."),
            _ => None,
        };
        if let Some(words) = words {
            widgets::center_text(frame, area, words, look.style(Role::Dim));
            return;
        }
        let body = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let lines = self.lines(usize::from(body.width.saturating_sub(1)), look);
        let (height, total) = (usize::from(area.height), lines.len());
        let end = lines.iter().rposition(|(id, _)| id.is_some() && *id == self.cursor).map_or(0, |at| at + 1);
        let top = (end + BELOW).min(total).saturating_sub(height);
        self.seen.replace((top, height, lines.iter().map(|(id, _)| id.clone()).collect()));
        for (y, (id, line)) in (body.y..body.bottom()).zip(lines.into_iter().skip(top)) {
            let at = Rect { y, height: 1, ..body };
            frame.render_widget(line, at);
            if let Some(id) = id {
                self.drawn.borrow_mut().push((at, id));
            }
        }
        widgets::scrollbar(frame, area, Scrolls::Panel(0), (top as u64, height as u64, total as u64), look);
    }
}

/// A figure in words, `-` for what nobody knows.
fn known<T>(value: Option<T>, words: impl FnOnce(T) -> String) -> String {
    value.map_or("-".to_owned(), words)
}

/// A share as a bar with its figure.
fn gauge(name: &str, share: Option<f64>, words: &str, width: usize, look: &Look<'_>) -> Vec<Span<'static>> {
    let mut spans = vec![Span::styled(format!("{name} "), look.style(Role::Dim))];
    spans.extend(chart::bar(share, None, width, Role::Chart, look));
    spans.push(Span::raw(format!(" {words}  ")));
    spans
}

/// Why the clocks are held down, in words; nothing of a device that is merely idle.
fn throttled(gpu: &Gpu) -> Option<String> {
    let reasons = gpu.throttle.as_ref()?.iter().filter(|reason| **reason != GpuThrottle::Idle);
    let words: Vec<String> = reasons.map(|reason| reason.as_str().replace('_', " ")).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Part of a line: its weight, 1 for what is never left out, and its words.
type Part = (u8, Vec<Span<'static>>);

fn columns(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| text::width(&span.content)).sum()
}

/// A line of as many parts as there is room for, each whole: what weighs least (the highest rank) is left out first, of equals the
/// last. Half a figure would be a wrong one.
fn fitted(before: Vec<Span<'static>>, mut parts: Vec<Part>, room: usize) -> Line<'static> {
    // Nothing follows the last part, whose blanks at its end then take no room.
    let taken = |parts: &[Part]| {
        let all: String = parts.iter().flat_map(|(_, spans)| spans).map(|span| span.content.as_ref()).collect();
        columns(&before) + text::width(all.trim_end())
    };
    while taken(&parts) > room
        && let Some(worst) = parts.iter().map(|(rank, _)| *rank).max().filter(|rank| *rank > 1)
        && let Some(place) = parts.iter().rposition(|(rank, _)| *rank == worst)
    {
        parts.remove(place);
    }
    Line::from(before.into_iter().chain(parts.into_iter().flat_map(|(_, spans)| spans)).collect::<Vec<_>>())
}

/// The name of a device with its state; what is wrong with it stands there whole, and the name takes what room is left.
fn head(gpu: &Gpu, on: bool, room: usize, look: &Look<'_>) -> Line<'static> {
    let ground = if on { Role::Cursor } else { Role::Text };
    let over = |role: Role| look.theme.over(role, ground);
    let mark = match (gpu.state, gpu.utilization) {
        (GpuState::Lost, _) => Mark::Failed,
        (GpuState::Ok, None) => Mark::Unknown,
        (GpuState::Ok, Some(0)) => Mark::Idle,
        (GpuState::Ok, Some(_)) => Mark::Running,
    };
    let mut spans = vec![
        Span::raw(if on { look.sign("▶ ", "> ") } else { "  " }),
        Span::styled(format!("{} ", look.mark(mark)), over(mark.role())),
        Span::styled(format!("GPU {}", gpu.index), look.style(ground)),
    ];
    let mut wrong = Vec::new();
    if gpu.state == GpuState::Lost {
        let words = "  lost: it no longer answers, and is tried again once a minute";
        wrong.push(Span::styled(words, over(Role::Bad)));
    } else {
        if let Some(errors) = gpu.ecc_uncorrected.filter(|errors| *errors > 0) {
            let words = format!("  {} errors of memory not corrected", text::count(errors));
            wrong.push(Span::styled(words, over(Role::Bad)));
        }
        if let Some(words) = throttled(gpu) {
            let words = format!("  {} throttled: {words}", look.mark(Mark::Warning));
            let left = room.saturating_sub(columns(&spans) + columns(&wrong));
            wrong.push(Span::styled(text::fit(&words, left).into_owned(), over(Role::Warn)));
        }
    }
    let left = room.saturating_sub(columns(&spans) + columns(&wrong));
    if left >= NAME_LEAST {
        let name = format!("  {}", text::clean(&gpu.name));
        spans.push(Span::styled(text::fit(&name, left).into_owned(), look.style(ground)));
    }
    spans.extend(wrong);
    Line::from(spans).style(look.style(ground))
}

/// A name is shown in so many columns at least, the two before it included.
const NAME_LEAST: usize = 8;

/// A device: its name and state, its figures in one line or two, and what goes over its bus.
fn device(gpu: &Gpu, on: bool, room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let mut lines = vec![head(gpu, on, room, look)];
    if gpu.state == GpuState::Lost {
        return lines;
    }
    let dim = look.style(Role::Dim);
    let share = |part: Option<f64>, whole: Option<f64>| part.zip(whole.filter(|all| *all > 0.0)).map(|(a, b)| a / b);
    let float = |value: Option<u64>| value.map(|value| value as f64);
    let watts = |value: Option<u32>| value.map(|mw| f64::from(mw) / 1000.0);
    let (used, all) = (float(gpu.memory_used), float(gpu.memory_total));
    let (power, limit) = (watts(gpu.power_mw), watts(gpu.power_limit_mw));
    let bytes = |value| axis::words(value, "bytes");
    let wide = room >= WIDE;
    // What the words leave, for three bars in one line or two in the first of two.
    let bar = if wide { room.saturating_sub(144) / 3 } else { room.saturating_sub(50) / 2 }.clamp(7, 24);
    let busy = gpu.utilization.map(|percent| f64::from(percent) / 100.0);
    let memory = format!("{} of {}", known(used, bytes), known(all, bytes));
    let drawn = |value: Option<f64>| known(value, |watts| text::decimals(watts, 0));
    let mut figures: Vec<Part> = vec![
        (1, gauge("busy", busy, &text::pad_left(&known(busy, text::percent), 4), bar, look)),
        (1, gauge("memory", share(used, all), &text::pad(&memory, 21), bar, look)),
    ];
    let say = |rank: u8, name: &str, words: String| -> Part {
        (rank, vec![Span::styled(format!("{name} "), dim), Span::raw(format!("{words}  "))])
    };
    let clock = |mhz: Option<u32>| known(mhz, |mhz| axis::words(f64::from(mhz) * 1e6, "hertz"));
    let percent = |value: Option<u32>| known(value, |percent| format!("{percent}%"));
    let more: Vec<Part> = vec![
        (1, gauge("power", share(power, limit), &format!("{} of {} W", drawn(power), drawn(limit)), bar, look)),
        say(1, "at", known(gpu.temperature, |celsius| format!("{celsius} C"))),
        say(2, "clock", clock(gpu.clock_sm_mhz)),
        say(5, "memory clock", clock(gpu.clock_memory_mhz)),
        say(3, "fan", percent(gpu.fan)),
        say(4, "memory busy", percent(gpu.memory_utilization)),
    ];
    let blank = || vec![Span::raw("      ")];
    if wide {
        figures.extend(more);
        lines.push(fitted(blank(), figures, room));
    } else {
        lines.extend([fitted(blank(), figures, room), fitted(blank(), more, room)]);
    }
    lines.push(bus(gpu, room, look));
    lines
}

/// What goes over a device's bus, and what its memory got wrong.
fn bus(gpu: &Gpu, room: usize, look: &Look<'_>) -> Line<'static> {
    let dim = look.style(Role::Dim);
    let rate = |bytes: Option<u64>| known(bytes, |bytes| axis::words(bytes as f64, "bytes_per_second"));
    let lanes = match (gpu.pcie_generation, gpu.pcie_width) {
        (None, None) => "-".to_owned(),
        (generation, width) => {
            let number = |value: Option<u32>| known(value, |value| value.to_string());
            format!("gen {} x{}", number(generation), number(width))
        }
    };
    let errors = |count: Option<u64>| known(count, text::count);
    let worse = gpu.ecc_uncorrected.is_some_and(|errors| errors > 0);
    let uncorrected = look.style(if worse { Role::Bad } else { Role::Text });
    let parts: Vec<Part> = vec![
        (4, vec![Span::styled("pcie ", dim), Span::raw(format!("{}  ", text::pad(&lanes, 9)))]),
        (2, vec![Span::styled("to it ", dim), Span::raw(text::pad(&rate(gpu.pcie_received), 12))]),
        (2, vec![Span::styled("from it ", dim), Span::raw(text::pad(&rate(gpu.pcie_sent), 12))]),
        (
            1,
            vec![
                Span::styled("ecc ", dim),
                Span::styled(format!("{} not corrected  ", errors(gpu.ecc_uncorrected)), uncorrected),
            ],
        ),
        (3, vec![Span::raw(format!("{} corrected", errors(gpu.ecc_corrected)))]),
    ];
    fitted(vec![Span::raw("      ")], parts, room)
}

/// A process on a device.
fn process(process: &GpuProcess, on: bool, room: usize, look: &Look<'_>) -> Line<'static> {
    let ground = if on { Role::Cursor } else { Role::Text };
    let memory = known(process.memory, |bytes| axis::words(bytes as f64, "bytes"));
    let whose = match (process.cage_id, process.task_id) {
        (Some(cage), Some(task)) => format!("cage {cage}  task {}", look.names.title(&task.to_string())),
        (Some(cage), None) => format!("cage {cage}"),
        (None, _) => "no agent's".to_owned(),
    };
    let role = if process.cage_id.is_some() { Role::Accent } else { Role::Dim };
    let spans = vec![
        Span::raw(if on { look.sign("    ▶ ", "    > ") } else { "      " }),
        Span::styled(text::pad(&format!("pid {}", process.pid), 12), look.style(ground)),
        Span::styled(text::pad(process.kind.as_str(), 10), look.theme.over(Role::Dim, ground)),
        Span::styled(format!("{}  ", text::pad_left(&memory, 10)), look.style(ground)),
        Span::styled(text::fit(&whose, room.saturating_sub(40)).into_owned(), look.theme.over(role, ground)),
    ];
    Line::from(spans).style(look.style(ground))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_left_out_whole() {
        let parts = || -> Vec<Part> {
            [(1, "power 640 of 700 W  "), (1, "at 68 C  "), (3, "clock 1.98 GHz  "), (2, "fan 100%  ")]
                .map(|(rank, words)| (rank, vec![Span::raw(words)]))
                .into()
        };
        let line = |room: usize| fitted(vec![Span::raw("  ")], parts(), room).to_string().trim_end().to_owned();
        let whole = "  power 640 of 700 W  at 68 C  clock 1.98 GHz  fan 100%";
        assert_eq!((line(200).as_str(), line(whole.len()).as_str()), (whole, whole));
        assert_eq!(line(whole.len() - 1), "  power 640 of 700 W  at 68 C  fan 100%");
        assert_eq!(line(38), "  power 640 of 700 W  at 68 C");
        assert_eq!(line(10), "  power 640 of 700 W  at 68 C", "what weighs most stays");
    }
}
