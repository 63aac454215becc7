//! `menagerie node …`: the machines, what their sensors say, and their GPUs.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::list::ListArgs;
use super::output::Role;
use super::table::{Align, Cell, Table};
use super::view;
use crate::api::client::Client;
use crate::api::live::NodeSensors;
use crate::domain::filter::tables;
use crate::domain::gpu::{Gpu, GpuState, GpuThrottle, Gpus};
use crate::domain::{Bytes, Cpu, Node, Span};
use crate::ui;

/// What can be done with nodes.
#[derive(Subcommand, Debug)]
pub enum NodeVerb {
    /// List the machines and what they have
    List(ListArgs),
    /// Show what a machine's sensors say: processors, memory, disks, network, temperatures, GPUs
    Show(NodeArgs),
    /// Show a machine's GPUs with the processes on them and their cages
    Gpus(NodeArgs),
}

/// Which node.
#[derive(Args, Clone, Debug)]
pub struct NodeArgs {
    /// Its name; may be left out where there is one only
    pub node: Option<String>,
}

pub fn run(context: &mut Context, verb: NodeVerb) -> Outcome {
    match verb {
        NodeVerb::List(args) => list(context, &args),
        NodeVerb::Show(args) => show(context, args),
        NodeVerb::Gpus(args) => gpus(context, args),
    }
}

fn list(context: &mut Context, args: &ListArgs) -> Outcome {
    let client = context.engine()?;
    let fetched = args.fetch(&client, &tables::NODES, vec![], context.out.is_table())?;
    args.print(context, fetched, |rows| {
        let mut table = Table::new(&[
            ("NAME", Align::Left),
            ("STATUS", Align::Left),
            ("CORES", Align::Right),
            ("MEMORY", Align::Right),
            ("GPU", Align::Right),
            ("GPU MEMORY", Align::Right),
            ("DISK", Align::Right),
            ("JOINED", Align::Right),
        ]);
        for node in rows {
            table.row(row(node));
        }
        table
    })
}

fn row(node: &Value) -> Vec<Cell> {
    vec![
        view::text(node, "name").into(),
        view::status(node, "status"),
        view::cores(node, "capacity.cpu_millis").into(),
        view::size(node, "capacity.memory").into(),
        view::text_or_dash(node, "capacity.gpu").into(),
        view::size(node, "capacity.gpu_memory").into(),
        view::size(node, "capacity.storage").into(),
        view::age(node, "created_at").into(),
    ]
}

/// What the sensors of the node that is meant say.
fn fetch(client: &Client, args: NodeArgs) -> Result<NodeSensors, Failure> {
    let name = match args.node {
        Some(name) => name,
        None => match &client.list::<Node>("nodes", &vec![])?.0[..] {
            [only] => only.name.clone(),
            [] => return Err(Failure::refused("no node has joined yet")),
            several => {
                let names: Vec<&str> = several.iter().map(|node| node.name.as_str()).collect();
                return Err(Failure::refused(format!("several nodes have joined; name one of {}", names.join(", "))));
            }
        },
    };
    Ok(client.node_sensors(&name)?)
}

fn show(context: &mut Context, args: NodeArgs) -> Outcome {
    let client = context.engine()?;
    let node = fetch(&client, args)?;
    if context.out.value(&json!(node))? {
        return Ok(0);
    }
    let host = node.host.clone().unwrap_or_default();
    let bytes = |value: Option<u64>| value.map_or_else(|| view::NOTHING.to_owned(), |bytes| Bytes::new(bytes).human());
    let of = |used: Option<u64>, all: Option<u64>| format!("{} of {}", bytes(used), bytes(all));
    let cores =
        |millis: Option<u64>| millis.map_or_else(|| view::NOTHING.to_owned(), |m| Cpu::from_millis(m).to_string());
    let load = host.load.map(|load| load.map(|mean| format!("{mean:.2}")).join(" "));
    let uptime = host.uptime_s.and_then(|seconds| i64::try_from(seconds).ok()).map(|s| Span::from_secs(s).human());
    let per_core: Vec<String> = host.cores.iter().map(|millis| format!("{}%", millis / 10)).collect();
    context.out.fields(&[
        ("node", node.name.as_str().into()),
        ("status", Cell::status(node.status.as_str())),
        ("cpu", format!("{} of {} cores", cores(host.cpu_millis), cores(Some(node.capacity.cpu_millis))).into()),
        ("per core", per_core.join(" ").into()),
        ("load", load.unwrap_or_default().into()),
        ("memory", of(host.memory, host.memory_total).into()),
        ("swap", of(host.swap, host.swap_total).into()),
        ("up for", uptime.unwrap_or_default().into()),
    ])?;
    let Some(sensors) = &node.sensors else {
        let remark = context.out.paint(Role::Dim, "its disks, network, temperatures and GPUs were not read");
        context.out.line(&remark)?;
        return Ok(0);
    };
    if !sensors.disks.is_empty() {
        let mut table = Table::new(&[
            ("DISK", Align::Elastic),
            ("DEVICE", Align::Left),
            ("KIND", Align::Left),
            ("SIZE", Align::Right),
            ("AVAILABLE", Align::Right),
            ("", Align::Left),
        ]);
        for disk in &sensors.disks {
            table.row(vec![
                disk.mount.as_str().into(),
                disk.device.as_str().into(),
                disk.file_system.as_str().into(),
                bytes(Some(disk.total)).into(),
                bytes(Some(disk.available)).into(),
                Cell::new(if disk.has_data_dir { "the data directory's" } else { "" }, Role::Dim),
            ]);
        }
        context.out.line("")?;
        context.out.table(&table)?;
    }
    if !sensors.networks.is_empty() {
        let mut table = Table::new(&[
            ("INTERFACE", Align::Left),
            ("RECEIVED", Align::Right),
            ("SENT", Align::Right),
            ("PACKETS IN", Align::Right),
            ("PACKETS OUT", Align::Right),
            ("ERRORS", Align::Right),
        ]);
        for network in &sensors.networks {
            table.row(vec![
                network.interface.as_str().into(),
                bytes(Some(network.received_bytes)).into(),
                bytes(Some(network.sent_bytes)).into(),
                network.received_packets.to_string().into(),
                network.sent_packets.to_string().into(),
                (network.received_errors.saturating_add(network.sent_errors)).to_string().into(),
            ]);
        }
        context.out.line("")?;
        context.out.table(&table)?;
    }
    if !sensors.temperatures.is_empty() {
        let mut table =
            Table::new(&[("TEMPERATURE", Align::Elastic), ("NOW", Align::Right), ("CRITICAL", Align::Right)]);
        for temperature in &sensors.temperatures {
            let critical =
                temperature.critical.map_or_else(|| view::NOTHING.to_owned(), |celsius| format!("{celsius:.0} C"));
            let now = format!("{} C", ui::decimals(temperature.celsius.into(), 0));
            table.row(vec![temperature.label.as_str().into(), now.into(), critical.into()]);
        }
        context.out.line("")?;
        context.out.table(&table)?;
    }
    context.out.line("")?;
    draw_gpus(context, &sensors.gpus)
}

