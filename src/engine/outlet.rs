//! The way from the engine to a worker.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use crate::domain::link::{FRAME_BYTES_MAX, ToWorker};

/// A message that was not sent, because no worker would take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Its place among those that were to be sent, from 0.
    pub place: usize,
    /// The bytes of its frame's body.
    pub bytes: usize,
}

/// Takes messages for one worker. An error means that the worker is gone; its connection will say so too.
pub trait Outlet: Send {
    /// Sends `messages` in order, without those that are longer than [`FRAME_BYTES_MAX`], which it gives: a worker would
    /// break the connection upon one, and again whenever it is repeated.
    fn send(&mut self, messages: &[ToWorker]) -> io::Result<Vec<TooLong>>;
}

/// Writes frames to a worker's socket. All messages of a call go out in one write.
pub struct SocketOutlet {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl SocketOutlet {
    /// Writes to `stream`, which should have a write timeout: a worker that stands still must not hold up commits.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }
}

impl Drop for SocketOutlet {
    fn drop(&mut self) {
        // The reading side holds the same connection; it has to notice that nobody writes any more, so that a new one
        // is made and the worker says again what was lost.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

impl Outlet for SocketOutlet {
    fn send(&mut self, messages: &[ToWorker]) -> io::Result<Vec<TooLong>> {
        self.buffer.clear();
        let mut left_out = vec![];
        for (place, message) in messages.iter().enumerate() {
            if let Some(bytes) = write_frame(message, &mut self.buffer)? {
                left_out.push(TooLong { place, bytes });
            }
        }
        self.stream.write_all(&self.buffer)?;
        Ok(left_out)
    }
}

/// Appends a frame: four bytes of length, little-endian, then JSON. Of a message that is longer than [`FRAME_BYTES_MAX`]
/// nothing is appended, and its length given.
fn write_frame(message: &ToWorker, buffer: &mut Vec<u8>) -> io::Result<Option<usize>> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    serde_json::to_writer(&mut *buffer, message)?;
    let bytes = buffer.len() - start - 4;
    let Some(length) = u32::try_from(bytes).ok().filter(|_| bytes <= FRAME_BYTES_MAX) else {
        buffer.truncate(start);
        return Ok(Some(bytes));
    };
    buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(None)
}
