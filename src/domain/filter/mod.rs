//! The one filter language: the same in the command line's `--filter`, the API's `filter=` and every list of the console.
//!
//! A filter is a text of terms with blanks between them, all of which must hold: `status:failed priority:>7 owner:me
//! age:<1h build`. What can be asked of a list is data (a [`Table`] in [`tables`], or beside the type it is about);
//! [`Filter::parse`] reads a text against one, [`Filter::matches`] holds it against a [`Row`] in memory, and the store makes
//! SQL of the same terms. Both give the same answer. `docs/filter.md` tells people.

pub mod complete;
mod parse;
mod rows;
pub mod tables;
pub mod text;

#[cfg(test)]
mod tests;

pub use rows::JournalRecord;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::enumeration::enumeration;
use super::id::UserId;
use super::refusal::Refusal;
use super::time::Timestamp;

/// What can be asked of a list.
#[derive(Debug)]
pub struct Table {
    /// What the list is called: `tasks`.
    pub name: &'static str,
    /// Its fields, in the order in which people want to see them.
    pub fields: &'static [Field],
}

impl Table {
    /// The field of this name, or the one that it is another name for.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        let fields = self.fields;
        fields.iter().find(|field| field.name == name || field.aliases.contains(&name))
    }

    /// The names of all fields.
    pub fn names(&self) -> Vec<&'static str> {
        self.fields.iter().map(|field| field.name).collect()
    }
}

/// A field that can be asked for.
#[derive(Debug)]
pub struct Field {
    /// As it is written before the colon.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// How its values are read and compared.
    pub kind: Kind,
    /// Whether a row may have none, which `none` asks for.
    pub optional: bool,
    /// Whether a word without a field is looked for here.
    pub searched: bool,
    /// One sentence for people.
    pub help: &'static str,
}

/// From so many letters on, the beginning of a status is taken for the whole.
const STATUS_LETTERS_MIN: usize = 3;

impl Field {
    /// What a value of this field has to be for a word without a field to be found in it. A status has so few spellings
    /// that a word means the one that it is or that it begins; of three letters anywhere in it most rows would be full.
    pub fn looked_for(&self, needle: &text::Needle) -> Vec<Want> {
        let Kind::Word(words) = self.kind else { return vec![Want::Holds(needle.clone())] };
        let (letters, _) = needle.parts();
        if let Ok(meant) = words.meant(letters) {
            return meant.into_iter().map(Want::Word).collect();
        }
        let begun = |word: &&'static str| letters.chars().count() >= STATUS_LETTERS_MIN && word.starts_with(letters);
        (words.all)().into_iter().filter(begun).map(Want::Word).collect()
    }
}

/// How a field's values are read and compared, and what a row gives for it.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text; a row gives [`Cell::Text`], several when it has several.
    Text,
    /// One of an enumeration's spellings; a row gives it as [`Cell::Text`].
    Word(Words),
    /// A whole number; [`Cell::Number`].
    Whole,
    /// A number; [`Cell::Real`].
    Decimal,
    /// Cores; [`Cell::Number`] of thousandths.
    Cores,
    /// Bytes; [`Cell::Number`].
    Size,
    /// A length of time; [`Cell::Number`] of microseconds.
    Span,
    /// How long something has been; a row gives the time of its beginning, [`Cell::Number`] of microseconds since 1970.
    Age,
    /// A time, a span meaning so long ago; [`Cell::Number`] of microseconds since 1970.
    Time,
    /// A time, a span meaning so long from now; [`Cell::Number`] of microseconds since 1970.
    Due,
    /// From a time on; as [`Kind::Time`].
    Since,
    /// Before a time; as [`Kind::Time`].
    Until,
    /// Yes or no; [`Cell::Flag`].
    Flag,
    /// The number of a cage; [`Cell::Number`].
    Cage,
    /// An id of one of these things, or its first digits; [`Cell::Id`].
    Id(Thing),
    /// Something with a name: by a part of that or by the first digits of its id; [`Cell::Id`], or [`Cell::Text`] of the
    /// name.
    Named(Thing),
}

enumeration! {
    /// What an id names.
    pub enum Thing ("thing") {
        /// A task.
        Task = "task",
        /// An attempt.
        Execution = "execution",
        /// An agent.
        Agent = "agent",
        /// An artifact.
        Artifact = "artifact",
        /// A user; `me` is who asks.
        User = "user",
        /// A machine.
        Node = "node",
        /// Anything else.
        Other = "other",
    }
}

/// The spellings of an enumeration.
#[derive(Clone, Copy)]
pub struct Words {
    /// Brings a spelling to the one that is written.
    pub read: fn(&str) -> Result<&'static str, Refusal>,
    /// All that are written.
    pub all: fn() -> Vec<&'static str>,
    /// Other words that people use, each with the spellings any of which it means.
    pub also: &'static [(&'static str, &'static [&'static str])],
}

impl Words {
    /// What a text means in full: a spelling, or what another word stands for.
    fn meant(&self, text: &str) -> Result<Vec<&'static str>, Refusal> {
        match self.also.iter().find(|(word, _)| *word == text) {
            Some((_, spellings)) => Ok(spellings.to_vec()),
            None => (self.read)(text).map(|spelling| vec![spelling]),
        }
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries((self.all)()).finish()
    }
}

/// Terms that must all hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In the order in which they were written.
    pub terms: Vec<Term>,
}

/// One term.
#[derive(Clone, Debug)]
pub struct Term {
    /// Whether it must not hold.
    pub negated: bool,
    /// What is asked.
    pub test: Test,
}

