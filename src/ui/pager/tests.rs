//! Scrolling, wrapping, following and searching, without a terminal.

use super::*;
use crate::ui::theme::Role;

fn numbered(count: usize) -> Vec<TextLine> {
    (0..count).map(|number| TextLine::plain(Role::Text, format!("line {number}"))).collect()
}

fn pager(lines: Vec<TextLine>, width: u16, height: u16) -> Pager {
    let mut pager = Pager::new();
    pager.set_lines(lines);
    pager.layout(width, height);
    pager
}

#[test]
fn motions_stay_within_the_text() {
    let mut pager = pager(numbered(100), 40, 10);
    pager.go(Motion::By(-1));
    assert_eq!(pager.top(), 0);
    pager.go(Motion::HalfPages(2));
    assert_eq!(pager.top(), 10);
    pager.go(Motion::Bottom);
    assert_eq!(pager.top(), 90);
    assert!(pager.at_bottom());
    pager.go(Motion::By(5));
    assert_eq!(pager.top(), 90);
    pager.go(Motion::By(-3));
    assert_eq!(pager.top(), 87);
    assert_eq!(pager.in_sight().count(), 10);
}

#[test]
fn wrapped_lines_are_scrolled_row_by_row() {
    let mut lines = numbered(3);
    lines[1] = TextLine::plain(Role::Text, "x".repeat(95));
    // 21 columns: one is the scrollbar's, so the long line takes five rows; seven in all.
    let mut pager = pager(lines, 21, 3);
    pager.go(Motion::By(1));
    assert_eq!(pager.top, Spot { line: 1, row: 0 });
    pager.go(Motion::By(2));
    assert_eq!(pager.top, Spot { line: 1, row: 2 });
    pager.go(Motion::Bottom);
    assert_eq!(pager.top, Spot { line: 1, row: 3 });
    pager.go(Motion::By(-4));
    assert!(pager.at_top());
    pager.toggle_wrap();
    assert!(pager.at_bottom(), "unwrapped, all three fit");
}

#[test]
fn the_end_is_followed_until_one_looks_up() {
    let mut pager = Pager::following();
    pager.layout(40, 10);
    pager.set_lines(numbered(50));
    assert_eq!(pager.top(), 40);
    pager.append(numbered(10));
    assert_eq!(pager.top(), 50);
    pager.go(Motion::By(-1));
    assert_eq!(pager.follows(), Some(false));
    pager.append(numbered(10));
    assert_eq!(pager.top(), 49);
    pager.go(Motion::Bottom);
    assert_eq!((pager.follows(), pager.top()), (Some(true), 60));
}

#[test]
fn a_search_that_is_given_up_leads_back() {
    let mut pager = pager(numbered(100), 40, 10);
    pager.go(Motion::By(30));
    pager.begin_search();
    pager.search("line 7");
    assert_eq!(pager.found, Some(70));
    pager.search("line 75");
    assert_eq!(pager.found, Some(75));
    assert!(pager.in_sight().any(|line| line.text() == "line 75"));
    pager.search("");
    assert_eq!(pager.top(), 30);
    pager.search("line 9");
    assert!(pager.next_match(true));
    assert_eq!(pager.found, Some(91));
    assert!(pager.next_match(false) && pager.next_match(false));
    assert_eq!(pager.found, Some(9));
    assert!(pager.clear_search());
    assert!(!pager.next_match(true));
}

#[test]
fn a_match_beyond_the_edge_is_brought_into_sight() {
    let mut lines = numbered(3);
    lines[1] = TextLine::plain(Role::Text, format!("{}needle", "x".repeat(500)));
    let mut pager = pager(lines, 40, 3);
    pager.toggle_wrap();
    pager.search("needle");
    let (_, start, end) = pager.lines[1].window(pager.shift, usize::from(pager.text_columns()));
    assert!(start <= 500 && end == 506, "{start} {end}");
    pager.toggle_wrap();
    pager.search("needle");
    assert!(pager.top > Spot { line: 1, row: 5 }, "{:?}", pager.top);
}

#[test]
fn a_cursor_moves_by_lines_and_opens_what_they_lead_to() {
    let mut pager = Pager::with_cursor();
    pager.layout(40, 5);
    let mut lines = numbered(20);
    lines[12] = lines[12].clone().to(Place::Tasks);
    pager.set_lines(lines);
    pager.go(Motion::Top);
    pager.go(Motion::By(12));
    assert_eq!(pager.target(), Some(&Place::Tasks));
    assert_eq!(pager.top(), 8);
    pager.go(Motion::By(-6));
    assert_eq!((pager.cursor(), pager.top()), (Some(6), 6));
    pager.set_lines(numbered(3));
    assert_eq!(pager.cursor(), Some(2));
    assert!(pager.click(1));
    assert_eq!(pager.cursor(), Some(1));
    assert!(!pager.click(4));
}

#[test]
fn until_somebody_moves_it_the_cursor_stands_on_the_first_line_that_leads_somewhere() {
    let mut pager = Pager::with_cursor();
    pager.layout(40, 10);
    pager.set_lines(numbered(3));
    assert_eq!(pager.cursor(), Some(0));
    let mut lines = numbered(8);
    lines[5] = lines[5].clone().to(Place::Tasks);
    lines[6] = lines[6].clone().to(Place::Agents);
    pager.set_lines(lines.clone());
    assert_eq!(pager.cursor(), Some(5));
    pager.go(Motion::By(1));
    lines.insert(0, TextLine::plain(Role::Text, "new"));
    pager.set_lines(lines);
    assert_eq!(pager.target(), Some(&Place::Agents), "what was under the cursor stays there");
}

#[test]
fn what_is_cut_off_at_the_right_says_so_beside_the_scrollbar() {
    for count in [3, 40] {
        let mut lines = numbered(count);
        lines[1] = TextLine::plain(Role::Text, "x".repeat(95));
        lines[2] = TextLine::plain(Role::Text, format!("{}名名", "y".repeat(36)));
        let mut pager = pager(lines, 40, 3);
        pager.toggle_wrap();
        let look = |pager: &Pager| {
            let mut driver = crate::ui::tests::Driver::new(&crate::ui::place::Place::Tasks, (80, 24));
            let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(40, 3)).unwrap();
            driver.draw();
            let look = driver.app.look();
            terminal.draw(|frame| pager.draw(frame, frame.area(), &look)).unwrap();
            let buffer = terminal.backend().buffer();
            [1, 2].map(|y| (36..39).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>())
        };
        // One column before the text, one behind it for the scrollbar; a wide character that would be cut is left out.
        assert_eq!(look(&pager), ["xx›", "y ›"]);
        pager.shift = 70;
        assert!(!look(&pager)[0].contains('›'));
    }
}
