//! A small engine for tests: starts a real worker in a data directory of its own, speaks the link's protocol with it,
//! and leaves nothing behind, whether the test passes or not.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use menagerie::domain::agent::StreamFormat;
use menagerie::domain::artifact::FoundArtifact;
use menagerie::domain::link::{FRAME_BYTES_MAX, FromWorker, LINK_VERSION, Report, Sample, Start, ToWorker};
use menagerie::domain::sensors::Sensors;
use menagerie::domain::spool::{self, Piece, Stream};
use menagerie::domain::watch::{Measurement, Process};
use menagerie::domain::{
    Bytes, CageId, CageSpec, Enforcements, ExecutionId, Outcome, OutcomeKind, Span, TaskId, Timestamp, Verify,
};

/// Longer than anything here may take; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_mins(1);

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A worker under test and the engine's end of the link to it.
pub struct Worker {
    pub child: Child,
    pub folder: PathBuf,
    /// Kept for its end, which removes the folder.
    temporary: Option<tempfile::TempDir>,
    stream: Option<UnixStream>,
    input: Vec<u8>,
    pub hello: Option<FromWorker>,
    pub reports: Vec<(u64, Report)>,
    pub samples: Vec<Sample>,
    pub measurements: Vec<Measurement>,
    pub sensors: Vec<Sensors>,
    /// Questions after processes that were answered: number, total, processes.
    pub answers: Vec<(u64, u64, Vec<Process>)>,
    ended: HashMap<ExecutionId, (Outcome, Vec<FoundArtifact>)>,
    synced: bool,
    /// How often it said that it is there.
    pub heartbeats: u32,
}

pub fn cage(number: u16) -> CageSpec {
    CageSpec::new(CageId::new(number).unwrap())
}

pub fn new_execution() -> ExecutionId {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let seed = u128::from(std::process::id()) << 32 | u128::from(number);
    ExecutionId::new(Timestamp::from_micros(1_700_000_000_000_000 + number.cast_signed()), seed)
}

