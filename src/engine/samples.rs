//! What is measured, as points of time series: every metric with its name, kind, unit and meaning in one table, and the
//! pure functions that make points of a measurement.
//!
//! Names follow the conventions of Prometheus: the program, the thing, what of it, the base unit, and `_total` for what only
//! grows. What was not measured makes no point and is not zero.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::telemetry::Usage;
use crate::domain::gpu::{Gpu, GpuState, GpuThrottle};
use crate::domain::link::Sample;
use crate::domain::metric::MetricKind;
use crate::domain::sensors::Sensors;
use crate::domain::watch::{CageUsage, ExecutionUsage, HostUsage};
use crate::domain::{CageId, ExecutionId};

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What its values mean.
    pub kind: MetricKind,
    /// The unit of its values; empty for a plain count.
    pub unit: &'static str,
    /// The labels that its series have.
    pub labels: &'static [&'static str],
    /// What it tells, in a sentence without its full stop.
    pub description: &'static str,
}

/// Labels by name. Points of the same thing share them.
pub type Labels = Arc<BTreeMap<String, String>>;

/// One value of one series. When it was measured is known to whoever has measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Of what.
    pub metric: &'static Metric,
    /// Of whom.
    pub labels: Labels,
    /// In the metric's unit.
    pub value: f64,
}

macro_rules! metrics {
    ($($id:ident = $name:literal, $kind:ident, $unit:literal, $labels:tt, $description:literal;)+) => {
        $(
            #[doc = $description]
            pub static $id: Metric = Metric {
                name: $name,
                kind: MetricKind::$kind,
                unit: $unit,
                labels: &$labels,
                description: $description,
            };
        )+
        /// Every metric that is measured.
        pub static METRICS: &[&Metric] = &[$(&$id),+];
    };
}

