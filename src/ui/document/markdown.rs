//! Markdown laid out for a number of columns: what its writer meant, in rows that fit.
//!
//! Links show where they lead, because a text by an agent may say one thing and link to another. Pictures are named, not
//! shown; HTML is shown as it stands.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::words::{self, Piece};
use super::{Room, code, languages};
use crate::ui::pager::TextLine;
use crate::ui::text;
use crate::ui::theme::Role;

/// Lines longer than this are hard to read, however wide the screen.
const COLUMNS_MAX: usize = 100;

/// The deepest nesting of lists and quotations that is still set further in.
const DEPTH_MAX: usize = 6;

/// Whether a text without a telling name reads like Markdown.
pub fn looks_like_it(head: &str) -> bool {
    let marks = |line: &&str| {
        let line = line.trim_start();
        let heading = line.trim_start_matches('#');
        (heading.len() < line.len() && heading.starts_with(' '))
            || ["- ", "* ", "> ", "```", "| "].iter().any(|mark| line.starts_with(mark))
    };
    head.lines().any(|line| marks(&line))
}

/// The lines of a Markdown text.
pub fn lines(content: &str, room: Room) -> Vec<TextLine> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut setter = Setter::new(Room { columns: room.columns.clamp(10, COLUMNS_MAX), ..room });
    for event in Parser::new_ext(content, options) {
        setter.event(event);
    }
    setter.flush();
    setter.lines
}

/// What encloses the present text: a list's item or a quotation.
struct Enclosure {
    /// What stands before its first row, once.
    first: Option<String>,
    /// What stands before all others.
    others: String,
    role: Role,
}

/// A table in the making.
#[derive(Default)]
struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Piece>>>,
}

/// Sets a text, event by event.
struct Setter {
    room: Room,
    lines: Vec<TextLine>,
    /// The paragraph in the making.
    pieces: Vec<Piece>,
    /// How nested inline marks look, the innermost last.
    roles: Vec<Role>,
    enclosures: Vec<Enclosure>,
    /// The next number of each open list; `None` for those with bullets.
    lists: Vec<Option<u64>>,
    /// Where open links lead, and where their words begin.
    links: Vec<(String, usize)>,
    /// The code block in the making: what its fence says, and its text.
    block: Option<(String, String)>,
    table: Option<Table>,
    /// Whether an empty line is due before the next block.
    gap: bool,
}

impl Setter {
    fn new(room: Room) -> Self {
        Self {
            room,
            lines: vec![],
            pieces: vec![],
            roles: vec![],
            enclosures: vec![],
            lists: vec![],
            links: vec![],
            block: None,
            table: None,
            gap: false,
        }
    }

