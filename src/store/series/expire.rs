//! What has been kept for long enough goes, a file at a time.

use rusqlite::params;

use super::files::{self, DAY, HOUR, MINUTE, Part, Tier};
use super::writer::Series;
use crate::store::error::{Doing, Error};

/// How often files are looked through.
const EVERY: i64 = 10 * MINUTE;
/// For how long the clock must have gone on evenly before anything goes by age: a clock that is wrong by days for a moment
/// must not cost a year of figures.
const STEADY: i64 = 10 * MINUTE;

impl Series {
    /// Notes whether the clock goes on evenly.
    pub(super) fn note_clock(&mut self, now: i64) {
        if now < self.looked || now - self.looked > HOUR {
            (self.steady, self.expired) = (now, 0);
        }
        self.looked = now;
    }

    /// Removes the files of a time that nobody asks for any more, and the oldest ones while all take too much; then the
    /// series that have nothing left.
    pub(super) fn expire(&mut self, now: i64) -> Result<(), Error> {
        if now - self.expired < EVERY {
            return Ok(());
        }
        let parts = files::parts(&self.shared.folder)?;
        let is_steady = now - self.steady >= STEADY;
        let kept = |tier| match tier {
            Tier::Raw => self.policy.raw,
            Tier::Minutes => self.policy.minutes,
            Tier::Hours => self.policy.hours,
        };
        let (mut gone, mut left): (Vec<Part>, Vec<Part>) =
            parts.into_iter().partition(|part| is_steady && part.to < now - kept(part.tier).as_micros());
        let mut bytes = files::bytes(&self.shared.folder);
        bytes -= gone.iter().map(|part| files::part_bytes(&part.path)).sum::<u64>().min(bytes);
        // Samples before minutes before hours, the oldest first; never what is being written.
        left.retain(|part| part.to <= now);
        for part in left {
            if bytes <= self.policy.bytes.get() {
                break;
            }
            bytes -= files::part_bytes(&part.path).min(bytes);
            gone.push(part);
        }
        for part in gone {
            files::remove(&part.path)?;
        }
        if is_steady {
            self.forget_idle((now - self.policy.hours.as_micros()).div_euclid(DAY) - 31)?;
        }
        self.expired = now;
        Ok(())
    }

    /// Forgets series that had no samples since a day: even the month's file of their last one has expired.
    fn forget_idle(&mut self, day: i64) -> Result<(), Error> {
        let mut idle = self.shared.names().idle_since(day);
        let head = self.shared.head();
        idle.retain(|id| !head.holds(*id));
        drop(head);
        if idle.is_empty() {
            return Ok(());
        }
        let doing = "forgetting metrics";
        let transaction = self.connection.transaction().doing(doing)?;
        for id in &idle {
            transaction
                .prepare_cached("DELETE FROM series WHERE id = ?")
                .and_then(|mut delete| delete.execute(params![id.0]))
                .doing(doing)?;
        }
        transaction.execute("DELETE FROM family WHERE name NOT IN (SELECT name FROM series)", []).doing(doing)?;
        transaction.commit().doing(doing)?;
        self.shared.names_mut().remove(&idle);
        Ok(())
    }
}
