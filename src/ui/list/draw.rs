//! Drawing a list: headings, the rows in sight, or what is said in their place.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{FILL_MIN, List, Row};
use crate::ui::columns::{self, Front};
use crate::ui::look::Look;
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

impl<R: Row> List<R> {
    /// Draws headings and rows into `area`.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>, focused: bool) {
        if area.height < 2 || area.width < 4 {
            return;
        }
        let widths = self.widths(area.width);
        let header = self.header(&widths, look);
        frame.render_widget(header, Rect { height: 1, ..area });
        let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        if let Some((role, message)) = &self.empty_text() {
            widgets::center_wrapped(frame, body, message, *role, look);
            return;
        }
        let total = self.total.unwrap_or(0);
        for line in 0..u64::from(body.height) {
            let place = self.top + line;
            if place >= total {
                break;
            }
            let at = Rect { y: body.y + u16::try_from(line).unwrap_or(0), height: 1, ..body };
            let widget = match self.row(place) {
                Some(row) => self.line(row, place, &widths, look, focused),
                None => Line::styled(" …", look.style(Role::Dim)),
            };
            frame.render_widget(widget, at);
        }
        widgets::scrollbar(frame, body, Scrolls::List, (self.top, self.height, total), look);
    }

    fn empty_text(&self) -> Option<(Role, String)> {
        let words = match (&self.error, self.total) {
            (Some(error), _) if self.rows.is_empty() || !self.filter.is_empty() => {
                return Some((Role::Bad, error.clone()));
            }
            (_, None) => "asking the engine …".to_owned(),
            (_, Some(0)) if self.filter.is_empty() => R::EMPTY.to_owned(),
            (_, Some(0)) => format!("nothing matches {}\nEsc clears the filter", text::clean(&self.filter)),
            _ => return None,
        };
        Some((Role::Dim, words))
    }

    /// Each shown column with its width; those of high rank go first when there is little room.
    fn widths(&self, room: u16) -> Vec<(usize, u16)> {
        columns::widths(R::COLUMNS, &self.hidden, room, FILL_MIN)
    }

    fn header(&self, widths: &[(usize, u16)], look: &Look<'_>) -> Line<'static> {
        columns::header(R::COLUMNS, widths, self.sort, look)
    }

    fn line(&self, row: &R, place: u64, widths: &[(usize, u16)], look: &Look<'_>, focused: bool) -> Line<'static> {
        let marked = self.marks.contains_key(&row.item().id) || self.in_range(place);
        let front = Front { state: row.mark(), here: place == self.cursor, marked, focused };
        columns::line(R::COLUMNS, row, front, widths, look)
    }
}
