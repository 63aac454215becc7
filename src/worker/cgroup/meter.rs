//! What a cage's processes use, read from files that stay open: a thousand cages once a second must cost next to nothing.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::hierarchy::{Place, Version};
use super::{CageGroup, figure};
use crate::domain::watch::Io;

/// The open files of one cage.
#[derive(Debug, Default)]
pub(in super::super) struct Meter {
    /// `cpuacct.usage` in nanoseconds, or `cpu.stat` with `usage_usec`.
    cpu: Option<(Version, File)>,
    /// `cpu.stat` with `throttled_time` in nanoseconds, or with `throttled_usec`.
    throttled: Option<(Version, File)>,
    memory: Option<File>,
    memory_peak: Option<File>,
    pids: Option<File>,
    /// `blkio.throttle.io_service_bytes` and `io_serviced`, or `io.stat` alone.
    io: Option<(Version, File)>,
    io_counts: Option<File>,
}

/// What the kernel has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Reading {
    /// Processor time so far, in microseconds.
    pub(in super::super) cpu_us: Option<u64>,
    /// For how many microseconds so far processes were held back.
    pub(in super::super) throttled_us: Option<u64>,
    /// Bytes of memory now.
    pub(in super::super) memory: Option<u64>,
    /// The most bytes of memory so far.
    pub(in super::super) memory_peak: Option<u64>,
    /// Processes and threads now, inits included.
    pub(in super::super) pids: Option<u64>,
    /// What was read from and written to disks so far.
    pub(in super::super) io: Option<Io>,
}

impl CageGroup {
    /// Opens what there is to be read.
    pub(in super::super) fn meter(&self) -> Meter {
        let open = |place: &Option<Place>, first: &str, second: &str| {
            let place = place.as_ref()?;
            let name = if place.version == Version::V1 { first } else { second };
            Some((place.version, File::open(place.folder.join(name)).ok()?))
        };
        let file = |opened: Option<(Version, File)>| opened.map(|(_, file)| file);
        // Slots have no group of their own there in version 1, so what is counted is the cage's either way.
        let io = |name: &str| open(&self.io, &format!("blkio.throttle.{name}"), "io.stat");
        Meter {
            cpu: open(&self.usage, "cpuacct.usage", "cpu.stat"),
            throttled: open(&self.cpu, "cpu.stat", "cpu.stat"),
            memory: file(open(&self.memory, "memory.usage_in_bytes", "memory.current")),
            memory_peak: file(open(&self.memory, "memory.max_usage_in_bytes", "memory.peak")),
            pids: file(open(&self.pids, "pids.current", "pids.current")),
            io: io("io_service_bytes"),
            io_counts: file(io("io_serviced").filter(|(version, _)| *version == Version::V1)),
        }
    }
}

impl CageGroup {
    /// The most bytes that the cage was charged for since it was set up, where that is counted.
    pub(in super::super) fn memory_peak(&self) -> Option<u64> {
        let place = self.memory.as_ref()?;
        let name = if place.version == Version::V1 { "memory.max_usage_in_bytes" } else { "memory.peak" };
        number(&File::open(place.folder.join(name)).ok()?, &mut [0; 64])
    }
}

impl Meter {
    /// Reads them, all or only what changes all the time: each costs a call. What cannot be read is left out.
    pub(in super::super) fn read(&self, all: bool) -> Reading {
        let mut buffer = [0_u8; 4096];
        let io = if all { self.read_io(&mut buffer) } else { None };
        let cpu_us = self.cpu.as_ref().and_then(|(version, file)| match version {
            Version::V1 => number(file, &mut buffer).map(|nanos| nanos / 1000),
            Version::V2 => named(file, b"usage_usec ", &mut buffer),
        });
        let throttled_us = self.throttled.as_ref().filter(|_| all).and_then(|(version, file)| match version {
            Version::V1 => named(file, b"throttled_time ", &mut buffer).map(|nanos| nanos / 1000),
            Version::V2 => named(file, b"throttled_usec ", &mut buffer),
        });
        let mut plain = |file: &Option<File>| file.as_ref().and_then(|file| number(file, &mut buffer));
        Reading {
            cpu_us,
            throttled_us,
            memory: plain(&self.memory),
            memory_peak: if all { plain(&self.memory_peak) } else { None },
            pids: plain(&self.pids),
            io,
        }
    }

    fn read_io(&self, buffer: &mut [u8]) -> Option<Io> {
        let mut text = |file: &File| {
            let length = file.read_at(buffer, 0).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        };
        match self.io.as_ref()? {
            (Version::V1, bytes) => io_v1(&text(bytes)?, &text(self.io_counts.as_ref()?)?),
            (Version::V2, all) => Some(io_v2(&text(all)?)),
        }
    }
}

