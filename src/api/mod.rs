//! The interface between the engine and everybody else: wire types, the server's routes, the client.
//!
//! It is HTTP/1.1 with JSON over a Unix socket in the data directory. [`types`] says what travels beyond the domain's
//! own values, [`live`] what is asked for every second, [`triage`] what somebody needs to decide; [`filters`] what
//! can be asked of the two lists that only exist here; [`client`] is what
//! the command line and the console speak through. The client never sees the store or the engine: whatever it shows
//! came over the socket.

pub mod client;
pub mod filters;
pub mod live;
pub mod server;
pub mod triage;
pub mod types;
