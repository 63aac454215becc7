//! An engine that is still reading its store: it listens, says how far it is, and takes nothing else.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use menagerie::api::client::{Client, Error};
use menagerie::domain::RefusalKind;

use super::site::Site;

/// Keeps the engine from writing that it has started, as long as this lives.
fn hold_store(site: &Site) -> rusqlite::Connection {
    let store = rusqlite::Connection::open(site.data_dir().join("menagerie.db")).unwrap();
    store.execute_batch("BEGIN IMMEDIATE").unwrap();
    store
}

fn wait_until_it_listens(site: &mut Site) -> Client {
    site.wait_for("the engine to listen", |site| site.client().is_some_and(|client| client.ready().is_ok()));
    site.client().unwrap()
}

#[test]
fn while_it_reads_it_says_so_and_whoever_waits_is_served_afterwards() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    site.run_one(&["true"]);
    site.wait_until_done();
    site.kill_engine();
    let held = hold_store(&site);
    let pid = site.begin_engine();
    let client = wait_until_it_listens(&mut site);
    let ready = client.ready().unwrap();
    assert!(!ready.ready && !ready.phase.is_empty(), "{ready:?}");
    for path in ["/v1/status", "/v1/tasks", "/v1/grid", "/v1/openapi.json", "/v1/nothing"] {
        let refused = client.get::<serde_json::Value>(path, &vec![]).unwrap_err();
        assert!(matches!(&refused, Error::NotReady(ready) if !ready.ready), "{path}: {refused:?}");
        assert!(refused.to_string().starts_with("the engine is still reading its store"), "{refused}");
    }
    // The answer as it is on the wire is a refusal like any other.
    let mut answer = String::new();
    let mut stream = UnixStream::connect(site.data_dir().join("engine.sock")).unwrap();
    stream.write_all(b"GET /v1/tasks HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let body: menagerie::api::types::WireError =
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body.error.kind, RefusalKind::Unavailable);

    let second = site.command(&["engine"]).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains(&format!("process {pid}")), "{said}");

    let waiting = site.command(&["status", "-o", "json"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(held);
    let served = waiting.wait_with_output().unwrap();
    assert!(served.status.success());
    let status: serde_json::Value = serde_json::from_slice(&served.stdout).unwrap();
    assert_eq!((status["pid"].as_u64(), status["tasks"]["completed"].as_u64()), (Some(pid.into()), Some(1)));
    assert!(client.ready().unwrap().ready);
    client.get::<serde_json::Value>("/v1/status", &vec![]).unwrap();
}

#[test]
fn it_can_be_ended_while_it_reads() {
    let mut site = Site::new();
    site.start_engine();
    site.kill_engine();
    let held = hold_store(&site);
    site.begin_engine();
    wait_until_it_listens(&mut site);
    site.terminate_engine();
    assert!(site.client().is_none(), "nobody listens any more");
    drop(held);
    site.start_engine();
}

/// Takes as many connections as there are answers, each of which gets one request and its answer, or only its end.
fn stand_in(site: &Site, answers: &'static [&'static str]) -> std::thread::JoinHandle<()> {
    std::fs::create_dir_all(site.data_dir()).unwrap();
    let listener = UnixListener::bind(site.data_dir().join("engine.sock")).unwrap();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        // Further connections are refused, as by an engine that has gone.
        drop(listener);
        for answer in answers {
            let mut bytes = [0; 4096];
            assert!(stream.read(&mut bytes).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    })
}

#[test]
fn an_engine_that_goes_away_as_it_is_asked_is_started_anew() {
    let site = Site::new();
    let gone = stand_in(&site, &[""]);
    let output = site.command(&["task", "list"]).output().unwrap();
    gone.join().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_change_whose_fate_is_unknown_is_not_sent_again_and_says_so() {
    const READY: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 49\r\n\r\n\
        {\"ready\":true,\"phase\":\"ready\",\"done\":0,\"total\":0}";
    let site = Site::new();
    let gone = stand_in(&site, &[READY, ""]);
    let output = site.command(&["run", "--", "true"]).output().unwrap();
    gone.join().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("whether the change was taken is not known: look with"), "{error}");
    assert!(!site.data_dir().join("engine.log").exists(), "no engine was started to send it to");
}
