//! Names for rows that only know ids. Whatever screen asks for them, all can use them afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::events_text;
use super::request::{Answer, Ticket};
use super::text;
use crate::api::triage::{InboxItem, InboxKind};
use crate::domain::{Artifact, Task};

/// The most names that are kept; fleets have at most 10,000 agents.
const NAMES_MAX: usize = 20_000;

/// The most titles of artifacts and types of tasks that are kept; with more, all are learned anew.
const TITLES_MAX: usize = 20_000;

/// The most columns of a title between words.
const TITLE_COLUMNS: usize = 30;

/// What is known.
#[derive(Default)]
pub struct Names {
    known: BTreeMap<String, String>,
    /// Of what lists have shown: titles of artifacts, types of tasks.
    titles: BTreeMap<String, String>,
    /// Of artifacts and tasks, by id: whose they are, as the lists say it.
    origins: BTreeMap<String, Origin>,
    /// The ids whose names were asked for. Those that stay unknown are of what is gone, and are not asked for again.
    asked: BTreeSet<String>,
    on_the_way: BTreeMap<Ticket, Vec<String>>,
}

/// Whose something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Origin {
    /// The agent, by name or by id.
    agent: Option<String>,
    /// For an artifact: the task that made it.
    task: Option<String>,
}

impl Names {
    /// Takes names out of an answer, if there are any in it.
    pub fn learn(&mut self, answer: &Answer) {
        if let Answer::Names(names) = answer {
            let room = NAMES_MAX.saturating_sub(self.known.len());
            self.known.extend(names.iter().take(room).map(|(id, name)| (id.clone(), name.clone())));
        }
        let mut title = |id: String, title: &str| {
            if self.titles.len() >= TITLES_MAX {
                self.titles.clear();
            }
            if self.titles.get(&id).is_none_or(|known| known != title) {
                self.titles.insert(id, title.to_owned());
            }
        };
        let inbox = match answer {
            Answer::Inbox(page) => page.rows.as_slice(),
            Answer::Overview(overview) => overview.inbox.as_slice(),
            _ => &[],
        };
        for item in inbox {
            if let (Some(id), Some(kind)) = (&item.task_id, &item.task_type) {
                title(id.clone(), kind);
            }
            if item.kind == InboxKind::Artifact {
                title(item.id.clone(), &item.title);
            }
        }
        match answer {
            Answer::Artifacts(page) => page.rows.iter().for_each(|it| title(it.id.to_string(), &it.title)),
            Answer::Artifact(artifact) => title(artifact.id.to_string(), &artifact.title),
            Answer::Tasks(page) => page.rows.iter().for_each(|task| title(task.id.to_string(), &task.kind)),
            Answer::Task(task) => title(task.id.to_string(), &task.kind),
            _ => {}
        }
        self.learn_origins(answer);
    }

    /// Takes in whose artifacts and tasks are.
    fn learn_origins(&mut self, answer: &Answer) {
        let of_artifact = |it: &Artifact| {
            let (agent, task) = (Some(it.agent_id.to_string()), Some(it.task_id.to_string()));
            (it.id.to_string(), Origin { agent, task })
        };
        let of_task = |task: &Task| {
            let agent = task.agent_id.or(task.assigned_agent_id).map(|id| id.to_string());
            (task.id.to_string(), Origin { agent, task: None })
        };
        let of_item = |item: &InboxItem| {
            let task = item.task_id.clone().filter(|_| item.kind == InboxKind::Artifact);
            (item.id.clone(), Origin { agent: item.agent.clone(), task })
        };
        let found: Vec<(String, Origin)> = match answer {
            Answer::Artifacts(page) => page.rows.iter().map(of_artifact).collect(),
            Answer::Tasks(page) => page.rows.iter().map(of_task).collect(),
            Answer::Inbox(page) => page.rows.iter().filter(|item| item.task_id.is_some()).map(of_item).collect(),
            Answer::Overview(overview) => overview.inbox.iter().map(of_item).collect(),
            _ => return,
        };
        if self.origins.len() + found.len() > TITLES_MAX {
            self.origins.clear();
        }
        self.origins.extend(found);
    }

    /// Whose names have to be asked for so that these can be called by theirs: those that are not known and were not asked
    /// for. An artifact or task whose title a list has shown is called by that, and by the agent that it is of.
    pub fn unknown(&self, ids: Vec<String>) -> Vec<String> {
        let called = |id: String| match self.origins.get(&id) {
            Some(origin) => origin.agent.clone().filter(|agent| uuid::Uuid::try_parse(agent).is_ok()),
            None => Some(id).filter(|id| !self.titles.contains_key(id)),
        };
        let ids: BTreeSet<String> = ids.into_iter().filter_map(called).collect();
        ids.into_iter().filter(|id| !self.known.contains_key(id) && !self.asked.contains(id)).collect()
    }

    /// Takes note that these were asked for.
    pub fn ask(&mut self, ticket: Ticket, ids: Vec<String>) {
        self.asked.extend(ids.iter().cloned());
        self.on_the_way.insert(ticket, ids);
    }

    /// Takes note that a request was answered, or that it `failed`: then its names may be asked for again.
    pub fn answered(&mut self, ticket: Ticket, failed: bool) {
        let ids = self.on_the_way.remove(&ticket);
        for id in ids.iter().flatten().filter(|_| failed) {
            self.asked.remove(id);
        }
    }

    /// Has what stayed unknown be asked for again: at another moment it may be there.
    pub fn forget_unknown(&mut self) {
        self.asked.clear();
    }

    /// Whose an artifact or task is: the agent, and for an artifact its task; empty for what no list has shown.
    pub fn origin(&self, id: &str) -> String {
        let Some(origin) = self.origins.get(id) else { return String::new() };
        let agent = origin.agent.as_ref().map(|agent| match self.known.get(agent) {
            Some(name) => text::clean(name).into_owned(),
            None if uuid::Uuid::try_parse(agent).is_ok() => text::short_id(agent),
            None => text::clean(agent).into_owned(),
        });
        let task = origin.task.as_ref().map(|task| self.title(task));
        [agent, task].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// What something is called, before the end of its id; only that end for what no list has shown.
    pub fn title(&self, id: &str) -> String {
        let short = text::short_id(id);
        match self.titles.get(id).or_else(|| self.known.get(id)) {
            Some(title) => format!("{} {short}", text::fit(&text::clean(title), TITLE_COLUMNS)),
            None => short,
        }
    }

    /// Words of the engine, with what it calls by ids called as people call it.
    pub fn speak(&self, words: &str) -> String {
        let mut out = String::with_capacity(words.len());
        let mut rest = words;
        while let Some((before, id, after)) = events_text::first_id(rest) {
            out.push_str(before);
            out.push_str(&self.title(id));
            rest = after;
        }
        out + rest
    }

    /// The name of an agent, a user or a machine; `None` while nobody has asked for it, and for one that is gone.
    pub fn of(&self, id: impl Display) -> Option<&str> {
        self.known.get(&id.to_string()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_sentences_become_what_people_call_things() {
        let mut names = Names::default();
        let (known, unknown) = ("0195aaaa-0000-7000-8000-00000000beef", "0195aaaa-0000-7000-8000-0000cafe0123");
        names.titles.insert(known.to_owned(), "report.md\x1b[0m".to_owned());
        let said = names.speak(&format!("task {unknown}: waits for {known}, é; of cage 012"));
        assert_eq!(said, "task cafe0123: waits for report.md␛[0m 0000beef, é; of cage 012");
    }
}
