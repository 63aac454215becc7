//! The lines below the grid: the cage under the cursor in full, what the signs mean, and who uses most.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::cells::Cells;
use super::measure::{Measure, WORST_FIRST, heat, in_short, mark_of, thousands, used_of, word_of};
use crate::api::live::{CageCell, CellState, Gauge};
use crate::ui::look::{Look, Mark};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// From how many columns on the cage under the cursor needs one line only.
const ONE_LINE_FROM: u16 = 180;

/// How many lines the cage under the cursor takes.
pub const fn cell_lines(width: u16) -> u16 {
    if width >= ONE_LINE_FROM { 1 } else { 2 }
}

/// The cage under the cursor, in as many lines as [`cell_lines`] says.
pub fn draw_cell(frame: &mut Frame<'_>, area: Rect, cell: Option<&CageCell>, look: &Look<'_>) {
    let style = |role: Role| look.theme.over(role, Role::Header);
    let mut lines = vec![Line::default(), Line::default()];
    if let Some(cell) = cell {
        let state = mark_of(cell);
        let name_width = if cell_lines(area.width) == 1 { 24 } else { 32 };
        let agent = match &cell.agent {
            Some(agent) => Span::styled(text::fit(&text::clean(agent), name_width).into_owned(), style(Role::Accent)),
            None => Span::styled("nobody lives there", style(Role::Dim)),
        };
        let node = cell.node.as_deref().map_or("-".into(), text::clean);
        lines[0] = Line::from(vec![
            Span::styled(format!(" cage {}  ", cell.id), style(Role::Title)),
            Span::styled(format!("{} {}  ", look.mark(state), word_of(cell)), style(state.role())),
            agent,
            Span::styled(
                format!("  on {}  {}  {} running", text::fit(&node, 14), cell.status, cell.running),
                style(Role::Dim),
            ),
        ]);
        if cell.alerts > 0 {
            let alerts = if cell.alerts == 1 { "alert" } else { "alerts" };
            let words = format!("  {} {} {alerts}", look.mark(Mark::Warning), cell.alerts);
            lines[0].push_span(Span::styled(words, style(Role::Warn)));
        }
        let room =
            usize::from(area.width).saturating_sub(if cell_lines(area.width) == 1 { lines[0].width() + 1 } else { 0 });
        // What there is most to say with, of all figures: a cut one says something else.
        let forms = [Form::Words, Form::Short, Form::Figures, Form::NoPeak].map(|form| figures(cell, form, look));
        let fits = forms.iter().position(|line| line.width() <= room).unwrap_or(forms.len() - 1);
        let line = forms.into_iter().nth(fits).unwrap_or_default();
        lines[1] = widgets::fit_line(line, room);
    }
    if cell_lines(area.width) == 1 {
        let second = lines.pop().unwrap_or_default();
        if let Some(first) = lines.first_mut() {
            first.push_span(" ");
            first.extend(second.spans);
        }
    }
    for (place, line) in (0u16..).zip(lines).take(usize::from(area.height)) {
        let at = Rect { y: area.y + place, height: 1, ..area };
        frame.render_widget(Paragraph::new(line).style(look.style(Role::Header)), at);
    }
}

/// How much is said of each figure of a cage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Used of limit, with the share.
    Words,
    /// The same with signs.
    Short,
    /// Without the share.
    Figures,
    /// And without the peak of memory.
    NoPeak,
}

