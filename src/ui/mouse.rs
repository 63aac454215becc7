//! The mouse: wheel, clicks and dragging of scrollbars. All of it can be done with keys too.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::app::App;
use super::list::Motion;
use super::scrollbars::Scrolls;
use super::view;

/// How many rows a turn of the wheel moves.
const WHEEL_ROWS: i64 = 3;

/// Takes one event.
pub fn update(app: &mut App, mouse: MouseEvent) {
    if !app.options.mouse {
        return;
    }
    match mouse.kind {
        MouseEventKind::ScrollDown => turn(app, WHEEL_ROWS),
        MouseEventKind::ScrollUp => turn(app, -WHEEL_ROWS),
        MouseEventKind::Down(MouseButton::Left) => press(app, Position::new(mouse.column, mouse.row)),
        MouseEventKind::Drag(MouseButton::Left) => {
            if let Some((of, rows)) = app.bars.drag(mouse.row) {
                scroll(app, of, rows);
            }
        }
        MouseEventKind::Up(MouseButton::Left) => app.bars.release(),
        _ => {}
    }
}

fn press(app: &mut App, at: Position) {
    app.bars.release();
    // What lies on top has the mouse for itself, as it has the keys.
    let over = app.layer().is_some();
    let ours = |of: Scrolls| of != Scrolls::Nothing && (of == Scrolls::Layer) == over;
    if let Some((of, rows)) = app.bars.grab(at, ours) {
        scroll(app, of, rows);
    } else if app.layer().is_none() {
        let row = at.y.saturating_sub(view::BODY_TOP);
        app.with_screen(|screen, out| {
            screen.click(at.x, row, out)
                || screen.list().is_some_and(|list| list.click(row, out))
                || screen.pager().is_some_and(|pager| pager.click(row))
        });
    }
}

fn scroll(app: &mut App, of: Scrolls, rows: i64) {
    match of {
        Scrolls::List => {
            app.with_list(|list, out| list.scroll(rows, out));
        }
        Scrolls::Text => {
            app.with_pager(|pager| pager.scroll_lines(rows));
        }
        Scrolls::Panel(panel) => {
            app.with_screen(|screen, _| screen.scroll_panel(panel, rows));
        }
        Scrolls::Layer => app.scroll_layer(rows),
        Scrolls::Nothing => {}
    }
}

fn turn(app: &mut App, rows: i64) {
    if app.layer().is_some() {
        app.scroll_layer(rows);
    } else if app.with_list(|list, out| list.go(Motion::By(rows), out)).is_none()
        && app.with_pager(|pager| pager.scroll(rows)).is_none()
    {
        // Screens of several parts have rows that a key goes through.
        let key = if rows > 0 { "next_row" } else { "previous_row" };
        app.with_screen(|screen, out| (0..rows.abs()).all(|_| screen.perform(key, out)));
    }
}
