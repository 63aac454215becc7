//! `menagerie cage …`: list cages, say how their limits hold, withhold and empty them.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::alert;
use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::items;
use super::list::{ListArgs, given};
use super::output::Role;
use super::table::{Align, Cell, Table};
use super::view::{self, AgentNames};
use crate::api::client::Client;
use crate::api::live::CageCell;
use crate::api::types::WireCommand;
use crate::domain::filter::tables;
use crate::domain::{Bytes, CageId, CageStatus};
use crate::ui;

/// What can be done with cages.
#[derive(Subcommand, Debug)]
pub enum CageVerb {
    /// List cages
    List(CageListArgs),
    /// Show a cage, and for each limit whether it is enforced, watched or absent, and why
    Show {
        /// Its number
        cage: CageId,
        /// List the processes in it instead
        #[arg(long)]
        processes: bool,
    },
    /// Withhold cages: what runs goes on, nothing new starts
    Maintenance {
        /// Their numbers
        #[arg(required = true, value_name = "CAGE")]
        cages: Vec<CageId>,
        /// Give them back
        #[arg(long)]
        off: bool,
    },
    /// Send the agents of cages away: their work is stopped and queued again
    Vacate {
        /// Their numbers
        #[arg(required = true, value_name = "CAGE")]
        cages: Vec<CageId>,
    },
}

/// Options of `menagerie cage list`.
#[derive(Args, Clone, Debug)]
pub struct CageListArgs {
    /// Only cages with this status
    #[arg(short, long, value_name = "STATUS", value_parser = one_of::<CageStatus>(CageStatus::ALL))]
    pub status: Option<CageStatus>,
    /// Only the cages of this agent
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    #[command(flatten)]
    pub list: ListArgs,
}

pub fn run(context: &mut Context, verb: CageVerb) -> Outcome {
    let (command, done) = match verb {
        CageVerb::List(args) => return list(context, args),
        CageVerb::Show { cage, processes: true } => return processes(context, cage),
        CageVerb::Show { cage, processes: false } => return show(context, cage),
        CageVerb::Maintenance { cages: ids, off } => {
            let done = if off { "given back" } else { "withheld" };
            (WireCommand::SetCageMaintenance { ids, on: !off }, done)
        }
        CageVerb::Vacate { cages: ids } => (WireCommand::VacateCages { ids }, "vacated"),
    };
    let client = context.engine()?;
    items::send(context, &client, &command, done)
}

fn list(context: &mut Context, args: CageListArgs) -> Outcome {
    let client = context.engine()?;
    let filters = given([("status", args.status.map(|status| status.to_string())), ("agent", args.agent)]);
    let fetched = args.list.fetch(&client, &tables::CAGES, filters, context.out.is_table())?;
    // A table shows what is used, too, when it is measured; only the first look may find that it is not.
    let grid = if context.out.is_table() { client.grid()? } else { vec![] };
    let used: BTreeMap<String, CageCell> = grid.into_iter().map(|cell| (cell.id.to_string(), cell)).collect();
    args.list.print(context, fetched, |rows| draw(rows, &AgentNames::new(&client), &used))
}

fn draw(rows: &[Value], names: &AgentNames<'_>, used: &BTreeMap<String, CageCell>) -> Table {
    let figure = |cage: &Value, pick: fn(&CageCell) -> Option<f64>, show: fn(f64) -> String| {
        let cell = used.get(&view::text(cage, "id"));
        cell.and_then(pick).map_or_else(|| view::NOTHING.to_owned(), show)
    };
    let mut table = Table::new(&[
        ("CAGE", Align::Left),
        ("STATUS", Align::Left),
        ("AGENT", Align::Elastic),
        ("USES CPU", Align::Right),
        ("OF", Align::Right),
        ("USES MEMORY", Align::Right),
        ("OF", Align::Right),
        ("PIDS", Align::Right),
        ("GPU", Align::Right),
        ("TOKENS", Align::Right),
        ("DISK", Align::Right),
        ("WALL", Align::Right),
        ("NETWORK", Align::Left),
    ]);
    for cage in rows {
        table.row(vec![
            view::text(cage, "id").into(),
            status(cage),
            names.name(cage, "agent_id").into(),
            figure(cage, |cell| cell.cpu.used, |cores| ui::decimals(cores, 2)).into(),
            view::text_or_dash(cage, "resource_limits.cpu").into(),
            figure(cage, |cell| cell.memory.used, bytes).into(),
            view::size(cage, "resource_limits.memory").into(),
            view::text_or_dash(cage, "resource_limits.pids").into(),
            view::text_or_dash(cage, "resource_limits.gpu").into(),
            view::text_or_dash(cage, "resource_limits.tokens").into(),
            view::size(cage, "resource_limits.disk").into(),
            view::text_or_dash(cage, "resource_limits.wall").into(),
            view::text_or_dash(cage, "network").into(),
        ]);
    }
    table
}

/// Its status, and whether it could not be set up when that was last tried.
fn status(cage: &Value) -> Cell {
    if view::at(cage, "fault").is_null() {
        return view::status(cage, "status");
    }
    Cell::new(format!("{}, faulty", view::text(cage, "status")), Role::Bad)
}

