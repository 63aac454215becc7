//! What every verb is given: the settings, the printer and the way to the engine.

use std::sync::OnceLock;

use super::config::Settings;
use super::failure::Failure;
use super::launch;
use super::output::Printer;
use crate::api::client::{Client, Error};
use crate::domain::Timestamp;

/// What every verb is given.
pub struct Context {
    /// Everything that can be set.
    pub settings: Settings,
    /// Where results go.
    pub out: Printer,
}

impl Context {
    /// A context with standard output.
    pub fn new(settings: Settings) -> Self {
        let out = Printer::new(&settings);
        Self { settings, out }
    }

    /// The engine; one is started in the background when none runs and the user did not forbid it.
    pub fn engine(&self) -> Result<Client, Failure> {
        let client = match self.running_engine() {
            Err(Failure::NoEngine { .. }) if self.settings.start.value => launch::start(&self.settings),
            result => result,
        }?;
        if let Some(path) = &self.settings.account {
            client.keep_account(path.clone());
        }
        Ok(client)
    }

    /// The engine if one runs.
    pub fn running_engine(&self) -> Result<Client, Failure> {
        let data_dir = &self.settings.data_dir.value;
        let client = Client::connect(data_dir).map_err(|error: Error| Failure::from(error))?;
        // The socket of an engine that was just killed still takes connections for a moment. Asking first whether it answers
        // costs little, and nothing was sent then whose fate would be unknown.
        if let Err(Error::Broken(_)) = client.ready() {
            return Err(Failure::NoEngine { data_dir: data_dir.clone() });
        }
        client.wait_while_starting(launch::progress_line(launch::STARTING));
        Ok(client)
    }
}

/// The moment that is looked at instead of the present.
static LOOKED_AT: OnceLock<Timestamp> = OnceLock::new();

/// Has ages be counted from this moment on, and not from the present; once a process.
pub fn stand_at(moment: Timestamp) {
    // There is one moment a process, so this is never set twice.
    let _ = LOOKED_AT.set(moment);
}

/// The time by this machine's clock, or the moment that is looked at, for ages in tables.
pub fn now() -> Timestamp {
    if let Some(moment) = LOOKED_AT.get() {
        return *moment;
    }
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}
