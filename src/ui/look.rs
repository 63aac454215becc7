//! What drawing needs beside the state of what is drawn: theme, time, and what the terminal can do.

use ratatui::style::Style;

use super::app::Options;
use super::names::Names;
use super::scrollbars::Scrollbars;
use super::theme::{Role, Theme};
use crate::domain::Timestamp;

/// The surroundings in which something is drawn.
pub struct Look<'a> {
    /// How roles look.
    pub theme: &'a Theme,
    /// The options of this console.
    pub options: &'a Options,
    /// The engine's clock as far as it is known, else ours.
    pub now: Timestamp,
    /// Names of what rows only know the ids of.
    pub names: &'a Names,
    /// Where scrollbars are noted, for the mouse.
    pub bars: &'a Scrollbars,
    /// Whether the engine may still be heard; without it what is shown is old.
    pub connected: bool,
}

/// A state as a mark, so that colour is never the only carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It runs.
    Running,
    /// It is being started.
    Starting,
    /// Nothing to do.
    Idle,
    /// Nobody is there.
    Vacant,
    /// It waits for its turn.
    Queued,
    /// It waits for a human.
    Human,
    /// Somebody should look.
    Warning,
    /// Stopped or taken back.
    Stopped,
    /// Withheld by somebody.
    Withheld,
    /// It failed.
    Failed,
    /// It is done.
    Done,
    /// Nobody knows.
    Unknown,
}

impl Mark {
    /// Its sign, and in pure ASCII.
    const fn signs(self) -> (&'static str, &'static str) {
        match self {
            Self::Running => ("●", "*"),
            Self::Starting => ("◐", "+"),
            Self::Idle => ("○", "o"),
            Self::Vacant => ("▫", "_"),
            Self::Queued => ("·", "."),
            Self::Human => ("◇", "H"),
            Self::Warning => ("▲", "!"),
            Self::Stopped => ("■", "#"),
            Self::Withheld => ("□", "="),
            Self::Failed => ("×", "x"),
            Self::Done => ("✓", "v"),
            Self::Unknown => ("?", "?"),
        }
    }

    /// How it is coloured.
    pub const fn role(self) -> Role {
        match self {
            Self::Running | Self::Done => Role::Good,
            Self::Starting | Self::Withheld => Role::Info,
            Self::Idle | Self::Vacant | Self::Queued | Self::Stopped => Role::Dim,
            Self::Human => Role::Waiting,
            Self::Warning => Role::Warn,
            Self::Failed => Role::Bad,
            Self::Unknown => Role::Unknown,
        }
    }
}

impl Look<'_> {
    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// The sign of a state.
    pub fn mark(&self, mark: Mark) -> &'static str {
        let (sign, plain) = mark.signs();
        if self.options.ascii { plain } else { sign }
    }

    /// One sign or, in pure ASCII, another.
    pub fn sign(&self, sign: &'static str, plain: &'static str) -> &'static str {
        if self.options.ascii { plain } else { sign }
    }

    /// How long ago `time` is, in minutes, hours or days.
    pub fn age(&self, time: Timestamp) -> String {
        super::text::age(self.now.as_micros() - time.as_micros())
    }

    /// How long ago `time` is, to the second.
    pub fn since(&self, time: Timestamp) -> String {
        super::text::duration(self.now.as_micros() - time.as_micros())
    }
}
