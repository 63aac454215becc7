//! GPUs, by a stand-in for NVIDIA's library: the real way from the library to the command line, without a device.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use menagerie::api::live::NodeSensors;
use menagerie::domain::gpu::{GpuSensor, GpuState, GpuThrottle, Gpus};
use menagerie::domain::{Alert, Node, Resource, ResourceStatus, TaskStatus};
use serde_json::Value;

use super::site::Site;

const EIGHT: &str = include_str!("../nvml/eight_gpus.txt");

/// A site whose worker loads the stand-in, which says what `text` says; the path of the file that it reads.
fn site_with(text: &str) -> (Site, PathBuf) {
    let mut site = Site::new();
    let (library, says) = (site.folder().join("stand_in.so"), site.folder().join("gpus.txt"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nvml/stand_in.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(built.expect("this test needs a C compiler, cc").success());
    std::fs::write(&says, text).unwrap();
    site.set_env("MENAGERIE_NVML", &library);
    site.set_env("MENAGERIE_NVML_STAND_IN", &says);
    (site, says)
}

/// Replaces a file in one step: the library may read it at any moment.
fn write(path: &PathBuf, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

/// The text with more facts about a device.
fn with(text: &str, gpu: u32, facts: &str) -> String {
    let head = format!("gpu {gpu}\n");
    assert!(text.contains(&head));
    text.replace(&head, &format!("{head}{facts}\n"))
}

fn only_node(site: &Site) -> Node {
    let mut nodes: Vec<Node> = site.client().unwrap().list("nodes", &vec![]).unwrap().0;
    assert_eq!(nodes.len(), 1);
    nodes.remove(0)
}

fn sensors(site: &Site) -> NodeSensors {
    site.client().unwrap().node_sensors(&only_node(site).name).unwrap()
}

fn gpus(site: &Site) -> Gpus {
    sensors(site).sensors.map(|sensors| sensors.gpus).unwrap_or_default()
}

fn text_of(site: &Site, arguments: &[&str]) -> String {
    let output = site.command(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Cages with one device each, and an agent in each.
fn apply_fleet(site: &Site, cages: u32) {
    use std::fmt::Write;
    let mut text = String::new();
    for number in 1..=cages {
        let marks = site.marks_dir();
        write!(
            text,
            "[[cage]]\nid = \"{number}\"\nlimits = {{ gpu = 1 }}\nwrite = [\"{}\"]\n\
             [[agent]]\nname = \"a{number}\"\ncage = \"{number}\"\ncapabilities = [\"shell\"]\n",
            marks.display()
        )
        .unwrap();
    }
    let fleet = site.folder().join("gpus.toml");
    std::fs::write(&fleet, text).unwrap();
    text_of(site, &["apply", fleet.to_str().unwrap()]);
}

/// Submits a task that wants a device, leaves what it sees of devices as a mark, and runs until the mark `go` is there.
fn submit(site: &Site) -> String {
    let marks = site.marks_dir();
    let script = format!(
        "echo \"$CUDA_VISIBLE_DEVICES\" > {0}/$MENAGERIE_TASK_ID; until [ -e {0}/go ]; do sleep 0.05; done",
        marks.display()
    );
    let arguments = ["run", "--gpu", "1", "-o", "json", "--", "sh", "-c", &script];
    let answer: Value = serde_json::from_str(&text_of(site, &arguments)).unwrap();
    answer.get(0).unwrap_or(&answer)["id"].as_str().unwrap().to_owned()
}

#[test]
fn eight_devices_are_listed_granted_and_waited_for() {
    let (mut site, says) = site_with(EIGHT);
    site.start_engine();
    let node = only_node(&site);
    assert_eq!((node.capacity.gpu, node.capacity.gpu_memory), (8, 8 * (80 << 30)));
    assert_eq!(node.metadata["gpus"], "8 x NVIDIA H100 80GB HBM3, driver 550.54.15");
    apply_fleet(&site, 9);
    let tasks: Vec<String> = (0..9).map(|_| submit(&site)).collect();
    let executing = |site: &Site| -> Vec<String> {
        let running = |task: &&menagerie::domain::Task| task.status == TaskStatus::Executing;
        site.tasks().iter().filter(running).map(|task| task.id.to_string()).collect()
    };
    site.wait_for("eight tasks to see their devices", |site| {
        executing(site).len() == 8 && site.marks().values().filter(|lines| !lines.is_empty()).count() == 8
    });
    let seen: BTreeSet<String> = site.marks().values().flatten().cloned().collect();
    let expected: BTreeSet<String> = (0..8).map(|n| format!("GPU-5ca1ab1e-0000-4000-8000-00000000000{n}")).collect();
    assert_eq!(seen, expected, "each has one of its own");
    let running = executing(&site);
    let waiting = tasks.iter().find(|id| !running.contains(id)).unwrap();
    let why = text_of(&site, &["task", "explain", waiting]);
    assert!(why.contains("gpu"), "{why}");

    // What the library says of processes is told apart by cages.
    let (in_cage, _) = site.client().unwrap().processes("1".parse().unwrap()).unwrap();
    let pid = in_cage[0].pid;
    let facts = format!("compute {pid} 1073741824\ngraphics {pid} 1073741824\ncompute 1 4096");
    write(&says, &with(EIGHT, 1, &facts));
    site.wait_for("the process to be seen on its device", |site| {
        gpus(site).devices.get(1).is_some_and(|gpu| gpu.processes.len() == 2)
    });
    let found = gpus(&site);
    assert_eq!((found.sensor, found.devices.len()), (GpuSensor::Ok, 8));
    let gpu = &found.devices[1];
    assert_eq!((gpu.index, gpu.utilization, gpu.memory_utilization), (1, Some(96), Some(61)));
    assert_eq!((gpu.memory_used, gpu.memory_total), (Some(71 << 30), Some(80 << 30)));
    assert_eq!((gpu.power_mw, gpu.power_limit_mw, gpu.temperature), (Some(640_000), Some(700_000), Some(68)));
    assert_eq!((gpu.clock_sm_mhz, gpu.clock_memory_mhz, gpu.fan), (Some(1980), Some(2619), None), "it has no fan");
    assert_eq!((gpu.pcie_generation, gpu.pcie_width, gpu.pcie_received), (Some(5), Some(16), Some(1_056_000_000)));
    assert_eq!(found.devices[4].throttle, Some(vec![GpuThrottle::PowerCap, GpuThrottle::Heat]));
    assert_eq!((found.devices[4].ecc_corrected, gpu.throttle.as_deref()), (Some(3), Some(&[][..])));
    let [init, agent] = &gpu.processes[..] else { panic!("{:?}", gpu.processes) };
    assert_eq!((init.pid, init.cage_id, init.task_id), (1, None, None), "no agent's");
    assert_eq!((agent.pid, agent.kind.as_str(), agent.memory), (pid, "both", Some(1 << 30)));
    assert_eq!((agent.cage_id.map(|id| id.to_string()), agent.task_id), (Some("001".to_owned()), in_cage[0].task_id));

    let cell = site.client().unwrap().grid().unwrap().swap_remove(0);
    assert_eq!((cell.gpu.used, cell.gpu.granted, cell.gpu.limit), (Some(1.0), Some(1.0), Some(1.0)));
    let load = site.client().unwrap().overview().unwrap().nodes.remove(0);
    assert_eq!((load.gpu.used, load.gpu.granted, load.gpu.limit), (Some(3.5), Some(8.0), Some(8.0)));
    let shown = text_of(&site, &["node", "gpus"]);
    let line = shown.lines().find(|line| line.trim_start().starts_with('4')).unwrap();
    assert!(line.contains("100%") && line.contains("699 W") && line.contains("power cap, heat"), "{shown}");
    assert!(shown.lines().any(|line| line.contains(&pid.to_string()) && line.contains("001")), "{shown}");
    let values: Value = serde_json::from_str(&text_of(&site, &["node", "gpus", "-o", "json"])).unwrap();
    assert_eq!(values["devices"][1]["processes"][1]["cage_id"], "001");
    assert!(text_of(&site, &["node", "show"]).contains("NVIDIA H100 80GB HBM3"));

    std::fs::write(site.marks_dir().join("go"), "").unwrap();
    assert_eq!(site.wait_until_done().completed, 9, "the ninth had its turn");
}

#[test]
fn a_device_that_is_lost_is_said_once_and_no_longer_granted() {
    let (mut site, says) = site_with(EIGHT);
    site.start_engine();
    let two_lost = with(&with(EIGHT, 3, "lost yes"), 6, "lost yes");
    assert_eq!(gpus(&site).working().count(), 8);
    write(&says, &with(EIGHT, 3, "lost yes"));
    site.wait_for("the loss to be seen", |site| sensors(site).capacity.gpu == 7);
    let alerts = |site: &Site| -> Vec<Alert> {
        let (alerts, _) = site.client().unwrap().list::<Alert>("alerts", &vec![]).unwrap();
        alerts.into_iter().filter(|alert| alert.context.trigger == "gpu lost").collect()
    };
    let found = alerts(&site);
    assert_eq!((found.len(), found[0].count), (1, 1), "{found:?}");
    assert!(found[0].message.contains("GPU-5ca1ab1e-0000-4000-8000-000000000003"), "{found:?}");
    let lost = gpus(&site);
    assert_eq!((lost.devices.len(), lost.devices[3].state, lost.devices[3].utilization), (8, GpuState::Lost, None));
    assert!(text_of(&site, &["node", "gpus"]).contains("lost"));
    write(&says, &two_lost);
    site.wait_for("the second loss", |site| sensors(site).capacity.gpu == 6);
    // Both were looked at several times meanwhile; each was told once.
    let found = alerts(&site);
    assert_eq!((found.len(), found[0].count), (1, 2), "one cause, seen twice: {found:?}");
    assert_eq!(only_node(&site).metadata["lost_gpus"].as_array().unwrap().len(), 2);
    let gpu_resource = |site: &Site| -> Resource {
        let (resources, _) = site.client().unwrap().list::<Resource>("resources", &vec![]).unwrap();
        resources.into_iter().find(|resource| resource.name == "gpu").unwrap()
    };
    let resource = gpu_resource(&site);
    assert_eq!((resource.capacity.total, resource.status), (6, ResourceStatus::Available));
    let all_lost = (0..8).fold(EIGHT.to_owned(), |text, gpu| with(&text, gpu, "lost yes"));
    write(&says, &all_lost);
    site.wait_for("all to be lost", |site| sensors(site).capacity.gpu == 0);
    assert_eq!(gpu_resource(&site).status, ResourceStatus::Failed);
    // A worker that begins anew finds them where they are back.
    text_of(&site, &["stop", "--all"]);
    site.kill_engine();
    write(&says, EIGHT);
    site.start_engine();
    site.wait_for("the devices to be back", |site| only_node(site).capacity.gpu == 8);
    assert_eq!(gpu_resource(&site).status, ResourceStatus::Available);
    assert!(alerts(&site).iter().all(|alert| alert.status == menagerie::domain::AlertStatus::Resolved));
    site.check_books();
}

#[test]
fn no_library_no_driver_and_no_device_are_states_and_no_errors() {
    for (library, text, sensor, words) in [
        (Some("/nonexistent/libnvidia-ml.so.1"), "", GpuSensor::NoLibrary, "is not on this machine"),
        (None, "init no_driver", GpuSensor::NoDriver, "driver is not loaded"),
        (None, "driver 550.54.15", GpuSensor::NoDevice, "finds no device"),
        (None, "init no_permission", GpuSensor::Refused, "permission"),
    ] {
        let (mut site, _) = site_with(text);
        if let Some(library) = library {
            site.set_env("MENAGERIE_NVML", library);
        }
        site.start_engine();
        let node = only_node(&site);
        assert_eq!((node.capacity.gpu, node.metadata["gpus"].as_str()), (0, Some(sensor.as_str())));
        assert_eq!(gpus(&site).sensor, sensor);
        assert!(text_of(&site, &["node", "gpus"]).contains(words));
        assert!(sensors(&site).host.is_some_and(|host| host.cpu_millis.is_some() && host.load.is_some()));
        let (alerts, _) = site.client().unwrap().list::<Alert>("alerts", &vec![]).unwrap();
        assert!(alerts.is_empty(), "{alerts:?}");
    }
}

#[test]
fn a_library_that_hangs_holds_nothing_up() {
    let (mut site, _) = site_with(&format!("hang\n{EIGHT}"));
    site.start_engine();
    assert_eq!(only_node(&site).metadata["gpus"], "no_answer");
    let id = site.run_one(&["true"]);
    site.wait_for_status(&id, TaskStatus::Completed);
    let found = sensors(&site);
    assert!(found.host.is_some_and(|host| host.cpu_millis.is_some()), "the rest is measured all the same");
    let sensors = found.sensors.expect("disks are read without the library");
    assert_eq!((sensors.gpus.sensor, sensors.disks.is_empty()), (GpuSensor::NoAnswer, false));
}

#[test]
fn a_library_that_begins_to_hang_is_given_up_and_nothing_is_lost_by_that() {
    let (mut site, says) = site_with(EIGHT);
    site.start_engine();
    assert_eq!(gpus(&site).working().count(), 8);
    write(&says, &format!("hang\n{EIGHT}"));
    site.wait_for("the library to be given up", |site| gpus(site).sensor == GpuSensor::NoAnswer);
    site.wait_for("the other sensors to go on", |site| {
        sensors(site).sensors.is_some_and(|it| it.gpus.sensor == GpuSensor::NoAnswer && !it.disks.is_empty())
    });
    assert_eq!(only_node(&site).capacity.gpu, 8, "no answer says nothing about devices");
    let (alerts, _) = site.client().unwrap().list::<Alert>("alerts", &vec![]).unwrap();
    let [alert] = &alerts[..] else { panic!("{alerts:?}") };
    assert!(alert.message.contains("did not answer"), "{alert:?}");
    let id = site.run_one(&["true"]);
    site.wait_for_status(&id, TaskStatus::Completed);
}
