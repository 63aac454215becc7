//! The screens that there are, and going from one to another.

use std::time::Instant;

use ratatui::layout::Rect;

use super::{App, FleetState, Kept, SCREENS_MAX};
use crate::ui::link::LinkState;
use crate::ui::list::Listing;
use crate::ui::names::Names;
use crate::ui::pager::Pager;
use crate::ui::place::Place;
use crate::ui::screen::{Out, Screen};
use crate::ui::step::Tone;
use crate::ui::travel;

impl App {
    /// The present screen.
    pub fn screen(&self) -> Option<&dyn Screen> {
        self.screens.get(self.history.place()).map(|kept| kept.screen.as_ref())
    }

    /// Until when what the present screen shows was right; `None` while it shows nothing.
    pub fn as_of(&self) -> Option<Instant> {
        self.screens.get(self.history.place()).and_then(|kept| kept.as_of)
    }

    /// Changes the present screen, and does what it wants done.
    pub fn with_screen<T>(&mut self, change: impl FnOnce(&mut dyn Screen, &mut Out) -> T) -> Option<T> {
        let mut out = Out::after(self.last_ticket);
        let result = self.screens.get_mut(self.history.place()).map(|kept| change(kept.screen.as_mut(), &mut out));
        self.carry_out(out);
        result
    }

    /// Changes the present screen's list, if it has one.
    pub fn with_list<T>(&mut self, change: impl FnOnce(&mut dyn Listing, &mut Out) -> T) -> Option<T> {
        self.with_screen(|screen, out| screen.list().map(|list| change(list, out))).flatten()
    }

    /// The present screen's text, if it has one.
    pub fn text(&self) -> Option<&Pager> {
        self.screen().and_then(Screen::text)
    }

    /// Changes the present screen's text, if it has one. What moves may come to where more has to be asked for.
    pub fn with_pager<T>(&mut self, change: impl FnOnce(&mut Pager) -> T) -> Option<T> {
        self.with_screen(|screen, out| {
            let result = screen.pager().map(change);
            screen.paged(out);
            result
        })
        .flatten()
    }

    /// Goes to a place and asks for what it shows.
    pub fn go(&mut self, place: &Place) {
        self.history.go(place.clone());
        self.enter(place);
    }

    /// Makes or wakes the screen of a place that the history has come to.
    pub fn enter(&mut self, place: &Place) {
        if std::mem::take(&mut self.frozen) {
            self.say(Tone::Info, "no longer frozen: it was held as long as one stayed there");
        }
        if self.screens.len() > SCREENS_MAX {
            let trail = self.history.trail();
            self.screens.retain(|kept, _| kept.is_main() || trail.contains(kept));
        }
        for (_, kept) in self.screens.iter_mut().filter(|(kept, _)| *kept != place) {
            kept.stale |= kept.screen.left();
        }
        let mut out = Out::after(self.last_ticket);
        let wall = self.wall();
        let kept = self.screens.entry(place.clone()).or_insert_with(|| Kept {
            screen: place.screen(),
            stale: true,
            as_of: None,
        });
        kept.screen.attend(self.now.1, wall, &self.options);
        if std::mem::take(&mut kept.stale) {
            kept.screen.refresh(&mut out);
        }
        self.carry_out(out);
    }

    /// Shows what another engine says: nothing that is known is of it.
    pub(in crate::ui) fn begin_anew(&mut self) {
        (self.link, self.fleet) = (LinkState::Dialling, FleetState::default());
        self.names = Names::default();
        self.forget_times();
    }

    /// Has every screen be asked for anew.
    pub(super) fn forget_times(&mut self) {
        self.names.forget_unknown();
        self.screens.retain(|place, _| !travel::keeps_its_time(place));
        for kept in self.screens.values_mut() {
            kept.stale = true;
        }
        let here = self.history.place().clone();
        self.enter(&here);
    }

    /// Gives the screen its area before it is drawn.
    pub fn layout(&mut self, area: Rect) {
        self.with_screen(|screen, out| screen.layout(area, out));
    }
}
