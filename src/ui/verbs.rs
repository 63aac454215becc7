//! What the command line can say, so that the palette completes it: nouns, then verbs, then options.
//!
//! The console knows nothing of the command line's own room; whoever starts it hands the tree in.

/// A noun or verb of the command line and what can follow it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verb {
    /// The word.
    pub name: String,
    /// What it does, in a sentence.
    pub help: String,
    /// The words that can follow it; none for a verb that only takes options and values.
    pub verbs: Vec<Self>,
    /// Its own options, with their dashes, and what each does.
    pub options: Vec<(String, String)>,
}

/// No command line at all.
pub fn none() -> &'static Verb {
    static NONE: Verb = Verb { name: String::new(), help: String::new(), verbs: Vec::new(), options: Vec::new() };
    &NONE
}

impl Verb {
    /// The word after this one, if there is such a one.
    pub fn after(&self, word: &str) -> Option<&Self> {
        self.verbs.iter().find(|verb| verb.name == word)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn verb(name: &str, verbs: Vec<Verb>, options: &[&str]) -> Verb {
        let options = options.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        Verb { name: name.to_owned(), help: String::new(), verbs, options }
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
        for line in ["", "ta", "nonsense x", "run -- task ", "task list x"] {
            assert_eq!(lines(line), [""; 0], "{line}");
        }
    }
}
