//! Reading many tasks from a file: JSON lines for `task submit --batch`, plain lines for `run --each`.
//!
//! Every line is checked here, so that an error has its line and column, and then sent on as it was written: taking
//! apart and writing anew a million tasks would cost more than the engine needs to store them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::Failure;
use super::program::Programs;
use super::run::check_count;
use super::serde_words::{in_words, json_key, offending_value};
use crate::domain::task::NewTask;

/// Longer lines are refused: a task carries its input, not the data it works on.
const LINE_BYTES_MAX: usize = 1 << 20;
/// After so many errors the rest of the file is not read any more.
const PROBLEMS_MAX: usize = 20;

/// The tasks of a file as they will be sent, and what is wrong with the others.
#[derive(Debug)]
pub struct Batch {
    /// What errors call the file.
    pub name: String,
    /// The command that submits them, as JSON and still without its end.
    command: Vec<u8>,
    /// The line of each task, from 1.
    pub lines: Vec<u32>,
    /// One sentence for each refused line.
    pub problems: Vec<String>,
    /// The line of each key.
    keys: HashMap<String, u32>,
}

/// What errors call a file, its content, and how many bytes it has, if that is known.
type Opened = (String, Box<dyn BufRead>, Option<u64>);

/// Opens a file, or standard input for `-`.
fn open(path: &Path) -> Result<Opened, Failure> {
    if path.as_os_str() == "-" {
        return Ok(("<stdin>".into(), Box::new(std::io::stdin().lock()), None));
    }
    let refuse = |error: std::io::Error| Failure::file("read", path, &error);
    let file = File::open(path).map_err(refuse)?;
    let metadata = file.metadata().map_err(refuse)?;
    let size = metadata.is_file().then_some(metadata.len());
    Ok((path.display().to_string(), Box::new(BufReader::with_capacity(1 << 18, file)), size))
}

/// Reads the next line without its end into `line`; `false` at the end of the file.
///
/// # Errors
/// A line that is too long or not UTF-8, with its column; the rest of a line that is too long has been skipped.
fn next_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<Result<bool, (usize, String)>, std::io::Error> {
    line.clear();
    let got = reader.take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if got > LINE_BYTES_MAX {
        let skipped = reader.skip_until(b'\n')?;
        let length = got + skipped;
        return Ok(Err((1, format!("a line of {length} bytes; at most {LINE_BYTES_MAX} are allowed in one task"))));
    }
    Ok(match std::str::from_utf8(line) {
        Ok(_) => Ok(got > 0),
        Err(error) => Err((error.valid_up_to() + 1, "not UTF-8; save the file in that encoding".into())),
    })
}

/// Reads and checks JSON lines. Without `keep_going` the first errors are the result; with it they stand beside the
/// tasks that can be submitted. Empty lines are skipped.
pub fn read(path: &Path, keep_going: bool, mut programs: Programs) -> Result<Batch, Failure> {
    let (name, mut reader, size) = open(path)?;
    let progress = progress_bar(size);
    let batch = read_from(name, &mut *reader, keep_going, &mut programs, &progress)
        .map_err(|error| Failure::file("read", path, &error));
    progress.finish_and_clear();
    let batch = batch?;
    check_count(&batch.name, batch.lines.len())?;
    if !keep_going && !batch.problems.is_empty() {
        let mut problems = batch.problems;
        problems.push("nothing was submitted; mend the file, or use --keep-going to submit the other lines".into());
        return Err(Failure::Refused(problems));
    }
    Ok(batch)
}

fn read_from(
    name: String,
    reader: &mut dyn BufRead,
    keep_going: bool,
    programs: &mut Programs,
    progress: &ProgressBar,
) -> Result<Batch, std::io::Error> {
    let head = format!("{{\"command\":\"submit_tasks\",\"keep_going\":{keep_going},\"tasks\":[");
    let mut batch = Batch { name, command: head.into_bytes(), lines: vec![], problems: vec![], keys: HashMap::new() };
    let mut line = Vec::new();
    for number in 1u32.. {
        let checked = match next_line(reader, &mut line)? {
            Ok(false) => break,
            Ok(true) if line.iter().all(u8::is_ascii_whitespace) => continue,
            Ok(true) => check_line(&line, programs).and_then(|key| {
                let earlier = key.and_then(|key| Some((batch.keys.insert(key.clone(), number)?, key)));
                earlier.map_or(Ok(()), |(first, key)| {
                    Err((None, format!("key \"{key}\" is already used in line {first}; use another")))
                })
            }),
            Err((column, problem)) => Err((Some(column), problem)),
        };
        if number % 4096 == 0 {
            progress.set_position(batch.command.len() as u64);
        }
        match checked {
            Ok(()) => {
                if !batch.lines.is_empty() {
                    batch.command.push(b',');
                }
                batch.command.extend_from_slice(&line);
                batch.lines.push(number);
            }
            Err((column, problem)) => {
                let column = column.map_or_else(String::new, |column| format!(":{column}"));
                batch.problems.push(format!("{}:{number}{column}: {problem}", batch.name));
                if !keep_going && batch.problems.len() >= PROBLEMS_MAX {
                    break;
                }
            }
        }
    }
    Ok(batch)
}