pub fn start(cage: CageId, command: &[&str]) -> Start {
    let execution_id = new_execution();
    Start {
        execution_id,
        task_id: TaskId(execution_id.0),
        cage_id: cage,
        agent: "tester".to_owned(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        env: BTreeMap::new(),
        workdir: None,
        format: StreamFormat::default(),
        verify: Verify::default(),
        workspace: None,
        task: serde_json::json!({"type": "test", "parameters": {"input_data": {"x": 1}}}),
        timeout: Some(Span::from_secs(50)),
        output: Bytes::from_mib(1),
        tokens: None,
    }
}

impl Worker {
    /// A worker in a folder of its own, connected and greeted.
    pub fn start() -> Self {
        let temporary = tempfile::Builder::new().prefix("menagerie-test-").tempdir().unwrap();
        let mut worker = Self::start_in(temporary.path());
        worker.temporary = Some(temporary);
        worker
    }

    pub fn start_in(folder: &Path) -> Self {
        Self::start_with(folder, Duration::from_mins(1))
    }

    /// A worker that leaves after so long without an engine and without anything to do.
    pub fn start_with(folder: &Path, idle_exit: Duration) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(folder.join("worker.log")).unwrap();
        let program =
            std::env::var_os("MENAGERIE_TEST_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_menagerie").into());
        let child = Command::new(program)
            .args(["worker", "--data-dir"])
            .arg(folder)
            .env("MENAGERIE_WORKER_IDLE_MS", idle_exit.as_millis().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self::adopt(child, folder)
    }

    pub fn adopt(child: Child, folder: &Path) -> Self {
        let mut worker = Self {
            child,
            folder: folder.to_owned(),
            temporary: None,
            stream: None,
            input: vec![],
            hello: None,
            reports: vec![],
            samples: vec![],
            measurements: vec![],
            sensors: vec![],
            answers: vec![],
            ended: HashMap::new(),
            synced: false,
            heartbeats: 0,
        };
        worker.connect();
        worker
    }

    pub fn connect(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let path = self.folder.join("worker.sock");
        let stream = loop {
            match UnixStream::connect(&path) {
                Ok(stream) => break stream,
                Err(error) => {
                    let exited = self.child.try_wait().unwrap();
                    let log = std::fs::read_to_string(self.folder.join("worker.log")).unwrap_or_default();
                    assert!(exited.is_none(), "the worker left with {exited:?}: {log}");
                    assert!(Instant::now() < deadline, "no worker at {}: {error}", path.display());
                    std::thread::yield_now();
                }
            }
        };
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        self.stream = Some(stream);
        self.input.clear();
        self.hello = None;
        self.synced = false;
        self.send(&ToWorker::Hello { version: LINK_VERSION });
        self.wait_for("the worker's hello", |worker| worker.synced.then_some(()));
    }

    pub fn disconnect(&mut self) {
        self.stream = None;
    }

    pub fn send(&mut self, message: &ToWorker) {
        let body = serde_json::to_vec(message).unwrap();
        let mut frame = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        frame.extend(body);
        self.stream.as_mut().unwrap().write_all(&frame).unwrap();
    }

    /// Takes in what the worker has sent, waiting a little when there is nothing.
    pub fn receive(&mut self) {
        let mut buffer = [0; 16 << 10];
        match self.stream.as_mut().unwrap().read(&mut buffer) {
            Ok(count) => self.input.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(error) => panic!("reading from the worker: {error}"),
        }
        let mut at = 0;
        while let Some(header) = self.input.get(at..at + 4) {
            let length = u32::from_le_bytes(header.try_into().unwrap()) as usize;
            assert!(length <= FRAME_BYTES_MAX, "a frame of {length} bytes");
            let Some(body) = self.input.get(at + 4..at + 4 + length) else { break };
            let message: FromWorker = serde_json::from_slice(body).unwrap();
            at += 4 + length;
            match message {
                FromWorker::Hello { .. } => self.hello = Some(message),
                FromWorker::Synced => self.synced = true,
                FromWorker::Heartbeat { .. } => self.heartbeats += 1,
                FromWorker::Sample(sample) => self.samples.push(sample),
                FromWorker::Usage(measurement) => self.measurements.push(measurement),
                FromWorker::Sensors(sensors) => self.sensors.push(sensors),
                FromWorker::Processes { request, total, processes } => self.answers.push((request, total, processes)),
                FromWorker::Report { number, report, .. } => {
                    if let Report::Ended { execution_id, outcome, artifacts, .. } = &report {
                        self.ended.insert(*execution_id, ((**outcome).clone(), artifacts.clone()));
                    }
                    self.reports.push((number, report));
                }
            }
        }
        self.input.drain(..at);
    }

    /// Receives until `found` finds what the test waits for.
    pub fn wait_for<T>(&mut self, what: &str, mut found: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(value) = found(self) {
                return value;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}; reports: {:#?}", self.reports);
            self.receive();
        }
    }

    pub fn declare(&mut self, spec: &CageSpec, slots: u32) {
        self.send(&ToWorker::Cage { spec: spec.clone(), slots });
    }

    pub fn begin(&mut self, start: Start) -> ExecutionId {
        let id = start.execution_id;
        self.send(&ToWorker::Start(Box::new(start)));
        id
    }

    pub fn ended(&mut self, id: ExecutionId) -> (Outcome, Vec<FoundArtifact>) {
        self.wait_for("the end of an execution", |worker| worker.ended.get(&id).cloned())
    }

    pub fn is_ended(&self, id: ExecutionId) -> bool {
        self.ended.contains_key(&id)
    }

    pub fn started(&mut self, id: ExecutionId) {
        self.wait_for("the start of an execution", |worker| {
            let started =
                |(_, report): &(u64, Report)| matches!(report, Report::Started { execution_id } if *execution_id == id);
            worker.reports.iter().any(started).then_some(())
        });
    }

    pub fn stop(&mut self, id: ExecutionId, grace: Span) {
        self.send(&ToWorker::Stop { execution_id: id, reason: OutcomeKind::Cancelled, grace });
    }

    /// Runs a shell script in a cage to its end: how it ended, and what it printed on both streams.
    pub fn shell(&mut self, cage: CageId, script: &str) -> (Outcome, String) {
        let id = self.begin(start(cage, &["/bin/sh", "-c", script]));
        let (outcome, _) = self.ended(id);
        (outcome, self.output(id))
    }

    pub fn output(&self, id: ExecutionId) -> String {
        let mut text = vec![];
        for chunk in self.chunks(id) {
            if chunk.0 != Stream::Note as u8 {
                text.extend(chunk.1);
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// What is kept of an execution's output: stream and bytes of each chunk, in order.
    pub fn chunks(&self, id: ExecutionId) -> Vec<(u8, Vec<u8>)> {
        let mut chunks = vec![];
        for bytes in self.segments(id) {
            let mut at = 0;
            while at < bytes.len() {
                let (piece, length) = spool::decode_piece(&bytes[at..]).expect("whole chunks");
                if let Piece::Chunk(chunk) = piece {
                    chunks.push((chunk.stream as u8, chunk.bytes.to_vec()));
                }
                at += length;
            }
        }
        chunks
    }

    /// The segments in which an execution's output is kept, in order.
    fn segments(&self, id: ExecutionId) -> Vec<Vec<u8>> {
        let mut segments: Vec<(u32, PathBuf)> = std::fs::read_dir(self.folder.join("output"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?;
                let number = name.strip_prefix(&format!("{id}."))?.strip_suffix(".spool")?;
                Some((number.parse().ok()?, path.clone()))
            })
            .collect();
        segments.sort();
        segments.into_iter().map(|(_, path)| std::fs::read(path).unwrap()).collect()
    }

    /// How many bytes of an execution's output are missing, gap by gap, by what its segments say of their places.
    pub fn gaps(&self, id: ExecutionId) -> Vec<u64> {
        let (mut passed, mut gaps) = (0, vec![]);
        for bytes in self.segments(id) {
            let mut rest = &bytes[..];
            while let Some((piece, length)) = spool::decode_piece(rest) {
                match piece {
                    Piece::Chunk(chunk) if chunk.stream == Stream::Note => {}
                    Piece::Chunk(chunk) => passed += chunk.bytes.len() as u64,
                    Piece::Place { passed: place, .. } => {
                        gaps.extend((place > passed).then(|| place - passed));
                        passed = place;
                    }
                }
                rest = &rest[length..];
            }
        }
        gaps
    }

    pub fn enforcement(&mut self, cage: CageId) -> Enforcements {
        self.send(&ToWorker::Probe { cage_id: cage });
        self.wait_for("the cage's enforcement", |worker| {
            worker.reports.iter().rev().find_map(|(_, report)| match report {
                Report::CageReady { cage_id, enforcement } if *cage_id == cage => Some(enforcement.clone()),
                _ => None,
            })
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Every process that descends from the worker, by the host's numbers.
    pub fn descendants(&self) -> Vec<u32> {
        let mut found = vec![];
        let mut waiting = vec![self.pid()];
        while let Some(pid) = waiting.pop() {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            let children: Vec<u32> = children.split_whitespace().map(|word| word.parse().unwrap()).collect();
            found.extend(&children);
            waiting.extend(children);
        }
        found
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.stream = None;
    }

    /// The folders of the worker's control groups.
    pub fn groups(&self) -> Vec<PathBuf> {
        let text = std::fs::read_to_string(self.folder.join("worker.groups")).unwrap_or_default();
        text.lines().map(PathBuf::from).collect()
    }
}

/// Waits until `holds`, which nothing will announce.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let groups = self.groups();
        let deadline = Instant::now() + Duration::from_secs(5);
        while groups.iter().any(|group| !remove_group(group)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn remove_group(group: &Path) -> bool {
    for pid in std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default().lines() {
        if let Some(pid) = pid.parse().ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    for entry in std::fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_group(&entry.path());
        }
    }
    let _ = std::fs::remove_dir(group);
    !group.exists()
}
