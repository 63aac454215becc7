//! The client against a small real server on a Unix socket.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::spool::Stream;
use crate::domain::{RefusalKind, Timestamp};

/// A server in a data directory of its own; both go when it is dropped.
struct Server {
    folder: tempfile::TempDir,
    connections: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Server {
    fn start(answer: fn(&str, &str, &[u8]) -> Response<Full<Bytes>>) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), "", answer)
    }

    fn start_in(
        folder: tempfile::TempDir,
        below: &str,
        answer: fn(&str, &str, &[u8]) -> Response<Full<Bytes>>,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let data_dir = folder.path().join(below);
        std::fs::create_dir_all(&data_dir).unwrap();
        let opened = std::fs::File::open(&data_dir).unwrap();
        let short = format!("/proc/self/fd/{}/{SOCKET_NAME}", std::os::fd::AsRawFd::as_raw_fd(&opened));
        let guard = runtime.enter();
        let listener = tokio::net::UnixListener::bind(short).unwrap();
        drop(guard);
        let count = connections.clone();
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let service = service_fn(move |request: Request<Incoming>| async move {
                    let method = request.method().to_string();
                    let path = request.uri().to_string();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    Ok::<_, Infallible>(answer(&method, &path, &body))
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { folder, connections, _runtime: runtime }
    }

    fn client(&self) -> Client {
        Client::connect(self.folder.path()).unwrap()
    }
}

fn ok(body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::new(Full::new(body.into()))
}

#[test]
fn no_engine_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Client::connect(folder.path()), Err(Error::NoEngine { .. })));
    // A socket that nobody listens on any more is what a killed engine leaves.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET_NAME)).unwrap());
    assert!(matches!(Client::connect(folder.path()), Err(Error::NoEngine { .. })));
}

#[test]
fn one_connection_serves_many_requests() {
    let server = Server::start(|method, path, body| match (method, path) {
        ("POST", "/v1/commands") => {
            let command: Value = serde_json::from_slice(body).unwrap();
            assert_eq!(command["command"], "cancel_tasks");
            ok(r#"{"reply": "items", "done": ["a"]}"#)
        }
        ("GET", "/v1/tasks?status=pending&type=a%26b%20c") => {
            let mut response = ok(r#"[{"id": 1}]"#);
            response.headers_mut().insert(TOTAL_HEADER, "77".parse().unwrap());
            response
        }
        _ => panic!("{method} {path}"),
    });
    let client = server.client();
    for _ in 0..3 {
        let reply = client.command(&json!({"command": "cancel_tasks", "ids": ["a"]})).unwrap();
        assert_eq!(reply, Reply::Items { done: vec!["a".into()], refused: vec![], inverse: vec![], warnings: vec![] });
    }
    let query = vec![("status".to_owned(), "pending".to_owned()), ("type".to_owned(), "a&b c".to_owned())];
    let (items, total) = client.list::<Value>("tasks", &query).unwrap();
    assert_eq!((items.len(), total), (1, 77));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn refusals_and_nonsense_come_as_errors() {
    let server = Server::start(|_, path, _| {
        let (status, body) = match path {
            "/v1/tasks/x" => (404, r#"{"error": {"kind": "not_found", "field": "task", "value": "x"}}"#),
            "/v1/status" => (200, "<html>"),
            _ => (500, "oh"),
        };
        Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap()
    });
    let client = server.client();
    match client.get::<Value>("/v1/tasks/x", &vec![]) {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.kind, RefusalKind::NotFound),
        other => panic!("{other:?}"),
    }
    for path in ["/v1/status", "/v1/other"] {
        assert!(matches!(client.get::<Value>(path, &vec![]), Err(Error::Unexpected { .. })), "{path}");
    }
}

#[test]
fn logs_are_taken_apart_and_may_be_left() {
    let server = Server::start(|_, path, _| {
        assert!(path.starts_with("/v1/tasks/abc/logs?follow="), "{path}");
        let mut body = Vec::new();
        for (stream, bytes) in [(Stream::Out, &b"one\n"[..]), (Stream::Err, b"two\n"), (Stream::Out, b"three")] {
            spool::encode(Chunk { stream, time: Timestamp::EPOCH, bytes }, &mut body);
        }
        ok(body)
    });
    let client = server.client();
    let mut seen = Vec::new();
    let end = client.logs("abc", true, |chunk| {
        seen.push((chunk.stream, chunk.bytes.to_vec()));
        ControlFlow::Continue(())
    });
    assert_eq!(end.unwrap(), End::Done);
    assert_eq!(seen[1], (Stream::Err, b"two\n".to_vec()));
    assert_eq!(seen.len(), 3);
    assert_eq!(client.logs("abc", false, |_| ControlFlow::Break(())).unwrap(), End::Stopped);
    // The connection that was left is of no use any more; the next request has to work all the same.
    assert_eq!(client.logs("abc", false, |_| ControlFlow::Continue(())).unwrap(), End::Done);
}

#[test]
fn a_wait_that_runs_out_is_no_task() {
    let server = Server::start(|_, path, _| {
        let status = if path.ends_with("timeout_s=1") { 204 } else { 200 };
        let body = if status == 204 { "" } else { r#"{"status": "completed"}"# };
        Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap()
    });
    let client = server.client();
    assert!(client.wait_for_task("a", 1).unwrap().unwrap().is_none());
    assert_eq!(client.wait_for_task("a", 2).unwrap().unwrap().unwrap()["status"], "completed");
}

#[test]
fn a_data_directory_with_a_long_path_is_reached() {
    let below = "deep/".repeat(40);
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join(&below);
    let _server = Server::start_in(folder, &below, |_, _, _| ok("{}"));
    assert!(data_dir.as_os_str().len() > SOCKET_PATH_BYTES_MAX);
    Client::connect(&data_dir).unwrap().get::<Value>("/v1/status", &vec![]).unwrap();
}

proptest! {
    #[test]
    fn events_survive_any_cut(cuts in proptest::collection::vec(1usize..40, 0..20)) {
        let text = b"retry: 100\n\n: hello\nid: 5\nevent: a\ndata: {\"x\":\ndata: 1}\n\nid: 6\r\ndata:2\r\n\r\n";
        let mut seen = Vec::new();
        let mut parser = SseParser::default();
        let mut rest = &text[..];
        for cut in cuts {
            let (head, tail) = rest.split_at(cut.min(rest.len()));
            let _ = parser.feed(head, &mut |id, data| { seen.push((id, data.to_owned())); ControlFlow::Continue(()) });
            rest = tail;
        }
        let _ = parser.feed(rest, &mut |id, data| { seen.push((id, data.to_owned())); ControlFlow::Continue(()) });
        prop_assert_eq!(seen, vec![(5, "{\"x\":\n1}".to_owned()), (6, "2".to_owned())]);
    }
}
