//! Small things that screens and layers draw with.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Borders, Clear};
use unicode_segmentation::UnicodeSegmentation;

use super::look::Look;
use super::scrollbars::{Bar, Scrolls};
use super::text;
use super::theme::Role;

pub mod axis;
pub mod chart;
pub mod choice;
pub mod input;
pub mod plot;
pub mod stack;

/// A frame with a title; the frame of what hears the keys is brighter.
pub fn panel(title: &str, focused: bool, look: &Look<'_>) -> Block<'static> {
    let role = if focused { Role::BorderFocus } else { Role::Border };
    let block = Block::new().borders(Borders::ALL).border_style(look.style(role)).style(look.style(Role::Text));
    let block =
        if look.options.ascii { block.border_set(ASCII_BORDER) } else { block.border_type(BorderType::Rounded) };
    let title = text::clean(title);
    if title.is_empty() { block } else { block.title(Line::styled(format!(" {title} "), look.style(Role::Title))) }
}

/// Corners and lines of `+`, `-` and `|`.
const ASCII_BORDER: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// A line that begins a part of a screen: its name, something more about it, and a rule to the right end. The name of
/// the part that hears the keys is brighter.
pub fn heading(frame: &mut Frame<'_>, area: Rect, name: &str, more: &str, focused: bool, look: &Look<'_>) {
    let room = usize::from(area.width);
    let rule = look.sign("─", "-");
    let edge = look.style(if focused { Role::BorderFocus } else { Role::Border });
    let mut spans = vec![
        Span::styled(format!("{}{rule} ", if focused { look.sign("▶", ">") } else { rule }), edge),
        Span::styled(text::clean(name).into_owned(), look.style(if focused { Role::Accent } else { Role::Title })),
        Span::raw(" "),
    ];
    if !more.is_empty() {
        let left = room.saturating_sub(text::width(name) + 7);
        spans.push(Span::styled(text::fit(&text::clean(more), left).into_owned(), look.style(Role::Dim)));
        spans.push(Span::raw(" "));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::styled(rule.repeat(room.saturating_sub(used)), edge));
    frame.render_widget(Line::from(spans), area);
}

/// Text in the middle of an area, line by line.
pub fn center_text(frame: &mut Frame<'_>, area: Rect, content: &str, style: Style) {
    let lines: Vec<&str> = content.lines().collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let top = area.y + area.height.saturating_sub(height) / 3;
    for (place, line) in lines.iter().enumerate() {
        let y = top + u16::try_from(place).unwrap_or(u16::MAX);
        if y >= area.bottom() {
            break;
        }
        let shown = text::fit(&text::clean(line), usize::from(area.width)).into_owned();
        frame.render_widget(Line::styled(shown, style).centered(), Rect { y, height: 1, ..area });
    }
}

/// What a list says in place of rows, whole: lines that are too long are wrapped. What is wrong looks as it does everywhere.
pub fn center_wrapped(frame: &mut Frame<'_>, area: Rect, content: &str, role: Role, look: &Look<'_>) {
    let room = usize::from(area.width.saturating_sub(4)).min(100);
    let words: Vec<String> = content.lines().flat_map(|line| wrap(line, room)).collect();
    center_text(frame, area, &words.join("\n"), look.style(role));
}

/// A line in at most so many columns; a line that is cut ends in a mark that says so.
pub fn fit_line(mut line: Line<'static>, columns: usize) -> Line<'static> {
    let said: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    if text::width(said.trim_end()) <= columns {
        return line;
    }
    let mut room = columns;
    let mut kept = Vec::new();
    for mut span in line.spans {
        let width = span.width();
        if width < room {
            room -= width;
            kept.push(span);
            continue;
        }
        // One column beyond what fits makes sure that the mark is set where the cut is between two spans.
        span.content = text::fit(&format!("{}  ", span.content), room).into_owned().into();
        kept.push(span);
        break;
    }
    line.spans = kept;
    line
}

/// A rectangle in the middle of `area`, at most so large.
pub fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 3, width, height }
}

/// A frame over whatever was there; gives its inside.
pub fn dialog(frame: &mut Frame<'_>, area: Rect, title: &str, look: &Look<'_>) -> Rect {
    frame.render_widget(Clear, area);
    let title = text::fit(&text::clean(title), usize::from(area.width).saturating_sub(4)).into_owned();
    let block = panel(&title, true, look);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

/// A mark at the right edge that says which part of `total` rows is in sight, and moves what it is `of`; nothing when all
/// are in sight.
pub fn scrollbar(
    frame: &mut Frame<'_>,
    area: Rect,
    of: Scrolls,
    (top, height, total): (u64, u64, u64),
    look: &Look<'_>,
) {
    if total <= height || area.height < 2 || area.width == 0 {
        return;
    }
    let bar = Bar { of, area: Rect { x: area.right() - 1, width: 1, ..area }, top, height, total };
    look.bars.add(bar);
    let (start, length) = bar.mark();
    for line in 0..u64::from(area.height) {
        let on = (start..start + length).contains(&line);
        let sign = if on { look.sign("█", "#") } else { look.sign("│", "|") };
        let role = if on { Role::Dim } else { Role::Border };
        let y = area.y + u16::try_from(line).unwrap_or(0);
        frame.render_widget(Line::styled(sign, look.style(role)), Rect { y, height: 1, ..bar.area });
    }
}

/// Breaks text into lines of at most `columns`, at blanks where it can.
pub fn wrap(content: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in content.lines() {
        let cleaned = text::clean(paragraph);
        let (mut line, mut used) = (String::new(), 0);
        for word in cleaned.split(' ') {
            let width = text::width(word);
            if !line.is_empty() {
                if used + 1 + width > columns {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                } else {
                    line.push(' ');
                    used += 1;
                }
            }
            if width <= columns {
                line.push_str(word);
                used += width;
                continue;
            }
            // Each character is looked at once, however long the word is.
            for grapheme in word.graphemes(true) {
                let width = text::width(grapheme);
                if used + width > columns && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push_str(grapheme);
                used += width;
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks_and_a_word_that_is_too_long_where_it_has_to_be() {
        assert_eq!(wrap("one two three\n\nfour", 8), ["one two", "three", "", "four"]);
        assert_eq!(wrap("ab abcdefghij k", 4), ["ab", "abcd", "efgh", "ij k"]);
        assert_eq!(wrap("名前名前", 3), ["名", "前", "名", "前"]);
        let long = "x".repeat(1_000_000);
        assert_eq!(wrap(&long, 100).len(), 10_000);
    }
}
