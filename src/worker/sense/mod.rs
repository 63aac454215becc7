//! The sensing process: reads what takes longer than the worker's loop may wait, such as disks, temperatures and GPUs, and
//! answers on a pipe.
//!
//! It is a process and no thread, because the worker forks and therefore has one thread only; and a program of its own
//! rather than a fork, so that the vendor's library finds a process as any other. It lives while somebody measures and
//! costs nothing otherwise. It has no clock: for each byte on its standard input it reads once and prints one line.
//! [`Helper`] is the worker's end.

mod helper;
mod host;

use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

use super::{Error, gpu, sys};
use crate::domain::gpu::{GpuSensor, Gpus};
use crate::domain::sensors::Sensors;
pub(super) use helper::Helper;

/// What is to be read, as one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Wanted {
    /// Everything.
    All = b'a',
    /// Only GPUs: what the worker has to know before it greets an engine.
    Gpus = b'g',
    /// Everything but GPUs, whose library does not answer.
    Host = b'h',
}

/// Reads whenever it is asked to, until nobody is left to ask.
///
/// # Errors
/// When an answer cannot be written.
pub(super) fn run(data_dir: &Path) -> Result<(), Error> {
    // A worker that is killed closes no pipe of ours that another process may hold open.
    let _ = sys::prctl(libc::PR_SET_PDEATHSIG, libc::c_ulong::from(libc::SIGKILL.unsigned_abs()));
    let mut host = host::Reader::default();
    let mut gpus = None;
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut byte = [0];
    while input.read(&mut byte).is_ok_and(|count| count == 1) {
        let begun = Instant::now();
        let only = |wanted: Wanted| byte[0] == wanted as u8;
        let mut sensors = if only(Wanted::Gpus) { Sensors::default() } else { host.read(data_dir) };
        sensors.gpus = if only(Wanted::Host) {
            Gpus::without(GpuSensor::NoAnswer, None)
        } else {
            gpus.get_or_insert_with(gpu::Reader::open).read()
        };
        sensors.took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut line = serde_json::to_vec(&sensors).unwrap_or_default();
        line.push(b'\n');
        let written = output.write_all(&line).and_then(|()| output.flush());
        written.map_err(Error::kernel("answering the worker"))?;
    }
    Ok(())
}
