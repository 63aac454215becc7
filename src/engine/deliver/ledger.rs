//! What each receiver has been told of alerts that are not over, kept in a file beside the store, so that an engine knows
//! what an earlier one did not get to tell. It follows from no journal: what has reached somebody outside is known only here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{AlertId, Severity};

/// The file's name in the data directory.
const FILE: &str = "alerts-told.json";

/// By receiver and alert: the severity that was told last.
type All = BTreeMap<String, BTreeMap<String, Severity>>;

/// What receivers have been told. Clones share it.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
    told: Arc<Mutex<All>>,
}

impl Ledger {
    /// Reads what was written in a data directory of these receivers. What cannot be read counts as not told: twice is better
    /// than never.
    pub fn open<'a>(data_dir: &Path, receivers: impl IntoIterator<Item = &'a str>) -> Self {
        let path = data_dir.join(FILE);
        let mut written: All = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, "what receivers were told of alerts cannot be read, and is told again");
                All::new()
            }),
            Err(_) => All::new(),
        };
        let told = receivers.into_iter().map(|name| (name.to_owned(), written.remove(name).unwrap_or_default()));
        Self { path, told: Arc::new(Mutex::new(told.collect())) }
    }

    /// What a receiver has been told of alerts that were not over then.
    pub fn told(&self, receiver: &str) -> BTreeMap<AlertId, Severity> {
        let all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = all.get(receiver).into_iter().flatten();
        of_it.filter_map(|(id, severity)| Some((id.parse().ok()?, *severity))).collect()
    }

    /// A receiver has been told of an alert: at which severity it is, or that it is over. Written at once, by another file in
    /// the place of the old one; that it outlasts a loss of power is not waited for.
    pub fn note(&self, receiver: &str, alert: AlertId, severity: Option<Severity>) {
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = all.entry(receiver.to_owned()).or_default();
        match severity {
            Some(severity) => of_it.insert(alert.to_string(), severity),
            None => of_it.remove(&alert.to_string()),
        };
        let new = self.path.with_extension("new");
        let written = serde_json::to_vec(&*all).map_err(std::io::Error::other);
        let written =
            written.and_then(|bytes| std::fs::write(&new, bytes)).and_then(|()| std::fs::rename(&new, &self.path));
        if let Err(error) = written {
            tracing::warn!(%error, "what receivers were told of alerts cannot be written, and is told again after a restart");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn another_engine_knows_what_was_told() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Ledger::open(folder.path(), ["ops", "mail"]);
        let id = |number| AlertId::new(Timestamp::EPOCH, number);
        let ledger = open();
        ledger.note("ops", id(1), Some(Severity::Warning));
        ledger.note("ops", id(2), Some(Severity::Warning));
        ledger.note("ops", id(2), Some(Severity::Critical));
        ledger.note("mail", id(1), Some(Severity::Warning));
        ledger.note("mail", id(1), None);
        let known = open();
        assert_eq!(known.told("ops"), [(id(1), Severity::Warning), (id(2), Severity::Critical)].into());
        assert_eq!((known.told("mail"), known.told("nobody")), (BTreeMap::new(), BTreeMap::new()));
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert_eq!(open().told("ops"), BTreeMap::new());
    }
}