metrics! {
    TASKS = "menagerie_tasks", Gauge, "", ["status"], "Tasks by status";
    AGENTS = "menagerie_agents", Gauge, "", ["status"], "Agents by status";
    CAGES = "menagerie_cages", Gauge, "", ["status"], "Cages by status";
    AGENT_HEALTH = "menagerie_agent_health_ratio", Gauge, "ratio", ["agent"], "How far the agent is from its circuit breaker";
    AGENT_RESPONSE = "menagerie_agent_response_seconds", Gauge, "seconds", ["agent"], "How long the agent's executions take until their process runs";
    CAGE_CPU_SHARE = "menagerie_cage_cpu_usage_ratio", Gauge, "ratio", ["node", "cage"], "Processor time that the cage takes, of its limit";
    CAGE_MEMORY_SHARE = "menagerie_cage_memory_usage_ratio", Gauge, "ratio", ["node", "cage"], "Memory of the cage, of its limit";
    CAGE_TOKENS_SHARE = "menagerie_cage_tokens_usage_ratio", Gauge, "ratio", ["node", "cage"], "Tokens reported in the cage, of its limit";
    DATA_DISK_SHARE = "menagerie_data_disk_usage_ratio", Gauge, "ratio", ["node"], "The data directory's disk in use";
    DEADLINE_SPARE = "menagerie_task_deadline_spare_seconds", Gauge, "seconds", ["task"], "What a task that may be late has to spare at its deadline";
    FLEET_COST = "menagerie_fleet_cost_hour_dollars", Gauge, "dollars", [], "What agents reported to have cost within the last hour";
    FLEET_ERRORS = "menagerie_fleet_errors_ratio", Gauge, "ratio", [], "Executions that failed, of those that ended within five minutes; none before ten have";
    NODE_HEARTBEAT = "menagerie_node_heartbeat_seconds", Gauge, "seconds", ["node"], "How long ago the machine's worker was heard; it says something every five seconds at least";
    QUEUE_WAIT = "menagerie_queue_wait_seconds", Gauge, "seconds", [], "How long the oldest task that could start has waited";
    TASK_WAIT = "menagerie_task_wait_seconds", Gauge, "seconds", [], "Median wait of the tasks that started within five minutes";
    NODE_CPU = "menagerie_node_cpu_used_cores", Gauge, "cores", ["node"], "Processor time that everything on the machine takes";
    NODE_CPU_SHARE = "menagerie_node_cpu_usage_ratio", Gauge, "ratio", ["node"], "Processor time in use, of all cores";
    NODE_CORE_SHARE = "menagerie_node_core_usage_ratio", Gauge, "ratio", ["node", "core"], "Processor time in use, of one core";
    NODE_MEMORY = "menagerie_node_memory_used_bytes", Gauge, "bytes", ["node"], "Memory that is not available to a new process";
    NODE_MEMORY_SIZE = "menagerie_node_memory_size_bytes", Gauge, "bytes", ["node"], "Memory of the machine";
    NODE_MEMORY_SHARE = "menagerie_node_memory_usage_ratio", Gauge, "ratio", ["node"], "Memory in use, of all";
    NODE_SWAP = "menagerie_node_swap_used_bytes", Gauge, "bytes", ["node"], "Swap in use";
    NODE_SWAP_SIZE = "menagerie_node_swap_size_bytes", Gauge, "bytes", ["node"], "Swap of the machine";
    NODE_LOAD_1 = "menagerie_node_load1", Gauge, "", ["node"], "Tasks of the kernel that ran or waited, mean of 1 minute";
    NODE_LOAD_5 = "menagerie_node_load5", Gauge, "", ["node"], "Tasks of the kernel that ran or waited, mean of 5 minutes";
    NODE_LOAD_15 = "menagerie_node_load15", Gauge, "", ["node"], "Tasks of the kernel that ran or waited, mean of 15 minutes";
    NODE_UPTIME = "menagerie_node_uptime_seconds", Gauge, "seconds", ["node"], "Time since the machine was started";
    NODE_TEMPERATURE = "menagerie_node_temperature_celsius", Gauge, "celsius", ["node", "sensor"], "A temperature inside the machine";
    NODE_DISK_SIZE = "menagerie_node_disk_size_bytes", Gauge, "bytes", ["node", "mount", "device"], "What a file system holds";
    NODE_DISK_AVAILABLE = "menagerie_node_disk_available_bytes", Gauge, "bytes", ["node", "mount", "device"], "What may still be written to a file system";
    NODE_DISK_SHARE = "menagerie_node_disk_usage_ratio", Gauge, "ratio", ["node", "mount", "device"], "What of a file system is in use";
    NODE_RECEIVED = "menagerie_node_network_received_bytes_total", Counter, "bytes", ["node", "interface"], "Bytes that came in";
    NODE_SENT = "menagerie_node_network_sent_bytes_total", Counter, "bytes", ["node", "interface"], "Bytes that went out";
    NODE_RECEIVED_PACKETS = "menagerie_node_network_received_packets_total", Counter, "", ["node", "interface"], "Packets that came in";
    NODE_SENT_PACKETS = "menagerie_node_network_sent_packets_total", Counter, "", ["node", "interface"], "Packets that went out";
    NODE_RECEIVED_ERRORS = "menagerie_node_network_received_errors_total", Counter, "", ["node", "interface"], "Packets that came in broken";
    NODE_SENT_ERRORS = "menagerie_node_network_sent_errors_total", Counter, "", ["node", "interface"], "Packets that could not go out";
    GPU_UP = "menagerie_gpu_up", Gauge, "", ["node", "gpu", "uuid"], "1 for a device that answers, 0 for one that is lost";
    GPU_SHARE = "menagerie_gpu_usage_ratio", Gauge, "ratio", ["node", "gpu", "uuid"], "Time in which the device computed";
    GPU_MEMORY_BUSY = "menagerie_gpu_memory_busy_ratio", Gauge, "ratio", ["node", "gpu", "uuid"], "Time in which the device's memory was read or written";
    GPU_MEMORY = "menagerie_gpu_memory_used_bytes", Gauge, "bytes", ["node", "gpu", "uuid"], "Memory of the device in use";
    GPU_MEMORY_SIZE = "menagerie_gpu_memory_size_bytes", Gauge, "bytes", ["node", "gpu", "uuid"], "Memory of the device";
    GPU_MEMORY_SHARE = "menagerie_gpu_memory_usage_ratio", Gauge, "ratio", ["node", "gpu", "uuid"], "Memory of the device in use, of all";
    GPU_POWER = "menagerie_gpu_power_watts", Gauge, "watts", ["node", "gpu", "uuid"], "What the device draws";
    GPU_POWER_LIMIT = "menagerie_gpu_power_limit_watts", Gauge, "watts", ["node", "gpu", "uuid"], "What the device may draw";
    GPU_TEMPERATURE = "menagerie_gpu_temperature_celsius", Gauge, "celsius", ["node", "gpu", "uuid"], "How hot the device is";
    GPU_CLOCK = "menagerie_gpu_clock_hertz", Gauge, "hertz", ["node", "gpu", "uuid"], "How fast the device's processors are clocked";
    GPU_MEMORY_CLOCK = "menagerie_gpu_memory_clock_hertz", Gauge, "hertz", ["node", "gpu", "uuid"], "How fast the device's memory is clocked";
    GPU_FAN = "menagerie_gpu_fan_ratio", Gauge, "ratio", ["node", "gpu", "uuid"], "Speed of the device's fan, of its highest";
    GPU_THROTTLED = "menagerie_gpu_throttled", Gauge, "", ["node", "gpu", "uuid"], "1 while something other than idleness keeps the clocks down";
    GPU_ECC_CORRECTED = "menagerie_gpu_ecc_corrected_errors_total", Counter, "", ["node", "gpu", "uuid"], "Errors of the device's memory that were corrected";
    GPU_ECC_UNCORRECTED = "menagerie_gpu_ecc_uncorrected_errors_total", Counter, "", ["node", "gpu", "uuid"], "Errors of the device's memory that could not be corrected";
    GPU_PCIE_RECEIVED = "menagerie_gpu_pcie_received_bytes_per_second", Gauge, "bytes_per_second", ["node", "gpu", "uuid"], "What goes to the device";
    GPU_PCIE_SENT = "menagerie_gpu_pcie_sent_bytes_per_second", Gauge, "bytes_per_second", ["node", "gpu", "uuid"], "What comes from the device";
    GPU_PROCESSES = "menagerie_gpu_processes", Gauge, "", ["node", "gpu", "uuid"], "Processes on the device";
    CAGE_CPU = "menagerie_cage_cpu_used_cores", Gauge, "cores", ["node", "cage"], "Processor time that the cage takes";
    CAGE_CPU_TOTAL = "menagerie_cage_cpu_seconds_total", Counter, "seconds", ["node", "cage"], "Processor time that the cage took";
    CAGE_THROTTLED = "menagerie_cage_cpu_throttled_seconds_total", Counter, "seconds", ["node", "cage"], "Time for which the cage was held back at its cpu limit";
    CAGE_MEMORY = "menagerie_cage_memory_used_bytes", Gauge, "bytes", ["node", "cage"], "Memory of the cage";
    CAGE_MEMORY_PEAK = "menagerie_cage_memory_peak_bytes", Gauge, "bytes", ["node", "cage"], "The most memory that the cage had";
    CAGE_OOM_KILLS = "menagerie_cage_oom_kills_total", Counter, "", ["node", "cage"], "Processes that the kernel ended for want of memory";
    CAGE_PIDS = "menagerie_cage_pids", Gauge, "", ["node", "cage"], "Processes and threads of the cage";
    CAGE_READ = "menagerie_cage_io_read_bytes_total", Counter, "bytes", ["node", "cage"], "Bytes that the cage read from disks";
    CAGE_WRITTEN = "menagerie_cage_io_written_bytes_total", Counter, "bytes", ["node", "cage"], "Bytes that the cage wrote to disks";
    CAGE_READS = "menagerie_cage_io_reads_total", Counter, "", ["node", "cage"], "How often the cage read from disks";
    CAGE_WRITES = "menagerie_cage_io_writes_total", Counter, "", ["node", "cage"], "How often the cage wrote to disks";
    CAGE_TOKENS = "menagerie_cage_tokens_window", Gauge, "tokens", ["node", "cage"], "Tokens that were reported within the span of the cage's limit";
    CAGE_GPU_MEMORY = "menagerie_cage_gpu_memory_used_bytes", Gauge, "bytes", ["node", "cage"], "Memory of GPUs that the cage's processes hold";
    AGENT_OUTPUT = "menagerie_agent_output_bytes_per_second", Gauge, "bytes_per_second", ["node", "cage", "agent"], "How much the agent prints";
    AGENT_LINES = "menagerie_agent_output_lines_per_second", Gauge, "lines_per_second", ["node", "cage", "agent"], "How many lines the agent prints";
    AGENT_SILENCE = "menagerie_agent_silence_seconds", Gauge, "seconds", ["node", "cage", "agent"], "Since when the agent has printed nothing; of several executions the most silent";
    AGENT_REPETITION = "menagerie_agent_repeated_lines_ratio", Gauge, "ratio", ["node", "cage", "agent"], "Which part of its latest lines is like others of them; of several executions the highest";
    AGENT_EXECUTIONS = "menagerie_agent_executions", Gauge, "", ["node", "cage", "agent"], "How many executions the agent has under way";
    AGENT_PROGRESS = "menagerie_agent_progress_ratio", Gauge, "ratio", ["node", "cage", "agent"], "How far the agent says that it is; of several executions the least";
    AGENT_TOKENS = "menagerie_agent_running_tokens", Gauge, "tokens", ["node", "cage", "agent"], "Tokens that the executions under way have reported";
    AGENT_COST = "menagerie_agent_running_cost_dollars", Gauge, "dollars", ["node", "cage", "agent"], "What the executions under way say that they cost";
}

