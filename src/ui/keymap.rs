//! Keys to actions, in data: the table that the binary carries, patched by the user's.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;

use super::action::{self, Action, Scope};
use super::key::Key;

/// The table that the binary carries.
const DEFAULT: &str = include_str!("keymap.toml");

/// A file as TOML sees it: section, action, keys, each with its place.
type Table = BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<Vec<Spanned<String>>>>>;

/// One key in one place.
#[derive(Clone, Copy)]
pub struct Binding {
    /// Where.
    pub scope: Scope,
    /// Which key.
    pub key: Key,
    /// What it does.
    pub action: &'static Action,
    /// Its place in the table, by which help and hints are ordered.
    order: usize,
}

/// Keys to actions.
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// The binary's own keys.
    pub fn built_in() -> Self {
        let mut keymap = Self { bindings: Vec::new() };
        keymap.patch(DEFAULT, "the built-in keymap");
        keymap
    }

    /// The binary's own keys, patched by `file` if it is there; and what is wrong with that file, a line each. Lines
    /// that are wrong change nothing; the others hold.
    pub fn load(file: &Path) -> (Self, Vec<String>) {
        let mut keymap = Self::built_in();
        let problems = match std::fs::read_to_string(file) {
            Ok(text) => keymap.patch(&text, &file.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => vec![format!("{}: {error}", file.display())],
        };
        (keymap, problems)
    }

    /// What `key` does in the first of `scopes` that knows it.
    pub fn find(&self, scopes: &[Scope], key: Key) -> Option<&'static Action> {
        scopes.iter().find_map(|scope| {
            let found = self.bindings.iter().find(|binding| binding.scope == *scope && binding.key == key);
            found.map(|binding| binding.action)
        })
    }

    /// What can be pressed in `scopes`, each action once, with the first of its keys that no earlier scope hides.
    pub fn in_scopes(&self, scopes: &[Scope]) -> Vec<Binding> {
        let mut out: Vec<Binding> = Vec::new();
        for (depth, scope) in scopes.iter().enumerate() {
            for binding in self.bindings.iter().filter(|binding| binding.scope == *scope) {
                let hidden = self.find(&scopes[..depth], binding.key).is_some();
                if !hidden && !out.iter().any(|known| known.action.name == binding.action.name) {
                    out.push(*binding);
                }
            }
        }
        out
    }

    /// Every binding, section by section.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Replaces the keys of every action that `text` names; says what is wrong, with the line.
    fn patch(&mut self, text: &str, file: &str) -> Vec<String> {
        let line = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let table: Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => return vec![format!("{file}: {}", error.to_string().trim())],
        };
        let mut problems = Vec::new();
        for (section, entries) in &table {
            let Some(scope) = Scope::ALL.iter().copied().find(|scope| scope.as_str() == section.as_ref()) else {
                let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                let (at, name) = (line(section.span().start), section.as_ref());
                problems.push(format!("{file}:{at}: there is no place {name:?}; there are {}", known.join(", ")));
                continue;
            };
            for (name, keys) in entries {
                let Some(action) = action::named(name.as_ref()) else {
                    let near = action::ALL.iter().min_by_key(|known| strsim::levenshtein(known.name, name.as_ref()));
                    let near = near.map(|near| format!("; did you mean {}?", near.name)).unwrap_or_default();
                    let at = line(name.span().start);
                    problems.push(format!("{file}:{at}: there is no action {:?}{near}", name.as_ref()));
                    continue;
                };
                let mut parsed = Vec::new();
                for key in keys.as_ref() {
                    match key.as_ref().parse::<Key>() {
                        Ok(key_value) => parsed.push((key_value, line(key.span().start))),
                        Err(message) => problems.push(format!("{file}:{}: {message}", line(key.span().start))),
                    }
                }
                // An action whose keys were all wrong keeps those that it had.
                if parsed.is_empty() && !keys.as_ref().is_empty() {
                    continue;
                }
                let here = |binding: &Binding| binding.scope == scope && binding.action.name == action.name;
                // An action whose keys are changed keeps its place among the others.
                let order =
                    self.bindings.iter().find(|binding| here(binding)).map_or(name.span().start, |known| known.order);
                self.bindings.retain(|binding| !here(binding));
                for (key, at) in parsed {
                    let taken = self.bindings.iter().find(|binding| binding.scope == scope && binding.key == key);
                    if let Some(taken) = taken {
                        let (name, other) = (action.name, taken.action.name);
                        let place = scope.as_str();
                        problems.push(format!("{file}:{at}: {key} does {other} in [{place}] already, so not {name}"));
                        continue;
                    }
                    self.bindings.push(Binding { scope, key, action, order });
                }
            }
        }
        self.bindings.sort_by_key(|binding| (binding.scope, binding.order));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_without_fault_and_reaches_every_action() {
        let mut keymap = Keymap { bindings: Vec::new() };
        assert_eq!(keymap.patch(DEFAULT, "default"), Vec::<String>::new());
        // Two actions of one name could not be told apart in the keymap and in the palette.
        let mut names: Vec<&str> = action::ALL.iter().map(|action| action.name).collect();
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
        // What terminals, tmux and screen take for themselves stays theirs.
        for binding in &keymap.bindings {
            let written = binding.key.to_string();
            let theirs = ["a", "b", "g", "p", "t", "n", "h", "o", "q", "s", "z", "\\"];
            assert!(!theirs.iter().any(|key| written == format!("ctrl-{key}")), "{written} is taken by others");
        }
    }

    #[test]
    fn a_users_table_replaces_and_reports_with_the_line() {
        let mut keymap = Keymap::built_in();
        let problems = keymap.patch(
            "[global]\nquit = [\"ctrl-x\"]\nhlep = [\"h\"]\nundo = [\"hyper\"]\nredo = [\"?\"]\n[nowhere]\n",
            "keys.toml",
        );
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(
            problems.iter().any(|problem| problem.contains("keys.toml:3") && problem.contains("did you mean help?"))
        );
        assert!(problems.iter().any(|problem| problem.contains("keys.toml:4") && problem.contains("hyper")));
        assert!(problems.iter().any(|problem| problem.contains("keys.toml:5") && problem.contains("does help")));
        assert!(problems.iter().any(|problem| problem.contains("keys.toml:6") && problem.contains("nowhere")));
        assert_eq!(keymap.find(&[Scope::Global], "ctrl-x".parse().unwrap()).unwrap().name, "quit");
        assert!(keymap.find(&[Scope::Global], "q".parse().unwrap()).is_none());
        assert_eq!(keymap.find(&[Scope::Global], "z".parse().unwrap()).unwrap().name, "undo");
    }
}
