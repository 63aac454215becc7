//! The screens, each a module of the shape of [`Screen`](super::screen::Screen), and which place has which.

mod artifact;
mod artifacts;
mod inbox;
mod tasks;

use super::place::Place;
use super::screen::Screen;

/// The screen of a place, new.
pub fn make(place: &Place) -> Box<dyn Screen> {
    match place {
        Place::Inbox => Box::new(inbox::Inbox::new()),
        Place::Artifacts => Box::new(artifacts::Artifacts::new()),
        Place::Artifact(id, title) => Box::new(artifact::Viewer::new(id, title)),
        _ => Box::new(tasks::Tasks::new()),
    }
}
