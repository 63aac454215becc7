//! The journal and its chain.
//!
//! Each record carries the BLAKE3 hash of its predecessor's hash and of its own stored bytes: number, time, actor,
//! kind, version and body. The bytes are hashed as they are stored, never as they would be written again.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::{Doing, Error, Fault};
use crate::domain::event::{Actor, Event, JOURNAL_FORMAT, Record};
use crate::domain::time::Timestamp;

/// The hash of a record.
pub type Hash = [u8; 32];

/// What stands before the first record.
pub(super) const GENESIS: Hash = [0; 32];

/// The last record of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

impl Head {
    pub(super) const EMPTY: Self = Self { seq: 0, hash: GENESIS };
}

/// A record as it is stored and shown.
#[derive(Clone, Debug, Serialize)]
pub struct JournalRow {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// When it was decided.
    pub time: Timestamp,
    /// `engine`, `user:ID` or `node:ID`.
    pub actor: String,
    /// What happened.
    pub kind: String,
    /// The version of the body.
    pub version: u32,
    /// The body, as it was written.
    pub body: Box<RawValue>,
    /// BLAKE3 over the predecessor's hash and this record, hexadecimal.
    pub hash: String,
}

/// The stored bytes of a record.
pub(super) struct Raw<'a> {
    pub(super) seq: u64,
    pub(super) time: i64,
    pub(super) actor: &'a [u8],
    pub(super) kind: &'a [u8],
    pub(super) version: i64,
    pub(super) body: &'a [u8],
}

impl<'a> Raw<'a> {
    /// From a row of the journal whose columns are `seq, time, actor, kind, version, body`.
    fn of(seq: u64, row: &'a rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let (time, version) = (row.get(1)?, row.get(4)?);
        Ok(Self { seq, time, actor: bytes(row, 2)?, kind: bytes(row, 3)?, version, body: bytes(row, 5)? })
    }

    /// The hash of this record after `previous`. Lengths stand before what varies, so that no byte can move from one
    /// field to its neighbour unseen.
    pub(super) fn hash(&self, previous: &Hash) -> Hash {
        let mut head = [0u8; 68];
        head[..32].copy_from_slice(previous);
        head[32..40].copy_from_slice(&self.seq.to_le_bytes());
        head[40..48].copy_from_slice(&self.time.to_le_bytes());
        head[48..56].copy_from_slice(&self.version.to_le_bytes());
        head[56..60].copy_from_slice(&length(self.actor));
        head[60..64].copy_from_slice(&length(self.kind));
        head[64..68].copy_from_slice(&length(self.body));
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head).update(self.actor).update(self.kind).update(self.body);
        *hasher.finalize().as_bytes()
    }

    /// The record in domain terms.
    pub(super) fn record(&self) -> Result<Record, Fault> {
        let unreadable = |why: String| Fault::Unreadable(why);
        let text = |bytes| std::str::from_utf8(bytes).map_err(|error| Fault::Unreadable(error.to_string()));
        let version = u32::try_from(self.version).map_err(|error| unreadable(error.to_string()))?;
        Ok(Record {
            seq: self.seq,
            time: Timestamp::from_micros(self.time),
            actor: text(self.actor)?.parse::<Actor>().map_err(|refusal| unreadable(refusal.to_string()))?,
            event: Event::read(text(self.kind)?, version, self.body)
                .map_err(|refusal| unreadable(refusal.to_string()))?,
        })
    }
}

/// Lengths are below 2^32: `SQLite` holds no value of 2 GiB.
fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// For how many records room is kept from one batch to the next.
const ROOM_KEPT: usize = 4096;

/// The end of the chain, where somebody makes records that are yet to be committed.
#[derive(Clone, Copy, Debug)]
pub struct Chain(Head);

impl Chain {
    /// Of a journal without a record.
    pub const EMPTY: Self = Self(Head::EMPTY);

    /// Of a journal that ends with `head`.
    pub(super) const fn of(head: Head) -> Self {
        Self(head)
    }
}

/// Records with their bodies and hashes as they are going to be stored. Writing and hashing them is a good part of an
/// append, and need not be done by the thread that commits.
#[derive(Debug, Default)]
pub struct Entries {
    records: Vec<Record>,
    /// All bodies, one after the other.
    bodies: Vec<u8>,
    /// Where each body ends.
    ends: Vec<usize>,
    /// The hash of the record before the first one, and each record's.
    hashes: Vec<Hash>,
    /// Why a body could not be written; no commit takes these entries then.
    failure: Option<Error>,
}

