//! What is measured, as other programs read it: the latest value of every series, with what the table of metrics says.
//!
//! How much goes out has a bound, so that a fleet that grows does not bring down whoever reads it; what is left out is
//! counted in the text itself.

use std::collections::BTreeMap;

use super::samples::{METRICS, Metric};
use crate::domain::metric::MetricKind;
use crate::domain::metric::exposition::{Exposition, Form};
use crate::domain::{Span, Timestamp};
use crate::store::series::Handle;

/// What was not sampled for so long is over, and goes out no more: as long as Prometheus itself looks back.
pub const OVER: Span = Span::from_secs(300);
/// The most series that go out.
pub const SERIES_MAX: usize = 50_000;

/// How many series had no place. No metric that is kept, for it is about the text alone.
pub static LEFT_OUT: Metric = Metric {
    name: "menagerie_exposition_left_out_series",
    kind: MetricKind::Gauge,
    unit: "series",
    labels: &[],
    description: "Series that are left out here, because there are too many",
};

/// How the store of metrics itself does. No metrics that are kept either: a store that is full could not keep them.
pub static DROPPED: Metric = Metric {
    name: "menagerie_metric_samples_dropped_total",
    kind: MetricKind::Counter,
    unit: "",
    labels: &["reason"],
    description: "Samples that were not kept, by reason, since the engine started",
};
/// How many series are known.
pub static SERIES: Metric = Metric {
    name: "menagerie_metric_series",
    kind: MetricKind::Gauge,
    unit: "series",
    labels: &[],
    description: "Series that the store of metrics knows",
};
/// How many may be.
pub static SERIES_ROOM: Metric = Metric {
    name: "menagerie_metric_limit_series",
    kind: MetricKind::Gauge,
    unit: "series",
    labels: &[],
    description: "Series that the store of metrics may know; samples of further ones are dropped",
};

/// Alerts that are not over. Whoever is told of alerts by others needs to see that there are some here; each by itself is
/// none of their business, and would be a series without an end.
pub static ALERTS: Metric = Metric {
    name: "menagerie_alerts",
    kind: MetricKind::Gauge,
    unit: "",
    labels: &["severity", "status"],
    description: "Alerts that are not over, by severity, and whether somebody has taken or silenced them",
};
/// How each part of the engine is, as `menagerie status` has it.
pub static HEALTH: Metric = Metric {
    name: "menagerie_health",
    kind: MetricKind::Gauge,
    unit: "",
    labels: &["component", "state"],
    description: "Whether a part of the engine is in a state: 1 for the one that it is in, 0 for the others",
};

/// All of these that are in no table.
pub static OWN: [&Metric; 6] = [&ALERTS, &HEALTH, &DROPPED, &SERIES, &SERIES_ROOM, &LEFT_OUT];

/// How things stand at the moment of asking, which is not measured but known.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// By severity and status: how many alerts are not over.
    pub alerts: Vec<(&'static str, &'static str, u64)>,
    /// By part and state: whether the part is in it.
    pub health: Vec<(String, &'static str, bool)>,
}

/// Which series go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Whether those of single agents do.
    pub per_agent: bool,
    /// How many at most.
    pub series: usize,
}

impl Bounds {
    /// At most [`SERIES_MAX`] series, and those of single agents if that is wanted.
    pub const fn new(per_agent: bool) -> Self {
        Self { per_agent, series: SERIES_MAX }
    }

    /// Whether a series with these labels goes out. What is about a single task does not: there is no end of tasks.
    pub fn admits(&self, labels: &BTreeMap<String, String>) -> bool {
        !labels.contains_key("task") && (self.per_agent || !labels.contains_key("agent"))
    }
}

