//! What a node's sensors say that take longer than the worker's loop may wait: a file system on a sick disk, a sensor on a
//! slow bus, the library of a GPU. The worker has them read by a process of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gpu::Gpus;

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// What it is on.
    pub device: String,
    /// Its kind, such as `ext4`.
    pub file_system: String,
    /// Bytes that it holds, but for those reserved to root.
    pub total: u64,
    /// Bytes that an ordinary account may still write.
    pub available: u64,
    /// Whether the data directory is on it.
    #[serde(default)]
    pub has_data_dir: bool,
}

/// A network interface: what it has counted since it came up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// Its name.
    pub interface: String,
    /// Bytes received.
    pub received_bytes: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Packets received.
    pub received_packets: u64,
    /// Packets sent.
    pub sent_packets: u64,
    /// Packets that arrived broken or could not be taken.
    pub received_errors: u64,
    /// Packets that could not be sent.
    pub sent_errors: u64,
}

/// A temperature inside the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Temperature {
    /// Of what.
    pub label: String,
    /// Degrees Celsius.
    pub celsius: f32,
    /// From how many degrees on it is dangerous, when the sensor says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<f32>,
}

/// All of them, read once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sensors {
    /// Mounted file systems of real devices, and that of the data directory.
    #[serde(default)]
    pub disks: Vec<Disk>,
    /// Network interfaces, by name.
    #[serde(default)]
    pub networks: Vec<Network>,
    /// Temperatures; machines of clouds have none.
    #[serde(default)]
    pub temperatures: Vec<Temperature>,
    /// GPUs.
    #[serde(default)]
    pub gpus: Gpus,
    /// How many microseconds it took to read them.
    #[serde(default)]
    pub took_us: u64,
}
