//! The session with the worker of this machine: finds or starts it, reads what it sends, and begins anew when the
//! connection ends.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::message::{Greeting, Message};
use super::outlet::{Outlet, SocketOutlet};
use super::telemetry::Telemetry;
use crate::domain::link::{FRAME_BYTES_MAX, FromWorker, HEARTBEAT, LINK_VERSION, Report, ToWorker};
use crate::domain::{Span, Timestamp};

/// A worker that takes no message for so long is given up: commits must not wait for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// A worker that says nothing for so long hangs, and its connection is closed: from then on its lease runs. Four heartbeats,
/// so that a loaded machine is no reason.
const SILENCE_MAX: Duration = HEARTBEAT.saturating_mul(4);
/// So far may a worker's clock be from the engine's. One that was farther is right again at half of it.
const CLOCK_OFF_MAX: Span = Span::from_secs(5);
/// Pauses between attempts to reach a worker double from the first to the last.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_LAST: Duration = Duration::from_secs(2);

/// Where the worker is and how it is started.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// The data directory, which has its socket.
    pub data_dir: PathBuf,
    /// Set when the engine is about to leave: a worker that leaves with it must not be replaced.
    pub leaving: Arc<AtomicBool>,
    /// Program and arguments that start it; it detaches itself from nothing, the engine does that for it.
    pub command: Vec<OsString>,
}

/// Keeps a session with the worker for as long as the engine lives. Runs on a thread of its own.
pub fn keep_session(settings: &WorkerSettings, clock: Clock, telemetry: &Telemetry, decider: &Sender<Message>) {
    let socket = settings.data_dir.join("worker.sock");
    let mut pause = PAUSE_FIRST;
    let mut child: Option<std::process::Child> = None;
    for connection in 1.. {
        if let Ok(stream) = UnixStream::connect(&socket) {
            let begun = Instant::now();
            match session(connection, &stream, clock, telemetry, decider) {
                // One that ends at once is not worth hurrying for: an engine that is read-only hangs up.
                Ok(heard) if heard && begun.elapsed() > PAUSE_LAST => pause = PAUSE_FIRST,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the session with the worker ended"),
            }
            telemetry.forget_usage();
            if decider.send(Message::Closed { connection }).is_err() {
                return;
            }
        } else if settings.leaving.load(Ordering::Acquire) {
            return;
        } else if child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None))) {
            // There is none, or ours has left, which was just reaped.
            match start_worker(settings) {
                Ok(started) => {
                    tracing::info!(pid = started.id(), "started the worker");
                    child = Some(started);
                }
                Err(error) => tracing::error!(%error, "the worker cannot be started"),
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_LAST);
    }
}

