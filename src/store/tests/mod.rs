//! What the store promises, tried on real files with random but possible histories.

// Draws and counts are tiny; spelling out each conversion would hide what is tested.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

mod approval;
mod dashboards;
mod faults;
mod filters;
mod generator;
mod lists;
mod past;
mod performance;
mod properties;
mod search;
mod triage;
