//! The journal as a list, and as a stream that can be resumed from any record.

use std::convert::Infallible;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Failure, Service, json_text, past, reads};
use crate::api::types::NEXT_HEADER;
use crate::domain::filter::{Filter, tables};
use crate::domain::{Refusal, RefusalKind, Timestamp};
use crate::engine::commit::Published;
use crate::engine::message::Peer;
use crate::store::{JournalQuery, JournalRow, Reader};

/// How many records one request of the list gives at most, and one look of the stream.
const ROWS_MAX: usize = 10_000;
const ROWS_A_LOOK: usize = 500;

/// Reads what is asked of the journal from a query string.
fn question(raw: Option<&str>, peer: &Peer, now: Timestamp) -> Result<JournalQuery, Refusal> {
    let mut query = JournalQuery { limit: 100, now, uid: Some(peer.uid), ..JournalQuery::default() };
    let number = |name: &str, value: &str| {
        value.parse::<u64>().map_err(|_| Refusal::invalid(name, value, "the number of a record"))
    };
    for (name, value) in reads::pairs(raw)? {
        match name.as_str() {
            "after" => query.after = Some(number("after", &value)?),
            "before" => query.before = Some(number("before", &value)?),
            "limit" => {
                let parsed = value.parse().ok().filter(|limit| *limit <= ROWS_MAX);
                query.limit = parsed.ok_or_else(|| Refusal::invalid("limit", &value, format!("0 to {ROWS_MAX}")))?;
            }
            "order" => {
                query.newest_first = match value.as_str() {
                    "asc" => false,
                    "desc" => true,
                    _ => return Err(Refusal::not_one_of("order", &value, &["asc", "desc"])),
                }
            }
            "filter" => reads::also(&mut query.filter, &value),
            other => {
                let known = ["after", "before", "limit", "order", "filter"];
                return Err(Refusal::not_one_of("query", other, &known));
            }
        }
    }
    Ok(query)
}

/// `GET /v1/journal`.
pub(super) async fn journal(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = question(raw.as_deref(), &peer, service.now())?;
    let page = service.read(move |reader| reader.records(&query)).await?;
    let text = serde_json::to_string(&page.rows)
        .map_err(|error| Refusal::new(RefusalKind::Unavailable, "the answer", error))?;
    let mut response = json_text(text);
    if let Some(next) = page.next {
        response.headers_mut().insert(NEXT_HEADER, next.into());
    }
    Ok(response)
}

/// `GET /v1/stream?after=`: server-sent events, one a record; `Last-Event-ID` resumes. Without either it begins with
/// what happens next.
pub(super) async fn stream(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let query = question(raw.as_deref(), &peer, service.now())?;
    if query.newest_first || query.before.is_some() {
        return Err(Refusal::invalid("order", "desc", "a stream goes on from the oldest to the newest").into());
    }
    // A filter that cannot be read is refused before the stream begins.
    Filter::parse(&tables::JOURNAL, &query.filter)?;
    let resumed = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    past::only_present(&service, "what happens next")?;
    // Listening begins before looking, so that nothing in between is missed.
    let news = service.running()?.published.subscribe();
    let head = service.read(Reader::journal_head).await?.0;
    let after = match resumed.or(query.after) {
        // It would be silent until the journal gets there, and then leave out what happened until then.
        Some(after) if after > head => {
            let allowed = format!("0 to {head}, the journal's last record");
            return Err(Refusal::invalid("after", after, allowed)
                .hint("leave it out to begin with what comes next")
                .into());
        }
        Some(after) => after,
        None => head,
    };
    let query = JournalQuery { limit: ROWS_A_LOOK, ..query };
    let state = Cursor { service, news, query, after, rows: Vec::new().into_iter() };
    Ok(Sse::new(stream::unfold(state, Cursor::next)).keep_alive(KeepAlive::default()))
}

/// Where a follower of the journal stands.
struct Cursor {
    service: Service,
    news: broadcast::Receiver<Published>,
    query: JournalQuery,
    /// The last record that was looked at.
    after: u64,
    rows: std::vec::IntoIter<JournalRow>,
}

impl Cursor {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(row) = self.rows.next() {
                let event = Event::default().id(row.seq.to_string()).event(&row.kind);
                return Some((Ok(event.json_data(&row).unwrap_or_default()), self));
            }
            let query = JournalQuery { after: Some(self.after), now: self.service.now(), ..self.query.clone() };
            let page = self.service.read(move |reader| reader.records(&query)).await.ok()?;
            self.after = self.after.max(page.looked_at);
            if !page.rows.is_empty() || page.next.is_some() {
                self.rows = page.rows.into_iter();
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