/// Collects points of one thing.
struct Points<'a> {
    list: &'a mut Vec<Point>,
    labels: Labels,
}

impl Points<'_> {
    fn add(&mut self, metric: &'static Metric, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.list.push(Point { metric, labels: self.labels.clone(), value });
        }
    }

    fn count(&mut self, metric: &'static Metric, value: Option<u64>) {
        self.add(metric, value.map(|value| value as f64));
    }

    /// A share; of nothing there is none.
    fn share(&mut self, metric: &'static Metric, part: Option<f64>, whole: Option<f64>) {
        self.add(metric, part.zip(whole.filter(|whole| *whole > 0.0)).map(|(part, whole)| part / whole));
    }
}

/// The metric of a name, if it is one that is measured.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name).copied()
}

/// Labels of these names and values.
pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    Arc::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

/// Everything that is known of a node, as points. `said` gives what an execution says of itself.
pub fn points(node: &str, usage: &Usage, said: impl Fn(ExecutionId) -> Option<Sample>) -> Vec<Point> {
    let mut list = vec![];
    of_host(node, &usage.host, &mut list);
    let mut gpu_memory: BTreeMap<CageId, u64> = BTreeMap::new();
    if let Some(sensors) = &usage.sensors {
        of_sensors(node, sensors, &mut list);
        for process in sensors.gpus.devices.iter().flat_map(|gpu| &gpu.processes) {
            if let (Some(cage), Some(bytes)) = (process.cage_id, process.memory) {
                *gpu_memory.entry(cage).or_default() += bytes;
            }
        }
    }
    for cage in usage.cages.values() {
        of_cage(node, cage, gpu_memory.get(&cage.cage_id).copied(), &mut list);
    }
    of_agents(node, &usage.executions, said, &mut list);
    list
}

