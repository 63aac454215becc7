//! What a task is about, as numbers that effects are kept by: its type, the stems of its text, the types of its files, its
//! phase. Names are hashed (Weinberger et al., "Feature hashing for large scale multitask learning", 2009); two of the same
//! number are taken for one, which costs a little and happens seldom.

use crate::engine::core::selection::Topic;

/// So many of a task's stems and types of files have effects: those that its topic has first.
const DETAILS_MAX: usize = 16;

/// A feature: above the 22 bits of its name's hash stands what class it is of. Small numbers are short in the journal.
pub(in crate::engine::core) type Feature = u32;

/// How many bits of a hash are kept.
const CLASS_SHIFT: u32 = 22;

/// Classes of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// What is always there.
    Always,
    /// The task's type.
    Kind,
    /// A word, a type of file, a phase.
    Detail,
}

/// The feature that is always there.
pub(super) const ALWAYS: Feature = 0;

/// The class of a feature.
pub(super) const fn class(feature: Feature) -> Class {
    match feature >> CLASS_SHIFT {
        0 => Class::Always,
        1 => Class::Kind,
        _ => Class::Detail,
    }
}

/// FNV-1a, the same on every machine.
fn hash(prefix: u8, text: &str) -> u32 {
    let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    text.bytes().fold(fold(0x811c_9dc5, prefix), fold)
}

/// The feature of a type of task; `None` for no type.
pub(in crate::engine::core) fn kind(kind: &str) -> Option<Feature> {
    (!kind.is_empty()).then(|| 1 << CLASS_SHIFT | hash(b'k', kind) >> (32 - CLASS_SHIFT))
}

/// The feature of a type by how long its tasks take; those that bring a command are of another.
pub(in crate::engine::core) fn timed_kind(kind: &str, brings_command: bool) -> Feature {
    1 << CLASS_SHIFT | hash(if brings_command { b'c' } else { b'k' }, kind) >> (32 - CLASS_SHIFT)
}

fn detail(prefix: u8, text: &str) -> Feature {
    2 << CLASS_SHIFT | hash(prefix, text) >> (32 - CLASS_SHIFT)
}

/// What of a topic effects are kept by: its type first, then what it is about, each once.
pub(in crate::engine::core) fn of(topic: &Topic) -> Vec<Feature> {
    let context = topic.context();
    let mut details: Vec<_> = topic.phase.iter().map(|phase| detail(b'p', phase.as_str())).collect();
    details.extend(context.file_types.iter().map(|file_type| detail(b'f', file_type)));
    details.extend(context.keywords.iter().map(|stem| detail(b'w', stem)));
    details.truncate(DETAILS_MAX);
    details.sort_unstable();
    details.dedup();
    kind(&topic.kind).into_iter().chain(details).collect()
}

/// Whether a feature is of what a task is about, its type apart.
pub(super) const fn is_detail(feature: Feature) -> bool {
    matches!(class(feature), Class::Detail)
}
