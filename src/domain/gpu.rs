//! GPUs as a node's worker finds them by the vendor's library. What a device, a driver or an account does not tell is left
//! out and is not zero.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::id::{CageId, TaskId};

enumeration! {
    /// Whether a node's GPUs can be looked at, and if not, why. None of these is an error.
    #[derive(Default)]
    pub enum GpuSensor ("gpu sensor") {
        /// They can.
        Ok = "ok",
        /// The vendor's library is not there: as a rule, a machine without a GPU.
        #[default]
        NoLibrary = "no_library",
        /// The library is there and the driver is not loaded.
        NoDriver = "no_driver",
        /// Library and driver are there, and no device is.
        NoDevice = "no_device",
        /// The library refuses for another reason, which is given.
        Refused = "refused",
        /// The library was asked and did not answer in time.
        NoAnswer = "no_answer",
    }
}

impl GpuSensor {
    /// Why there is no device to show, in words; empty when there is one.
    pub const fn why_none(self) -> &'static str {
        match self {
            Self::Ok => "",
            Self::NoLibrary => "no GPU: the library of NVIDIA's driver (libnvidia-ml.so.1) is not on this machine",
            Self::NoDriver => "no GPU: NVIDIA's driver is not loaded",
            Self::NoDevice => "no GPU: NVIDIA's driver finds no device",
            Self::Refused => "no GPU can be looked at: NVIDIA's library refuses",
            Self::NoAnswer => "no GPU can be looked at: NVIDIA's library did not answer in time",
        }
    }
}

enumeration! {
    /// How a device is.
    pub enum GpuState ("gpu state") {
        /// It answers.
        Ok = "ok",
        /// It was there and is no longer: it fell off the bus, or its driver gave it up. It is tried again once a minute.
        Lost = "lost",
    }
}

enumeration! {
    /// What a process does on a device.
    pub enum GpuProcessKind ("gpu process kind") {
        /// It computes.
        Compute = "compute",
        /// It draws.
        Graphics = "graphics",
        /// It does both.
        Both = "both",
    }
}

enumeration! {
    /// What keeps a device's clocks below the highest.
    pub enum GpuThrottle ("gpu throttle") {
        /// It has nothing to do.
        Idle = "idle",
        /// Clocks were set for applications.
        ApplicationClocks = "application_clocks",
        /// It would draw more power than its limit.
        PowerCap = "power_cap",
        /// The hardware halves the clocks, or worse: heat, power or an outside signal.
        HardwareSlowdown = "hardware_slowdown",
        /// Another device of its group is slower.
        SyncBoost = "sync_boost",
        /// It is too hot, as the driver sees it.
        Heat = "heat",
        /// It is too hot, as the hardware sees it.
        HardwareHeat = "hardware_heat",
        /// The power supply asked for it.
        PowerBrake = "power_brake",
        /// Clocks were set for a display.
        DisplayClocks = "display_clocks",
    }
}

/// A process on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuProcess {
    /// Its number on the host.
    pub pid: u32,
    /// What it does there.
    pub kind: GpuProcessKind,
    /// Bytes of the device's memory that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The cage that it is in; `None` when it is no agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cage_id: Option<CageId>,
    /// The task that it works for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
}

/// A device as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gpu {
    /// Its place in the library's list, from 0.
    pub index: u32,
    /// What it is called for ever: `GPU-` and a UUID.
    #[serde(default)]
    pub uuid: String,
    /// Its make.
    #[serde(default)]
    pub name: String,
    /// Whether it answers.
    pub state: GpuState,
    /// The number of its device file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor: Option<u32>,
    /// Percent of the last moment in which it computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilization: Option<u32>,
    /// Percent of the last moment in which its memory was read or written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_utilization: Option<u32>,
    /// Bytes of its memory in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<u64>,
    /// Bytes of its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_total: Option<u64>,
    /// Milliwatts that it draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_mw: Option<u32>,
    /// Milliwatts that it may draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_limit_mw: Option<u32>,
    /// Degrees Celsius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<u32>,
    /// Megahertz of its processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_sm_mhz: Option<u32>,
    /// Megahertz of its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_memory_mhz: Option<u32>,
    /// Percent of its fan's highest speed; of several fans the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fan: Option<u32>,
    /// What keeps its clocks down; empty when nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Vec<GpuThrottle>>,
    /// Errors of its memory that were corrected, since the driver was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecc_corrected: Option<u64>,
    /// Errors of its memory that could not be corrected, since the driver was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecc_uncorrected: Option<u64>,
    /// The generation of PCI Express that it speaks now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pcie_generation: Option<u32>,
    /// How many lanes it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pcie_width: Option<u32>,
    /// Bytes a second to the device, over the last 20 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pcie_received: Option<u64>,
    /// Bytes a second from the device, over the last 20 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pcie_sent: Option<u64>,
    /// The processes on it, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<GpuProcess>,
}

impl Gpu {
    /// A device of which nothing is known but its place and names.
    pub fn unknown(index: u32, uuid: String, name: String, state: GpuState) -> Self {
        Self {
            index,
            uuid,
            name,
            state,
            minor: None,
            utilization: None,
            memory_utilization: None,
            memory_used: None,
            memory_total: None,
            power_mw: None,
            power_limit_mw: None,
            temperature: None,
            clock_sm_mhz: None,
            clock_memory_mhz: None,
            fan: None,
            throttle: None,
            ecc_corrected: None,
            ecc_uncorrected: None,
            pcie_generation: None,
            pcie_width: None,
            pcie_received: None,
            pcie_sent: None,
            processes: vec![],
        }
    }
}

/// All devices of a node, or why there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gpus {
    /// Whether they can be looked at.
    pub sensor: GpuSensor,
    /// What the library said when they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The driver's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver_version: Option<String>,
    /// The devices, by place; a lost one stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Gpu>,
}

impl Gpus {
    /// A node whose devices cannot be looked at.
    pub fn without(sensor: GpuSensor, reason: Option<String>) -> Self {
        Self { sensor, reason, ..Self::default() }
    }

    /// The devices that answer.
    pub fn working(&self) -> impl Iterator<Item = &Gpu> {
        self.devices.iter().filter(|device| device.state == GpuState::Ok)
    }
}
