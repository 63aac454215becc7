//! The files of the store: the names and the log, and one file for each day or month of what is kept.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::block::Shape;
use super::chunk::SLOT;
use super::dictionary::{self, SeriesId};
use super::log;
use crate::domain::Timestamp;
use crate::store::connection::make_private;
use crate::store::error::{Doing, Error};

/// The folder in the data directory.
const FOLDER: &str = "metrics";
/// The file of the names and the log.
const SERIES: &str = "series.db";
/// Marks the files as ours ("`MenS`" in ASCII).
const APPLICATION_ID: i32 = 0x4d65_6e53;
/// The schema of all these files. There are no migrations: files of another one are refused, and expire.
const SCHEMA: u32 = 1;
/// How long a connection waits for another one's lock.
const BUSY: Duration = Duration::from_secs(10);

pub(super) const MINUTE: i64 = 60_000_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// How fine something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Raw,
    Minutes,
    Hours,
}

impl Tier {
    pub(super) const ALL: [Self; 3] = [Self::Raw, Self::Minutes, Self::Hours];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Raw => "raw-",
            Self::Minutes => "minutes-",
            Self::Hours => "hours-",
        }
    }

    /// How many characters of a time's text name a file: those of the day or of the month.
    const fn chars(self) -> usize {
        if matches!(self, Self::Hours) { 7 } else { 10 }
    }

    /// How long what one row holds of a series is, and how long each summary in it; samples have no summaries.
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Raw => Shape { period: SLOT, span: SLOT },
            Self::Minutes => Shape { period: MINUTE, span: HOUR },
            Self::Hours => Shape { period: HOUR, span: DAY },
        }
    }

    const fn tables(self) -> &'static str {
        match self {
            Self::Raw => {
                "CREATE TABLE times (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
                 CREATE TABLE block (id INTEGER PRIMARY KEY, times INTEGER NOT NULL, data BLOB NOT NULL);"
            }
            Self::Minutes | Self::Hours => "CREATE TABLE block (id INTEGER PRIMARY KEY, data BLOB NOT NULL);",
        }
    }
}

/// The number of a row: that of its time first, so that rows are written one after the other.
pub(super) fn row_id(tier: Tier, time: i64, series: SeriesId) -> i64 {
    time.div_euclid(tier.shape().span) << 32 | i64::from(series.0)
}

/// A file that stands for a day or a month.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) tier: Tier,
    /// When it begins and ends, in microseconds since the epoch.
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) path: PathBuf,
}

/// The folder of a data directory's metrics.
pub(super) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join(FOLDER)
}

/// Makes the folder, for its owner alone.
pub(super) fn make_folder(data_dir: &Path) -> Result<PathBuf, Error> {
    let path = folder(data_dir);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
    made.map_err(|source| Error::Io { doing: "making the folder of metrics", path: path.clone(), source })?;
    Ok(path)
}

/// The file in which what is of a time is kept.
pub(super) fn part_of(folder: &Path, tier: Tier, time: i64) -> Part {
    let text = Timestamp::from_micros(time).to_string();
    let name = &text[..tier.chars()];
    let (from, to) = range_of(name).unwrap_or((time, time));
    Part { tier, from, to, path: folder.join(format!("{}{name}.db", tier.prefix())) }
}

/// When a day (`2026-01-31`) or a month (`2026-01`) begins and ends; `None` for what is neither.
fn range_of(name: &str) -> Option<(i64, i64)> {
    let begin = |date: &str| date_text(date).map(Timestamp::as_micros);
    if name.len() == 10 {
        let from = begin(name)?;
        return Some((from, from + DAY));
    }
    let from = begin(&format!("{name}-01"))?;
    // The 32nd day after the first is in the next month.
    let within = Timestamp::from_micros(from + 31 * DAY).to_string();
    let to = begin(&format!("{}-01", within.get(..7)?))?;
    Some((from, to))
}

fn date_text(date: &str) -> Option<Timestamp> {
    format!("{date}T00:00:00Z").parse().ok()
}

