//! Posting something by HTTP/1.1, on a connection of its own: webhooks are told of alerts so, collectors of telemetry.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::domain::Refusal;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// After how long it is to be tried again, where the answer says so in seconds.
    pub retry_after: Option<Duration>,
    /// What it says, as far as that was wanted; empty when it says more.
    pub body: Bytes,
}

/// Posts JSON with headers besides the usual ones, and reads at most so many bytes of the answer. Never gives up by itself:
/// whoever asks sets a limit of time. An error says why there is no answer.
pub async fn post(url: &str, headers: &[(String, String)], body: Bytes, read: usize) -> Result<Answer, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
    let (Some(host), port) = (uri.host(), uri.port_u16().unwrap_or(80)) else {
        return Err(format!("{url} names no host"));
    };
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port))
        .await
        .map_err(|error| format!("cannot connect to {host}:{port}: {error}"))?;
    let broken = |error: hyper::Error| format!("{host}:{port} broke off: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(HOST, uri.authority().map_or(host, |authority| authority.as_str()))
        .header(USER_AGENT, concat!("menagerie/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "close");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(body)).map_err(|error| format!("{url} cannot be asked for: {error}"))?;
    let asked = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let wait = head.headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
        let body = if read == 0 { None } else { Limited::new(body, read).collect().await.ok() };
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok(Answer { status: head.status, retry_after: wait.map(Duration::from_secs), body })
    };
    let answer = async {
        tokio::select! {
            answer = asked => answer,
            // A connection ends by itself only when the other side closed it; the answer then says so.
            Err(error) = connection => Err(error),
        }
    };
    answer.await.map_err(broken)
}

/// An address that can be posted to, as it was given; `https` is refused with what to do instead.
pub fn check_url(field: &str, url: &str, instead: &str) -> Result<String, Refusal> {
    let refused = Refusal::invalid(field, url, "http://HOST[:PORT]/PATH");
    let Ok(uri) = url.parse::<Uri>() else { return Err(refused) };
    match uri.scheme_str() {
        Some("http") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(url.to_owned()),
        Some("https") => Err(refused.hint(instead)),
        _ => Err(refused),
    }
}
