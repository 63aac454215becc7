//! The HTTP interface where requests are odd: methods, the end of the journal, readiness.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use super::site::Site;

/// Sends a request as it stands and gives the status and the body of the answer.
pub fn ask(site: &Site, head: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(site.data_dir().join("engine.sock")).unwrap();
    write!(stream, "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The headers and the body of the answer to `GET /metrics` for what is accepted.
fn scraped(site: &Site, accept: &str) -> (String, String) {
    let mut stream = UnixStream::connect(site.data_dir().join("engine.sock")).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept: {accept}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

fn error(body: &str) -> Value {
    serde_json::from_str::<Value>(body).unwrap_or_else(|error| panic!("{error}: {body:?}"))["error"].clone()
}

#[test]
fn what_is_measured_can_be_scraped_in_either_form() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    site.run_one(&["sleep", "60"]);
    site.wait_for("a sample of tasks", |site| {
        scraped(site, "*/*").1.lines().any(|line| line == "menagerie_tasks{status=\"executing\"} 1")
    });
    let (head, body) = scraped(&site, "text/plain");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(body.contains("# TYPE menagerie_tasks gauge\n") && !body.contains("# EOF"), "{body}");
    assert!(body.ends_with("menagerie_exposition_left_out_series 0\n"), "{body}");
    let (head, body) = scraped(&site, "application/openmetrics-text; version=1.0.0, text/plain;q=0.5");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{head}");
    assert!(body.ends_with("# EOF\n"), "{body}");
}

#[test]
fn odd_requests_get_an_answer_that_says_what_is_wrong() {
    let mut site = Site::new();
    site.start_engine();
    let (status, body) = ask(&site, "DELETE /v1/tasks");
    assert_eq!(status, 405);
    assert_eq!(error(&body)["value"], "DELETE /v1/tasks");
    let (status, body) = ask(&site, "GET /v1/stream?after=99999999");
    assert_eq!(status, 400);
    let error = error(&body);
    assert_eq!((&error["field"], &error["value"]), (&"after".into(), &"99999999".into()));
    let head = site.status().unwrap().seq;
    assert_eq!(error["allowed"], format!("0 to {head}, the journal's last record"));
    let (status, body) = ask(&site, "GET /v1/ready");
    let ready: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &ready["ready"], &ready["phase"]), (200, &true.into(), &"ready".into()));
}