/// What a cage uses of each limit.
fn figures(cell: &CageCell, form: Form, look: &Look<'_>) -> Line<'static> {
    let style = |role: Role| look.theme.over(role, Role::Header);
    let write = |gauge: &Gauge, value: &dyn Fn(f64) -> String| match form {
        Form::Words => used_of(gauge, value),
        Form::Short => in_short(gauge, value),
        Form::Figures | Form::NoPeak => {
            let limit = gauge.limit.map(|limit| format!("/{}", value(limit))).unwrap_or_default();
            format!("{}{limit}", gauge.used.map_or("-".to_owned(), value))
        }
    };
    let mut spans = vec![Span::raw(" ")];
    for measure in [Measure::Cpu, Measure::Memory, Measure::Gpu, Measure::Tokens] {
        spans.push(Span::styled(format!("{} ", measure.as_str()), style(Role::Dim)));
        spans.push(Span::raw(format!("{}  ", write(measure.of(cell), &|value| measure.value(value)))));
        if let (Measure::Memory, Some(peak)) = (measure, cell.memory_peak.used.filter(|_| form != Form::NoPeak)) {
            spans.push(Span::styled("peak ", style(Role::Dim)));
            spans.push(Span::raw(format!("{}  ", measure.value(peak))));
        }
    }
    spans.push(Span::styled("pids ", style(Role::Dim)));
    spans.push(Span::raw(write(&cell.pids, &thousands)));
    Line::from(spans)
}

/// How many cages are in each state, with its sign; in short words where there is little room.
pub fn states(cells: &Cells, room: usize, look: &Look<'_>) -> Line<'static> {
    let line = |short: bool| {
        let mut spans = vec![Span::raw(" ")];
        // In two sorts of the last state there is nothing going on: see `word_of`.
        let words = WORST_FIRST.iter().flat_map(|state| match state {
            CellState::Stopped => vec!["withheld", "vacant"],
            state => vec![state.as_str()],
        });
        for word in words {
            let mut found = cells.all().iter().filter(|cell| word_of(cell) == word).peekable();
            if let Some(mark) = found.peek().map(|cell| mark_of(cell)) {
                let number = found.count();
                let (gap, word) = if short { ("", short_word(word)) } else { (" ", word) };
                spans.push(Span::styled(look.mark(mark), look.style(mark.role())));
                spans.push(Span::raw(format!("{gap}{} ", text::count(number as u64))));
                spans.push(Span::styled(format!("{word}{gap}{gap} "), look.style(Role::Dim)));
            }
        }
        Line::from(spans)
    };
    let long = line(false);
    if long.width() <= room { long } else { line(true) }
}

/// What goes on in a cage in at most five letters.
fn short_word(word: &str) -> &str {
    match word {
        "unknown" => "lost",
        "withheld" => "held",
        "vacant" => "empty",
        word => &word[..word.len().min(if word.starts_with("run") { 3 } else { 4 })],
    }
}

/// What figures and colours say, and who uses most, within `room` columns.
pub fn scale(cells: &Cells, measure: Measure, tenths: bool, room: usize, look: &Look<'_>) -> Line<'static> {
    let dim = look.style(Role::Dim);
    let unit = if tenths { " in tenths of the limit " } else { " in % of the limit " };
    let unit = if room < 100 { unit.trim_end_matches(" of the limit ") } else { unit.trim_end() };
    let mut spans = vec![
        Span::raw(" "),
        Span::styled(measure.as_str(), look.style(Role::Accent)),
        Span::styled(format!("{unit} "), dim),
    ];
    let steps: [(f64, &str, &str); 5] = [
        (0.0, " 0 ", " 0 "),
        (0.1, " 1-3 ", " 10 "),
        (0.4, " 4-6 ", " 40 "),
        (0.7, " 7-8 ", " 70 "),
        (0.9, " 9 ! ", " 90+ "),
    ];
    for (share, tenth, percent) in steps {
        spans.push(Span::styled(if tenths { tenth } else { percent }, look.style(heat(share))));
    }
    let open =
        |cell: &CageCell| measure.of(cell).limit.is_none() && measure.of(cell).used.is_some_and(|used| used > 0.0);
    let unlimited = tenths && cells.all().iter().any(open);
    spans.push(Span::styled(if unlimited { "  + no limit  - unknown  " } else { "  - unknown  " }, dim));
    let used: usize = spans.iter().map(Span::width).sum();
    let room = room.saturating_sub(used);
    spans.push(Span::raw(text::fit(&most(cells, measure, room), room).into_owned()));
    Line::from(spans)
}

/// Which cage uses most of its limit of a measure, and which uses most, if that is another; in fewer words where `room` columns
/// are too few for all.
pub fn most(cells: &Cells, measure: Measure, room: usize) -> String {
    match cells.fullest(measure) {
        None => format!("nobody's {} is known", measure.as_str()),
        Some(cell) if measure.of(cell).used.is_none_or(|used| used <= 0.0) => {
            // Of those that were not measured yet nothing can be said.
            let known = |cell: &CageCell| cell.running == 0 || measure.of(cell).used.is_some();
            let all = if cells.all().iter().all(known) { "uses" } else { "is known to use" };
            format!("nobody {all} any {}", measure.as_str())
        }
        Some(cell) => {
            let agent = cell.agent.as_deref().map_or("".into(), text::clean);
            let most = cells.most(measure).filter(|most| most.id != cell.id);
            let beside = |words: String| most.map(|most| format!(" · most: {} {words}", most.id)).unwrap_or_default();
            let most_words = most.map(|most| measure.words(most)).unwrap_or_default();
            let most_used = most.and_then(|most| measure.of(most).used).map(|used| measure.value(used));
            let fullest = format!("fullest: {} {}", cell.id, measure.words(cell));
            let share = measure.of(cell).share().map_or_else(|| measure.words(cell), text::percent);
            let forms = [
                format!("{fullest} {}{}", text::fit(&agent, 24), beside(most_words.clone())),
                format!("{fullest}{}", beside(most_words)),
                format!("fullest: {} {share}{}", cell.id, beside(most_used.unwrap_or_default())),
                format!("fullest: {}{}", cell.id, beside(String::new()).trim_end()),
            ];
            let [.., shortest] = &forms;
            forms.iter().find(|form| text::width(form) <= room).unwrap_or(shortest).clone()
        }
    }
}
