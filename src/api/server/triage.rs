//! What waits for a human and what alerts there are, for those who only show the head of it.

use super::{Failure, Service};
use crate::api::triage::InboxItem;
use crate::domain::Alert;

/// The first of what waits for a human, at most `max`, and how much there is.
// The one place to fill in once inbox and alerts are kept: until then nothing is known to wait.
#[allow(clippy::unused_async)]
pub(super) async fn inbox(_: &Service, _max: usize) -> Result<(Vec<InboxItem>, u64), Failure> {
    Ok((vec![], 0))
}

/// The worst active alerts, at most `max`, and how many there are.
#[allow(clippy::unused_async)]
pub(super) async fn alerts(_: &Service, _max: usize) -> Result<(Vec<Alert>, u64), Failure> {
    Ok((vec![], 0))
}

/// How many alerts are active.
#[allow(clippy::unused_async)]
pub(super) async fn alert_count(_: &Service) -> Result<u64, Failure> {
    Ok(0)
}

/// What active alerts are about: `cage 003`, `agent tester`.
#[allow(clippy::unused_async)]
pub(super) async fn alert_sources(_: &Service) -> Result<Vec<String>, Failure> {
    Ok(vec![])
}
