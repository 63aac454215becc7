//! Starting the engine in the background when a verb needs one, as tmux does.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::config::Settings;
use super::failure::{Failure, chain};
use crate::api::client::{Client, Error};
use crate::api::live::Ready;

/// How long an engine may say nothing at all. One that says how far it is may take as long as its store needs.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// Why a data directory is of no use.
fn cannot(action: &str, data_dir: &Path, error: &io::Error) -> Failure {
    let folder = data_dir.display();
    Failure::refused(format!(
        "cannot {action} the data directory {folder}: {error}. Make that possible, or choose another --data-dir"
    ))
}

/// Starts an engine on the data directory and waits until it answers; shows on a terminal how far it is.
pub fn start(settings: &Settings) -> Result<Client, Failure> {
    let mut told = progress_line(STARTING);
    let client = start_and_tell(settings, &mut told)?;
    client.wait_while_starting(told);
    Ok(client)
}

/// Starts an engine on the data directory and waits until it answers; `told` hears how far it is.
///
/// Two verbs may do so at once: one engine gets the directory, the other ends, and both verbs are served by the first.
pub fn start_and_tell(settings: &Settings, told: &mut dyn FnMut(&Ready)) -> Result<Client, Failure> {
    let data_dir = &settings.data_dir.value;
    let made = !data_dir.exists();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|error| cannot("create", data_dir, &error))?;
    let log_path = data_dir.join("engine.log");
    let began_log = !log_path.exists();
    let mut log = OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .mode(0o600)
        .open(&log_path)
        .map_err(|error| cannot("write to", data_dir, &error))?;
    let log_start = log.seek(SeekFrom::End(0)).unwrap_or(0);
    let mut child = spawn(settings, &log)?;
    wait_until_ready(data_dir, &mut child, told).map_err(|failure| match failure {
        Waiting::Ended(status) => {
            // What the engine refused, such as a data directory on a full disk, the verb refuses too, and leaves no more
            // behind than the engine did.
            let refused = status.code() == Some(2);
            let reasons = last_words(&mut child);
            if refused && !reasons.is_empty() {
                if began_log {
                    let _ = std::fs::remove_file(&log_path);
                }
                if made {
                    // Goes only when nothing is in it.
                    let _ = std::fs::remove_dir(data_dir);
                }
                let mut sentences = vec!["the engine did not start:".to_owned()];
                sentences.extend(reasons);
                return Failure::Refused(sentences);
            }
            let mut sentences = vec![format!("the engine did not start ({status}); its log is {}", log_path.display())];
            let tail = tail_of(&mut log, log_start);
            sentences.extend(if tail.is_empty() { reasons } else { tail });
            if refused { Failure::Refused(sentences) } else { Failure::Failed(sentences) }
        }
        Waiting::Silent => Failure::failed(format!(
            "the engine was started but has not answered for {} s; its log is {}",
            ANSWER_WITHIN.as_secs(),
            log_path.display()
        )),
        Waiting::Error(error) => Failure::failed(chain(&error)),
    })
}

fn spawn(settings: &Settings, log: &File) -> Result<Child, Failure> {
    let cannot = |error: std::io::Error| Failure::failed(format!("cannot start the engine: {error}"));
    let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
    command.arg("--data-dir").arg(&settings.data_dir.value);
    if let Some(file) = &settings.file {
        command.arg("--config").arg(file);
    }
    command
        // `--background` makes the engine leave our session, so that neither Ctrl-C nor the terminal's end reaches it.
        .args(["engine", "--background"])
        .current_dir("/")
        .stdin(Stdio::null())
        // There it says why it could not start, even when the log cannot be written.
        .stdout(Stdio::piped())
        .stderr(log.try_clone().map_err(cannot)?)
        .spawn()
        .map_err(cannot)
}

