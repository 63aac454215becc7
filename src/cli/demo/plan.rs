//! What the demo asks for: the fleet with its paths filled in, and one task an agent.

use crate::domain::agent::Runtime;
use crate::domain::{Bytes, Cpu, Fleet, NewTask, Refusal, Span};

use super::kit::{self, REPOSITORY_MARK, SCRIPTS_MARK};

/// The agent that eats memory; the survey is a success only if it is caught.
pub const GLUTTON: &str = "glutton";

/// The agent that waits for the others and for the approval of what they made.
pub const EDITOR: &str = "editor";

/// The entry of a task's configuration that names the repository, so that a survey can be told from another's.
pub const REPOSITORY: &str = "repository";

/// Where the survey finds what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The repository, as the scripts are told.
    pub repository: String,
    /// Every path that reading it takes: the repository, and where its objects lie if that is elsewhere.
    pub read: Vec<String>,
    /// The folder of the scripts.
    pub scripts: String,
}

/// The survey's fleet for these paths.
///
/// # Errors
/// A refusal when the carried file and this binary do not fit, which a test rules out.
pub fn fleet(paths: &Paths) -> Result<Fleet, Refusal> {
    let mut fleet: Fleet =
        toml::from_str(kit::FLEET).map_err(|error| Refusal::invalid("survey.toml", error, "a fleet file"))?;
    for cage in &mut fleet.cage {
        cage.read = cage
            .read
            .iter()
            .flat_map(|path| match path.as_str() {
                REPOSITORY_MARK => paths.read.clone(),
                SCRIPTS_MARK => vec![paths.scripts.clone()],
                other => vec![other.to_owned()],
            })
            .collect();
    }
    for agent in &mut fleet.agent {
        let Runtime::Command { command, env, .. } = &mut agent.runtime;
        for word in command {
            *word = word.replace(SCRIPTS_MARK, &paths.scripts);
        }
        for value in env.values_mut() {
            if value == REPOSITORY_MARK {
                *value = paths.repository.clone().into();
            }
        }
    }
    Ok(fleet)
}

/// One task for each agent of the fleet, found by what it can do. The editor's depends on all but the glutton's.
pub fn tasks(fleet: &Fleet, repository: &str) -> Vec<NewTask> {
    let surveyors: Vec<String> =
        fleet.agent.iter().map(|agent| agent.name.clone()).filter(|name| name != GLUTTON && name != EDITOR).collect();
    fleet
        .agent
        .iter()
        .filter_map(|agent| {
            let capability = agent.capabilities.first()?.kind.clone();
            let mut task = NewTask::new(capability.clone());
            task.key = Some(agent.name.clone());
            task.requirements.capabilities = vec![capability];
            task.requirements.cpu = Cpu::from_millis(250);
            task.requirements.memory = Bytes::from_mib(32);
            task.estimate = Some(Span::from_secs(10));
            task.max_attempts = 2;
            task.parameters.configuration.insert(REPOSITORY.to_owned(), repository.into());
            task.metadata.source = Some("demo".to_owned());
            task.metadata.tags = vec!["survey".to_owned()];
            match agent.name.as_str() {
                GLUTTON => {
                    // Once is enough to be caught, and first, so that it does its worst while the others work.
                    task.max_attempts = 1;
                    task.priority = 7;
                }
                EDITOR => {
                    task.depends_on.clone_from(&surveyors);
                    task.approval_gate = true;
                }
                _ => {}
            }
            Some(task)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn paths() -> Paths {
        Paths {
            repository: "/r \"q\"".to_owned(),
            read: vec!["/r \"q\"".to_owned(), "/elsewhere/.git".to_owned()],
            scripts: "/s p".to_owned(),
        }
    }

    #[test]
    fn the_fleet_is_valid_and_has_no_mark_left() {
        let fleet = fleet(&paths()).unwrap();
        let cages = fleet.cages().unwrap();
        fleet.check_agents().unwrap();
        assert!(cages.len() >= 12, "{} cages", cages.len());
        let limits: BTreeSet<String> = cages.iter().map(|cage| format!("{:?}", cage.limits)).collect();
        assert!(limits.len() >= 12, "{} different limits", limits.len());
        for cage in &cages {
            assert_eq!(cage.read, ["/r \"q\"", "/elsewhere/.git", "/s p"], "cage {}", cage.id);
            assert!(cage.network.is_none() && cage.write.is_empty());
        }
        let text = toml::to_string(&fleet).unwrap();
        assert!(!text.contains("/SURVEY/"), "{text}");
        assert_eq!(toml::to_string(&toml::from_str::<Fleet>(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn every_agent_runs_a_script_that_is_carried() {
        for agent in fleet(&paths()).unwrap().agent {
            let Runtime::Command { command, .. } = agent.runtime;
            let script = command[1].strip_prefix("/s p/").unwrap();
            assert!(kit::SURVEY.iter().any(|(name, _)| *name == script), "{script}");
        }
    }

    #[test]
    fn tasks_fit_their_cages_and_the_summary_waits_for_the_rest() {
        let fleet = fleet(&paths()).unwrap();
        let tasks = tasks(&fleet, "/r");
        assert_eq!(tasks.len(), fleet.agent.len());
        let room = |name: &str| {
            let cage = fleet.agent.iter().find(|agent| agent.name == name).unwrap().cage.unwrap();
            fleet.cages().unwrap().into_iter().find(|spec| spec.id == cage).unwrap().limits.room()
        };
        for mut task in tasks.clone() {
            task.normalise().unwrap();
            assert!(task.requirements.quantities().fits(&room(task.key.as_ref().unwrap())), "{:?}", task.key);
        }
        let editor = tasks.iter().find(|task| task.key.as_deref() == Some(EDITOR)).unwrap();
        assert!(editor.approval_gate);
        assert_eq!(editor.depends_on.len(), tasks.len() - 2);
        assert!(!editor.depends_on.iter().any(|key| key == GLUTTON));
        let kinds: BTreeSet<&String> = tasks.iter().map(|task| &task.kind).collect();
        assert_eq!(kinds.len(), tasks.len(), "each kind of work is one agent's alone");
    }
}
