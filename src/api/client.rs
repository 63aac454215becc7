//! The client of the engine's API: blocking to its callers, one connection that is kept alive.
//!
//! Inside runs a single-threaded runtime, because starting threads would cost a short command more than the request
//! itself. A connection that is left in the middle of an answer is dropped and dialled anew for the next request.

use std::cell::RefCell;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

use super::live::{CageCell, CageProcess, NodeSensors, Overview, Pulse, Ready};
use super::types::{
    LOG_END_HEADER, LOG_SIZE_HEADER, LOG_START_HEADER, MORE_HEADER, NEXT_HEADER, NOT_READY, SIZE_HEADER, SOCKET_NAME,
    TOTAL_HEADER, WireCommand, WireError,
};
use crate::domain::agent::AgentVersion;
use crate::domain::spool::{self, Chunk};
use crate::domain::{CageId, Refusal, Reply};

/// Why a request got no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens on the data directory's socket.
    #[error("no engine runs on {}", data_dir.display())]
    NoEngine {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The socket is there but cannot be reached.
    #[error("cannot reach the engine at {}", socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The engine has not read its store yet.
    #[error("{}: {}", super::types::NOT_READY, .0.text())]
    NotReady(Ready),
    /// The engine refused the request.
    #[error("{0}")]
    Refused(Refusal),
    /// The connection broke before the whole answer was there.
    #[error("the engine went away before it answered in full")]
    Broken(#[source] hyper::Error),
    /// The same of a change: it may have been taken, so it is not sent again.
    #[error(
        "the engine went away before it answered; whether the change was taken is not known: look with `menagerie task list` \
         or `menagerie journal tail` before you try again"
    )]
    PerhapsDone(#[source] hyper::Error),
    /// The engine answered with something this client does not understand.
    #[error("the engine answered {method_and_path} with {found}")]
    Unexpected {
        /// The request.
        method_and_path: String,
        /// What came.
        found: String,
    },
    /// The client's own runtime could not be made.
    #[error("cannot start the client")]
    Runtime(#[source] io::Error),
    /// The request could not be written down.
    #[error("the request cannot be written as JSON")]
    Request(#[source] serde_json::Error),
}

/// How a stream came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The engine ended it, or was ended.
    Done,
    /// The receiver wanted no more.
    Stopped,
    /// The user pressed Ctrl-C.
    Interrupted,
}

/// Part of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many match in all; of the journal, how many came.
    pub total: u64,
    /// Whether there are more than `total`, because they were counted up to a bound.
    pub more: bool,
    /// Of the journal: from where to go on, as `after`, or as `before` with `order=desc`; `None` at the end.
    pub next: Option<u64>,
}

/// Parameters of a query, in order; a name may occur several times.
pub type Query = Vec<(String, String)>;

/// A connection to one engine.
pub struct Client {
    runtime: Runtime,
    data_dir: PathBuf,
    connection: RefCell<Option<SendRequest<Full<Bytes>>>>,
    /// Told how far a starting engine is while a request waits for it; without it no request waits.
    patience: RefCell<Option<Patience>>,
    /// Where each change is written with what came of it.
    account: RefCell<Option<PathBuf>>,
}

/// The largest command that an account is kept of, in bytes: what is larger is seldom typed by hand.
const ACCOUNT_MAX: usize = 1 << 20;

/// A change that was made, as a line of an account.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Account {
    /// What was asked.
    pub command: WireCommand,
    /// What came of it, with what takes it back.
    pub reply: Reply,
}

/// Which part of an output is wanted; all of it when nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// From this position on.
    pub from: Option<u64>,
    /// Up to this position.
    pub before: Option<u64>,
    /// Only so many bytes at the end, or a little more.
    pub tail: Option<u64>,
    /// Only so many bytes at the beginning, or a little less.
    pub length: Option<u64>,
}

/// A part of an output, in the chunks of [`spool`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// Where it begins: what stands before it is asked for with this as `before`.
    pub start: u64,
    /// Where it ends: what follows it is asked for with this as `from`.
    pub end: u64,
    /// How many bytes are kept in all.
    pub size: u64,
    /// The chunks.
    pub bytes: Bytes,
}

/// Is told how far a starting engine is.
type Patience = Box<dyn FnMut(&Ready)>;