/// Starts a worker in a process group of its own, so that no key at the engine's terminal and no signal to the engine's
/// group ends it.
fn start_worker(settings: &WorkerSettings) -> io::Result<std::process::Child> {
    let (program, arguments) = settings.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let log = OpenOptions::new().create(true).append(true).open(settings.data_dir.join("worker.log"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    command.spawn()
}

/// Speaks with one worker until the connection ends. Gives whether the worker was heard at all.
fn session(
    connection: u64,
    stream: &UnixStream,
    clock: Clock,
    telemetry: &Telemetry,
    decider: &Sender<Message>,
) -> io::Result<bool> {
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let mut outlet = SocketOutlet::new(stream.try_clone()?);
    outlet.send(&[ToWorker::Hello { version: LINK_VERSION }])?;
    let mut outlet = Some(outlet);
    let mut reader = BufReader::with_capacity(256 << 10, stream);
    let mut frame = Vec::new();
    let (mut heard, mut name, mut compared) = (false, String::new(), Compared::default());
    while read_frame(&mut reader, &mut frame)? {
        let message: FromWorker = serde_json::from_slice(&frame).map_err(io::Error::other)?;
        telemetry.heard();
        let message = match message {
            FromWorker::Hello { version, incarnation, node, capacity, metadata, executions, pid } => {
                if version != LINK_VERSION {
                    let text =
                        format!("the worker (process {pid}) speaks version {version}, this engine {LINK_VERSION}");
                    return Err(io::Error::other(text + ": end its work, stop it and start the engine again"));
                }
                let Some(outlet) = outlet.take() else { return Err(io::Error::other("a second hello")) };
                heard = true;
                telemetry.keep_samples(&executions);
                tracing::info!(pid, node, "connected to the worker");
                name.clone_from(&node);
                let outlet = Box::new(outlet);
                Message::Hello(Box::new(Greeting {
                    connection,
                    node,
                    incarnation,
                    capacity,
                    metadata,
                    executions,
                    outlet,
                }))
            }
            FromWorker::Synced => Message::Synced { connection },
            FromWorker::Heartbeat { time } => {
                let Some(time) = time else { continue };
                let verdict = compared.heartbeat(time, clock.now(), Instant::now());
                telemetry.put_clock(&name, compared.offset());
                let offset = match verdict {
                    Some(Verdict::Off(offset)) => Some(offset),
                    Some(Verdict::Right) => None,
                    None => continue,
                };
                Message::Clock { connection, offset }
            }
            FromWorker::Report { number, time, report } => {
                if let Report::Ended { execution_id, .. } = &report {
                    telemetry.remove_sample(*execution_id);
                }
                Message::Report { connection, number, time, report }
            }
            FromWorker::Sample(sample) => {
                telemetry.put_sample(sample);
                continue;
            }
            FromWorker::Usage(measurement) => {
                telemetry.put_measurement(&name, &measurement);
                continue;
            }
            FromWorker::Sensors(sensors) => {
                telemetry.put_sensors(sensors);
                continue;
            }
            FromWorker::Processes { request, total, processes } => {
                telemetry.answer(request, (processes, total));
                continue;
            }
        };
        if decider.send(message).is_err() {
            return Ok(heard);
        }
    }
    Ok(heard)
}

/// What is to be told of a worker's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is off: ahead by so many microseconds.
    Off(i64),
    /// It is right.
    Right,
}

/// A worker's clock, as its heartbeats tell it, beside the engine's.
#[derive(Debug, Default)]
struct Compared {
    /// By how many microseconds it is ahead, and since when it has been too far off.
    off: Option<(i64, Instant)>,
    /// What was said last: whether it is off. `None` before anything was.
    said: Option<bool>,
}

impl Compared {
    /// Takes in what the worker's clock said, and gives what is to be told. What is known already is not told again.
    ///
    /// One heartbeat says nothing: it may have waited on its way, and with it those behind it. Only a second one, half an
    /// interval later at least, is not from the same jam.
    fn heartbeat(&mut self, time: Timestamp, now: Timestamp, at: Instant) -> Option<Verdict> {
        let offset = time.as_micros() - now.as_micros();
        let limit = CLOCK_OFF_MAX.as_micros() / if self.said == Some(true) { 2 } else { 1 };
        if offset.abs() <= limit {
            self.off = None;
            return (self.said.replace(false) != Some(false)).then_some(Verdict::Right);
        }
        let (_, since) = *self.off.get_or_insert((offset, at));
        self.off = Some((offset, since));
        let lasts = at.saturating_duration_since(since) >= HEARTBEAT / 2;
        (lasts && self.said.replace(true) != Some(true)).then_some(Verdict::Off(offset))
    }

    /// By how many microseconds it is ahead of the engine's; `None` while nothing is wrong that was told.
    fn offset(&self) -> Option<i64> {
        self.off.filter(|_| self.said == Some(true)).map(|(offset, _)| offset)
    }
}

/// Reads one frame into `frame`; gives false at the end of the stream. A stream that is silent for too long is an error.
fn read_frame(reader: &mut impl Read, frame: &mut Vec<u8>) -> io::Result<bool> {
    let named = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            let seconds = SILENCE_MAX.as_secs();
            io::Error::new(io::ErrorKind::TimedOut, format!("it has said nothing for {seconds} s, so it is given up"))
        }
        _ => error,
    };
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(named(error)),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::other(format!("a frame of {length} bytes; at most {FRAME_BYTES_MAX} are allowed")));
    }
    frame.resize(length, 0);
    reader.read_exact(frame).map_err(named)?;
    Ok(true)
}

/// The name of this host, for the records of nodes and local users.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The name of an account on this host, or its number when it has none.
pub fn account_name(uid: u32) -> String {
    let passwd = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    let mut accounts = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some((fields.next()?, fields.nth(1)?.parse::<u32>().ok()?))
    });
    accounts.find(|(_, number)| *number == uid).map_or_else(|| uid.to_string(), |(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_once_and_a_jam_is_none() {
        let begun = Instant::now();
        let now = |second: u64| Timestamp::from_micros(1_000_000_000_000 + i64::try_from(second).unwrap() * 1_000_000);
        let mut compared = Compared::default();
        let mut beat = |second: u64, ahead: i64| {
            let time = Timestamp::from_micros(now(second).as_micros() + ahead * 1_000_000);
            let told = compared.heartbeat(time, now(second), begun + Duration::from_secs(second));
            (told, compared.offset())
        };
        let hour = 3_600_000_000;
        assert_eq!(beat(0, 5), (Some(Verdict::Right), None), "it is right: an earlier word is over");
        assert_eq!(beat(5, 4), (None, None));
        // The engine was held up, and reads at once what came meanwhile.
        for behind in [30, 25, 20, 15, 10] {
            assert_eq!(beat(40, -behind), (None, None));
        }
        assert_eq!(beat(45, 0), (None, None));
        assert_eq!(beat(50, 3600), (None, None));
        assert_eq!(beat(55, 3600), (Some(Verdict::Off(hour)), Some(hour)));
        assert_eq!(beat(60, 3601), (None, Some(hour + 1_000_000)), "it is known");
        assert_eq!(beat(65, 3), (None, Some(3_000_000)), "not right before it is half as far off");
        assert_eq!(beat(70, 2), (Some(Verdict::Right), None));
        assert_eq!(beat(75, -3600), (None, None));
        assert_eq!(beat(80, -3600), (Some(Verdict::Off(-hour)), Some(-hour)), "and again");
    }
}
