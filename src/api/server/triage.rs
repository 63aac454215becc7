//! What somebody who decides asks for: what waits for a human, and who or what else could be given something.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::{Extension, Json};

use super::{Failure, Service, reads};
use crate::api::filters::INBOX;
use crate::api::triage::{Candidate, InboxItem, InboxKind, Risk};
use crate::api::types::AlertRow;
use crate::domain::filter::{Asker, Filter, Names};
use crate::domain::{AgentId, Alert, AlertStatus, Refusal, Timestamp};
use crate::engine::core::{Blocked, Core, Urgency, Waiting, WaitingAlert};
use crate::engine::message::Peer;
use crate::engine::present::Present;
use crate::store::{self, FailureRow, Page, Reader, ReviewRow};

/// `GET /v1/inbox`.
pub(super) async fn inbox(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = reads::query(raw.as_deref(), &peer, service.now())?;
    let mut snoozed = false;
    for (name, value) in &query.filters {
        snoozed = match (name.as_str(), value.parse()) {
            ("snoozed", Ok(wanted)) => wanted,
            ("snoozed", Err(_)) => return Err(Refusal::not_one_of("snoozed", value, &["true", "false"]).into()),
            _ => return Err(Refusal::not_one_of("query", name, &["limit", "offset", "snoozed"]).into()),
        };
    }
    let filter = Filter::parse(&INBOX, &query.filter)?;
    if filter.is_empty() {
        return reads::page(&inbox_page(&service, (true, snoozed), query.offset, query.limit).await?);
    }
    // The inbox has no table of its own to be searched: it is short enough to be gone through.
    let mut all = inbox_page(&service, (true, snoozed), 0, u64::MAX).await?;
    let names = Names::new();
    let asker = Asker { now: query.now, me: &[], names: &names };
    all.items.retain(|item| filter.matches(&INBOX, item, &asker));
    all.total = all.items.len() as u64;
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    all.items = all.items.into_iter().skip(number(query.offset)).take(number(query.limit)).collect();
    reads::page(&all)
}

/// Part of the inbox, with or without alerts and what was put off, and how much there is in all.
async fn inbox_page(
    service: &Service,
    (alerts, snoozed): (bool, bool),
    offset: u64,
    limit: u64,
) -> Result<Page<InboxItem>, Failure> {
    let look = move |core: &Core, now| {
        let alerts = if alerts { core.inbox_alerts(now, snoozed) } else { vec![] };
        (core.inbox(now, snoozed), alerts, core.urgency(), now)
    };
    let (waiting, alerts, urgency, now) = service.look(look).await?;
    let present = service.running()?.present.clone();
    let entries = move |reader: &Reader| {
        let entries = entries(reader, (waiting, alerts), &urgency, snoozed, now)?;
        assemble(reader, &present, entries, (offset, limit))
    };
    service.read(entries).await
}

/// The first of what waits for a human apart from alerts, at most `max`, and how much there is.
pub(super) async fn inbox_head(service: &Service, max: usize) -> Result<(Vec<InboxItem>, u64), Failure> {
    let page = inbox_page(service, (false, false), 0, max as u64).await?;
    Ok((page.items, page.total))
}

/// The worst active alerts, at most `max`, how many need somebody's eye, and how many others are not over.
pub(super) async fn alerts_head(service: &Service, max: usize) -> Result<(Vec<Alert>, u64, u64), Failure> {
    let found = service.look(move |core, now| {
        let needs = |alert: &&Alert| {
            alert.status == AlertStatus::Active && alert.silenced_until.is_none_or(|until| until <= now)
        };
        let mut alerts: Vec<Alert> = core.alerts().filter(needs).cloned().collect();
        let total = alerts.len() as u64;
        let taken = core.alerts().count() as u64 - total;
        alerts.sort_by_key(|alert| (Reverse(alert.severity), Reverse(alert.last_seen)));
        alerts.truncate(max);
        (alerts, total, taken)
    });
    found.await
}

