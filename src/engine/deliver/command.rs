//! One try to give a notice to a program.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
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
    let in_time = ends_within(&child, timeout).map_err(|error| format!("cannot wait for {program}: {error}"));
    if !matches!(in_time, Ok(true)) {
        end(&mut child);
    }
    let status = child.wait().map_err(|error| format!("cannot wait for {program}: {error}"))?;
    drop(writer.map(std::thread::JoinHandle::join));
    if !in_time? {
        return Err(format!("{program} was not done after {timeout:?}"));
    }
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}{}", said(&mut child))) }
}

/// Whether a child ends in time.
fn ends_within(child: &Child, timeout: Duration) -> rustix::io::Result<bool> {
    let Some(pid) = Pid::from_raw(i32::try_from(child.id()).unwrap_or(0)) else { return Ok(false) };
    let fd = pidfd_open(pid, PidfdFlags::empty())?;
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left =
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
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

/// What a program said on standard error, as far as it is there: whoever it left behind may hold it open.
fn said(child: &mut Child) -> String {
    let Some(stderr) = &mut child.stderr else { return String::new() };
    let mut text = vec![0; ERROR_BYTES];
    let ready = poll(&mut [PollFd::new(stderr, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    let length = if matches!(ready, Ok(1..)) { stderr.read(&mut text).unwrap_or(0) } else { 0 };
    text.truncate(length);
    let text: String = String::from_utf8_lossy(&text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
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
        assert!(run(&["/nonexistent/program".to_owned()], b"{}", long).unwrap_err().contains("cannot start"));
        let error = run(&shell("sleep 1000 & wait"), b"{}", Duration::from_millis(50)).unwrap_err();
        assert!(error.contains("not done after"), "{error}");
    }
}
