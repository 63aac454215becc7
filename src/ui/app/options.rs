//! How a console was started.

use std::path::PathBuf;

use crate::ui::budget;
use crate::ui::notify::{Dialect, Means};
use crate::ui::terminal::ColorDepth;
use crate::ui::verbs::{self, Verb};

/// How this console was started.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct Options {
    /// The engine's data directory.
    pub data_dir: PathBuf,
    /// Whether the command line looks there too when nothing is said to it.
    pub usual_data_dir: bool,
    /// The folder with `keys.toml` and `themes/`; `None` where there is no home.
    pub config_dir: Option<PathBuf>,
    /// Shows all and changes nothing.
    pub read_only: bool,
    /// Draws without box, block and other signs beyond ASCII.
    pub ascii: bool,
    /// Listens to the mouse.
    pub mouse: bool,
    /// Puts frames into synchronized updates.
    pub synchronized: bool,
    /// How many colours are used.
    pub depth: ColorDepth,
    /// How many colours the terminal says there are.
    pub depth_found: ColorDepth,
    /// The theme's name; `None` for one that suits the terminal.
    pub theme: Option<String>,
    /// Whether the terminal's ground is light, as far as it said so.
    pub light: bool,
    /// Whether it runs inside tmux, which wants some sequences wrapped.
    pub tmux: bool,
    /// How the terminal takes notifications.
    pub dialect: Dialect,
    /// How somebody is called who looks elsewhere.
    pub notify: Means,
    /// Whether the header shows what is known of the line to the terminal.
    pub traffic_shown: bool,
    /// Bytes a second for frames that no key asked for; 0 for no budget.
    pub budget: u32,
    /// After how many alike judgements in a row a rule is proposed; 0 for never.
    pub propose: u64,
    /// What the command line can say.
    pub verbs: fn() -> &'static Verb,
    /// The moment that is looked at first; `None` for the present.
    pub at: Option<String>,
    /// What was wrong with the settings that were given, to be said at once.
    pub remarks: Vec<String>,
}

impl Options {
    /// The usual ones on a terminal of so many colours.
    pub const fn new(data_dir: PathBuf, depth: ColorDepth) -> Self {
        Self {
            data_dir,
            usual_data_dir: true,
            config_dir: None,
            read_only: false,
            ascii: false,
            mouse: true,
            synchronized: true,
            depth,
            depth_found: depth,
            theme: None,
            light: false,
            tmux: false,
            dialect: Dialect::Osc9,
            notify: Means::Desktop,
            traffic_shown: false,
            budget: budget::USUAL,
            propose: 5,
            verbs: verbs::none,
            at: None,
            remarks: Vec::new(),
        }
    }
}
