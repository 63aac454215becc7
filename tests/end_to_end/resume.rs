//! A follower of the journal sees every record once, also when the engine goes away and comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::site::Site;

/// A process that ends with the test.
struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_follower_goes_on_across_restarts_without_gap_or_repeat() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 2);
    site.run_one(&["true"]);
    site.wait_until_done();
    let after = site.status().unwrap().seq - 2;
    let mut command = site.command(&["journal", "tail", "--follow", "--after", &after.to_string(), "-o", "jsonl"]);
    let mut follower = Follower(command.stdout(Stdio::piped()).spawn().unwrap());
    let seen = Arc::new(Mutex::new(Vec::<u64>::new()));
    let (out, shared) = (follower.0.stdout.take().unwrap(), seen.clone());
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let record: Value = serde_json::from_str(&line).unwrap();
            shared.lock().unwrap().push(record["seq"].as_u64().unwrap());
        }
    });
    for round in 0..4 {
        for _ in 0..5 {
            site.run_one(&["true"]);
        }
        site.wait_until_done();
        let shown = seen.clone();
        site.wait_for("the follower to see the last record", |site| {
            site.status().is_some_and(|status| shown.lock().unwrap().last() >= Some(&status.seq))
        });
        // Something is under way when the engine goes.
        site.run_one(&["true"]);
        if round % 2 == 0 {
            site.kill_engine();
        } else {
            site.terminate_engine();
        }
        site.start_engine();
    }
    site.wait_until_done();
    let head = site.status().unwrap().seq;
    let shown = seen.clone();
    site.wait_for("the follower to see the end", |_| shown.lock().unwrap().last() >= Some(&head));
    let seen: Vec<u64> = seen.lock().unwrap().iter().copied().filter(|seq| *seq <= head).collect();
    assert_eq!(seen, (after + 1..=head).collect::<Vec<_>>());
}

#[test]
fn the_stream_resumes_after_the_last_event_id() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let mut stream = UnixStream::connect(site.data_dir().join("engine.sock")).unwrap();
    // The header is what a browser sends by itself; it counts before the query that the page was opened with.
    write!(stream, "GET /v1/stream?after=0 HTTP/1.1\r\nhost: x\r\nlast-event-id: 2\r\n\r\n").unwrap();
    let mut text = Vec::new();
    let mut byte = [0];
    while text.windows(4).filter(|part| part == b"\nid:").count() < 2 {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    let text = String::from_utf8(text).unwrap();
    let first = text.lines().find_map(|line| line.strip_prefix("id:")).unwrap();
    assert_eq!(first.trim(), "3", "{text}");
}
