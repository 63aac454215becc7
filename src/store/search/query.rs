//! Looking words up in the index.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use crate::domain::search::{Found, Hit, Piece, SearchNoun};
use crate::domain::{Refusal, Timestamp};
use crate::store::error::{Doing, Error};
use crate::store::journal::{integer, read_head};
use crate::store::reader::Reader;

/// The most words of a search.
const WORDS_MAX: usize = 32;
/// Marks around what was found; texts in the index have no control characters.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';
/// So many words around what was found are shown.
const AROUND: usize = 16;
/// So many of each noun are ranked, the newest that match.
const CANDIDATES: usize = 500;
/// What it counts for that something is an agent: they are few, and work that has the same words is much.
const AGENT: f64 = 1.0;
/// At most so many agents are offered whose names are only similar.
const SIMILAR_MAX: usize = 20;
/// What a hit in a title counts for, in hits in a text.
const TITLE: f64 = 8.0;

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub struct SearchQuery {
    /// Words, and phrases in quotation marks.
    pub text: String,
    /// Only these; none for all.
    pub nouns: Vec<SearchNoun>,
    /// At most so many.
    pub limit: usize,
}

/// Finds what has all of the words, each perhaps cut short; then agents whose names are only like a word.
pub fn search(data_dir: &Path, reader: &Reader, query: &SearchQuery) -> Result<Found, Error> {
    let words = words(&query.text)?;
    let head = read_head(reader.connection())?.seq;
    let path = super::database(data_dir);
    if !path.exists() {
        return Ok(Found { items: vec![], behind: head });
    }
    let doing = "searching";
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).doing(doing)?;
    connection.execute_batch("PRAGMA query_only = ON;").doing(doing)?;
    let state = connection.query_row("SELECT seq FROM state", [], |row| row.get::<_, i64>(0));
    // An index that is being made has nothing yet.
    let Ok(seq) = state else { return Ok(Found { items: vec![], behind: head }) };
    let mut items = matching(&connection, &words, query)?;
    if items.len() < query.limit && (query.nouns.is_empty() || query.nouns.contains(&SearchNoun::Agent)) {
        let more = query.limit - items.len();
        let similar = similar(&connection, &words, &items)?;
        items.extend(similar.into_iter().take(more));
    }
    for hit in items.iter_mut().filter(|hit| hit.noun == SearchNoun::Event) {
        hit.alert = is_alert(reader, hit.record)?;
    }
    Ok(Found { items, behind: head.saturating_sub(seq.unsigned_abs()) })
}

/// Whether a record of the journal is of an alert.
fn is_alert(reader: &Reader, record: u64) -> Result<bool, Error> {
    let mut kind = reader.connection().prepare_cached("SELECT kind FROM journal WHERE seq = ?").doing("searching")?;
    let kind: Option<String> = kind.query_row([integer(record)], |row| row.get(0)).optional().doing("searching")?;
    Ok(kind.as_deref() == Some("alert_raised"))
}

/// A word or a phrase.
struct Word {
    text: String,
    whole: bool,
}

/// The words of a search; what has no letter or digit finds nothing and is left out.
fn words(text: &str) -> Result<Vec<Word>, Refusal> {
    let mut words = vec![];
    for (place, part) in text.split('"').enumerate() {
        let quoted = place % 2 == 1;
        if quoted {
            words.push(Word { text: part.to_owned(), whole: true });
        } else {
            words.extend(part.split_whitespace().map(|word| Word { text: word.to_owned(), whole: false }));
        }
    }
    words.retain(|word| word.text.chars().any(char::is_alphanumeric));
    if words.is_empty() {
        return Err(Refusal::invalid("q", text, "at least one word").hint("menagerie search parser"));
    }
    if words.len() > WORDS_MAX {
        return Err(Refusal::invalid("q", format!("{} words", words.len()), format!("at most {WORDS_MAX}")));
    }
    Ok(words)
}

