//! Figures of lives that are over, counted from the engine's start: histograms and counters.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::json::{Attributes, CUMULATIVE, nanos};
use crate::domain::Timestamp;

/// Something that is counted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Instrument {
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    /// Above each of them one bucket begins; without any it is a counter.
    bounds: Bounds,
}

#[derive(Debug, PartialEq, Eq)]
enum Bounds {
    None,
    Seconds,
    Tokens,
}

/// From a hundredth of a second on twice as long each: half of the agents are done in a blink, others take a day.
const SECONDS: [f64; 24] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36,
    1310.72, 2621.44, 5242.88, 10_485.76, 20_971.52, 41_943.04, 83_886.08,
];
/// As the conventions have them.
const TOKEN_COUNTS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

impl Bounds {
    const fn list(&self) -> &'static [f64] {
        match self {
            Self::None => &[],
            Self::Seconds => &SECONDS,
            Self::Tokens => &TOKEN_COUNTS,
        }
    }
}

pub(super) static DURATION: Instrument = Instrument {
    name: "gen_ai.invoke_agent.duration",
    unit: "s",
    description: "How long executions ran",
    bounds: Bounds::Seconds,
};
pub(super) static TOKENS: Instrument = Instrument {
    name: "gen_ai.client.token.usage",
    unit: "{token}",
    description: "Tokens that executions reported",
    bounds: Bounds::Tokens,
};
pub(super) static WAIT: Instrument = Instrument {
    name: "menagerie.execution.wait",
    unit: "s",
    description: "How long tasks waited for an attempt",
    bounds: Bounds::Seconds,
};
pub(super) static PLACE: Instrument = Instrument {
    name: "menagerie.execution.place",
    unit: "s",
    description: "How long it took from the decision until the process ran",
    bounds: Bounds::Seconds,
};
pub(super) static TASKS: Instrument =
    Instrument { name: "menagerie.tasks.ended", unit: "{task}", description: "Tasks that ended", bounds: Bounds::None };

/// How many different sets of attributes one instrument has; the rest shares one that says so, as the specification has it.
const SETS_MAX: usize = 2000;
const OVERFLOW: &str = "otel.metric.overflow";

/// The figures. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Instruments {
    figures: Arc<Mutex<Figures>>,
    per_agent: bool,
    since: Timestamp,
}

