//! Which messages are alike, so that a thousand failures of one sort are one line.
//!
//! In two steps, after Drain (P. He, J. Zhu, Z. Zheng, M. R. Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth
//! Tree", ICWS 2017). First what is known to differ is masked: numbers, ids, paths, addresses, quotations. Then masked
//! messages of as many words that have most words in common at the same places are one, and the words that differ become
//! `<*>`. How a process ended is not masked and never differs within a group: exit status 127 and exit status 1 are no like
//! failures. As there, words are compared by place only, which is linear in their number.

use std::collections::BTreeMap;

/// The most characters of a message that are looked at: what tells failures apart stands at the beginning.
const CHARS_MAX: usize = 300;

/// The share of words that messages must have in common at the same places; the threshold of similarity that the paper
/// found to do well is 0.3 to 0.6.
const SIMILAR: f64 = 0.6;

/// What stands for words that differ.
const ANYTHING: &str = "<*>";

/// A message with what differs from case to case replaced by what it is: its first line, at most 300 characters of it.
pub fn mask(message: &str) -> String {
    let line: String = message.trim().lines().next().unwrap_or_default().chars().take(CHARS_MAX).collect();
    let mut out = Vec::new();
    let mut quotation: Option<char> = None;
    for word in line.split_whitespace() {
        if let Some(open) = quotation {
            // A quotation of several words is one thing.
            if word.trim_end_matches([',', '.', ';', ':', ')']).ends_with(open) {
                quotation = None;
            }
            continue;
        }
        let bare = word.trim_start_matches('(');
        if let Some(open) = bare.chars().next().filter(|c| matches!(c, '"' | '`' | '\'')) {
            let rest = &bare[1..];
            if rest.trim_end_matches([',', '.', ';', ':', ')']).ends_with(open) && rest.len() > 1 {
                out.push("<text>".to_owned());
                continue;
            }
            // What is never closed is no quotation.
            if !rest.contains(open) && line.matches(open).count().is_multiple_of(2) {
                quotation = Some(open);
                out.push("<text>".to_owned());
                continue;
            }
        }
        out.push(if is_end(&out, word) { word.to_owned() } else { masked(word) });
    }
    out.join(" ")
}

/// Whether a word is the number of an exit status or a signal, after the words before it.
fn is_end(before: &[String], word: &str) -> bool {
    let says = |at: usize, wanted: &str| {
        let said = before.len().checked_sub(at).and_then(|place| before.get(place));
        said.is_some_and(|said| said.trim_matches(|c: char| !c.is_alphanumeric()).eq_ignore_ascii_case(wanted))
    };
    is_plain(word) && (says(1, "signal") || says(1, "status") && says(2, "exit"))
}

/// Whether a word is digits with nothing but punctuation around them. Masked messages have such a word only for an end.
fn is_plain(word: &str) -> bool {
    let core = word.trim_matches(|c: char| c.is_ascii_punctuation());
    !core.is_empty() && core.chars().all(|c| c.is_ascii_digit())
}

/// A word with its punctuation, masked where it is something that differs.
fn masked(word: &str) -> String {
    let edge =
        |c: char| matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | ':' | '.' | '"' | '\'' | '!' | '?');
    let core = word.trim_matches(edge);
    let Some(at) = word.find(core).filter(|_| !core.is_empty()) else { return word.to_owned() };
    let (before, after) = (&word[..at], &word[at + core.len()..]);
    // `name=value` differs in its value.
    let kind = match core.split_once('=') {
        Some((name, value)) if is_name(name) && !value.is_empty() => match kind(value) {
            Some(kind) => format!("{name}={kind}"),
            None => core.to_owned(),
        },
        _ => kind(core).map_or_else(|| core.to_owned(), str::to_owned),
    };
    format!("{before}{kind}{after}")
}

/// Whether something is called so: an address with a question in it is not.
fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// What sort of thing a word is that differs from case to case.
fn kind(word: &str) -> Option<&'static str> {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let hexadecimal = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_hexdigit());
    if word.contains("://") {
        return Some("<address>");
    }
    if word.contains('/') && word.len() > 1 {
        return Some("<path>");
    }
    if word.len() == 36 && word.split('-').count() == 5 && word.split('-').all(hexadecimal) {
        return Some("<id>");
    }
    if word.strip_prefix("0x").is_some_and(hexadecimal) || (word.len() >= 7 && digits > 0 && hexadecimal(word)) {
        return Some(if word.chars().all(|c| c.is_ascii_digit()) { "<number>" } else { "<id>" });
    }
    // With a unit or in parts too: 12s, 4.5GiB, 10%, -3, 2026-01-31, 10:22:01, $5.
    let numeral = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | ':' | '%' | '$' | '_');
    let start = word.trim_start_matches(['-', '+', '$', '#', '~']);
    if start.starts_with(|c: char| c.is_ascii_digit()) {
        let unit = start.trim_start_matches(numeral);
        let unit = unit.trim_end_matches(numeral);
        if unit.chars().count() <= 4 || digits * 2 >= word.len() {
            return Some("<number>");
        }
    }
    // Names with a number in them: worker-12, part_7.
    (digits > 0).then_some("<name>")
}