/// What a term asks.
#[derive(Clone, Debug)]
pub enum Test {
    /// One of the searched fields looks like this word (see [`Field::looked_for`] and [`text::Needle`]).
    Word(text::Needle),
    /// A field has one of these values.
    Field(&'static Field, Vec<Want>),
}

/// What is wanted of a field's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// There is none.
    Nothing,
    /// Text in which this occurs, whatever its case.
    Holds(text::Needle),
    /// Exactly this text.
    Exactly(String),
    /// This spelling of an enumeration.
    Word(&'static str),
    /// A number, time or span between two ends, where there are ends.
    Between(Option<End<Point>>, Option<End<Point>>),
    /// The same for numbers with decimals.
    Reals(Option<End<f64>>, Option<End<f64>>),
    /// Yes or no.
    Flag(bool),
    /// An id from the first to the last, both included.
    Ids(u128, u128),
    /// An id that ends with so many digits of this value.
    IdTail(u128, usize),
    /// Who asks.
    Me,
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End<T> {
    /// Where.
    pub at: T,
    /// Whether the end itself is in the range.
    pub included: bool,
}

/// A number, perhaps counted from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// This number.
    Fixed(i64),
    /// So many microseconds ago.
    Ago(i64),
    /// In so many microseconds.
    Ahead(i64),
}

impl Point {
    /// The number, counted from `now`.
    pub const fn value(self, now: Timestamp) -> i64 {
        match self {
            Self::Fixed(number) => number,
            Self::Ago(micros) => now.as_micros().saturating_sub(micros),
            Self::Ahead(micros) => now.as_micros().saturating_add(micros),
        }
    }
}

/// A value of a row's field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Text.
    Text(&'a str),
    /// A number, time or span.
    Number(i64),
    /// A number with decimals.
    Real(f64),
    /// Yes or no.
    Flag(bool),
    /// An id.
    Id(Uuid),
}

/// Names of things by their ids.
pub type Names = BTreeMap<Uuid, String>;

/// Who asks, when, and what they know.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The time from which spans are counted.
    pub now: Timestamp,
    /// Whom `me` means: an account may be known as several users, when its machine was renamed.
    pub me: &'a [UserId],
    /// Names of the agents, users and nodes whose ids rows give.
    pub names: &'a Names,
}

/// Something that a filter can be held against.
pub trait Row {
    /// Hands the values of a field to `visit`, by the field's own name; none when there is none. What depends on the time
    /// is as of `now`.
    fn cells(&self, field: &str, now: Timestamp, visit: &mut dyn FnMut(Cell<'_>));
}

impl Filter {
    /// Reads a text. A refusal names the column at fault, counted in characters from 1.
    pub fn parse(table: &Table, text: &str) -> Result<Self, Refusal> {
        parse::filter(table, text)
    }

    /// One term from a field and its value, as `--status failed` gives it: text has to be the same and not only occur.
    pub fn exactly(table: &Table, field: &str, value: &str) -> Result<Term, Refusal> {
        parse::exactly(table, field, value)
    }

    /// Whether nothing is asked, so that every row matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether every term holds of a row of `table`.
    pub fn matches(&self, table: &Table, row: &impl Row, asker: &Asker<'_>) -> bool {
        self.terms.iter().all(|term| passes(&term.test, table, row, asker) != term.negated)
    }
}

/// Whether a row passes a test.
fn passes(condition: &Test, table: &Table, row: &impl Row, asker: &Asker<'_>) -> bool {
    let any = |field: &Field, wanted: &dyn Fn(Cell<'_>) -> bool| {
        let mut found = false;
        row.cells(field.name, asker.now, &mut |cell| found = found || wanted(cell));
        found
    };
    match condition {
        Test::Word(needle) => table
            .fields
            .iter()
            .filter(|field| field.searched)
            .any(|field| field.looked_for(needle).iter().any(|want| any(field, &|cell| fits(want, cell, asker)))),
        Test::Field(field, wants) => wants.iter().any(|want| match want {
            Want::Nothing => !any(field, &|_| true),
            want => any(field, &|cell| fits(want, cell, asker)),
        }),
    }
}

/// Whether a value is wanted.
fn fits(want: &Want, cell: Cell<'_>, asker: &Asker<'_>) -> bool {
    match (want, cell) {
        (Want::Holds(needle), Cell::Text(text)) => needle.is_in(text),
        (Want::Holds(needle), Cell::Id(id)) => asker.names.get(&id).is_some_and(|name| needle.is_in(name)),
        (Want::Exactly(wanted), Cell::Text(text)) => text == wanted,
        (Want::Exactly(wanted), Cell::Id(id)) => asker.names.get(&id) == Some(wanted),
        (Want::Word(word), Cell::Text(text)) => text == *word,
        (Want::Between(low, high), Cell::Number(number)) => {
            let value = |end: End<Point>| End { at: end.at.value(asker.now), included: end.included };
            within(number, low.map(value), high.map(value))
        }
        (Want::Reals(low, high), Cell::Real(number)) => within(number, *low, *high),
        (Want::Flag(wanted), Cell::Flag(flag)) => flag == *wanted,
        (Want::Ids(first, last), Cell::Id(id)) => (*first..=*last).contains(&id.as_u128()),
        (Want::IdTail(value, digits), Cell::Id(id)) => id.as_u128() & ((1 << (4 * digits)) - 1) == *value,
        (Want::Me, Cell::Id(id)) => asker.me.iter().any(|me| me.0 == id),
        _ => false,
    }
}

/// Whether a number lies in a range.
fn within<T: PartialOrd + Copy>(number: T, low: Option<End<T>>, high: Option<End<T>>) -> bool {
    low.is_none_or(|end| if end.included { number >= end.at } else { number > end.at })
        && high.is_none_or(|end| if end.included { number <= end.at } else { number < end.at })
}
