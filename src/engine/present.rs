//! What the figures of open alerts are now, and what they were at worst: an alert's record keeps the figure that raised it, and
//! one that changes no level leaves no record. In memory alone, from the rules' own evaluation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::alert::AlertFigures;
use crate::domain::alert_rule::Comparison;
use crate::domain::{Alert, AlertRule, AlertStatus, Level, MetricUnit, Timestamp};

/// The figures of one subject of a rule.
#[derive(Clone, Copy, Debug)]
struct Known {
    unit: MetricUnit,
    comparison: Comparison,
    now: Option<f64>,
    worst: Option<(f64, Timestamp)>,
}

/// By rule and source.
type Figures = BTreeMap<String, BTreeMap<String, Known>>;

/// The figures of what has fired. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Present(Arc<Mutex<Figures>>);

impl Present {
    fn lock(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of the figure of something that has fired; `None` when there are no samples at the moment.
    pub fn note(&self, rule: &AlertRule, source: &str, value: Option<f64>, now: Timestamp) {
        let value = value.filter(|value| value.is_finite());
        let mut figures = self.lock();
        let known = figures.entry(rule.name.clone()).or_default().entry(source.to_owned()).or_insert(Known {
            unit: rule.unit(),
            comparison: rule.comparison,
            now: None,
            worst: None,
        });
        (known.unit, known.comparison, known.now) = (rule.unit(), rule.comparison, value);
        if let Some(value) = value
            && known.worst.is_none_or(|(worst, _)| rule.comparison.further(value, worst))
        {
            known.worst = Some((value, now));
        }
    }

    /// Forgets the figures of what is over.
    pub fn keep(&self, fired: &BTreeMap<String, BTreeMap<String, Level>>) {
        self.lock().retain(|rule, sources| {
            let Some(fired) = fired.get(rule) else { return false };
            sources.retain(|source, _| fired.contains_key(source));
            !sources.is_empty()
        });
    }

    /// The figures of an alert that is not over; `None` of one that no rule has raised, or that several share. The worst is that
    /// since this engine has begun to look, and what the alert itself says.
    pub fn of(&self, alert: &Alert) -> Option<AlertFigures> {
        if alert.status == AlertStatus::Resolved || alert.is_shared() {
            return None;
        }
        let Known { unit, comparison, now, worst } = *self.lock().get(&alert.context.trigger)?.get(&alert.source)?;
        let own = alert.context.value.map(|value| (value, alert.last_seen));
        let (worst, worst_at) = [worst, own]
            .into_iter()
            .flatten()
            .reduce(|one, other| if comparison.further(other.0, one.0) { other } else { one })?;
        Some(AlertFigures { now, worst, worst_at, unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AlertRulePatch;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000 + seconds) * 1_000_000)
    }

    fn rule(json: serde_json::Value) -> AlertRule {
        serde_json::from_value::<AlertRulePatch>(json).unwrap().over(None).unwrap()
    }

    fn alert(value: f64, status: &str) -> Alert {
        serde_json::from_value(serde_json::json!({
            "id": "0195eeee-0000-7000-8000-000000000001", "severity": "warning", "status": status, "source": "cage 001",
            "message": "m", "time": at(0), "last_seen": at(0), "count": 1, "context": {"trigger": "hot", "value": value},
        }))
        .unwrap()
    }

    #[test]
    fn an_alert_has_its_figure_of_now_and_the_worst_since_it_came_up() {
        let present = Present::default();
        let hot = rule(serde_json::json!({"name": "hot", "metric": "x_ratio", "scope": "cage", "warning": "50%"}));
        let open = alert(0.6, "active");
        assert_eq!(present.of(&open), None, "nothing was looked at yet");
        let of = |value: Option<f64>, second: i64| {
            present.note(&hot, "cage 001", value, at(second));
            present.of(&open).map(|it| (it.now, it.worst, it.worst_at, it.said())).unwrap()
        };
        assert_eq!(of(Some(0.55), 1), (Some(0.55), 0.6, at(0), "55 % now, 60 % at worst".to_owned()));
        assert_eq!(of(Some(0.9), 2), (Some(0.9), 0.9, at(2), "90 % now, 90 % at worst".to_owned()));
        assert_eq!(of(Some(0.7), 3), (Some(0.7), 0.9, at(2), "70 % now, 90 % at worst".to_owned()));
        assert_eq!(of(None, 4).3, "no figure now, 90 % at worst");
        assert_eq!(present.of(&alert(0.6, "resolved")), None, "what is over has its record");
        present.keep(&BTreeMap::new());
        assert_eq!(present.of(&open), None);
        // Where less is worse, the least is the worst.
        let low = rule(serde_json::json!({
            "name": "hot", "metric": "x_ratio", "scope": "cage", "warning": "50%", "comparison": "<",
        }));
        for (second, value) in [(1, 0.4), (2, 0.1), (3, 0.3)] {
            present.note(&low, "cage 001", Some(value), at(second));
        }
        let figures = present.of(&alert(0.45, "acknowledged")).unwrap();
        assert_eq!((figures.now, figures.worst, figures.worst_at), (Some(0.3), 0.1, at(2)));
    }
}
