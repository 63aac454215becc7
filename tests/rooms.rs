//! House rules that the compiler does not hold: which room may know which, and what must never enter the engine's core.
//!
//! Read from the source's text, which is enough: a rule is broken by a name that stands there.

// A test that cannot read the sources has to fail, and helpers of tests are not seen as tests by the lint.
#![allow(clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room may name. Paths are under `src/`; the longest that fits a file counts.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("domain", &["domain"]),
    ("engine/core", &["domain", "engine::core"]),
    ("store", &["domain", "store"]),
    ("engine", &["domain", "store", "engine"]),
    ("worker", &["domain", "worker"]),
    // The client has to live with the first two; only the server may know the others.
    ("api/client", &["domain", "api"]),
    ("api", &["domain", "api", "engine", "store"]),
    ("ui", &["domain", "api", "ui"]),
    // `simulate`, `evaluate` and `bench` drive the core and the store by themselves, which is their purpose.
    ("cli", &["domain", "api", "cli", "engine", "store", "worker", "ui"]),
];

/// The rooms.
const ROOMS: [&str; 7] = ["domain", "store", "engine", "worker", "api", "ui", "cli"];

/// What has no place in the core, and why.
const BANNED_IN_CORE: &[(&str, &str)] = &[
    ("std::time", "time is an argument"),
    ("SystemTime", "time is an argument"),
    ("Instant::", "time is an argument"),
    ("std::fs", "the core does no I/O"),
    ("std::io", "the core does no I/O"),
    ("std::net", "the core does no I/O"),
    ("std::process", "the core starts nothing"),
    ("std::thread", "the core is one thread's"),
    ("std::env", "what decides must stand in the journal"),
    ("tokio", "the core never waits"),
    ("rusqlite", "the core remembers nothing by itself"),
    ("tracing", "the core says what it has to say in events"),
    ("rand", "draws come from `draw`"),
    ("RandomState", "maps must iterate in a fixed order"),
    ("HashSet", "maps must iterate in a fixed order; use BTreeSet"),
    ("HashMap", "maps must iterate in a fixed order; use BTreeMap, or IdMap of `slab`, which cannot be iterated"),
    ("println!", "the core says what it has to say in events"),
    ("eprintln!", "the core says what it has to say in events"),
    ("unsafe ", "only the worker may"),
];

/// The one file of the core that may name a hash map: it wraps one so that it cannot be iterated.
const HASH_MAP_WRAPPER: &str = "engine/core/slab.rs";

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its path under `src/` and its text without comments.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![];
    sources(&root, &mut found);
    assert!(found.len() > 20, "the sources are where they are looked for");
    found.sort();
    let code = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("the file can be read");
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    let name = |path: &PathBuf| path.strip_prefix(&root).expect("under src").to_string_lossy().into_owned();
    found.iter().map(|path| (name(path), code(path))).collect()
}

/// Whether `text` names `word` as a whole word or path.
fn names(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inside) && (!after.is_some_and(inside) || !word.ends_with(inside))
    })
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("/tests.rs")
}

#[test]
fn rooms_know_only_what_they_may() {
    let mut broken = vec![];
    for (name, text) in files() {
        let Some((_, allowed)) = MAY_KNOW
            .iter()
            .filter(|(room, _)| name.starts_with(&format!("{room}/")) || name == format!("{room}.rs"))
            .max_by_key(|(room, _)| room.len())
        else {
            continue;
        };
        for room in ROOMS {
            let path = format!("crate::{room}");
            let may = allowed.contains(&room)
                || (room == "engine" && allowed.contains(&"engine::core") && !names_engine_beyond_core(&text));
            if names(&text, &path) && !may {
                broken.push(format!("src/{name} names {path}"));
            }
        }
    }
    assert!(broken.is_empty(), "an arrow between rooms points the wrong way:\n{}", broken.join("\n"));
}

/// Whether a file of the core names something of the engine that is not the core's.
fn names_engine_beyond_core(text: &str) -> bool {
    text.match_indices("crate::engine").any(|(at, word)| !text[at + word.len()..].starts_with("::core"))
}

#[test]
fn nothing_enters_the_core_that_would_make_it_undecided() {
    let mut broken = vec![];
    for (name, text) in files().into_iter().filter(|(name, _)| name.starts_with("engine/core/") && !is_test(name)) {
        for (word, why) in BANNED_IN_CORE {
            let wrapped = *word == "HashMap" && name == HASH_MAP_WRAPPER;
            if names(&text, word) && !wrapped {
                broken.push(format!("src/{name} names {word}: {why}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_wrapped_hash_map_cannot_be_iterated() {
    let (_, text) = files().into_iter().find(|(name, _)| name == HASH_MAP_WRAPPER).expect("the wrapper is there");
    for call in [".map.iter", ".map.keys", ".map.values", ".map.drain", ".map.retain", ".map.into_iter", "in &self.map"]
    {
        assert!(!text.contains(call), "src/{HASH_MAP_WRAPPER} iterates its map: {call}");
    }
}

#[test]
fn the_rule_reader_sees_what_it_should() {
    assert!(names("use crate::store::Store;", "crate::store"));
    assert!(names("use std::time::Instant;", "std::time"));
    assert!(!names("operands", "rand"));
    assert!(names("let x = rand::random();", "rand"));
    assert!(names_engine_beyond_core("use crate::engine::clock;"));
    assert!(!names_engine_beyond_core("use crate::engine::core::Core;"));
}

#[test]
fn the_console_never_names_the_server() {
    for (name, text) in files().iter().filter(|(name, _)| name.starts_with("ui/")) {
        assert!(
            !text.contains("api::server"),
            "src/{name} names api::server; whatever the console shows comes over the socket"
        );
    }
}
