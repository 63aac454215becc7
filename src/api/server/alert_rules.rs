//! Alert rules, the metrics that they may look at, and silences: all from the engine's memory.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};

use super::{Failure, Service, past, rule_check};
use crate::api::types::{AlertRuleRow, MetricName, RuleTest};
use crate::domain::alert_trial::{Runs, Trial};
use crate::domain::{AlertRule, AlertRulePatch, Refusal, Silence, Span};
use crate::engine::core::Core;
use crate::engine::past::Past;
use crate::engine::samples::METRICS;
use crate::engine::trial::{LONGEST, try_rule};
use crate::store::Reader;

/// The rules that `wanted` lets through, with what became of them.
async fn rows(
    service: &Service,
    wanted: impl Fn(&AlertRule) -> bool + Send + 'static,
) -> Result<Vec<AlertRuleRow>, Failure> {
    let fired = service.read(Reader::fired).await?;
    let rows = service.look(move |core, _| {
        let mut open = BTreeMap::new();
        for alert in core.alerts() {
            *open.entry(alert.context.trigger.as_str()).or_insert(0_u64) += 1;
        }
        let row = |rule: &AlertRule| {
            let (built_in, declared) = core.origin_of_rule(&rule.name);
            let alerts = open.get(rule.name.as_str()).copied().unwrap_or(0);
            let (count, last) = fired.get(&rule.name).map_or((0, None), |(count, last)| (*count, Some(*last)));
            let changed = core.changes_of_rule(&rule.name);
            AlertRuleRow { rule: rule.clone(), built_in, declared, changed, alerts, fired: count, last_fired: last }
        };
        core.alert_rules().filter(|rule| wanted(rule)).map(row).collect()
    });
    rows.await
}

/// `GET /v1/alert-rules`.
pub(super) async fn list(State(service): State<Service>) -> Result<Json<Vec<AlertRuleRow>>, Failure> {
    rows(&service, |_| true).await.map(Json)
}

/// `GET /v1/alert-rules/{name}`.
pub(super) async fn show(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<Json<AlertRuleRow>, Failure> {
    let asked = name.clone();
    let found = rows(&service, move |rule| rule.name == asked).await?.pop();
    let missing =
        || Refusal::not_found("alert rule", name).hint("menagerie alert rule list shows those that there are").into();
    found.map(Json).ok_or_else(missing)
}

/// `POST /v1/alert-rules/test`: when a rule would have fired.
pub(super) async fn test(State(service): State<Service>, Json(test): Json<RuleTest>) -> Result<Json<Trial>, Failure> {
    let RuleTest { rule: patch, since } = test;
    if since < Span::from_secs(1) || since > LONGEST {
        return Err(Refusal::invalid("since", since, format!("1s to {LONGEST}")).into());
    }
    past::only_present(&service, "the trial of a rule")?;
    rule_check::rules(&service, std::slice::from_ref(&patch)).await?;
    // One that says nothing but its name means a rule that there is.
    if patch == (AlertRulePatch { name: patch.name.clone(), ..AlertRulePatch::default() }) {
        let name = patch.name.clone();
        if !service.look(move |core, _| core.alert_rules().any(|rule| rule.name == name)).await? {
            let hint =
                "menagerie alert rule list shows those that there are; to try a new one, say its metric and thresholds";
            return Err(Refusal::not_found("alert rule", &patch.name).hint(hint).into());
        }
    }
    let whole = move |core: &Core, now| {
        let known = core.alert_rules().find(|rule| rule.name == patch.name);
        patch.over(known).map(|rule| (rule, now))
    };
    let (rule, now) = service.look(whole).await??;
    let past = Past(service.running()?.recorder.clone());
    let since = crate::domain::Timestamp::from_micros(now.as_micros().saturating_sub(since.as_micros()));
    let scope = rule.scope;
    let runs =
        if rule.is_of_work() { service.read(move |reader| reader.runs(scope, since)).await? } else { Runs::default() };
    let tried = tokio::task::spawn_blocking(move || try_rule(&rule, &past, &runs, since, now)).await;
    let failed = |error| Failure::from(Refusal::new(crate::domain::RefusalKind::Unavailable, "the trial", error));
    tried.map(Json).map_err(failed)
}

/// `GET /v1/metric-names`.
pub(super) async fn metrics(State(service): State<Service>) -> Result<Json<Vec<MetricName>>, Failure> {
    let known = METRICS.iter().map(|metric| (metric.name.to_owned(), metric.description.to_owned()));
    let mut names: std::collections::BTreeMap<String, String> =
        service.running()?.ring.names().into_iter().map(|name| (name, String::new())).collect();
    names.extend(known);
    Ok(Json(names.into_iter().map(|(name, description)| MetricName { name, description }).collect()))
}

/// `GET /v1/silences`.
pub(super) async fn silences(State(service): State<Service>) -> Result<Json<Vec<Silence>>, Failure> {
    Ok(Json(service.look(|core, _| core.silences().cloned().collect()).await?))
}
