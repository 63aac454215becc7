//! What all lists have in common: `--limit`, `--offset`, `--sort`, filters, and fetching page by page.

use std::collections::HashSet;

use clap::Args;
use serde_json::Value;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::output::Role;
use super::table::Table;
use crate::api::client::{Client, Query};
use crate::domain::Refusal;

/// How many rows a table shows unless `--limit` says otherwise.
const TABLE_ROWS: u64 = 100;
/// How many rows are asked for at a time.
const PAGE_ROWS: u64 = 5_000;

/// Options of every list.
#[derive(Args, Clone, Debug, Default)]
pub struct ListArgs {
    /// Show at most this many; 0 for all. A table shows 100 unless told otherwise, the other formats everything
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Leave out this many at the beginning
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: u64,
    /// Order by these fields, each with a `-` before it for descending: `--sort -priority,created_at`
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Only those whose field has this value; may be repeated
    #[arg(long = "where", value_name = "FIELD=VALUE", value_parser = parse_filter)]
    pub filters: Vec<(String, String)>,
}

fn parse_filter(text: &str) -> Result<(String, String), Refusal> {
    let (field, value) = text
        .split_once('=')
        .filter(|(field, _)| !field.is_empty())
        .ok_or_else(|| Refusal::invalid("where", text, "FIELD=VALUE, such as status=failed"))?;
    Ok((field.to_owned(), value.to_owned()))
}

/// Filters that a verb has options for: those that were given.
pub fn given<const N: usize>(filters: [(&str, Option<String>); N]) -> Query {
    filters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl ListArgs {
    /// Fetches the rows that these options and the filters ask for, and says how many there are in all.
    pub fn fetch(
        &self,
        client: &Client,
        noun: &str,
        filters: Query,
        table: bool,
    ) -> Result<(Vec<Value>, u64), Failure> {
        let wanted = match self.limit {
            Some(0) => u64::MAX,
            Some(limit) => limit,
            None if table => TABLE_ROWS,
            None => u64::MAX,
        };
        let mut base = filters;
        base.extend(self.filters.iter().cloned());
        base.extend(self.sort.iter().map(|sort| ("sort".to_owned(), sort.clone())));
        let (mut rows, mut fetched) = (Vec::new(), 0);
        // What is submitted meanwhile moves the others on to the next page; nothing is shown twice for that.
        let mut seen = HashSet::new();
        loop {
            let page = PAGE_ROWS.min(wanted - fetched);
            let mut query = base.clone();
            query.push(("limit".to_owned(), page.to_string()));
            query.push(("offset".to_owned(), (self.offset + fetched).to_string()));
            let (items, total) = client.list::<Value>(noun, &query)?;
            let got = items.len() as u64;
            fetched += got;
            rows.extend(
                items
                    .into_iter()
                    .filter(|item| item.get("id").and_then(Value::as_str).is_none_or(|id| seen.insert(id.to_owned()))),
            );
            if got == 0 || fetched >= wanted || self.offset + fetched >= total {
                return Ok((rows, total));
            }
        }
    }

    /// Writes what was fetched: for programs as it came, for people as the table that `draw` makes of it, with a
    /// remark when not everything is shown.
    pub fn print(
        &self,
        context: &mut Context,
        (rows, total): (Vec<Value>, u64),
        draw: impl FnOnce(&[Value]) -> Table,
    ) -> Outcome {
        if context.out.values(&rows)? {
            return Ok(0);
        }
        context.out.table(&draw(&rows))?;
        let shown = rows.len() as u64;
        if shown < total {
            let first = self.offset + u64::from(shown > 0);
            let remark = format!("{first} to {} of {total}; more with --offset or --limit", self.offset + shown);
            let remark = context.out.paint(Role::Dim, &remark);
            context.out.line(&remark)?;
        }
        Ok(0)
    }
}
