//! The devices that the worker grants to cages: what was there at its start, and which of that is lost.

use std::path::{Path, PathBuf};

use crate::domain::gpu::{Gpu, GpuSensor, GpuState, Gpus};

/// One device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Device {
    /// What it is called where the library is known, and empty otherwise.
    uuid: String,
    /// Its device file; a stand-in for a device has none.
    file: Option<PathBuf>,
    /// Bytes of its memory, when the library says.
    memory: u64,
    /// Whether it was there and is no longer.
    lost: bool,
}

/// All devices that there were when the worker started, in the library's order. One that is plugged in later is shown, and
/// granted by the next worker.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Devices {
    list: Vec<Device>,
    /// What is told of them: how they are seen, by which driver.
    description: String,
}

impl Devices {
    /// What the library has found; or else the device files, for a driver whose library is missing or does not answer.
    pub(in super::super) fn found(gpus: Option<&Gpus>) -> Self {
        match gpus {
            Some(gpus) if gpus.sensor == GpuSensor::Ok => Self::of_library(gpus),
            Some(gpus) => Self::of_files(gpus.sensor, &device_files()),
            None => Self::of_files(GpuSensor::NoAnswer, &device_files()),
        }
    }

    fn of_library(gpus: &Gpus) -> Self {
        let device = |gpu: &Gpu| Device {
            uuid: gpu.uuid.clone(),
            file: gpu.minor.map(|minor| PathBuf::from(format!("/dev/nvidia{minor}"))).filter(|path| path.exists()),
            memory: gpu.memory_total.unwrap_or(0),
            lost: gpu.state == GpuState::Lost,
        };
        let name = gpus.devices.first().map_or("", |gpu| gpu.name.as_str());
        let driver = gpus.driver_version.as_deref().unwrap_or("unknown");
        let description = format!("{} x {name}, driver {driver}", gpus.devices.len());
        Self { list: gpus.devices.iter().map(device).collect(), description }
    }

    fn of_files(sensor: GpuSensor, files: &[PathBuf]) -> Self {
        let device = |file: &PathBuf| Device { uuid: String::new(), file: Some(file.clone()), memory: 0, lost: false };
        let files: Vec<Device> = files.iter().map(device).collect();
        let description = match files.len() {
            0 => sensor.to_string(),
            count => format!("{count} device files, {sensor}"),
        };
        Self { list: files, description }
    }

    /// How many there were at the start.
    pub(in super::super) fn count(&self) -> usize {
        self.list.len()
    }

    /// Whether a device can be granted.
    pub(in super::super) fn is_usable(&self, place: usize) -> bool {
        self.list.get(place).is_some_and(|device| !device.lost)
    }

    /// How many can be used, and the bytes of their memory.
    pub(in super::super) fn capacity(&self) -> (u64, u64) {
        let usable = || self.list.iter().filter(|device| !device.lost);
        (usable().count() as u64, usable().fold(0, |sum, device| sum.saturating_add(device.memory)))
    }

    /// For people: `8 x NVIDIA H100, driver 550.54`.
    pub(in super::super) fn description(&self) -> &str {
        &self.description
    }

    /// Those that are lost, by their numbers at the start and UUIDs: `3 (GPU-8f6b)`.
    pub(in super::super) fn lost(&self) -> Vec<String> {
        let lost = self.list.iter().enumerate().filter(|(_, device)| device.lost);
        lost.map(|(number, device)| format!("{number} ({})", device.uuid)).collect()
    }

