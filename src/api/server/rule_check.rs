//! Rules that can never fire and silences that can never mean anything are refused; those that merely have nothing to look
//! at now are taken, with a word about it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Failure, Service};
use crate::domain::alert_rule::{Comparison, Function, Scope};
use crate::domain::metric::MetricKind;
use crate::domain::pattern::fits;
use crate::domain::refusal::nearest;
use crate::domain::{AlertRule, AlertRulePatch, Command, Matcher, Refusal, Threshold};
use crate::engine::core::{LIMIT_EXCEEDED, LIMITS, TRIGGERS, built_in};
use crate::engine::samples::{self, DEADLINE_SPARE, METRICS, Metric};
use crate::store::Reader;

/// Looks through what a command declares. Gives a sentence for each thing that does nothing as things stand.
pub(super) async fn command(service: &Service, command: &Command) -> Result<Vec<String>, Failure> {
    match command {
        Command::AddAlertRule { rule } => rules(service, std::slice::from_ref(rule)).await,
        Command::Apply { fleet, .. } => rules(service, &fleet.alert_rule).await,
        Command::AddSilence { matcher, .. } => silence(service, matcher).await,
        _ => Ok(vec![]),
    }
}

/// Refuses rules whose metric nobody knows, whose thresholds it never reaches, that ask for labels which its series have not,
/// or that are kept quiet by what there is not. What a patch leaves as it was is not looked at again.
pub(super) async fn rules(service: &Service, patches: &[AlertRulePatch]) -> Result<Vec<String>, Failure> {
    let looks = |patch: &AlertRulePatch| patch.metric.is_some() || patch.labels.is_some() || patch.scope.is_some();
    let compares = |patch: &AlertRulePatch| {
        patch.warning.is_some() || patch.critical.is_some() || patch.comparison.is_some() || patch.function.is_some()
    };
    if !patches.iter().any(|patch| looks(patch) || compares(patch) || patch.inhibited_by.is_some()) {
        return Ok(vec![]);
    }
    let known: BTreeMap<String, AlertRule> = service
        .look(|core, _| core.alert_rules().map(|rule| (rule.name.clone(), rule.clone())).collect::<BTreeMap<_, _>>())
        .await?;
    let running = service.running()?;
    let mut metrics: BTreeSet<String> = running.ring.names().into_iter().collect();
    // A metric that a rule was once allowed to name is not refused when nobody measures it at the moment.
    metrics.extend(known.values().map(|rule| rule.metric.clone()));
    metrics.extend(METRICS.iter().map(|metric| metric.name.to_owned()));
    let mut triggers = triggers(service, &known).await?;
    triggers.extend(patches.iter().map(|patch| patch.name.clone()));
    let mut warnings = vec![];
    for patch in patches {
        patch.check_metric(metrics.iter().map(String::as_str))?;
        let place = |refusal: Refusal| refusal.within(format!("alert rule {}", patch.name));
        for trigger in patch.inhibited_by.iter().flatten() {
            if !triggers.contains(trigger) {
                return Err(place(unknown_trigger("inhibited_by", trigger, &triggers)).into());
            }
        }
        // What is wrong with the rule itself, the engine says when it takes it.
        let Ok(rule) = patch.over(known.get(&patch.name)) else { continue };
        let Some(metric) = samples::metric(&rule.metric) else { continue };
        if looks(patch) || compares(patch) {
            function(&rule, metric).map_err(place)?;
            bounds(&rule, metric).map_err(place)?;
        }
        if !looks(patch) {
            continue;
        }
        labels(&rule, metric).map_err(place)?;
        warnings.extend(built_in(&patch.name).and_then(|came| scoped_otherwise(&rule, came)));
        let fits = |labels: &BTreeMap<_, _>| rule.looks_at(labels) && rule.subject(labels).is_some();
        // A series for each task is not kept.
        let is_kept = metric != &DEADLINE_SPARE;
        if is_kept && running.recorder.handle().is_ok_and(|handle| !handle.has_series(metric.name, fits)) {
            warnings.push(idle(&rule));
        }
    }
    Ok(warnings)
}