/// What has all the words, the best first.
///
/// Of each noun the newest [`CANDIDATES`] are ranked. Ranking all that match, as `bm25` of FTS5 does, costs seconds where a
/// million tasks have a word, and weighs words by their rarity, which says little where everything has all of them.
fn matching(connection: &Connection, words: &[Word], query: &SearchQuery) -> Result<Vec<Hit>, Error> {
    let term = |word: &Word| {
        let cut = if word.whole { "" } else { "*" };
        // Within quotation marks everything but the mark itself stands for itself.
        format!("\"{}\"{cut}", word.text.replace(['"', '\0'], " "))
    };
    let terms = words.iter().map(term).collect::<Vec<_>>().join(" ");
    let name = words.iter().map(|word| word.text.to_lowercase()).collect::<Vec<_>>().join(" ");
    let mut found: Vec<(f64, i64, Hit)> = vec![];
    for noun in SearchNoun::ALL.iter().filter(|noun| query.nouns.is_empty() || query.nouns.contains(noun)) {
        let table = super::table(*noun);
        let sql = format!(
            "SELECT id, time, highlight({table}, 0, char(1), char(2)), highlight({table}, 1, char(1), char(2)), rowid
             FROM {table} WHERE {table} MATCH ? ORDER BY rowid DESC LIMIT ?"
        );
        let limit = i64::try_from(query.limit.max(CANDIDATES)).unwrap_or(i64::MAX);
        let read = |row: &Row<'_>| {
            let (title, text) = (row.get::<_, String>(2)?, row.get::<_, String>(3)?);
            let place: i64 = row.get(4)?;
            let (score, mut hit) = ranked(*noun, &name, row.get(0)?, row.get(1)?, &title, &text);
            hit.record = place.unsigned_abs();
            Ok((score, place, hit))
        };
        let mut statement = connection.prepare(&sql).doing("searching")?;
        let rows = statement.query_map(params![terms, limit], read).doing("searching")?;
        for row in rows {
            found.push(row.doing("searching")?);
        }
    }
    // Of what is alike the newest comes first: what stands later in the journal.
    found.sort_by(|(one, a, _), (other, b, _)| other.total_cmp(one).then(b.cmp(a)));
    Ok(found.into_iter().take(query.limit).map(|(_, _, hit)| hit).collect())
}

/// Something that was found, and how well it fits: as BM25 has it, saturating in the number of hits and less of a long
/// text, but without weights of rarity; a title counts for as much as [`TITLE`] texts, and one that is nothing but what was
/// searched for comes before all others.
fn ranked(noun: SearchNoun, name: &str, id: String, time: i64, title: &str, text: &str) -> (f64, Hit) {
    let score = |marked: &str, usual: f64| {
        let hits = marked.matches(OPEN).count() as f64;
        let length = marked.split_whitespace().count() as f64;
        hits * 2.2 / (hits + 1.2 * (0.25 + 0.75 * length / usual))
    };
    let whole = title.chars().filter(|c| ![OPEN, CLOSE].contains(c)).flat_map(char::to_lowercase).eq(name.chars());
    let favour = if noun == SearchNoun::Agent { AGENT } else { 0.0 };
    let score = TITLE * score(title, 3.0) + score(text, 30.0) + favour + if whole { 1000.0 } else { 0.0 };
    let (title, text) = (pieces(title), pieces(&around(text)));
    (score, Hit { noun, id, record: 0, alert: false, time: Timestamp::from_micros(time), title, text, similar: false })
}

/// The words around the first hit of a marked text, or its beginning.
fn around(marked: &str) -> String {
    let words: Vec<&str> = marked.split_whitespace().collect();
    let first = words.iter().position(|word| word.contains(OPEN)).unwrap_or(0);
    let begin = first.saturating_sub(AROUND / 4).min(words.len().saturating_sub(AROUND));
    let end = words.len().min(begin + AROUND);
    let shown = words[begin..end].join(" ");
    let (before, after) = (if begin > 0 { "…" } else { "" }, if end < words.len() { "…" } else { "" });
    format!("{before}{shown}{after}")
}

/// A text with marks, in parts.
fn pieces(marked: &str) -> Vec<Piece> {
    let mut pieces = vec![];
    for (place, part) in marked.split([OPEN, CLOSE]).enumerate() {
        if !part.is_empty() {
            pieces.push(Piece { text: part.to_owned(), hit: place % 2 == 1 });
        }
    }
    pieces
}

