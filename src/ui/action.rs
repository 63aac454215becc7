//! What a person can do, each with its name, its help and the condition under which it can be done.
//!
//! The actions themselves lie in `actions/`, one a file, and are listed once, in [`ALL`]. The keymap gives them keys;
//! help, hints and the palette are made from both.

use super::actions;
use super::app::App;

/// Where an action makes sense: the name of a section of the keymap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// Where there is a list.
    List,
    /// Where there is text to page through.
    Pager,
    /// The inbox, at an alert.
    InboxAlert,
    /// The inbox.
    Inbox,
    /// Cages laid out as a grid, where there is also left and right.
    Grid,
    /// Cages, as a grid or as a list.
    Cages,
    /// One cage.
    Cage,
    /// Agents as a tree.
    Tree,
    /// Agents, as a list or a tree.
    Agents,
    /// One agent.
    Agent,
    /// Tasks, as a list or one of them.
    Tasks,
    /// Artifacts, as a list or one of them.
    Artifacts,
    /// Alerts.
    Alerts,
    /// One alert.
    Alert,
    /// Alert rules.
    Rules,
    /// Silences.
    Silences,
    /// Figures over time.
    Metrics,
    /// What the fleet did.
    Dashboards,
    /// GPUs.
    Gpus,
    /// The journal.
    Events,
    /// The overview.
    Overview,
}

impl Scope {
    /// Every scope.
    pub const ALL: &'static [Self] = &[
        Self::Global,
        Self::List,
        Self::Pager,
        Self::InboxAlert,
        Self::Inbox,
        Self::Grid,
        Self::Cages,
        Self::Cage,
        Self::Tree,
        Self::Agents,
        Self::Agent,
        Self::Tasks,
        Self::Artifacts,
        Self::Alerts,
        Self::Alert,
        Self::Rules,
        Self::Silences,
        Self::Metrics,
        Self::Dashboards,
        Self::Gpus,
        Self::Events,
        Self::Overview,
    ];

    /// Where that is, for people.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Global => "Everywhere.",
            Self::List => "Where there is a list.",
            Self::Pager => "Where there is text to page through: output, reports, details.",
            Self::InboxAlert => "In the inbox, at an alert; besides what holds in the inbox.",
            Self::Inbox => "In the inbox.",
            Self::Grid => "Where cages are laid out as a grid.",
            Self::Cages => "Where there are cages, as a grid or as a list.",
            Self::Cage => "In one cage.",
            Self::Tree => "Where agents are shown as a tree.",
            Self::Agents => "Where there are agents, as a list or a tree.",
            Self::Agent => "At one agent.",
            Self::Tasks => "Where there are tasks, at one of them, and in its output.",
            Self::Artifacts => "Where there are artifacts, and at one of them.",
            Self::Alerts => "Where there are alerts.",
            Self::Alert => "At one alert.",
            Self::Rules => "Where there are the rules that raise alerts.",
            Self::Silences => "Where there are silences.",
            Self::Dashboards => "In the dashboards.",
            Self::Metrics => "Where there are figures over time.",
            Self::Gpus => "Where there are GPUs.",
            Self::Events => "In the journal.",
            Self::Overview => "In the overview.",
        }
    }

    /// The name of its section in the keymap.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Pager => "pager",
            Self::InboxAlert => "inbox_alert",
            Self::Inbox => "inbox",
            Self::Grid => "grid",
            Self::Cages => "cages",
            Self::Cage => "cage",
            Self::Tree => "tree",
            Self::Agents => "agents",
            Self::Agent => "agent",
            Self::Tasks => "tasks",
            Self::Artifacts => "artifacts",
            Self::Alerts => "alerts",
            Self::Alert => "alert",
            Self::Rules => "rules",
            Self::Silences => "silences",
            Self::Dashboards => "dashboards",
            Self::Metrics => "metrics",
            Self::Gpus => "gpus",
            Self::Events => "events",
            Self::Overview => "overview",
        }
    }
}

/// One thing that can be done.
pub struct Action {
    /// Its name in the keymap and in the palette.
    pub name: &'static str,
    /// What it does, in two or three words: a hint.
    pub title: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// Whether it changes the fleet, and so is refused under `--read-only` and without an engine.
    pub changes: bool,
    /// How much it belongs into the line of hints: 0 never, 1 if there is room, up to 3 always.
    pub hint: u8,
    /// Whether it can be done now; if not, why.
    pub ready: fn(&App) -> Result<(), String>,
    /// Does it.
    pub run: fn(&mut App),
}

/// For actions that can always be done.
pub fn always(_: &App) -> Result<(), String> {
    Ok(())
}

/// Every action.
pub static ALL: &[&Action] = actions::ALL;

/// The action of a name.
pub fn named(name: &str) -> Option<&'static Action> {
    ALL.iter().copied().find(|action| action.name == name)
}

impl Action {
    /// Other words for it, under which help and the palette find it too.
    pub fn synonyms(&self) -> &'static [&'static str] {
        actions::SYNONYMS.iter().find(|(name, _)| *name == self.name).map_or(&[], |(_, words)| words)
    }

    /// Whether the fleet takes such an action from this console now, whatever is selected; if not, why.
    pub fn taken(&self, app: &App) -> Result<(), String> {
        if self.changes {
            app.may_change()?;
        }
        if self.changes && !app.link.is_up() {
            return Err("the engine is not connected".to_owned());
        }
        if self.changes && app.fleet.read_only() {
            return Err("the engine takes no changes: its store failed".to_owned());
        }
        Ok(())
    }

    /// Whether it can be done now; if not, why.
    pub fn ready(&self, app: &App) -> Result<(), String> {
        self.taken(app)?;
        (self.ready)(app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_are_of_actions_that_exist_and_hide_no_name() {
        for (name, words) in actions::SYNONYMS {
            assert!(named(name).is_some(), "{name}");
            for word in *words {
                assert!(named(word).is_none(), "{word} is an action itself");
            }
        }
    }
}