/// What alerts may have for a trigger: the rules, what the engine meets, and whatever had one so far.
async fn triggers(service: &Service, rules: &BTreeMap<String, AlertRule>) -> Result<BTreeSet<String>, Failure> {
    let fired = service.read(Reader::fired).await?;
    let limits = LIMITS.map(|limit| format!("{LIMIT_EXCEEDED}{limit}"));
    let own = TRIGGERS.map(str::to_owned).into_iter().chain(limits);
    Ok(own.chain(rules.keys().cloned()).chain(fired.into_keys()).collect())
}

fn unknown_trigger(field: &str, trigger: &str, triggers: &BTreeSet<String>) -> Refusal {
    let refusal = Refusal::invalid(field, trigger, "the name of a rule, or a trigger such as \"node lost\"");
    let otherwise = "menagerie alert rule list shows the rules";
    refusal.hint_nearest(trigger, triggers.iter().map(String::as_str), otherwise)
}

/// Refuses a rule that asks for labels which no series of its metric has.
fn labels(rule: &AlertRule, metric: &Metric) -> Result<(), Refusal> {
    let name = metric.name;
    let have = match metric.labels {
        [] => format!("{name} has no labels"),
        labels => format!("{name} has the labels {}", labels.join(", ")),
    };
    if rule.scope.label().is_some_and(|label| !metric.labels.contains(&label)) {
        let fine = |scope: &&Scope| scope.label().is_none_or(|label| metric.labels.contains(&label));
        let scopes: Vec<&str> = Scope::ALL.iter().filter(fine).map(|scope| scope.as_str()).collect();
        return Err(Refusal::invalid("scope", rule.scope, scopes.join(", ")).hint(have));
    }
    match rule.labels.keys().find(|label| !metric.labels.contains(&label.as_str())) {
        None => Ok(()),
        Some(label) => {
            let refusal = Refusal::invalid("labels", label, metric.labels.join(", "));
            Err(refusal.hint_nearest(label, metric.labels.iter().copied(), have))
        }
    }
}

/// Shares that may be more than the whole: of a limit that is held only in the mean or afterwards, of a speed that is nominal.
const BEYOND_THE_WHOLE: [&Metric; 3] = [&samples::CAGE_CPU_SHARE, &samples::CAGE_TOKENS_SHARE, &samples::GPU_FAN];

/// Refuses a rise of what does not only grow.
fn function(rule: &AlertRule, metric: &Metric) -> Result<(), Refusal> {
    let rises = |function: Function| matches!(function, Function::Rate | Function::Increase);
    if metric.kind == MetricKind::Counter || !rises(rule.function) {
        return Ok(());
    }
    let allowed: Vec<&str> = Function::ALL.iter().filter(|it| !rises(**it)).map(|it| it.as_str()).collect();
    let hint = format!("{} is a {}, which goes up and down", metric.name, metric.kind);
    Err(Refusal::invalid("function", rule.function, allowed.join(", ")).hint(hint))
}

/// Refuses thresholds that no value of the metric is ever beyond, or that lie outside of what its values can be.
fn bounds(rule: &AlertRule, metric: &Metric) -> Result<(), Refusal> {
    let unit = rule.unit();
    let is_share = metric.unit == "ratio" && rule.function != Function::Count;
    let most = (is_share && !BEYOND_THE_WHOLE.contains(&metric)).then_some(1.0);
    // What a task has to spare may be less than nothing, and so may a temperature.
    let has_least = metric != &DEADLINE_SPARE && metric.unit != "celsius" || rule.function == Function::Count;
    let least = has_least.then_some(0.0);
    let shown = |value: f64| Threshold::new(value, unit).to_string();
    for (field, threshold) in [("warning", rule.warning), ("critical", rule.critical)] {
        let Some(threshold) = threshold else { continue };
        let outside =
            least.is_some_and(|least| threshold.value < least) || most.is_some_and(|most| threshold.value > most);
        let never = match rule.comparison {
            Comparison::Above => most == Some(threshold.value),
            Comparison::Below => least == Some(threshold.value),
            Comparison::AtLeast | Comparison::AtMost => false,
        };
        if !outside && !never {
            continue;
        }
        let allowed = match (least, most, rule.comparison) {
            (Some(least), Some(most), Comparison::Above) => format!("{} to less than {}", shown(least), shown(most)),
            (Some(least), Some(most), Comparison::Below) => format!("more than {} to {}", shown(least), shown(most)),
            (Some(least), Some(most), _) => format!("{} to {}", shown(least), shown(most)),
            (Some(least), None, Comparison::Below) => format!("more than {}", shown(least)),
            (least, ..) => format!("{} and more", shown(least.unwrap_or_default())),
        };
        let hint = match most {
            Some(most) => format!("{} is a share, at most {}", metric.name, shown(most)),
            None => format!("{} is never less than {}", metric.name, shown(least.unwrap_or_default())),
        };
        return Err(Refusal::invalid(field, threshold, allowed).hint(hint));
    }
    Ok(())
}

