//! Where one can be in the console.

use super::screen::Screen;
use super::screens;

/// A screen, and for a detail what it shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// What a person needs first.
    Overview,
    /// What waits for a human.
    Inbox,
    /// The grid.
    Cages,
    /// One cage, by number.
    Cage(String),
    /// All agents.
    Agents,
    /// One agent, by id, with its name.
    Agent(String, String),
    /// All tasks.
    Tasks,
    /// One task, by id.
    Task(String),
    /// The output of a task, by id.
    Output(String),
    /// The output of one attempt at a task: the task's id and the execution's.
    Attempt(String, String),
    /// What a task waits for and what waits for it, by id.
    Dependencies(String),
    /// All artifacts.
    Artifacts,
    /// One artifact, by id, with its title.
    Artifact(String, String),
    /// All alerts.
    Alerts,
    /// One alert, by id.
    Alert(String),
    /// The rules that raise alerts.
    AlertRules,
    /// Alerts that call nobody for a while.
    Silences,
    /// Figures over time, and GPUs.
    Metrics,
    /// What the fleet did: agents, executions, errors, days.
    Dashboards,
    /// The journal.
    Events,
}

impl Place {
    /// The screens with a key of their own, in the order of Tab, each with the action that leads there.
    pub const MAIN: &'static [(Self, &'static str)] = &[
        (Self::Overview, "overview"),
        (Self::Inbox, "inbox"),
        (Self::Cages, "cages"),
        (Self::Agents, "agents"),
        (Self::Tasks, "tasks"),
        (Self::Artifacts, "artifacts"),
        (Self::Alerts, "alerts"),
        (Self::Metrics, "metrics"),
        (Self::Dashboards, "dashboards"),
        (Self::Events, "events"),
    ];

    /// Its name in the breadcrumb.
    pub fn crumb(&self) -> String {
        match self {
            Self::Overview => "overview".to_owned(),
            Self::Inbox => "inbox".to_owned(),
            Self::Cages => "cages".to_owned(),
            Self::Cage(id) => format!("cage {id}"),
            Self::Agents => "agents".to_owned(),
            Self::Agent(_, name) => format!("agent {}", super::text::clean(name)),
            Self::Tasks => "tasks".to_owned(),
            Self::Task(id) => format!("task {}", super::text::short_id(id)),
            Self::Output(_) => "output".to_owned(),
            Self::Attempt(_, id) => format!("attempt {}", super::text::short_id(id)),
            Self::Dependencies(_) => "dependencies".to_owned(),
            Self::Artifacts => "artifacts".to_owned(),
            Self::Artifact(_, title) => super::text::clean(title).into_owned(),
            Self::Alerts => "alerts".to_owned(),
            Self::Alert(id) => format!("alert {}", super::text::short_id(id)),
            Self::AlertRules => "rules".to_owned(),
            Self::Silences => "silences".to_owned(),
            Self::Metrics => "metrics".to_owned(),
            Self::Dashboards => "dashboards".to_owned(),
            Self::Events => "events".to_owned(),
        }
    }

    /// Whether it has a key of its own.
    pub fn is_main(&self) -> bool {
        Self::MAIN.iter().any(|(place, _)| place == self)
    }

    /// Its screen, new.
    pub fn screen(&self) -> Box<dyn Screen> {
        screens::make(self)
    }
}
