//! A stand-in for the engine: a socket in a data directory that gives fixed answers and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Status, `x-total-count` if any, and body.
pub type Answer = (u16, Option<u64>, Vec<u8>);

/// A request: method and path with query, then the body.
pub type Asked = (String, String);

/// The stand-in; its thread ends with the test's process.
pub struct StandIn {
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl StandIn {
    /// Listens in a data directory, which it makes.
    pub fn start(data_dir: &Path, answer: fn(&str, &str) -> Answer) -> Self {
        std::fs::create_dir_all(data_dir).unwrap();
        let listener = UnixListener::bind(data_dir.join("engine.sock")).unwrap();
        let asked = Arc::new(Mutex::new(vec![]));
        let shared = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = shared.clone();
                let stream = stream.unwrap();
                std::thread::spawn(move || serve(stream, answer, &shared));
            }
        });
        Self { asked }
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers the requests of one connection until it is closed.
fn serve(stream: UnixStream, answer: fn(&str, &str) -> Answer, asked: &Mutex<Vec<Asked>>) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let request = line.trim_end().strip_suffix(" HTTP/1.1")?.to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).ok()?;
        let (status, total, content) = answer(&request, &body);
        // Whether an engine answers at all is asked before anything else, and is nothing that a test asks for.
        if request != "GET /v1/ready" {
            asked.lock().unwrap().push((request, body));
        }
        let total = total.map_or_else(String::new, |total| format!("x-total-count: {total}\r\n"));
        write!(out, "HTTP/1.1 {status} Any\r\n{total}content-length: {}\r\n\r\n", content.len()).ok()?;
        out.write_all(&content).ok()?;
    }
}