fn of_host(node: &str, host: &HostUsage, list: &mut Vec<Point>) {
    let figure = |value: u64| value as f64;
    let mut points = Points { list, labels: labels(&[("node", node)]) };
    let cores = host.cpu_millis.map(|millis| figure(millis) / 1000.0);
    points.add(&NODE_CPU, cores);
    points.share(&NODE_CPU_SHARE, cores, Some(host.cores.len() as f64));
    points.count(&NODE_MEMORY, host.memory);
    points.count(&NODE_MEMORY_SIZE, host.memory_total);
    points.share(&NODE_MEMORY_SHARE, host.memory.map(figure), host.memory_total.map(figure));
    points.count(&NODE_SWAP, host.swap);
    points.count(&NODE_SWAP_SIZE, host.swap_total);
    for (place, metric) in [&NODE_LOAD_1, &NODE_LOAD_5, &NODE_LOAD_15].into_iter().enumerate() {
        points.add(metric, host.load.map(|load| load[place]));
    }
    points.count(&NODE_UPTIME, host.uptime_s);
    for (number, millis) in host.cores.iter().enumerate() {
        let labels = labels(&[("node", node), ("core", &number.to_string())]);
        Points { list, labels }.add(&NODE_CORE_SHARE, Some(figure(*millis) / 1000.0));
    }
}

