//! The engine: decides and remembers. [`core`] decides; the rest feeds it, commits what it decided, and only then acts.
//!
//! It never touches a process, a cgroup or a sensor: that is the worker's.

pub mod core;
