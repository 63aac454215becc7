//! Output that is written faster than it is read.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use menagerie::domain::TaskStatus;

use super::site::Site;

/// Bytes of a line: eight digits and an end.
const LINE_BYTES: u64 = 9;

/// The bytes that each note says are left out.
fn left_out(notes: &str) -> Vec<u64> {
    let notes = notes.lines().filter(|line| line.contains(" left out, rotated away"));
    let bytes = |line: &str| line.split_once('(')?.1.split_once(" bytes)")?.0.parse().ok();
    notes.map(|line| bytes(line).unwrap_or_else(|| panic!("{line}"))).collect()
}

/// Holds every line that came against the numbers from `first` to `last`: whole lines in their order, and where some are
/// missing, as many as the notes say, gap by gap.
fn check(out: impl Read, first: u64, last: u64) -> impl FnOnce(&str) {
    let mut gaps = vec![];
    let mut expected = first;
    for line in BufReader::new(out).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        let number: u64 = line.parse().unwrap_or_else(|_| panic!("after {expected}: {line:?}"));
        assert!(number >= expected && line.len() as u64 == LINE_BYTES - 1, "{line:?} where {expected} should be");
        if number > expected {
            gaps.push((number - expected) * LINE_BYTES);
        }
        expected = number + 1;
    }
    assert_eq!(expected, last + 1, "the end is missing");
    move |notes| assert_eq!(left_out(notes), gaps, "{notes}")
}

#[test]
fn what_is_written_faster_than_it_is_read_comes_in_whole_lines_and_says_what_is_left_out() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let (first, last) = (10_000_000, 42_000_000);
    let mut command =
        site.command(&["run", "--wait", "--", "sh", "-c", &format!("seq {first} {last}; echo err >&2; exit 7")]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let notes = child.stderr.take().unwrap();
    let notes = std::thread::spawn(move || std::io::read_to_string(notes).unwrap());
    let check_notes = check(child.stdout.take().unwrap(), first, last);
    assert_eq!(child.wait().unwrap().code(), Some(7), "the command's own status");
    let notes = notes.join().unwrap();
    check_notes(&notes);
    assert!(notes.contains("err\n"), "{notes}");
}

#[test]
fn a_reader_that_stands_still_gets_the_beginning_and_the_end() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let (first, last) = (10_000_000, 20_000_000);
    let mut command = site.command(&["run", "--wait", "--", "seq", &first.to_string(), &last.to_string()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    site.wait_for("the task to end", |site| site.tasks().iter().any(|task| task.status == TaskStatus::Completed));
    // Not a byte was read until now; what the reader of the spool held is still there.
    let out = child.stdout.take().unwrap();
    let check_notes = check(out, first, last);
    let notes = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{notes}");
    check_notes(&notes);
    assert_eq!(left_out(&notes).len(), 1, "the cap is smaller than this output: {notes}");

    // The same afterwards: the notes beside the output, not in it.
    let id = site.tasks()[0].id.to_string();
    let output = site.command(&["task", "logs", &id]).output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    check(&output.stdout[..], first, last)(&notes);
    assert_eq!(left_out(&notes).len(), 1, "{notes}");
    // Only one of the streams: what is left out is told all the same.
    let output = site.command(&["task", "logs", "--stream", "err", &id]).output().unwrap();
    assert_eq!((output.stdout, String::from_utf8(output.stderr).unwrap()), (vec![], notes));
}