fn of_sensors(node: &str, sensors: &Sensors, list: &mut Vec<Point>) {
    for disk in &sensors.disks {
        let labels = labels(&[("node", node), ("mount", &disk.mount), ("device", &disk.device)]);
        let mut points = Points { list, labels };
        points.count(&NODE_DISK_SIZE, Some(disk.total));
        points.count(&NODE_DISK_AVAILABLE, Some(disk.available));
        let used = disk.total.saturating_sub(disk.available) as f64;
        points.share(&NODE_DISK_SHARE, Some(used), Some(disk.total as f64));
    }
    for network in &sensors.networks {
        let mut points = Points { list, labels: labels(&[("node", node), ("interface", &network.interface)]) };
        points.count(&NODE_RECEIVED, Some(network.received_bytes));
        points.count(&NODE_SENT, Some(network.sent_bytes));
        points.count(&NODE_RECEIVED_PACKETS, Some(network.received_packets));
        points.count(&NODE_SENT_PACKETS, Some(network.sent_packets));
        points.count(&NODE_RECEIVED_ERRORS, Some(network.received_errors));
        points.count(&NODE_SENT_ERRORS, Some(network.sent_errors));
    }
    for temperature in &sensors.temperatures {
        let labels = labels(&[("node", node), ("sensor", &temperature.label)]);
        Points { list, labels }.add(&NODE_TEMPERATURE, Some(temperature.celsius.into()));
    }
    for gpu in &sensors.gpus.devices {
        of_gpu(node, gpu, list);
    }
}

fn of_gpu(node: &str, gpu: &Gpu, list: &mut Vec<Point>) {
    let labels = labels(&[("node", node), ("gpu", &gpu.index.to_string()), ("uuid", &gpu.uuid)]);
    let mut points = Points { list, labels };
    let percent = |value: Option<u32>| value.map(|value| f64::from(value) / 100.0);
    let milli = |value: Option<u32>| value.map(|value| f64::from(value) / 1000.0);
    let mega = |value: Option<u32>| value.map(|value| f64::from(value) * 1e6);
    let figure = |value: u64| value as f64;
    points.count(&GPU_UP, Some(u64::from(gpu.state == GpuState::Ok)));
    if gpu.state == GpuState::Lost {
        return;
    }
    points.add(&GPU_SHARE, percent(gpu.utilization));
    points.add(&GPU_MEMORY_BUSY, percent(gpu.memory_utilization));
    points.count(&GPU_MEMORY, gpu.memory_used);
    points.count(&GPU_MEMORY_SIZE, gpu.memory_total);
    points.share(&GPU_MEMORY_SHARE, gpu.memory_used.map(figure), gpu.memory_total.map(figure));
    points.add(&GPU_POWER, milli(gpu.power_mw));
    points.add(&GPU_POWER_LIMIT, milli(gpu.power_limit_mw));
    points.add(&GPU_TEMPERATURE, gpu.temperature.map(f64::from));
    points.add(&GPU_CLOCK, mega(gpu.clock_sm_mhz));
    points.add(&GPU_MEMORY_CLOCK, mega(gpu.clock_memory_mhz));
    points.add(&GPU_FAN, percent(gpu.fan));
    let throttled = gpu.throttle.as_ref().map(|reasons| reasons.iter().any(|reason| *reason != GpuThrottle::Idle));
    points.count(&GPU_THROTTLED, throttled.map(u64::from));
    points.count(&GPU_ECC_CORRECTED, gpu.ecc_corrected);
    points.count(&GPU_ECC_UNCORRECTED, gpu.ecc_uncorrected);
    points.count(&GPU_PCIE_RECEIVED, gpu.pcie_received);
    points.count(&GPU_PCIE_SENT, gpu.pcie_sent);
    points.count(&GPU_PROCESSES, Some(gpu.processes.len() as u64));
}

