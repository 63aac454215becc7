//! When a word is found in a text.

/// How much longer than a word the stretch of text may be over which its letters are spread.
const SPREAD: usize = 3;

/// How many blanks may stand among the spread letters of a word.
const BLANKS: u32 = 1;

/// Words up to this many letters have to occur as they are: so few letters, spread, are in almost every text.
const PLAIN_LETTERS: usize = 3;

/// Something to look for in texts, whatever the case of letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle {
    /// In lower case.
    letters: String,
    /// Whether letters may be spread.
    fuzzy: bool,
}

impl Needle {
    /// A word that is also found when its letters stand in order within a stretch of three times its length, with one
    /// blank between them at most: `bldlog` is found in `build.log`, `crgbld` in `cargo build`. A word of up to three letters has to occur as it is.
    pub fn fuzzy(word: &str) -> Self {
        let letters = word.to_lowercase();
        let fuzzy = letters.chars().count() > PLAIN_LETTERS;
        Self { letters, fuzzy }
    }

    /// A phrase that has to occur as it is.
    pub fn plain(phrase: &str) -> Self {
        Self { letters: phrase.to_lowercase(), fuzzy: false }
    }

    /// What is looked for, in lower case, and whether its letters may be spread.
    pub fn parts(&self) -> (&str, bool) {
        (&self.letters, self.fuzzy)
    }

    /// Whether it is in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        is_in(&self.letters, self.fuzzy, text)
    }
}

/// Whether `letters`, which are in lower case, are in `text`; see [`Needle`].
pub fn is_in(letters: &str, fuzzy: bool, text: &str) -> bool {
    if text.is_ascii() && letters.is_ascii() {
        // Nearly every text; nothing has to be copied.
        let (letters, text) = (letters.as_bytes(), text.as_bytes());
        return spread((letters, b' '), if fuzzy { SPREAD } else { 1 }, text.len(), |at| text[at].to_ascii_lowercase());
    }
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let letters: Vec<char> = letters.chars().collect();
    spread((&letters, ' '), if fuzzy { SPREAD } else { 1 }, text.len(), |at| text[at])
}

/// Whether all of `letters` stand in order within some stretch of `factor` times their number. With a factor of one that
/// is the same as standing side by side; with more, one `blank` may stand between them: spread over three words of a
/// sentence nearly every few letters would be found, and nobody would see why.
fn spread<T: PartialEq + Copy>(
    (letters, blank): (&[T], T),
    factor: usize,
    length: usize,
    at: impl Fn(usize) -> T,
) -> bool {
    let Some(first) = letters.first() else { return true };
    let stretch = letters.len().saturating_mul(factor);
    for start in 0..(length + 1).saturating_sub(letters.len()) {
        if at(start) != *first {
            continue;
        }
        // From a given start, taking each letter as soon as it comes gives the shortest stretch.
        let end = length.min(start.saturating_add(stretch));
        let mut wanted = letters.iter().skip(1);
        let (mut next, mut blanks) = (wanted.next(), 0);
        for place in start + 1..end {
            match next {
                Some(letter) if at(place) == *letter => next = wanted.next(),
                Some(_) if factor == 1 => break,
                Some(_) if at(place) == blank => {
                    blanks += 1;
                    if blanks > BLANKS {
                        break;
                    }
                }
                Some(_) => {}
                None => break,
            }
        }
        if next.is_none() {
            return true;
        }
    }
    false
}
