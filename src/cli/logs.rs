//! `menagerie task logs`: what a task wrote.

use std::ops::ControlFlow;

use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::defuse::Defuser;
use super::failure::{Failure, Outcome};
use super::output::Role;
use super::{view, wait};
use crate::api::client::{Client, End, encode};
use crate::domain::Refusal;
use crate::domain::spool::{Chunk, Stream};

/// Options of `menagerie task logs`.
#[derive(Args, Clone, Debug)]
pub struct LogsArgs {
    /// The task: its id or the beginning of it
    pub id: String,
    /// Go on until the task has ended
    #[arg(short, long)]
    pub follow: bool,
    /// Only this stream
    #[arg(long, value_name = "STREAM", value_parser = ["out", "err"])]
    pub stream: Option<String>,
    /// Put the time before each piece
    #[arg(short, long)]
    pub timestamps: bool,
    /// Write what was written byte for byte also to a terminal, which it may then drive
    #[arg(long)]
    pub raw: bool,
}

const fn name(stream: Stream) -> &'static str {
    match stream {
        Stream::Out => "out",
        Stream::Err => "err",
        Stream::Note => "note",
    }
}

pub fn run(context: &mut Context, client: &Client, args: &LogsArgs) -> Outcome {
    // A stream each, because each is a sequence of characters of its own.
    let mut defusers = (context.out.is_terminal && !args.raw).then(<[Defuser; 2]>::default);
    let (mut broken, mut is_silent) = (None, true);
    let end = client.logs(&args.id, args.follow, |chunk| {
        is_silent = false;
        // What is left out concerns whoever reads either stream.
        let is_note = chunk.stream == Stream::Note;
        if !is_note && args.stream.as_deref().is_some_and(|wanted| wanted != name(chunk.stream)) {
            return ControlFlow::Continue(());
        }
        match write(context, args, &chunk, defusers.as_mut()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                broken = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if is_silent && end == End::Done {
        refuse_array(client, &args.id)?;
    }
    match broken {
        Some(error) => Err(error.into()),
        None => Ok(if end == End::Interrupted { 130 } else { 0 }),
    }
}

/// Refuses an array, which has no output of its own.
fn refuse_array(client: &Client, id: &str) -> Result<(), Failure> {
    let task: Value = client.get(&format!("/v1/tasks/{}", encode(id)), &vec![])?;
    if !view::at(&task, "array").is_object() {
        return Ok(());
    }
    let id = view::text(&task, "id");
    let hint = format!("menagerie task list --filter array:{id} lists them");
    Err(Refusal::conflict("task", format!("{id} is an array"), "one of its elements, which have the output")
        .hint(hint)
        .into())
}

/// Writes a piece: its bytes for people, harmless where they reach a terminal; one JSON object a piece for programs.
fn write(
    context: &mut Context,
    args: &LogsArgs,
    chunk: &Chunk<'_>,
    defusers: Option<&mut [Defuser; 2]>,
) -> std::io::Result<()> {
    let out = &mut context.out;
    if !out.is_table() {
        let text = String::from_utf8_lossy(chunk.bytes);
        return out.event(&json!({"time": chunk.time, "stream": name(chunk.stream), "text": text}), String::new);
    }
    if chunk.stream == Stream::Note {
        // It is nothing that the task wrote: not among that, but after it.
        out.flush()?;
        wait::remark_on_stderr(&wait::note(chunk));
        return Ok(());
    }
    if args.timestamps {
        let stamp = out.paint(Role::Dim, &format!("{} {} ", chunk.time, name(chunk.stream)));
        out.raw(stamp.as_bytes())?;
    }
    if let Some(defusers) = defusers {
        out.raw(&defusers[usize::from(chunk.stream == Stream::Err)].defuse(chunk.bytes))?;
    } else {
        out.raw(chunk.bytes)?;
    }
    if args.follow { out.flush() } else { Ok(()) }
}