impl Entries {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Takes records over and leaves `records` empty; `chain` ends with the last of them then. A large submission is moved
    /// rather than copied, and nothing of its size is kept: room for it would never be used again.
    pub fn take_over(&mut self, records: &mut Vec<Record>, chain: &mut Chain) {
        if self.hashes.is_empty() && !records.is_empty() {
            self.hashes.push(chain.0.hash);
        }
        // Records that are decided together have mostly one actor: its text is made once.
        let mut actor = (Actor::Engine, Actor::Engine.to_string());
        for record in records.iter() {
            if actor.0 != record.actor {
                actor = (record.actor, record.actor.to_string());
            }
            self.write(record, &actor.1, chain);
        }
        if self.records.is_empty() && records.len() > ROOM_KEPT {
            self.records = std::mem::take(records);
            return;
        }
        self.records.append(records);
        records.shrink_to(ROOM_KEPT);
    }

    fn write(&mut self, record: &Record, actor: &str, chain: &mut Chain) {
        let begin = self.bodies.len();
        if let Err(source) = record.event.write_body(&mut self.bodies) {
            self.failure.get_or_insert(Error::Json { what: record.event.kind(), source });
        }
        self.ends.push(self.bodies.len());
        let raw = Raw {
            seq: record.seq,
            time: record.time.as_micros(),
            actor: actor.as_bytes(),
            kind: record.event.kind().as_bytes(),
            version: i64::from(record.event.version()),
            body: &self.bodies[begin..],
        };
        let hash = raw.hash(&chain.0.hash);
        self.hashes.push(hash);
        chain.0 = Head { seq: record.seq, hash };
    }

    /// Each record with its body and its hash.
    fn iter(&self) -> impl Iterator<Item = (&Record, &[u8], &Hash)> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let bodies = begins.zip(&self.ends).map(|(begin, end)| &self.bodies[begin..*end]);
        self.records
            .iter()
            .zip(bodies)
            .zip(self.hashes.iter().skip(1))
            .map(|((record, body), hash)| (record, body, hash))
    }
}

/// Appends records to the journal within the transaction that the caller has begun.
pub(super) struct Appender<'c> {
    insert: rusqlite::CachedStatement<'c>,
    actor: (Actor, String),
    pub(super) head: Head,
}

impl<'c> Appender<'c> {
    pub(super) fn new(connection: &'c Connection, head: Head) -> Result<Self, Error> {
        let insert = connection
            .prepare_cached(
                "INSERT INTO journal (seq, time, actor, kind, version, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            )
            .doing("writing the journal")?;
        Ok(Self { insert, actor: (Actor::Engine, Actor::Engine.to_string()), head })
    }

    /// Appends one record with the body and the hash that were made for it.
    fn append(&mut self, record: &Record, body: &[u8], hash: &Hash) -> Result<(), Error> {
        if record.seq != self.head.seq + 1 {
            return Err(Error::OutOfOrder { last: self.head.seq, got: record.seq });
        }
        let body = std::str::from_utf8(body).doing_utf8()?;
        // Batches come mostly from one actor: its text is made once.
        if self.actor.0 != record.actor {
            self.actor = (record.actor, record.actor.to_string());
        }
        self.insert
            .execute(rusqlite::params![
                integer(record.seq),
                record.time.as_micros(),
                self.actor.1,
                record.event.kind(),
                i64::from(record.event.version()),
                body,
                hash
            ])
            .doing("writing the journal")?;
        self.head = Head { seq: record.seq, hash: *hash };
        Ok(())
    }

    /// Appends all of `entries`, and does `each` after every record. Entries that were chained to another record than the
    /// last are refused.
    pub(super) fn append_all(
        &mut self,
        entries: &mut Entries,
        mut each: impl FnMut(&Record) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if let Some(failure) = entries.failure.take() {
            return Err(failure);
        }
        let (last, first) = (self.head, entries.records.first().map_or(0, |record| record.seq));
        if first != last.seq + 1 {
            return Err(Error::OutOfOrder { last: last.seq, got: first });
        }
        if entries.hashes.first() != Some(&last.hash) {
            return Err(Error::BadRecord { seq: first, fault: Fault::Chain });
        }
        for (record, body, hash) in entries.iter() {
            self.append(record, body, hash)?;
            each(record)?;
        }
        Ok(())
    }

    /// Records where the journal ends now.
    pub(super) fn finish(self, connection: &Connection) -> Result<Head, Error> {
        write_head(connection, self.head)?;
        Ok(self.head)
    }
}

/// `serde_json` writes UTF-8; the check costs little and keeps the journal readable whatever a body's type does.
trait DoingUtf8<T> {
    fn doing_utf8(self) -> Result<T, Error>;
}

impl<T> DoingUtf8<T> for Result<T, std::str::Utf8Error> {
    fn doing_utf8(self) -> Result<T, Error> {
        self.map_err(|error| Error::Sqlite {
            doing: "writing the journal",
            source: rusqlite::Error::Utf8Error(0, error),
        })
    }
}

/// `SQLite`'s integers are signed; a number beyond them becomes the largest, the same live and in a rebuild.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn write_head(connection: &Connection, head: Head) -> Result<(), Error> {
    connection
        .prepare_cached("INSERT INTO journal_head (one, seq, hash) VALUES (1, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, hash = excluded.hash")
        .and_then(|mut statement| statement.execute(rusqlite::params![integer(head.seq), head.hash]))
        .doing("writing the journal's head")?;
    Ok(())
}

