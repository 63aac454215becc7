//! Learning: what outcomes teach about who should do what. `docs/learning.md` has the formulas.
//!
//! Everything here is a function of the outcomes in the order of the journal: whole numbers are kept between them, and only
//! operations that come out the same on every machine are used within.

mod chances;
mod classifier;
pub(super) mod features;
mod guess;
mod keep;
mod math;
mod policy;
mod predictor;
mod prospects;
mod regression;
mod value;

pub(super) use self::classifier::{Classifier, Names, Try};
pub(super) use self::features::Feature;
pub(super) use self::policy::{PART_MAX, Policy};
pub(super) use self::predictor::{Forecast, Predictor};
pub(super) use self::prospects::seconds;
pub(super) use self::value::{MISSED, ValueFunction};
use crate::domain::learning::{ModelKind, ModelParameters};

/// How a model is made.
pub fn model_parameters(model: ModelKind) -> ModelParameters {
    match model {
        ModelKind::Policy => policy::parameters(),
        ModelKind::Predictor => predictor::parameters(),
        ModelKind::Classifier => classifier::parameters(),
        ModelKind::ValueFunction => value::parameters(),
    }
}
