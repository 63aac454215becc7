//! The pulse: one small notice when something has changed, never more often than asked for, none while nothing changes.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use tokio::sync::watch;

use super::{Failure, Service, triage};
use crate::api::live::{Pulse, Ready, Topic};
use crate::domain::Refusal;
use crate::engine::beat::{Standing, Topics};
use crate::engine::message::Message;
use crate::engine::watchers::Staying;

/// Between two notices, in milliseconds, when nothing is said.
const INTERVAL_MS: u64 = 250;
/// The least and the most that may be asked for.
const INTERVAL_MS_MIN: u64 = 20;
const INTERVAL_MS_MAX: u64 = 60_000;
/// How often an idle connection gets an empty comment, so that a dead one is found out.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// `GET /v1/ready`.
pub(super) async fn ready(State(service): State<Service>) -> Json<Ready> {
    Json(service.ready())
}

fn interval(raw: Option<&str>) -> Result<Duration, Refusal> {
    let millis = match raw.unwrap_or_default().split_once('=') {
        None => INTERVAL_MS,
        Some(("interval_ms", value)) => {
            let allowed = || format!("{INTERVAL_MS_MIN} to {INTERVAL_MS_MAX} milliseconds");
            let parsed = value.parse().ok().filter(|millis| (INTERVAL_MS_MIN..=INTERVAL_MS_MAX).contains(millis));
            parsed.ok_or_else(|| Refusal::invalid("interval_ms", value, allowed()))?
        }
        Some((other, _)) => return Err(Refusal::not_one_of("query", other, &["interval_ms"])),
    };
    Ok(Duration::from_millis(millis))
}

/// `GET /v1/pulse?interval_ms=`: server-sent events. The first comes at once and names every topic, so that somebody who
/// has been away fetches anew what it shows.
pub(super) async fn pulse(
    State(service): State<Service>,
    RawQuery(raw): RawQuery,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let interval = interval(raw.as_deref())?;
    let running = service.running()?;
    let (news, staying) = (running.beat.follow(), running.watchers.stay());
    let follower = Follower { service: service.clone(), news, seen: None, interval, _staying: staying };
    Ok(Sse::new(stream::unfold(follower, Follower::next)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// One who follows the pulse.
struct Follower {
    service: Service,
    news: watch::Receiver<Standing>,
    /// What the last notice said; `None` before the first.
    seen: Option<Standing>,
    interval: Duration,
    _staying: Staying,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if self.seen.is_some() {
            // What happens during this is found in one look after it, however much it is.
            tokio::time::sleep(self.interval).await;
        }
        let changed = loop {
            let standing = *self.news.borrow_and_update();
            let changed = match self.seen.replace(standing) {
                Some(seen) => topics(standing.since(&seen)),
                None => Topic::ALL.to_vec(),
            };
            if !changed.is_empty() {
                break changed;
            }
            self.news.changed().await.ok()?;
        };
        let pulse = self.pulse(changed).await.ok()?;
        Some((Ok(Event::default().json_data(pulse).unwrap_or_default()), self))
    }

    async fn pulse(&self, changed: Vec<Topic>) -> Result<Pulse, Failure> {
        let (counts, read_only) = self.service.ask(|answer| Message::Counts { answer }).await?;
        let running = self.service.running()?;
        Ok(Pulse {
            seq: self.seen.map_or(0, |seen| seen.seq),
            time: running.clock.now(),
            changed,
            counts,
            alerts: triage::alert_count(&self.service).await?,
            read_only,
        })
    }
}

/// The wire's names of what has changed.
fn topics(changed: Topics) -> Vec<Topic> {
    let bit = |topic: &Topic| match topic {
        Topic::Tasks => Topics::TASKS,
        Topic::Agents => Topics::AGENTS,
        Topic::Cages => Topics::CAGES,
        Topic::Artifacts => Topics::ARTIFACTS,
        Topic::Alerts => Topics::ALERTS,
        Topic::Usage => Topics::USAGE,
    };
    Topic::ALL.iter().copied().filter(|topic| changed.has(bit(topic))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_keep_their_names() {
        assert_eq!(topics(Topics::NONE), []);
        assert_eq!(topics(Topics::USAGE.and(Topics::TASKS)), [Topic::Tasks, Topic::Usage]);
    }

    #[test]
    fn the_interval_is_checked() {
        assert_eq!(interval(None).unwrap(), Duration::from_millis(INTERVAL_MS));
        assert_eq!(interval(Some("interval_ms=1000")).unwrap(), Duration::from_secs(1));
        for wrong in ["interval_ms=0", "interval_ms=x", "interval=5", "interval_ms=100000000"] {
            assert!(interval(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