/// What some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Checks one line and gives its key; an error comes with its column where that is known.
fn check_line(line: &[u8], programs: &mut Programs) -> Result<Option<String>, (Option<usize>, String)> {
    if let Some(at) = line.iter().position(|byte| *byte == 0) {
        return Err((Some(at + 1), "a NUL byte; remove it".into()));
    }
    // Serde would read a list as the fields in their order, and complain of their number.
    if let Some(at) = line.iter().position(|byte| !byte.is_ascii_whitespace()).filter(|at| line[*at] == b'[') {
        return Err((Some(at + 1), "a list; a task is an object, such as {\"type\": \"analysis\"}".into()));
    }
    if line.starts_with(BYTE_ORDER_MARK) {
        return Err((Some(1), "a byte order mark; save the file without one".into()));
    }
    let mut task: NewTask = serde_json::from_slice(line).map_err(|error| {
        let text = error.to_string();
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        let line = String::from_utf8_lossy(line);
        let key = offending_value(message).and_then(|value| json_key(&line, error.column(), value));
        (Some(error.column().max(1)), in_words(message, key))
    })?;
    task.normalise().and_then(|()| programs.check_task(&task)).map_err(|refusal| (None, refusal.to_string()))?;
    Ok(task.key)
}

/// A bar on standard error; hidden by itself when that is no terminal.
fn progress_bar(size: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
    let template =
        if size.is_some() { "reading {wide_bar} {bytes}/{total_bytes}" } else { "reading {spinner} {bytes}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Below this many tasks the engine answers before a spinner would be seen.
const SPINNER_FROM: usize = 10_000;

/// Shows that the engine makes so many tasks durable; gone when it is dropped. Hidden where standard error is no
/// terminal.
pub fn committing(count: usize) -> ProgressBar {
    if count < SPINNER_FROM {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_message(format!("{count} tasks are being made durable"));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}

impl Batch {
    /// The command that submits the tasks, as JSON. The tasks move into it; names and lines stay for the answer.
    pub fn take_command(&mut self) -> Vec<u8> {
        let mut command = std::mem::take(&mut self.command);
        command.extend_from_slice(b"]}");
        command
    }

    /// A place in the submission, counted from 0, as file and line.
    pub fn place(&self, item: &str) -> String {
        let line = item.parse::<usize>().ok().and_then(|place| self.lines.get(place));
        line.map_or_else(|| format!("{}: {item}", self.name), |line| format!("{}:{line}", self.name))
    }

    /// A field with file and line instead of the task's place or key in the submission: the engine writes `tasks[N]`
    /// counted from 0, `task N` counted from 1, or `task "KEY"`.
    pub fn field(&self, field: &str) -> String {
        let place = |text: &str, first: usize| self.lines.get(text.parse::<usize>().ok()?.checked_sub(first)?).copied();
        let split = |prefix: &str, end: char| field.strip_prefix(prefix)?.split_once(end);
        let found = None
            .or_else(|| split("tasks[", ']').and_then(|(number, rest)| Some((place(number, 0)?, rest))))
            .or_else(|| split("task \"", '"').and_then(|(key, rest)| Some((*self.keys.get(key)?, rest))))
            .or_else(|| split("task ", ':').and_then(|(number, rest)| Some((place(number, 1)?, rest))));
        match found {
            Some((line, rest)) => format!("{}:{line}: {}", self.name, rest.trim_start_matches([':', '.', ' '])),
            None => format!("{}: {field}", self.name),
        }
    }
}

/// Reads the lines of a text file that are not empty.
pub fn read_lines(path: &Path) -> Result<Vec<String>, Failure> {
    let (name, mut reader, _) = open(path)?;
    let mut lines = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        match next_line(&mut *reader, &mut line).map_err(|error| Failure::file("read", path, &error))? {
            Ok(false) => break,
            Ok(true) => {
                if let Some(at) = line.iter().position(|byte| *byte == 0) {
                    return Err(Failure::refused(format!("{name}:{number}:{}: a NUL byte; remove it", at + 1)));
                }
                let text = String::from_utf8_lossy(&line);
                if !text.trim().is_empty() {
                    lines.push(text.into_owned());
                }
            }
            Err((column, problem)) => return Err(Failure::refused(format!("{name}:{number}:{column}: {problem}"))),
        }
        check_count(&name, lines.len())?;
    }
    if lines.is_empty() { Err(Failure::refused(format!("{name}: no lines; nothing to run"))) } else { Ok(lines) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn check(bytes: &[u8], keep_going: bool) -> Batch {
        read_from(
            "b.jsonl".into(),
            &mut &bytes[..],
            keep_going,
            &mut Programs::new(Path::new("/data")),
            &ProgressBar::hidden(),
        )
        .unwrap()
    }

    #[test]
    fn lines_go_out_as_they_came() {
        let mut batch =
            check(b"{\"type\": \"a\", \"key\": \"k\"}\n\n{\"type\":\"b\",\"depends_on\":[\"k\"]}\r\n", false);
        assert!(batch.problems.is_empty(), "{:?}", batch.problems);
        assert_eq!(batch.lines, [1, 3]);
        assert_eq!(batch.place("1"), "b.jsonl:3");
        for (field, shown) in [
            ("tasks[1].depends_on", "b.jsonl:3: depends_on"),
            ("task 2: depends_on", "b.jsonl:3: depends_on"),
            ("task \"k\": depends_on", "b.jsonl:1: depends_on"),
            ("task 9: depends_on", "b.jsonl: task 9: depends_on"),
            ("anything", "b.jsonl: anything"),
        ] {
            assert_eq!(batch.field(field), shown);
        }
        let command: Value = serde_json::from_slice(&batch.take_command()).unwrap();
        assert_eq!(command["tasks"][1]["depends_on"][0], "k");
    }

    #[test]
    fn errors_have_line_and_column() {
        let cases: [(&[u8], &str); 22] = [
            (b"not json", "b.jsonl:1:2: no JSON; a task is an object, such as {\"type\": \"analysis\"}"),
            (b"\xef\xbb\xbf{\"type\": \"a\"}", "b.jsonl:1:1: a byte order mark; save the file without one"),
            (
                b"{\"type\": \"a\", \"priority\": \"5\"}",
                "priority: \"5\" is not allowed; allowed: a whole number from 1 to 10",
            ),
            (b"{\"type\": \"a\", \"deadline\": 5}", "deadline: \"5\" is not allowed; allowed: a time in quotes"),
            (b"{\"type\": \"a\", \"prio\": 5}", "Did you mean `priority`?"),
            (b"{\"type\": \"a\", \"retries\": 5}", "Did you mean `max_attempts`?"),
            (b"{\"type\": \"a\", \"timeout\": \"-1m\"}", "timeout: \"-1m\" is not allowed"),
            (b"[]", "b.jsonl:1:1: a list; a task is an object, such as {\"type\": \"analysis\"}"),
            (b"5", "b.jsonl:1:1: value: \"5\" is not allowed; allowed: named fields"),
            (
                b"{\"type\": \"a\", \"priority\": -3}",
                "priority: \"-3\" is not allowed; allowed: a whole number from 1 to 10",
            ),
            (
                b"{\"type\": \"a\", \"parameters\": {\"configuration\": {\"command\": [\"/no/such/prog\"]}}}",
                "b.jsonl:1: command \"/no/such/prog\" does not exist",
            ),
            (
                b"{\"type\": \"a\", \"parameters\": {\"configuration\": {\"env\": {\"MENAGERIE_CAGE\": \"7\"}}}}",
                "b.jsonl:1: parameters.configuration.env: \"MENAGERIE_CAGE\" is not allowed",
            ),
            (b"{\"type\": \"a\"}\n{\"type\": }\n", "b.jsonl:2:10: expected value"),
            (b"{\"type\": \"a\", \"prority\": 3}", "b.jsonl:1:23: unknown field `prority`"),
            (b"{\"type\": \"a\", \"prority\": 3}", "Did you mean `priority`?"),
            (b"{\"type\": \"a\", \"priority\": 11}", "b.jsonl:1: priority: \"11\" is not allowed; allowed: 1 to 10"),
            (b"{\"type\": \"a\", \"requirements\": {\"memory\": \"-5\"}}", "memory: \"-5\" is not allowed"),
            (b"{\"type\": \"a\xff\"}", "b.jsonl:1:12: not UTF-8"),
            (b"{\"type\": \"a\0\"}", "b.jsonl:1:12: a NUL byte"),
            (b"{}", "b.jsonl:1:2: missing field `type`"),
            (b"[1", "b.jsonl:1:"),
            (
                b"{\"type\":\"a\",\"key\":\"k\"}\n{\"type\":\"a\",\"key\":\"k\"}",
                "b.jsonl:2: key \"k\" is already used in line 1",
            ),
        ];
        for (bytes, expected) in cases {
            let problems = check(bytes, false).problems.join("\n");
            assert!(problems.contains(expected), "{problems}\n  does not contain {expected}");
        }
    }

    #[test]
    fn a_line_of_ten_mebibytes_is_refused_and_skipped() {
        let mut bytes = format!("{{\"type\": \"{}\"}}\n", "x".repeat(10 << 20)).into_bytes();
        bytes.extend_from_slice(b"{\"type\": \"a\"}");
        let batch = check(&bytes, true);
        assert_eq!(batch.lines, [2]);
        assert!(batch.problems[0].starts_with("b.jsonl:1:1: a line of 10485"), "{:?}", batch.problems);
        assert!(batch.problems[0].len() < 200);
    }

    proptest! {
        #[test]
        fn whatever_comes_the_result_is_json(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = bytes;
            bytes.extend_from_slice(b"\n{\"type\": \"a\"}\n");
            let mut batch = check(&bytes, true);
            let count = batch.lines.len();
            let command: Value = serde_json::from_slice(&batch.take_command()).unwrap();
            prop_assert_eq!(command["tasks"].as_array().unwrap().len(), count);
            prop_assert!(count >= 1);
        }
    }
}
