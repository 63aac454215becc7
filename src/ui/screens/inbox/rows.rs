//! Drawing the list of the inbox.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::columns::{self as fields, COLUMNS};
use super::entries::{Entries, Row};
use crate::api::triage::{InboxItem, Risk};
use crate::ui::columns;
use crate::ui::look::{Look, Mark};
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// A title of fewer columns says too little to judge by; other columns go first.
const TITLE_MIN: u16 = 28;

/// Draws headings and rows into `area`.
pub fn draw(entries: &Entries, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    if area.height < 2 || area.width < 20 {
        return;
    }
    let widths = columns::widths(COLUMNS, entries.hidden(), area.width, TITLE_MIN);
    frame.render_widget(columns::header(COLUMNS, &widths, None, look), Rect { height: 1, ..area });
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if let Some(words) = in_place_of_rows(entries) {
        let role = if entries.error().is_some() { Role::Bad } else { Role::Dim };
        widgets::center_wrapped(frame, body, &words, role, look);
        return;
    }
    for (line, (place, row)) in (0..body.height).zip(entries.visible()) {
        let at = Rect { y: body.y + line, height: 1, ..body };
        let drawn = match row {
            Row::Item(item, within) => item_line(entries, &entries.items()[*item], place, *within, &widths, look),
            Row::Group(places) => group_line(entries, places, place, area.width, look),
        };
        frame.render_widget(drawn, at);
    }
    let (top, height, rows) = entries.scroll();
    widgets::scrollbar(frame, body, Scrolls::List, (top as u64, height as u64, rows as u64), look);
}

fn in_place_of_rows(entries: &Entries) -> Option<String> {
    if !entries.items().is_empty() {
        return None;
    }
    Some(match (entries.error(), entries.total()) {
        (Some(error), _) => error.to_owned(),
        (None, None) => "asking the engine …".to_owned(),
        (None, Some(_)) if !entries_filter(entries).is_empty() => {
            format!("nothing matches {}\nEsc clears the filter", text::clean(entries_filter(entries)))
        }
        (None, Some(_)) => {
            "Nothing waits for you.\n\nWhat agents make comes here to be judged, failed tasks that hold\n\
            up others, and alerts. H shows what was put off."
                .to_owned()
        }
    })
}

fn entries_filter(entries: &Entries) -> &str {
    crate::ui::list::Listing::filter(entries)
}

fn item_line(
    entries: &Entries,
    item: &InboxItem,
    place: usize,
    within: bool,
    widths: &[(usize, u16)],
    look: &Look<'_>,
) -> Line<'static> {
    let (here, marked) = (place == entries.cursor(), entries.is_marked(place, item));
    let ground = columns::ground(here, marked);
    let style = |role: Role| look.theme.over(role, ground);
    let decided = entries.is_decided(item);
    let mark = if decided { Mark::Done } else { fields::mark(item) };
    let mut spans = vec![
        Span::raw(columns::pointer(here, marked, look)),
        Span::styled(look.mark(mark), style(mark.role())),
        // A bar leads the eye from the members of a group up to its heading.
        Span::styled(if within { look.sign("│", "|") } else { " " }, style(Role::Dim)),
    ];
    let cells = columns::cells(COLUMNS, item, widths, look, ground);
    if decided {
        // What is decided is on its way out: in sight, but no longer of interest.
        spans.extend(cells.into_iter().map(|cell| Span::styled(cell.content, style(Role::Dim))));
    } else if entries.arming.is_new(&item.id) {
        let mut cells = cells;
        // What it is stays in sight: the word stands before its title.
        let place = widths.iter().position(|(column, _)| *column == fields::TITLE);
        if let Some(title) = place.and_then(|place| cells.get_mut(place * 2)) {
            let words = text::pad(&format!("NEW {}", title.content.trim_end()), text::width(&title.content));
            *title = Span::styled(words, style(Role::Accent));
        }
        spans.extend(cells);
    } else {
        spans.extend(cells);
    }
    Line::from(spans).style(look.style(ground))
}

fn group_line(entries: &Entries, places: &[usize], place: usize, width: u16, look: &Look<'_>) -> Line<'static> {
    let members: Vec<&InboxItem> = places.iter().filter_map(|place| entries.items().get(*place)).collect();
    let here = place == entries.cursor();
    let folded = members.first().is_some_and(|item| entries.is_folded(&item.group));
    let marked = members.iter().all(|item| entries.is_marked(usize::MAX, item)) || (folded && entries.in_range(place));
    let ground = columns::ground(here, marked);
    let style = |role: Role| look.theme.over(role, ground);
    let sign = if folded { look.sign("▸", "+") } else { look.sign("▾", "-") };
    let high = members.iter().filter(|item| item.risk == Risk::High).count();
    let mut spans = vec![
        Span::raw(columns::pointer(here, marked, look)),
        Span::styled(format!("{sign} "), style(Role::Dim)),
        Span::styled(label(&members), style(Role::Title)),
    ];
    if high > 0 {
        spans.push(Span::styled(format!("  {} {high} of high risk", look.mark(Mark::Warning)), style(Role::Warn)));
    }
    let line = Line::from(spans).style(look.style(ground));
    let blanks = usize::from(width).saturating_sub(line.width());
    let mut line = line;
    line.spans.push(Span::raw(" ".repeat(blanks)));
    line
}

/// What a group holds: `12 x report for survey`, `3 x alert: cage-memory`.
pub fn label(members: &[&InboxItem]) -> String {
    let Some(first) = members.first() else { return String::new() };
    let fit = |words: &str| text::fit(&text::clean(words), 40).into_owned();
    match (&first.alert, &first.task_type) {
        (Some(alert), _) => format!("{} x alert: {}", members.len(), fit(&alert.context.trigger)),
        (None, kind) => {
            let kind = fit(kind.as_deref().unwrap_or_default());
            format!("{} x {} for {kind}", members.len(), fields::what(first))
        }
    }
}