/// The text of everything that was measured lately, and of how things stand.
pub fn text(handle: &Handle, standing: &Standing, form: Form, bounds: Bounds, now: Timestamp) -> String {
    let latest = handle.latest(Timestamp::from_micros(now.as_micros() - OVER.as_micros()));
    let (mut exposition, mut room, mut left_out) = (Exposition::new(form), bounds.series, 0_usize);
    for metric in METRICS {
        let mut series = latest.of(metric.name, metric.kind);
        series.retain(|(key, _)| bounds.admits(&key.labels));
        left_out += series.len().saturating_sub(room);
        series.truncate(room);
        room -= series.len();
        if series.is_empty() {
            continue;
        }
        exposition.family(metric.name, metric.kind, metric.unit, metric.description);
        for (key, value) in series {
            exposition.sample(metric.name, &key.labels, value, None);
        }
    }
    let own = |metric: &Metric, values: [&str; 2]| {
        let named = metric.labels.iter().zip(values).map(|(label, value)| ((*label).to_owned(), value.to_owned()));
        named.collect::<BTreeMap<_, _>>()
    };
    exposition.family(ALERTS.name, ALERTS.kind, ALERTS.unit, ALERTS.description);
    for (severity, status, count) in &standing.alerts {
        exposition.sample(ALERTS.name, &own(&ALERTS, [severity, status]), *count as f64, None);
    }
    exposition.family(HEALTH.name, HEALTH.kind, HEALTH.unit, HEALTH.description);
    for (component, state, is_so) in &standing.health {
        exposition.sample(HEALTH.name, &own(&HEALTH, [component, state]), f64::from(u8::from(*is_so)), None);
    }
    exposition.family(DROPPED.name, DROPPED.kind, DROPPED.unit, DROPPED.description);
    for (reason, count) in handle.dropped().by_reason() {
        let labels = BTreeMap::from([("reason".to_owned(), reason.to_owned())]);
        exposition.sample(DROPPED.name, &labels, count as f64, None);
    }
    let (known, most) = handle.room();
    for (metric, value) in [(&SERIES, known as f64), (&SERIES_ROOM, most as f64), (&LEFT_OUT, left_out as f64)] {
        exposition.family(metric.name, metric.kind, metric.unit, metric.description);
        exposition.sample(metric.name, &BTreeMap::new(), value, None);
    }
    exposition.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metric::exposition::grammar;
    use crate::domain::metric::{Key, Meta};
    use crate::store::series::{Policy, Sample, Series};

    const NOW: Timestamp = Timestamp::from_micros(1_795_824_000_000_000);

    fn ago(seconds: i64) -> Timestamp {
        Timestamp::from_micros(NOW.as_micros() - seconds * 1_000_000)
    }

    /// Metric, labels, how many seconds ago, value.
    type Sampled<'a> = (&'a str, &'a [(&'a str, &'a str)], i64, f64);

    /// A store with these samples.
    fn store(samples: &[Sampled<'_>]) -> (tempfile::TempDir, Series) {
        let folder = tempfile::tempdir().unwrap();
        let mut series = Series::open(folder.path(), Policy::default()).unwrap();
        for (name, labels, seconds, value) in samples {
            let kind = METRICS.iter().find(|metric| metric.name == *name).map_or(MetricKind::Gauge, |known| known.kind);
            let key = Key::new(name, labels.iter().copied());
            let id = series.handle().series_id(&key, &Meta::new(kind, "", "")).unwrap();
            let sample = Sample { series: id, time: ago(*seconds), value: *value };
            assert_eq!(series.append(ago(*seconds), &[sample]).unwrap().kept, 1);
        }
        (folder, series)
    }

    fn read(series: &Series, bounds: Bounds) -> Vec<grammar::Read> {
        let forms = [Form::Prometheus, Form::OpenMetrics];
        let [_, open] = forms
            .map(|form| grammar::read(form, &text(&series.handle(), &Standing::default(), form, bounds, NOW)).unwrap());
        open
    }

    fn names(read: &[grammar::Read]) -> Vec<String> {
        let of_fleet = read.iter().filter(|(name, ..)| !name.starts_with("menagerie_metric_"));
        of_fleet.map(|(name, labels, value)| format!("{name}{labels:?}{value}").replace('"', "")).collect()
    }

    #[test]
    fn the_latest_value_of_what_is_still_measured_goes_out() {
        let cage: &[(&str, &str)] = &[("cage", "001")];
        let (_folder, series) = store(&[
            ("menagerie_cage_pids", &[("cage", "002")], 301, 9.0),
            ("menagerie_cage_cpu_seconds_total", cage, 299, 1.0),
            ("menagerie_cage_pids", cage, 20, 3.0),
            ("menagerie_cage_pids", cage, 10, 4.0),
            ("menagerie_task_deadline_spare_seconds", &[("task", "x")], 10, 4.0),
            ("not_in_the_table", cage, 10, 4.0),
        ]);
        assert_eq!(
            names(&read(&series, Bounds::new(true))),
            [
                "menagerie_cage_cpu_seconds_total{cage: 001}1",
                "menagerie_cage_pids{cage: 001}4",
                "menagerie_exposition_left_out_series{}0"
            ]
        );
    }

    #[test]
    fn a_value_stays_when_its_samples_have_gone_to_their_file() {
        let (_folder, mut series) = store(&[("menagerie_cage_pids", &[("cage", "001")], 180, 3.0)]);
        // The slot of ten minutes in which the sample is ends now, and two minutes later it is closed.
        let later = Timestamp::from_micros(NOW.as_micros() + 120_000_000);
        series.maintain(later).unwrap();
        let found = text(&series.handle(), &Standing::default(), Form::Prometheus, Bounds::new(true), later);
        assert!(found.contains("menagerie_cage_pids{cage=\"001\"} 3\n"), "{found}");
        let found = text(&series.handle(), &Standing::default(), Form::Prometheus, Bounds::new(true), ago(-121));
        assert!(!found.contains("menagerie_cage_pids"), "{found}");
    }

    #[test]
    fn how_things_stand_goes_out_with_what_is_measured() {
        let (_folder, series) = store(&[("menagerie_cage_pids", &[("cage", "001")], 5, 3.0)]);
        let standing = Standing {
            alerts: vec![("critical", "active", 2), ("critical", "silenced", 0)],
            health: vec![("alert delivery".to_owned(), "ok", false), ("alert delivery".to_owned(), "failed", true)],
        };
        for form in [Form::Prometheus, Form::OpenMetrics] {
            let found = text(&series.handle(), &standing, form, Bounds::new(true), NOW);
            grammar::read(form, &found).unwrap();
            for line in [
                "menagerie_alerts{severity=\"critical\",status=\"active\"} 2",
                "menagerie_alerts{severity=\"critical\",status=\"silenced\"} 0",
                "menagerie_health{component=\"alert delivery\",state=\"ok\"} 0",
                "menagerie_health{component=\"alert delivery\",state=\"failed\"} 1",
                "# TYPE menagerie_alerts gauge",
            ] {
                assert!(found.lines().any(|it| it == line), "no {line} in {found}");
            }
        }
    }

    #[test]
    fn agents_can_be_left_out_and_what_is_too_much_is_counted() {
        let (_folder, series) = store(&[
            ("menagerie_tasks", &[("status", "pending")], 5, 2.0),
            ("menagerie_agent_health_ratio", &[("agent", "a")], 5, 1.0),
            ("menagerie_agent_health_ratio", &[("agent", "b")], 5, 1.0),
            ("menagerie_cage_pids", &[("cage", "001")], 5, 3.0),
        ]);
        let all = names(&read(&series, Bounds { per_agent: true, series: 2 }));
        assert_eq!(all.len(), 3, "{all:?}");
        assert_eq!(all[2], "menagerie_exposition_left_out_series{}2");
        let without = names(&read(&series, Bounds { per_agent: false, series: 2 }));
        assert_eq!(
            without,
            [
                "menagerie_tasks{status: pending}2",
                "menagerie_cage_pids{cage: 001}3",
                "menagerie_exposition_left_out_series{}0"
            ]
        );
    }

    #[test]
    fn series_that_are_refused_are_counted_where_others_read() {
        let folder = tempfile::tempdir().unwrap();
        let series = Series::open(folder.path(), Policy { series: 1000, ..Policy::default() }).unwrap();
        for number in 0..1003 {
            let key = Key::new("menagerie_cage_pids", [("cage", number.to_string().as_str())]);
            let found = series.handle().series_id(&key, &Meta::new(MetricKind::Gauge, "", ""));
            assert_eq!(found.is_ok(), number < 1000, "{number}");
        }
        let found = text(&series.handle(), &Standing::default(), Form::Prometheus, Bounds::new(true), NOW);
        for line in [
            "menagerie_metric_samples_dropped_total{reason=\"too_many_series\"} 3",
            "menagerie_metric_samples_dropped_total{reason=\"refused_series\"} 0",
            "menagerie_metric_series 1000",
            "menagerie_metric_limit_series 1000",
        ] {
            assert!(found.lines().any(|it| it == line), "no {line} in {found}");
        }
        assert!(!read(&series, Bounds::new(true)).is_empty());
    }

    #[test]
    fn every_metric_of_the_table_can_go_out() {
        let all: Vec<_> = METRICS.iter().map(|metric| (metric.name, [("node", "a\\\"b")], 1_i64, 1.0_f64)).collect();
        let all: Vec<_> =
            all.iter().map(|(name, labels, seconds, value)| (*name, &labels[..], *seconds, *value)).collect();
        let (_folder, series) = store(&all);
        assert_eq!(names(&read(&series, Bounds::new(true))).len(), METRICS.len() + 1);
        assert!(
            METRICS.iter().all(|metric| metric.kind != MetricKind::Histogram),
            "buckets are not written out here yet"
        );
    }
}
