//! What the command line can say, so that the palette completes it: nouns, then verbs, then options.
//!
//! The console knows nothing of the command line's own room; whoever starts it hands the tree in.

use crate::domain::refusal;

/// A noun or verb of the command line and what can follow it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verb {
    /// The word.
    pub name: String,
    /// Other words for it.
    pub also: Vec<String>,
    /// What it does, in a sentence.
    pub help: String,
    /// The words that can follow it; none for a verb that only takes options and values.
    pub verbs: Vec<Self>,
    /// Its own options, with their dashes, and what each does.
    pub options: Vec<(String, String)>,
}

/// No command line at all.
pub fn none() -> &'static Verb {
    static NONE: Verb =
        Verb { name: String::new(), also: Vec::new(), help: String::new(), verbs: Vec::new(), options: Vec::new() };
    &NONE
}

impl Verb {
    /// The word after this one, if there is such a one.
    pub fn after(&self, word: &str) -> Option<&Self> {
        self.verbs.iter().find(|verb| verb.name == word || verb.also.iter().any(|also| also == word))
    }

    /// What is wrong with a line that goes on with a word that is no noun or verb at its place, with the nearest of those
    /// that are; `None` where nothing is known to be wrong.
    pub fn unknown(&self, line: &str) -> Option<String> {
        let mut here = self;
        for word in line.split_whitespace().skip_while(|word| *word == "menagerie") {
            // What follows are options and values, which only the command line itself can judge; it answers `help` by itself.
            if here.verbs.is_empty() || word.starts_with('-') || word == "help" {
                return None;
            }
            let Some(verb) = here.after(word) else {
                let names = || here.verbs.iter().map(|verb| verb.name.as_str());
                let first = std::ptr::eq(here, self);
                let nearest = match near(word, names()) {
                    words if !words.is_empty() => format!("; did you mean {words}?"),
                    _ if first => String::new(),
                    _ => format!("; there are {}", names().collect::<Vec<_>>().join(", ")),
                };
                let whose = if first { "the command line" } else { &here.name };
                return Some(format!("{whose} has no verb {word:?}{nearest}"));
            };
            here = verb;
        }
        None
    }

    /// Every line that `line` can become by one more word, the last word of it being unfinished, and what that word does.
    /// None while the first word is unfinished or is none of the command line's.
    pub fn completions(&self, line: &str) -> Vec<(String, String)> {
        let start = line.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
        let (before, unfinished) = line.split_at(start);
        let mut words = before.split_whitespace().skip_while(|word| *word == "menagerie").peekable();
        let mut here = self;
        if words.peek().is_none_or(|word| self.after(word).is_none()) {
            return Vec::new();
        }
        for word in words {
            match here.after(word) {
                Some(verb) => here = verb,
                // What follows is a command of somebody else's.
                None if word == "--" => return Vec::new(),
                None => {}
            }
        }
        let verbs = here.verbs.iter().map(|verb| (&verb.name, &verb.help));
        let options = here.options.iter().map(|(name, help)| (name, help));
        let fitting = verbs.chain(options).filter(|(name, _)| name.starts_with(unfinished));
        fitting.map(|(name, help)| (format!("{before}{name} "), help.clone())).collect()
    }
}

/// The most names that are proposed for one that does not exist.
const NEAR_MAX: usize = 3;

/// The names nearest to a word that is none of them, as a sentence has them; empty when none is near.
pub fn near<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    let mut near = Vec::new();
    while near.len() < NEAR_MAX
        && let Some(name) = refusal::nearest(word, names.iter().copied())
    {
        names.retain(|other| *other != name);
        near.push(name);
    }
    near.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verb(name: &str, verbs: Vec<Verb>, options: &[&str]) -> Verb {
        let options = options.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        Verb { name: name.to_owned(), also: vec![], help: String::new(), verbs, options }
    }

    #[test]
    fn nouns_then_verbs_then_options_and_nothing_of_a_command_of_somebody_elses() {
        let task = verb("task", vec![verb("list", vec![], &["--status", "--sort"]), verb("logs", vec![], &[])], &[]);
        let root = verb("menagerie", vec![task, verb("run", vec![], &["--wait"])], &[]);
        let lines = |line: &str| root.completions(line).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines("task l"), ["task list ", "task logs "]);
        assert_eq!(lines("menagerie task lo"), ["menagerie task logs "]);
        assert_eq!(lines("task list --st"), ["task list --status "]);
        assert_eq!(lines("task list -s failed "), ["task list -s failed --status ", "task list -s failed --sort "]);
        for (line, wrong) in [
            ("task lits", "task has no verb \"lits\"; did you mean list?"),
            ("menagerie task failed 3", "task has no verb \"failed\"; there are list, logs"),
            ("taks list", "the command line has no verb \"taks\"; did you mean task?"),
            ("agents glutton", "the command line has no verb \"agents\""),
        ] {
            assert_eq!(root.unknown(line).as_deref(), Some(wrong));
        }
        for line in ["task list failed", "run -- nonsense", "task --filter x", "help task", "task"] {
            assert_eq!(root.unknown(line), None, "{line}");
        }
        for line in ["", "ta", "nonsense x", "run -- task ", "task list x"] {
            assert_eq!(lines(line), [""; 0], "{line}");
        }
    }
}