/// The devices of a node; for programs as they came.
fn gpus(context: &mut Context, args: NodeArgs) -> Outcome {
    let client = context.engine()?;
    let node = fetch(&client, args)?;
    let Some(sensors) = node.sensors else {
        return Err(Failure::failed(format!(
            "the sensors of node {} were not read; see whether its worker is connected (menagerie node list)",
            node.name
        )));
    };
    if context.out.value(&json!(sensors.gpus))? {
        return Ok(0);
    }
    draw_gpus(context, &sensors.gpus)
}

fn draw_gpus(context: &mut Context, gpus: &Gpus) -> Outcome {
    let why = gpus.sensor.why_none();
    if !why.is_empty() {
        let reason = gpus.reason.as_ref().map(|reason| format!(" ({})", super::table::clean(reason)));
        let remark = context.out.paint(Role::Dim, &format!("{why}{}", reason.unwrap_or_default()));
        context.out.line(&remark)?;
    }
    if gpus.devices.is_empty() {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("GPU", Align::Right),
        ("NAME", Align::Elastic),
        ("STATE", Align::Left),
        ("USED", Align::Right),
        ("MEMORY", Align::Right),
        ("OF", Align::Right),
        ("POWER", Align::Right),
        ("OF", Align::Right),
        ("TEMP", Align::Right),
        ("FAN", Align::Right),
        ("CLOCK", Align::Right),
        ("PCIE", Align::Right),
        ("ECC", Align::Right),
        ("HELD BACK BY", Align::Left),
    ]);
    for gpu in &gpus.devices {
        table.row(device(gpu));
    }
    context.out.table(&table)?;
    let processes = gpus.devices.iter().flat_map(|gpu| gpu.processes.iter().map(move |process| (gpu.index, process)));
    let mut table = Table::new(&[
        ("GPU", Align::Right),
        ("PID", Align::Right),
        ("KIND", Align::Left),
        ("MEMORY", Align::Right),
        ("CAGE", Align::Left),
        ("TASK", Align::Left),
    ]);
    for (gpu, process) in processes {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| view::NOTHING.to_owned());
        table.row(vec![
            gpu.to_string().into(),
            process.pid.to_string().into(),
            process.kind.as_str().into(),
            or_dash(process.memory.map(|bytes| Bytes::new(bytes).human())).into(),
            or_dash(process.cage_id.map(|id| id.to_string())).into(),
            or_dash(process.task_id.map(|id| id.to_string())).into(),
        ]);
    }
    if !table.is_empty() {
        context.out.line("")?;
        context.out.table(&table)?;
    }
    Ok(0)
}

fn device(gpu: &Gpu) -> Vec<Cell> {
    fn show<T>(value: Option<T>, write: impl Fn(T) -> String) -> Cell {
        value.map_or_else(|| view::NOTHING.to_owned(), write).into()
    }
    let state = Cell::new(gpu.state.as_str(), if gpu.state == GpuState::Ok { Role::Good } else { Role::Bad });
    let percent = |value: u32| format!("{value}%");
    let watts = |milliwatts: u32| format!("{} W", (milliwatts + 500) / 1000);
    let bytes = |bytes: u64| Bytes::new(bytes).human();
    let lanes = gpu.pcie_generation.zip(gpu.pcie_width);
    let ecc = gpu.ecc_corrected.zip(gpu.ecc_uncorrected);
    let reasons = gpu.throttle.as_ref().map(|reasons| {
        let worth_telling = reasons.iter().filter(|reason| **reason != GpuThrottle::Idle);
        worth_telling.map(|reason| reason.as_str().replace('_', " ")).collect::<Vec<_>>().join(", ")
    });
    vec![
        gpu.index.to_string().into(),
        gpu.name.as_str().into(),
        state,
        show(gpu.utilization, percent),
        show(gpu.memory_used, bytes),
        show(gpu.memory_total, bytes),
        show(gpu.power_mw, watts),
        show(gpu.power_limit_mw, watts),
        show(gpu.temperature, |celsius| format!("{celsius} C")),
        show(gpu.fan, percent),
        show(gpu.clock_sm_mhz, |megahertz| format!("{megahertz} MHz")),
        show(lanes, |(generation, width)| format!("{generation} x{width}")),
        show(ecc, |(corrected, uncorrected)| format!("{corrected}/{uncorrected}")),
        reasons.unwrap_or_default().into(),
    ]
}
