//! One try to give a notice to a program.

use std::io::Write;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// How much of what a program says on standard error is told.
const ERROR_BYTES: usize = 200;

/// Runs a program with a notice on its standard input, in a process group of its own. Exit status 0 is success. A program
/// that is not done in time is ended, and whatever it started in its group with it. Blocks meanwhile.
pub fn run(command: &[String], body: &[u8], timeout: Duration) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let Some((program, arguments)) = command.split_first() else { return Err("there is no program".to_owned()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    // A program that does not read must not hold up whoever writes: the pipe is written to beside.
    let writer = child.stdin.take().map(|mut stdin| {
        let body = body.to_vec();
        // It may end without having read all; that alone is no failure.
        std::thread::spawn(move || drop(stdin.write_all(&body)))
    });
    let mut said = vec![];
    let stderr = child.stderr.take();
    let in_time =
        ends_within(&child, stderr, timeout, &mut said).map_err(|error| format!("cannot wait for {program}: {error}"));
    if !matches!(in_time, Ok(true)) {
        end(&mut child);
    }
    let status = child.wait().map_err(|error| format!("cannot wait for {program}: {error}"))?;
    drop(writer.map(std::thread::JoinHandle::join));
    if !in_time? {
        return Err(format!("{program} was not done after {timeout:?}"));
    }
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}{}", one_line(&said))) }
}

/// Whether a child ends in time. What it says on standard error is read meanwhile, so that it is not held up by a full
/// pipe, and its beginning kept in `said`. Whoever it leaves behind may hold the pipe open and is not waited for.
fn ends_within(
    child: &Child,
    mut stderr: Option<ChildStderr>,
    timeout: Duration,
    said: &mut Vec<u8>,
) -> rustix::io::Result<bool> {
    let Some(pid) = Pid::from_raw(i32::try_from(child.id()).unwrap_or(0)) else { return Ok(false) };
    let fd = pidfd_open(pid, PidfdFlags::empty())?;
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let pause =
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
        let mut ready = vec![PollFd::new(&fd, PollFlags::IN)];
        ready.extend(stderr.as_ref().map(|stderr| PollFd::new(stderr, PollFlags::IN)));
        match poll(&mut ready, Some(&pause)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error),
        }
        let ended = !ready[0].revents().is_empty();
        let speaks = ready.get(1).is_some_and(|stderr| !stderr.revents().is_empty());
        if speaks && !(ended && said.len() == ERROR_BYTES) {
            stderr = stderr.filter(|stderr| hear(stderr, said));
        } else if ended {
            return Ok(true);
        }
        if !ended && left.is_zero() {
            return Ok(false);
        }
    }
}

/// Reads what is there of standard error and keeps what is still wanted of it. Whether there may be more.
fn hear(stderr: &ChildStderr, said: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    match rustix::io::read(stderr, &mut buffer) {
        Ok(0) => false,
        Ok(length) => {
            said.extend_from_slice(&buffer[..length.min(ERROR_BYTES - said.len())]);
            true
        }
        Err(error) => error == rustix::io::Errno::INTR,
    }
}

/// Ends a child and its process group.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile, which is as well.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
}

/// What a program said on standard error, behind a colon on one line; nothing if it said nothing.
fn one_line(said: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(said).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().is_empty() { String::new() } else { format!(": {}", text.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_program_finds_the_notice_and_its_end_decides() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("got");
        let long = Duration::from_mins(1);
        run(&shell(&format!("cat > {}", file.display())), b"{}", long).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"{}");
        // One that reads nothing of a long notice is not waited for.
        run(&shell("exit 0"), &vec![b'x'; 1 << 20], long).unwrap();
        let error = run(&shell("echo no such channel >&2; exit 3"), b"{}", long).unwrap_err();
        assert!(error.contains("exit status: 3: no such channel"), "{error}");
        // One that says more than a pipe holds is not held up by that.
        let error = run(&shell("yes complaint | head -c 300000 >&2; exit 4"), b"{}", long).unwrap_err();
        assert!(error.contains("exit status: 4: complaint complaint"), "{error}");
        assert!(run(&["/nonexistent/program".to_owned()], b"{}", long).unwrap_err().contains("cannot start"));
        let error = run(&shell("sleep 1000 & wait"), b"{}", Duration::from_millis(50)).unwrap_err();
        assert!(error.contains("not done after"), "{error}");
    }
}