/// Why a cage cannot be set up, and until when it gets no work; nothing when it can.
fn fault(cage: &Value) -> Cell {
    let fault = view::at(cage, "fault");
    if fault.is_null() {
        return Cell::default();
    }
    let times = match view::count(fault, "failures") {
        1 => String::new(),
        failures => format!(" ({failures} times in a row)"),
    };
    let until = match view::time(fault, "until") {
        Some(until) => {
            format!("no work before {until}, or `menagerie cage maintenance --off {}`", view::text(cage, "id"))
        }
        None => "tried again with the next task".to_owned(),
    };
    Cell::new(format!("cannot be set up{times}: {}; {until}", view::text(fault, "reason")), Role::Bad)
}

/// Bytes for people.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Counts of bytes are whole and not negative.
pub fn bytes(bytes: f64) -> String {
    Bytes::new(bytes as u64).human()
}

/// The processes in a cage; for programs as they came.
fn processes(context: &mut Context, cage: CageId) -> Outcome {
    let client = context.engine()?;
    let (rows, total): (Vec<Value>, u64) = client.list(&format!("cages/{cage}/processes"), &vec![])?;
    if context.out.values(&rows)? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("PID", Align::Right),
        ("PARENT", Align::Right),
        ("STATE", Align::Left),
        ("CPU", Align::Right),
        ("MEMORY", Align::Right),
        ("THREADS", Align::Right),
        ("COMMAND", Align::Elastic),
    ]);
    for process in &rows {
        let seconds = view::at(process, "cpu_seconds").as_f64().unwrap_or(0.0);
        table.row(vec![
            view::text(process, "pid").into(),
            view::text(process, "parent").into(),
            view::text(process, "state").into(),
            format!("{seconds:.2}s").into(),
            view::size(process, "memory_bytes").into(),
            view::text(process, "threads").into(),
            view::text(process, "command").into(),
        ]);
    }
    context.out.table(&table)?;
    let shown = rows.len() as u64;
    if shown < total {
        let remark = context.out.paint(Role::Dim, &format!("{shown} of {total}"));
        context.out.line(&remark)?;
    }
    Ok(0)
}

/// The name of the node with an id; the id where it cannot be told.
fn node_name(client: &Client, id: &str) -> String {
    let query = vec![("id".to_owned(), id.to_owned())];
    let found = client.list::<Value>("nodes", &query).map(|(nodes, _)| nodes).unwrap_or_default();
    found.first().map_or_else(|| id.to_owned(), |node| view::text(node, "name"))
}

fn show(context: &mut Context, id: CageId) -> Outcome {
    let client = context.engine()?;
    let cage: Value = client.get(&format!("/v1/cages/{id}"), &vec![])?;
    if context.out.value(&cage)? {
        return Ok(0);
    }
    let names = AgentNames::new(&client);
    let limits =
        view::at(&cage, "resource_limits").as_object().into_iter().flatten().map(|(name, value)| match value {
            Value::Number(bytes) if ["memory", "disk", "gpu_memory"].contains(&name.as_str()) => {
                format!("{name} {}", Bytes::new(bytes.as_u64().unwrap_or(0)).human())
            }
            Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        });
    let limits: Vec<String> = limits.collect();
    let agent = names.name(&cage, "agent_id");
    let mut fields = vec![
        ("cage", view::text(&cage, "id").into()),
        ("status", status(&cage)),
        ("fault", fault(&cage)),
        ("agent", agent.as_str().into()),
        ("node", node_name(&client, &view::text(&cage, "node_id")).into()),
        ("limits", if limits.is_empty() { "none".into() } else { limits.join(", ").into() }),
        ("network", view::text(&cage, "network").into()),
        ("may read", view::joined(&cage, "read", " ").into()),
        ("may write", view::joined(&cage, "write", " ").into()),
        ("created", view::moment(&cage, "created_at")),
        ("updated", view::moment(&cage, "updated_at")),
    ];
    fields.extend(alert::of_cage(&client, id)?);
    context.out.fields(&fields)?;
    let entries = view::at(&cage, "enforcement").as_array().map_or(&[][..], Vec::as_slice);
    context.out.line("")?;
    let is_faulty = !view::at(&cage, "fault").is_null();
    if is_faulty && !entries.is_empty() {
        let remark = context.out.paint(Role::Warning, "as it was when it could last be set up:");
        context.out.line(&remark)?;
    }
    if entries.is_empty() {
        let remark = if is_faulty {
            "never set up: how its limits hold is known once it could be"
        } else {
            "not set up yet: how its limits hold is known after its first use"
        };
        let remark = context.out.paint(Role::Dim, remark);
        context.out.line(&remark)?;
        return Ok(0);
    }
    let mut table = Table::new(&[("LIMIT", Align::Left), ("HOLDS", Align::Left), ("BY", Align::Elastic)]);
    for entry in entries {
        let by: Cell = view::text(entry, "by").into();
        table.row(vec![view::text(entry, "limit").into(), view::status(entry, "enforcement"), by]);
    }
    context.out.table(&table)?;
    Ok(0)
}
