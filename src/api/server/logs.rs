//! The output of executions, as the worker spooled it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::spool::{Found, Part, find};
use super::spool_reader::SpoolReader;
use super::{Failure, Service, live};
use crate::api::types::{LOG_END_HEADER, LOG_SIZE_HEADER, LOG_START_HEADER};
use crate::domain::{ExecutionId, Refusal, RefusalKind, TaskId};

/// How often a growing output is looked at while somebody follows it.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(100);

/// What a query asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    part: Part,
    follow: bool,
}

fn asked(raw: Option<&str>) -> Result<Asked, Refusal> {
    let mut asked = Asked::default();
    for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let number = || value.parse().map_err(|_| Refusal::invalid(name, value, "a number"));
        match name {
            "follow" => {
                let parsed = value.parse().map_err(|_| Refusal::not_one_of(name, value, &["true", "false"]));
                asked.follow = parsed?;
            }
            "from" => asked.part.from = Some(number()?),
            "before" => asked.part.before = Some(number()?),
            "tail" => asked.part.tail = Some(number()?),
            "length" => asked.part.length = Some(number()?),
            other => {
                return Err(Refusal::not_one_of("query", other, &["follow", "from", "before", "tail", "length"]));
            }
        }
    }
    if asked.follow && (asked.part.before.is_some() || asked.part.length.is_some()) {
        return Err(Refusal::conflict("follow", "true", "without before and length, which name an end"));
    }
    Ok(asked)
}

/// `GET /v1/tasks/{id}/logs`: chunks in the format of `domain::spool`; the task's current or last execution.
pub(super) async fn task_logs(
    State(service): State<Service>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let asked = asked(raw.as_deref())?;
    let task = service.read(move |reader| {
        let id = reader.resolve_task(&id)?;
        reader.task(id)?.ok_or_else(|| live::missing("task", id))
    });
    let task = task.await?;
    answer(service, Whose::Task(task.id), task.execution_id, asked).await
}

/// `GET /v1/executions/{id}/logs`: the same of one execution.
pub(super) async fn execution_logs(
    State(service): State<Service>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let asked = asked(raw.as_deref())?;
    let execution = service.read(move |reader| {
        let id = reader.resolve_execution(&id)?;
        reader.execution(id)?.ok_or_else(|| live::missing("execution", id))
    });
    let id = execution.await?.id;
    answer(service, Whose::Execution(id), Some(id), asked).await
}

async fn answer(
    service: Service,
    whose: Whose,
    execution: Option<ExecutionId>,
    Asked { part, follow }: Asked,
) -> Result<Response, Failure> {
    let folder = service.0.data_dir.join("output");
    let at = service.running()?.at.map(|at| at.time);
    // In a past nothing follows.
    let follow = follow && at.is_none();
    let found = match execution {
        Some(execution) => {
            let (folder, marks) = (folder.clone(), service.running()?.marks.clone());
            let found = tokio::task::spawn_blocking(move || find(&folder, execution, &part, at, &marks)).await;
            let found = found.unwrap_or_else(|error| Err(io::Error::other(error)));
            found.map_err(|error| Refusal::new(RefusalKind::Unavailable, "the output", error))?
        }
        None => Found::default(),
    };
    let reader = execution.map(|execution| {
        let reader = SpoolReader::new(&folder, execution).from(found.start);
        if follow { reader } else { reader.until(found.end) }
    });
    let state = Following { service, whose, folder, reader, successor: None, follow, at_end: false };
    let body = Body::from_stream(stream::try_unfold(state, Following::next));
    let mut response = ([(header::CONTENT_TYPE, "application/vnd.menagerie.spool")], body).into_response();
    let headers = response.headers_mut();
    headers.insert(LOG_START_HEADER, found.start.number().into());
    headers.insert(LOG_SIZE_HEADER, found.size.into());
    if !follow {
        headers.insert(LOG_END_HEADER, found.end.number().into());
    }
    Ok(response)
}

/// Whose output is read.
#[derive(Clone, Copy)]
enum Whose {
    /// A task's, of one execution after another.
    Task(TaskId),
    /// One execution's.
    Execution(ExecutionId),
}

/// Where a reader of an output stands.
struct Following {
    service: Service,
    whose: Whose,
    folder: PathBuf,
    reader: Option<SpoolReader>,
    /// The attempt that has begun after the one being read.
    successor: Option<ExecutionId>,
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
            // The end is looked for before the last read, so that nothing written before it is missed.
            self.at_end = self.ended().await?;
            if !self.at_end {
                tokio::time::sleep(FOLLOW_INTERVAL).await;
            }
        }
    }

    async fn ended(&mut self) -> io::Result<bool> {
        let failed = |failure: Failure| io::Error::other(failure.0);
        match self.whose {
            Whose::Execution(id) => {
                let execution = self.service.read(move |reader| reader.execution(id)).await.map_err(failed)?;
                Ok(execution.is_none_or(|execution| execution.status.is_final()))
            }
            Whose::Task(id) => {
                let Some(task) = self.service.read(move |reader| reader.task(id)).await.map_err(failed)? else {
                    return Ok(true);
                };
                let current = self.reader.as_ref().map(|reader| reader.execution);
                if current != task.execution_id {
                    // A further attempt has begun: what it says follows what the one before said last.
                    if current.is_none() || self.successor == task.execution_id {
                        self.reader = task.execution_id.map(|execution| SpoolReader::new(&self.folder, execution));
                    }
                    self.successor = task.execution_id;
                    return Ok(false);
                }
                Ok(task.status.is_final())
            }
        }
    }

    async fn read_more(&mut self) -> io::Result<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_an_end_cannot_be_followed() {
        let found = asked(Some("from=5&length=10")).unwrap();
        assert_eq!((found.part.from, found.part.length, found.follow), (Some(5), Some(10), false));
        assert!(asked(Some("follow=true&tail=100")).unwrap().follow);
        for wrong in ["follow=true&before=1", "follow=maybe", "tail=-1", "head=1", "follow=true&length=3"] {
            assert!(asked(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