/// What is said of a rule that came with the program and is evaluated for something else, as a file of an earlier version may have it.
fn scoped_otherwise(rule: &AlertRule, came: &AlertRule) -> Option<String> {
    let AlertRule { name, scope, .. } = rule;
    let said = || {
        format!(
            "alert rule {name}: it is evaluated for each {scope}, while it came with the program for each {}; menagerie alert rule \
             show {name} says what was changed, and menagerie alert rule remove {name} gives it back as it came",
            came.scope
        )
    };
    (*scope != came.scope).then(said)
}

/// What is said of a rule that finds no series.
fn idle(rule: &AlertRule) -> String {
    let AlertRule { name, metric, labels, .. } = rule;
    let wanted: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    let with = if wanted.is_empty() { String::new() } else { format!(" with {}", wanted.join(", ")) };
    format!(
        "alert rule {name}: {metric} has had no series{with} so far; nothing is raised before there is one \
         (menagerie metric list {metric} shows the labels and values that there are)"
    )
}

/// Refuses a silence of a rule that there is not.
async fn silence(service: &Service, matcher: &Matcher) -> Result<Vec<String>, Failure> {
    let mut warnings = vec![];
    if let Some(pattern) = &matcher.rule {
        let known: BTreeMap<String, AlertRule> = service
            .look(|core, _| {
                core.alert_rules().map(|rule| (rule.name.clone(), rule.clone())).collect::<BTreeMap<_, _>>()
            })
            .await?;
        let triggers = triggers(service, &known).await?;
        if !triggers.iter().any(|trigger| fits(pattern, trigger)) {
            if !pattern.contains('*') {
                return Err(unknown_trigger("silence.rule", pattern, &triggers).into());
            }
            warnings.push(format!("no rule and no trigger fits {pattern}; it silences what is called so later"));
        }
    }
    // Of tasks there are always others, and GPUs only workers know.
    let is_told = |pattern: &&String| ![Scope::Task, Scope::Gpu].iter().any(|it| pattern.starts_with(it.as_str()));
    if let Some(pattern) = matcher.source.as_ref().filter(is_told) {
        let sources = service.look(|core, _| core.alert_sources()).await?;
        if !sources.iter().any(|source| fits(pattern, source)) {
            let near = nearest(pattern, sources.iter().map(String::as_str));
            let meant = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
            warnings.push(format!("nothing that there is now is called {pattern}{meant}"));
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: serde_json::Value) -> AlertRule {
        serde_json::from_value::<AlertRulePatch>(json).unwrap().over(None).unwrap()
    }

    #[test]
    fn labels_that_no_series_has_are_refused_with_those_that_there_are() {
        let judged = |scope: &str, labelled: &str| {
            let rule = rule(serde_json::json!({
                "name": "x", "metric": "menagerie_gpu_memory_usage_ratio", "critical": "90%", "scope": scope,
                "labels": {labelled: "1"},
            }));
            labels(&rule, samples::metric(&rule.metric).unwrap()).map_err(|refusal| refusal.to_string())
        };
        assert_eq!((judged("gpu", "gpu"), judged("node", "uuid"), judged("fleet", "node")), (Ok(()), Ok(()), Ok(())));
        let refused = judged("cage", "gpu").unwrap_err();
        assert!(refused.contains("scope") && refused.contains("node, gpu, queue, fleet"), "{refused}");
        assert!(refused.contains("has the labels node, gpu, uuid"), "{refused}");
        let refused = judged("gpu", "uid").unwrap_err();
        assert!(refused.contains("labels: \"uid\"") && refused.contains("did you mean \"uuid\"?"), "{refused}");
    }

    #[test]
    fn what_no_value_is_ever_beyond_is_refused_with_what_is_allowed() {
        let judged = |metric: &str, how: &str, limit: &str, function: &str| {
            let rule = rule(serde_json::json!({
                "name": "x", "metric": metric, "critical": limit, "comparison": how, "function": function,
            }));
            let metric = samples::metric(metric).unwrap();
            super::function(&rule, metric).and_then(|()| bounds(&rule, metric)).map_err(|refusal| refusal.to_string())
        };
        let cpu = "menagerie_node_cpu_usage_ratio";
        for (metric, how, limit, function) in [
            (cpu, ">", "99%", "last"),
            (cpu, ">=", "100%", "avg"),
            (cpu, "<", "100%", "last"),
            (cpu, "<=", "0%", "last"),
            (cpu, ">", "200", "count"),
            ("menagerie_cage_cpu_usage_ratio", ">", "150%", "last"),
            ("menagerie_task_deadline_spare_seconds", "<", "-5s", "last"),
            ("menagerie_node_temperature_celsius", "<", "-5", "last"),
            // Seconds a second are a share that many cores are more of than the whole.
            ("menagerie_cage_cpu_seconds_total", ">", "400%", "rate"),
            ("menagerie_queue_wait_seconds", ">", "0s", "last"),
        ] {
            assert_eq!(judged(metric, how, limit, function), Ok(()), "{metric} {how} {limit} {function}");
        }
        for (metric, how, limit, function, expected) in [
            (cpu, ">", "150%", "last", "allowed: 0% to less than 100%"),
            (cpu, ">", "100%", "max", "allowed: 0% to less than 100%"),
            (cpu, ">=", "101%", "last", "is a share, at most 100%"),
            (cpu, "<", "0%", "last", "allowed: more than 0% to 100%"),
            (cpu, "<", "-1%", "last", "allowed: more than 0% to 100%"),
            ("menagerie_cage_cpu_usage_ratio", ">", "-5%", "last", "is never less than 0%"),
            ("menagerie_queue_wait_seconds", "<", "-5s", "last", "is never less than 0"),
            (cpu, ">", "50%", "rate", "allowed: last, avg, max, min, p95, count"),
            ("menagerie_queue_wait_seconds", ">", "50%", "rate", "is a gauge"),
        ] {
            let refused = judged(metric, how, limit, function).unwrap_err();
            assert!(refused.contains(expected), "{metric} {how} {limit} {function}: {refused}");
        }
        for rule in crate::engine::core::Core::new().alert_rules() {
            let metric = samples::metric(&rule.metric).unwrap();
            assert_eq!((super::function(rule, metric), bounds(rule, metric)), (Ok(()), Ok(())), "{}", rule.name);
        }
    }

    #[test]
    fn a_rule_of_an_earlier_version_that_is_about_something_else_is_told_of() {
        let came = built_in("gpu-memory").unwrap();
        assert_eq!(scoped_otherwise(came, came), None);
        let said = scoped_otherwise(&AlertRule { scope: Scope::Node, ..came.clone() }, came).unwrap();
        assert!(
            said.starts_with("alert rule gpu-memory: it is evaluated for each node") && said.contains("for each gpu"),
            "{said}"
        );
    }

    #[test]
    fn a_trigger_that_nothing_has_is_refused_with_the_nearest() {
        let triggers = ["node lost", "node-cpu"].map(str::to_owned).into();
        let refused = unknown_trigger("inhibited_by", "nod lost", &triggers).to_string();
        assert!(refused.contains("did you mean \"node lost\"?"), "{refused}");
    }
}
