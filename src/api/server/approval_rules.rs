//! Rules that judge artifacts: which there are, how one would have done, and which follow from what humans did.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::reads::pairs;
use super::{Failure, Service};
use crate::api::types::ApprovalRuleTest;
use crate::domain::approval_rule::{ApprovalRule, ApprovalTrial, Proposal};
use crate::domain::{Refusal, Span, Timestamp};

/// How many alike judgements in a row make a proposal when nothing is said.
const AFTER: u64 = 5;
/// How far back proposals are tried.
const TRIED_SINCE: Span = Span::from_secs(30 * 86_400);

/// `GET /v1/approval-rules`.
pub(super) async fn list(State(service): State<Service>) -> Result<Json<Vec<ApprovalRule>>, Failure> {
    Ok(Json(service.look(|core, _| core.approval_rules().cloned().collect()).await?))
}

/// `POST /v1/approval-rules/test`.
pub(super) async fn test(
    State(service): State<Service>,
    Json(ApprovalRuleTest { rule, since }): Json<ApprovalRuleTest>,
) -> Result<Json<ApprovalTrial>, Failure> {
    rule.check()?;
    let since = before(service.now(), since);
    Ok(Json(service.read(move |reader| reader.try_approval_rule(&rule, since)).await?))
}

/// `GET /v1/approval-rules/proposals?after=`.
pub(super) async fn proposals(
    State(service): State<Service>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<Proposal>>, Failure> {
    let mut after = AFTER;
    for (name, value) in pairs(raw.as_deref())? {
        if name != "after" {
            return Err(Refusal::not_one_of("query", &name, &["after"]).into());
        }
        let parsed = value.parse().ok().filter(|number| (2..=1_000).contains(number));
        after = parsed.ok_or_else(|| Refusal::invalid("after", value, "2 to 1000 judgements"))?;
    }
    let known: Vec<ApprovalRule> = service.look(|core, _| core.approval_rules().cloned().collect()).await?;
    let since = before(service.now(), TRIED_SINCE);
    Ok(Json(service.read(move |reader| reader.approval_proposals(after, &known, since)).await?))
}

fn before(now: Timestamp, span: Span) -> Timestamp {
    Timestamp::from_micros(now.as_micros().saturating_sub(span.as_micros()))
}