    fn sign(&self, sign: &'static str, plain: &'static str) -> &'static str {
        if self.room.ascii { plain } else { sign }
    }

    fn say(&mut self, role: Role, words: &str) {
        let role = if role == Role::Text { self.roles.last().copied().unwrap_or(Role::Text) } else { role };
        self.pieces.push((role, words.to_owned()));
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(words) => match &mut self.block {
                Some((_, content)) => content.push_str(&words),
                None => self.say(Role::Text, &words),
            },
            Event::Html(words) | Event::InlineHtml(words) => self.say(Role::Comment, &words),
            Event::Code(words) | Event::InlineMath(words) | Event::DisplayMath(words) => {
                self.say(Role::Literal, &words);
            }
            Event::FootnoteReference(name) => self.say(Role::Dim, &format!("[{name}]")),
            // Where the source only wraps its lines, the rows here wrap elsewhere.
            Event::SoftBreak => self.say(Role::Text, " "),
            Event::HardBreak => self.say(Role::Text, "\n"),
            Event::Rule => {
                self.flush();
                self.open_block();
                let line = self.sign("─", "-").repeat(self.columns().min(40));
                self.emit(vec![(Role::Dim, line)]);
                self.gap = true;
            }
            Event::TaskListMarker(done) => {
                self.say(if done { Role::Good } else { Role::Dim }, if done { "[x] " } else { "[ ] " });
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.open_block(),
            Tag::Heading { level, .. } => {
                self.flush();
                self.open_block();
                self.roles.push(Role::Heading);
                self.say(Role::Heading, &format!("{} ", "#".repeat(level as usize)));
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.open_block();
                let bar = format!("{} ", self.sign("▎", "|"));
                self.enclosures.push(Enclosure { first: None, others: bar, role: Role::Comment });
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.open_block();
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.block = Some((info, String::new()));
            }
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.open_block();
                }
                self.gap = false;
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                let bullet = self.sign("•", "-");
                let sign = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => format!("{bullet} "),
                };
                let others = " ".repeat(text::width(&sign));
                self.enclosures.push(Enclosure { first: Some(sign), others, role: Role::Accent });
            }
            Tag::Table(alignments) => {
                self.flush();
                self.open_block();
                self.table = Some(Table { alignments, rows: vec![] });
            }
            Tag::TableHead => {
                self.roles.push(Role::Title);
                self.new_table_row();
            }
            Tag::TableRow => self.new_table_row(),
            Tag::Emphasis | Tag::Strong => self.roles.push(Role::Keyword),
            Tag::Strikethrough => self.roles.push(Role::Removed),
            Tag::Link { dest_url, .. } => {
                self.links.push((dest_url.to_string(), self.pieces.len()));
                self.roles.push(Role::Accent);
            }
            Tag::Image { dest_url, .. } => {
                self.say(Role::Dim, "[picture: ");
                self.links.push((dest_url.to_string(), self.pieces.len()));
                self.roles.push(Role::Accent);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.flush();
                self.gap = true;
            }
            TagEnd::Heading(_) => {
                self.flush();
                self.roles.pop();
                self.gap = true;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.enclosures.pop();
                self.gap = true;
            }
            TagEnd::CodeBlock => {
                let (info, content) = self.block.take().unwrap_or_default();
                self.code(&info, &content);
                self.gap = true;
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                self.gap = self.lists.is_empty();
            }
            TagEnd::Item => {
                self.flush();
                // An item of which nothing was said still has its sign.
                if self.enclosures.last().is_some_and(|item| item.first.is_some()) {
                    self.emit(vec![]);
                }
                self.enclosures.pop();
                self.gap = false;
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.table(&table);
                }
                self.gap = true;
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.pieces);
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::TableHead | TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.roles.pop();
            }
            TagEnd::Link | TagEnd::Image => {
                self.roles.pop();
                if let Some((target, from)) = self.links.pop() {
                    let said: String =
                        self.pieces.get(from..).unwrap_or_default().iter().map(|(_, words)| words.as_str()).collect();
                    if said != target && !target.is_empty() {
                        self.say(Role::Dim, &format!(" ({target})"));
                    }
                }
                if matches!(tag, TagEnd::Image) {
                    self.say(Role::Dim, "]");
                }
            }
            _ => {}
        }
    }

    fn new_table_row(&mut self) {
        self.pieces.clear();
        if let Some(table) = &mut self.table {
            table.rows.push(vec![]);
        }
    }

    /// Puts an empty line before a block, where one is due.
    fn open_block(&mut self) {
        if std::mem::take(&mut self.gap) {
            let prefix: Vec<Piece> =
                self.enclosures.iter().map(|enclosure| (enclosure.role, enclosure.others.clone())).collect();
            self.lines.push(TextLine::roles(prefix));
        }
    }

    /// The columns that are left within what encloses the text.
    fn columns(&self) -> usize {
        let taken: usize = self.enclosures.iter().take(DEPTH_MAX).map(|enclosure| text::width(&enclosure.others)).sum();
        self.room.columns.saturating_sub(taken).max(10)
    }

    /// Sets one row behind what encloses it.
    fn emit(&mut self, row: Vec<Piece>) {
        let mut pieces: Vec<Piece> = Vec::new();
        for (depth, enclosure) in self.enclosures.iter_mut().enumerate() {
            let first = enclosure.first.take();
            if depth < DEPTH_MAX {
                pieces.push((enclosure.role, first.unwrap_or_else(|| enclosure.others.clone())));
            }
        }
        pieces.extend(row);
        self.lines.push(TextLine::roles(pieces));
    }

    /// Sets the paragraph.
    fn flush(&mut self) {
        let mut pieces = std::mem::take(&mut self.pieces);
        while let Some((_, last)) = pieces.last_mut() {
            last.truncate(last.trim_end().len());
            if !last.is_empty() {
                break;
            }
            pieces.pop();
        }
        if pieces.is_empty() {
            return;
        }
        for row in words::wrap(&pieces, self.columns()) {
            self.emit(row);
        }
    }

    fn code(&mut self, info: &str, content: &str) {
        let bar = self.sign("│", "|");
        let lines = match languages::of_fence(info) {
            Some(language) => code::pieces(language, content.lines()),
            None => content.lines().map(|line| vec![(Role::Text, super::without_tabs(line).into_owned())]).collect(),
        };
        for line in lines {
            let bar = vec![(Role::Dim, format!("{bar} "))];
            self.emit(bar.into_iter().chain(line).collect());
        }
    }

    /// Sets a table: columns as wide as they need to be, the widest narrowed and their cells wrapped where there is not
    /// enough room.
    fn table(&mut self, table: &Table) {
        const BETWEEN: usize = 2;
        let count = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        if count == 0 {
            return;
        }
        let needed = |column: usize| {
            table.rows.iter().filter_map(|row| row.get(column)).map(|cell| words::width(cell)).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..count).map(|column| needed(column).max(1)).collect();
        let room = self.columns().saturating_sub(BETWEEN * (count - 1)).max(count * 2);
        while widths.iter().sum::<usize>() > room {
            let over = widths.iter().sum::<usize>() - room;
            let widest = widths.iter().copied().max().unwrap_or(0);
            let second = widths.iter().copied().filter(|width| *width < widest).max().unwrap_or(2).max(2);
            let at_widest = widths.iter().filter(|width| **width == widest).count();
            if widest <= 2 {
                break;
            }
            // The widest ones come down together, to the next one or as far as is needed.
            let by = (widest - second).max(1).min(over.div_ceil(at_widest));
            for width in widths.iter_mut().filter(|width| **width == widest) {
                *width -= by;
            }
        }
        for (place, row) in table.rows.iter().enumerate() {
            let cells: Vec<Vec<Vec<Piece>>> = (0..count)
                .map(|column| row.get(column).map_or_else(Vec::new, |cell| words::wrap(cell, widths[column])))
                .collect();
            for line in 0..cells.iter().map(Vec::len).max().unwrap_or(1).max(1) {
                let mut pieces = Vec::new();
                for (column, cell) in cells.iter().enumerate() {
                    let part = cell.get(line).cloned().unwrap_or_default();
                    let blanks = widths[column].saturating_sub(words::width(&part));
                    let before = match table.alignments.get(column) {
                        Some(Alignment::Right) => blanks,
                        Some(Alignment::Center) => blanks / 2,
                        _ => 0,
                    };
                    pieces.push((Role::Text, " ".repeat(before)));
                    pieces.extend(part);
                    let between = if column + 1 < count { BETWEEN } else { 0 };
                    pieces.push((Role::Text, " ".repeat(blanks - before + between)));
                }
                self.emit(pieces);
            }
            if place == 0 {
                let rule: Vec<String> = widths.iter().map(|width| self.sign("─", "-").repeat(*width)).collect();
                self.emit(vec![(Role::Dim, rule.join(&" ".repeat(BETWEEN)))]);
            }
        }
    }
}
