//! `menagerie filter`: the language of `--filter`, and what each list can be asked.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::failure::Outcome;
use super::output::Role;
use super::table::{Align, Table};
use crate::api::filters;
use crate::domain::Refusal;
use crate::domain::filter::tables;

/// Options of `menagerie filter`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
A filter is terms with blanks between them, all of which must hold; a - before a term turns it around:
  word  \"two words\"       in one of the texts searched; a word's letters may stand a little apart; or a status
  status:failed           a field's value; text and names match by a part, name:=exactly by the whole
  status:failed,cancelled either of them
  priority:>7  age:<1h    more or less; also >= <= and 3..7
  memory:>512MiB cpu:1.5  with units
  deadline:<2h            due within two hours; deadline:<now is overdue, deadline:none has none
  owner:me  agent:builder who asks; a part of a name or the first digits of an id
  cage:3  cage:1-20       by number
  since:1h  created_at:2026-01-31
Example: menagerie task list --filter 'status:failed priority:>7 owner:me age:<1h build'
The page docs/filter.md says it all.")]
pub struct FilterVerb {
    /// The list; all of them when left out
    #[arg(value_name = "LIST")]
    pub list: Option<String>,
}

pub fn run(context: &mut Context, args: &FilterVerb) -> Outcome {
    let all: Vec<_> = tables::ALL.iter().chain(filters::ALL).copied().collect();
    let chosen: Vec<_> = match &args.list {
        None => all,
        Some(list) => {
            let names: Vec<&str> = all.iter().map(|table| table.name).collect();
            let found = all.iter().find(|table| table.name == list).copied();
            vec![found.ok_or_else(|| Refusal::not_one_of("list", list, &names))?]
        }
    };
    let rows: Vec<_> = chosen
        .iter()
        .flat_map(|table| table.fields.iter().map(|field| (table.name, field)))
        .map(|(list, field)| {
            json!({"list": list, "field": field.name, "aliases": field.aliases, "help": field.help,
                "values": field.values(), "optional": field.optional, "searched": field.searched})
        })
        .collect();
    if context.out.values(&rows)? {
        return Ok(0);
    }
    for (place, list) in chosen.iter().enumerate() {
        if place > 0 {
            context.out.line("")?;
        }
        let heading = context.out.paint(Role::Heading, list.name);
        context.out.line(&heading)?;
        let mut table = Table::new(&[("FIELD", Align::Left), ("VALUES", Align::Left), ("WHAT IT IS", Align::Elastic)]);
        for field in list.fields {
            table.row(vec![field.name.into(), field.values().into(), field.help.into()]);
        }
        context.out.table(&table)?;
    }
    Ok(0)
}
