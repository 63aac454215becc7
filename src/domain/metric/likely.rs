//! Which metric somebody may have meant by a name that there is none of.

use crate::domain::refusal::Refusal;

/// So many letters of a word tell which is meant.
const SHORT: usize = 3;

/// The refusal of a metric that there is not, with the one of `names` that was likely meant, or else another hint.
///
/// Names of metrics are long and made of words: whoever slips in one word, or leaves out the last, is nearer by edits to some
/// shorter name than to the one that was meant. So words are compared first, and whole names only where that finds nothing.
pub fn unknown<'a>(name: &str, names: impl IntoIterator<Item = &'a str>, otherwise: &str) -> Refusal {
    let names: Vec<&str> = names.into_iter().collect();
    let refusal = Refusal::not_found("metric", name);
    match by_words(name, &names).or_else(|| by_letters(name, &names)) {
        Some(near) => refusal.hint(format!("did you mean \"{near}\"?")),
        None => refusal.hint(otherwise),
    }
}

/// What nearly all names begin with: that it is the same makes no two names alike.
const COMMON: &str = "menagerie_";

/// The name with the fewest edits, if they are few for what tells it and the one that was typed from others.
fn by_letters<'a>(typed: &str, names: &[&'a str]) -> Option<&'a str> {
    let telling = |name: &str| name.strip_prefix(COMMON).unwrap_or(name).len();
    let judge = |name: &&'a str| {
        let edits = strsim::damerau_levenshtein(&typed.to_lowercase(), &name.to_lowercase());
        (edits <= 1.max(telling(typed).min(telling(name)) / 3) && edits < telling(typed)).then_some((edits, *name))
    };
    (typed.len() <= super::NAME_BYTES).then(|| names.iter().filter_map(judge).min())?.map(|(_, name)| name)
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split('_').filter(|word| !word.is_empty() && *word != "menagerie")
}

/// How far a word that was typed is from one that there is: its edits; one that was cut short is one away.
fn apart(typed: &str, known: &str) -> usize {
    match strsim::damerau_levenshtein(typed, known) {
        edits if edits > 1 && typed.len() >= SHORT && known.starts_with(typed) => 1,
        edits => edits,
    }
}

/// The name that has a word near each of those that were typed: the one with the fewest edits, of several the shortest.
fn by_words<'a>(typed: &str, names: &[&'a str]) -> Option<&'a str> {
    if typed.len() > super::NAME_BYTES || words(typed).next().is_none() {
        return None;
    }
    let judge = |name: &&'a str| {
        let mut edits = 0;
        for word in words(typed) {
            let near = words(name).map(|known| apart(word, known)).min()?;
            if near > word.len() / 3 {
                return None;
            }
            edits += near;
        }
        Some((edits, words(name).count(), *name))
    };
    names.iter().filter_map(judge).min().map(|(.., name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_words_left_out_lead_to_what_was_meant() {
        let names = [
            "menagerie_gpu_up",
            "menagerie_node_cpu_usage_ratio",
            "menagerie_cage_memory_used_bytes",
            "menagerie_cage_memory_peak_bytes",
            "menagerie_queue_wait_seconds",
            "menagerie_tasks",
        ];
        for (typed, meant) in [
            ("menagerie_nod_cpu", "menagerie_node_cpu_usage_ratio"),
            ("cage_memory_use", "menagerie_cage_memory_used_bytes"),
            ("cage_mem_peak", "menagerie_cage_memory_peak_bytes"),
            ("menagerie_cage_peak_memory", "menagerie_cage_memory_peak_bytes"),
            ("menagerie_queue_wait_second", "menagerie_queue_wait_seconds"),
            ("menagerie_task", "menagerie_tasks"),
            ("menageri_gpu_up", "menagerie_gpu_up"),
        ] {
            let said = unknown(typed, names, "See the list").to_string();
            assert!(said.contains(&format!("did you mean \"{meant}\"")), "{typed}: {said}");
        }
        let long = "menagerie_".repeat(50);
        for typed in ["", "_", "x", "wholly_other", "menagerie_foo", "menagerie_nonsense", &long] {
            assert!(unknown(typed, names, "See the list").to_string().ends_with("See the list"), "{typed}");
        }
    }
}
