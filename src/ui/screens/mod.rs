//! The screens, each a module of the shape of [`Screen`](super::screen::Screen), and which place has which.

mod agent;
mod agents;
mod alert;
mod alert_rules;
pub mod alerts;
mod artifact;
mod artifacts;
mod cage;
mod cages;
mod dashboards;
mod dependencies;
mod events;
pub mod inbox;
mod metrics;
mod output;
mod overview;
mod silences;
mod task;
mod task_lines;
pub mod tasks;

use super::place::Place;
use super::screen::Screen;

/// The screen of a place, new.
pub fn make(place: &Place) -> Box<dyn Screen> {
    match place {
        Place::Overview => Box::new(overview::Overview::new()),
        Place::Cages => Box::new(cages::Cages::new()),
        Place::Cage(id) => Box::new(cage::Cage::new(id)),
        Place::Inbox => Box::new(inbox::Inbox::new()),
        Place::Artifacts => Box::new(artifacts::Artifacts::new()),
        Place::Artifact(id, title) => Box::new(artifact::Viewer::new(id, title)),
        Place::Agent(id, name) => Box::new(agent::OneAgent::new(id, name)),
        Place::Alerts => Box::new(alerts::Alerts::new()),
        Place::Alert(id) => Box::new(alert::OneAlert::new(id)),
        Place::AlertRules => Box::new(alert_rules::AlertRules::new()),
        Place::Silences => Box::new(silences::Silences::new()),
        Place::Dashboards => Box::new(dashboards::Dashboards::new()),
        Place::Metrics => Box::new(metrics::Metrics::new()),
        Place::Events => Box::new(events::Events::new()),
        Place::Agents => Box::new(agents::Agents::new()),
        Place::Task(id) => Box::new(task::Detail::new(id.clone())),
        Place::Output(id) => Box::new(output::Output::new(id.clone(), None)),
        Place::Attempt(task, execution) => Box::new(output::Output::new(task.clone(), Some(execution.clone()))),
        Place::Dependencies(id) => Box::new(dependencies::Dependencies::new(id.clone())),
        Place::Tasks => Box::new(tasks::Tasks::new()),
    }
}
