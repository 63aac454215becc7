//! The screens, each a module of the shape of [`Screen`](super::screen::Screen), and which place has which.

mod cage;
mod cages;
mod overview;
pub mod tasks;

use super::place::Place;
use super::screen::Screen;

/// The screen of a place, new.
pub fn make(place: &Place) -> Box<dyn Screen> {
    match place {
        Place::Overview => Box::new(overview::Overview::new()),
        Place::Cages => Box::new(cages::Cages::new()),
        Place::Cage(id) => Box::new(cage::Cage::new(id)),
        _ => Box::new(tasks::Tasks::new()),
    }
}
