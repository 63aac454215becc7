//! When a text says that something is done again: `nightly`, `every Monday`, `each 15 minutes`, `twice a day`, and the five
//! fields of crontab(5). Words are English ones, as those of the phases.

use unicode_segmentation::UnicodeSegmentation;

use crate::domain::selection::TimePattern;

/// Words that say it by themselves.
const ADVERBS: &[(&str, TimePattern)] = &[
    ("hourly", TimePattern::Hourly),
    ("daily", TimePattern::Daily),
    ("nightly", TimePattern::Nightly),
    ("overnight", TimePattern::Nightly),
    ("weekly", TimePattern::Weekly),
    ("mondays", TimePattern::Weekly),
    ("tuesdays", TimePattern::Weekly),
    ("wednesdays", TimePattern::Weekly),
    ("thursdays", TimePattern::Weekly),
    ("fridays", TimePattern::Weekly),
    ("saturdays", TimePattern::Weekly),
    ("sundays", TimePattern::Weekly),
    ("weekends", TimePattern::Weekly),
    ("monthly", TimePattern::Monthly),
    ("quarterly", TimePattern::Quarterly),
    ("yearly", TimePattern::Yearly),
    ("annual", TimePattern::Yearly),
    ("annually", TimePattern::Yearly),
];

/// Words that say it after `every`, `each`, `per` or `once a`, of one or of several.
const UNITS: &[(&str, TimePattern)] = &[
    ("minute", TimePattern::Hourly),
    ("hour", TimePattern::Hourly),
    ("day", TimePattern::Daily),
    ("weekday", TimePattern::Daily),
    ("morning", TimePattern::Daily),
    ("noon", TimePattern::Daily),
    ("afternoon", TimePattern::Daily),
    ("evening", TimePattern::Daily),
    ("night", TimePattern::Nightly),
    ("midnight", TimePattern::Nightly),
    ("week", TimePattern::Weekly),
    ("weekend", TimePattern::Weekly),
    ("monday", TimePattern::Weekly),
    ("tuesday", TimePattern::Weekly),
    ("wednesday", TimePattern::Weekly),
    ("thursday", TimePattern::Weekly),
    ("friday", TimePattern::Weekly),
    ("saturday", TimePattern::Weekly),
    ("sunday", TimePattern::Weekly),
    ("month", TimePattern::Monthly),
    ("quarter", TimePattern::Quarterly),
    ("year", TimePattern::Yearly),
];

/// The patterns that a text names, in the order of their definition, each once.
pub(super) fn time_patterns(text: &str) -> Vec<TimePattern> {
    let mut found = crontabs(text);
    let words: Vec<String> = text.unicode_words().map(str::to_lowercase).collect();
    for (place, word) in words.iter().enumerate() {
        found.extend(named(ADVERBS, word));
        if begins(&words[..=place]) {
            // One word may stand between: a number, or `other`.
            found.extend(words[place + 1..].iter().take(2).find_map(|word| unit(word)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether the last of the words begins to say how often.
fn begins(words: &[String]) -> bool {
    match words {
        [.., word] if ["every", "each", "per"].contains(&word.as_str()) => true,
        [.., times, a] if ["a", "an"].contains(&a.as_str()) => ["once", "twice", "times"].contains(&times.as_str()),
        _ => false,
    }
}

fn unit(word: &str) -> Option<TimePattern> {
    named(UNITS, word).or_else(|| named(UNITS, word.strip_suffix('s')?))
}

fn named(list: &[(&str, TimePattern)], word: &str) -> Option<TimePattern> {
    list.iter().find(|(name, _)| *name == word).map(|(_, pattern)| *pattern)
}

/// What the times of crontab(5) in a text come to: five fields beside each other of digits, `*`, `/`, `,` and `-`, where
/// days are bounded by the month or by the week. `2 * 3 * 4` is a product.
fn crontabs(text: &str) -> Vec<TimePattern> {
    let edges = |c: char| matches!(c, '"' | '\'' | '`' | '(' | ')' | ':' | ';');
    let fields: Vec<&str> = text.split_whitespace().map(|field| field.trim_matches(edges)).collect();
    let is_field = |field: &&str| {
        let known = |byte: u8| byte.is_ascii_digit() || b"*/,-".contains(&byte);
        field.starts_with(|c: char| c == '*' || c.is_ascii_digit()) && field.bytes().all(known)
    };
    let mut found = vec![];
    for five in fields.windows(5) {
        let [_, hour, day, month, weekday] = five else { continue };
        let bounded = *weekday == "*" || (*day, *month) == ("*", "*");
        if !five.iter().all(is_field) || !bounded {
            continue;
        }
        found.push(match (hour.parse::<u8>(), *day, *month, *weekday) {
            (Err(_), "*", _, "*") => TimePattern::Hourly,
            (Ok(0..=5 | 22..), "*", _, "*") => TimePattern::Nightly,
            (_, "*", _, "*") => TimePattern::Daily,
            (_, "*", ..) => TimePattern::Weekly,
            (_, _, "*", _) => TimePattern::Monthly,
            _ => TimePattern::Yearly,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_again_is_found_however_it_is_said() {
        use TimePattern::{Daily, Hourly, Monthly, Nightly, Quarterly, Weekly, Yearly};
        let said: &[(&str, &[TimePattern])] = &[
            ("Nightly build", &[Nightly]),
            ("build it every night, then report daily", &[Daily, Nightly]),
            ("check the mirror every 15 minutes", &[Hourly]),
            ("rotate every other day", &[Daily]),
            ("twice a day and once a month", &[Daily, Monthly]),
            ("on Mondays, or each Friday", &[Weekly]),
            ("per quarter; annually", &[Quarterly, Yearly]),
            ("cron: \"0 3 * * *\"", &[Nightly]),
            ("30 14 * * * /bin/report", &[Daily]),
            ("*/5 * * * *", &[Hourly]),
            ("0 9 * * 1-5", &[Weekly]),
            ("0 0 1 * *", &[Monthly]),
            ("0 0 1 1 *", &[Yearly]),
        ];
        for (text, expected) in said {
            assert_eq!(time_patterns(text), *expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        let texts = [
            "",
            "fix the day planner",
            "each file of the week",
            "a night",
            "1 2 3 4 5",
            "2 * 3 * 4",
            "multiply a * b",
            "every single last day",
            "毎日",
        ];
        for text in texts {
            assert_eq!(time_patterns(text), [], "{text}");
        }
    }
}
