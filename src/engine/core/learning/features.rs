//! What a task is about, as numbers that effects are kept by: its type, the stems of its text, the types of its files, its
//! phase, how often it is done again. Names are hashed (Weinberger et al., "Feature hashing for large scale multitask learning", 2009); two of the same
//! number are taken for one, which costs a little and happens seldom.

use crate::domain::ArtifactType;
use crate::domain::learning::{NAME_BITS, name_number};
use crate::engine::core::selection::Topic;

/// So many of what a task's text says have effects: those that its topic has first.
const DETAILS_MAX: usize = 16;

/// A feature: above the 22 bits of its name's hash stands what class it is of. Small numbers are short in the journal.
pub(in crate::engine::core) type Feature = u32;

/// Classes of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// What is always there.
    Always,
    /// The task's type.
    Kind,
    /// A word, a type of file, a phase, a time pattern.
    Detail,
}

/// The feature that is always there.
pub(super) const ALWAYS: Feature = 0;

/// The class of a feature.
pub(super) const fn class(feature: Feature) -> Class {
    match feature >> NAME_BITS {
        0 => Class::Always,
        1 => Class::Kind,
        _ => Class::Detail,
    }
}

/// The feature of a type of task; `None` for no type.
pub(in crate::engine::core) fn kind(kind: &str) -> Option<Feature> {
    (!kind.is_empty()).then(|| name_number(1, b'k', kind))
}

/// The feature of a type by how long its tasks take; those that bring a command are of another.
pub(in crate::engine::core) fn timed_kind(kind: &str, brings_command: bool) -> Feature {
    name_number(1, if brings_command { b'c' } else { b'k' }, kind)
}

fn detail(prefix: u8, text: &str) -> Feature {
    name_number(2, prefix, text)
}

/// What of a topic effects are kept by: its type first, then what it is about, each once.
pub(in crate::engine::core) fn of(topic: &Topic) -> Vec<Feature> {
    let context = topic.context();
    let mut details: Vec<_> = topic.phase.iter().map(|phase| detail(b'p', phase.as_str())).collect();
    details.extend(context.time_patterns.iter().map(|pattern| detail(b't', pattern.as_str())));
    details.extend(context.file_types.iter().map(|file_type| detail(b'f', file_type)));
    details.extend(context.keywords.iter().map(|stem| detail(b'w', stem)));
    details.truncate(DETAILS_MAX);
    details.sort_unstable();
    details.dedup();
    kind(&topic.kind).into_iter().chain(details).collect()
}

/// The type among what a task is about; [`ALWAYS`] where it has none.
pub(super) fn kind_among(features: &[Feature]) -> Feature {
    features.iter().copied().find(|feature| class(*feature) == Class::Kind).unwrap_or(ALWAYS)
}

/// The feature of an artifact's type.
pub(super) fn artifact(kind: ArtifactType) -> Feature {
    detail(b'a', kind.as_str())
}

/// Whether a feature is of what a task is about, its type apart.
pub(super) const fn is_detail(feature: Feature) -> bool {
    matches!(class(feature), Class::Detail)
}
