//! Looking words up in the index.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row, ToSql, params_from_iter};

use crate::domain::search::{Found, Hit, Piece, SearchNoun};
use crate::domain::{Refusal, Timestamp};
use crate::store::error::{Doing, Error};
use crate::store::journal::read_head;
use crate::store::reader::Reader;

/// The most words of a search.
const WORDS_MAX: usize = 32;
/// Marks around what was found; texts in the index have no control characters.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';
/// So many words around what was found are shown.
const AROUND: u8 = 16;

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
    Ok(Found { items, behind: head.saturating_sub(seq.unsigned_abs()) })
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

fn matching(connection: &Connection, words: &[Word], query: &SearchQuery) -> Result<Vec<Hit>, Error> {
    let term = |word: &Word| {
        let cut = if word.whole { "" } else { "*" };
        // Within quotation marks everything but the mark itself stands for itself.
        format!("\"{}\"{cut}", word.text.replace(['"', '\0'], " "))
    };
    let terms = words.iter().map(term).collect::<Vec<_>>().join(" ");
    let nouns: Vec<&str> = query.nouns.iter().map(|noun| noun.as_str()).collect();
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let only =
        if nouns.is_empty() { String::new() } else { format!("AND noun IN ({})", vec!["?"; nouns.len()].join(", ")) };
    let sql = format!(
        "SELECT noun, id, time, highlight(entry, 0, char(1), char(2)), snippet(entry, 1, char(1), char(2), '…', {AROUND})
         FROM entry WHERE entry MATCH ? {only} ORDER BY bm25(entry, 8.0, 1.0), rowid DESC LIMIT ?"
    );
    let mut values: Vec<&dyn ToSql> = vec![&terms];
    values.extend(nouns.iter().map(|noun| noun as &dyn ToSql));
    values.push(&limit);
    connection
        .prepare(&sql)
        .and_then(|mut statement| statement.query_map(params_from_iter(values), hit)?.collect())
        .doing("searching")
}

fn hit(row: &Row<'_>) -> rusqlite::Result<Hit> {
    let noun: String = row.get(0)?;
    let (title, text): (String, String) = (row.get(3)?, row.get(4)?);
    Ok(Hit {
        noun: noun.parse().unwrap_or(SearchNoun::Event),
        id: row.get(1)?,
        time: Timestamp::from_micros(row.get(2)?),
        title: pieces(&title),
        text: pieces(&text),
        similar: false,
    })
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

/// Agents whose name is within two slips of a word (one of a short word), the nearest first.
fn similar(connection: &Connection, words: &[Word], found: &[Hit]) -> Result<Vec<Hit>, Error> {
    let mut near: Vec<(usize, Hit)> = vec![];
    let mut statement = connection
        .prepare("SELECT a.id, a.name, e.time FROM agent a JOIN entry e ON e.rowid = a.entry")
        .doing("searching")?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?)))
        .doing("searching")?;
    let words: Vec<_> = words.iter().map(|word| word.text.to_lowercase()).filter(|word| word.len() <= 64).collect();
    for row in rows {
        let (id, name, time) = row.doing("searching")?;
        if found.iter().any(|hit| hit.id == id) {
            continue;
        }
        let lower = name.to_lowercase();
        let within = |word: &String| {
            let allowed = if word.chars().count() < 6 { 1 } else { 2 };
            let distance = strsim::damerau_levenshtein(word, &lower);
            (word.chars().count() >= 3 && distance <= allowed).then_some(distance)
        };
        if let Some(distance) = words.iter().filter_map(within).min() {
            let title = vec![Piece { text: name, hit: false }];
            let time = Timestamp::from_micros(time);
            near.push((distance, Hit { noun: SearchNoun::Agent, id, title, text: vec![], time, similar: true }));
        }
    }
    near.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| a.title[0].text.cmp(&b.title[0].text)));
    Ok(near.into_iter().map(|(_, hit)| hit).collect())
}
