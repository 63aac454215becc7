//! What dashboards show. All of it is asked of the tables, and looks at a bounded part of them.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::reads::pairs;
use super::{Failure, Service};
use crate::domain::dashboard::{Collaboration, DayPerformance, ErrorSummary, Per, Timeline, TopAgent, TopBy, Trends};
use crate::domain::{Day, Refusal, Span, Timestamp};
use crate::store::TimelineQuery;

/// How many days are looked at when nothing is said, and the most.
const DAYS: u64 = 7;
const DAYS_MAX: u64 = 366;
/// How far back is looked when nothing is said, and the furthest.
const SINCE: Span = Span::from_secs(86_400);
const SINCE_MAX: Span = Span::from_secs(366 * 86_400);
/// How many agents or cages there are when nothing is said, and the most.
const LIMIT: u64 = 100;
const LIMIT_MAX: u64 = 10_000;
/// How long the timeline is when nothing is said, and into how many steps it is cut.
const RANGE: Span = Span::from_secs(3_600);
const STEPS: i64 = 200;
/// The most steps that a timeline is cut into: more than any screen shows.
const STEPS_MAX: i64 = 11_000;

fn number(name: &str, value: &str, least: u64, most: u64) -> Result<u64, Refusal> {
    let parsed = value.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
    parsed.ok_or_else(|| Refusal::invalid(name, value, format!("{least} to {most}")))
}

fn unknown(name: &str, known: &[&str]) -> Refusal {
    Refusal::not_one_of("parameter", name, known)
}

/// The first of so many days, of which the last is that of `now`.
fn first_day(days: u64, now: Timestamp) -> Day {
    Day::from_number(Day::of(now).number() - i64::try_from(days).unwrap_or(i64::MAX) + 1)
}

/// The moment `since` ago, and by what agents are taken together where that is said.
fn since(raw: Option<&str>, now: Timestamp) -> Result<(Timestamp, Option<Per>), Refusal> {
    let (mut since, mut per) = (SINCE, None);
    for (name, value) in pairs(raw)? {
        match name.as_str() {
            "since" => since = value.parse().map_err(|refusal: Refusal| refusal.within("since"))?,
            "per" => per = Some(value.parse()?),
            _ => return Err(unknown(&name, &["since", "per"])),
        }
    }
    if since < Span::from_secs(1) || since > SINCE_MAX {
        return Err(Refusal::invalid("since", since, format!("1s to {SINCE_MAX}")));
    }
    Ok((Timestamp::from_micros(now.as_micros().saturating_sub(since.as_micros()).max(0)), per))
}

