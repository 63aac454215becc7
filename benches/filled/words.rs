//! Made-up words.

/// The word of a rank.
pub(crate) fn word(rank: usize) -> String {
    let syllables = ["ka", "lo", "mi", "ru", "te", "so", "na", "vi", "ze", "po", "du", "fa"];
    let (mut text, mut rest) = (String::new(), rank + 144);
    while rest > 0 {
        text.push_str(syllables[rest % 12]);
        rest /= 12;
    }
    text
}