/// Every file of a tier, the earliest first. Files that do not bear such a name are none of ours.
pub(super) fn parts(folder: &Path) -> Result<Vec<Part>, Error> {
    let io = |source| Error::Io { doing: "reading the folder of metrics", path: folder.to_owned(), source };
    let mut found = vec![];
    for entry in fs::read_dir(folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".db")) else { continue };
        for tier in Tier::ALL {
            let Some(date) = name.strip_prefix(tier.prefix()).filter(|date| date.len() == tier.chars()) else {
                continue;
            };
            if let Some((from, to)) = range_of(date) {
                found.push(Part { tier, from, to, path: folder.join(format!("{name}.db")) });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Bytes of every file in the folder.
pub(super) fn bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// Bytes of a file and its log.
pub(super) fn part_bytes(path: &Path) -> u64 {
    with_companions(path).iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// A database file, its log and the log's index.
fn with_companions(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Removes a file. Whoever reads it still does so to the end.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    for path in with_companions(path) {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Io { doing: "removing", path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Opens the names and the log, making them when they are not there.
pub(super) fn open_series(folder: &Path) -> Result<Connection, Error> {
    let pending = "CREATE TABLE pending (hour INTEGER PRIMARY KEY);";
    open(folder, &folder.join(SERIES), &format!("{}{}{pending}", dictionary::TABLES, log::TABLE))
}

/// Opens a file of a tier for writing, making it when it is not there.
pub(super) fn open_part(folder: &Path, part: &Part) -> Result<Connection, Error> {
    open(folder, &part.path, part.tier.tables())
}

fn open(folder: &Path, path: &Path, tables: &str) -> Result<Connection, Error> {
    let doing = "opening the metrics";
    make_private(folder, path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).doing(doing)?;
    connection.busy_timeout(BUSY).doing(doing)?;
    // The log of a database is cut back after it was long, as after a slot was sealed.
    let pragmas =
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 16777216;";
    connection.execute_batch(pragmas).doing(doing)?;
    match version(&connection)? {
        0 => connection
            .execute_batch(&format!(
                "BEGIN IMMEDIATE; {tables} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA}; COMMIT;"
            ))
            .doing("making the tables of metrics")
            .inspect_err(|_| {
                let _ = connection.execute_batch("ROLLBACK");
            })?,
        SCHEMA => {}
        found => return Err(Error::NewerSchema { found, known: SCHEMA }),
    }
    Ok(connection)
}

fn version(connection: &Connection) -> Result<u32, Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).doing("reading the schema of metrics")
}

/// Opens a file of a tier for reading; `None` when it is not there, or has only just been begun.
pub(super) fn open_reader(part: &Part) -> Result<Option<Connection>, Error> {
    let doing = "opening the metrics for reading";
    if !part.path.exists() {
        return Ok(None);
    }
    // Reading a write-ahead log needs its index, which may have to be made.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match Connection::open_with_flags(&part.path, flags) {
        Ok(connection) => connection,
        // It has expired since.
        Err(_) if !part.path.exists() => return Ok(None),
        Err(source) => return Err(Error::Sqlite { doing, source }),
    };
    connection.busy_timeout(BUSY).doing(doing)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096;").doing(doing)?;
    match version(&connection)? {
        0 => Ok(None),
        SCHEMA => Ok(Some(connection)),
        found => Err(Error::NewerSchema { found, known: SCHEMA }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_days_and_months() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_micros();
        let folder = Path::new("/m");
        let raw = part_of(folder, Tier::Raw, at("2026-11-30T23:59:59.999999Z"));
        assert_eq!(raw.path, Path::new("/m/raw-2026-11-30.db"));
        assert_eq!((raw.from, raw.to), (at("2026-11-30T00:00:00Z"), at("2026-12-01T00:00:00Z")));
        for (time, name, to) in [
            ("2026-12-31T10:00:00Z", "hours-2026-12.db", "2027-01-01T00:00:00Z"),
            ("2028-02-29T10:00:00Z", "hours-2028-02.db", "2028-03-01T00:00:00Z"),
        ] {
            let hours = part_of(folder, Tier::Hours, at(time));
            assert_eq!((hours.path.file_name().unwrap().to_str().unwrap(), hours.to), (name, at(to)));
        }
    }

    #[test]
    fn other_files_are_none_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["series.db", "raw-2026-11-30.db", "raw-2026-13-30.db", "raw-2026-11.db", "hours-2026-11.db-wal", "x"]
        {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> = parts(folder.path()).unwrap().iter().map(|part| part.path.clone()).collect();
        assert_eq!(names, [folder.path().join("raw-2026-11-30.db")]);
    }
}