/// Has version 1 count reading and writing below a group. Newer kernels do so only for disks for which a limit was ever
/// written; "none" is such a limit, and holds nobody back.
pub(super) fn have_io_counted(place: &Place) {
    if place.version == Version::V2 {
        return;
    }
    for disk in std::fs::read_dir("/sys/block").into_iter().flatten().flatten() {
        // What is no device, such as a loop or a RAM disk, is not worth the kernel's effort.
        if let Ok(number) = std::fs::read_to_string(disk.path().join("dev"))
            && disk.path().join("device").exists()
        {
            // Where it is refused, what is not counted is left out.
            let none = format!("{} 0", number.trim());
            let _ = super::write(&place.folder.join("blkio.throttle.read_bps_device"), &none);
        }
    }
}

/// The sums over all devices of `blkio.throttle.io_service_bytes` and `blkio.throttle.io_serviced`; `None` when there is no
/// device in them, for then it may be that nobody counts.
fn io_v1(bytes: &str, counts: &str) -> Option<Io> {
    let sum = |text: &str, what: &str| {
        let figures = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            (words.next()? == what).then(|| words.next()?.parse::<u64>().ok()).flatten()
        });
        figures.fold(0, u64::saturating_add)
    };
    let counted = bytes.lines().any(|line| !line.starts_with("Total"));
    counted.then(|| Io {
        read_bytes: sum(bytes, "Read"),
        written_bytes: sum(bytes, "Write"),
        reads: sum(counts, "Read"),
        writes: sum(counts, "Write"),
    })
}

/// The sums over all devices of `io.stat`.
fn io_v2(text: &str) -> Io {
    let sum = |name: &str| {
        let figures = text.split_whitespace().filter_map(|word| word.strip_prefix(name)?.parse::<u64>().ok());
        figures.fold(0, u64::saturating_add)
    };
    Io { read_bytes: sum("rbytes="), written_bytes: sum("wbytes="), reads: sum("rios="), writes: sum("wios=") }
}

fn number(file: &File, buffer: &mut [u8]) -> Option<u64> {
    let length = file.read_at(buffer, 0).ok()?;
    std::str::from_utf8(&buffer[..length]).ok()?.trim().parse().ok()
}

fn named(file: &File, name: &[u8], buffer: &mut [u8]) -> Option<u64> {
    let length = file.read_at(buffer, 0).ok()?;
    figure(&buffer[..length], name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read_and_what_is_missing_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("cpuacct.usage", "1234567\n");
        write("cpu.stat", "usage_usec 77\nnr_throttled 3\nthrottled_time 9000\nthrottled_usec 8\n");
        write("memory.usage_in_bytes", "4096\n");
        write("memory.current", "8192\n");
        write("pids.current", "3\n");
        write(
            "blkio.throttle.io_service_bytes",
            "8:0 Read 4096\n8:0 Write 512\n8:0 Total 4608\n8:16 Read 4\nTotal 4612\n",
        );
        write("blkio.throttle.io_serviced", "8:0 Read 2\n8:0 Write 1\n8:16 Read 3\nTotal 6\n");
        write(
            "io.stat",
            "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=9 dios=9\n8:16 rbytes=5 wbytes=0 rios=1 wios=0\n",
        );
        let group = |version| {
            let place = Some(Place { version, folder: folder.path().to_owned() });
            let [cpu, memory, pids, usage, io] = std::array::from_fn(|_| place.clone());
            CageGroup { cpu, memory, pids, usage, io, pids_ceiling: 1, folders: vec![] }
        };
        let first = group(Version::V1).meter().read(true);
        let expected = Reading {
            cpu_us: Some(1234),
            throttled_us: Some(9),
            memory: Some(4096),
            memory_peak: None,
            pids: Some(3),
            io: Some(Io { read_bytes: 4100, written_bytes: 512, reads: 5, writes: 1 }),
        };
        assert_eq!(first, expected);
        let second = group(Version::V2).meter().read(true);
        let expected = Reading {
            cpu_us: Some(77),
            throttled_us: Some(8),
            memory: Some(8192),
            memory_peak: None,
            pids: Some(3),
            io: Some(Io { read_bytes: 15, written_bytes: 20, reads: 2, writes: 2 }),
        };
        assert_eq!(second, expected);
        let quick = group(Version::V2).meter().read(false);
        assert_eq!(quick, Reading { throttled_us: None, io: None, ..expected });
    }

    #[test]
    fn an_account_without_devices_is_none_where_it_may_be_that_nobody_counts() {
        assert_eq!(io_v1("Total 0\n", ""), None);
        assert_eq!(io_v1("8:0 Total 0\nTotal 0\n", "").map(|io| io.reads), Some(0));
        assert_eq!(io_v2(""), Io::default());
        assert_eq!(io_v2("8:0 rbytes=x wbytes=1 rios= wios=18446744073709551615\n9:0 wios=1\n").writes, u64::MAX);
    }
}