fn of_cage(node: &str, cage: &CageUsage, gpu_memory: Option<u64>, list: &mut Vec<Point>) {
    let labels = labels(&[("node", node), ("cage", &cage.cage_id.to_string())]);
    let mut points = Points { list, labels };
    let seconds = |micros: Option<u64>| micros.map(|micros| micros as f64 / 1e6);
    points.add(&CAGE_CPU, cage.cpu_millis.map(|millis| millis as f64 / 1000.0));
    points.add(&CAGE_CPU_TOTAL, seconds(cage.cpu_total_us));
    points.add(&CAGE_THROTTLED, seconds(cage.throttled_total_us));
    points.count(&CAGE_MEMORY, cage.memory);
    points.count(&CAGE_MEMORY_PEAK, cage.memory_peak);
    points.count(&CAGE_OOM_KILLS, cage.oom_kills);
    points.count(&CAGE_PIDS, cage.pids.map(u64::from));
    points.count(&CAGE_READ, cage.io.map(|io| io.read_bytes));
    points.count(&CAGE_WRITTEN, cage.io.map(|io| io.written_bytes));
    points.count(&CAGE_READS, cage.io.map(|io| io.reads));
    points.count(&CAGE_WRITES, cage.io.map(|io| io.writes));
    points.count(&CAGE_TOKENS, cage.tokens);
    points.count(&CAGE_GPU_MEMORY, gpu_memory);
}

/// What an agent's executions in one cage come to. A series for each execution would be one without an end.
#[derive(Default)]
struct AgentFigures {
    executions: u64,
    bytes_rate: f64,
    lines_rate: f64,
    silent_ms: u64,
    repeated: Option<u8>,
    progress: Option<u8>,
    tokens: Option<u64>,
    cost: Option<f64>,
}

