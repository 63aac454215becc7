//! Whether a program exists, as far as that can be said from here: what cannot be run is refused before it is submitted
//! or declared, not when a task fails of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::config::Settings;
use super::context::Context;
use crate::api::client::encode;
use crate::domain::Refusal;
use crate::domain::agent::{AgentSpec, Runtime};
use crate::domain::cage::SEARCH_PATH;
use crate::domain::task::NewTask;

/// Gives the search path of an agent, or nothing when that cannot be known.
type PathOf = Box<dyn FnMut(&str) -> Option<String>>;

/// Looks for programs, each once.
pub struct Programs {
    data_dir: PathBuf,
    /// The caller's own search path, which no cage uses: a program that is there alone is told of.
    path: String,
    /// What was found of a program under a search path of its own.
    known: HashMap<(String, Option<String>), Result<(), Refusal>>,
    ask: PathOf,
    /// What that gave.
    agents: HashMap<String, Option<String>>,
}

impl Programs {
    /// For an engine's data directory: what lies in a cage's own folders there is not ours to see.
    pub fn new(data_dir: &Path) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let (known, agents) = (HashMap::new(), HashMap::new());
        Self { data_dir: data_dir.to_owned(), path, known, ask: Box::new(|_| None), agents }
    }

    /// The same, and the engine is asked for the search paths of agents that tasks name.
    pub fn of_engine(settings: &Settings) -> Self {
        let (context, mut client) = (Context::new(settings.clone()), None);
        let ask = move |agent: &str| {
            if client.is_none() {
                client = context.engine().ok();
            }
            // Whatever cannot be answered now is refused when the task is submitted.
            let agent: Value = client.as_ref()?.get(&format!("/v1/agents/{}", encode(agent)), &vec![]).ok()?;
            let own = agent.pointer("/runtime/env/PATH").and_then(Value::as_str);
            Some(own.unwrap_or(SEARCH_PATH).to_owned())
        };
        Self { ask: Box::new(ask), ..Self::new(&settings.data_dir.value) }
    }

    /// Refuses an agent whose program does not exist.
    pub fn check_agent(&mut self, agent: &AgentSpec) -> Result<(), Refusal> {
        let Runtime::Command { command, env, .. } = &agent.runtime;
        let Some(program) = command.first() else { return Ok(()) };
        let checked = self.check("runtime.command", program, own_path(env));
        checked.map_err(|refusal| refusal.within(format!("agent {}", agent.name)))
    }

    /// Refuses a task that brings a command whose program does not exist. That of a task for a named agent is looked for in
    /// the agent's search path, unless the task has its own.
    pub fn check_task(&mut self, task: &NewTask) -> Result<(), Refusal> {
        let configuration = &task.parameters.configuration;
        let Some(program) = task.command().and_then(|words| words.first()?.as_str()) else { return Ok(()) };
        let own = configuration.get("env").and_then(Value::as_object).and_then(own_path);
        let Some(agent) = task.agent.as_ref().filter(|_| own.is_none() && !program.contains('/')) else {
            return self.check("command", program, own);
        };
        if !self.agents.contains_key(agent) {
            let path = (self.ask)(agent);
            self.agents.insert(agent.clone(), path);
        }
        match self.agents.get(agent).cloned().flatten() {
            Some(path) => self.check("command", program, Some(&path)),
            None => Ok(()),
        }
    }

    /// Refuses a program without a slash that no search path has, and one with an absolute path where there is nothing.
    fn check(&mut self, field: &str, program: &str, own_path: Option<&str>) -> Result<(), Refusal> {
        let key = (program.to_owned(), own_path.map(str::to_owned));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = self.look_for(field, program, own_path);
        self.known.insert(key, found.clone());
        found
    }

    fn look_for(&self, field: &str, program: &str, own_path: Option<&str>) -> Result<(), Refusal> {
        let missing = |allowed: &str, looked: String| {
            Err(Refusal::not_found(field, program).allowed(allowed).hint(format!("Looked for {looked}")))
        };
        if program.is_empty() || program.contains('\0') {
            // The declaration's own check says what is allowed.
            return Ok(());
        }
        if program.contains('/') {
            let path = Path::new(program);
            let elsewhere = path.is_relative() || path.starts_with(&self.data_dir);
            return if elsewhere || path.is_file() {
                Ok(())
            } else {
                missing("the path of a program", format!("the file {program}"))
            };
        }
        let search = own_path.unwrap_or(SEARCH_PATH);
        // What lies in the folder of the execution, or in one of the cages, only the worker sees.
        let unseen = |folder: &str| Path::new(folder).is_relative() || Path::new(folder).starts_with(&self.data_dir);
        if search.split(':').any(unseen) || find(search, program).is_some() {
            return Ok(());
        }
        let mut looked = format!("it in {}", search.split(':').collect::<Vec<_>>().join(", "));
        if let Some(folder) = find(&self.path, program) {
            let (file, folder) = (folder.join(program), folder.display());
            looked = format!(
                "{looked}; it is {}, where cages do not look: write that path, or put {folder} into PATH in the command's \
                 environment; and give the cage read = [\"{folder}\"]",
                file.display()
            );
        }
        missing("a program of the system, or the absolute path of one", looked)
    }
}

