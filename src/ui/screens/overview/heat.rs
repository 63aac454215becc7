//! The grid of cages in small: one sign a cage, or several cages a sign when there is little room.

use std::cmp::Ordering;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::api::live::CellState;
use crate::ui::look::Look;
use crate::ui::screens::cages::Cells;
use crate::ui::screens::cages::measure::{Measure, WORST_FIRST, digit, heat, mark_of};
use crate::ui::theme::Role;

/// How many cages stand for one sign so that all are in sight.
pub fn cages_a_sign(count: usize, width: u16, height: u16) -> usize {
    let room = usize::from(width) * usize::from(height);
    count.div_ceil(room.max(1)).max(1)
}

/// Draws the map. A cage that runs shows the tenth of its limit that it uses, any other its state; of several cages for
/// one sign the one that needs an eye most is shown.
pub fn draw(frame: &mut Frame<'_>, area: Rect, cells: &Cells, measure: Measure, look: &Look<'_>) {
    let count = cells.all().len();
    let each = cages_a_sign(count, area.width, area.height);
    let signs = count.div_ceil(each);
    // Rows of round numbers are counted along more easily.
    let across = match usize::from(area.width) {
        wide if wide >= 10 && signs > wide && signs <= (wide - wide % 10) * usize::from(area.height) => {
            wide - wide % 10
        }
        wide => wide.max(1),
    };
    for row in 0..signs.div_ceil(across) {
        let Some(y) = u16::try_from(row).ok().filter(|row| *row < area.height) else { break };
        let spans = (row * across..signs.min((row + 1) * across)).map(|sign| {
            let group = sign * each..count.min((sign + 1) * each);
            one_sign(cells, group, measure, look)
        });
        frame.render_widget(spans.collect::<Line<'_>>(), Rect { y: area.y + y, height: 1, ..area });
    }
}

/// Which of two cages needs an eye more: by state, then by what it uses of its limit.
pub fn worse(cells: &Cells, measure: Measure, one: usize, other: usize) -> Ordering {
    let rank = |state: CellState| WORST_FIRST.iter().position(|known| *known == state).unwrap_or(WORST_FIRST.len());
    let share = |place: usize| cells.share(place, measure).unwrap_or(-1.0);
    let states = rank(cells.all()[one].state).cmp(&rank(cells.all()[other].state));
    states.then(share(other).total_cmp(&share(one)))
}

fn one_sign(cells: &Cells, group: std::ops::Range<usize>, measure: Measure, look: &Look<'_>) -> Span<'static> {
    let worst = group.min_by(|one, other| worse(cells, measure, *one, *other));
    let Some(worst) = worst else { return Span::raw("") };
    let state = cells.all()[worst].state;
    let share = cells.share(worst, measure);
    let ground = share.map_or(Role::Text, heat);
    if state == CellState::Running && share.is_some() {
        return Span::styled(digit(share).to_string(), look.style(ground));
    }
    let mark = mark_of(&cells.all()[worst]);
    Span::styled(look.mark(mark), look.theme.over(mark.role(), ground))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_cages_have_a_place() {
        assert_eq!(cages_a_sign(1000, 58, 20), 1);
        assert_eq!(cages_a_sign(1000, 78, 2), 7);
        assert_eq!(cages_a_sign(3, 0, 0), 3);
        assert_eq!(cages_a_sign(0, 10, 10), 1);
    }
}
