//! From text to terms.

use super::text::Needle;
use super::{End, Field, Filter, Kind, Point, Table, Term, Test, Thing, Want};
use crate::domain::id::{CageId, id_range, id_tail};
use crate::domain::quantity::{Bytes, Cpu, Span};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// The longest text that is read, in characters: as many ids as a text may name, and some words.
pub const CHARS_MAX: usize = 20_000;
/// The most values that one text may name, over all its terms.
pub const VALUES_MAX: usize = 500;
/// From so many digits on, what could be the beginning of an id is also looked for as one.
const ID_DIGITS: usize = 8;
const DAY: i64 = 86_400_000_000;

/// Reads a whole text.
pub(super) fn filter(table: &Table, text: &str) -> Result<Filter, Refusal> {
    if text.len() > CHARS_MAX && text.chars().nth(CHARS_MAX).is_some() {
        let characters = format!("{} characters", text.chars().count());
        return Err(Refusal::invalid("filter", characters, format!("at most {CHARS_MAX} characters")));
    }
    let mut reader = Reader { chars: text.chars().collect(), at: 0, values: 0 };
    let mut filter = Filter::default();
    while let Some(term) = reader.term(table)? {
        filter.terms.push(term);
    }
    Ok(filter)
}

/// One term from a field and its value; see [`Filter::exactly`].
pub(super) fn exactly(table: &Table, name: &str, value: &str) -> Result<Term, Refusal> {
    let field = known(table, name)?;
    let wants = |part: &str| meant(field, Some(Op::Equal), part, false);
    let wants = value.split(',').map(|part| wants(part.trim())).collect::<Result<Vec<_>, _>>()?;
    Ok(Term { negated: false, test: Test::Field(field, wants.concat()) })
}

fn known(table: &Table, name: &str) -> Result<&'static Field, Refusal> {
    let lower = name.to_ascii_lowercase();
    table.field(&lower).ok_or_else(|| Refusal::not_one_of(format!("field of {}", table.name), name, &table.names()))
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Equal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

/// A text and how far it is read.
struct Reader {
    chars: Vec<char>,
    at: usize,
    values: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// The next term, if there is one.
    fn term(&mut self, table: &Table) -> Result<Option<Term>, Refusal> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let begin = self.at;
        let at_column = |refusal: Refusal| refusal.within(column(begin));
        if self.peek().is_none() {
            return Ok(None);
        }
        let negated = self.take('-');
        if self.peek() == Some('"') {
            let phrase = self.quoted()?;
            self.count(begin)?;
            return Ok(Some(Term { negated, test: Test::Word(Needle::plain(&phrase)) }));
        }
        if let Some(name) = self.name() {
            let field = known(table, &name).map_err(|refusal| {
                let hint = format!("{} To look for the text itself, put it in quotes", refusal.hint);
                at_column(refusal.hint(hint.trim_start()))
            })?;
            return Ok(Some(Term { negated, test: Test::Field(field, self.wants(field)?) }));
        }
        let word = self.until(|_| false);
        if word.is_empty() {
            let refusal = Refusal::invalid("term", "-", "a word, \"a phrase\" or FIELD:VALUE after the -");
            return Err(at_column(refusal.hint("to look for a - put it in quotes")));
        }
        self.count(begin)?;
        Ok(Some(Term { negated, test: Test::Word(Needle::fuzzy(&word)) }))
    }

    /// A name and the colon behind it, if that is what comes next.
    fn name(&mut self) -> Option<String> {
        let rest = &self.chars[self.at..];
        let length = rest.iter().position(|c| !c.is_ascii_alphabetic() && *c != '_')?;
        if length == 0 || rest[length] != ':' {
            return None;
        }
        let name = rest[..length].iter().collect();
        self.at += length + 1;
        Some(name)
    }

    /// The values behind a colon, any of which may hold.
    fn wants(&mut self, field: &'static Field) -> Result<Vec<Want>, Refusal> {
        let mut wants = Vec::new();
        loop {
            let begin = self.at;
            let op = self.op();
            let quoted = self.peek() == Some('"');
            let value = if quoted { self.quoted()? } else { self.until(|c| c == ',') };
            let found = if value.is_empty() && !quoted {
                Err(Refusal::invalid(field.name, &value, allowed(field)).hint("nothing stands after the colon"))
            } else {
                meant(field, op, &value, quoted)
            };
            wants.extend(found.map_err(|refusal| refusal.within(column(begin)))?);
            if !quoted {
                wants.extend(also_by_id(field, &value));
            }
            self.count(begin)?;
            if !self.take(',') {
                break;
            }
        }
        match self.peek() {
            Some(c) if !c.is_whitespace() => {
                Err(Refusal::invalid("filter", c, "a blank or a comma after a closing quote").within(column(self.at)))
            }
            _ => Ok(wants),
        }
    }

    fn op(&mut self) -> Option<Op> {
        if self.take('>') {
            Some(if self.take('=') { Op::MoreOrEqual } else { Op::More })
        } else if self.take('<') {
            Some(if self.take('=') { Op::LessOrEqual } else { Op::Less })
        } else {
            self.take('=').then_some(Op::Equal)
        }
    }

    /// What stands up to a blank or a character that ends it.
    fn until(&mut self, ends: impl Fn(char) -> bool) -> String {
        let rest = &self.chars[self.at..];
        let length = rest.iter().position(|c| c.is_whitespace() || ends(*c)).unwrap_or(rest.len());
        self.at += length;
        rest[..length].iter().collect()
    }

    /// What stands between quotes; a backslash makes a quote or a backslash part of it.
    fn quoted(&mut self) -> Result<String, Refusal> {
        let begin = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let next = self.peek();
            self.at += 1;
            match next {
                Some('"') => return Ok(text),
                Some('\\') if matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                Some(c) => text.push(c),
                None => {
                    return Err(Refusal::invalid("filter", text, "a closing quote").within(column(begin)));
                }
            }
        }
    }

    /// Counts one more value, up to a bound that keeps what follows cheap.
    fn count(&mut self, begin: usize) -> Result<(), Refusal> {
        self.values += 1;
        if self.values > VALUES_MAX {
            let allowed = format!("at most {VALUES_MAX} words and values in a filter");
            return Err(Refusal::invalid("filter", self.values, allowed).within(column(begin)));
        }
        Ok(())
    }
}

