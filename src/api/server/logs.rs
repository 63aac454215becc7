//! The output of executions, as the worker spooled it.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::{Failure, Service, live};
use crate::domain::{ExecutionId, Refusal};

/// How much is handed on at a time.
const READ_BYTES: usize = 256 << 10;
/// How often a growing output is looked at while somebody follows it.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(100);

/// Reads the segments of one execution's output in order, from where it stopped.
struct SpoolReader {
    folder: PathBuf,
    execution: ExecutionId,
    segment: u32,
    offset: u64,
}

impl SpoolReader {
    fn path(&self, segment: u32) -> PathBuf {
        self.folder.join(format!("{}.{segment}.spool", self.execution))
    }

    /// What follows; empty when there is nothing more yet.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let mut bytes = Vec::new();
            match std::fs::File::open(self.path(self.segment)) {
                Ok(mut file) => {
                    file.seek(SeekFrom::Start(self.offset))?;
                    file.take(READ_BYTES as u64).read_to_end(&mut bytes)?;
                }
                // Nothing was spooled yet, or the segment was dropped before it was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            if !bytes.is_empty() {
                self.offset += bytes.len() as u64;
                return Ok(bytes);
            }
            match self.next_segment()? {
                Some(next) => (self.segment, self.offset) = (next, 0),
                None => return Ok(bytes),
            }
        }
    }

    /// The segment after this one. It is usually the next number; after a drop the folder has to be searched.
    fn next_segment(&self) -> io::Result<Option<u32>> {
        if self.path(self.segment + 1).exists() {
            return Ok(Some(self.segment + 1));
        }
        if !self.path(self.segment).exists() && self.segment == 0 {
            return Ok(None);
        }
        let prefix = format!("{}.", self.execution);
        let mut later = None;
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let number =
                name.to_str().and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(".spool")?.parse().ok());
            if let Some(number) = number.filter(|number| *number > self.segment) {
                later = Some(later.map_or(number, |known: u32| known.min(number)));
            }
        }
        Ok(later)
    }
}

/// `GET /v1/tasks/{id}/logs?follow=`: chunks in the format of `domain::spool`; the task's current or last execution.
pub(super) async fn task_logs(
    State(service): State<Service>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let follow = match raw.as_deref() {
        None | Some("" | "follow=false") => false,
        Some("follow=true") => true,
        Some(other) => return Err(Refusal::invalid("query", other, "follow=true or follow=false").into()),
    };
    let task = service.read(move |reader| {
        let id = reader.resolve_task(&id)?;
        reader.task(id)?.ok_or_else(|| live::missing("task", id))
    });
    let task = task.await?;
    let folder = service.0.data_dir.join("output");
    let state = Following { service, task: task.id, folder, reader: None, follow, at_end: false };
    let body = Body::from_stream(stream::try_unfold(state, Following::next));
    Ok(([(header::CONTENT_TYPE, "application/vnd.menagerie.spool")], body).into_response())
}

/// Where a reader of a task's output stands.
struct Following {
    service: Service,
    task: crate::domain::TaskId,
    folder: PathBuf,
    reader: Option<SpoolReader>,
    follow: bool,
    at_end: bool,
}

impl Following {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            let bytes = self.read_more().await?;
            if !bytes.is_empty() {
                return Ok(Some((bytes.into(), self)));
            }
            if !self.follow || self.at_end {
                return Ok(None);
            }
            // The end of the task is looked for before the last read, so that nothing written before it is missed.
            self.at_end = self.task_ended().await?;
            if !self.at_end {
                tokio::time::sleep(FOLLOW_INTERVAL).await;
            }
        }
    }

    async fn task_ended(&mut self) -> io::Result<bool> {
        let id = self.task;
        let task =
            self.service.read(move |reader| reader.task(id)).await.map_err(|failure| io::Error::other(failure.0))?;
        let Some(task) = task else { return Ok(true) };
        if self.reader.as_ref().map(|reader| reader.execution) != task.execution_id {
            // A further attempt has begun: what it says follows.
            self.reader = task.execution_id.map(|execution| open(&self.folder, execution));
            return Ok(false);
        }
        Ok(task.status.is_final())
    }

    async fn read_more(&mut self) -> io::Result<Vec<u8>> {
        if self.reader.is_none() {
            let id = self.task;
            let task = self
                .service
                .read(move |reader| reader.task(id))
                .await
                .map_err(|failure| io::Error::other(failure.0))?;
            self.reader = task.and_then(|task| task.execution_id).map(|execution| open(&self.folder, execution));
        }
        let Some(mut reader) = self.reader.take() else { return Ok(vec![]) };
        let (reader, bytes) = tokio::task::spawn_blocking(move || {
            let bytes = reader.read();
            (reader, bytes)
        })
        .await
        .map_err(io::Error::other)?;
        self.reader = Some(reader);
        bytes
    }
}

fn open(folder: &FilePath, execution: ExecutionId) -> SpoolReader {
    SpoolReader { folder: folder.to_owned(), execution, segment: 0, offset: 0 }
}
