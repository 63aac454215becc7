//! Colours for source text: keywords, strings and numbers, comments. One pass, one line at a time, with what is open at
//! the end of a line carried over to the next.

use super::languages::Language;
use super::words::Piece;
use crate::ui::theme::Role;

/// What is open where a line begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    /// A comment or a string, and what ends it.
    Until(&'static str, Role),
}

/// The lines of a source text, each in pieces.
pub fn pieces<'a>(language: &'static Language, lines: impl Iterator<Item = &'a str>) -> Vec<Vec<Piece>> {
    let mut open = Open::default();
    lines
        .map(|line| {
            let line = super::without_tabs(line);
            let mut pieces: Vec<Piece> = Vec::new();
            open = scan(language, &line, open, |role, piece| match pieces.last_mut() {
                Some((known, whole)) if *known == role => whole.push_str(piece),
                _ => pieces.push((role, piece.to_owned())),
            });
            pieces
        })
        .collect()
}

/// Cuts a line into pieces; gives what is open at its end.
fn scan<'a>(language: &'static Language, line: &'a str, open: Open, mut piece: impl FnMut(Role, &'a str)) -> Open {
    let mut rest = line;
    if let Open::Until(end, role) = open {
        let Some(length) = length_until(rest, end) else {
            piece(role, rest);
            return open;
        };
        piece(role, &rest[..length]);
        rest = &rest[length..];
    }
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        // A sign that begins a comment in a shell is part of a word elsewhere: `${#x}`, `a#b`.
        let fresh = before.is_whitespace() || !matches!(c, '#' | ';' | '%');
        if fresh && language.line_comments.iter().any(|sign| rest.starts_with(sign)) {
            piece(Role::Comment, rest);
            return Open::Nothing;
        }
        let longer = language.block_comment.filter(|(start, _)| rest.starts_with(start));
        let longer = longer.map(|(start, end)| (start, end, Role::Comment)).or_else(|| {
            let quote = language.long_quotes.iter().find(|quote| rest.starts_with(**quote))?;
            Some((*quote, *quote, Role::Literal))
        });
        if let Some((start, end, role)) = longer {
            let Some(length) = length_until(&rest[start.len()..], end) else {
                piece(role, rest);
                return Open::Until(end, role);
            };
            piece(role, &rest[..start.len() + length]);
            rest = &rest[start.len() + length..];
            before = ' ';
            continue;
        }
        let (role, length) = if language.quotes.contains(&c) || (language.loose_quote && is_character(rest)) {
            (Role::Literal, quoted_length(rest, c))
        } else if c.is_ascii_digit() && !is_word(before) {
            let length = rest.find(|c: char| !(is_word(c) || c == '.')).unwrap_or(rest.len());
            (Role::Literal, length)
        } else if is_word(c) {
            let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            (word_role(language, &rest[..length], &rest[length..]), length)
        } else {
            (Role::Text, c.len_utf8())
        };
        piece(role, &rest[..length]);
        before = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    Open::Nothing
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_role(language: &Language, word: &str, after: &str) -> Role {
    let is = |known: &&str| if language.any_case { known.eq_ignore_ascii_case(word) } else { *known == word };
    let sets = || after.trim_start().chars().next().is_some_and(|c| language.keys.contains(&c));
    if language.keywords.iter().any(is) || (!language.keys.is_empty() && sets()) { Role::Keyword } else { Role::Text }
}

/// The bytes up to the end of `end`; a sign after a backslash does not count.
fn length_until(text: &str, end: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(end)?;
        let slashes = text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        if slashes % 2 == 0 || !matches!(end, "`" | "\"\"\"" | "'''") {
            return Some(at + end.len());
        }
        from = at + 1;
    }
}

/// The bytes of a string that begins here; to the end of the line when nothing closes it.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return place + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Whether a single quote begins a character and not a lifetime: another one stands after one character or an escape.
fn is_character(text: &str) -> bool {
    let mut chars = text.chars();
    if chars.next() != Some('\'') {
        return false;
    }
    match chars.next() {
        Some('\\') => true,
        Some(_) => chars.next() == Some('\''),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::document::languages;

    fn coloured(ending: &str, content: &str) -> Vec<(Role, String)> {
        let language = languages::of_file(ending, ending).unwrap();
        let mut open = Open::Nothing;
        let mut all: Vec<(Role, String)> = Vec::new();
        for line in content.lines() {
            open = scan(language, line, open, |role, piece| match all.last_mut() {
                Some((known, text)) if *known == role => text.push_str(piece),
                _ => all.push((role, piece.to_owned())),
            });
        }
        all.retain(|(role, _)| *role != Role::Text);
        all
    }

    fn of(role: Role, found: &[(Role, String)]) -> Vec<&str> {
        found.iter().filter(|(known, _)| *known == role).map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn a_lifetime_is_no_string_and_a_character_is_one() {
        let found = coloured("rs", "fn f<'a>(x: &'a str) -> char { '\\'' } // it's 'over'");
        assert_eq!(of(Role::Keyword, &found), ["fn"]);
        assert_eq!(of(Role::Literal, &found), ["'\\''"]);
        assert_eq!(of(Role::Comment, &found), ["// it's 'over'"]);
    }

    #[test]
    fn comments_and_strings_go_over_lines_and_end_where_they_end() {
        let found = coloured("c", "int a; /* one\nreturn\n*/ return 0x1F;");
        assert_eq!(of(Role::Comment, &found), ["/* onereturn*/"]);
        assert_eq!(of(Role::Keyword, &found), ["int", "return"]);
        assert_eq!(of(Role::Literal, &found), ["0x1F"]);
        let found = coloured("py", "x = '''a\nif \\''' b\n''' if y");
        assert_eq!(of(Role::Literal, &found), ["'''aif \\''' b'''"]);
        assert_eq!(of(Role::Keyword, &found), ["if"]);
    }

    #[test]
    fn a_hash_inside_a_word_or_string_is_no_comment() {
        let found = coloured("sh", "echo ${#list} \"# no\" a#b # yes");
        assert_eq!(of(Role::Comment, &found), ["# yes"]);
        assert_eq!(of(Role::Literal, &found), ["\"# no\""]);
    }

    #[test]
    fn names_that_are_set_stand_out_and_words_hold_in_any_case_where_they_do() {
        assert_eq!(of(Role::Keyword, &coloured("toml", "name = \"x\" # note")), ["name"]);
        assert_eq!(of(Role::Keyword, &coloured("sql", "SELECT a FROM b")), ["SELECT", "FROM"]);
        assert_eq!(of(Role::Keyword, &coloured("py", "IF ELSE")), [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_added(content in "[ -~\\n\\t'\"`#/*\\\\é名]{0,200}") {
            for ending in ["rs", "py", "js", "sh", "sql", "html", "toml", "tex"] {
                let language = languages::of_file(ending, ending).unwrap();
                let mut open = Open::Nothing;
                for line in content.lines() {
                    let mut whole = String::new();
                    open = scan(language, line, open, |_, piece| whole.push_str(piece));
                    proptest::prop_assert_eq!(&whole, line);
                }
            }
        }
    }
}
