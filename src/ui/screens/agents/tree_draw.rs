//! How the tree of agents looks: guides and names in front, then the columns of the list as far as there is room.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::tree_view::TreeView;
use crate::ui::columns;
use crate::ui::gather::AgentRow;
use crate::ui::list::Row;
use crate::ui::look::{Look, Mark};
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::tree::TreeLine;
use crate::ui::widgets;

/// The least room for guides and name.
const TREE_MIN: u16 = 24;
/// The least room for another column that takes what is left.
const FILL_MIN: u16 = 18;

/// The columns after the name with their widths, and the width of the tree in front.
fn widths(room: u16) -> (u16, Vec<(usize, u16)>) {
    let columns = || AgentRow::COLUMNS.iter().enumerate().skip(1);
    let width = |own: u16| if own == 0 { FILL_MIN } else { own };
    let needs = |rank: u8| {
        columns().filter(|(_, column)| column.rank <= rank).map(|(_, column)| width(column.width) + 1).sum::<u16>()
    };
    let rank = (1..=9).rev().find(|rank| needs(*rank) + TREE_MIN <= room).unwrap_or(1);
    let left = room.saturating_sub(needs(rank));
    let fills = columns().filter(|(_, column)| column.rank <= rank && column.width == 0).count();
    // What is left goes to the tree first, which has the guides to draw, and in halves from then on.
    let more = if fills == 0 { 0 } else { left.saturating_sub(TREE_MIN + 8) / 2 };
    let shown = columns().filter(|(_, column)| column.rank <= rank);
    let shown = shown.map(|(place, column)| (place, width(column.width) + if column.width == 0 { more } else { 0 }));
    (left - more, shown.collect())
}

/// What stands before a name: the lines that lead to the superior, and whether those below are shown.
fn guides(line: &TreeLine, look: &Look<'_>) -> String {
    let mut out = String::new();
    for more in line.more.iter().skip(1) {
        out.push_str(if *more { look.sign("│ ", "| ") } else { "  " });
    }
    if !line.more.is_empty() {
        out.push_str(if line.last { look.sign("└", "`") } else { look.sign("├", "|") });
    }
    out.push_str(match (line.below, line.open) {
        (0, _) if line.more.is_empty() => "  ",
        (0, _) => look.sign("─ ", "- "),
        (_, true) => look.sign("▾ ", "v "),
        (_, false) => look.sign("▸ ", "> "),
    });
    out
}

impl TreeView {
    /// Draws headings and lines into `area`.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let (tree_width, columns) = widths(area.width.saturating_sub(5));
        let mut head =
            vec![Span::raw(format!("    {} ", text::pad("NAME", usize::from(tree_width.saturating_sub(1)))))];
        for (place, width) in &columns {
            let column = &AgentRow::COLUMNS[*place];
            let width = usize::from(*width);
            let title = if column.right { text::pad_left(column.title, width) } else { text::pad(column.title, width) };
            head.push(Span::raw(title + " "));
        }
        frame.render_widget(Line::from(head).style(look.style(Role::Columns)), Rect { height: 1, ..area });
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        if let Some(words) = self.empty_text() {
            let role = if self.error.is_some() { Role::Bad } else { Role::Dim };
            widgets::center_wrapped(frame, body, &words, role, look);
            return;
        }
        for (y, place) in (body.y..body.bottom()).zip(self.top..self.lines.len()) {
            let widget = self.line(place, usize::from(tree_width), &columns, look);
            frame.render_widget(widget, Rect { y, height: 1, ..body });
        }
        let (top, height, total) = (self.top as u64, self.height as u64, self.lines.len() as u64);
        widgets::scrollbar(frame, body, Scrolls::List, (top, height, total), look);
    }

    pub(super) fn empty_text(&self) -> Option<String> {
        use crate::ui::list::Listing;
        match (&self.error, &self.tree) {
            (Some(error), _) => Some(error.clone()),
            (None, None) => Some("asking the engine …".to_owned()),
            (None, Some(tree)) if tree.len() == 0 => Some(AgentRow::EMPTY.to_owned()),
            (None, Some(_)) if self.lines.is_empty() => {
                Some(format!("nothing matches {}\nEsc clears the filter", text::clean(self.filter())))
            }
            (None, Some(_)) => None,
        }
    }

    fn line(&self, place: usize, tree_width: usize, columns: &[(usize, u16)], look: &Look<'_>) -> Line<'static> {
        let (Some(tree), Some(line)) = (&self.tree, self.lines.get(place)) else { return Line::default() };
        let member = tree.member(line.member);
        let id = member.id.to_string();
        let row = self.rows.get(&id);
        let marked = self.marks.contains_key(&id) || self.in_range(place);
        let ground = columns::ground(place == self.cursor, marked);
        let style = |role: Role| look.theme.over(role, ground);
        let pointer = columns::pointer(place == self.cursor, marked, look);
        let state = row.map(Row::mark);
        let guides = text::fit(&guides(line, look), tree_width.saturating_sub(8)).into_owned();
        let hidden = if line.below > 0 && !line.open { format!(" +{}", line.below) } else { String::new() };
        let room = tree_width.saturating_sub(text::width(&guides) + text::width(&hidden) + 1);
        let name = text::fit(&text::clean(&member.name), room).into_owned();
        let blank = " ".repeat((room + 1).saturating_sub(text::width(&name)));
        let mut spans = vec![
            Span::raw(pointer),
            match state {
                Some(state) => Span::styled(look.mark(state), style(state.role())),
                None => Span::styled(look.mark(Mark::Unknown), style(Role::Dim)),
            },
            Span::raw(" "),
            Span::styled(guides, style(Role::Dim)),
            Span::raw(name),
            Span::styled(hidden, style(Role::Accent)),
            Span::raw(blank),
        ];
        for (column, width) in columns {
            let column = &AgentRow::COLUMNS[*column];
            let width = usize::from(*width);
            let Some(cell) = row.map(|row| (column.cell)(row, look)) else {
                spans.push(Span::raw(" ".repeat(width + 1)));
                continue;
            };
            let cleaned = text::clean(&cell.text);
            let padded = if column.right { text::pad_left(&cleaned, width) } else { text::pad(&cleaned, width) };
            let role = cell.role.unwrap_or(Role::Text);
            spans.push(Span::styled(padded + " ", if role == Role::Text { look.style(ground) } else { style(role) }));
        }
        Line::from(spans).style(look.style(ground))
    }
}
