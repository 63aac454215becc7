//! The journal as a list, and as a stream that can be resumed from any record.

use std::convert::Infallible;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Failure, Service, json_text, reads};
use crate::domain::{Refusal, RefusalKind};
use crate::engine::commit::Published;
use crate::store::{JournalRow, Reader};

/// How many records one request of the list gives at most, and one look of the stream.
const ROWS_MAX: usize = 10_000;
const ROWS_A_LOOK: usize = 500;

/// `after` and `limit` of a query string.
fn range(raw: Option<&str>) -> Result<(Option<u64>, usize), Refusal> {
    let (mut after, mut limit) = (None, 100);
    for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = reads::decode(value)?;
        match name {
            "after" => {
                let parsed = value.parse().map_err(|_| Refusal::invalid("after", &value, "the number of a record"))?;
                after = Some(parsed);
            }
            "limit" => {
                let parsed = value.parse().ok().filter(|limit| *limit <= ROWS_MAX);
                limit = parsed.ok_or_else(|| Refusal::invalid("limit", &value, format!("0 to {ROWS_MAX}")))?;
            }
            other => return Err(Refusal::not_one_of("query", other, &["after", "limit"])),
        }
    }
    Ok((after, limit))
}

/// `GET /v1/journal?after=&limit=`.
pub(super) async fn journal(State(service): State<Service>, RawQuery(raw): RawQuery) -> Result<Response, Failure> {
    let (after, limit) = range(raw.as_deref())?;
    let rows = service.read(move |reader| reader.journal(after.unwrap_or(0), limit)).await?;
    let text =
        serde_json::to_string(&rows).map_err(|error| Refusal::new(RefusalKind::Unavailable, "the answer", error))?;
    Ok(json_text(text))
}

/// `GET /v1/stream?after=`: server-sent events, one a record; `Last-Event-ID` resumes. Without either it begins with
/// what happens next.
pub(super) async fn stream(
    State(service): State<Service>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let (after, _) = range(raw.as_deref())?;
    let resumed = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    // Listening begins before looking, so that nothing in between is missed.
    let news = service.running()?.published.subscribe();
    let after = match resumed.or(after) {
        Some(after) => after,
        None => service.read(Reader::journal_head).await?.0,
    };
    let state = Cursor { service, news, after, rows: Vec::new().into_iter() };
    Ok(Sse::new(stream::unfold(state, Cursor::next)).keep_alive(KeepAlive::default()))
}

/// Where a follower of the journal stands.
struct Cursor {
    service: Service,
    news: broadcast::Receiver<Published>,
    after: u64,
    rows: std::vec::IntoIter<JournalRow>,
}

impl Cursor {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(row) = self.rows.next() {
                self.after = row.seq;
                let event = Event::default().id(row.seq.to_string()).event(&row.kind);
                return Some((Ok(event.json_data(&row).unwrap_or_default()), self));
            }
            let after = self.after;
            let rows = self.service.read(move |reader| reader.journal(after, ROWS_A_LOOK)).await.ok()?;
            if !rows.is_empty() {
                self.rows = rows.into_iter();
                continue;
            }
            loop {
                match self.news.recv().await {
                    Ok(published) if published.seq <= self.after => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return None,
                }
            }
        }
    }
}
