//! The grid: all cages as cells, as large as there is room, down to three columns each.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::measure::{Measure, digit, heat, mark_of, unlimited, word_of};
use crate::api::live::{CageCell, CellState};
use crate::ui::look::{Look, Mark};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::chart;

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Number, state, share, and below the agent and a bar.
    Card,
    /// Number, state, a bar, share, and below the agent.
    Pair,
    /// Number, state, agent, share.
    Named,
    /// Number, state, share.
    Line,
    /// Number, state, tenth.
    Short,
    /// State and tenth; the number of the first one stands before each row.
    Dot,
}

impl Size {
    /// From the largest.
    const ALL: [Self; 6] = [Self::Card, Self::Pair, Self::Named, Self::Line, Self::Short, Self::Dot];

    /// Columns and lines of a cell with its distance to the next, when numbers have so many digits.
    const fn dimensions(self, digits: u16) -> (u16, u16) {
        match self {
            Self::Card => (24, 4),
            Self::Pair => (24, 2),
            Self::Named => (22, 1),
            // A fourth digit takes the place of the blank behind the others.
            Self::Line => (10, 1),
            Self::Short => (digits + 3, 1),
            Self::Dot => (3, 1),
        }
    }

    /// The widest that a cell of this size is drawn where there is room.
    const fn width_max(self) -> u16 {
        match self {
            Self::Card | Self::Pair | Self::Named => 34,
            _ => 12,
        }
    }
}

/// How the grid is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What cells say.
    pub size: Size,
    /// Cells in a row.
    pub across: usize,
    /// Rows in sight.
    pub down: usize,
    /// Columns of a cell.
    width: u16,
    /// Lines of a cell.
    height: u16,
    /// Columns before each row, for the number of its first cage.
    ruler: u16,
}

impl Plan {
    /// The largest cells with which `count` cages are in sight at once; the smallest when they cannot be.
    pub fn new(area: Rect, count: usize, digits: u16) -> Self {
        let plans = Size::ALL.map(|size| Self::of(size, area, digits));
        let fits = plans.iter().find(|plan| plan.across * plan.down >= count.max(1));
        let mut plan = *fits.unwrap_or(&plans[plans.len() - 1]);
        // Rows that begin with round numbers are counted along more easily, as long as that costs no sight of any cage.
        let round = plan.across - plan.across % 5;
        if plan.size == Size::Dot && round > 0 && (fits.is_none() || round * plan.down >= count) {
            plan.across = round;
        }
        // What is left at the right goes to the cells.
        let spare = area.width.saturating_sub(plan.ruler) / u16::try_from(plan.across).unwrap_or(1).max(1);
        if plan.size != Size::Dot {
            plan.width = spare.min(plan.size.width_max()).max(plan.width);
        }
        plan
    }

    fn of(size: Size, area: Rect, digits: u16) -> Self {
        let (width, height) = size.dimensions(digits);
        let ruler = if size == Size::Dot { digits + 1 } else { 0 };
        let across = usize::from(area.width.saturating_sub(ruler) / width).max(1);
        // The last row of cards needs no distance to the next.
        let down = usize::from((area.height + u16::from(size == Size::Card)) / height).max(1);
        Self { size, across, down, width, height, ruler }
    }

    /// The place, counted from the first in sight, of what is drawn at a column and line of the grid's area.
    pub fn at(&self, column: u16, line: u16) -> Option<usize> {
        let across = usize::from(column.checked_sub(self.ruler)? / self.width);
        (across < self.across).then(|| usize::from(line / self.height) * self.across + across)
    }

    fn rect(&self, area: Rect, place: usize) -> Rect {
        let across = u16::try_from(place % self.across).unwrap_or(0);
        let down = u16::try_from(place / self.across).unwrap_or(0);
        let at = Rect {
            x: area.x + self.ruler + across * self.width,
            y: area.y + down * self.height,
            width: self.width,
            height: self.height,
        };
        at.intersection(area)
    }
}

/// One cell as it is to be drawn.
pub struct Drawn<'a> {
    /// The cage.
    pub cell: &'a CageCell,
    /// The share that is shown.
    pub share: Option<f64>,
    /// Whether the filter lets it through.
    pub matches: bool,
    /// Whether the cursor is on it.
    pub here: bool,
    /// Whether it is marked.
    pub marked: bool,
}

