//! Disks, network interfaces and temperatures.

use std::path::Path;

use sysinfo::{Components, DiskRefreshKind, Disks, Networks};

use crate::domain::sensors::{Disk, Network, Sensors, Temperature};

/// Reads them; what it has opened is used again.
#[derive(Default)]
pub(super) struct Reader {
    disks: Option<Disks>,
    networks: Option<Networks>,
    components: Option<Components>,
}

impl Reader {
    /// All as they are now. What cannot be read is left out.
    pub(super) fn read(&mut self, data_dir: &Path) -> Sensors {
        if self.disks.is_none() {
            (self.disks, self.networks, self.components) =
                (Disks::new().ok(), Networks::new().ok(), Components::new().ok());
        }
        Sensors {
            disks: self.disks.as_mut().map(|disks| read_disks(disks, data_dir)).unwrap_or_default(),
            networks: self.networks.as_mut().map(read_networks).unwrap_or_default(),
            temperatures: self.components.as_mut().map(read_temperatures).unwrap_or_default(),
            ..Sensors::default()
        }
    }
}

fn read_disks(disks: &mut Disks, data_dir: &Path) -> Vec<Disk> {
    disks.refresh_specifics(true, DiskRefreshKind::nothing());
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let listed = disks.iter().map(|disk| Disk {
        mount: text(disk.mount_point()),
        device: disk.name().to_string_lossy().into_owned(),
        file_system: disk.file_system().to_string_lossy().into_owned(),
        total: 0,
        available: 0,
        has_data_dir: false,
    });
    let mut chosen = choose(listed.collect(), &text(data_dir));
    for disk in &mut chosen {
        let Ok(stat) = rustix::fs::statvfs(disk.mount.as_str()) else { continue };
        // What is reserved to root is nobody's, as where the node's capacity is counted: neither there nor in use.
        let reserved = stat.f_bfree.saturating_sub(stat.f_bavail);
        disk.total = stat.f_blocks.saturating_sub(reserved).saturating_mul(stat.f_frsize);
        disk.available = stat.f_bavail.saturating_mul(stat.f_frsize);
    }
    chosen.retain(|disk| disk.total > 0);
    chosen
}

/// Of each device its first mount, and that which the data directory is on whatever it is.
fn choose(listed: Vec<Disk>, data_dir: &str) -> Vec<Disk> {
    let holds = |disk: &Disk| Path::new(data_dir).starts_with(&disk.mount);
    let home = listed.iter().filter(|disk| holds(disk)).map(|disk| disk.mount.len()).max();
    let mut chosen: Vec<Disk> = vec![];
    for mut disk in listed {
        disk.has_data_dir = holds(&disk) && Some(disk.mount.len()) == home;
        // The same device is often mounted again for a part of it, and what is no device is memory or a fiction.
        let again = chosen.iter().any(|other| other.device == disk.device);
        if disk.has_data_dir || (disk.device.starts_with('/') && !again) {
            chosen.retain(|other| !(disk.has_data_dir && other.device == disk.device));
            chosen.push(disk);
        }
    }
    chosen.sort_by(|a, b| a.mount.cmp(&b.mount));
    chosen
}

fn read_networks(networks: &mut Networks) -> Vec<Network> {
    networks.refresh(true);
    let mut read: Vec<Network> = networks
        .iter()
        .map(|(name, data)| Network {
            interface: name.to_string_lossy().into_owned(),
            received_bytes: data.total_received(),
            sent_bytes: data.total_transmitted(),
            received_packets: data.total_packets_received(),
            sent_packets: data.total_packets_transmitted(),
            received_errors: data.total_errors_on_received(),
            sent_errors: data.total_errors_on_transmitted(),
        })
        .collect();
    read.sort_by(|a, b| a.interface.cmp(&b.interface));
    read
}

fn read_temperatures(components: &mut Components) -> Vec<Temperature> {
    components.refresh(true);
    let known = components.iter().filter_map(|component| {
        // A sensor that is not connected tells nonsense or nothing.
        let celsius = component.temperature().filter(|celsius| celsius.is_finite())?;
        let critical = component.critical().filter(|celsius| celsius.is_finite());
        Some(Temperature { label: component.label().to_owned(), celsius, critical })
    });
    let mut read: Vec<Temperature> = known.collect();
    read.sort_by(|a, b| a.label.cmp(&b.label));
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(device: &str, mount: &str) -> Disk {
        Disk {
            mount: mount.to_owned(),
            device: device.to_owned(),
            file_system: "ext4".to_owned(),
            total: 2,
            available: 1,
            has_data_dir: false,
        }
    }

    #[test]
    fn each_device_stands_once_and_the_data_directory_is_on_one() {
        let chosen = |data_dir: &str| {
            let listed = vec![
                disk("/dev/a", "/"),
                disk("overlay", "/over"),
                disk("/dev/b", "/home"),
                disk("/dev/a", "/mnt"),
                disk("tmpfs", "/tmp/x"),
            ];
            let chosen = choose(listed, data_dir);
            let home: Vec<String> =
                chosen.iter().filter(|disk| disk.has_data_dir).map(|disk| disk.mount.clone()).collect();
            assert_eq!(home.len(), 1, "{chosen:?}");
            (chosen.into_iter().map(|disk| disk.mount).collect::<Vec<_>>(), home[0].clone())
        };
        let (mounts, home) = chosen("/home/me/fleet");
        assert_eq!((mounts, home.as_str()), (vec!["/".to_owned(), "/home".to_owned()], "/home"));
        let (mounts, home) = chosen("/tmp/x/data");
        assert_eq!((mounts.len(), home.as_str()), (3, "/tmp/x"), "a file system of memory counts if the data is on it");
        let (mounts, home) = chosen("/mnt/data");
        assert_eq!((mounts, home.as_str()), (vec!["/home".to_owned(), "/mnt".to_owned()], "/mnt"));
        assert_eq!(chosen("/homes").1, "/", "names that begin alike are not the same folder");
    }

    #[test]
    fn this_machine_has_a_disk_and_a_loopback() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = Reader::default();
        let sensors = reader.read(folder.path());
        let home = sensors.disks.iter().find(|disk| disk.has_data_dir).expect("the folder is on a disk");
        assert!(home.total >= home.available && home.total > 0, "{home:?}");
        assert!(sensors.networks.iter().any(|network| network.interface == "lo"), "{:?}", sensors.networks);
        let again = reader.read(folder.path());
        let received = |sensors: &Sensors| sensors.networks.iter().map(|network| network.received_bytes).sum::<u64>();
        assert!(received(&again) >= received(&sensors), "counters only grow");
    }
}
