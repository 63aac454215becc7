//! The lines below the grid: the cage under the cursor in full, what the signs mean, and who uses most.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::cells::Cells;
use super::measure::{Measure, WORST_FIRST, heat, mark, thousands, used_of};
use crate::api::live::CageCell;
use crate::ui::look::Look;
use crate::ui::text;
use crate::ui::theme::Role;

/// The cage under the cursor in two lines.
pub fn draw_cell(frame: &mut Frame<'_>, area: Rect, cell: Option<&CageCell>, look: &Look<'_>) {
    let style = |role: Role| look.theme.over(role, Role::Header);
    let mut lines = vec![Line::default(), Line::default()];
    if let Some(cell) = cell {
        let state = mark(cell.state);
        let agent = match &cell.agent {
            Some(agent) => Span::styled(text::fit(&text::clean(agent), 40).into_owned(), style(Role::Accent)),
            None => Span::styled("nobody lives there", style(Role::Dim)),
        };
        let node = cell.node.as_deref().map_or("-".into(), text::clean);
        lines[0] = Line::from(vec![
            Span::styled(format!(" cage {}  ", cell.id), style(Role::Title)),
            Span::styled(format!("{} {}  ", look.mark(state), cell.state), style(state.role())),
            agent,
            Span::styled(
                format!("  on {}  {}  {} running", text::fit(&node, 20), cell.status, cell.running),
                style(Role::Dim),
            ),
        ]);
        let mut spans = vec![Span::raw(" ")];
        for measure in [Measure::Cpu, Measure::Memory, Measure::Gpu, Measure::Tokens] {
            spans.push(Span::styled(format!("{} ", measure.as_str()), style(Role::Dim)));
            spans.push(Span::raw(format!("{}  ", measure.words(cell))));
        }
        spans.push(Span::styled("pids ", style(Role::Dim)));
        spans.push(Span::raw(used_of(&cell.pids, thousands)));
        lines[1] = Line::from(spans);
    }
    for (place, line) in (0u16..).zip(lines).take(usize::from(area.height)) {
        let at = Rect { y: area.y + place, height: 1, ..area };
        frame.render_widget(Paragraph::new(line).style(look.style(Role::Header)), at);
    }
}

/// How many cages are in each state, with its sign.
pub fn states(cells: &Cells, look: &Look<'_>) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for state in WORST_FIRST {
        let number = cells.all().iter().filter(|cell| cell.state == state).count();
        if number > 0 {
            let mark = mark(state);
            spans.push(Span::styled(look.mark(mark), look.style(mark.role())));
            spans.push(Span::raw(format!(" {} ", text::count(number as u64))));
            spans.push(Span::styled(format!("{state}   "), look.style(Role::Dim)));
        }
    }
    Line::from(spans)
}

/// What figures and colours say, and who uses most, within `room` columns.
pub fn scale(cells: &Cells, measure: Measure, tenths: bool, room: usize, look: &Look<'_>) -> Line<'static> {
    let dim = look.style(Role::Dim);
    let head = if tenths { " tenths of the limit of " } else { " % of the limit of " };
    let mut spans =
        vec![Span::styled(head, dim), Span::styled(measure.as_str(), look.style(Role::Accent)), Span::raw(" ")];
    let steps: [(f64, &str, &str); 5] = [
        (0.0, " 0 ", " <10 "),
        (0.1, " 1-3 ", " 10 "),
        (0.4, " 4-6 ", " 40 "),
        (0.7, " 7-8 ", " 70 "),
        (0.9, " 9 ! ", " 90+ "),
    ];
    for (share, tenth, percent) in steps {
        spans.push(Span::styled(if tenths { tenth } else { percent }, look.style(heat(share))));
    }
    spans.push(Span::styled("  - not known   ", dim));
    let most = cells.most(measure).map_or_else(
        || format!("nobody's {} is known", measure.as_str()),
        |cell| {
            let agent = cell.agent.as_deref().map_or("-".into(), text::clean);
            format!("most: {} {} {}", cell.id, text::fit(&agent, 24), measure.words(cell))
        },
    );
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(text::fit(&most, room.saturating_sub(used)).into_owned()));
    Line::from(spans)
}