/// Draws cells, the first of them at the first place.
pub fn draw<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    plan: &Plan,
    measure: Measure,
    look: &Look<'_>,
    cells: impl Iterator<Item = Drawn<'a>>,
) {
    for (place, drawn) in cells.take(plan.across * plan.down).enumerate() {
        let at = plan.rect(area, place);
        if plan.size == Size::Dot && place.is_multiple_of(plan.across) {
            let ruler = Rect { x: area.x, width: plan.ruler, ..at };
            let number = text::pad_left(&drawn.cell.id.to_string(), usize::from(plan.ruler) - 1);
            frame.render_widget(Line::styled(number, look.style(Role::Dim)), ruler);
        }
        for (line, content) in (0u16..).zip(lines(&drawn, plan, measure, look)) {
            if line < at.height {
                frame.render_widget(content, Rect { y: at.y + line, height: 1, ..at });
            }
        }
    }
}

/// The sign before a cell: cursor and mark.
fn pointer(drawn: &Drawn<'_>, look: &Look<'_>) -> Span<'static> {
    match (drawn.here, drawn.marked) {
        (true, true) => Span::styled(look.sign("✚", "+"), look.style(Role::Cursor)),
        // Where there is no colour, a full cell is reversed like the cursor's; this closes the gap before it.
        (true, false) => Span::styled(look.sign("▶", ">"), look.style(Role::Cursor)),
        (false, true) => Span::styled(look.sign("✚", "+"), look.style(Role::Mark)),
        (false, false) => Span::raw(" "),
    }
}

fn lines(drawn: &Drawn<'_>, plan: &Plan, measure: Measure, look: &Look<'_>) -> Vec<Line<'static>> {
    let cell = drawn.cell;
    // The first column of each cell is for the cursor.
    let room = usize::from(plan.width) - 1;
    let number = cell.id.to_string();
    let heated = drawn.share.map_or(Role::Text, heat);
    let ground = match (drawn.here, drawn.matches) {
        (true, _) => Role::Cursor,
        (false, true) => heated,
        (false, false) => Role::Text,
    };
    // Where nobody lives there is nothing to see either.
    let unused = drawn.share.is_none_or(|share| share <= 0.0);
    let quiet = !drawn.matches || (cell.state == CellState::Stopped && unused);
    let base = look.style(if quiet && !drawn.here { Role::Dim } else { ground });
    let state = mark_of(cell);
    let sign = if drawn.matches {
        Span::styled(look.mark(state), look.theme.over(state.role(), ground))
    } else {
        // What the filter holds back keeps its place and its number and says nothing else.
        Span::styled(look.mark(Mark::Queued), base)
    };
    // What has no limit has no share, but what is used of it is known.
    let used = |columns: usize| unlimited(measure.of(cell), columns, |value| measure.value(value));
    // After number and sign, and a blank before the next cell; else what one sign can say.
    let used_short = used(room.saturating_sub(text::width(&number) + 2)).filter(|_| drawn.matches);
    let tenth = used_short.map_or_else(|| digit_of(drawn, measure), |used| format!(" {used}"));
    let share = match drawn.share {
        _ if !drawn.matches => String::new(),
        Some(share) => text::percent(share),
        None => used(4).unwrap_or_else(|| "-".to_owned()),
    };
    let agent = match &cell.agent {
        _ if !drawn.matches => String::new(),
        Some(agent) => text::clean(agent).into_owned(),
        None => String::new(),
    };
    let said = |words: String| Span::styled(words, base);
    // Names stand below the bars, so that the numbers stand out.
    let indent = text::width(&number) + 3;
    let first = match plan.size {
        Size::Dot => vec![sign, said(digit_of(drawn, measure))],
        Size::Short => vec![said(number), sign, said(tenth)],
        Size::Line => vec![said(text::pad(&number, 4)), sign, said(text::pad_left(&share, 4))],
        Size::Pair => {
            let left = room.saturating_sub(text::width(&number) + 9);
            let bar = match drawn.share {
                _ if !drawn.matches => " ".repeat(left),
                None => text::pad(&measure.words(cell), left),
                share => bar(share, left, measure, cell, look),
            };
            vec![said(format!("{number} ")), sign, said(format!(" {bar} {} ", text::pad_left(&share, 4)))]
        }
        Size::Named => {
            let left = room.saturating_sub(text::width(&number) + 9);
            vec![
                said(format!("{number} ")),
                sign,
                said(format!(" {} {}", text::pad(&agent, left), text::pad_left(&share, 4))),
            ]
        }
        Size::Card => {
            let word = if drawn.matches { word_of(cell) } else { "" };
            let left = room.saturating_sub(text::width(&number) + 10);
            vec![
                said(format!(" {number} ")),
                sign,
                said(format!(" {} {} ", text::pad(word, left), text::pad_left(&share, 4))),
            ]
        }
    };
    let mut lines = vec![with_pointer(drawn, first, room, base, look)];
    if plan.size == Size::Pair {
        let name = text::pad(&agent, room.saturating_sub(indent + 1));
        lines.push(under(format!("{}{name} ", " ".repeat(indent)), base));
    }
    if plan.size == Size::Card {
        let name = if drawn.matches && cell.agent.is_none() { "nobody".to_owned() } else { agent };
        lines.push(under(format!(" {} ", text::pad(&name, room - 2)), base));
        let bar = if drawn.matches { bar(drawn.share, room - 2, measure, cell, look) } else { " ".repeat(room - 2) };
        lines.push(under(format!(" {bar} "), base));
    }
    lines
}

