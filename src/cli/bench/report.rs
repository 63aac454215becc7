//! What a benchmark prints: the machine, the versions and every run, as JSON.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

/// The result of a benchmark.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Which benchmark.
    pub benchmark: &'static str,
    /// This binary's version.
    pub version: &'static str,
    /// Whether it was built with optimisation; figures of other builds mean nothing.
    pub optimised: bool,
    /// Where it ran.
    pub machine: Value,
    /// How it was set.
    pub settings: Value,
    /// Every run, in order.
    pub runs: Vec<Value>,
    /// Medians over the runs.
    pub median: Value,
}

impl Report {
    /// Sums up `runs`: the median of every number that they have in common.
    pub fn new(benchmark: &'static str, settings: Value, runs: Vec<Value>) -> Self {
        let median = medians(&runs);
        let optimised = !cfg!(debug_assertions);
        Self { benchmark, version: crate::VERSION, optimised, machine: machine(), settings, runs, median }
    }
}

fn medians(runs: &[Value]) -> Value {
    let Some(Value::Object(first)) = runs.first() else { return Value::Null };
    let median = |name: &String| {
        let mut values: Vec<f64> = runs.iter().filter_map(|run| run[name].as_f64()).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).map(|value| (name.clone(), json!(value)))
    };
    first.keys().filter_map(median).collect::<serde_json::Map<_, _>>().into()
}

fn machine() -> Value {
    let uname = rustix::system::uname();
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    let memory = read("/proc/meminfo");
    json!({
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "cpu": model.map(str::trim),
        "memory": memory.lines().next().and_then(|line| line.split(':').nth(1)).map(str::trim),
        "kernel": uname.release().to_string_lossy(),
        "sqlite": rusqlite::version(),
    })
}

/// A folder for one run, removed when it is dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes a fresh folder below `parent`, or below the system's folder for temporary files.
    pub fn new(parent: Option<&Path>) -> std::io::Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let process = std::process::id();
        for attempt in 0u32.. {
            let path = parent.join(format!("menagerie-bench-{process}-{attempt}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(std::io::ErrorKind::AlreadyExists.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about a folder that will not go.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