/// The folder of a search path that has a program.
fn find(search: &str, program: &str) -> Option<PathBuf> {
    let mut folders = search.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from);
    folders.find(|folder| folder.join(program).is_file())
}

/// The search path that an environment declares.
fn own_path(env: &Map<String, Value>) -> Option<&str> {
    env.get("PATH").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_where_it_would_be() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own-tool");
        std::fs::write(&own, "#!/bin/sh\n").unwrap();
        let own_folder = folder.path().to_str().unwrap();
        let mut programs = Programs::new(Path::new("/data"));
        for (program, path, fits) in [
            ("sh", None, true),
            ("no-such-program-at-all", None, false),
            ("own-tool", None, false),
            ("own-tool", Some(own_folder), true),
            ("sh", Some(own_folder), false),
            (own.to_str().unwrap(), None, true),
            (own_folder, None, false),
            ("/no/such/prog", None, false),
            ("/data/cages/001/work/tool", None, true),
            ("./tool", None, true),
        ] {
            let checked = programs.check("command", program, path);
            assert_eq!(checked.is_ok(), fits, "{program}: {checked:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_was_looked_for_where() {
        let mut programs = Programs::new(Path::new("/data"));
        let mut agent = AgentSpec::new("a");
        agent.runtime = Runtime::of_command(vec!["no-such-program-at-all".into()]);
        let text = programs.check_agent(&agent).unwrap_err().to_string();
        assert!(text.starts_with("agent a: runtime.command \"no-such-program-at-all\" does not exist"), "{text}");
        assert!(text.contains("Looked for it in ") && text.contains("/usr/bin"), "{text}");
        agent.runtime = Runtime::of_command(vec!["/no/such/prog".into()]);
        let text = programs.check_agent(&agent).unwrap_err().to_string();
        assert!(text.contains("Looked for the file /no/such/prog"), "{text}");
    }

    #[test]
    fn a_program_that_only_the_caller_finds_is_refused_and_said_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("own-tool"), "#!/bin/sh\n").unwrap();
        let own_folder = folder.path().to_str().unwrap().to_owned();
        let mut programs = Programs { path: own_folder.clone(), ..Programs::new(Path::new("/data")) };
        let text = programs.check("command", "own-tool", None).unwrap_err().to_string();
        assert!(text.contains("/usr/bin") && text.contains(&format!("it is {own_folder}/own-tool")), "{text}");
        assert!(text.contains(&format!("read = [\"{own_folder}\"]")), "{text}");
    }

    #[test]
    fn a_named_agent_may_have_a_search_path_of_its_own() {
        let mut programs = Programs::new(Path::new("/data"));
        let mut task = NewTask::new("x");
        task.parameters.configuration.insert("command".into(), serde_json::json!(["no-such-program-at-all"]));
        assert!(programs.check_task(&task).is_err());
        task.agent = Some("a".into());
        assert!(programs.check_task(&task).is_ok(), "nobody knows its path here");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("own-tool"), "#!/bin/sh\n").unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        programs.ask = Box::new(move |agent| Some(if agent == "b" { path.clone() } else { "bin:/usr/bin".to_owned() }));
        for (agent, program, fits) in
            [("b", "own-tool", true), ("b", "sh", false), ("b", "./sh", true), ("c", "in-its-workspace", true)]
        {
            task.agent = Some(agent.into());
            task.parameters.configuration.insert("command".into(), serde_json::json!([program]));
            assert_eq!(programs.check_task(&task).is_ok(), fits, "{agent} {program}");
        }
    }
}
