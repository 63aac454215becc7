//! What of a record can be found by its words.

use serde_json::Value;

use crate::domain::agent::{Division, Tier};
use crate::domain::search::SearchNoun;
use crate::domain::{AgentSpec, Event, Record, Task};

/// The kinds of records that are looked at.
pub(super) const KINDS: &str = "'agent_declared', 'agent_removed', 'task_submitted', 'artifact_added', 'alert_raised', \
    'system_event_raised'";

/// So many bytes of a text are indexed; what it is about is said early.
const BODY_BYTES_MAX: usize = 4096;

/// What a record does to the index.
pub(super) enum Change {
    /// Something new, or in place of what it was.
    Put(Document),
    /// An agent is no more.
    Remove(SearchNoun, String),
}

/// Something that can be found.
pub(super) struct Document {
    pub(super) noun: SearchNoun,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) body: String,
}

/// What a record does to the index, if anything.
pub(super) fn change_of(record: &Record) -> Option<Change> {
    let document = match &record.event {
        Event::AgentDeclared(event) => Document {
            noun: SearchNoun::Agent,
            id: event.agent_id.to_string(),
            title: event.spec.name.clone(),
            body: agent_words(&event.spec),
        },
        Event::AgentRemoved(event) => return Some(Change::Remove(SearchNoun::Agent, event.agent_id.to_string())),
        Event::TaskSubmitted(event) => Document {
            noun: SearchNoun::Task,
            id: event.task.id.to_string(),
            title: task_title(&event.task),
            body: task_words(&event.task),
        },
        Event::ArtifactAdded(event) => Document {
            noun: SearchNoun::Artifact,
            id: event.artifact.id.to_string(),
            title: event.artifact.title.clone(),
            body: format!("{} {}", event.artifact.kind, event.artifact.content.as_deref().unwrap_or_default()),
        },
        Event::AlertRaised(event) => Document {
            noun: SearchNoun::Event,
            id: event.alert.id.to_string(),
            title: event.alert.source.clone(),
            body: event.alert.message.clone(),
        },
        Event::SystemEventRaised(event) => Document {
            noun: SearchNoun::Event,
            id: event.event.id.to_string(),
            title: event.event.source.clone(),
            body: event.event.message.clone(),
        },
        _ => return None,
    };
    let (title, body) = (plain(&document.title), plain(&document.body));
    Some(Change::Put(Document { title, body, ..document }))
}

fn agent_words(spec: &AgentSpec) -> String {
    let capabilities = spec.capabilities.iter().map(|capability| capability.kind.as_str());
    let lists = spec.keywords.iter().chain(&spec.specializations).chain(&spec.tools_available);
    let single = [&spec.display_name, &spec.role].into_iter().flatten();
    let words = single.chain(lists).map(String::as_str).chain(capabilities);
    let named = [spec.division.map(Division::as_str), spec.tier.map(Tier::as_str)];
    words.chain(named.into_iter().flatten()).collect::<Vec<_>>().join(" ")
}

fn task_title(task: &Task) -> String {
    let title = task.metadata.other.get("title").and_then(Value::as_str);
    title.map_or_else(|| task.kind.clone(), |title| format!("{}: {title}", task.kind))
}

fn task_words(task: &Task) -> String {
    let mut words = task.metadata.tags.join(" ");
    let described = task.metadata.other.get("description");
    let command = task.parameters.configuration.get("command");
    for value in described.into_iter().chain(command).chain(task.parameters.input_data.values()) {
        add_texts(&mut words, value, 8);
    }
    words
}

fn add_texts(words: &mut String, value: &Value, depth: usize) {
    if words.len() >= BODY_BYTES_MAX || depth == 0 {
        return;
    }
    match value {
        Value::String(text) => {
            words.push(' ');
            words.push_str(&text[..text.floor_char_boundary(BODY_BYTES_MAX)]);
        }
        Value::Array(values) => values.iter().for_each(|value| add_texts(words, value, depth - 1)),
        Value::Object(map) => map.values().for_each(|value| add_texts(words, value, depth - 1)),
        _ => {}
    }
}

/// A text without control characters, which mark what was found, cut to what is indexed.
fn plain(text: &str) -> String {
    let head = &text[..text.floor_char_boundary(BODY_BYTES_MAX)];
    head.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}
