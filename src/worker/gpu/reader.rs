//! Asks the vendor's library for its devices, and remembers those that it once named.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

use super::nvml;
use crate::domain::gpu::{Gpu, GpuSensor, GpuState, Gpus};

/// How long a library that could not be used, or a device that is lost, is left alone.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// The library and its devices. Every call may take as long as it likes; see [`super`].
pub(in super::super) struct Reader {
    /// The library to load instead of the system's.
    path: Option<OsString>,
    library: Result<Nvml, (GpuSensor, String)>,
    /// When the library was last loaded, or a device lost.
    since: Instant,
    /// Every device that was ever seen, as it was first seen or as lost.
    known: Vec<Gpu>,
}

impl Reader {
    /// Loads the library: that which `MENAGERIE_NVML` names, or else the system's.
    pub(in super::super) fn open() -> Self {
        let path = std::env::var_os("MENAGERIE_NVML").filter(|path| !path.is_empty());
        let library = load(path.as_ref());
        Self { path, library, since: Instant::now(), known: vec![] }
    }

    /// All devices as they are now.
    pub(in super::super) fn read(&mut self) -> Gpus {
        let troubled = self.library.is_err() || self.known.iter().any(|gpu| gpu.state == GpuState::Lost);
        let retry = troubled && self.since.elapsed() >= RETRY_AFTER;
        if retry {
            // Only a library that begins anew lists a device again that was lost. The old one is let go of first.
            self.library = Err((GpuSensor::NoLibrary, String::new()));
            self.library = load(self.path.as_ref());
            self.since = Instant::now();
        }
        let library = match &self.library {
            Ok(library) => library,
            Err((sensor, reason)) => {
                let devices = self.known.iter().map(lost).collect();
                return Gpus { devices, ..Gpus::without(*sensor, Some(reason.clone())) };
            }
        };
        if self.known.is_empty() || retry {
            list(library, &mut self.known);
        }
        let was_lost = |gpu: &Gpu| gpu.state == GpuState::Lost;
        let mut devices = Vec::with_capacity(self.known.len());
        for known in &mut self.known {
            let asked = match library.device_by_index(known.index) {
                _ if was_lost(known) => Err(nvml::Lost),
                Ok(device) => nvml::read(&device, known),
                Err(_) => Err(nvml::Lost),
            };
            devices.push(asked.unwrap_or_else(|nvml::Lost| {
                if !was_lost(known) {
                    *known = lost(known);
                    self.since = Instant::now();
                }
                known.clone()
            }));
        }
        let driver_version = library.sys_driver_version().ok();
        let sensor = if devices.is_empty() { GpuSensor::NoDevice } else { GpuSensor::Ok };
        Gpus { sensor, reason: None, driver_version, devices }
    }
}

/// Loads a library and begins with it; or why that cannot be.
fn load(path: Option<&OsString>) -> Result<Nvml, (GpuSensor, String)> {
    let loaded = match path {
        Some(path) => Nvml::builder().lib_path(path).init(),
        None => Nvml::init(),
    };
    loaded.map_err(|error| {
        let sensor = match error {
            NvmlError::LibloadingError(_) => GpuSensor::NoLibrary,
            NvmlError::DriverNotLoaded => GpuSensor::NoDriver,
            NvmlError::NotFound => GpuSensor::NoDevice,
            _ => GpuSensor::Refused,
        };
        (sensor, error.to_string())
    })
}

/// Takes in what the library lists. A device is known by its UUID; one that is listed again is no longer lost.
fn list(library: &Nvml, known: &mut Vec<Gpu>) {
    for index in 0..library.device_count().unwrap_or(0) {
        let Ok(device) = library.device_by_index(index) else { continue };
        let Ok((uuid, name, minor)) = nvml::identity(&device) else { continue };
        let mut gpu = Gpu::unknown(index, uuid, name, GpuState::Ok);
        gpu.minor = minor;
        match known.iter_mut().find(|other| other.uuid == gpu.uuid) {
            Some(other) => *other = gpu,
            None => known.push(gpu),
        }
    }
}

/// A device of which only its names are left.
fn lost(known: &Gpu) -> Gpu {
    let mut gpu = Gpu::unknown(known.index, known.uuid.clone(), known.name.clone(), GpuState::Lost);
    gpu.minor = known.minor;
    gpu
}
