//! The cages in a line or two, each with its number and its state: those that need an eye most, and how many more there are.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::ui::look::Look;
use crate::ui::screens::cages::Cells;
use crate::ui::screens::cages::measure::{Measure, heat, mark_of};
use crate::ui::text;
use crate::ui::theme::Role;

/// The columns of a cage: its number, a blank, a sign, and two blanks to the next one.
fn width(cells: &Cells) -> usize {
    cells.all().last().map_or(3, |cell| text::width(&cell.id.to_string())) + 4
}

/// Whether there is room for all cages, so that they stand in the order of their numbers.
pub fn all_fit(area: Rect, cells: &Cells) -> bool {
    usize::from(area.width) / width(cells) * usize::from(area.height) >= cells.all().len()
}

/// Draws the cages as `021 ● `: all in the order of their numbers where there is room for them; otherwise the worst first,
/// and how many others there are.
pub fn draw(frame: &mut Frame<'_>, area: Rect, cells: &Cells, measure: Measure, look: &Look<'_>) {
    let count = cells.all().len();
    let width = width(cells);
    let digits = width - 4;
    let lines = usize::from(area.height);
    let across = usize::from(area.width) / width;
    let mut places: Vec<usize> = (0..count).collect();
    let mut more = String::new();
    if !all_fit(area, cells) {
        places.sort_by(|one, other| super::heat::worse(cells, measure, *one, *other));
        // What is said about the others takes the room of two or three.
        let words = format!("and {count} more");
        places.truncate((across * lines).saturating_sub(text::width(&words).div_ceil(width)));
        more = format!("and {} more", count - places.len());
        // The one that the heading names is there, and first where those in trouble would have left no room for it.
        let fullest = cells.fullest(measure).and_then(|cell| cells.find(cell.id));
        if let Some(fullest) = fullest.filter(|fullest| !places.contains(fullest))
            && places.pop().is_some()
        {
            places.insert(0, fullest);
        }
    }
    for (row, y) in (area.y..area.bottom()).enumerate() {
        let here = places.iter().skip(row * across).take(across);
        let mut spans: Vec<Span<'static>> = here.flat_map(|place| one(cells, *place, digits, measure, look)).collect();
        if row + 1 == lines {
            spans.push(Span::styled(more.clone(), look.style(Role::Dim)));
        }
        frame.render_widget(Line::from(spans), Rect { y, height: 1, ..area });
    }
}

fn one(cells: &Cells, place: usize, digits: usize, measure: Measure, look: &Look<'_>) -> [Span<'static>; 3] {
    let cell = &cells.all()[place];
    let ground = cells.share(place, measure).map_or(Role::Text, heat);
    let mark = mark_of(cell);
    [
        Span::styled(format!("{} ", text::pad(&cell.id.to_string(), digits)), look.style(ground)),
        Span::styled(look.mark(mark), look.theme.over(mark.role(), ground)),
        Span::raw("  "),
    ]
}
