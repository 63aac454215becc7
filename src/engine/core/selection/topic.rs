//! Topics: what tasks are about, each distinct one kept once. A million tasks of one type without a text have one topic;
//! a task with a text of its own costs a few hundred bytes, so words are kept in one piece.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::text::{Reader, language_of};
use crate::domain::selection::{Phase, TaskContext, TimePattern};
use crate::engine::core::slab::Slab;

/// What a task is about, with what follows from it.
#[derive(Clone, Debug)]
pub(in crate::engine::core) struct Topic {
    /// Its type.
    pub(in crate::engine::core) kind: Box<str>,
    /// The stems of its text, a line each.
    keywords: Box<str>,
    /// The types of its files, a line each.
    file_types: Box<str>,
    /// The phase that its text speaks of.
    said: Option<Phase>,
    /// How often its text says that it is done again.
    times: Box<[TimePattern]>,
    /// The phase that it belongs to: that, or else the one which its type speaks of.
    pub(in crate::engine::core) phase: Option<Phase>,
}

impl Topic {
    /// What follows from a type and a context.
    pub(in crate::engine::core) fn new(kind: &str, context: &TaskContext, reader: &Reader) -> Self {
        let phase = context.phase.or_else(|| reader.context(kind, |_| false).phase);
        Self { phase, ..Self::bare(kind, context) }
    }

    /// A topic without what follows.
    fn bare(kind: &str, context: &TaskContext) -> Self {
        Self {
            kind: kind.into(),
            keywords: context.keywords.join("\n").into(),
            file_types: context.file_types.join("\n").into(),
            said: context.phase,
            times: context.time_patterns.as_slice().into(),
            phase: None,
        }
    }

    /// What was read out of the task's text.
    pub(in crate::engine::core) fn context(&self) -> TaskContext {
        let words = |lines: &str| lines.lines().map(str::to_owned).collect();
        TaskContext {
            keywords: words(&self.keywords),
            file_types: words(&self.file_types),
            phase: self.said,
            time_patterns: self.times.to_vec(),
        }
    }

    /// The stems that agents are looked for by: those of the text and of the type, the names of the files' languages, and
    /// the words for how often it is done again.
    /// Sorted, each once.
    pub(super) fn stems(&self, reader: &Reader) -> Vec<String> {
        let mut stems: Vec<String> = self.keywords.lines().map(str::to_owned).collect();
        stems.extend(reader.stems(&self.kind));
        for file_type in self.file_types.lines() {
            let language = language_of(file_type).unwrap_or_default();
            stems.extend([file_type.to_owned(), language.to_owned()]);
            stems.extend(reader.stems(language));
        }
        stems.extend(self.times.iter().flat_map(|pattern| reader.stems(pattern.as_str())));
        stems.sort_unstable();
        stems.dedup();
        stems
    }

    fn said(&self) -> (&str, &str, &str, Option<Phase>, &[TimePattern]) {
        (&self.kind, &self.keywords, &self.file_types, self.said, &self.times)
    }
}

// What follows from the rest tells no two topics apart.
impl PartialEq for Topic {
    fn eq(&self, other: &Self) -> bool {
        self.said() == other.said()
    }
}

impl Eq for Topic {}

impl PartialOrd for Topic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Topic {
    fn cmp(&self, other: &Self) -> Ordering {
        self.said().cmp(&other.said())
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
    numbers: BTreeMap<Arc<Topic>, u32>,
}

impl Topics {
    /// The number of a topic; the caller's task has it from now on.
    pub(in crate::engine::core) fn join(&mut self, kind: &str, context: &TaskContext, reader: &Reader) -> u32 {
        if let Some(number) = self.numbers.get(&Topic::bare(kind, context)) {
            self.entries[*number].tasks += 1;
            return *number;
        }
        let topic = Arc::new(Topic::new(kind, context, reader));
        let number = self.entries.insert(Entry { topic: topic.clone(), tasks: 1 });
        self.numbers.insert(topic, number);
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
            self.numbers.remove(&entry.topic);
        }
    }

    /// The topic of a number.
    pub(in crate::engine::core) fn get(&self, number: u32) -> &Arc<Topic> {
        &self.entries[number].topic
    }
}
