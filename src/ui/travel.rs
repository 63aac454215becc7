//! Time travel: the same console over the fleet as it was. A past answers on a socket of its own, so every screen works
//! there as it does in the present; only changes are refused, and the clock stands.

use std::path::Path;

use super::app::{App, Effect};
use super::place::Place;
use super::request::{Request, Ticket};
use super::step::Tone;
use super::text;
use crate::domain::{Span, Timestamp};

/// A past that was opened; it is gone when this is dropped.
pub trait OpenPast: Send {
    /// Where its socket is.
    fn folder(&self) -> &Path;
}

/// Opens a past at a moment, as a person writes it. Says how far it is to what is handed in, which gives `false` once
/// nobody wants it any more.
pub type Opener =
    Box<dyn Fn(&str, &mut dyn FnMut(&str) -> bool) -> Result<Box<dyn OpenPast>, String> + Send + Sync + 'static>;

/// What is heard of a past.
pub enum News {
    /// How far its opening is.
    Progress(String),
    /// It answers now, and can be entered.
    Opened,
    /// Everything that is asked from now on is asked there.
    Entered,
    /// The present is asked again.
    Left,
    /// Why it could not be opened.
    Failed(String),
}

/// When what is shown is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Era {
    /// Now.
    #[default]
    Present,
    /// Now, while a past is being opened: how far that is.
    Opening(String),
    /// A past.
    Past {
        /// The record and the time where one is, or will be once one has gone there.
        aim: (u64, Timestamp),
        /// The request to go elsewhere that is on its way.
        moving: Option<Ticket>,
    },
}

impl Era {
    /// Whether the past is shown.
    pub const fn is_past(&self) -> bool {
        matches!(self, Self::Past { .. })
    }
}

/// How far a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// From record to record.
    Record,
    /// So much time.
    Time(Span),
}

impl App {
    /// Goes to a moment, from the present or from another.
    pub fn travel(&mut self, moment: &str) {
        match &mut self.era {
            _ if moment == "now" => self.go_to_present(),
            Era::Past { moving, .. } => {
                let mut moving = *moving;
                self.ask_in_lane("moment", Request::Moment(moment.to_owned()), &mut moving);
                if let Era::Past { moving: known, .. } = &mut self.era {
                    *known = moving;
                }
            }
            era => {
                *era = Era::Opening("the journal is looked up".to_owned());
                self.effect(Effect::Past(moment.to_owned()));
            }
        }
    }

    /// Goes a step backwards or forwards from where one is, or is about to be.
    pub fn step_in_time(&mut self, forward: bool, pace: Pace) {
        let Era::Past { aim: (seq, time), .. } = &mut self.era else { return };
        let moment = match pace {
            Pace::Record => {
                *seq = if forward { seq.saturating_add(1) } else { seq.saturating_sub(1) };
                format!("seq:{seq}")
            }
            Pace::Time(span) => {
                let micros = if forward { span.as_micros() } else { -span.as_micros() };
                *time = Timestamp::from_micros(time.as_micros().saturating_add(micros));
                time.to_string()
            }
        };
        self.travel(&moment);
    }

    /// Goes back to now, or gives up what is being opened.
    pub fn go_to_present(&mut self) {
        if self.era == Era::Present {
            return self.say(Tone::Info, "this is the present already");
        }
        if self.era.is_past() {
            // What is asked before the lines have changed would be answered by the past.
            self.turn = Some(Effect::Present);
        } else {
            (self.era, self.turn) = (Era::Present, None);
            self.effect(Effect::Present);
        }
    }

    /// Takes in what is heard of a past.
    pub(super) fn past_news(&mut self, news: News) {
        match news {
            News::Progress(progress) if matches!(self.era, Era::Opening(_)) => self.era = Era::Opening(progress),
            News::Opened if matches!(self.era, Era::Opening(_)) => {
                self.era = Era::Opening("it is there, and is shown when what is open here is closed".to_owned());
                self.turn = Some(Effect::EnterPast);
            }
            News::Entered => {
                self.era = Era::Past { aim: (0, self.wall()), moving: None };
                self.begin_anew();
            }
            News::Left if self.era.is_past() => {
                self.era = Era::Present;
                self.begin_anew();
            }
            News::Failed(why) => {
                self.era = Era::Present;
                self.say(Tone::Bad, why);
            }
            News::Progress(_) | News::Opened | News::Left => {}
        }
    }

    /// A request to go elsewhere was answered: where it was refused one stays where one was.
    pub(super) fn moment_answered(&mut self, ticket: Ticket, refused: Option<&String>) -> bool {
        let at = self.fleet.pulse.as_ref().map(|pulse| (pulse.seq, pulse.time));
        let Era::Past { aim, moving } = &mut self.era else { return false };
        if *moving != Some(ticket) {
            return false;
        }
        if let Some(why) = refused {
            (*moving, *aim) = (None, at.unwrap_or(*aim));
            let why = why.clone();
            self.say(Tone::Bad, why);
        }
        true
    }

    /// A past has told where it is; whether that is elsewhere than it was.
    pub(super) fn arrived(&mut self, seq: u64, time: Timestamp) -> bool {
        let known = self.fleet.pulse.as_ref().map(|pulse| (pulse.seq, pulse.time));
        let Era::Past { aim, moving } = &mut self.era else { return false };
        (*aim, *moving) = ((seq, time), None);
        known.is_some_and(|known| known != (seq, time))
    }

    /// Why nothing can be changed in a past.
    pub(super) fn present_only(&self) -> Result<(), String> {
        if self.era.is_past() {
            Err("this is the past, where nothing can be changed; :now goes back to the present".to_owned())
        } else {
            Ok(())
        }
    }

    /// When that is, for the header.
    pub(super) fn era_words(&self) -> Option<String> {
        match &self.era {
            Era::Present => None,
            Era::Opening(progress) => Some(format!("going back: {progress}; :now stays here")),
            Era::Past { .. } => {
                let pulse = self.fleet.pulse.as_ref()?;
                let (date, rest) = (pulse.time.to_string(), self.here().since(pulse.time));
                let clock = if rest < Span::from_secs(86_400) { &date[11..19] } else { &date[..19] };
                let ago = text::age(rest.as_micros());
                Some(format!("PAST {clock}, {ago} ago, #{}", pulse.seq))
            }
        }
    }
}

/// Whether what a screen keeps would be wrong in another time: what only grows is not asked for again by those that
/// follow it, what waits for an answer of the other time waits for ever, and a detail may not exist there.
pub(super) fn keeps_its_time(place: &Place) -> bool {
    !place.is_main() || matches!(place, Place::Inbox | Place::Events | Place::Metrics)
}
