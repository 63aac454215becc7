//! The output of several tasks of one submission at once: every line behind the name of the task that wrote it.
//!
//! The journal's stream says which tasks begin and which have ended; a few followers read the output of those that have
//! begun. Output that no follower is free for yet is not lost: it lies with the engine and is read later.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::context::Context;
use super::failure::Failure;
use super::output::{Role, paint};
use super::table;
use crate::api::client::{Client, End};
use crate::domain::spool::{Chunk, Stream};
use crate::domain::{TaskId, TaskStatus};

/// How many outputs are read at a time.
const FOLLOWERS: usize = 32;
/// How many pieces of output may wait to be written, so that a slow terminal does not fill the memory.
const PIECES_WAITING: usize = 256;
/// A line that is longer than about this is written in pieces.
const LINE_BYTES_MAX: usize = 64 << 10;
/// How many columns of a line of `--each` stand before its output.
const NAME_COLUMNS: usize = 40;

/// The tasks of a submission and what each is called.
pub enum Names {
    /// The elements of an array, by their numbers.
    Array {
        /// The array.
        id: TaskId,
        /// The number of its first element.
        first: u32,
    },
    /// Tasks by the lines that they were made for.
    Lines(HashMap<TaskId, String>),
}

impl Names {
    /// Tasks made for lines, in the same order.
    pub fn of_lines(ids: &[TaskId], lines: &[String]) -> Self {
        let short = |line: &String| table::shorten(&table::clean(line), NAME_COLUMNS);
        Self::Lines(ids.iter().copied().zip(lines.iter().map(short)).collect())
    }

    /// What a task is called, if it belongs to the submission and can have output.
    fn of(&self, id: TaskId) -> Option<String> {
        match self {
            Self::Array { id: array, first } => {
                let ours = id.place() > 0 && id.as_array() == *array;
                ours.then(|| (u64::from(*first) + u64::from(id.place()) - 1).to_string())
            }
            Self::Lines(names) => names.get(&id).cloned(),
        }
    }

    /// The tasks whose end is waited for.
    fn awaited(&self) -> HashSet<TaskId> {
        match self {
            Self::Array { id, .. } => HashSet::from([*id]),
            Self::Lines(names) => names.keys().copied().collect(),
        }
    }
}

/// What the writer hears from the other threads.
enum News {
    /// Whole lines of a task, with their ends.
    Lines { name: Arc<str>, stream: Stream, text: Vec<u8> },
    /// The user pressed Ctrl-C while these had not ended.
    Interrupted(Vec<TaskId>),
    /// Nothing more will come.
    Failed(Failure),
}

/// Writes the output of all tasks as it comes, until all have ended; `after` is the last record before their
/// submission. Gives the tasks that had not ended when the user pressed Ctrl-C.
pub fn pass_on(context: &mut Context, names: Names, after: u64) -> Result<Vec<TaskId>, Failure> {
    let (news, received) = mpsc::sync_channel(PIECES_WAITING);
    let (begun, to_follow) = mpsc::channel();
    let to_follow = Arc::new(Mutex::new(to_follow));
    let followers = match &names {
        Names::Array { .. } => FOLLOWERS,
        Names::Lines(names) => names.len().min(FOLLOWERS),
    };
    for _ in 0..followers {
        let (data_dir, to_follow) = (context.settings.data_dir.value.clone(), to_follow.clone());
        spawn(&news, move |news| follow(&data_dir, &to_follow, news))?;
    }
    let data_dir = context.settings.data_dir.value.clone();
    spawn(&news, move |news| watch(&data_dir, &names, after, &begun, news))?;
    drop(news);
    // Threads that are left when this returns early end with the process, or when they next have something to say.
    for news in received {
        match news {
            News::Lines { name, stream: Stream::Out, text } => {
                let name = paint(context.out.color, Role::Dim, &format!("{name}: "));
                for line in text.split_inclusive(|byte| *byte == b'\n') {
                    context.out.raw(name.as_bytes())?;
                    context.out.raw(line)?;
                }
                context.out.flush()?;
            }
            News::Lines { name, stream, text } => {
                let remark = if stream == Stream::Note { "menagerie: " } else { "" };
                let mut shown = Vec::with_capacity(2 * text.len());
                for line in text.split_inclusive(|byte| *byte == b'\n') {
                    shown.extend_from_slice(format!("{name}: {remark}").as_bytes());
                    shown.extend_from_slice(line);
                }
                std::io::stderr().lock().write_all(&shown)?;
            }
            News::Interrupted(open) => return Ok(open),
            News::Failed(failure) => return Err(failure),
        }
    }
    Ok(vec![])
}

/// Starts a thread that reports its failure.
fn spawn(
    news: &SyncSender<News>,
    work: impl FnOnce(&SyncSender<News>) -> Result<(), Failure> + Send + 'static,
) -> Result<(), Failure> {
    let news = news.clone();
    let spawned = std::thread::Builder::new().spawn(move || {
        if let Err(failure) = work(&news) {
            // Nobody listens when the writer has failed already.
            let _ = news.send(News::Failed(failure));
        }
    });
    spawned.map(drop).map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))
}

/// The part of a journal record that tells what it is about.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// The part of a body that tells which task began or ended.
#[derive(Deserialize)]
struct Body {
    task_id: TaskId,
    task_status: Option<TaskStatus>,
}

