//! One device's figures, each asked of the library by itself: what a device does not support is left out.

use std::collections::BTreeMap;

use nvml_wrapper::Device;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, EccCounter, MemoryError, PcieUtilCounter, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;

use crate::domain::gpu::{Gpu, GpuProcess, GpuProcessKind, GpuState, GpuThrottle};

/// The device no longer answers.
pub(super) struct Lost;

/// A figure; `None` when the device does not have it or does not tell it.
fn figure<T>(asked: Result<T, NvmlError>) -> Result<Option<T>, Lost> {
    match asked {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_lost(&error) => Err(Lost),
        Err(_) => Ok(None),
    }
}

/// Whether an error says that the device itself is gone.
pub(super) fn is_lost(error: &NvmlError) -> bool {
    matches!(
        error,
        NvmlError::GpuLost | NvmlError::ResetRequired | NvmlError::Uninitialized | NvmlError::DriverNotLoaded
    )
}

/// What never changes of a device: UUID, name, number of its device file.
pub(super) fn identity(device: &Device<'_>) -> Result<(String, String, Option<u32>), Lost> {
    let uuid = figure(device.uuid())?.unwrap_or_default();
    let name = figure(device.name())?.unwrap_or_default();
    Ok((uuid, name, figure(device.minor_number())?))
}

/// What a device says of itself now. `known` has what never changes.
pub(super) fn read(device: &Device<'_>, known: &Gpu) -> Result<Gpu, Lost> {
    let mut gpu = Gpu::unknown(known.index, known.uuid.clone(), known.name.clone(), GpuState::Ok);
    gpu.minor = known.minor;
    if let Some(rates) = figure(device.utilization_rates())? {
        (gpu.utilization, gpu.memory_utilization) = (Some(rates.gpu), Some(rates.memory));
    }
    if let Some(memory) = figure(device.memory_info())? {
        (gpu.memory_used, gpu.memory_total) = (Some(memory.used), Some(memory.total));
    }
    gpu.power_mw = figure(device.power_usage())?;
    gpu.power_limit_mw = figure(device.enforced_power_limit())?;
    gpu.temperature = figure(device.temperature(TemperatureSensor::Gpu))?;
    gpu.clock_sm_mhz = figure(device.clock_info(Clock::SM))?;
    gpu.clock_memory_mhz = figure(device.clock_info(Clock::Memory))?;
    gpu.fan = figure(device.fan_speed(0))?;
    gpu.throttle = figure(device.current_throttle_reasons())?.map(words);
    gpu.ecc_corrected = figure(device.total_ecc_errors(MemoryError::Corrected, EccCounter::Volatile))?;
    gpu.ecc_uncorrected = figure(device.total_ecc_errors(MemoryError::Uncorrected, EccCounter::Volatile))?;
    gpu.pcie_generation = figure(device.current_pcie_link_gen())?;
    gpu.pcie_width = figure(device.current_pcie_link_width())?;
    // The library tells kilobytes a second, and takes 20 ms for each of these two.
    let bytes = |kilobytes: u32| u64::from(kilobytes).saturating_mul(1000);
    gpu.pcie_received = figure(device.pcie_throughput(PcieUtilCounter::Receive))?.map(bytes);
    gpu.pcie_sent = figure(device.pcie_throughput(PcieUtilCounter::Send))?.map(bytes);
    let compute = figure(device.running_compute_processes())?.unwrap_or_default();
    let graphics = figure(device.running_graphics_processes())?.unwrap_or_default();
    gpu.processes = processes(&compute, &graphics);
    Ok(gpu)
}

/// Each process once.
fn processes(compute: &[ProcessInfo], graphics: &[ProcessInfo]) -> Vec<GpuProcess> {
    let mut found: BTreeMap<u32, GpuProcess> = BTreeMap::new();
    for (listed, kind) in [(compute, GpuProcessKind::Compute), (graphics, GpuProcessKind::Graphics)] {
        for process in listed {
            let memory = match process.used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Some(bytes),
                UsedGpuMemory::Unavailable => None,
            };
            let new = GpuProcess { pid: process.pid, kind, memory, cage_id: None, task_id: None };
            found.entry(process.pid).and_modify(|known| known.kind = GpuProcessKind::Both).or_insert(new);
        }
    }
    found.into_values().collect()
}

fn words(reasons: ThrottleReasons) -> Vec<GpuThrottle> {
    let named = [
        (ThrottleReasons::GPU_IDLE, GpuThrottle::Idle),
        (ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, GpuThrottle::ApplicationClocks),
        (ThrottleReasons::SW_POWER_CAP, GpuThrottle::PowerCap),
        (ThrottleReasons::HW_SLOWDOWN, GpuThrottle::HardwareSlowdown),
        (ThrottleReasons::SYNC_BOOST, GpuThrottle::SyncBoost),
        (ThrottleReasons::SW_THERMAL_SLOWDOWN, GpuThrottle::Heat),
        (ThrottleReasons::HW_THERMAL_SLOWDOWN, GpuThrottle::HardwareHeat),
        (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, GpuThrottle::PowerBrake),
        (ThrottleReasons::DISPLAY_CLOCK_SETTING, GpuThrottle::DisplayClocks),
    ];
    named.into_iter().filter(|(reason, _)| reasons.contains(*reason)).map(|(_, word)| word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_computes_and_draws_is_one() {
        let process = |pid, memory| ProcessInfo {
            pid,
            used_gpu_memory: memory,
            gpu_instance_id: None,
            compute_instance_id: None,
        };
        let used = UsedGpuMemory::Used(7);
        let found = processes(&[process(9, used.clone()), process(3, used.clone())], &[process(9, used)]);
        let kinds: Vec<_> = found.iter().map(|process| (process.pid, process.kind, process.memory)).collect();
        assert_eq!(kinds, [(3, GpuProcessKind::Compute, Some(7)), (9, GpuProcessKind::Both, Some(7))]);
        let unknown = processes(&[], &[process(4, UsedGpuMemory::Unavailable)]);
        assert_eq!((unknown[0].kind, unknown[0].memory), (GpuProcessKind::Graphics, None));
    }

    #[test]
    fn reasons_are_words_and_none_is_no_word() {
        assert_eq!(words(ThrottleReasons::NONE), []);
        let both = ThrottleReasons::SW_POWER_CAP | ThrottleReasons::HW_THERMAL_SLOWDOWN;
        assert_eq!(words(both), [GpuThrottle::PowerCap, GpuThrottle::HardwareHeat]);
    }

    #[test]
    fn only_a_lost_device_is_lost() {
        assert_eq!(figure::<u32>(Err(NvmlError::NotSupported)).ok(), Some(None));
        assert_eq!(figure(Ok(0)).ok(), Some(Some(0)));
        assert!(figure::<u32>(Err(NvmlError::GpuLost)).is_err());
    }
}
