//! What the store promises, tried on real files with random but possible histories.

mod faults;
mod generator;
mod lists;
mod properties;