fn of_agents(
    node: &str,
    executions: &[ExecutionUsage],
    said: impl Fn(ExecutionId) -> Option<Sample>,
    list: &mut Vec<Point>,
) {
    let mut agents: BTreeMap<(&str, CageId), AgentFigures> = BTreeMap::new();
    for usage in executions {
        let figures = agents.entry((&usage.agent, usage.cage_id)).or_default();
        figures.executions += 1;
        figures.bytes_rate += usage.output_bytes_rate;
        figures.lines_rate += usage.output_lines_rate;
        figures.silent_ms = figures.silent_ms.max(usage.silent_ms);
        figures.repeated = figures.repeated.max(usage.repeated_percent);
        let Some(sample) = said(usage.execution_id) else { continue };
        figures.progress = [figures.progress, sample.progress].into_iter().flatten().min();
        figures.tokens = [figures.tokens, sample.tokens_used].into_iter().flatten().reduce(u64::saturating_add);
        figures.cost = [figures.cost, sample.cost].into_iter().flatten().reduce(|a, b| a + b);
    }
    for ((agent, cage), figures) in agents {
        let labels = labels(&[("node", node), ("cage", &cage.to_string()), ("agent", agent)]);
        let mut points = Points { list, labels };
        let percent = |value: Option<u8>| value.map(|value| f64::from(value) / 100.0);
        points.count(&AGENT_EXECUTIONS, Some(figures.executions));
        points.add(&AGENT_OUTPUT, Some(figures.bytes_rate));
        points.add(&AGENT_LINES, Some(figures.lines_rate));
        points.add(&AGENT_SILENCE, Some(figures.silent_ms as f64 / 1000.0));
        points.add(&AGENT_REPETITION, percent(figures.repeated));
        points.add(&AGENT_PROGRESS, percent(figures.progress));
        points.count(&AGENT_TOKENS, figures.tokens);
        points.add(&AGENT_COST, figures.cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert_rule::LABEL_PLACES;
    use crate::domain::gpu::{GpuProcess, GpuProcessKind, GpuSensor, Gpus};
    use crate::domain::sensors::Disk;
    use crate::domain::{TaskId, Timestamp};

    fn value(points: &[Point], metric: &Metric, label: (&str, &str)) -> Option<f64> {
        let of = |point: &&Point| point.labels.get(label.0).is_some_and(|value| value == label.1);
        let found: Vec<&Point> = points.iter().filter(|point| point.metric == metric).filter(of).collect();
        assert!(found.len() <= 1, "{} {label:?} is there twice", metric.name);
        found.first().map(|point| point.value)
    }

    /// The table says which labels there are.
    fn assert_labels(points: &[Point]) {
        for point in points {
            let mut said: Vec<&str> = point.metric.labels.to_vec();
            said.sort_unstable();
            assert_eq!(point.labels.keys().collect::<Vec<_>>(), said, "{}", point.metric.name);
        }
    }

    fn execution(number: u128, cage: u16, silent_ms: u64, repeated_percent: Option<u8>) -> ExecutionUsage {
        ExecutionUsage {
            execution_id: ExecutionId::new(Timestamp::EPOCH, number),
            task_id: TaskId::new(Timestamp::EPOCH, number),
            cage_id: CageId::new(cage).unwrap(),
            agent: "coder".to_owned(),
            output_bytes: 100,
            output_lines: 10,
            output_bytes_rate: 50.0,
            output_lines_rate: 5.0,
            silent_ms,
            repeated_percent,
        }
    }

    #[test]
    fn names_are_those_of_prometheus_and_no_two_the_same() {
        let mut names = std::collections::BTreeSet::new();
        for metric in METRICS {
            assert!(names.insert(metric.name), "{} is there twice", metric.name);
            let plain = metric.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            assert!(metric.name.starts_with("menagerie_") && plain, "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == MetricKind::Counter, "{}", metric.name);
            let stem = metric.name.trim_end_matches("_total");
            let says_unit = metric.unit.is_empty() || stem.ends_with(metric.unit) || stem.contains(metric.unit);
            assert!(says_unit, "{} is in {}", metric.name, metric.unit);
            assert!(
                metric.labels.iter().all(|label| *label == "status" || LABEL_PLACES.contains(label)),
                "{}",
                metric.name
            );
            assert!(!metric.description.ends_with('.') && metric.description.len() > 10, "{}", metric.name);
        }
    }

    #[test]
    fn figures_are_in_base_units_and_what_is_unknown_makes_no_point() {
        let cage_id = CageId::new(7).unwrap();
        let mut cage = CageUsage::unknown(cage_id);
        (cage.cpu_total_us, cage.memory, cage.pids) = (Some(1_500_000), Some(4096), Some(3));
        let mut gpu = Gpu::unknown(2, "GPU-x".to_owned(), "Test".to_owned(), GpuState::Ok);
        (gpu.power_mw, gpu.clock_sm_mhz, gpu.utilization) = (Some(250_500), Some(1980), Some(40));
        (gpu.memory_used, gpu.memory_total) = (Some(25), Some(100));
        gpu.throttle = Some(vec![GpuThrottle::Idle]);
        let on = |pid| GpuProcess {
            pid,
            kind: GpuProcessKind::Compute,
            memory: Some(10),
            cage_id: Some(cage_id),
            task_id: None,
        };
        gpu.processes = vec![on(1), on(2)];
        let lost = Gpu::unknown(3, "GPU-y".to_owned(), "Test".to_owned(), GpuState::Lost);
        let disk = Disk {
            mount: "/data".to_owned(),
            device: "/dev/a".to_owned(),
            file_system: "ext4".to_owned(),
            total: 100,
            available: 25,
            has_data_dir: true,
        };
        let usage = Usage {
            host: HostUsage { cpu_millis: Some(3000), cores: vec![1000, 500, 750, 750], ..HostUsage::default() },
            cages: [(cage_id, cage)].into(),
            executions: vec![],
            sensors: Some(Sensors {
                disks: vec![disk],
                gpus: Gpus { sensor: GpuSensor::Ok, devices: vec![gpu, lost], ..Gpus::default() },
                ..Sensors::default()
            }),
        };
        let points = points("here", &usage, |_| None);
        assert_labels(&points);
        let of = |metric: &Metric, label| value(&points, metric, label);
        assert_eq!(of(&NODE_CPU, ("node", "here")), Some(3.0));
        assert_eq!(of(&NODE_CPU_SHARE, ("node", "here")), Some(0.75));
        assert_eq!(of(&NODE_CORE_SHARE, ("core", "1")), Some(0.5));
        assert_eq!(of(&NODE_MEMORY, ("node", "here")), None);
        assert_eq!(of(&NODE_DISK_SHARE, ("mount", "/data")), Some(0.75));
        assert_eq!(of(&CAGE_CPU_TOTAL, ("cage", "007")), Some(1.5));
        assert_eq!((of(&CAGE_CPU, ("cage", "007")), of(&CAGE_OOM_KILLS, ("cage", "007"))), (None, None));
        assert_eq!(of(&CAGE_GPU_MEMORY, ("cage", "007")), Some(20.0));
        assert_eq!((of(&GPU_POWER, ("gpu", "2")), of(&GPU_CLOCK, ("gpu", "2"))), (Some(250.5), Some(1.98e9)));
        assert_eq!((of(&GPU_SHARE, ("uuid", "GPU-x")), of(&GPU_MEMORY_SHARE, ("gpu", "2"))), (Some(0.4), Some(0.25)));
        assert_eq!((of(&GPU_THROTTLED, ("gpu", "2")), of(&GPU_FAN, ("gpu", "2"))), (Some(0.0), None));
        assert_eq!((of(&GPU_UP, ("gpu", "2")), of(&GPU_UP, ("gpu", "3"))), (Some(1.0), Some(0.0)));
        assert_eq!(of(&GPU_PROCESSES, ("gpu", "3")), None, "a lost device has no figures");
    }

    #[test]
    fn executions_of_an_agent_make_one_series() {
        let executions =
            vec![execution(1, 1, 9000, Some(20)), execution(2, 1, 500, Some(90)), execution(3, 2, 0, None)];
        let said = |id: ExecutionId| {
            (id != ExecutionId::new(Timestamp::EPOCH, 3)).then_some(Sample {
                execution_id: id,
                progress: Some(if id == ExecutionId::new(Timestamp::EPOCH, 1) { 80 } else { 30 }),
                message: None,
                tokens_used: Some(1000),
                activity: None,
                activity_detail: None,
                cost: Some(0.25),
            })
        };
        let usage = Usage { executions, ..Usage::default() };
        let points = points("here", &usage, said);
        assert_labels(&points);
        let of = |metric: &Metric, cage| value(&points, metric, ("cage", cage));
        assert_eq!((of(&AGENT_EXECUTIONS, "001"), of(&AGENT_OUTPUT, "001")), (Some(2.0), Some(100.0)));
        assert_eq!((of(&AGENT_SILENCE, "001"), of(&AGENT_REPETITION, "001")), (Some(9.0), Some(0.9)));
        assert_eq!((of(&AGENT_PROGRESS, "001"), of(&AGENT_TOKENS, "001")), (Some(0.3), Some(2000.0)));
        assert_eq!(of(&AGENT_COST, "001"), Some(0.5));
        assert_eq!((of(&AGENT_REPETITION, "002"), of(&AGENT_COST, "002")), (None, None));
        assert!(points.iter().all(|point| point.labels.get("agent").is_none_or(|agent| agent == "coder")));
    }
}
