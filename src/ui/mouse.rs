//! The mouse: wheel and clicks. All of it can be done with keys too.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::app::App;
use super::list::Motion;
use super::view;

/// How many rows a turn of the wheel moves.
const WHEEL_ROWS: i64 = 3;

/// Takes one event.
pub fn update(app: &mut App, mouse: MouseEvent) {
    if !app.options.mouse || app.layer().is_some() {
        return;
    }
    match mouse.kind {
        MouseEventKind::ScrollDown => scroll(app, WHEEL_ROWS),
        MouseEventKind::ScrollUp => scroll(app, -WHEEL_ROWS),
        MouseEventKind::Down(MouseButton::Left) => {
            let (column, row) = (mouse.column, mouse.row.saturating_sub(view::BODY_TOP));
            app.with_screen(|screen, out| {
                screen.click(column, row, out)
                    || screen.list().is_some_and(|list| list.click(row, out))
                    || screen.pager().is_some_and(|pager| pager.click(row))
            });
        }
        _ => {}
    }
}

fn scroll(app: &mut App, rows: i64) {
    if app.with_list(|list, out| list.go(Motion::By(rows), out)).is_none() {
        app.with_pager(|pager| pager.scroll(rows));
    }
}
