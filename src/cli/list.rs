//! What all lists have in common: `--limit`, `--offset`, `--sort`, filters, and fetching page by page.

use std::collections::HashSet;
use std::io;

use clap::Args;
use schemars::schema_for;
use serde_json::Value;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::output::Role;
use super::table::Table;
use crate::api::client::{Client, Listed, Query};
use crate::api::types::{AgentRow, AlertRow, TaskRow};
use crate::domain::filter::{Filter, Table as Fields};
use crate::domain::learning::Model;
use crate::domain::{AgentPerformance, Artifact, Cage, Execution, Node, Refusal, SystemEvent};

/// How many rows a table shows unless `--limit` says otherwise.
const TABLE_ROWS: u64 = 100;
/// How many rows are asked for at a time.
const PAGE_ROWS: u64 = 5_000;

/// Options of every list.
#[derive(Args, Clone, Debug, Default)]
pub struct ListArgs {
    /// Show at most this many; 0 for all. A table shows 100 unless told otherwise, the other formats everything
    #[arg(long, value_name = "N", value_parser = parse_count, allow_negative_numbers = true)]
    pub limit: Option<u64>,
    /// Leave out this many at the beginning
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = parse_count, allow_negative_numbers = true)]
    pub offset: u64,
    /// Order by these fields, each with a `-` before it for descending: `--sort -priority,created_at`
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// What to show.
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// The option of everything that can be filtered.
#[derive(Args, Clone, Debug, Default)]
pub struct FilterArgs {
    /// Only what matches: `status:failed priority:>7 owner:me age:<1h build`. `menagerie help filter` explains
    #[arg(long = "filter", value_name = "TEXT", allow_hyphen_values = true)]
    pub terms: Vec<String>,
}

impl FilterArgs {
    /// The filter, checked against what the list can be asked; empty when there is none.
    pub fn text(&self, table: &Fields) -> Result<String, Refusal> {
        let text = self.terms.join(" ");
        Filter::parse(table, &text).map(|_| text)
    }
}

/// A number of things.
pub fn parse_count(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::invalid("count", text, "a whole number from 0 on"))
}

/// What was fetched of a list.
pub struct Fetched {
    /// The list's name.
    list: &'static str,
    pub(super) rows: Vec<Value>,
    total: u64,
    /// Whether there are more than `total`.
    more: bool,
}

/// Filters that a verb has options for: those that were given.
pub fn given<const N: usize>(filters: [(&str, Option<String>); N]) -> Query {
    filters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl ListArgs {
    /// Fetches the rows that these options and the shortcuts of the verb ask for, and says how many there are in all.
    pub fn fetch(&self, client: &Client, list: &Fields, filters: Query, table: bool) -> Result<Fetched, Failure> {
        self.fetch_from(client, list.name, list, filters, table)
    }

    /// The same of a list that lies elsewhere than its name says.
    pub fn fetch_from(
        &self,
        client: &Client,
        path: &str,
        list: &Fields,
        filters: Query,
        table: bool,
    ) -> Result<Fetched, Failure> {
        let filter = self.filter.text(list)?;
        let wanted = match self.limit {
            Some(0) => u64::MAX,
            Some(limit) => limit,
            None if table => TABLE_ROWS,
            None => u64::MAX,
        };
        let mut base = filters;
        if !filter.is_empty() {
            base.push(("filter".to_owned(), filter));
        }
        base.extend(self.sort.iter().map(|sort| ("sort".to_owned(), sort.clone())));
        let (mut rows, mut fetched) = (Vec::new(), 0);
        // What is submitted meanwhile moves the others on to the next page; nothing is shown twice for that.
        let mut seen = HashSet::new();
        loop {
            let page = PAGE_ROWS.min(wanted - fetched);
            let mut query = base.clone();
            query.push(("limit".to_owned(), page.to_string()));
            query.push(("offset".to_owned(), (self.offset + fetched).to_string()));
            let Listed { items, total, more, .. } = client.page::<Value>(path, &query)?;
            let got = items.len() as u64;
            fetched += got;
            rows.extend(
                items
                    .into_iter()
                    .filter(|item| item.get("id").and_then(Value::as_str).is_none_or(|id| seen.insert(id.to_owned()))),
            );
            if got < page || fetched >= wanted || !more && self.offset + fetched >= total {
                return Ok(Fetched { list: list.name, rows, total, more });
            }
        }
    }

    /// Writes what was fetched: for programs as it came, for people as the table that `draw` makes of it, with a
    /// remark when not everything is shown.
    pub fn print(&self, context: &mut Context, fetched: Fetched, draw: impl FnOnce(&[Value]) -> Table) -> Outcome {
        self.print_as(context, fetched, |context, rows| context.out.table(&draw(rows)))
    }

    /// The same for what is no table for people.
    pub fn print_as(
        &self,
        context: &mut Context,
        Fetched { list, rows, total, more }: Fetched,
        show: impl FnOnce(&mut Context, &[Value]) -> io::Result<()>,
    ) -> Outcome {
        let written = if rows.is_empty() { context.out.nothing(&columns(list))? } else { context.out.values(&rows)? };
        if written {
            return Ok(0);
        }
        show(context, &rows)?;
        if let Some(remark) = remark(self.offset, rows.len() as u64, total, more) {
            let remark = context.out.paint(Role::Dim, &remark);
            context.out.line(&remark)?;
        }
        Ok(0)
    }
}

/// The fields that the items of a list may have, in their order, for a list that has none to tell by.
fn columns(list: &str) -> Vec<String> {
    let schema = match list {
        "tasks" => schema_for!(TaskRow),
        "executions" => schema_for!(Execution),
        "agents" => schema_for!(AgentRow),
        "agent-performance" => schema_for!(AgentPerformance),
        "cages" => schema_for!(Cage),
        "nodes" => schema_for!(Node),
        "artifacts" => schema_for!(Artifact),
        "alerts" => schema_for!(AlertRow),
        "events" => schema_for!(SystemEvent),
        "models" => schema_for!(Model),
        _ => return vec![],
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flat_map(serde_json::Map::keys).cloned().collect()
}

/// What is said below a table that does not show everything.
fn remark(offset: u64, shown: u64, total: u64, more: bool) -> Option<String> {
    if shown == 0 && offset > 0 {
        return Some(format!("none from {} on; there are {total}", offset + 1));
    }
    let first = offset + u64::from(shown > 0);
    let than = if more { "more than " } else { "" };
    let text = || format!("{first} to {} of {than}{total}; more with --offset or --limit", offset + shown);
    (more || shown < total).then(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_still_has_its_columns() {
        for list in ["tasks", "executions", "agents", "cages", "nodes", "artifacts", "alerts", "events"] {
            let columns = columns(list);
            assert!(columns.len() > 5 && columns.iter().any(|column| column == "id"), "{list}: {columns:?}");
        }
        assert!(columns("agents").iter().any(|column| column == "name"), "what is flattened counts as well");
    }

    #[test]
    fn a_table_says_what_it_leaves_out() {
        assert_eq!(remark(0, 5, 5, false), None);
        assert_eq!(remark(0, 100, 250, false).unwrap(), "1 to 100 of 250; more with --offset or --limit");
        assert_eq!(remark(200, 50, 250, false).unwrap(), "201 to 250 of 250; more with --offset or --limit");
        assert_eq!(remark(1000, 0, 39, false).unwrap(), "none from 1001 on; there are 39");
        assert_eq!(remark(0, 100, 100, true).unwrap(), "1 to 100 of more than 100; more with --offset or --limit");
    }
}
