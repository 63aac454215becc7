//! GPUs by the vendor's library, NVML, which is loaded at run time where there is one.
//!
//! [`Reader`] asks the library and lives in the sensing process, never in the worker itself: a call can take long or hang
//! with a sick device, the library starts what it likes in its process, and the worker forks. [`Devices`] is what the
//! worker keeps of the answers: which devices it grants to cages, and which of them are lost.

mod devices;
mod nvml;
mod reader;

pub(super) use devices::Devices;
pub(super) use reader::Reader;
