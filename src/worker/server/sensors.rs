//! The slower sensors, read by the sensing process: asking it, passing on what it says, and what follows for the node's GPUs.

use std::collections::BTreeMap;

use rustix::event::epoll;

use super::super::gpu::Devices;
use super::super::{host, sys};
use super::{Server, Source, key, notice};
use crate::domain::gpu::{GpuSensor, Gpus};
use crate::domain::link::Report;
use crate::domain::node::Capacity;
use crate::domain::sensors::Sensors;
use crate::domain::{CageId, Severity, TaskId};

impl Server {
    /// Learns which GPUs there are, before any engine is greeted.
    pub(super) fn find_gpus(&mut self) {
        let found = self.helper.wait_first();
        self.around.gpus = Devices::found(found.as_ref().map(|sensors| &sensors.gpus));
        self.wait_for_helper();
        // A library that has not answered by now may yet do; whatever it does, nobody waits for it any more.
        self.helper.dismiss();
    }

    /// Asks the sensing process for everything; without one the loop goes on with what it can read itself.
    pub(super) fn ask_sensors(&mut self, now: u64) {
        match self.helper.ask(now) {
            Ok(true) => self.wait_for_helper(),
            Ok(false) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.helper_missed, true) {
                    let text = format!("disks, temperatures and GPUs cannot be read: no process for that: {error}");
                    self.report(notice(Severity::Warning, text));
                }
            }
        }
    }

    fn wait_for_helper(&mut self) {
        if let Some([output, end]) = self.helper.descriptors() {
            let input = epoll::EventFlags::IN;
            let _ = epoll::add(&self.epoll, output, key(Source::Sensors, 0), input);
            let _ = epoll::add(&self.epoll, end, key(Source::HelperExit, 0), input);
        }
    }

    /// Reads what the sensing process says.
    pub(super) fn read_sensors(&mut self) {
        match self.helper.read() {
            Ok(Some(sensors)) => self.pass_on(sensors),
            Ok(None) => {}
            Err(_) => {
                // A closed pipe stays readable for ever; the process's end, which follows, is what counts.
                if let Some([output, _]) = self.helper.descriptors() {
                    let _ = epoll::delete(&self.epoll, output);
                }
                self.helper.kill();
            }
        }
    }

    /// Gives up waiting for an answer that is overdue.
    pub(super) fn sensors_overdue(&mut self, now: u64) {
        if self.helper.overdue(now).is_none() {
            return;
        }
        let text = "disks, temperatures or GPUs did not answer within 10 s; the process that read them was ended, and is \
                    tried again in 10 min";
        self.report(notice(Severity::Warning, text.to_owned()));
        self.link.sensors(Sensors { gpus: Gpus::without(GpuSensor::NoAnswer, None), ..Sensors::default() });
    }

    /// Says whose the processes on GPUs are, notes devices that were lost or are back, and sends all of it.
    fn pass_on(&mut self, mut sensors: Sensors) {
        let listed = sensors.gpus.devices.iter_mut().flat_map(|device| &mut device.processes).collect::<Vec<_>>();
        if !listed.is_empty() {
            let homes = self.homes();
            for process in listed {
                if let Some((cage, task)) = homes.get(&process.pid) {
                    (process.cage_id, process.task_id) = (Some(*cage), *task);
                }
            }
        }
        if self.around.gpus.update(&sensors.gpus) {
            let lost: Vec<usize> =
                (0..self.around.gpus.count()).filter(|at| !self.around.gpus.is_usable(*at)).collect();
            let affected = self.slots.iter().filter(|(_, slot)| slot.gpus.iter().any(|gpu| lost.contains(gpu)));
            for index in affected.map(|(index, _)| *index).collect::<Vec<_>>() {
                self.renew(index);
            }
            let report = Report::Capacity { capacity: self.capacity(), metadata: self.metadata() };
            self.report(report);
        }
        self.link.sensors(sensors);
    }

    /// The processes in slots that have GPUs, with their cages and tasks; no other agent's can be on one.
    fn homes(&self) -> BTreeMap<u32, (CageId, Option<TaskId>)> {
        let mut homes = BTreeMap::new();
        for slot in self.slots.values().filter(|slot| !slot.gpus.is_empty()) {
            let home = (slot.cage, slot.run.as_ref().map(|run| run.start.task_id));
            homes.extend(slot.processes().into_iter().filter_map(|pid| Some((u32::try_from(pid).ok()?, home))));
        }
        homes
    }

    /// What the node has now.
    pub(super) fn capacity(&self) -> Capacity {
        host::capacity(&self.around.data_dir, &self.around.gpus)
    }

    /// What is told of the node now.
    pub(super) fn metadata(&self) -> serde_json::Map<String, serde_json::Value> {
        host::metadata(&self.around.cgroups.describe(), self.around.template.privileged, &self.around.gpus)
    }

    /// The sensing process has ended, as it was told to or by itself.
    pub(super) fn helper_ended(&mut self) {
        // What it said last counts as well.
        if let Ok(Some(sensors)) = self.helper.read() {
            self.pass_on(sensors);
        }
        self.helper.ended();
    }

    /// When an answer is overdue.
    pub(super) fn sensors_due(&self) -> u64 {
        self.helper.deadline()
    }

    /// Looks whether one is.
    pub(super) fn check_sensors(&mut self) {
        let now = sys::monotonic();
        if now >= self.sensors_due() {
            self.sensors_overdue(now);
        }
    }
}
