//! A fleet with something of everything for a human to look at and to decide, and consoles over it.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use menagerie::domain::TaskStatus;
use serde_json::{Value, json};

use super::site::Site;
use super::terminal::Terminal;

/// The size of most consoles here.
pub const SIZE: (u16, u16) = (120, 36);

/// What makes the terminal its own and becomes the console.
const HELPER: &[&str] = &["bench", "terminal", "--"];

/// A fleet of four agents at work.
pub struct Desk {
    pub site: Site,
    /// A task that runs until it is stopped, at `a1`.
    pub running: String,
    /// A task that waits for what nobody can do.
    pub waiting: String,
    /// A task that failed.
    pub failed: String,
}

impl Desk {
    /// Starts an engine and has its agents make what the tests look at.
    pub fn new() -> Self {
        let mut site = Site::new();
        site.start_engine();
        declare(&site);
        let none = String::new;
        let mut desk = Self { site, running: none(), waiting: none(), failed: none() };
        desk.submits("survey", &make(&["north.md", "south.md", "west.md"]), &json!({}));
        for name in ["first.md", "second.md", "third.md"] {
            desk.submits(&format!("write {name}"), &make(&[name]), &json!({}));
        }
        desk.failed = desk.submits("breaks", "echo broken; exit 7", &json!({}));
        let long = "echo working; while :; do sleep 1; done";
        desk.running = desk.submits("long work", long, &json!({"agent": "a1"}));
        desk.waiting = desk.submits("foresight", "true", &rare());
        let (running, failed) = (desk.running.clone(), desk.failed.clone());
        desk.site.wait_for_status(&failed, TaskStatus::Failed);
        desk.site.wait_for_status(&running, TaskStatus::Executing);
        desk.site.wait_for("the agents to be done with the rest", |site| {
            site.status().is_some_and(|status| (status.tasks.completed, status.artifacts.pending) == (4, 6))
        });
        desk
    }

    /// The desk of all tests that leave it as they found it. Whoever uses it last ends it.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Desk>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = shared.upgrade() {
            return desk;
        }
        let desk = Arc::new(Self::new());
        *shared = Arc::downgrade(&desk);
        desk
    }

    /// Submits a task that runs a script, with `more` of its fields; gives its id.
    pub fn submits(&self, kind: &str, script: &str, more: &Value) -> String {
        submit(&self.site, kind, script, more)
    }

    /// A console over the fleet, once it shows the fleet.
    pub fn console(&self, words: &[&str]) -> Terminal {
        self.console_of(SIZE, words)
    }

    /// The same of so many columns and lines.
    pub fn console_of(&self, size: (u16, u16), words: &[&str]) -> Terminal {
        let mut terminal = Terminal::start(size, || console(&self.site, words));
        terminal.sees("running");
        terminal.all_is_read();
        terminal
    }

    pub fn task(&self, id: &str) -> Value {
        task(&self.site, id)
    }

    /// The artifact of a title.
    pub fn artifact(&self, title: &str) -> Value {
        let (all, _) = self.site.client().unwrap().list::<Value>("artifacts", &vec![]).unwrap();
        all.into_iter().find(|artifact| artifact["title"] == title).unwrap()
    }

    /// How the review of the artifact of a title stands, and its note.
    pub fn review(&self, title: &str) -> (String, Option<String>) {
        let review = &self.artifact(title)["review"];
        (review["state"].as_str().unwrap().to_owned(), review["note"].as_str().map(str::to_owned))
    }

    /// The number of the journal's last record: the same means that nothing has changed.
    pub fn seq(&self) -> u64 {
        self.site.status().unwrap().seq
    }
}

/// The console on a site's data directory, to be started in a terminal.
pub fn console(site: &Site, words: &[&str]) -> Command {
    site.command(&[HELPER, words].concat())
}

/// Declares four agents, and one that can do what the others cannot and is not there: what asks for it waits as long as a test likes.
fn declare(site: &Site) {
    let mut text = String::new();
    for (number, name, concurrency, can) in [
        (1, "a1", 2, "shell"),
        (2, "a2", 2, "shell"),
        (3, "a3", 2, "shell"),
        (4, "a4", 2, "shell"),
        (5, "seer", 1, "clairvoyance"),
    ] {
        let _ = write!(
            text,
            "[[cage]]\nid = \"{number}\"\nlimits = {{ memory = \"256MiB\", pids = 64 }}\n\
             [[agent]]\nname = \"{name}\"\ncapabilities = [\"{can}\"]\ncage = \"{number}\"\nconcurrency = {concurrency}\n"
        );
    }
    let file = site.data_dir().with_file_name("desk.toml");
    std::fs::write(&file, text).unwrap();
    for words in [&["apply", file.to_str().unwrap()][..], &["agent", "drain", "seer"]] {
        assert!(site.command(words).stdout(Stdio::null()).status().unwrap().success(), "{words:?}");
    }
}

/// What only the agent can do that is not there.
pub fn rare() -> Value {
    json!({"requirements": {"capabilities": ["clairvoyance"]}})
}

/// A script that leaves files as artifacts.
pub fn make(names: &[&str]) -> String {
    let one =
        |name: &&str| format!("printf '# About {name}\\n\\nAll is well in {name}.\\n' > $MENAGERIE_ARTIFACTS/{name}");
    names.iter().map(one).collect::<Vec<_>>().join("; ")
}

pub fn task(site: &Site, id: &str) -> Value {
    site.client().unwrap().get(&format!("/v1/tasks/{id}"), &vec![]).unwrap()
}

/// Submits a task that runs a script in one attempt, with `more` of its fields; gives its id.
pub fn submit(site: &Site, kind: &str, script: &str, more: &Value) -> String {
    let mut task = json!({
        "type": kind, "max_attempts": 1, "parameters": {"configuration": {"command": ["sh", "-c", script]}},
    });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut child = site
        .command(&["task", "submit", "--batch", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer(child.stdin.take().unwrap(), &task).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = said.get(0).unwrap_or(&said);
    first["id"].as_str().unwrap().to_owned()
}
