//! What takes a command back: commands like any other, worked out from the state before.

use std::collections::BTreeMap;

use crate::domain::{Command, Reply, TaskId};
use crate::engine::core::Core;

/// Things, by what has to be done with each to take a command back.
#[derive(Debug)]
pub(super) struct Groups<K, I>(BTreeMap<K, Vec<I>>);

impl<K, I> Default for Groups<K, I> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, I> Groups<K, I> {
    /// Adds a thing.
    pub fn add(&mut self, key: K, id: I) {
        self.0.entry(key).or_default().push(id);
    }

    /// A command for each group.
    pub fn commands(self, make: impl Fn(K, Vec<I>) -> Command) -> Vec<Command> {
        self.0.into_iter().map(|(key, ids)| make(key, ids)).collect()
    }
}

impl Core {
    /// The commands that give tasks back what they had `before`, when all of them have `after` now. A command on an
    /// array reaches its elements too, so arrays come first and those elements follow that differed from theirs.
    pub(super) fn restoring<K: Ord + Clone>(
        &self,
        before: &BTreeMap<TaskId, K>,
        after: &K,
        make: impl Fn(K, Vec<TaskId>) -> Command,
    ) -> Vec<Command> {
        let (mut arrays, mut singles) = (Groups::default(), Groups::default());
        for (id, old) in before {
            let is_array = self.task_ids.get(*id).is_some_and(|slot| self.tasks[slot].array.is_some());
            let array = Some(id.as_array()).filter(|array| array != id);
            let restored = array.and_then(|array| before.get(&array)).unwrap_or(after);
            if old != restored {
                (if is_array { &mut arrays } else { &mut singles }).add(old.clone(), *id);
            }
        }
        let mut commands = arrays.commands(&make);
        commands.extend(singles.commands(&make));
        commands
    }
}

/// A reply with what takes it back.
pub(super) fn undone_by(mut reply: Reply, commands: Vec<Command>) -> Reply {
    if let Reply::Items { inverse, .. } | Reply::Submitted { inverse, .. } = &mut reply {
        *inverse = commands;
    }
    reply
}
