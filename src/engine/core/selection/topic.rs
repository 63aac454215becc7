//! Topics: what tasks are about, each distinct one kept once. A million tasks of one type without a text have one topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::text::{Reader, language_of};
use crate::domain::selection::{Phase, TaskContext};
use crate::engine::core::slab::Slab;

/// What a task is about, with what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine::core) struct Topic {
    /// Its type.
    pub(in crate::engine::core) kind: String,
    /// What was read out of its text.
    pub(in crate::engine::core) context: TaskContext,
    /// The stems that agents are looked for by: those of the text and of the type, and the names of the files' languages.
    /// Sorted, each once.
    pub(super) stems: Vec<String>,
    /// The phase that it belongs to: that of the text, or else that which its type speaks of.
    pub(super) phase: Option<Phase>,
}

impl Topic {
    /// What follows from a type and a context.
    pub(super) fn new(kind: &str, context: &TaskContext, reader: &Reader) -> Self {
        let mut stems = context.keywords.clone();
        stems.extend(reader.stems(kind));
        for file_type in &context.file_types {
            let language = language_of(file_type).unwrap_or_default();
            stems.extend([file_type.clone(), language.to_owned()]);
            stems.extend(reader.stems(language));
        }
        stems.sort_unstable();
        stems.dedup();
        let phase = context.phase.or_else(|| reader.context(kind, |_| false).phase);
        Self { kind: kind.to_owned(), context: context.clone(), stems, phase }
    }
}

#[derive(Debug)]
struct Entry {
    topic: Arc<Topic>,
    tasks: u32,
}

/// The topics of the tasks in memory.
#[derive(Debug, Default)]
pub(in crate::engine::core) struct Topics {
    entries: Slab<Entry>,
    numbers: BTreeMap<(String, TaskContext), u32>,
}

impl Topics {
    /// The number of a topic; the caller's task has it from now on.
    pub(in crate::engine::core) fn join(&mut self, kind: &str, context: &TaskContext, reader: &Reader) -> u32 {
        let key = (kind.to_owned(), context.clone());
        if let Some(number) = self.numbers.get(&key) {
            self.entries[*number].tasks += 1;
            return *number;
        }
        let topic = Arc::new(Topic::new(kind, context, reader));
        let number = self.entries.insert(Entry { topic, tasks: 1 });
        self.numbers.insert(key, number);
        number
    }

    /// Another task has it.
    pub(in crate::engine::core) fn share(&mut self, number: u32) {
        self.entries[number].tasks += 1;
    }

    /// A task no longer has it.
    pub(in crate::engine::core) fn leave(&mut self, number: u32) {
        self.entries[number].tasks -= 1;
        if self.entries[number].tasks == 0
            && let Some(entry) = self.entries.remove(number)
        {
            self.numbers.remove(&(entry.topic.kind.clone(), entry.topic.context.clone()));
        }
    }

    /// The topic of a number.
    pub(in crate::engine::core) fn get(&self, number: u32) -> &Arc<Topic> {
        &self.entries[number].topic
    }
}
