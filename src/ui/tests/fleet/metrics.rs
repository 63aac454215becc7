//! Metrics of the fixed fleet, and its GPUs.

use serde_json::json;

use super::HOSTILE;
use crate::api::live::NodeSensors;
use crate::domain::metric::{Answer, Function, Line, Meta, Metric, MetricKind, Operator, Point, Query, Resolution};
use crate::domain::{Span, Timestamp};
use crate::ui::tests::NOW;

/// Which there are: name, kind, unit, series.
const METRICS: [(&str, MetricKind, &str, u64); 7] = [
    ("menagerie_cage_cpu_seconds_total", MetricKind::Counter, "seconds", 3),
    ("menagerie_cage_memory_used_bytes", MetricKind::Gauge, "bytes", 1_000),
    ("menagerie_fleet_errors_ratio", MetricKind::Gauge, "ratio", 1),
    ("menagerie_gpu_temperature_celsius", MetricKind::Gauge, "celsius", 8),
    ("menagerie_queue_wait_seconds", MetricKind::Gauge, "seconds", 1),
    ("menagerie_tasks", MetricKind::Gauge, "", 4),
    ("request_duration_seconds", MetricKind::Histogram, "seconds", 2),
];

pub fn list() -> Vec<Metric> {
    let metric = |(name, kind, unit, series): (&str, MetricKind, &str, u64)| Metric {
        name: name.to_owned(),
        meta: Meta::new(kind, unit, if series == 2 { HOSTILE[0] } else { "What somebody has to know" }),
        series,
    };
    METRICS.map(metric).to_vec()
}

/// The minutes before now in which nothing was measured.
const GAP: std::ops::Range<i64> = 20..26;

/// Waves, each line a little higher than the one before; nothing in the gap, nothing to come, and nothing at all of how
/// long the queue waits.
pub fn series(query: &Query) -> Answer {
    let name = &query.selector.name;
    let known = METRICS.iter().find(|(known, ..)| known == name);
    // A series that is asked for by its label is there, if it is anybody's.
    let cage =
        query.selector.matchers.iter().find(|matcher| matcher.label == "cage" && matcher.operator == Operator::Is);
    let of_node = name.starts_with("menagerie_node_");
    let lines = match (&query.grouping, known.map_or(0, |known| known.3)) {
        _ if cage.is_some() || of_node => 1,
        _ if name == "menagerie_queue_wait_seconds" => 0,
        (Some(_), _) => 1,
        (None, series) => series.min(14),
    };
    let high = |line: u64| match name.as_str() {
        "menagerie_cage_memory_used_bytes" => 3e8 * (1 + line) as f64,
        "menagerie_gpu_temperature_celsius" => 50.0 + 3.0 * line as f64,
        "menagerie_fleet_errors_ratio" => 0.12,
        "menagerie_cage_memory_usage_ratio" | "menagerie_node_cpu_usage_ratio" => 0.75,
        _ => (1 + line) as f64,
    };
    let spread = query.grouping.as_ref().map_or(1.0, |grouping| match grouping.aggregate.as_str() {
        "max" => 3.0,
        "avg" => 1.5,
        _ => 0.2,
    });
    let spread = spread
        * match query.function {
            Function::P90 => 1.3,
            Function::P95 => 1.5,
            Function::P99 => 2.0,
            _ => 1.0,
        };
    let step = query.step.as_micros();
    let line = |number: u64| Line {
        labels: match query.grouping {
            Some(_) => [].into(),
            None if of_node => [("node".to_owned(), "local".to_owned())].into(),
            None if cage.is_some() => [("cage".to_owned(), cage.map_or(String::new(), |it| it.text.clone()))].into(),
            None => [("cage".to_owned(), format!("{number:03}")), ("node".to_owned(), HOSTILE[1].to_owned())].into(),
        },
        points: (query.from.as_micros() / step..query.to.as_micros() / step)
            .map(|place| place * step)
            .filter(|time| *time <= NOW && !GAP.contains(&((NOW - time) / 60_000_000)))
            .map(|time| {
                let turn = (time / 1_000_000 % 2_400) as f64 / 2_400.0 * std::f64::consts::TAU;
                let value = high(number) * spread * (1.0 + 0.2 * (turn + number as f64).sin());
                Point { time: Timestamp::from_micros(time), value }
            })
            .collect(),
    };
    Answer { resolution: Resolution::Raw, step: Span::from_micros(step), lines: (0..lines).map(line).collect() }
}

/// One machine with four devices of every sort, one without a library, one out of reach.
pub fn sensors() -> Vec<NodeSensors> {
    let process = |pid: u32, cage: Option<&str>, task: Option<&str>, memory: Option<u64>| json!({"pid": pid, "kind": "compute", "cage_id": cage, "task_id": task, "memory": memory});
    let task = "0195dddd-0000-7000-8000-000000000002";
    let devices = json!([
        {"index": 0, "uuid": "GPU-0", "name": "NVIDIA H100 80GB HBM3", "state": "ok", "utilization": 96,
         "memory_used": 76_235_669_504u64, "memory_total": 85_899_345_920u64, "power_mw": 640_000, "power_limit_mw": 700_000,
         "temperature": 68, "clock_sm_mhz": 1980, "clock_memory_mhz": 2619, "throttle": ["power_cap"],
         "pcie_generation": 5, "pcie_width": 16, "pcie_received": 1_288_490_188u64, "pcie_sent": 314_572_800u64, "ecc_corrected": 12, "ecc_uncorrected": 0,
         "processes": [process(4242, Some("003"), Some(task), Some(40 << 30)), process(99, None, None, None)]},
        {"index": 1, "uuid": "GPU-1", "name": "NVIDIA H100 80GB HBM3", "state": "ok", "utilization": 0,
         "memory_used": 0, "memory_total": 85_899_345_920u64, "power_mw": 71_000, "power_limit_mw": 700_000,
         "temperature": 31, "clock_sm_mhz": 210, "clock_memory_mhz": 2619, "fan": 30, "throttle": ["idle"],
         "ecc_uncorrected": 3},
        {"index": 2, "uuid": "GPU-2", "name": HOSTILE[0], "state": "ok", "processes": [process(7, Some("004"), None, Some(1 << 30))]},
        {"index": 3, "uuid": "GPU-3", "name": "NVIDIA H100 80GB HBM3", "state": "lost"},
    ]);
    let node = |name: &str, status: &str, gpus: serde_json::Value| -> NodeSensors {
        serde_json::from_value(
            json!({"name": name, "status": status, "capacity": crate::domain::node::Capacity::default(),
            "sensors": {"gpus": gpus}}),
        )
        .unwrap()
    };
    vec![
        node("big", "online", json!({"sensor": "ok", "driver_version": "550.54.15", "devices": devices})),
        node("small", "online", json!({"sensor": "no_library", "reason": "libnvidia-ml.so.1: cannot open"})),
        node("far", "lost", json!({"sensor": "ok"})),
    ]
}
