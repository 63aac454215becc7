//! `menagerie node …`: the machines.

use clap::Subcommand;
use serde_json::Value;

use super::context::Context;
use super::failure::Outcome;
use super::list::ListArgs;
use super::table::{Align, Table};
use super::view;
use crate::domain::filter::tables;

/// What can be done with nodes.
#[derive(Subcommand, Debug)]
pub enum NodeVerb {
    /// List the machines and what they have
    List(ListArgs),
}

pub fn run(context: &mut Context, verb: NodeVerb) -> Outcome {
    let NodeVerb::List(args) = verb;
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

fn row(node: &Value) -> Vec<super::table::Cell> {
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
