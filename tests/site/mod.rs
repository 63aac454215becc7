//! A data directory with the real binary at work in it. Whatever it starts it ends, also when a test fails.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use menagerie::api::client::Client;
use menagerie::api::types::{JournalRow, Status};
use menagerie::domain::counts::TaskCounts;
use menagerie::domain::{Task, TaskStatus};
use serde_json::{Value, json};

/// Far longer than anything here takes; reaching it is a failure, not a pause.
const PATIENCE: Duration = Duration::from_mins(4);

pub struct Site {
    /// Goes before the folder that it lies in.
    disk: Option<Disk>,
    folder: tempfile::TempDir,
    engine: Option<Child>,
    environment: Vec<(String, String)>,
    seed: u64,
}

/// A small disk of its own, taken away when dropped.
struct Disk(PathBuf);

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because a process that was killed a moment ago may still have a file open on it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

impl Site {
    pub fn new() -> Self {
        let seed = std::env::var("MENAGERIE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            use std::hash::{BuildHasher, RandomState};
            RandomState::new().hash_one(0)
        });
        eprintln!("seed {seed}: repeat with MENAGERIE_SEED={seed}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("marks")).unwrap();
        set_mode(&folder.path().join("marks"), 0o777);
        set_mode(folder.path(), 0o755);
        Self { disk: None, folder, engine: None, environment: vec![], seed }
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder that everything of this site lies in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a variable of the environment for all that is started from now on.
    pub fn set_env(&mut self, name: &str, value: impl AsRef<Path>) {
        self.environment.push((name.to_owned(), value.as_ref().to_str().unwrap().to_owned()));
    }

    pub fn marks_dir(&self) -> PathBuf {
        self.folder.path().join("marks")
    }

    /// Puts the data directory on a disk of its own with so many bytes. Needs root.
    pub fn on_small_disk(&mut self, bytes: u64) {
        let data_dir = self.data_dir();
        std::fs::create_dir(&data_dir).unwrap();
        let options = format!("size={bytes},mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&data_dir).status();
        assert!(mounted.unwrap().success(), "cannot mount a disk at {}", data_dir.display());
        self.disk = Some(Disk(data_dir));
    }

    /// The binary with `arguments`, on this site's data directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_menagerie"));
        command.env("MENAGERIE_DATA_DIR", self.data_dir()).env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        command.envs(self.environment.iter().cloned());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn output(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a verb prints that does what it is asked.
    pub fn out(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same as JSON.
    pub fn json_of(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.out(&[arguments, &["-o", "json"]].concat())).unwrap()
    }

    /// What a verb says that refuses what it is asked.
    pub fn refusal_of(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Starts the engine and waits until it answers. Gives its process id.
    pub fn start_engine(&mut self) -> u32 {
        let pid = self.begin_engine();
        self.wait_for("the engine to answer", |site| site.status().is_some_and(|status| status.pid == pid));
        pid
    }

    /// Starts the engine and waits for nothing. Gives its process id.
    pub fn begin_engine(&mut self) -> u32 {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("engine.log")).unwrap();
        let child = self.command(&["engine"]).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let pid = child.id();
        self.engine = Some(child);
        pid
    }

    pub fn client(&self) -> Option<Client> {
        Client::connect(&self.data_dir()).ok()
    }

    pub fn status(&self) -> Option<Status> {
        self.client()?.get("/v1/status", &vec![]).ok()
    }

    pub fn wait_for(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(
                begun.elapsed() < PATIENCE,
                "waited in vain for {what}: {:?}\n{}",
                self.status(),
                std::fs::read_to_string(self.folder.path().join("engine.log")).unwrap_or_default()
            );
            if let Some(engine) = &mut self.engine
                && let Ok(Some(status)) = engine.try_wait()
            {
                let log = std::fs::read_to_string(self.folder.path().join("engine.log")).unwrap_or_default();
                panic!("the engine left ({status}) while a test waited for {what}:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Declares `cages` cages with an agent of `concurrency` each, all of which may write marks.
    pub fn apply_fleet(&self, cages: u32, concurrency: u32) {
        use std::fmt::Write as _;
        let marks = self.marks_dir();
        let mut text = String::new();
        for number in 1..=cages {
            let _ = write!(
                text,
                "[[cage]]\nid = \"{number}\"\nlimits = {{ memory = \"256MiB\", pids = 64 }}\nwrite = [\"{0}\"]\n\
                 [[agent]]\nname = \"a{number}\"\ncapabilities = [\"shell\"]\ncage = \"{number}\"\nconcurrency = {concurrency}\n",
                marks.display()
            );
        }
        let fleet = self.folder.path().join("fleet.toml");
        std::fs::write(&fleet, text).unwrap();
        self.output(&["apply", fleet.to_str().unwrap()]);
    }

    /// Submits tasks that each leave a file named by their id. Gives the ids.
    pub fn submit_marking_tasks(&self, count: usize) -> Vec<String> {
        let script =
            format!("echo \"$MENAGERIE_EXECUTION_ID\" >> {}/\"$MENAGERIE_TASK_ID\"", self.marks_dir().display());
        let task = json!({
            "type": "command", "max_attempts": 3,
            "requirements": {"capabilities": ["shell"]},
            "parameters": {"configuration": {"command": ["sh", "-c", script]}},
        });
        let mut command = self.command(&["task", "submit", "--batch", "-", "-o", "json"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        for _ in 0..count {
            writeln!(input, "{task}").unwrap();
        }
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        ids_in(&serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Submits one command and gives the task's id.
    pub fn run_one(&self, command: &[&str]) -> String {
        let mut arguments = vec!["run", "-o", "json", "--"];
        arguments.extend(command);
        let ids = ids_in(&serde_json::from_str(&self.output(&arguments)).unwrap());
        assert_eq!(ids.len(), 1);
        ids[0].clone()
    }

    pub fn tasks(&self) -> Vec<Task> {
        let query = vec![("limit".to_owned(), "100000".to_owned())];
        self.client().unwrap().list("tasks", &query).unwrap().0
    }

    pub fn wait_for_status(&mut self, id: &str, status: TaskStatus) {
        let path = format!("/v1/tasks/{id}");
        self.wait_for(&format!("task {id} to be {status}"), |site| {
            let task = site.client().and_then(|client| client.get::<Task>(&path, &vec![]).ok());
            task.is_some_and(|task| task.status == status)
        });
    }

    pub fn wait_until_done(&mut self) -> TaskCounts {
        self.wait_for("every task to end", |site| {
            site.status().is_some_and(|s| s.tasks.pending + s.tasks.scheduled + s.tasks.executing == 0)
        });
        self.status().unwrap().tasks
    }

    pub fn kill_engine(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            let _ = engine.kill();
            engine.wait().unwrap();
        }
    }

    /// SIGTERM, then waits until it has left with status 0.
    pub fn terminate_engine(&mut self) {
        let mut engine = self.engine.take().unwrap();
        signal(engine.id(), "TERM");
        assert!(engine.wait().unwrap().success());
    }

    pub fn worker_pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.data_dir().join("worker.lock")).ok()?;
        let pid: u32 = text.trim().parse().ok()?;
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let data_dir = self.data_dir();
        let data_dir = data_dir.to_str().unwrap().as_bytes();
        command.windows(data_dir.len()).any(|part| part == data_dir).then_some(pid)
    }

    pub fn kill_worker(&mut self) {
        if let Some(pid) = self.worker_pid() {
            signal(pid, "KILL");
        }
    }

    pub fn stop_all(&mut self) {
        self.output(&["stop", "--all"]);
        if let Some(mut engine) = self.engine.take() {
            engine.wait().unwrap();
        }
    }

    /// The bodies of all records of a kind.
    pub fn records_of(&self, kind: &str) -> Vec<Value> {
        let client = self.client().unwrap();
        let mut bodies = Vec::new();
        let mut after = 0;
        loop {
            let query = vec![("after".to_owned(), after.to_string()), ("limit".to_owned(), "10000".to_owned())];
            let rows: Vec<JournalRow> = client.get("/v1/journal", &query).unwrap();
            let Some(last) = rows.last() else { return bodies };
            after = last.seq;
            bodies.extend(rows.into_iter().filter(|row| row.kind == kind).map(|row| row.body));
        }
    }

    /// The lines of every mark: the executions that ran, by the task that they belong to.
    pub fn marks(&self) -> BTreeMap<String, Vec<String>> {
        let read = |path: PathBuf| {
            let task = path.file_name().unwrap().to_str().unwrap().to_owned();
            (task, std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect())
        };
        std::fs::read_dir(self.marks_dir()).unwrap().map(|entry| read(entry.unwrap().path())).collect()
    }

    /// The chain verifies, the rows are those that the journal gives, and nothing is held any more.
    pub fn check_books(&mut self) {
        if let Some(client) = self.client() {
            let query = vec![("status".to_owned(), "active".to_owned())];
            let (held, _) = client.list::<Value>("allocations", &query).unwrap();
            assert!(held.is_empty(), "{held:?}");
        }
        self.kill_engine();
        self.output(&["journal", "verify"]);
        self.output(&["db", "rebuild", "--check"]);
    }

    /// No worker, no cage's process, no cgroup is left of this data directory.
    pub fn check_nothing_left(&self) {
        let begun = Instant::now();
        while self.worker_pid().is_some() || !self.processes_in_cages().is_empty() {
            assert!(begun.elapsed() < PATIENCE, "left behind: {:?} {:?}", self.worker_pid(), self.processes_in_cages());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Processes whose environment or command names this site's folder.
    fn processes_in_cages(&self) -> Vec<String> {
        let needle = self.folder.path().to_str().unwrap().as_bytes().to_vec();
        let own = std::process::id().to_string();
        let names = |path: PathBuf| {
            std::fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle))
        };
        let processes =
            std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        processes
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && *name != own)
            .filter(|pid| {
                let process = Path::new("/proc").join(pid);
                names(process.join("cmdline")) || names(process.join("environ"))
            })
            .collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.command(&["stop", "--all"]).output();
        self.kill_engine();
        self.kill_worker();
    }
}

pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The ids in what a submission prints: one object, or a list of them.
fn ids_in(value: &Value) -> Vec<String> {
    let items = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}