/// The recorded end of the journal.
pub(super) fn read_head(connection: &Connection) -> Result<Head, Error> {
    let found = connection
        .prepare_cached("SELECT seq, hash FROM journal_head")
        .and_then(|mut statement| {
            let mut rows = statement.query([])?;
            Ok(match rows.next()? {
                Some(row) => {
                    Head { seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0), hash: row.get::<_, Hash>(1)? }
                }
                None => Head::EMPTY,
            })
        })
        .doing("reading the journal's head")?;
    Ok(found)
}

/// Refuses a journal that was begun in a format that this binary does not know. Says which format it is, if there is
/// a record at all.
pub(super) fn check_format(connection: &Connection) -> Result<Option<u32>, Error> {
    #[derive(serde::Deserialize)]
    struct Opened {
        format: u32,
    }
    let mut statement = connection
        .prepare_cached("SELECT seq, kind, body FROM journal ORDER BY seq LIMIT 1")
        .doing("reading the journal")?;
    let mut rows = statement.query([]).doing("reading the journal")?;
    let Some(row) = rows.next().doing("reading the journal")? else { return Ok(None) };
    let seq: i64 = row.get(0).doing("reading the journal")?;
    let (kind, body) = (bytes(row, 1).doing("reading the journal")?, bytes(row, 2).doing("reading the journal")?);
    let bad = |fault| Error::BadRecord { seq: 1, fault };
    if seq != 1 {
        return Err(bad(Fault::Gap { found: u64::try_from(seq).unwrap_or(0) }));
    }
    if kind != b"journal_opened" {
        return Err(bad(Fault::NotOpened { found: String::from_utf8_lossy(kind).into_owned() }));
    }
    let opened: Opened = serde_json::from_slice(body).map_err(|error| bad(Fault::Unreadable(error.to_string())))?;
    if opened.format > JOURNAL_FORMAT {
        return Err(Error::NewerFormat { found: opened.format, known: JOURNAL_FORMAT });
    }
    Ok(Some(opened.format))
}

/// A text or blob column as its bytes, whatever they are.
fn bytes<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> rusqlite::Result<&'r [u8]> {
    match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes),
        other => Err(rusqlite::Error::InvalidColumnType(column, "journal".to_owned(), other.data_type())),
    }
}

