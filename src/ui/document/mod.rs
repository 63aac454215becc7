//! What an artifact's text looks like: Markdown laid out, code with colours, differences marked, anything else as it is.
//!
//! A text comes from an agent and may be anything. Whatever it is, the lines that come out of here are clean
//! ([`TextLine`] sees to that), and none of the ways through here takes longer than in proportion to the text.

mod code;
mod diff;
mod languages;
mod markdown;
mod words;

use super::pager::{Gutter, TextLine};
use super::theme::Role;
use crate::domain::ArtifactType;
use languages::Language;

pub use diff::between;

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As Markdown.
    Markdown,
    /// As the difference of two files, as `diff -u` and `git diff` write it.
    Diff,
    /// As source text.
    Code(&'static Language),
    /// As it is.
    Plain,
    /// Not as text at all.
    Binary,
}

/// How much of a text is looked at to find out what it is, in bytes.
const LOOKED_AT: usize = 4096;

impl Format {
    /// Finds out from the title, which often is a file's name, from the artifact's type and from how the text begins.
    pub fn of(title: &str, kind: Option<ArtifactType>, head: &[u8]) -> Self {
        let head = &head[..head.len().min(LOOKED_AT)];
        if head.contains(&0) {
            return Self::Binary;
        }
        let head = String::from_utf8_lossy(head);
        let name = title.rsplit('/').next().unwrap_or(title).to_lowercase();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending {
            "md" | "markdown" | "mdown" => return Self::Markdown,
            "diff" | "patch" => return Self::Diff,
            "txt" | "log" | "csv" | "tsv" => return Self::Plain,
            _ => {}
        }
        if let Some(language) = languages::of_file(&name, ending) {
            return Self::Code(language);
        }
        if diff::looks_like_one(&head) {
            return Self::Diff;
        }
        if let Some(language) = languages::of_first_line(head.lines().next().unwrap_or_default()) {
            return Self::Code(language);
        }
        match kind {
            Some(ArtifactType::Code) => Self::Code(languages::any()),
            _ if markdown::looks_like_it(&head) => Self::Markdown,
            _ => Self::Plain,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Markdown => "Markdown",
            Self::Diff => "diff",
            Self::Code(language) => language.name,
            Self::Plain => "text",
            Self::Binary => "binary",
        }
    }

    /// Whether its lines make sense only together, so that a part from the middle cannot be laid out.
    pub const fn needs_all(self) -> bool {
        matches!(self, Self::Markdown)
    }
}

/// What laying out needs to know of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Columns.
    pub columns: usize,
    /// Whether signs beyond ASCII are to be avoided.
    pub ascii: bool,
}

/// The lines of a text. `first` is the number of its first line where that is known; a text without numbers gets none.
pub fn lines(format: Format, content: &str, first: Option<u32>, room: Room) -> Vec<TextLine> {
    match format {
        Format::Markdown => markdown::lines(content, room),
        Format::Diff => parts(content).map(|(_, part)| diff::line(part)).collect(),
        Format::Code(language) => {
            let pieces = code::pieces(language, parts(content).map(|(_, part)| part));
            let lines = pieces.into_iter().map(TextLine::roles);
            let Some(first) = first else { return lines.collect() };
            let numbers = parts(content).map(|(line, _)| Gutter::Number(first.saturating_add(line)));
            lines.zip(numbers).map(|(line, number)| line.with_gutter(number)).collect()
        }
        Format::Plain => parts(content).map(|(_, part)| TextLine::plain(Role::Text, without_tabs(part))).collect(),
        Format::Binary => Vec::new(),
    }
}

/// Lines are cut into parts of about so many bytes: laying out longer ones would take longer than a frame may.
pub const PART: usize = 4096;

/// The lines of a text, each with its place from 0; those that are too long in several parts.
fn parts(content: &str) -> impl Iterator<Item = (u32, &str)> {
    (0..).zip(content.lines()).flat_map(|(place, line)| {
        let mut rest = Some(line);
        std::iter::from_fn(move || {
            let now = rest.take()?;
            let mut end = now.len().min(PART);
            while !now.is_char_boundary(end) {
                end += 1;
            }
            rest = (end < now.len()).then(|| &now[end..]);
            Some((place, &now[..end]))
        })
    })
}

/// Where tabs lead to.
const TAB_COLUMNS: usize = 4;

/// A line with blanks in place of tabs, as far as the next stop.
fn without_tabs(line: &str) -> std::borrow::Cow<'_, str> {
    if !line.contains('\t') {
        return line.into();
    }
    let mut out = String::with_capacity(line.len() + 16);
    let mut column = 0;
    for part in line.split_inclusive('\t') {
        let (words, tab) = part.strip_suffix('\t').map_or((part, false), |words| (words, true));
        out.push_str(words);
        column += super::text::width(words);
        if tab {
            let blanks = TAB_COLUMNS - column % TAB_COLUMNS;
            out.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        }
    }
    out.into()
}

#[cfg(test)]
mod tests;
