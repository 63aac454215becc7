//! A small HTTP server on loopback that remembers what it was sent: a webhook's receiver, a collector of telemetry.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    /// Request line and headers, the names in small letters.
    pub head: String,
    pub body: Value,
}

/// Its threads end with the test's process.
pub struct Listener {
    pub address: SocketAddr,
    got: Arc<Mutex<Vec<Request>>>,
    status: Arc<AtomicU16>,
}

impl Listener {
    /// Listens on a port that is free, and answers with 200.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (got, status) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::new(AtomicU16::new(200)));
        let shared = (got.clone(), status.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (got, status) = shared.clone();
                let stream = stream.unwrap();
                std::thread::spawn(move || serve(&stream, &got, &status));
            }
        });
        Self { address, got, status }
    }

    /// Answers with this status from now on; zero for no answer at all.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Everything that it took, that is answered with 200.
    pub fn taken(&self) -> Vec<Request> {
        self.got.lock().unwrap().clone()
    }
}

fn serve(mut stream: &TcpStream, got: &Mutex<Vec<Request>>, status: &AtomicU16) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let status = status.load(Ordering::SeqCst);
    if status == 0 {
        // Until the other side gives up.
        let _ = reader.fill_buf();
        return None;
    }
    if status == 200 {
        let body = serde_json::from_slice(&body).expect("what is sent is JSON");
        got.lock().unwrap().push(Request { path, head, body });
    }
    write!(stream, "HTTP/1.1 {status} Any\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}").ok()
}