/// How many alerts need somebody's eye.
pub(super) async fn alert_count(service: &Service) -> Result<u64, Failure> {
    service.look(Core::active_alerts).await
}

/// Something in the inbox, before it is known whether it will be shown.
enum Entry {
    Artifact(Waiting),
    Failure(FailureRow),
    Alert(WaitingAlert),
}

/// Puts artifacts, failed tasks and alerts into one order.
fn entries(
    reader: &Reader,
    (waiting, alerts): (Vec<Waiting>, Vec<WaitingAlert>),
    urgency: &Urgency,
    snoozed: bool,
    now: Timestamp,
) -> Result<Vec<(f64, Entry)>, store::Error> {
    let mut entries: Vec<_> = waiting.into_iter().map(|item| (item.cost, Entry::Artifact(item))).collect();
    let shown = |row: &FailureRow| snoozed || row.snoozed_until.is_none_or(|until| until <= now);
    for row in reader.failures()?.into_iter().filter(shown) {
        let blocked = Blocked { tasks: row.blocks, priorities: row.priorities, deadline: row.deadline };
        entries.push((urgency.cost_of_delay(now.since(row.since), &blocked, now), Entry::Failure(row)));
    }
    entries.extend(alerts.into_iter().map(|alert| (alert.cost, Entry::Alert(alert))));
    // The sort keeps equals in the order in which they came, which is fixed.
    entries.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    Ok(entries)
}

/// Reads what is shown of a part of the inbox.
fn assemble(
    reader: &Reader,
    present: &Present,
    entries: Vec<(f64, Entry)>,
    (offset, limit): (u64, u64),
) -> Result<Page<InboxItem>, store::Error> {
    let total = entries.len() as u64;
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let entries: Vec<_> = entries.into_iter().skip(number(offset)).take(number(limit)).collect();
    let ids: Vec<_> = entries
        .iter()
        .filter_map(|(_, entry)| match entry {
            Entry::Artifact(item) => Some(item.id),
            Entry::Failure(_) | Entry::Alert(_) => None,
        })
        .collect();
    let mut rows = reader.reviews(&ids)?.into_iter();
    let mut items = Vec::with_capacity(entries.len());
    for (cost, entry) in entries {
        // What is decided on but not yet durable is shown the next time.
        items.extend(match entry {
            Entry::Artifact(item) => rows.next().flatten().map(|row| of_artifact(&item, row)),
            Entry::Failure(row) => Some(of_failure(row, cost)),
            Entry::Alert(waiting) => reader.alert(waiting.id)?.map(|alert| of_alert(alert, present, cost)),
        });
    }
    Ok(Page { items, total, more: false })
}

fn of_artifact(item: &Waiting, row: ReviewRow) -> InboxItem {
    InboxItem {
        id: item.id.to_string(),
        kind: InboxKind::Artifact,
        title: row.title,
        artifact_type: Some(row.artifact_type),
        agent: row.agent,
        task_id: Some(item.task_id.to_string()),
        group: format!("{} {} {}", InboxKind::Artifact, row.artifact_type, row.task_type),
        task_type: Some(row.task_type),
        alert: None,
        size: Some(row.size),
        since: row.created_at,
        blocks: item.blocked.tasks,
        blocked_task_ids: item.gated.iter().map(ToString::to_string).collect(),
        blocks_deadline: item.blocked.deadline,
        cost_of_delay: item.cost,
        approval: item.approval,
        risk: if row.high_risk { Risk::High } else { Risk::Normal },
        snoozed_until: item.snoozed_until,
    }
}

fn of_failure(row: FailureRow, cost: f64) -> InboxItem {
    InboxItem {
        id: row.task_id.to_string(),
        kind: InboxKind::FailedTask,
        title: format!("{} failed: {}", row.task_type, row.error),
        artifact_type: None,
        agent: row.agent,
        task_id: Some(row.task_id.to_string()),
        group: format!("{} {}", InboxKind::FailedTask, row.task_type),
        task_type: Some(row.task_type),
        alert: None,
        size: None,
        since: row.since,
        blocks: row.blocks,
        blocked_task_ids: vec![],
        blocks_deadline: row.deadline,
        cost_of_delay: cost,
        approval: None,
        risk: if row.high_risk { Risk::High } else { Risk::Normal },
        snoozed_until: row.snoozed_until,
    }
}

