//! One try to post a notice to a webhook, by HTTP/1.1 on a connection of its own.
//!
//! A notice is signed so that a receiver knows that it is from here and not an old one again:
//! `menagerie-signature: sha256=HEX` is the HMAC-SHA256 (RFC 2104) by the receiver's secret of the value of
//! `menagerie-timestamp`, a full stop, and the body. `menagerie-delivery` is the same in every try of one notice.

use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::net::TcpStream;

/// A notice as it is sent.
pub struct Parcel {
    /// The same in every try.
    pub id: String,
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// JSON.
    pub body: Vec<u8>,
}

/// Posts a parcel. An answer of the 200s is success, anything else says why not.
pub async fn post(url: &str, secret: Option<&[u8]>, parcel: &Parcel) -> Result<(), String> {
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
        .header(CONNECTION, "close")
        .header("menagerie-delivery", &parcel.id)
        .header("menagerie-timestamp", parcel.timestamp);
    if let Some(secret) = secret {
        request = request.header("menagerie-signature", signature(secret, parcel));
    }
    let request = request
        .body(Full::new(Bytes::copy_from_slice(&parcel.body)))
        .map_err(|error| format!("{url} cannot be asked for: {error}"))?;
    let asked = async {
        tokio::select! {
            answer = sender.send_request(request) => answer,
            // A connection ends by itself only when the other side closed it; the answer then says so.
            Err(error) = connection => Err(error),
        }
    };
    let answer = asked.await.map_err(broken)?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("{host}:{port} answered {}", answer.status())) }
}

/// The value of `menagerie-signature`.
fn signature(secret: &[u8], parcel: &Parcel) -> String {
    // A key of any length is taken; longer ones than a block are hashed first.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(parcel.timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(&parcel.body);
    let code = mac.finalize().into_bytes();
    code.iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        let parcel = Parcel { id: "x".into(), timestamp: 1_700_000_000, body: b"{\"a\":1}".to_vec() };
        assert_eq!(signature(b"secret", &parcel), EXPECTED);
        assert_ne!(signature(b"secres", &parcel), EXPECTED);
        let later = Parcel { timestamp: 1_700_000_001, ..parcel };
        assert_ne!(signature(b"secret", &later), EXPECTED);
    }

    const EXPECTED: &str = "sha256=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686";
}