/// What an engine that has ended said on its standard output.
fn last_words(child: &mut Child) -> Vec<String> {
    let Some(mut out) = child.stdout.take() else { return vec![] };
    // What it started may hold the other end; nobody waits for that.
    if rustix::fs::fcntl_setfl(&out, rustix::fs::OFlags::NONBLOCK).is_err() {
        return vec![];
    }
    let mut bytes = vec![0; 4096];
    let length = out.read(&mut bytes).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..length]);
    text.lines().map(super::table::clean).filter(|line| !line.trim().is_empty()).collect()
}

/// Why an engine that was started does not answer.
enum Waiting {
    Ended(std::process::ExitStatus),
    Silent,
    Error(Error),
}

fn wait_until_ready(data_dir: &Path, child: &mut Child, told: &mut dyn FnMut(&Ready)) -> Result<Client, Waiting> {
    let mut heard = Instant::now();
    let mut pause = Duration::from_millis(1);
    let mut ended = None;
    loop {
        match Client::connect(data_dir).and_then(|client| Ok((client.ready()?, client))) {
            Ok((ready, client)) => {
                told(&ready);
                heard = Instant::now();
                if ready.ready {
                    return Ok(client);
                }
            }
            // Its socket goes when it cannot start; the process tells why.
            Err(Error::NoEngine { .. } | Error::Broken(_)) => {}
            Err(error) => return Err(Waiting::Error(error)),
        }
        if ended.is_none() {
            ended = child.try_wait().unwrap_or_default();
        }
        // Ours has ended; unless another engine holds the directory and is about to answer, that is the result.
        if let Some(status) = ended
            && !another_engine_lives(data_dir, child.id())
        {
            return Err(Waiting::Ended(status));
        }
        if heard.elapsed() > ANSWER_WITHIN {
            return Err(Waiting::Silent);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// What is said before how far a starting engine is.
pub const STARTING: &str = "the engine is starting";

/// After how long a wait for a starting engine is worth a word.
const WORTH_A_WORD: Duration = Duration::from_millis(300);

/// Shows on a terminal's standard error how far a starting engine is, after `what`, in one line that goes when it is ready.
pub fn progress_line(what: &'static str) -> impl FnMut(&Ready) + 'static {
    let terminal = std::io::stderr().is_terminal();
    let (mut since, mut shown) = (None, false);
    move |ready| {
        let since = *since.get_or_insert_with(Instant::now);
        if !terminal || (!ready.ready && since.elapsed() < WORTH_A_WORD) {
            return;
        }
        // What cannot be shown is no reason to fail.
        let mut err = std::io::stderr().lock();
        if !ready.ready {
            shown = true;
            let _ = write!(err, "\r\x1b[K{what}: {}", ready.text());
        } else if std::mem::take(&mut shown) {
            let _ = write!(err, "\r\x1b[K");
        }
        let _ = err.flush();
    }
}

/// Whether the process that the lock file names lives. The lock itself is not tried: trying it would refuse an engine
/// that starts at the same moment.
fn another_engine_lives(data_dir: &Path, ours: u32) -> bool {
    let text = std::fs::read_to_string(data_dir.join("engine.lock")).unwrap_or_default();
    let pid = text.trim().parse().ok().filter(|pid: &i32| u32::try_from(*pid) != Ok(ours));
    pid.and_then(rustix::process::Pid::from_raw).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

/// What the engine wrote to its log since `start`: the last lines of at most 4 KiB.
fn tail_of(log: &mut File, start: u64) -> Vec<String> {
    const TAIL_BYTES: u64 = 4096;
    let end = log.seek(SeekFrom::End(0)).unwrap_or(start);
    let mut bytes = Vec::new();
    let from = start.max(end.saturating_sub(TAIL_BYTES));
    if log.seek(SeekFrom::Start(from)).is_ok() {
        // What cannot be read cannot be shown; the sentence before names the file.
        let _ = log.take(TAIL_BYTES).read_to_end(&mut bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text.lines().map(super::table::clean).filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(8)..].to_vec()
}