/// How often a starting engine is asked how far it is.
const READY_INTERVAL: Duration = Duration::from_millis(20);

impl Client {
    /// Connects to the engine of a data directory.
    ///
    /// # Errors
    /// [`Error::NoEngine`] when nobody listens, [`Error::Unreachable`] when the socket cannot be used.
    pub fn connect(data_dir: &Path) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
        let sender = runtime.block_on(dial(data_dir))?;
        Ok(Self {
            runtime,
            data_dir: data_dir.to_owned(),
            connection: RefCell::new(Some(sender)),
            patience: RefCell::new(None),
            account: RefCell::new(None),
        })
    }

    /// Makes every request wait while the engine reads its store, instead of failing with [`Error::NotReady`]. `told` hears
    /// how far it is, and once that it is ready.
    pub fn wait_while_starting(&self, told: impl FnMut(&Ready) + 'static) {
        *self.patience.borrow_mut() = Some(Box::new(told));
    }

    /// Has each change that is made from now on be appended to a file, as an [`Account`] on a line of its own.
    pub fn keep_account(&self, path: PathBuf) {
        *self.account.borrow_mut() = Some(path);
    }

    /// How far the engine is; answered at once, however busy it is with its start.
    pub fn ready(&self) -> Result<Ready, Error> {
        self.runtime.block_on(self.ask_ready())
    }

    /// What a person needs in the first five seconds.
    pub fn overview(&self) -> Result<Overview, Error> {
        self.get("/v1/overview", &vec![])
    }

    /// All cages, by number.
    pub fn grid(&self) -> Result<Vec<CageCell>, Error> {
        self.get("/v1/grid", &vec![])
    }

    /// What a node's sensors say, the node by name.
    pub fn node_sensors(&self, node: &str) -> Result<NodeSensors, Error> {
        self.get(&format!("/v1/nodes/{}/sensors", encode(node)), &vec![])
    }

    /// The processes of a cage, and how many there are in all.
    pub fn processes(&self, cage: CageId) -> Result<(Vec<CageProcess>, u64), Error> {
        self.list(&format!("cages/{cage}/processes"), &vec![])
    }

    /// Hands on a notice whenever something has changed, at most one per `interval_ms`.
    pub fn pulse(&self, interval_ms: u64, mut on_pulse: impl FnMut(Pulse) -> ControlFlow<()>) -> Result<End, Error> {
        let (path, mut parser, mut broken) =
            (format!("/v1/pulse?interval_ms={interval_ms}"), SseParser::default(), None);
        let end = self.receive(&path, |bytes| {
            parser.feed(bytes, &mut |_, text| match read_json(&path, text.as_bytes()) {
                Ok(pulse) => on_pulse(pulse),
                Err(error) => {
                    broken = Some(error);
                    ControlFlow::Break(())
                }
            })
        })?;
        broken.map_or(Ok(end), Err)
    }

    /// Sends a command; ids in it may be prefixes and agents named (see [`WireCommand`](super::types::WireCommand)).
    pub fn command(&self, command: &impl Serialize) -> Result<Reply, Error> {
        self.command_bytes(serde_json::to_vec(command).map_err(Error::Request)?)
    }

    /// Sends a command that is already written as JSON; a million tasks need not be taken apart for that.
    pub fn command_bytes(&self, body: Vec<u8>) -> Result<Reply, Error> {
        let account = self.account.borrow().clone().filter(|_| body.len() <= ACCOUNT_MAX);
        let said = account.as_ref().map(|_| body.clone());
        let (bytes, _) = self.exchange(Method::POST, "/v1/commands", body).map_err(|error| match error {
            // One that is cancelled never left.
            Error::Broken(why) if !why.is_canceled() => Error::PerhapsDone(why),
            error => error,
        })?;
        if let (Some(path), Some(said)) = (account, said) {
            // The change is made, whether or not somebody can be told how to take it back.
            let _ = append(&path, &[&b"{\"command\":"[..], &said, b",\"reply\":", &bytes, b"}\n"].concat());
        }
        read_json("POST /v1/commands", &bytes)
    }

    /// Asks the engine to stop, with `kill` also the worker and everything in its cages.
    pub fn shutdown(&self, kill: bool) -> Result<(), Error> {
        let body = serde_json::to_vec(&super::types::Shutdown { kill }).map_err(Error::Request)?;
        self.exchange(Method::POST, "/v1/shutdown", body).map(drop)
    }

    /// Sends something and reads what comes back.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Error> {
        let body = serde_json::to_vec(body).map_err(Error::Request)?;
        read_json(path, &self.exchange(Method::POST, path, body)?.0)
    }

    /// Gets one thing, such as `/v1/status`.
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<T, Error> {
        read_json(path, &self.get_bytes(path, query)?)
    }

    /// Gets one thing as it came.
    pub fn get_bytes(&self, path: &str, query: &Query) -> Result<Bytes, Error> {
        Ok(self.exchange(Method::GET, &with_query(path, query), vec![])?.0)
    }

    /// Gets a list, such as `tasks`, and how many there are in all; see [`Listed::more`].
    pub fn list<T: DeserializeOwned>(&self, noun: &str, query: &Query) -> Result<(Vec<T>, u64), Error> {
        self.page(noun, query).map(|page| (page.items, page.total))
    }

    /// What an agent was called that was removed, by its id: `NAME (removed)`; `None` where that cannot be told.
    pub fn last_name(&self, id: &str) -> Option<String> {
        let last = vec![("sort".to_owned(), "-version".to_owned()), ("limit".to_owned(), "1".to_owned())];
        let versions = self.list::<AgentVersion>(&format!("agents/{}/versions", encode(id)), &last).ok()?.0;
        versions.first().map(|version| format!("{} (removed)", version.spec.name))
    }

    /// Gets part of a list, such as `tasks` or `journal`, with everything that is said of it.
    pub fn page<T: DeserializeOwned>(&self, noun: &str, query: &Query) -> Result<Listed<T>, Error> {
        let path = with_query(&format!("/v1/{noun}"), query);
        let (bytes, headers) = self.exchange(Method::GET, &path, vec![])?;
        let items: Vec<T> = read_json(&path, &bytes)?;
        let number = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
        let total = number(TOTAL_HEADER).unwrap_or(items.len() as u64);
        Ok(Listed { items, total, more: headers.contains_key(MORE_HEADER), next: number(NEXT_HEADER) })
    }

    /// Waits until a task has ended, at most `timeout_s` seconds (the engine may answer sooner): the task, or `None`
    /// while it goes on. Ctrl-C ends the wait with `Err(End::Interrupted)` inside.
    pub fn wait_for_task(
        &self,
        id: &str,
        timeout_s: u64,
    ) -> Result<Result<Option<serde_json::Map<String, serde_json::Value>>, End>, Error> {
        let path = format!("/v1/tasks/{}/wait?timeout_s={timeout_s}", encode(id));
        self.until_interrupted(async {
            let response = self.request(Method::GET, &path, vec![]).await?;
            let empty = response.status() == StatusCode::NO_CONTENT;
            let bytes = response.into_body().collect().await.map_err(Error::Broken)?.to_bytes();
            if empty { Ok(None) } else { read_json(&path, &bytes).map(Some) }
        })
    }

    /// Hands on the output of a task's current or last execution piece by piece, with `follow` until the task ends.
    pub fn logs(
        &self,
        id: &str,
        follow: bool,
        mut on_chunk: impl FnMut(Chunk<'_>) -> ControlFlow<()>,
    ) -> Result<End, Error> {
        let path = format!("/v1/tasks/{}/logs?follow={follow}", encode(id));
        let mut buffer: Vec<u8> = Vec::new();
        let end = self.receive(&path, |bytes| {
            buffer.extend_from_slice(bytes);
            let mut taken = 0;
            while let Some((chunk, length)) = spool::decode(&buffer[taken..]) {
                on_chunk(chunk)?;
                taken += length;
            }
            buffer.drain(..taken);
            ControlFlow::Continue(())
        })?;
        if end == End::Done && !buffer.is_empty() {
            let found = format!("output whose last {} bytes are no whole chunk", buffer.len());
            return Err(Error::Unexpected { method_and_path: path, found });
        }
        Ok(end)
    }

    /// A part of an output, of `tasks/ID` or `executions/ID`.
    pub fn log_page(&self, of: &str, part: &LogPart) -> Result<LogPage, Error> {
        let named = [("from", part.from), ("before", part.before), ("tail", part.tail), ("length", part.length)];
        let query = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_string()))).collect();
        let path = with_query(&format!("/v1/{of}/logs"), &query);
        self.runtime.block_on(async {
            let response = self.request(Method::GET, &path, vec![]).await?;
            let number = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()?.parse().ok());
            let missing = || Error::Unexpected { method_and_path: path.clone(), found: "no position".to_owned() };
            let (start, end) = (number(LOG_START_HEADER), number(LOG_END_HEADER));
            let size = number(LOG_SIZE_HEADER).unwrap_or(0);
            let (start, end) = start.zip(end).ok_or_else(missing)?;
            let bytes = response.into_body().collect().await.map_err(Error::Broken)?.to_bytes();
            Ok(LogPage { start, end, size, bytes })
        })
    }

    /// A part of an artifact's content, and how many bytes there are in all.
    pub fn artifact_part(&self, id: &str, offset: u64, length: u64) -> Result<(Bytes, u64), Error> {
        let path = format!("/v1/artifacts/{}/content?offset={offset}&length={length}", encode(id));
        self.runtime.block_on(async {
            let response = self.request(Method::GET, &path, vec![]).await?;
            let total = response.headers().get(SIZE_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
            let bytes = response.into_body().collect().await.map_err(Error::Broken)?.to_bytes();
            let total = total.unwrap_or(bytes.len() as u64);
            Ok((bytes, total))
        })
    }

    /// Hands on the journal's records as they become durable, from the one after `after`: sequence number and JSON.
    pub fn stream(&self, after: u64, on_event: impl FnMut(u64, &str) -> ControlFlow<()>) -> Result<End, Error> {
        self.stream_filtered(after, "", on_event)
    }

    /// The same, but only those records that a filter lets through.
    pub fn stream_filtered(
        &self,
        after: u64,
        filter: &str,
        mut on_event: impl FnMut(u64, &str) -> ControlFlow<()>,
    ) -> Result<End, Error> {
        let mut parser = SseParser::default();
        let query = vec![("after".to_owned(), after.to_string()), ("filter".to_owned(), filter.to_owned())];
        self.receive(&with_query("/v1/stream", &query), |bytes| parser.feed(bytes, &mut on_event))
    }

    /// Hands on the body of an answer as it arrives, until it ends, the receiver has enough or the user presses Ctrl-C.
    pub fn receive(&self, path: &str, mut on_bytes: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<End, Error> {
        let ended = self.until_interrupted(async {
            let mut body = self.request(Method::GET, path, vec![]).await?.into_body();
            while let Some(frame) = body.frame().await {
                if let Ok(bytes) = frame.map_err(Error::Broken)?.into_data()
                    && on_bytes(&bytes).is_break()
                {
                    return Ok(End::Stopped);
                }
            }
            Ok(End::Done)
        })?;
        Ok(ended.unwrap_or_else(|interrupted| interrupted))
    }

    /// Runs a request to its end, or until Ctrl-C.
    fn until_interrupted<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<Result<T, End>, Error> {
        self.runtime.block_on(async {
            tokio::select! {
                done = work => done.map(Ok),
                // Without a handler the default holds: the process ends, which is an interruption too.
                Ok(()) = tokio::signal::ctrl_c() => Ok(Err(End::Interrupted)),
            }
        })
    }

    /// Sends a request and takes the whole answer.
    fn exchange(&self, method: Method, path: &str, body: Vec<u8>) -> Result<(Bytes, HeaderMap), Error> {
        self.runtime.block_on(async {
            let mut response = self.request(method, path, body).await?;
            let headers = std::mem::take(response.headers_mut());
            let bytes = response.into_body().collect().await.map_err(Error::Broken)?.to_bytes();
            Ok((bytes, headers))
        })
    }

    /// Sends a request; an answer that is an error becomes one. Waits for a starting engine if it is to.
    async fn request(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Response<Incoming>, Error> {
        let body = Bytes::from(body);
        loop {
            match self.request_once(method.clone(), path, body.clone()).await {
                Err(Error::Refused(refusal)) if refusal.field == NOT_READY => {
                    let ready = self.ask_ready().await?;
                    let is_ready = ready.ready;
                    if !self.bear(&ready) && !is_ready {
                        return Err(Error::NotReady(ready));
                    }
                    if !is_ready {
                        tokio::time::sleep(READY_INTERVAL).await;
                    }
                }
                result => return result,
            }
        }
    }

    /// Tells how far the engine is; whether requests wait for it at all.
    fn bear(&self, ready: &Ready) -> bool {
        self.patience.borrow_mut().as_mut().map(|told| told(ready)).is_some()
    }

    async fn ask_ready(&self) -> Result<Ready, Error> {
        let path = "/v1/ready";
        let response = self.request_once(Method::GET, path, Bytes::new()).await?;
        let bytes = response.into_body().collect().await.map_err(Error::Broken)?.to_bytes();
        read_json(path, &bytes)
    }

    async fn request_once(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>, Error> {
        let shown = format!("{method} {path}");
        let unexpected = |found: String| Error::Unexpected { method_and_path: shown.clone(), found };
        let mut sender = self.ready_sender().await?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "menagerie")
            .header("content-type", "application/json")
            .body(Full::new(body))
            .map_err(|error| unexpected(format!("no request possible: {error}")))?;
        let response = sender.send_request(request).await.map_err(Error::Broken)?;
        *self.connection.borrow_mut() = Some(sender);
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(Error::Broken)?.to_bytes();
        Err(match serde_json::from_slice::<WireError>(&bytes) {
            Ok(WireError { error }) => Error::Refused(error),
            Err(_) => unexpected(format!("{status}: {}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)]))),
        })
    }

    /// The connection if it can take a request, otherwise a new one.
    async fn ready_sender(&self) -> Result<SendRequest<Full<Bytes>>, Error> {
        let kept = self.connection.borrow_mut().take();
        if let Some(mut sender) = kept
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        dial(&self.data_dir).await
    }
}

/// The longest path that fits into a Unix socket's address, with its final zero byte.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Connects and shakes hands.
async fn dial(data_dir: &Path) -> Result<SendRequest<Full<Bytes>>, Error> {
    let socket = data_dir.join(SOCKET_NAME);
    let stream = connect_socket(data_dir, &socket).await.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Error::NoEngine { data_dir: data_dir.to_owned() },
        _ => Error::Unreachable { socket: socket.clone(), source },
    })?;
    let (sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(Error::Broken)?;
    // An error of the connection reaches the request that waits on it; nothing is left to say here.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// Connects to a socket whose path may be longer than an address holds: then by way of the open folder.
async fn connect_socket(data_dir: &Path, socket: &Path) -> io::Result<UnixStream> {
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    if socket.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX {
        return UnixStream::connect(socket).await;
    }
    let folder = std::fs::File::open(data_dir)?;
    UnixStream::connect(format!("/proc/self/fd/{}/{SOCKET_NAME}", folder.as_raw_fd())).await
}

fn read_json<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Unexpected {
        method_and_path: path.to_owned(),
        found: format!("something this version does not understand ({error}); are both of the same version?"),
    })
}

/// Appends to a file that only its owner can read.
fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes))
}

