//! What an update can have the console do, beyond changing what is shown.

use super::layer::Layer;
use super::place::Place;
use super::screen::Aim;
use super::theme::Theme;
use crate::api::types::WireCommand;

/// How a remark is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something was done.
    Done,
    /// Something to know.
    Info,
    /// Something failed; stays until it is read.
    Bad,
}

/// A change to the fleet, with its words.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// What is asked of the engine.
    pub command: WireCommand,
    /// The same on the command line, ready to copy.
    pub line: String,
    /// What it does, for people: `approve 3 artifacts`.
    pub title: String,
}

/// One thing for the console to do.
pub enum Step {
    /// Change the fleet.
    Order(Order),
    /// Show first what the change would do, and make it once that is confirmed.
    Preview(Order),
    /// Go somewhere.
    Go(Place),
    /// Go back.
    Back,
    /// Open something over the screen.
    Open(Box<dyn Layer>),
    /// Close what is on top.
    Close,
    /// Do an action by its name.
    Run(&'static str),
    /// Do an action by its name on this, whatever the screen has selected.
    RunOn(&'static str, Aim),
    /// Ask for the names of these, as far as they are not known.
    Name(Vec<String>),
    /// Say something.
    Say(Tone, String),
    /// Set the filter of the screen's list.
    Filter(String),
    /// Look for words in what is here of the screen's text.
    Search(String),
    /// Look for words in all of the screen's text.
    Seek(String),
    /// Put text into the clipboard, through the terminal.
    Copy(String),
    /// Use another theme from now on.
    Theme(String),
    /// Look as it did: by the theme of that name, `None` for the one that suits the terminal, which was this.
    LookAsBefore(Option<String>, Box<Theme>),
    /// Go to a moment, as a person writes it.
    Travel(String),
    /// Change a setting: name and value, as `:set` takes them.
    Set(String, String),
    /// Give the terminal to an editor with this text; what is saved goes to the submission of tasks.
    Edit(String),
    /// Ask the engine to stop, with `true` also everything that runs.
    Shutdown(bool),
    /// Run a verb of the command line and show what it says; first ask about one that ends something.
    Verb(String),
    /// Run a verb that was asked about, or need not be.
    RunVerb(String),
    /// Keep a line of the palette for later.
    Remember(String),
    /// Sort the screen's list by a column.
    SortBy(usize),
    /// Show or hide a column of the screen's list.
    ToggleColumn(usize),
    /// Draw everything anew.
    Redraw,
    /// Give the terminal to the shell until continued.
    Suspend,
    /// End the console.
    Quit,
}