/// By instrument, and then by attributes.
type Figures = BTreeMap<&'static str, (&'static Instrument, BTreeMap<Vec<(&'static str, String)>, Figure>)>;

/// One series.
#[derive(Clone, Debug, Default)]
struct Figure {
    count: u64,
    sum: f64,
    least: f64,
    most: f64,
    buckets: Vec<u64>,
}

impl Instruments {
    /// Counts from `since` on; of single agents only if `per_agent`.
    pub(super) fn new(per_agent: bool, since: Timestamp) -> Self {
        Self { figures: Arc::default(), per_agent, since }
    }

    fn lock(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one.
    pub(super) fn count(&self, instrument: &'static Instrument, attributes: &[(&'static str, &str)]) {
        self.observe(instrument, attributes, 1.0);
    }

    /// Takes in a value, which is finite.
    pub(super) fn observe(&self, instrument: &'static Instrument, attributes: &[(&'static str, &str)], value: f64) {
        let wanted = attributes.iter().filter(|(key, _)| self.per_agent || *key != "gen_ai.agent.name");
        let mut set: Vec<(&'static str, String)> = wanted.map(|(key, value)| (*key, (*value).to_owned())).collect();
        let mut figures = self.lock();
        let (_, sets) = figures.entry(instrument.name).or_insert_with(|| (instrument, BTreeMap::new()));
        if sets.len() >= SETS_MAX && !sets.contains_key(&set) {
            set = vec![(OVERFLOW, "true".to_owned())];
        }
        let figure = sets.entry(set).or_default();
        let bounds = instrument.bounds.list();
        figure.buckets.resize(bounds.len() + 1, 0);
        figure.buckets[bounds.partition_point(|bound| *bound < value)] += 1;
        (figure.least, figure.most) = match figure.count {
            0 => (value, value),
            _ => (figure.least.min(value), figure.most.max(value)),
        };
        figure.count += 1;
        figure.sum += value;
    }

    /// All of it as OTLP has it, and how many values that are.
    pub(super) fn told(&self, now: Timestamp) -> (Vec<Value>, u64) {
        let figures = self.lock();
        let mut points = 0;
        let told = figures.values().map(|(instrument, sets)| {
            points += sets.len() as u64;
            let sets = sets.iter().map(|(set, figure)| self.point(instrument, set, figure, now));
            let data = json!({"dataPoints": sets.collect::<Vec<_>>(), "aggregationTemporality": CUMULATIVE});
            let mut told = json!({
                "name": instrument.name, "unit": instrument.unit, "description": instrument.description,
            });
            if instrument.bounds == Bounds::None {
                told["sum"] = data;
                told["sum"]["isMonotonic"] = true.into();
            } else {
                told["histogram"] = data;
            }
            told
        });
        let told = told.collect();
        (told, points)
    }

    fn point(&self, instrument: &Instrument, set: &[(&'static str, String)], figure: &Figure, now: Timestamp) -> Value {
        let attributes = set.iter().fold(Attributes::default(), |attributes, (key, value)| {
            if *key == OVERFLOW { attributes.bool(key, true) } else { attributes.text(key, value.as_str()) }
        });
        let mut point = json!({
            "attributes": attributes.done(), "startTimeUnixNano": nanos(self.since), "timeUnixNano": nanos(now),
        });
        if instrument.bounds == Bounds::None {
            point["asInt"] = figure.count.to_string().into();
            return point;
        }
        point["count"] = figure.count.to_string().into();
        point["sum"] = figure.sum.into();
        (point["min"], point["max"]) = (figure.least.into(), figure.most.into());
        point["bucketCounts"] = figure.buckets.iter().map(ToString::to_string).collect();
        point["explicitBounds"] = instrument.bounds.list().iter().copied().collect();
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(told: &Value) -> &Vec<Value> {
        let kind = if told.get("sum").is_some() { "sum" } else { "histogram" };
        told[kind]["dataPoints"].as_array().unwrap()
    }

    #[test]
    fn values_are_put_into_the_bucket_up_to_whose_bound_they_go() {
        let instruments = Instruments::new(true, Timestamp::from_micros(1));
        for value in [0.01, 0.011, 100_000.0] {
            instruments.observe(&WAIT, &[], value);
        }
        instruments.count(&TASKS, &[("menagerie.task.status", "failed")]);
        instruments.count(&TASKS, &[("menagerie.task.status", "failed")]);
        let (told, count) = instruments.told(Timestamp::from_micros(2));
        assert_eq!((told.len(), count), (2, 2));
        let point = &points(&told[0])[0];
        assert_eq!((&told[0]["name"], &point["count"]), (&json!("menagerie.execution.wait"), &json!("3")));
        let buckets: Vec<&str> =
            point["bucketCounts"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(buckets.len(), point["explicitBounds"].as_array().unwrap().len() + 1);
        assert_eq!((buckets[0], buckets[1], buckets[2], buckets[24]), ("1", "1", "0", "1"));
        assert_eq!((&point["min"], &point["max"]), (&json!(0.01), &json!(100_000.0)));
        assert_eq!((&point["startTimeUnixNano"], &point["timeUnixNano"]), (&json!("1000"), &json!("2000")));
        let tasks = &points(&told[1])[0];
        assert_eq!((&tasks["asInt"], &told[1]["sum"]["isMonotonic"]), (&json!("2"), &json!(true)));
    }

    #[test]
    fn too_many_sets_of_attributes_share_one_that_says_so() {
        let instruments = Instruments::new(true, Timestamp::EPOCH);
        for number in 0..SETS_MAX + 5 {
            instruments.observe(&DURATION, &[("gen_ai.agent.name", &number.to_string())], 1.0);
        }
        let (told, count) = instruments.told(Timestamp::EPOCH);
        assert_eq!(count, SETS_MAX as u64 + 1);
        let shared = points(&told[0]).iter().find(|point| point["attributes"][0]["key"] == OVERFLOW).unwrap();
        assert_eq!((&shared["count"], &shared["attributes"][0]["value"]["boolValue"]), (&json!("5"), &json!(true)));
        let without = Instruments::new(false, Timestamp::EPOCH);
        without.observe(&DURATION, &[("gen_ai.agent.name", "a"), ("error.type", "failed")], 1.0);
        without.observe(&DURATION, &[("gen_ai.agent.name", "b"), ("error.type", "failed")], 1.0);
        assert_eq!(without.told(Timestamp::EPOCH).1, 1, "single agents are not told of");
    }
}
