//! The store of metrics: what the fleet measured, second by second for a day, minute by minute for a week, hour by hour for
//! a year.
//!
//! It lives in a folder of its own, `metrics/`, beside the journal and apart from it: nothing here is decided on, nothing
//! here can slow a decision down, and the folder may be removed while no engine runs. `series.db` has the names and a log
//! of what came in of late; samples and their summaries are in files that each stand for a day or a month and are removed
//! whole when they expire.
//!
//! - A batch of samples is one row of the log, in one transaction: what [`Series::append`] has taken survives every crash.
//! - It then goes to the [`head`], which holds in memory, packed, what is not yet in the files.
//! - A slot of ten minutes that is over by two minutes is sealed ([`seal`]): its chunks are written to the day's file and
//!   the log forgets them. An hour whose slots are all sealed is rolled up ([`rollup`]). Both may be done again at any
//!   time with the same outcome, which is what makes crashes and clocks that go back harmless.
//! - [`expire`] removes files by age, or the oldest when all take too much.
//!
//! There is one writer, [`Series`]. Any number of [`Handle`]s, on any thread, give out ids of series and answer queries
//! while it writes: they share the head and the names behind locks that the writer holds for moments, and read the files
//! by connections of their own. A query looks at the head first and at the files afterwards, and the writer removes from
//! the head only what is durable in a file; so a sample is seen in one of them at least, and counted once.
//!
//! Times are given in, never read from a clock.

mod bits;
mod block;
mod chunk;
mod codec;
mod dictionary;
mod expire;
mod files;
mod handle;
mod head;
mod histogram;
mod log;
mod policy;
mod query;
mod rollup;
mod seal;
mod sketch;
mod sources;
mod summary;
#[cfg(test)]
mod tests;
mod windows;
mod writer;

pub use dictionary::SeriesId;
pub use handle::{Handle, Latest};
pub use policy::Policy;
pub use writer::{Appended, Sample, Series};
