//! Who or what else something could be given to: `--candidates` of `task reassign` and `agent reassign`.

use serde_json::Value;

use super::context::Context;
use super::failure::Outcome;
use super::output::Role;
use super::table::{Align, Cell, Table};
use super::view;
use crate::ui;

/// Shows the candidates that a route gives, the best first.
pub fn show(context: &mut Context, path: &str) -> Outcome {
    let client = context.engine()?;
    let candidates: Vec<Value> = client.get(path, &vec![])?;
    if !context.out.values(&candidates)? {
        context.out.table(&draw(&candidates))?;
    }
    Ok(0)
}

fn draw(rows: &[Value]) -> Table {
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("ABLE", Align::Left),
        ("RUNNING", Align::Right),
        ("QUEUED", Align::Right),
        ("SCORE", Align::Right),
        ("LIKELY", Align::Right),
        ("OK", Align::Right),
        ("MEAN", Align::Right),
        ("COST", Align::Right),
        ("WHY", Align::Elastic),
    ]);
    for candidate in rows {
        let flag = |path: &str| view::at(candidate, path).as_bool() == Some(true);
        let able = match (flag("able"), flag("free")) {
            (true, true) => Cell::new("now", Role::Good),
            (true, false) => Cell::new("later", Role::Warning),
            (false, _) => Cell::new("no", Role::Dim),
        };
        let figure = |path: &str, show: &dyn Fn(f64) -> String| {
            view::at(candidate, path).as_f64().map_or_else(|| "-".to_owned(), show)
        };
        table.row(vec![
            view::text(candidate, "name").into(),
            able,
            view::text(candidate, "running").into(),
            view::text(candidate, "queued").into(),
            figure("score", &|score| ui::decimals(score, 3)).into(),
            figure("learned.outlook.chance", &|chance| {
                // What little rests on is a guess.
                let guess = if flag("learned.outlook.seldom") { "?" } else { "" };
                format!("{}%{guess}", ui::decimals(chance * 100.0, 0))
            })
            .into(),
            figure("success_rate", &|rate| format!("{}%", ui::decimals(rate * 100.0, 0))).into(),
            figure("mean_duration_s", &|seconds| format!("{}s", ui::decimals(seconds, 1))).into(),
            figure("mean_cost", &|cost| format!("${}", ui::decimals(cost, 2))).into(),
            view::joined(candidate, "reasons", "; ").into(),
        ]);
    }
    table
}
