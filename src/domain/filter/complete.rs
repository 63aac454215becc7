//! What could come next while somebody types a filter.

use super::{Kind, Table, Thing};

/// What may stand in place of the last term of `text`, whole terms each, the likeliest first; empty when nothing fits.
pub fn complete(table: &Table, text: &str) -> Vec<String> {
    let term = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    let (sign, term) = term.strip_prefix('-').map_or(("", term), |rest| ("-", rest));
    let Some((name, values)) = term.split_once(':') else {
        let begins = |name: &&str| name.starts_with(&term.to_lowercase());
        return table.names().into_iter().filter(begins).map(|name| format!("{sign}{name}:")).collect();
    };
    let Some(field) = table.field(&name.to_lowercase()) else { return vec![] };
    let (before, last) = values.rsplit_once(',').map_or(("", values), |(before, last)| (before, last));
    let comma = if before.is_empty() { "" } else { "," };
    let mut choices: Vec<&str> = match field.kind {
        Kind::Word(words) => (words.all)().into_iter().chain(words.also.iter().map(|(word, _)| *word)).collect(),
        Kind::Flag => vec!["yes", "no"],
        Kind::Named(Thing::User) => vec!["me"],
        _ => vec![],
    };
    if field.optional {
        choices.push("none");
    }
    let fits = |choice: &&str| choice.starts_with(&last.to_lowercase()) && *choice != last;
    choices.into_iter().filter(fits).map(|choice| format!("{sign}{name}:{before}{comma}{choice}")).collect()
}