fn column(at: usize) -> String {
    format!("filter, column {}", at + 1)
}

/// What may stand after a field's colon.
fn allowed(field: &Field) -> String {
    let values = match field.kind {
        Kind::Text => "text, or =TEXT for exactly that".to_owned(),
        Kind::Word(words) => (words.all)().join(", "),
        Kind::Whole => "a whole number, also with > >= < <= before it, or 3..7".to_owned(),
        Kind::Decimal => "a number, also with > >= < <= before it, or 0.5..1".to_owned(),
        Kind::Cores => "cores such as 1.5 or 250m, also with > >= < <= before it, or 1..4".to_owned(),
        Kind::Size => "a size such as 512MiB, also with > >= < <= before it, or 1GiB..4GiB".to_owned(),
        Kind::Span | Kind::Age => "<10m, >=1h30m or 10m..2h".to_owned(),
        Kind::Time => {
            "<2026-01-31T17:00:00Z, >=2026-01-31, 2026-01-31 for that day, or >1h for the last hour".to_owned()
        }
        Kind::Due => "<2h for within two hours, <now for overdue, or a time such as <2026-01-31T17:00:00Z".to_owned(),
        Kind::Since | Kind::Until => {
            "a span such as 1h for so long ago, or a time such as 2026-01-31T17:00:00Z".to_owned()
        }
        Kind::Flag => "yes or no".to_owned(),
        Kind::Cage => "a cage's number, 001 to 1000, or a range such as 1-20".to_owned(),
        Kind::Id(_) => "an id, its first digits, or its last eight".to_owned(),
        Kind::Named(Thing::User) => "me, a part of a name, =NAME for exactly that, or an id".to_owned(),
        Kind::Named(_) => "a part of a name, =NAME for exactly that, or an id".to_owned(),
    };
    if field.optional { format!("{values}; none for those without") } else { values }
}

