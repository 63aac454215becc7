//! What workers measure, as metrics. What could not be measured is left out and is not zero.

use super::series::Reading;
use crate::domain::metric::MetricKind;
use crate::domain::watch::Measurement;

/// The readings of one measurement of a machine and its cages.
pub fn readings(measurement: &Measurement) -> Vec<Reading> {
    let mut readings = vec![];
    let mut gauge = |name, unit, description, cage: Option<String>, value: Option<f64>| {
        let labels = cage.map(|cage| vec![("cage", cage)]).unwrap_or_default();
        readings.extend(value.map(|value| Reading { name, kind: MetricKind::Gauge, unit, description, labels, value }));
    };
    let cores = |millis: u64| millis as f64 / 1000.0;
    let figure = |value: u64| value as f64;
    let host = measurement.host;
    gauge("menagerie_host_cpu_cores", "cores", "Cores that the machine uses.", None, host.cpu_millis.map(cores));
    gauge("menagerie_host_memory_bytes", "bytes", "Memory that is not available.", None, host.memory.map(figure));
    for cage in &measurement.cages {
        let named = || Some(cage.cage_id.to_string());
        gauge("menagerie_cage_cpu_cores", "cores", "Cores that a cage uses.", named(), cage.cpu_millis.map(cores));
        gauge("menagerie_cage_memory_bytes", "bytes", "Memory that a cage uses.", named(), cage.memory.map(figure));
        gauge("menagerie_cage_pids", "", "Processes and threads in a cage.", named(), cage.pids.map(f64::from));
        let tokens = "Tokens reported within the span of a cage's limit.";
        gauge("menagerie_cage_tokens", "", tokens, named(), cage.tokens.map(figure));
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CageId;
    use crate::domain::watch::{CageUsage, HostUsage};

    #[test]
    fn what_was_not_measured_is_left_out() {
        let cage_id = CageId::new(7).unwrap();
        let usage: CageUsage =
            serde_json::from_value(serde_json::json!({"cage_id": cage_id, "cpu_millis": 250})).unwrap();
        let host = HostUsage { cpu_millis: None, memory: Some(1024) };
        let found = readings(&Measurement { host, cages: vec![usage], ..Measurement::default() });
        let texts: Vec<String> = found.iter().map(|it| format!("{} {:?} {}", it.name, it.labels, it.value)).collect();
        assert_eq!(
            texts,
            ["menagerie_host_memory_bytes [] 1024", "menagerie_cage_cpu_cores [(\"cage\", \"007\")] 0.25"]
        );
    }
}
