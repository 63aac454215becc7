//! What dashboards ask the store for. Each answer looks at a bounded number of rows, found by an index, and says how far
//! back it is complete.

mod agents;
mod collaboration;
mod errors;
mod groups;
mod timeline;
mod trends;

pub(super) use timeline::LOOK_BACK;
pub use timeline::TimelineQuery;

/// Every statement by which they find their rows.
#[cfg(test)]
pub(super) fn statements() -> Vec<String> {
    let top = [false, true].map(|of_kind| agents::top_sql(crate::domain::dashboard::TopBy::Executions, of_kind));
    let mut all = top.to_vec();
    all.extend([agents::days_sql(), agents::days_apart_sql(), timeline::began_sql(), timeline::open_sql()]);
    all.extend([errors::sql(), collaboration::sql(), collaboration::ended_sql()]);
    all.extend([trends::counts_sql(), trends::times_sql(), trends::counts_of_kinds_sql(), agents::days_of_kinds_sql()]);
    all.extend(groups::statements());
    all
}
