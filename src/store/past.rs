//! The store as it was at one moment of the journal.
//!
//! The tables follow from the journal, so those of any moment can be made anew: in a folder of their own, from the records
//! up to that moment, with the one reading of an event that there is. The journal itself is not copied: readers of a past
//! see that of the store up to the moment. Nothing of the store is changed or locked, and an engine may run meanwhile.
//!
//! Going forward applies the records between. Going back begins with the nearest tables that were kept on the way, a
//! thousand, ten thousand and a hundred thousand records before where somebody stood, so that small steps back cost little
//! however long the journal is.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use super::connection::{database, make_private, open_reader, tune_scratch};
use super::error::{Doing, Error};
use super::journal::{Head, check_format, integer, read_head, walk_on, write_head};
use super::migrate;
use super::projection::{Statements, Tally, apply};
use super::reader::Reader;
use crate::domain::{Moment, Refusal, Standpoint, Timestamp};

const DOING: &str = "going to a moment of the journal";

/// How many records are applied in one transaction: between two the store's log can be carried over, and whoever waits
/// hears how far it is.
const RECORDS_TOGETHER: u64 = 20_000;

/// How far before a moment tables are kept for those who go back.
const KEPT_BEFORE: [u64; 3] = [100_000, 10_000, 1_000];

/// How many of them are kept at a time.
const KEPT_MAX: usize = 4;

/// What readers look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// The store of a data directory as it is.
    Present(PathBuf),
    /// The store as it was.
    Past(PastView),
}

/// Where the tables of a past are, and up to which record it sees the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastView {
    /// The data directory with the journal.
    live: PathBuf,
    /// The folder with the tables.
    pub(super) tables: PathBuf,
    /// The last record that has happened.
    seq: u64,
}

impl View {
    /// A reader of it.
    pub fn reader(&self) -> Result<Reader, Error> {
        match self {
            Self::Present(data_dir) => Reader::open(data_dir),
            Self::Past(view) => Reader::open_past(view),
        }
    }
}

/// Puts the journal of the store, up to the view's record, in the place of the journal that the tables' own file does not
/// have. Temporary views are found before tables of the same name.
pub(super) fn show_journal(connection: &Connection, view: &PastView) -> Result<(), Error> {
    let path = database(&view.live);
    let path = path.to_str().ok_or_else(|| Error::Absent { path: view.live.clone() })?;
    connection.execute("ATTACH ? AS live", [path]).doing(DOING)?;
    let seq = integer(view.seq);
    connection
        .execute_batch(&format!(
            "PRAGMA query_only = OFF;
             CREATE TEMP VIEW journal AS
                 SELECT seq, time, actor, kind, version, body, hash FROM live.journal WHERE seq <= {seq};
             CREATE TEMP VIEW journal_head AS SELECT seq, hash FROM live.journal WHERE seq = {seq};
             PRAGMA query_only = ON;"
        ))
        .doing(DOING)
}

/// The tables of one moment after another, in a folder that is nobody else's.
#[derive(Debug)]
pub struct PastStore {
    live: PathBuf,
    folder: PathBuf,
    /// The journal of the store.
    journal: Connection,
    /// The tables, while they are whole.
    tables: Option<Connection>,
}

impl PastStore {
    /// For the journal of a data directory; `folder` has to be there and empty. Nothing is made anew yet.
    pub fn open(data_dir: &Path, folder: &Path) -> Result<Self, Error> {
        let journal = open_reader(data_dir)?;
        migrate::require_newest(&journal)?;
        check_format(&journal)?;
        Ok(Self { live: data_dir.to_owned(), folder: folder.to_owned(), journal, tables: None })
    }

    /// The journal's first record and its last.
    pub fn span(&self) -> Result<(Standpoint, Standpoint), Error> {
        let head = read_head(&self.journal)?.seq;
        Ok((self.standpoint(1)?, self.standpoint(head)?))
    }

    /// Where a moment stands in the journal, as of the time `now`. One before the first record or after the present is
    /// refused, saying what there is.
    pub fn find(&self, moment: Moment, asked: &str, now: Timestamp) -> Result<Standpoint, Error> {
        let (first, last) = self.span()?;
        let refuse = |allowed: String| {
            Refusal::invalid("at", asked, allowed)
                .hint("A time without a date is of today, in UTC; -10m is ten minutes ago")
        };
        let Some(time) = moment.time(now) else {
            let Moment::Seq(seq) = moment else { return Err(refuse(first.to_string()).into()) };
            if !(first.seq..=last.seq).contains(&seq) {
                return Err(refuse(format!("seq:{} to seq:{}, the records that there are", first.seq, last.seq)).into());
            }
            return self.standpoint(seq);
        };
        if time > now {
            return Err(refuse(format!("up to now, {now}; what is asked for is still to come, {time}")).into());
        }
        if time < first.time {
            return Err(
                refuse(format!("from {} on, when the journal began; what is asked for is {time}", first.time)).into()
            );
        }
        Ok(Standpoint { seq: self.last_until(last.seq, time)?, time })
    }

    /// A record as a place to stand at.
    fn standpoint(&self, seq: u64) -> Result<Standpoint, Error> {
        let time: Option<i64> = self
            .journal
            .prepare_cached("SELECT time FROM journal WHERE seq = ?")
            .and_then(|mut statement| statement.query_row([integer(seq)], |row| row.get(0)).optional())
            .doing(DOING)?;
        let missing = || Refusal::not_found("record", seq).hint("menagerie journal tail shows those that there are");
        Ok(Standpoint { seq, time: Timestamp::from_micros(time.ok_or_else(missing)?) })
    }

