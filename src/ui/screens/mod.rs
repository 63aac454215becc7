//! The screens, each a module of the shape of [`Screen`](super::screen::Screen), and which place has which.

mod tasks;

use super::place::Place;
use super::screen::Screen;

/// The screen of a place, new.
#[expect(clippy::match_single_binding, reason = "the other screens come one by one")]
pub fn make(place: &Place) -> Box<dyn Screen> {
    match place {
        _ => Box::new(tasks::Tasks::new()),
    }
}
