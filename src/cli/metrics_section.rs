//! `[metrics]` of the configuration file: how much of what is measured is kept, and for how long.

use schemars::JsonSchema;
use serde::Deserialize;

use super::config::{Layers, Setting};
use super::failure::Failure;
use crate::domain::{Bytes, Span};
use crate::store::series::Policy;

/// `[metrics]` of the configuration file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSection {
    /// For how long samples are kept, 1h to 90d. Default: `24h`.
    pub raw: Option<Span>,
    /// For how long figures of minutes are kept, as long as samples at least, up to 3650d. Default: `7d`.
    pub minutes: Option<Span>,
    /// For how long figures of hours are kept, as long as those of minutes at least, up to 3650d. Default: `366d`.
    pub hours: Option<Span>,
    /// How much everything may take, 64 MiB at least; beyond it the oldest goes first. Default: `8GiB`.
    pub bytes: Option<Bytes>,
    /// How many series there may be, 1,000 to 10,000,000. Default: 200,000.
    pub series: Option<u32>,
}

/// The same, with where each comes from.
#[derive(Clone, Debug)]
pub struct MetricsSettings {
    /// For how long samples are kept.
    pub raw: Setting<Span>,
    /// For how long figures of minutes are kept.
    pub minutes: Setting<Span>,
    /// For how long figures of hours are kept.
    pub hours: Setting<Span>,
    /// How much everything may take.
    pub bytes: Setting<Bytes>,
    /// How many series there may be.
    pub series: Setting<u32>,
}

impl MetricsSection {
    /// What the file says, or else the default.
    ///
    /// # Errors
    /// A value that is not allowed, by itself or beside the others.
    pub(super) fn resolve(&self, layers: &Layers<'_>) -> Result<MetricsSettings, Failure> {
        let usual = Policy::default();
        let settings = MetricsSettings {
            raw: layers.file_or(self.raw, usual.raw),
            minutes: layers.file_or(self.minutes, usual.minutes),
            hours: layers.file_or(self.hours, usual.hours),
            bytes: layers.file_or(self.bytes, usual.bytes),
            series: layers.file_or(self.series, usual.series),
        };
        settings.policy().check().map_err(|refusal| refusal.within(layers.path.display().to_string()))?;
        Ok(settings)
    }
}

impl MetricsSettings {
    /// As the store of metrics takes it.
    pub const fn policy(&self) -> Policy {
        Policy {
            raw: self.raw.value,
            minutes: self.minutes.value,
            hours: self.hours.value,
            bytes: self.bytes.value,
            series: self.series.value,
        }
    }
}