/// Agents whose name, or a word of it, is within two slips of a word (one of a short word), the nearest first.
fn similar(connection: &Connection, words: &[Word], found: &[Hit]) -> Result<Vec<Hit>, Error> {
    let doing = "searching";
    let words: Vec<_> = words.iter().map(|word| word.text.to_lowercase()).filter(|word| word.len() <= 64).collect();
    let words: Vec<(&str, Shape)> = words.iter().map(|word| (word.as_str(), Shape::of(word))).collect();
    let near_a_word = |part: &str| {
        // Most are of another shape, and are not compared letter by letter.
        let shape = Shape::of(part);
        let mut near = words.iter().filter(|(_, word)| word.length >= 3 && word.may_be(shape)).peekable();
        near.peek()?;
        let lower = part.to_lowercase();
        let distance = |(word, shape): &(&str, Shape)| {
            let distance = strsim::damerau_levenshtein(word, &lower);
            (distance <= slips(shape.length)).then_some(distance)
        };
        near.filter_map(distance).min()
    };
    let mut statement = connection.prepare("SELECT id, name, entry FROM agent").doing(doing)?;
    let mut rows = statement.query([]).doing(doing)?;
    let mut near: Vec<(usize, String, String, i64)> = vec![];
    while let Some(row) = rows.next().doing(doing)? {
        let name = row.get_ref(1).and_then(|name| Ok(name.as_str()?)).doing(doing)?;
        // A name is also known by each of its words.
        let parts = std::iter::once(name).chain(name.split(|c: char| !c.is_alphanumeric()));
        if let Some(distance) = parts.filter_map(near_a_word).min() {
            let id: String = row.get(0).doing(doing)?;
            if !found.iter().any(|hit| hit.id == id) {
                near.push((distance, name.to_owned(), id, row.get(2).doing(doing)?));
            }
        }
    }
    near.sort();
    near.truncate(SIMILAR_MAX);
    let mut made = connection.prepare("SELECT time FROM agent_entry WHERE rowid = ?").doing(doing)?;
    near.into_iter()
        .map(|(_, name, id, entry)| {
            let time = Timestamp::from_micros(made.query_row([entry], |row| row.get(0)).doing(doing)?);
            let title = vec![Piece { text: name, hit: false }];
            let (noun, record) = (SearchNoun::Agent, entry.unsigned_abs());
            Ok(Hit { noun, id, record, alert: false, title, text: vec![], time, similar: true })
        })
        .collect()
}

/// What can be told of a word at a glance: its length in characters, and a bit for each of them, several of which may share one.
#[derive(Clone, Copy)]
struct Shape {
    length: usize,
    characters: u64,
}

impl Shape {
    fn of(text: &str) -> Self {
        let bit = |c: char| {
            let lower = if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) };
            1u64 << (u32::from(lower) % 64)
        };
        text.chars().fold(Self { length: 0, characters: 0 }, |shape, c| Self {
            length: shape.length + 1,
            characters: shape.characters | bit(c),
        })
    }

    /// Whether a word of another shape can be within the slips that this one may have. A slip takes away one character at most
    /// and brings one at most.
    fn may_be(self, other: Self) -> bool {
        let slips = slips(self.length);
        let beyond = |here: u64, there: u64| (here & !there).count_ones() as usize > slips;
        self.length.abs_diff(other.length) <= slips
            && !beyond(self.characters, other.characters)
            && !beyond(other.characters, self.characters)
    }
}

/// How many slips a word of so many characters may have.
fn slips(length: usize) -> usize {
    if length < 6 { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_slip_changes_the_shape_beyond_what_is_looked_at(word in "[a-fA-F\u{e4}0-3]{3,9}", other in "[a-fA-F\u{e4}0-3]{1,9}") {
            let (word, lower) = (word.to_lowercase(), other.to_lowercase());
            if strsim::damerau_levenshtein(&word, &lower) <= slips(word.chars().count()) {
                prop_assert!(Shape::of(&word).may_be(Shape::of(&other)), "{word} {other}");
            }
        }
    }
}
