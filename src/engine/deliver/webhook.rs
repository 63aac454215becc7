//! One try to post a notice to a webhook, by HTTP/1.1 on a connection of its own.
//!
//! A notice is signed so that a receiver knows that it is from here and not an old one again:
//! `menagerie-signature: sha256=HEX` is the HMAC-SHA256 (RFC 2104) by the receiver's secret of the value of
//! `menagerie-timestamp`, a full stop, and the body. `menagerie-delivery` is the same in every try of one notice.

use hmac::{Hmac, KeyInit, Mac};
use hyper::StatusCode;
use hyper::body::Bytes;
use sha2::Sha256;

use super::Failure;
use crate::engine::http;

/// Answers that refuse nothing for good although they are of the 400s.
const PATIENCE: [StatusCode; 3] = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];

/// A notice as it is sent.
pub struct Parcel {
    /// The same in every try.
    pub id: String,
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// JSON.
    pub body: Vec<u8>,
}

/// Posts a parcel. An answer of the 200s is success, anything else says why not. One of the 400s refuses it for good, but for
/// those that ask for patience: 408 Request Timeout, 425 Too Early and 429 Too Many Requests (RFC 9110, 8470, 6585).
pub async fn post(url: &str, secret: Option<&[u8]>, parcel: &Parcel) -> Result<(), Failure> {
    let mut headers = vec![
        ("menagerie-delivery".to_owned(), parcel.id.clone()),
        ("menagerie-timestamp".to_owned(), parcel.timestamp.to_string()),
    ];
    headers.extend(secret.map(|secret| ("menagerie-signature".to_owned(), signature(secret, parcel))));
    let answer = http::post(url, &headers, Bytes::copy_from_slice(&parcel.body), 0).await;
    let status = answer.map_err(Failure::for_now)?.status;
    if status.is_success() {
        return Ok(());
    }
    let for_good = status.is_client_error() && !PATIENCE.contains(&status);
    Err(Failure { error: format!("{url} answered {status}"), for_good })
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