/// `GET /v1/dashboards/top-agents`.
pub(super) async fn top_agents(
    State(service): State<Service>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<TopAgent>>, Failure> {
    let (mut days, mut by, mut limit, mut kind) = (DAYS, TopBy::default(), LIMIT, None);
    for (name, value) in pairs(raw.as_deref())? {
        match name.as_str() {
            "days" => days = number("days", &value, 1, DAYS_MAX)?,
            "by" => by = value.parse()?,
            "limit" => limit = number("limit", &value, 0, LIMIT_MAX)?,
            "type" => kind = Some(value),
            _ => return Err(unknown(&name, &["days", "by", "limit", "type"]).into()),
        }
    }
    let first = first_day(days, service.now());
    service.read(move |reader| reader.top_agents(first, by, limit, kind.as_deref())).await.map(Json)
}

/// `GET /v1/dashboards/days`.
pub(super) async fn days(
    State(service): State<Service>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<DayPerformance>>, Failure> {
    let (mut days, mut per) = (DAYS, None);
    for (name, value) in pairs(raw.as_deref())? {
        match name.as_str() {
            "days" => days = number("days", &value, 1, DAYS_MAX)?,
            "per" => per = Some(value.parse::<Per>()?),
            _ => return Err(unknown(&name, &["days", "per"]).into()),
        }
    }
    let first = first_day(days, service.now());
    service
        .read(move |reader| match per {
            Some(per) => reader.days_apart(first, per),
            None => reader.days(first),
        })
        .await
        .map(Json)
}

/// `GET /v1/dashboards/trends`.
pub(super) async fn trends(State(service): State<Service>, RawQuery(raw): RawQuery) -> Result<Json<Trends>, Failure> {
    let (mut days, mut per, mut limit) = (DAYS, Per::default(), LIMIT);
    for (name, value) in pairs(raw.as_deref())? {
        match name.as_str() {
            "days" => days = number("days", &value, 1, DAYS_MAX)?,
            "per" => per = value.parse()?,
            "limit" => limit = number("limit", &value, 0, LIMIT_MAX)?,
            _ => return Err(unknown(&name, &["days", "per", "limit"]).into()),
        }
    }
    let now = service.now();
    let (before, first) = (first_day(2 * days, now), first_day(days, now));
    service.read(move |reader| reader.trends(before, first, per, limit)).await.map(Json)
}

/// `GET /v1/dashboards/errors`.
pub(super) async fn errors(
    State(service): State<Service>,
    RawQuery(raw): RawQuery,
) -> Result<Json<ErrorSummary>, Failure> {
    let (since, per) = since(raw.as_deref(), service.now())?;
    service.read(move |reader| reader.errors(since, per)).await.map(Json)
}

/// `GET /v1/dashboards/collaboration`.
pub(super) async fn collaboration(
    State(service): State<Service>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Collaboration>, Failure> {
    let (since, per) = since(raw.as_deref(), service.now())?;
    service.read(move |reader| reader.collaboration(since, per.unwrap_or_default())).await.map(Json)
}

/// `GET /v1/dashboards/timeline`.
pub(super) async fn timeline(
    State(service): State<Service>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Timeline>, Failure> {
    let query = timeline_query(raw.as_deref(), service.now())?;
    service.read(move |reader| reader.timeline(&query)).await.map(Json)
}

fn timeline_query(raw: Option<&str>, now: Timestamp) -> Result<TimelineQuery, Refusal> {
    let (mut from, mut to, mut step, mut offset, mut limit) = (None, None, None, 0, LIMIT);
    for (name, value) in pairs(raw)? {
        let within = |refusal: Refusal| refusal.within(&name);
        match name.as_str() {
            "from" => from = Some(value.parse::<Timestamp>().map_err(within)?),
            "to" => to = Some(value.parse::<Timestamp>().map_err(within)?),
            "step" => step = Some(value.parse::<Span>().map_err(within)?),
            "offset" => offset = number("offset", &value, 0, LIMIT_MAX)?,
            "limit" => limit = number("limit", &value, 0, LIMIT_MAX)?,
            _ => return Err(unknown(&name, &["from", "to", "step", "offset", "limit"])),
        }
    }
    let to = to.unwrap_or(now);
    let from = from.unwrap_or_else(|| Timestamp::from_micros(to.as_micros().saturating_sub(RANGE.as_micros()).max(0)));
    if from >= to {
        return Err(Refusal::invalid("from", from, format!("a time before {to}")));
    }
    let range = to.since(from).as_micros();
    let step = step.unwrap_or(Span::from_micros((range / STEPS).max(1)));
    if step.as_micros() < 1 || range / step.as_micros() > STEPS_MAX {
        let least = Span::from_micros(range / STEPS_MAX + 1);
        return Err(Refusal::invalid("step", step, format!("at least {least} for this time")));
    }
    Ok(TimelineQuery { from, to, step, offset, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_a_timeline_is_read_or_refused() {
        let now = Timestamp::from_micros(1_772_618_400_000_000);
        let query = timeline_query(None, now).unwrap();
        assert_eq!((query.to, query.to.since(query.from)), (now, RANGE));
        let query = timeline_query(Some("from=2026-03-04T09:00:00Z&to=2026-03-04T09:10:00Z&step=5s&limit=3"), now);
        let query = query.unwrap();
        assert_eq!((query.step, query.limit, query.offset), (Span::from_secs(5), 3, 0));
        for (bad, says) in [
            ("from=2026-03-04T11:00:00Z", "a time before"),
            ("step=1us", "at least"),
            ("limit=100000", "0 to 10000"),
            ("stp=5s", "did you mean \"step\"?"),
            ("from=yesterday", "from"),
        ] {
            let refusal = timeline_query(Some(bad), now).unwrap_err().to_string();
            assert!(refusal.contains(says), "{bad}: {refusal}");
        }
    }

    #[test]
    fn no_time_is_too_long_to_be_refused() {
        for (bad, says) in [
            ("since=0s", "1s to"),
            ("since=10000d", "1s to"),
            ("snce=1h", "since"),
            ("since=x", "since"),
            ("per=team", "division"),
        ] {
            let refusal = since(Some(bad), Timestamp::EPOCH).unwrap_err().to_string();
            assert!(refusal.contains(says), "{bad}: {refusal}");
        }
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        assert_eq!(Day::of(now).number() - first_day(1, now).number(), 0);
        assert_eq!(Day::of(now).number() - first_day(7, now).number(), 6);
    }
}
