//! Learning: what outcomes teach about who should do what. `docs/learning.md` has the formulas.
//!
//! Everything here is a function of the outcomes in the order of the journal: whole numbers are kept between them, and only
//! operations that come out the same on every machine are used within.

pub(super) mod features;
mod guess;
mod keep;
mod math;
mod policy;
mod predictor;
mod regression;

pub(super) use self::features::Feature;
pub(super) use self::policy::{PART_MAX, Policy};
pub(super) use self::predictor::{Forecast, Predictor};
use crate::domain::learning::{ModelKind, ModelParameters};

/// How a model is made.
pub fn model_parameters(model: ModelKind) -> ModelParameters {
    match model {
        ModelKind::Policy => policy::parameters(),
        ModelKind::Predictor => predictor::parameters(),
        _ => ModelParameters::default(),
    }
}
