//! The way out of a cage whose policy lists ports: a connection to such a port inside is taken by the worker and passed
//! on to the same port of the host's loopback. Inside there is no other network, so nothing else can be reached.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes held per direction.
const BUFFER_BYTES: usize = 32 << 10;

/// A connection through the worker.
pub(super) struct Relay {
    /// The slot whose agent has connected.
    pub(super) slot: usize,
    /// Which of inside and outside are watched. A socket of which nothing is wanted is not: its end would be announced
    /// again and again.
    pub(super) watched: [bool; 2],
    inside: TcpStream,
    outside: TcpStream,
    /// Whether the agent is gone.
    orphan: bool,
    out: Way,
    back: Way,
}

/// One direction of a relay.
struct Way {
    buffer: Vec<u8>,
    sent: usize,
    ended: bool,
    closed: bool,
}

/// What a relay waits for: (inside readable, inside writable, outside readable, outside writable).
pub(super) type Interest = (bool, bool, bool, bool);

impl Relay {
    /// Takes the next connection from `listener` and begins to connect it to `port` of the host's loopback; `None` when
    /// there is none, or nobody there to connect it to.
    ///
    /// # Errors
    /// When a connection waits and cannot be taken, for want of descriptors as a rule.
    pub(super) fn accept(slot: usize, listener: &OwnedFd, port: u16) -> io::Result<Option<Self>> {
        use rustix::io::Errno;
        use rustix::net::{AddressFamily, SocketFlags, SocketType, accept_with, connect, socket_with};
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let inside = match accept_with(listener, flags) {
            Ok(inside) => TcpStream::from(inside),
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let outside = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        match connect(&outside, &SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(_) => return Ok(None),
        }
        let way = || Way { buffer: vec![], sent: 0, ended: false, closed: false };
        let (out, back) = (way(), way());
        Ok(Some(Self { slot, watched: [false; 2], orphan: false, inside, outside: outside.into(), out, back }))
    }

    /// What to wait on: inside and outside.
    pub(super) fn sockets(&self) -> [BorrowedFd<'_>; 2] {
        [self.inside.as_fd(), self.outside.as_fd()]
    }

    /// Moves what can be moved; whether the relay is at its end.
    pub(super) fn pump(&mut self) -> bool {
        let out = self.out.pump(&mut self.inside, &mut self.outside);
        let back = self.back.pump(&mut self.outside, &mut self.inside);
        out.is_err() || back.is_err() || (self.out.closed && self.back.closed)
    }

    /// The agent is gone: what it has sent goes on its way, and nobody waits for an answer. Whether that was all.
    pub(super) fn orphan(&mut self) -> bool {
        self.orphan = true;
        (self.back.ended, self.back.closed) = (true, true);
        self.back.buffer.clear();
        self.back.sent = 0;
        self.pump()
    }

    /// Whether the agent is gone.
    pub(super) fn is_orphan(&self) -> bool {
        self.orphan
    }

    /// What to wait for next.
    pub(super) fn interest(&self) -> Interest {
        (self.out.wants_more(), self.back.has_some(), self.back.wants_more(), self.out.has_some())
    }
}

impl Way {
    fn wants_more(&self) -> bool {
        !self.ended && self.buffer.is_empty()
    }

    fn has_some(&self) -> bool {
        self.sent < self.buffer.len()
    }

    /// One round: fill when empty, then send. A bounded round keeps one busy connection from starving the others.
    fn pump(&mut self, from: &mut TcpStream, to: &mut TcpStream) -> io::Result<()> {
        if self.wants_more() {
            self.buffer.resize(BUFFER_BYTES, 0);
            match from.read(&mut self.buffer) {
                Ok(0) => {
                    self.ended = true;
                    self.buffer.clear();
                }
                Ok(count) => self.buffer.truncate(count),
                Err(error) if is_later(&error) => self.buffer.clear(),
                Err(error) => return Err(error),
            }
        }
        while self.has_some() {
            match to.write(&self.buffer[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if is_later(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.buffer.clear();
        self.sent = 0;
        if self.ended && !self.closed {
            self.closed = true;
            // The other direction may go on; a peer that has left already is none of our business.
            let _ = to.shutdown(std::net::Shutdown::Write);
        }
        Ok(())
    }
}

/// Not now: nothing there, no room, or not yet connected.
fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::NotConnected)
}