/// Escapes everything that has a meaning in a URL's path or query.
pub fn encode(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn with_query(path: &str, query: &Query) -> String {
    let mut full = path.to_owned();
    for (place, (name, value)) in query.iter().enumerate() {
        full.push(if place == 0 { '?' } else { '&' });
        full.push_str(&encode(name));
        full.push('=');
        full.push_str(&encode(value));
    }
    full
}

/// Takes server-sent events apart: `id:` and `data:` lines, an event at each empty line, comments skipped.
#[derive(Default)]
struct SseParser {
    line: Vec<u8>,
    id: u64,
    data: String,
}

impl SseParser {
    fn feed(&mut self, bytes: &[u8], on_event: &mut impl FnMut(u64, &str) -> ControlFlow<()>) -> ControlFlow<()> {
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            self.take_line(&String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)), on_event)?;
        }
        ControlFlow::Continue(())
    }

    fn take_line(&mut self, line: &str, on_event: &mut impl FnMut(u64, &str) -> ControlFlow<()>) -> ControlFlow<()> {
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return if data.is_empty() { ControlFlow::Continue(()) } else { on_event(self.id, &data) };
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = value.parse().unwrap_or(self.id),
            "data" if self.data.is_empty() => value.clone_into(&mut self.data),
            "data" => {
                self.data.push('\n');
                self.data.push_str(value);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
