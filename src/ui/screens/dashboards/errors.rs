//! What went wrong, like messages together, of all agents or of each group of them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::trends::within;
use super::{Dashboard, table};
use crate::domain::dashboard::{ErrorGroup, ErrorSummary, Per};
use crate::domain::{self, Timestamp};
use crate::ui::list::{Cell, Column};
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// How far back can be looked, with its name.
pub const SINCE: [(&str, domain::Span); 4] = [
    ("1h", domain::Span::from_secs(3_600)),
    ("24h", domain::Span::from_secs(86_400)),
    ("7d", domain::Span::from_secs(604_800)),
    ("30d", domain::Span::from_secs(2_592_000)),
];

/// That not everything was looked at, where it was not.
pub fn incomplete(range: usize, from: Timestamp, now: Timestamp) -> String {
    let asked = now.as_micros() - SINCE[range].1.as_micros();
    // A minute is what may lie between asking and answering.
    if from.as_micros() > asked + 60_000_000 {
        format!(" · complete since {}", text::moment(from))
    } else {
        String::new()
    }
}

/// A group, and how it stands beside the most frequent.
struct Row {
    group: ErrorGroup,
    share: f64,
}

/// What is known.
pub struct Errors {
    range: usize,
    apart: Option<Per>,
    looked_at: u64,
    complete_from: Timestamp,
    rows: Option<Vec<(Mark, Row)>>,
    cursor: usize,
}

impl Default for Errors {
    fn default() -> Self {
        Self { range: 1, apart: None, looked_at: 0, complete_from: Timestamp::EPOCH, rows: None, cursor: 0 }
    }
}

/// Columns of the bar.
const BAR: u16 = 10;

/// The first is there only where groups are told apart.
const COLUMNS: &[Column<Row>] = &[
    Column {
        cell: |row, _| Cell::of(Role::Accent, row.group.group.clone().unwrap_or_default()),
        ..Column::text("GROUP", 14, 1, None)
    },
    Column { cell: |row, _| Cell::plain(text::count(row.group.count)), ..Column::figure("TIMES", 6, 1, None) },
    Column {
        cell: |row, look| Cell::of(Role::Bad, table::bar(row.share, usize::from(BAR), look)),
        ..Column::text("", BAR, 4, None)
    },
    Column { cell: |row, _| within(&row.group.share), ..Column::figure("95%", 7, 4, None) },
    Column { cell: |row, _| Cell::of(Role::Bad, row.group.outcome.as_str()), ..Column::text("OUTCOME", 14, 2, None) },
    Column { cell: |row, _| Cell::plain(row.group.pattern.clone()), ..Column::text("MESSAGE", 0, 1, None) },
    Column { cell: |row, _| Cell::plain(text::count(row.group.agents)), ..Column::figure("AGENTS", 6, 3, None) },
    Column { cell: |row, _| Cell::plain(text::count(row.group.cages)), ..Column::figure("CAGES", 5, 3, None) },
    Column { cell: |row, look| Cell::of(Role::Dim, look.age(row.group.first)), ..Column::figure("FIRST", 5, 5, None) },
    Column { cell: |row, look| Cell::of(Role::Dim, look.age(row.group.last)), ..Column::figure("LAST", 4, 1, None) },
];

impl Dashboard for Errors {
    fn request(&self, _: Timestamp) -> Request {
        Request::Errors(SINCE[self.range].1, self.apart)
    }

    fn take(&mut self, _: &Request, answer: &Answer, _: Timestamp) -> bool {
        let Answer::Errors(ErrorSummary { looked_at, complete_from, groups }) = answer else { return false };
        let name = |row: &Row| (row.group.group.clone(), row.group.pattern.clone());
        let here = self.rows.as_ref().and_then(|rows| rows.get(self.cursor)).map(|(_, row)| name(row));
        let most = groups.first().map_or(1, |group| group.count).max(1) as f64;
        let row = |group: &ErrorGroup| (Mark::Failed, Row { share: group.count as f64 / most, group: group.clone() });
        let rows: Vec<_> = groups.iter().map(row).collect();
        // The cursor stays on its group when others become more frequent.
        let found = here.and_then(|here| rows.iter().position(|(_, row)| name(row) == here));
        self.cursor = found.unwrap_or(self.cursor);
        (self.looked_at, self.complete_from, self.rows) = (*looked_at, *complete_from, Some(rows));
        true
    }

    fn known(&self) -> bool {
        self.rows.is_some()
    }

    fn summary(&self, now: Timestamp) -> String {
        let more = if self.known() {
            let count = text::count(self.looked_at);
            format!(" · {count} failed{}", incomplete(self.range, self.complete_from, now))
        } else {
            String::new()
        };
        format!("{}the last {}{more}", table::apart(self.apart), SINCE[self.range].0)
    }

    fn rows(&self) -> usize {
        self.rows.as_ref().map_or(0, Vec::len)
    }

    fn cursor(&mut self) -> &mut usize {
        &mut self.cursor
    }

    fn target(&self) -> Option<Place> {
        let (_, row) = self.rows.as_ref()?.get(self.cursor)?;
        Some(Place::Task(row.group.task_id.to_string()))
    }

    fn zoom(&mut self, longer: bool) -> bool {
        table::step(&mut self.range, SINCE.len(), longer)
    }

    fn measure(&mut self) -> bool {
        self.apart = table::next_apart(self.apart);
        true
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, drawn: &mut Vec<(Rect, usize)>, look: &Look<'_>) {
        let rows = self.rows.as_deref().unwrap_or_default();
        // The last message of the group under the cursor, as it was.
        let below: u16 = if area.height >= 14 { 4 } else { 0 };
        let above = Rect { height: area.height - below, ..area };
        let empty = "No execution has failed within this time.";
        let columns = if self.apart.is_some() { COLUMNS } else { &COLUMNS[1..] };
        table::draw(frame, above, (columns, rows, empty), 40, self.cursor, drawn, look);
        let Some((_, row)) = rows.get(self.cursor).filter(|_| below > 0) else { return };
        let at = Rect { y: above.bottom(), height: 1, ..area };
        widgets::heading(frame, at, "the last of them", &text::moment(row.group.last), false, look);
        let words = widgets::wrap(&row.group.example, usize::from(area.width));
        let task = look.names.title(&row.group.task_id.to_string());
        let whose = Line::from(vec![Span::styled("task ", look.style(Role::Dim)), Span::raw(task)]);
        frame.render_widget(whose, Rect { y: at.y + 1, ..at });
        for (y, words) in (at.y + 2..area.bottom()).zip(words) {
            frame.render_widget(Line::styled(words, look.style(Role::Bad)), Rect { y, ..at });
        }
    }
}
