//! A worker whose clock is an hour off: somebody is told, once, until it is right again. The worker is one of the test's own,
//! because a host has but one clock.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use menagerie::api::live::{Health, HealthState};
use menagerie::domain::link::{FromWorker, LINK_VERSION};
use menagerie::domain::node::Capacity;
use menagerie::domain::{Severity, Timestamp};

use super::ops::{cleared, fired, out, unstarted};
use super::site::Site;

/// How often it says what its clock says.
const BEAT: Duration = Duration::from_millis(200);
const HOUR: i64 = 3_600_000_000;

/// A worker that does nothing but tell the time.
#[derive(Clone)]
struct Teller {
    /// By how many microseconds its clock is ahead.
    ahead: Arc<AtomicI64>,
    beats: Arc<AtomicU64>,
}

impl Teller {
    fn listen(data_dir: &Path, ahead: i64) -> Self {
        std::fs::create_dir_all(data_dir).unwrap();
        let listener = UnixListener::bind(data_dir.join("worker.sock")).unwrap();
        let teller = Self { ahead: Arc::new(AtomicI64::new(ahead)), beats: Arc::default() };
        let told = teller.clone();
        std::thread::spawn(move || {
            // The engine ends it by closing its end, the test by ending.
            for stream in listener.incoming().flatten() {
                let _ = told.tell(&stream);
            }
        });
        teller
    }

    fn tell(&self, stream: &UnixStream) -> std::io::Result<()> {
        let say = |message: &FromWorker| {
            let (mut to, body) = (stream, serde_json::to_vec(message).unwrap());
            to.write_all(&u32::try_from(body.len()).unwrap().to_le_bytes())?;
            to.write_all(&body)
        };
        let capacity = Capacity { cpu_millis: 4000, memory: 8 << 30, gpu: 0, gpu_memory: 0, storage: 1 << 30 };
        let (node, metadata, executions) = ("far".to_owned(), serde_json::Map::new(), vec![]);
        say(&FromWorker::Hello {
            version: LINK_VERSION,
            incarnation: 1,
            pid: 1,
            node,
            capacity,
            metadata,
            executions,
        })?;
        say(&FromWorker::Synced)?;
        stream.set_read_timeout(Some(BEAT))?;
        let mut orders = [0; 4096];
        loop {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
            let time = i64::try_from(wall).unwrap() + self.ahead.load(Ordering::Relaxed);
            say(&FromWorker::Heartbeat { time: Some(Timestamp::from_micros(time)) })?;
            self.beats.fetch_add(1, Ordering::Relaxed);
            // Whatever the engine wants is not done; until it says something there is time for a beat.
            let mut from = stream;
            match from.read(&mut orders) {
                Ok(0) => return Ok(()),
                Ok(read) if String::from_utf8_lossy(&orders[..read]).contains("shutdown") => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn clock(site: &Site) -> Health {
    site.status().unwrap().health.into_iter().find(|part| part.component == "clock").unwrap()
}

#[test]
fn a_worker_whose_clock_is_an_hour_off_is_told_once_until_it_is_right() {
    let mut site = unstarted("");
    let teller = Teller::listen(&site.data_dir(), HOUR);
    site.start_engine();
    let alert = fired(&mut site, "clock off", Severity::Warning);
    assert_eq!(alert.source, "node far");
    assert!(alert.message.contains("clock of node far is") && alert.message.contains("ahead of"), "{}", alert.message);
    assert!(alert.context.remedy.as_ref().unwrap().contains("NTP"), "{alert:?}");
    let part = clock(&site);
    assert_eq!(part.state, HealthState::Degraded);
    assert!(part.reason.contains("node far") && part.remedy.contains("NTP") && part.since.is_some(), "{part:?}");
    let status = site.command(&["status"]).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(status.contains("the clock of node far is") && status.contains("since "), "{status}");
    // It is told again and again by the worker, and once by the engine.
    let told = teller.beats.load(Ordering::Relaxed);
    site.wait_for("more heartbeats", |_| teller.beats.load(Ordering::Relaxed) > told + 10);
    let events = out(&site, &["event", "list", "--source", "node far"]);
    assert_eq!(events.matches("the clock of node far is").count(), 1, "{events}");
    teller.ahead.store(0, Ordering::Relaxed);
    cleared(&mut site, "clock off");
    assert_eq!(clock(&site).state, HealthState::Ok);
}