/// All that a value asks for, any of which may hold: a word that people use may stand for several spellings.
fn meant(field: &Field, op: Option<Op>, value: &str, quoted: bool) -> Result<Vec<Want>, Refusal> {
    match field.kind {
        Kind::Word(words) if !quoted && matches!(op, None | Some(Op::Equal)) => {
            match words.meant(&value.to_lowercase()) {
                Ok(meant) => Ok(meant.into_iter().map(Want::Word).collect()),
                // Neither a spelling nor a word for some: `none`, or to be refused.
                Err(_) => want(field, op, value, quoted).map(|want| vec![want]),
            }
        }
        _ => want(field, op, value, quoted).map(|want| vec![want]),
    }
}

/// What a value asks for. What is quoted is taken as it is.
fn want(field: &Field, op: Option<Op>, value: &str, quoted: bool) -> Result<Want, Refusal> {
    let lower = value.to_lowercase();
    if field.optional && !quoted && lower == "none" && matches!(op, None | Some(Op::Equal)) {
        return Ok(Want::Nothing);
    }
    let refuse = || Refusal::invalid(field.name, value, allowed(field));
    let ordered = !matches!(op, None | Some(Op::Equal));
    let plain = |want: Result<Want, Refusal>| {
        if ordered {
            return Err(Refusal::invalid(field.name, value, allowed(field))
                .hint("only numbers, times and spans can be more or less"));
        }
        want
    };
    match field.kind {
        Kind::Text => plain(Ok(match op {
            Some(Op::Equal) => Want::Exactly(value.to_owned()),
            _ => Want::Holds(Needle::plain(value)),
        })),
        Kind::Word(words) => plain(
            (words.read)(&lower).map(Want::Word).map_err(|refusal| Refusal { field: field.name.to_owned(), ..refusal }),
        ),
        Kind::Flag => plain(match &*lower {
            "yes" | "true" => Ok(Want::Flag(true)),
            "no" | "false" => Ok(Want::Flag(false)),
            _ => Err(refuse()),
        }),
        Kind::Id(_) => plain(id_range(value).map(|(first, last, _)| Want::Ids(first, last)).ok_or_else(refuse)),
        Kind::Named(thing) => plain(Ok(named(thing, op, value, quoted))),
        Kind::Decimal => range(op, value, |text| {
            let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(refuse)?;
            Ok((number, number))
        })
        .map(|(low, high)| Want::Reals(low, high)),
        Kind::Whole => numbers(op, value, |text| {
            // Digits alone, so that `+5` and `1e3` are no numbers here either.
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| digits).ok_or_else(refuse)
        }),
        Kind::Cage => cages(op, value, refuse),
        Kind::Cores => {
            numbers(op, value, |text| text.parse::<Cpu>().map(|cpu| whole(cpu.as_millis())).map_err(|_| refuse()))
        }
        Kind::Size => {
            numbers(op, value, |text| text.parse::<Bytes>().map(|size| whole(size.get())).map_err(|_| refuse()))
        }
        Kind::Span => {
            let read = |text: &str| span(text).ok_or_else(refuse);
            bounded(op, value, refuse).and_then(|()| numbers(op, value, read))
        }
        Kind::Age => {
            bounded(op, value, refuse)?;
            // Whoever is older began earlier: the ends change places.
            let (low, high) = range(op, value, |text| span(text).map(|span| (span, span)).ok_or_else(refuse))?;
            let ago = |end: End<i64>| End { at: Point::Ago(end.at), included: end.included };
            Ok(Want::Between(high.map(ago), low.map(ago)))
        }
        Kind::Time | Kind::Due => {
            let span = if matches!(field.kind, Kind::Due) { Point::Ahead } else { Point::Ago };
            let relative = |text: &str| self::span(text).is_some() || text == "now";
            if relative(value) {
                bounded(op, value, refuse)?;
            }
            range(op, value, |text| moment(text, span).ok_or_else(refuse)).map(|(low, high)| Want::Between(low, high))
        }
        Kind::Since | Kind::Until => {
            let (point, _) = moment(value, Point::Ago).ok_or_else(refuse)?;
            plain(Ok(match field.kind {
                Kind::Since => Want::Between(Some(End { at: point, included: true }), None),
                _ => Want::Between(None, Some(End { at: point, included: false })),
            }))
        }
    }
}

/// A number as it is kept; what is beyond cannot be met anyway.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn span(text: &str) -> Option<i64> {
    text.parse::<Span>().ok().map(Span::as_micros)
}