/// Whether two masked messages are of one sort.
fn alike(one: &[String], other: &[String]) -> bool {
    if one.len() != other.len() || one.is_empty() {
        return false;
    }
    if one.iter().zip(other).any(|(a, b)| a != b && (is_plain(a) || is_plain(b))) {
        return false;
    }
    let same = one.iter().zip(other).filter(|(a, b)| a == b).count();
    // What begins otherwise says something else, as the first level of the paper's tree has it.
    one[0] == other[0] && same as f64 >= SIMILAR * one.len() as f64
}

/// Groups of messages.
#[derive(Debug, Default)]
pub struct Groups {
    patterns: Vec<Vec<String>>,
    /// Masked messages that have been seen, with their groups.
    known: BTreeMap<String, usize>,
    /// Groups by the number of their words and the first.
    places: BTreeMap<(usize, String), Vec<usize>>,
}

impl Groups {
    /// The number of the group that a message belongs to; a new one if it is like none before.
    pub fn place(&mut self, message: &str) -> usize {
        let masked = mask(message);
        if let Some(place) = self.known.get(&masked) {
            return *place;
        }
        let words: Vec<String> = masked.split(' ').map(str::to_owned).collect();
        let candidates = self.places.entry((words.len(), words[0].clone())).or_default();
        let found = candidates.iter().copied().find(|place| alike(&self.patterns[*place], &words));
        let place = found.unwrap_or_else(|| {
            candidates.push(self.patterns.len());
            self.patterns.push(words.clone());
            self.patterns.len() - 1
        });
        for (known, word) in self.patterns[place].iter_mut().zip(words) {
            if *known != word {
                ANYTHING.clone_into(known);
            }
        }
        self.known.insert(masked, place);
        place
    }

    /// What the messages of a group have in common.
    pub fn pattern(&self, place: usize) -> String {
        self.patterns.get(place).map(|words| words.join(" ")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_from_case_to_case_is_masked() {
        for (message, masked) in [
            ("exit status 2: no rule to make target", "exit status 2: no rule to make target"),
            ("ended by signal 9 after 12 s", "ended by signal 9 after <number> s"),
            ("status 404 and no exit status, but 3", "status <number> and no exit status, but <number>"),
            ("cannot open /srv/data/a.txt, errno 13", "cannot open <path>, errno <number>"),
            (
                "task 0195eeee-0000-7000-8000-00000000beef took 12.5s (limit 10s)",
                "task <id> took <number> (limit <number>)",
            ),
            ("GET https://x.y:80/z?q=1 said 503", "GET <address> said <number>"),
            ("key \"a b c\" is missing", "key <text> is missing"),
            ("retry=3 of worker-12 failed", "retry=<number> of <name> failed"),
            ("it's broken", "it's broken"),
            ("commit deadbeef01 is gone\nand more", "commit <id> is gone"),
            ("", ""),
        ] {
            assert_eq!(mask(message), masked, "{message}");
        }
    }

    #[test]
    fn messages_that_differ_in_few_words_are_one_and_others_are_not() {
        let mut groups = Groups::default();
        let one = groups.place("user alice has no permission to write");
        assert_eq!(groups.place("user bob has no permission to write"), one);
        assert_eq!(groups.pattern(one), "user <*> has no permission to write");
        // As many words and the same first one are not enough.
        let other = groups.place("user quota exceeded on disk four today");
        assert_ne!(other, one);
        assert_ne!(groups.place("connection refused"), groups.place("connection reset"), "half is not enough");
        assert_ne!(groups.place("write failed: no space left"), groups.place("read failed: no space left"));
        // What was said before belongs where it belonged, also after its pattern has changed.
        assert_eq!(groups.place("user alice has no permission to write"), one);
    }

    #[test]
    fn ends_that_differ_are_apart() {
        let mut groups = Groups::default();
        let one = groups.place("exit status 1");
        assert_ne!(groups.place("exit status 127"), one);
        assert_eq!((groups.place("exit status 1"), groups.pattern(one)), (one, "exit status 1".to_owned()));
        let one = groups.place("exit status 1; step 3 of the long build went wrong");
        assert_ne!(groups.place("exit status 2; step 3 of the long build went wrong"), one);
        assert_eq!(groups.place("exit status 1; step 9 of the long build went wrong"), one);
        assert_eq!(groups.pattern(one), "exit status 1; step <number> of the long build went wrong");
        assert_ne!(groups.place("ended by signal 9"), groups.place("ended by signal 11"));
    }

    proptest! {
        #[test]
        fn any_message_has_one_group_whatever_came_before(messages in prop::collection::vec(".{0,80}", 0..20)) {
            let mut groups = Groups::default();
            let places: Vec<_> = messages.iter().map(|message| groups.place(message)).collect();
            let again: Vec<_> = messages.iter().map(|message| groups.place(message)).collect();
            prop_assert_eq!(places, again);
        }
    }
}
