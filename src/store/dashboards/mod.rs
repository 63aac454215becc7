//! What dashboards ask the store for. Each answer looks at a bounded number of rows, found by an index, and says how far
//! back it is complete.

mod agents;
mod collaboration;
mod errors;
mod timeline;

pub use timeline::TimelineQuery;

/// Every statement by which they find their rows.
#[cfg(test)]
pub(super) fn statements() -> Vec<String> {
    let top = agents::top_sql(crate::domain::dashboard::TopBy::Executions);
    vec![top, agents::days_sql(), timeline::began_sql(), timeline::open_sql(), errors::sql(), collaboration::sql()]
}
