//! Single processes, as `/proc` shows them.

use std::fs::File;
use std::io::Read;

use crate::domain::TaskId;
use crate::domain::watch::Process;

/// Characters of a command line that are shown.
const COMMAND_CHARS: usize = 300;
/// Bytes of a command line that are read for that.
const COMMAND_BYTES: u64 = 4 * COMMAND_CHARS as u64;

/// A process as it is now; `None` when there is none of that number.
pub(super) fn look(pid: libc::pid_t, task_id: Option<TaskId>) -> Option<Process> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let mut process = read_stat(&String::from_utf8_lossy(&stat))?;
    process.task_id = task_id;
    let mut line = vec![];
    // One whose memory is gone, as a zombie's is, has no command line; its name stands for it.
    if let Ok(file) = File::open(format!("/proc/{pid}/cmdline")) {
        let _ = file.take(COMMAND_BYTES).read_to_end(&mut line);
    }
    if let Some(command) = command_line(&line) {
        process.command = command;
    }
    Some(process)
}

/// The arguments with blanks between them; `None` when there are none.
fn command_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\0').replace('\0', " ");
    (!text.is_empty()).then(|| text.chars().take(COMMAND_CHARS).collect())
}

/// What `/proc/PID/stat` says. The name stands in brackets and may itself contain brackets and blanks.
fn read_stat(text: &str) -> Option<Process> {
    let (before, after) = text.rsplit_once(')')?;
    let (pid, name) = before.split_once(" (")?;
    // Numbered from 3 in proc_pid_stat(5).
    let fields: Vec<&str> = after.split_whitespace().collect();
    let number = |place: usize| fields.get(place - 3)?.parse::<u64>().ok();
    let ticks = number(14)?.saturating_add(number(15)?);
    Some(Process {
        pid: pid.trim().parse().ok()?,
        parent: u32::try_from(number(4)?).ok()?,
        state: (*fields.first()?).to_owned(),
        command: format!("[{name}]"),
        cpu_us: ticks.saturating_mul(1_000_000) / rustix::param::clock_ticks_per_second().max(1),
        memory: number(24)?.saturating_mul(super::sys::page_bytes()),
        threads: u32::try_from(number(20)?).ok()?,
        task_id: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_shift_the_fields() {
        let text = "42 (a) S (b) R 7 42 42 0 -1 0 0 0 0 0 150 50 0 0 20 0 3 0 999 1000 25 18446744073709551615";
        let process = read_stat(text).unwrap();
        assert_eq!((process.pid, process.parent, process.state.as_str(), process.threads), (42, 7, "R", 3));
        assert_eq!(process.command, "[a) S (b]");
        assert_eq!(process.cpu_us, 200 * 1_000_000 / rustix::param::clock_ticks_per_second());
        assert_eq!(process.memory, 25 * super::super::sys::page_bytes());
        assert_eq!(read_stat("42 (cut"), None);
    }

    #[test]
    fn command_lines_are_cut_and_always_text() {
        assert_eq!(command_line(b"sh\0-c\0echo \xff\0").unwrap(), "sh -c echo \u{fffd}");
        assert_eq!(command_line(&[b'x'; 2000]).unwrap().chars().count(), COMMAND_CHARS);
        assert_eq!(command_line(b""), None);
        assert_eq!(command_line(b"\0\0"), None);
    }

    #[test]
    fn this_process_is_found() {
        let pid = libc::pid_t::try_from(std::process::id()).unwrap();
        let process = look(pid, None).unwrap();
        assert!(process.memory > 0 && process.threads > 0 && !process.command.starts_with('['), "{process:?}");
        assert_eq!(look(-1, None), None);
    }
}
