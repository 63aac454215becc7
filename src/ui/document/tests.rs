//! How texts are recognised and laid out.

use proptest::prelude::*;

use super::*;

const ROOM: Room = Room { columns: 40, ascii: false };

fn shown(format: Format, content: &str, room: Room) -> Vec<String> {
    lines(format, content, None, room).iter().map(|line| line.text().trim_end().to_owned()).collect()
}

#[test]
fn names_beginnings_and_types_say_what_a_text_is() {
    let of = |title: &str, kind, head: &str| Format::of(title, kind, head.as_bytes()).name();
    assert_eq!(of("a/report.MD", None, ""), "Markdown");
    assert_eq!(of("src/main.rs", None, ""), "Rust");
    assert_eq!(of("Dockerfile", None, "FROM x"), "shell");
    assert_eq!(of("change", None, "diff --git a/x b/x\n"), "diff");
    assert_eq!(of("change", None, "--- a\n+++ b\n"), "diff");
    assert_eq!(of("list", None, "--- not a diff\n"), "text");
    assert_eq!(of("deploy", None, "#!/usr/bin/env python3\n"), "Python");
    assert_eq!(of("what was found", Some(ArtifactType::Report), "# Findings\n"), "Markdown");
    assert_eq!(of("what was found", Some(ArtifactType::Report), "nothing\n"), "text");
    assert_eq!(of("patch of sorts", Some(ArtifactType::Code), "x = 1\n"), "code");
    assert_eq!(of("notes.txt", Some(ArtifactType::Code), "# no heading"), "text");
    assert_eq!(of("picture.md", None, "PNG\0"), "binary");
}

#[test]
fn markdown_is_laid_out_for_its_columns() {
    let content = "# Title\n\nSome **bold** words that go on and on and on.\n\n\
        - one\n- two with more words than fit into the row\n  - deeper\n\n3. third\n\n> quoted\n\n---\n\n\
        [the docs](https://example.org/x) <https://example.org/y>\n";
    assert_eq!(
        shown(Format::Markdown, content, ROOM),
        [
            "# Title",
            "",
            "Some bold words that go on and on and",
            "on.",
            "",
            "• one",
            "• two with more words than fit into the",
            "  row",
            "  • deeper",
            "",
            "3. third",
            "",
            "▎ quoted",
            "",
            "────────────────────────────────────────",
            "",
            "the docs (https://example.org/x)",
            "https://example.org/y",
        ]
    );
}

#[test]
fn a_line_end_of_the_source_is_a_blank_and_only_a_hard_break_begins_a_row() {
    let content = "The text\nitself is **left\nout** on purpose.  \nA row\\\nof its own.\n\n- one\n  item\n";
    assert_eq!(
        shown(Format::Markdown, content, ROOM),
        ["The text itself is left out on purpose.", "A row", "of its own.", "", "• one item"]
    );
}

#[test]
fn a_link_that_says_one_thing_and_leads_elsewhere_shows_where() {
    let shown = shown(Format::Markdown, "[https://good.example](https://bad.example)", Room { columns: 80, ..ROOM });
    assert_eq!(shown, ["https://good.example (https://bad.example)"]);
}

#[test]
fn a_fence_takes_the_colours_of_its_language_and_keeps_its_blanks() {
    let lines = lines(Format::Markdown, "```rust\nfn a() {\n    \"x\"\n}\n```\n", None, ROOM);
    let texts: Vec<&str> = lines.iter().map(TextLine::text).collect();
    assert_eq!(texts, ["│ fn a() {", "│     \"x\"", "│ }"]);
    let bare = TextLine::roles([(Role::Dim, "│ "), (Role::Text, "    "), (Role::Literal, "\"x\"")]);
    assert_eq!(lines[1], bare);
}

#[test]
fn tables_have_columns_and_narrow_the_widest_where_they_must() {
    let content = "| name | words | n |\n|---|---|--:|\n| a | some more words than there is room for here | 7 |\n";
    assert_eq!(
        shown(Format::Markdown, content, ROOM),
        [
            "name  words                            n",
            "────  ───────────────────────────────  ─",
            "a     some more words than there is    7",
            "      room for here",
        ]
    );
    let ascii = shown(Format::Markdown, content, Room { ascii: true, ..ROOM });
    assert!(ascii.iter().all(|line| line.is_ascii()), "{ascii:?}");
}

#[test]
fn a_difference_shows_changes_with_some_lines_around() {
    let old = (1..=30).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat();
    let new = old.replace("line 20\n", "line twenty\nand more\n");
    let lines = between(&old, &new);
    let texts: Vec<&str> = lines.iter().map(TextLine::text).collect();
    assert_eq!(
        texts,
        [
            "+2 -1 lines",
            "@@ line 17 before, 17 now @@",
            "  line 17",
            "  line 18",
            "  line 19",
            "- line 20",
            "+ line twenty",
            "+ and more",
            "  line 21",
            "  line 22",
            "  line 23",
        ]
    );
    assert_eq!(between(&old, &old).len(), 1);
}

#[test]
fn tabs_lead_to_stops_and_code_is_numbered_from_where_it_begins() {
    assert_eq!(without_tabs("a\tb\t\tc"), "a   b       c");
    let lines = lines(Format::of("x.py", None, b""), "a\n\tb", Some(41), ROOM);
    assert_eq!(lines[1].text(), "    b");
    assert_eq!(lines[1].gutter, Gutter::Number(42));
}

#[test]
fn deep_nesting_stays_within_the_screen_and_takes_no_time() {
    let deep = "> - ".repeat(3000) + "end";
    let shown = shown(Format::Markdown, &deep, ROOM);
    assert!(shown.iter().all(|line| crate::ui::text::width(line) <= 40), "{shown:?}");
    assert!(shown.iter().any(|line| line.contains("end")));
}

proptest! {
    #[test]
    fn whatever_an_agent_writes_comes_out_clean_and_markdown_fits(
        content in "[-#*>`|_~\\[\\]()! a-c\n\t0-9\u{1b}\u{202e}名<&]{0,200}", columns in 20usize..100,
    ) {
        let room = Room { columns, ascii: false };
        for format in [Format::Markdown, Format::Diff, Format::Plain, Format::Code(languages::any())] {
            for line in lines(format, &content, Some(1), room) {
                prop_assert!(!line.text().chars().any(char::is_control), "{:?}", line.text());
                // Code is not wrapped here but by the pager.
                if format == Format::Markdown && !content.contains('`') && !content.contains("    ") && !content.contains('\t') {
                    prop_assert!(crate::ui::text::width(line.text().trim_end()) <= columns, "{:?}", line.text());
                }
            }
        }
    }
}