/// What there is room for behind a sign: a tenth, or `+` for what is used without a limit.
fn digit_of(drawn: &Drawn<'_>, measure: Measure) -> String {
    let open = measure.of(drawn.cell);
    match drawn.share {
        _ if !drawn.matches => " ".to_owned(),
        None if open.limit.is_none() && open.used.is_some() => {
            if open.used > Some(0.0) {
                "+".to_owned()
            } else {
                "0".to_owned()
            }
        }
        share => digit(share).to_string(),
    }
}

fn with_pointer(
    drawn: &Drawn<'_>,
    mut spans: Vec<Span<'static>>,
    room: usize,
    base: Style,
    look: &Look<'_>,
) -> Line<'static> {
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::styled(" ".repeat(room.saturating_sub(used)), base));
    spans.insert(0, pointer(drawn, look));
    Line::from(spans)
}

fn under(words: String, base: Style) -> Line<'static> {
    Line::from(vec![Span::raw(" "), Span::styled(words, base)])
}

/// A bar in the colour of its cell, or in words what is missing for one.
fn bar(share: Option<f64>, room: usize, measure: Measure, cell: &CageCell, look: &Look<'_>) -> String {
    match share {
        Some(share) => {
            let full = chart::steps_said(share, room);
            look.sign("█", "#").repeat(full) + &look.sign("░", ".").repeat(room - full)
        }
        None => text::pad(&format!("{} {}", measure.as_str(), measure.words(cell)), room),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(width: u16, height: u16, count: usize) -> Plan {
        Plan::new(Rect::new(0, 0, width, height), count, if count >= 1000 { 4 } else { 3 })
    }

    #[test]
    fn a_thousand_cages_are_in_sight_with_their_numbers_on_a_large_screen() {
        // 200x60 without header, footer, frame and the three lines below the grid.
        let plan = plan(198, 53, 1000);
        assert_eq!(plan.size, Size::Line);
        assert!(plan.across * plan.down >= 1000);
    }

    #[test]
    fn cells_are_as_large_as_there_is_room_and_never_larger() {
        assert_eq!(plan(118, 28, 12).size, Size::Card);
        assert_eq!(plan(78, 16, 13).size, Size::Pair, "half of a small screen is not left empty");
        assert_eq!(plan(118, 28, 100).size, Size::Named);
        assert_eq!(plan(118, 28, 300).size, Size::Line);
        assert_eq!(plan(118, 28, 500).size, Size::Short);
        // 120x36, and still every cage is in sight.
        let dots = plan(118, 28, 1000);
        assert_eq!(dots.size, Size::Dot);
        assert!(dots.across * dots.down >= 1000);
        for (width, height, count) in [(78, 17, 1), (78, 17, 1000), (118, 28, 12), (198, 53, 1000), (58, 9, 40)] {
            let plan = plan(width, height, count);
            let last = plan.rect(Rect::new(0, 0, width, height), plan.across * plan.down - 1);
            assert!(last.right() <= width && last.bottom() <= height, "{plan:?}: {last:?}");
        }
    }

    #[test]
    fn what_is_clicked_is_what_is_drawn_there() {
        for count in [5, 100, 1000] {
            let plan = plan(118, 28, count);
            for place in [0, 1, plan.across, plan.across + 2] {
                let at = plan.rect(Rect::new(0, 0, 118, 28), place);
                assert_eq!(plan.at(at.x, at.y), Some(place), "{plan:?}");
            }
        }
    }
}