    /// The last record that was decided at a time or before it, of the first `head`. Times never go back in the journal.
    fn last_until(&self, head: u64, time: Timestamp) -> Result<u64, Error> {
        let (mut until, mut after) = (1, head + 1);
        while after - until > 1 {
            let middle = u64::midpoint(until, after);
            if self.standpoint(middle)?.time <= time { until = middle } else { after = middle }
        }
        Ok(until)
    }

    /// Has the tables be what they were right after record `seq`, and gives what readers look at. Says now and then how
    /// many records were applied, and how many there are to apply.
    ///
    /// A failure (a full disk, a journal that is not what was written) leaves no tables; the next call begins anew.
    pub fn go_to(&mut self, seq: u64, told: &dyn Fn(u64, u64)) -> Result<View, Error> {
        // Taken out, so that tables of which nobody knows what they are do not stay.
        let tables = match self.tables.take() {
            Some(tables) if read_head(&tables)?.seq <= seq => tables,
            _ => self.begin(seq)?,
        };
        self.replay(&tables, seq, told)?;
        self.tables = Some(tables);
        Ok(View::Past(PastView { live: self.live.clone(), tables: self.folder.clone(), seq }))
    }

    /// Tables of a moment before `seq`, the nearest that were kept or those of before the first record, in a file of
    /// their own: whoever still reads the earlier ones goes on with them.
    fn begin(&self, seq: u64) -> Result<Connection, Error> {
        let (path, new) = (database(&self.folder), self.folder.join("new.db"));
        let io = |source| Error::Io { doing: "making", path: new.clone(), source };
        if let Some(kept) = self.kept()?.into_iter().rev().find(|kept| *kept <= seq) {
            fs::copy(self.kept_path(kept), &new).map_err(io)?;
        } else {
            // One that was begun and not finished.
            let _ = fs::remove_file(&new);
            make_private(&self.folder, &new)?;
        }
        fs::rename(&new, &path).map_err(io)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut tables = Connection::open_with_flags(&path, flags).doing(DOING)?;
        tune_scratch(&tables)?;
        migrate::forward(&mut tables, migrate::SCHEMA)?;
        Ok(tables)
    }

    /// Applies the records after those that the tables have, up to `seq`.
    fn replay(&self, tables: &Connection, seq: u64, told: &dyn Fn(u64, u64)) -> Result<(), Error> {
        let begun = read_head(tables)?.seq;
        let (mut head, mut keep) = (read_head(tables)?, self.worth_keeping(begun, seq)?);
        while head.seq < seq {
            told(head.seq - begun, seq - begun);
            let mut upto = seq.min(head.seq + RECORDS_TOGETHER);
            if let Some(next) = keep.last() {
                upto = upto.min(*next);
            }
            head = self.apply_some(tables, head, upto)?;
            if keep.last() == Some(&head.seq) {
                keep.pop();
                self.keep(head.seq);
            }
        }
        Ok(())
    }

    /// Applies records in one transaction; reads them in one, which ends with it.
    fn apply_some(&self, tables: &Connection, head: Head, upto: u64) -> Result<Head, Error> {
        let journal = self.journal.unchecked_transaction().doing(DOING)?;
        let target = rusqlite::Transaction::new_unchecked(tables, TransactionBehavior::Immediate).doing(DOING)?;
        let (statements, mut tally) = (Statements::new(&target), Tally::default());
        let reached = walk_on(&journal, head, upto, |raw| {
            let record = raw.record().map_err(|fault| Error::BadRecord { seq: raw.seq, fault })?;
            apply(&statements, &mut tally, &record)
        })?;
        tally.flush(&target)?;
        write_head(&target, reached)?;
        drop(statements);
        target.commit().doing(DOING)?;
        if reached.seq < upto {
            return Err(Refusal::not_found("record", upto).hint("the journal has become shorter").into());
        }
        Ok(reached)
    }

    /// At which records between two to keep tables, the last first: where they spare the most of a later way back.
    fn worth_keeping(&self, from: u64, to: u64) -> Result<Vec<u64>, Error> {
        let mut below = self.kept()?;
        let mut found = vec![];
        for distance in KEPT_BEFORE {
            let Some(seq) = to.checked_sub(distance).filter(|seq| *seq > from) else { continue };
            let nearest = below.iter().rev().find(|kept| **kept <= seq).copied().unwrap_or(0);
            if seq - nearest >= distance.min(seq) {
                below.push(seq);
                below.sort_unstable();
                found.push(seq);
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found)
    }

    /// Keeps a copy of the tables. It only spares time later, so one that cannot be made is done without.
    fn keep(&self, seq: u64) {
        let unfinished = self.folder.join("keep.tmp");
        let copied =
            fs::copy(database(&self.folder), &unfinished).and_then(|_| fs::rename(&unfinished, self.kept_path(seq)));
        if copied.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        let Ok(mut kept) = self.kept() else { return };
        while kept.len() > KEPT_MAX {
            // Without this one the way from the one before it is the shortest.
            let gap = |place: &usize| kept[*place] - if *place == 0 { 0 } else { kept[*place - 1] };
            let Some(place) = (0..kept.len()).min_by_key(gap) else { return };
            let _ = fs::remove_file(self.kept_path(kept.remove(place)));
        }
    }

    fn kept_path(&self, seq: u64) -> PathBuf {
        self.folder.join(format!("{seq}.kept"))
    }

    /// The records at which tables are kept, in order.
    fn kept(&self) -> Result<Vec<u64>, Error> {
        let io = |source| Error::Io { doing: "looking into", path: self.folder.clone(), source };
        let mut found = vec![];
        for entry in fs::read_dir(&self.folder).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            found.extend(name.to_str().and_then(|name| name.strip_suffix(".kept")?.parse::<u64>().ok()));
        }
        found.sort_unstable();
        Ok(found)
    }
}