/// Walks the whole journal in order, checks number, hash and head, and hands out each record's bytes.
pub(super) fn walk(connection: &Connection, each: impl FnMut(&Raw<'_>) -> Result<(), Error>) -> Result<Head, Error> {
    check_format(connection)?;
    let recorded = read_head(connection)?;
    let head = walk_on(connection, Head::EMPTY, u64::MAX, each)?;
    if head.seq < recorded.seq {
        return Err(Error::BadRecord { seq: head.seq + 1, fault: Fault::CutOff { head: recorded.seq } });
    }
    if head != recorded {
        return Err(Error::BadRecord { seq: recorded.seq.max(1), fault: Fault::Head });
    }
    Ok(head)
}

/// Walks the journal in order from the record after `from` up to number `upto`, checks number and hash of each, and hands
/// out its bytes; gives the last one.
pub(super) fn walk_on(
    connection: &Connection,
    from: Head,
    upto: u64,
    mut each: impl FnMut(&Raw<'_>) -> Result<(), Error>,
) -> Result<Head, Error> {
    let mut head = from;
    let mut statement = connection
        .prepare_cached(
            "SELECT seq, time, actor, kind, version, body, hash FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq",
        )
        .doing("reading the journal")?;
    let mut rows = statement.query([integer(from.seq), integer(upto)]).doing("reading the journal")?;
    loop {
        let seq = head.seq + 1;
        let unreadable =
            |source: rusqlite::Error| Error::BadRecord { seq, fault: Fault::Unreadable(source.to_string()) };
        let Some(row) = rows.next().map_err(unreadable)? else { break };
        let found: i64 = row.get(0).map_err(unreadable)?;
        if found != integer(seq) {
            return Err(Error::BadRecord { seq, fault: Fault::Gap { found: u64::try_from(found).unwrap_or(0) } });
        }
        let raw = Raw::of(seq, row).map_err(unreadable)?;
        let hash = raw.hash(&head.hash);
        if bytes(row, 6).map_err(unreadable)? != hash {
            return Err(Error::BadRecord { seq, fault: Fault::Hash });
        }
        each(&raw)?;
        head = Head { seq, hash };
    }
    Ok(head)
}

/// The records of one kind after one number and up to another.
pub(super) fn read_kind(connection: &Connection, kind: &str, after: u64, upto: u64) -> Result<Vec<Record>, Error> {
    let doing = "reading the journal";
    let mut statement = connection
        .prepare_cached(
            "SELECT seq, time, actor, kind, version, body FROM journal WHERE seq > ? AND seq <= ? AND kind = ? ORDER BY seq",
        )
        .doing(doing)?;
    let mut rows = statement.query(rusqlite::params![integer(after), integer(upto), kind]).doing(doing)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        found.push(record_of(row)?);
    }
    Ok(found)
}

/// A record from a row of the journal whose columns are `seq, time, actor, kind, version, body`.
pub(super) fn record_of(row: &rusqlite::Row<'_>) -> Result<Record, Error> {
    let doing = "reading the journal";
    let seq = u64::try_from(row.get::<_, i64>(0).doing(doing)?).unwrap_or(0);
    let raw = Raw::of(seq, row).doing(doing)?;
    raw.record().map_err(|fault| Error::BadRecord { seq, fault })
}

/// So many records are gone through at a time for those of some kinds.
const GONE_THROUGH: u64 = 50_000;

/// The first records of some kinds, as a list of SQL, after a number, at most `max`; with the number up to which the
/// journal was gone through for them, and whether there is more of it.
pub(super) fn read_kinds_after(
    connection: &Connection,
    kinds: &str,
    after: u64,
    max: usize,
) -> Result<(Vec<Record>, u64, bool), Error> {
    let doing = "reading the journal";
    let _look = connection.unchecked_transaction().doing(doing)?;
    let head = read_head(connection)?.seq;
    let upto = head.min(after.saturating_add(GONE_THROUGH));
    let sql = format!(
        "SELECT seq, time, actor, kind, version, body FROM journal WHERE seq > ? AND seq <= ? AND kind IN ({kinds})
         ORDER BY seq LIMIT ?"
    );
    let mut statement = connection.prepare_cached(&sql).doing(doing)?;
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let mut rows = statement.query(rusqlite::params![integer(after), integer(upto), limit]).doing(doing)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        found.push(record_of(row)?);
    }
    let upto = found.last().filter(|_| found.len() == max).map_or(upto, |record| record.seq);
    Ok((found, upto, upto < head))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TaskId;
    use crate::domain::event::TaskRetried;

    #[test]
    fn a_large_batch_is_taken_over_whole_and_leaves_no_room_behind() {
        let record = |seq: u64| {
            let task_id = TaskId::new(Timestamp::EPOCH, u128::from(seq));
            Record { seq, time: Timestamp::EPOCH, actor: Actor::Engine, event: TaskRetried { task_id }.into() }
        };
        let (mut entries, mut chain) = (Entries::default(), Chain::EMPTY);
        let mut records: Vec<_> = (1..=3 * ROOM_KEPT as u64).map(record).collect();
        entries.take_over(&mut records, &mut chain);
        assert!(records.is_empty() && records.capacity() <= ROOM_KEPT);
        records.extend((1..=2 * ROOM_KEPT as u64).map(|place| record(3 * ROOM_KEPT as u64 + place)));
        entries.take_over(&mut records, &mut chain);
        assert!(records.is_empty() && records.capacity() <= ROOM_KEPT);
        assert_eq!(entries.records().len(), 5 * ROOM_KEPT);
        for (place, (record, body, _)) in (1..).zip(entries.iter()) {
            assert_eq!(record.seq, place);
            assert_eq!(Event::read(record.event.kind(), 1, body).unwrap(), record.event);
        }
    }
}
