//! Where one is, how one came there, and where one was.

use super::place::Place;

/// The most steps that are remembered.
const STEPS_MAX: usize = 200;

/// Visited places, as a browser keeps them.
pub struct History {
    places: Vec<Place>,
    at: usize,
}

impl History {
    /// A history that begins at `place`.
    pub fn new(place: Place) -> Self {
        Self { places: vec![place], at: 0 }
    }

    /// Where one is.
    pub fn place(&self) -> &Place {
        &self.places[self.at]
    }

    /// Takes note of going somewhere; what lay ahead is forgotten.
    pub fn go(&mut self, place: Place) {
        if *self.place() == place {
            return;
        }
        self.places.truncate(self.at + 1);
        self.places.push(place);
        if self.places.len() > STEPS_MAX {
            self.places.remove(0);
        }
        self.at = self.places.len() - 1;
    }

    /// One step back in time; `None` at the beginning.
    pub fn earlier(&mut self) -> Option<Place> {
        self.at = self.at.checked_sub(1)?;
        Some(self.place().clone())
    }

    /// One step forward again; `None` at the end.
    pub fn later(&mut self) -> Option<Place> {
        if self.at + 1 >= self.places.len() {
            return None;
        }
        self.at += 1;
        Some(self.place().clone())
    }

    /// Out of a detail, to where it was opened from; `None` on a main screen.
    pub fn back(&mut self) -> Option<Place> {
        if self.place().is_main() { None } else { self.earlier() }
    }

    /// The way from a main screen to here: what the breadcrumb shows.
    pub fn trail(&self) -> &[Place] {
        let start = self.places[..=self.at].iter().rposition(Place::is_main).unwrap_or(0);
        &self.places[start..=self.at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_left_backwards_and_trails_begin_at_a_main_screen() {
        let mut history = History::new(Place::Overview);
        history.go(Place::Tasks);
        history.go(Place::Task("a".into()));
        history.go(Place::Output("a".into()));
        assert_eq!(history.trail(), [Place::Tasks, Place::Task("a".into()), Place::Output("a".into())]);
        assert_eq!(history.back(), Some(Place::Task("a".into())));
        assert_eq!(history.back(), Some(Place::Tasks));
        assert_eq!(history.back(), None);
        assert_eq!(history.later(), Some(Place::Task("a".into())));
        assert_eq!(history.earlier(), Some(Place::Tasks));
        assert_eq!(history.earlier(), Some(Place::Overview));
        assert_eq!(history.earlier(), None);
        history.go(Place::Cages);
        assert_eq!(history.later(), None);
    }
}