/// Reads the journal's stream until all tasks have ended, and says which have begun.
fn watch(
    data_dir: &Path,
    names: &Names,
    after: u64,
    begun: &Sender<(TaskId, String)>,
    news: &SyncSender<News>,
) -> Result<(), Failure> {
    let client = Client::connect(data_dir)?;
    let (mut open, mut known) = (names.awaited(), HashSet::new());
    let end = client.stream(after, |_, data| {
        if let Some((kind, body)) = about_a_task(data) {
            let ended = match kind {
                Kind::Begun => {
                    if let Some(name) = names.of(body.task_id).filter(|_| known.insert(body.task_id)) {
                        // All followers have failed when nobody takes it, and the writer knows why.
                        let _ = begun.send((body.task_id, name));
                    }
                    false
                }
                Kind::AttemptEnded => body.task_status.is_some_and(TaskStatus::is_final),
                Kind::Ended => true,
            };
            if ended && open.remove(&body.task_id) && open.is_empty() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    match end {
        End::Stopped => Ok(()),
        End::Interrupted => {
            let _ = news.send(News::Interrupted(open.into_iter().collect()));
            Ok(())
        }
        End::Done => {
            Err(Failure::failed("the engine stopped before all tasks had ended; they go on when it runs again"))
        }
    }
}

enum Kind {
    Begun,
    AttemptEnded,
    Ended,
}

/// What a record says about the beginning or end of a task, if it does.
fn about_a_task(data: &str) -> Option<(Kind, Body)> {
    let row: Row<'_> = serde_json::from_str(data).ok()?;
    let kind = match &*row.kind {
        "execution_scheduled" => Kind::Begun,
        "execution_ended" => Kind::AttemptEnded,
        "task_cancelled" | "task_failed" | "array_ended" => Kind::Ended,
        _ => return None,
    };
    Some((kind, serde_json::from_str(row.body.get()).ok()?))
}

/// Reads the output of tasks that have begun, one after the other.
fn follow(
    data_dir: &Path,
    to_follow: &Mutex<Receiver<(TaskId, String)>>,
    news: &SyncSender<News>,
) -> Result<(), Failure> {
    let mut client = None;
    loop {
        let next = to_follow.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((id, name)) = next else { return Ok(()) };
        let client = match &mut client {
            Some(client) => client,
            none => none.insert(Client::connect(data_dir)?),
        };
        let mut lines = Lines { name: name.into(), out: vec![], err: vec![] };
        let end = client.logs(&id.to_string(), true, |chunk| lines.take(&chunk, news))?;
        if end != End::Done || lines.finish(news).is_break() {
            return Ok(());
        }
    }
}

/// Puts the pieces of a task's output together to lines, each stream for itself.
struct Lines {
    name: Arc<str>,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Lines {
    fn take(&mut self, chunk: &Chunk<'_>, news: &SyncSender<News>) -> ControlFlow<()> {
        let buffer = match chunk.stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
            Stream::Note => {
                let text = [chunk.bytes.trim_ascii_end(), b"\n"].concat();
                return send(&self.name, Stream::Note, text, news);
            }
        };
        buffer.extend_from_slice(chunk.bytes);
        if buffer.len() >= LINE_BYTES_MAX && !buffer.contains(&b'\n') {
            buffer.push(b'\n');
        }
        if let Some(end) = buffer.iter().rposition(|byte| *byte == b'\n') {
            let rest = buffer.split_off(end + 1);
            return send(&self.name, chunk.stream, std::mem::replace(buffer, rest), news);
        }
        ControlFlow::Continue(())
    }

    /// Lines without an end get one.
    fn finish(self, news: &SyncSender<News>) -> ControlFlow<()> {
        for (stream, mut rest) in [(Stream::Out, self.out), (Stream::Err, self.err)] {
            if !rest.is_empty() {
                rest.push(b'\n');
                send(&self.name, stream, rest, news)?;
            }
        }
        ControlFlow::Continue(())
    }
}

fn send(name: &Arc<str>, stream: Stream, text: Vec<u8>, news: &SyncSender<News>) -> ControlFlow<()> {
    match news.send(News::Lines { name: name.clone(), stream, text }) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn pieces_become_lines_of_their_own_stream() {
        let (news, received) = mpsc::sync_channel(100);
        let mut lines = Lines { name: "7".into(), out: vec![], err: vec![] };
        for (stream, text) in [
            (Stream::Out, "on"),
            (Stream::Err, "bad\nwor"),
            (Stream::Out, "e\ntwo\n\nlast"),
            (Stream::Note, "dropped\n"),
            (Stream::Err, "se\n"),
        ] {
            assert!(lines.take(&Chunk { stream, time: Timestamp::EPOCH, bytes: text.as_bytes() }, &news).is_continue());
        }
        assert!(lines.finish(&news).is_continue());
        drop(news);
        let said: Vec<(Stream, String)> = received
            .iter()
            .map(|news| match news {
                News::Lines { stream, text, .. } => (stream, String::from_utf8(text).unwrap()),
                _ => panic!("only lines"),
            })
            .collect();
        let expected = [
            (Stream::Err, "bad\n"),
            (Stream::Out, "one\ntwo\n\n"),
            (Stream::Note, "dropped\n"),
            (Stream::Err, "worse\n"),
            (Stream::Out, "last\n"),
        ];
        assert_eq!(said, expected.map(|(stream, text)| (stream, text.to_owned())));
    }

    #[test]
    fn elements_are_called_by_their_numbers() {
        let array = TaskId::new(Timestamp::from_micros(1), 0x0123_4567_89ab_cdef).as_array();
        let names = Names::Array { id: array, first: 10 };
        assert_eq!(names.of(array), None);
        assert_eq!(names.of(array.element(3)).as_deref(), Some("12"));
        let other = TaskId::new(Timestamp::from_micros(1 << 40), 0x0123_4567_89ab_cdef).as_array();
        assert_eq!(names.of(other.element(3)), None);
    }
}
