//! Calls of git, and the repositories that they are made in.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::sys;

/// How much of what git complains of is told, in characters.
const COMPLAINT_CHARS_MAX: usize = 400;

/// A call of git that is being put together.
pub(super) struct Git {
    command: Command,
    input: Vec<u8>,
}

impl Git {
    /// A call in a folder. What the caller's environment says to git is left out, and so are hooks and everything that would
    /// ask somebody or go on in the background.
    pub(super) fn at(folder: &Path) -> Self {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            command.env_remove(name);
        }
        let quiet = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false"];
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").arg("-C").arg(folder);
        for setting in quiet {
            command.args(["-c", setting]);
        }
        let die_along = || sys::prctl(libc::PR_SET_PDEATHSIG, libc::c_ulong::from(libc::SIGKILL.unsigned_abs()));
        // SAFETY: between fork and exec it makes one system call and touches no memory. Whoever calls git waits for it, so
        // it ends early with its caller alone.
        unsafe { command.pre_exec(die_along) };
        Self { command, input: vec![] }
    }

    /// Sets a variable.
    pub(super) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What it reads on its standard input.
    pub(super) fn input(mut self, bytes: &[u8]) -> Self {
        self.input = bytes.to_vec();
        self
    }

    /// What it printed, without the end of the last line.
    ///
    /// # Errors
    /// When it cannot be started or ends with another status than 0: what it complained of, in one line.
    pub(super) fn run(self, arguments: &[&str]) -> Result<String, String> {
        match self.status(arguments)? {
            (0, printed, _) => Ok(printed),
            (_, _, complaint) => Err(format!("git {}: {complaint}", arguments.first().copied().unwrap_or_default())),
        }
    }

    /// How it ended, what it printed, and what it complained of.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn status(mut self, arguments: &[&str]) -> Result<(i32, String, String), String> {
        let failed = |error: std::io::Error| format!("git cannot be run: {error}");
        self.command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(failed)?;
        let (stdin, input) = (child.stdin.take(), self.input);
        // It may print before it has read everything; neither end waits for the other.
        let feeder = std::thread::spawn(move || {
            // A git that needs no more than the beginning closes its end, which is no failure.
            let _ = stdin.map(|mut stdin| stdin.write_all(&input));
        });
        let output = child.wait_with_output().map_err(failed)?;
        let _ = feeder.join();
        let printed = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        let lines = String::from_utf8_lossy(&output.stderr).lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let complaint: String =
            lines.chars().map(|c| if c.is_control() { ' ' } else { c }).take(COMPLAINT_CHARS_MAX).collect();
        let complaint = if complaint.is_empty() { format!("it ended with {}", output.status) } else { complaint };
        Ok((output.status.code().unwrap_or(-1), printed, complaint))
    }
}

/// A repository of the node that no agent can write to.
pub(super) struct Source {
    /// Where it lies, links resolved: a working tree, a folder in one, or a bare repository.
    pub(super) path: PathBuf,
    /// Its git folder, which all its working trees share.
    pub(super) folder: PathBuf,
    /// How it names its objects.
    pub(super) format: String,
    writable: Vec<PathBuf>,
}

impl Source {
    /// Opens the repository at a path.
    ///
    /// # Errors
    /// When there is none, or when agents may write to it, to what it consists of, or to a part of it.
    pub(super) fn open(path: &Path, writable: &[PathBuf]) -> Result<Self, String> {
        let shown = path.display();
        let path = path.canonicalize().map_err(|error| format!("the repository {shown} cannot be opened: {error}"))?;
        let (folder, format) = (PathBuf::new(), String::new());
        let mut source = Self { path, folder, format, writable: writable.to_vec() };
        if let Some(other) = source.writable.iter().find(|other| source.path.starts_with(other)) {
            return Err(refused(&source.path, other));
        }
        let asked = ["rev-parse", "--path-format=absolute", "--git-common-dir", "--show-object-format"];
        let told =
            source.git().run(&asked).map_err(|why| format!("{shown} is no repository that can be used: {why}"))?;
        let (folder, format) = told.split_once('\n').unwrap_or((&told, "sha1"));
        source.folder = Path::new(folder).canonicalize().unwrap_or_else(|_| PathBuf::from(folder));
        format.clone_into(&mut source.format);
        source.check(&source.folder)?;
        Ok(source)
    }

    /// Objects to a folder that an agent may write to: what git finds there it may execute.
    ///
    /// # Errors
    /// When it lies in such a folder or contains one.
    pub(super) fn check(&self, folder: &Path) -> Result<(), String> {
        let touches = |other: &&PathBuf| folder.starts_with(other) || other.starts_with(folder);
        match self.writable.iter().find(touches) {
            None => Ok(()),
            Some(other) => Err(refused(folder, other)),
        }
    }

    /// A call of git in it.
    pub(super) fn git(&self) -> Git {
        Git::at(&self.path)
    }

    /// The commit that something names; `None` when there is none.
    pub(super) fn commit(&self, name: &str) -> Option<String> {
        let wanted = format!("{name}^{{commit}}");
        self.git().run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]).ok()
    }
}

/// That git is not run somewhere, because agents may write to a folder.
fn refused(folder: &Path, writable: &Path) -> String {
    let (folder, writable) = (folder.display(), writable.display());
    format!("git is not run in {folder}: agents may write to {writable}; take that out of their cages' write")
}
