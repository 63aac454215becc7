//! The way from the engine to a worker.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use crate::domain::link::ToWorker;

/// Takes messages for one worker. An error means that the worker is gone; its connection will say so too.
pub trait Outlet: Send {
    /// Sends `messages` in order.
    fn send(&mut self, messages: &[ToWorker]) -> io::Result<()>;
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
    fn send(&mut self, messages: &[ToWorker]) -> io::Result<()> {
        self.buffer.clear();
        for message in messages {
            write_frame(message, &mut self.buffer)?;
        }
        self.stream.write_all(&self.buffer)
    }
}

/// Appends a frame: four bytes of length, little-endian, then JSON.
pub fn write_frame<T: serde::Serialize>(message: &T, buffer: &mut Vec<u8>) -> io::Result<()> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    serde_json::to_writer(&mut *buffer, message)?;
    let length = u32::try_from(buffer.len() - start - 4).map_err(io::Error::other)?;
    buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}