    /// The device files that a cage with these devices gets.
    pub(in super::super) fn files(&self, places: &[usize]) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = places.iter().filter_map(|place| self.list.get(*place)?.file.clone()).collect();
        if !files.is_empty() {
            files.extend(helper_files());
        }
        files
    }

    /// What CUDA is told of these devices: their UUIDs, which mean the same whatever else is visible. Where there is no
    /// library to ask, numbers from 0: CUDA numbers the devices that it can open, and the cage has no file of another.
    pub(in super::super) fn visible(&self, places: &[usize]) -> String {
        let granted = places.iter().filter_map(|place| self.list.get(*place));
        let named = granted
            .enumerate()
            .map(|(number, device)| if device.uuid.is_empty() { number.to_string() } else { device.uuid.clone() });
        named.collect::<Vec<_>>().join(",")
    }

    /// Takes in what the library says now; whether another device is lost, or one is back. A library that does not answer
    /// says nothing about its devices.
    pub(in super::super) fn update(&mut self, gpus: &Gpus) -> bool {
        if gpus.sensor == GpuSensor::NoAnswer {
            return false;
        }
        let mut changed = false;
        // Of a device file nobody says whether something is behind it.
        for device in self.list.iter_mut().filter(|device| !device.uuid.is_empty()) {
            let lost = !gpus.working().any(|gpu| gpu.uuid == device.uuid);
            changed |= std::mem::replace(&mut device.lost, lost) != lost;
        }
        changed
    }
}

/// Device files of GPUs, one a device, in the order of their numbers.
fn device_files() -> Vec<PathBuf> {
    let mut numbers: Vec<u32> = std::fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("nvidia")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| PathBuf::from(format!("/dev/nvidia{number}"))).collect()
}

/// Device files that every GPU needs besides its own.
fn helper_files() -> impl Iterator<Item = PathBuf> {
    let paths = ["/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"];
    paths.into_iter().map(PathBuf::from).filter(|path| Path::exists(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(index: u32, state: GpuState) -> Gpu {
        let mut gpu = Gpu::unknown(index, format!("GPU-{index}"), "Test".to_owned(), state);
        gpu.memory_total = Some(100);
        gpu
    }

    fn gpus(states: &[GpuState]) -> Gpus {
        let devices = (0..).zip(states).map(|(index, state)| gpu(index, *state)).collect();
        Gpus { sensor: GpuSensor::Ok, devices, ..Gpus::default() }
    }

    #[test]
    fn a_lost_device_is_neither_counted_nor_granted_and_said_once() {
        use GpuState::{Lost, Ok};
        let mut devices = Devices::found(Some(&gpus(&[Ok, Ok, Ok])));
        assert_eq!((devices.count(), devices.capacity()), (3, (3, 300)));
        assert!(!devices.update(&gpus(&[Ok, Ok, Ok])));
        assert!(devices.update(&gpus(&[Ok, Lost, Ok])));
        assert!(!devices.update(&gpus(&[Ok, Lost, Ok])), "once is enough");
        assert_eq!((devices.count(), devices.capacity(), devices.lost()), (3, (2, 200), vec!["1 (GPU-1)".to_owned()]));
        assert!(devices.is_usable(0) && !devices.is_usable(1) && !devices.is_usable(3));
        assert!(!devices.update(&Gpus::without(GpuSensor::NoAnswer, None)), "no answer is no news of a device");
        // One that the library no longer lists is as lost as one that it calls so.
        assert!(devices.update(&gpus(&[Ok, Ok])));
        assert_eq!(devices.lost(), ["2 (GPU-2)"]);
        assert!(devices.update(&Gpus::without(GpuSensor::NoDriver, None)));
        assert_eq!(devices.capacity(), (0, 0));
    }

    #[test]
    fn devices_are_named_so_that_it_does_not_matter_what_else_is_visible() {
        let devices = Devices::found(Some(&gpus(&[GpuState::Ok; 3])));
        assert_eq!(devices.visible(&[0, 2]), "GPU-0,GPU-2");
        assert_eq!(devices.visible(&[]), "");
        let mut files = Devices::of_files(GpuSensor::NoLibrary, &["/dev/nvidia0".into(), "/dev/nvidia1".into()]);
        assert_eq!((files.visible(&[0, 1]), files.capacity()), ("0,1".to_owned(), (2, 0)));
        assert_eq!(files.visible(&[1]), "0", "the only device that the cage can open is the first there");
        assert_eq!(files.description(), "2 device files, no_library");
        assert!(!files.update(&Gpus::without(GpuSensor::NoLibrary, None)), "files stay without a library");
        assert_eq!(Devices::of_files(GpuSensor::NoDriver, &[]).description(), "no_driver");
    }
}