fn of_alert(alert: Alert, present: &Present, cost: f64) -> InboxItem {
    InboxItem {
        id: alert.id.to_string(),
        kind: InboxKind::Alert,
        title: alert.message.clone(),
        artifact_type: None,
        agent: alert.source.strip_prefix("agent ").map(str::to_owned),
        task_id: None,
        group: format!("{} {}", InboxKind::Alert, alert.context.trigger),
        task_type: None,
        size: None,
        since: alert.time,
        blocks: 0,
        blocked_task_ids: vec![],
        blocks_deadline: None,
        cost_of_delay: cost,
        approval: None,
        risk: Risk::Normal,
        snoozed_until: alert.silenced_until,
        alert: Some(Box::new(AlertRow { figures: present.of(&alert), alert })),
    }
}

/// `GET /v1/tasks/{id}/candidates`.
pub(super) async fn task_candidates(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Candidate>>, Failure> {
    let id = service.read(move |reader| reader.resolve_task(&id)).await?;
    let found = service.look(move |core, _| Some((core.task_candidates(id)?, core.scores_for_task(id)))).await?;
    let Some((mut found, scores)) = found else {
        return Err(Refusal::conflict("task", id, "a task that has not ended").into());
    };
    let mut scores: BTreeMap<_, _> = scores.into_iter().collect();
    for (id, candidate) in &mut found {
        if let Some(judged) = scores.remove(id) {
            (candidate.score, candidate.factors) = (Some(judged.score), judged.factors);
            let outlook = judged.learned.outlook.as_ref().filter(|outlook| outlook.bad);
            candidate.reasons.extend(outlook.map(|outlook| outlook.sentence("is a bad match: succeeds")));
            (candidate.learned, candidate.to_win) = (Some(judged.learned), judged.to_win);
        }
    }
    let candidates = service.read(move |reader| with_records(reader, found)).await?;
    Ok(Json(candidates))
}

/// Adds what agents have done so far. Among those that are otherwise equal the more successful goes first.
fn with_records(reader: &Reader, found: Vec<(AgentId, Candidate)>) -> Result<Vec<Candidate>, store::Error> {
    let costs: BTreeMap<_, _> = reader.mean_costs()?.into_iter().collect();
    let mut candidates = vec![];
    for (id, mut candidate) in found {
        let counters = reader.agent_counters(id)?.filter(|counters| counters.total_executions > 0);
        if let Some(counters) = counters {
            candidate.success_rate = Some(counters.success_count as f64 / counters.total_executions as f64);
            candidate.mean_duration_s = counters.avg_execution_time_ms.map(|millis| millis as f64 / 1000.0);
        }
        candidate.mean_cost = costs.get(&id).copied();
        candidates.push(candidate);
    }
    let rate = |candidate: &Candidate| candidate.success_rate.unwrap_or(0.5);
    candidates.sort_by(|one, other| {
        let able = |candidate: &Candidate| (!candidate.able, !candidate.free);
        let place = |candidate: &Candidate| (candidate.queued, candidate.running);
        let score = |candidate: &Candidate| candidate.score.unwrap_or(0.0);
        let by_score = able(one).cmp(&able(other)).then(score(other).total_cmp(&score(one)));
        by_score.then(place(one).cmp(&place(other))).then(rate(other).total_cmp(&rate(one)))
    });
    Ok(candidates)
}

/// `GET /v1/agents/{id}/candidates`.
pub(super) async fn agent_candidates(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Candidate>>, Failure> {
    let id = service.read(move |reader| reader.resolve_agent(&id)).await?;
    let found = service.look(move |core, _| core.agent_candidates(id)).await?;
    Ok(Json(found.ok_or_else(|| Refusal::not_found("agent", id))?))
}
