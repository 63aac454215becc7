//! Differences: those that agents hand in, and those between an artifact and its earlier version.

use similar::{ChangeTag, TextDiff};

use crate::ui::pager::TextLine;
use crate::ui::theme::Role;

/// How many lines around a change are shown.
const AROUND: usize = 3;

/// How long two texts are compared at most, in milliseconds; what is not found by then is shown as changed.
const COMPARED_MS: u64 = 200;

/// Whether a text begins as `diff -u` and `git diff` write.
pub fn looks_like_one(head: &str) -> bool {
    let mut lines = head.lines().skip_while(|line| line.starts_with('#') || line.trim().is_empty()).take(4);
    match lines.next() {
        Some(first) if first.starts_with("diff --git ") => true,
        Some(first) if first.starts_with("--- ") => lines.next().is_some_and(|second| second.starts_with("+++ ")),
        _ => false,
    }
}

/// A line of a difference in its colours. Its first sign says the same without.
pub fn line(content: &str) -> TextLine {
    let content = super::without_tabs(content);
    let heads = ["diff ", "--- ", "+++ "];
    let remarks = ["index ", "new file", "deleted file", "rename ", "similarity ", "old mode", "new mode", "\\ "];
    let role = if heads.iter().any(|head| content.starts_with(head)) {
        Role::Heading
    } else if remarks.iter().any(|head| content.starts_with(head)) {
        Role::Dim
    } else {
        match content.as_bytes().first() {
            Some(b'+') => Role::Added,
            Some(b'-') => Role::Removed,
            Some(b'@') => Role::Keyword,
            _ => Role::Text,
        }
    };
    TextLine::plain(role, content)
}

/// What has changed from one text to another, with some lines around each change. The first line says how much.
pub fn between(old: &str, new: &str) -> Vec<TextLine> {
    let diff = TextDiff::configure().timeout(std::time::Duration::from_millis(COMPARED_MS)).diff_lines(old, new);
    let count = |wanted: ChangeTag| diff.iter_all_changes().filter(|change| change.tag() == wanted).count();
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    if added + removed == 0 {
        return vec![TextLine::plain(Role::Dim, "Nothing has changed.")];
    }
    let mut out = vec![TextLine::roles([
        (Role::Added, format!("+{added}")),
        (Role::Dim, " ".to_owned()),
        (Role::Removed, format!("-{removed}")),
        (Role::Dim, " lines".to_owned()),
    ])];
    for group in diff.grouped_ops(AROUND) {
        let (old_at, new_at) = group.first().map_or((0, 0), |op| (op.old_range().start, op.new_range().start));
        out.push(TextLine::plain(Role::Keyword, format!("@@ line {} before, {} now @@", old_at + 1, new_at + 1)));
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, role) = match change.tag() {
                ChangeTag::Insert => ("+ ", Role::Added),
                ChangeTag::Delete => ("- ", Role::Removed),
                ChangeTag::Equal => ("  ", Role::Text),
            };
            let text = change.value().trim_end_matches(['\n', '\r']);
            out.push(TextLine::roles([(role, sign), (role, &super::without_tabs(text))]));
        }
    }
    out
}