/// Refuses a span that stands alone: nothing lasts exactly an hour.
fn bounded(op: Option<Op>, value: &str, refuse: impl Fn() -> Refusal) -> Result<(), Refusal> {
    let alone = matches!(op, None | Some(Op::Equal)) && !value.contains("..");
    if alone { Err(refuse().hint(format!("say <{value} or >{value}"))) } else { Ok(()) }
}

/// The first and the last moment that a text means: an instant, a day (in UTC), or a span from now.
fn moment(text: &str, span: fn(i64) -> Point) -> Option<(Point, Point)> {
    if text == "now" {
        return Some((Point::Ago(0), Point::Ago(0)));
    }
    if let Some(micros) = self::span(text) {
        return Some((span(micros), span(micros)));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some((Point::Fixed(time.as_micros()), Point::Fixed(time.as_micros())));
    }
    let day = format!("{text}T00:00:00Z").parse::<Timestamp>().ok().filter(|_| text.len() == 10)?;
    Some((Point::Fixed(day.as_micros()), Point::Fixed(day.as_micros() + DAY - 1)))
}

/// The cages of `3`, `003`, `1-20`, `1..20` or `>100`.
fn cages(op: Option<Op>, value: &str, refuse: impl Fn() -> Refusal) -> Result<Want, Refusal> {
    let number = |text: &str| text.parse::<CageId>().map(|cage| i64::from(cage.number())).map_err(|_| refuse());
    match (op, value.split_once('-')) {
        (None | Some(Op::Equal), Some((first, last))) => numbers(None, &format!("{first}..{last}"), number),
        _ => numbers(op, value, number),
    }
}

fn numbers(op: Option<Op>, value: &str, read: impl Fn(&str) -> Result<i64, Refusal>) -> Result<Want, Refusal> {
    let (low, high) = range(op, value, |text| read(text).map(|number| (number, number)))?;
    let fixed = |end: End<i64>| End { at: Point::Fixed(end.at), included: end.included };
    Ok(Want::Between(low.map(fixed), high.map(fixed)))
}

/// The ends of a range.
type Ends<T> = (Option<End<T>>, Option<End<T>>);

/// The ends of `>7`, `3..7`, `3..`, `..7` or `7`. A text may mean a stretch itself, as a day does: `read` gives its ends.
fn range<T: Copy>(
    op: Option<Op>,
    value: &str,
    read: impl Fn(&str) -> Result<(T, T), Refusal>,
) -> Result<Ends<T>, Refusal> {
    let included = |at: T| Some(End { at, included: true });
    let excluded = |at: T| Some(End { at, included: false });
    if let (None, Some((first, last))) = (op, value.split_once(".."))
        && !(first.is_empty() && last.is_empty())
    {
        let end = |text: &str| if text.is_empty() { Ok(None) } else { read(text).map(Some) };
        return Ok((end(first)?.and_then(|(low, _)| included(low)), end(last)?.and_then(|(_, high)| included(high))));
    }
    let (low, high) = read(value)?;
    Ok(match op {
        None | Some(Op::Equal) => (included(low), included(high)),
        Some(Op::Less) => (None, excluded(low)),
        Some(Op::LessOrEqual) => (None, included(high)),
        Some(Op::More) => (excluded(high), None),
        Some(Op::MoreOrEqual) => (included(low), None),
    })
}

/// What is wanted of something with a name.
fn named(thing: Thing, op: Option<Op>, value: &str, quoted: bool) -> Want {
    if thing == Thing::User && !quoted && value == "me" {
        return Want::Me;
    }
    match op {
        Some(Op::Equal) => Want::Exactly(value.to_owned()),
        _ => Want::Holds(Needle::plain(value)),
    }
}

/// What looks for something by its id too, when a value could be the beginning of one, or the end.
fn also_by_id(field: &Field, value: &str) -> Vec<Want> {
    let begins =
        id_range(value).filter(|(.., count)| *count >= ID_DIGITS).map(|(first, last, _)| Want::Ids(first, last));
    let ends = id_tail(value).map(|(value, digits)| Want::IdTail(value, digits));
    match field.kind {
        Kind::Id(_) => ends.into_iter().collect(),
        Kind::Named(_) => begins.into_iter().chain(ends).collect(),
        _ => vec![],
    }
}
