//! Moving through a list or a text.

use crate::ui::action::{Action, always};
use crate::ui::app::App;
use crate::ui::list::Motion;

macro_rules! motions {
    ($($name:ident, $action:literal, $title:literal, $help:literal, $motion:expr;)+) => {$(
        #[doc = $help]
        pub static $name: Action = Action {
            name: $action,
            title: $title,
            help: $help,
            changes: false,
            hint: 0,
            ready: always,
            run: |app| go(app, $motion),
        };
    )+};
}

motions! {
    DOWN, "down", "down", "one row down", Motion::By(1);
    UP, "up", "up", "one row up", Motion::By(-1);
    TOP, "top", "top", "to the first row", Motion::Top;
    BOTTOM, "bottom", "bottom", "to the last row", Motion::Bottom;
    HALF_PAGE_DOWN, "half_page_down", "half page down", "half a page down", Motion::HalfPages(1);
    HALF_PAGE_UP, "half_page_up", "half page up", "half a page up", Motion::HalfPages(-1);
    PAGE_DOWN, "page_down", "page down", "a page down", Motion::HalfPages(2);
    PAGE_UP, "page_up", "page up", "a page up", Motion::HalfPages(-2);
}

fn go(app: &mut App, motion: Motion) {
    let in_list = app.with_list(|list, out| list.go(motion, out));
    if in_list.is_none() {
        app.with_pager(|pager| pager.go(motion));
    }
}
