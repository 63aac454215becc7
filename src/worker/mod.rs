//! The worker: owns a node's cages, starts and ends agent processes, enforces limits, spools output.
//!
//! The only room with unsafe code, each block with its argument. It knows the domain and nothing of engine or store.
#![allow(unsafe_code)]
