//! The decisions, as a pure state machine: `(state, now, input) -> events + effects`.
//!
//! No clock, no randomness, no I/O: time is an argument, draws follow from a seed. Applying events is the only way in
//! which state changes.
