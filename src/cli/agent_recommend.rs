//! `menagerie agent recommend`: which agents suit what is to be done, and why.

use std::io::Read;

use clap::Args;
use serde_json::Value;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::output::Role;
use super::table::{Align, Cell, Table, clean};
use super::view;
use crate::domain::Refusal;
use crate::domain::learning::Prospect;
use crate::domain::selection::{Factor, RecommendQuery, TaskContext};
use crate::ui;

/// The longest text that is read.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Options of `menagerie agent recommend`.
#[derive(Args, Clone, Debug)]
pub struct RecommendArgs {
    /// What is to be done, in any words; - reads it from standard input, up to 1 MiB
    #[arg(value_name = "TEXT", required_unless_present = "task")]
    pub text: Vec<String>,
    /// The type that the task would have
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// The priority that it would have, 1-10: from 8 on nobody is tried to find out how it does
    #[arg(long, value_name = "N")]
    pub priority: Option<u8>,
    /// For this task, which has not ended, instead of a text
    #[arg(long, value_name = "TASK", conflicts_with_all = ["text", "kind", "priority"])]
    pub task: Option<String>,
    /// How many agents, 1 to 200
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5)]
    pub limit: u32,
    /// Show what each factor rests on, and what would have to change for another to come first
    #[arg(long)]
    pub explain: bool,
}

pub fn run(context: &mut Context, args: RecommendArgs) -> Outcome {
    let RecommendArgs { text, kind, priority, task, limit, explain: explained } = args;
    let text = match &text[..] {
        [only] if only == "-" => read_text(&mut std::io::stdin().lock())?,
        words => words.join(" "),
    };
    let query = RecommendQuery { text, kind, priority, task, limit: Some(limit) };
    let client = context.engine()?;
    let found: Value = client.post("/v1/recommend", &query)?;
    if context.out.is_csv() {
        let items = view::at(&found, "items").as_array().map(Vec::as_slice).unwrap_or_default();
        context.out.nested_values(&items.iter().map(by_factor).collect::<Vec<_>>())?;
        return Ok(0);
    }
    if context.out.value(&found)? {
        return Ok(0);
    }
    let items = view::at(&found, "items").as_array().cloned().unwrap_or_default();
    context.out.table(&draw(&items))?;
    if explained {
        let read: TaskContext = serde_json::from_value(view::at(&found, "context").clone()).unwrap_or_default();
        let read = if read.is_empty() { "nothing".to_owned() } else { clean(&read.sentence()) };
        let read = context.out.paint(Role::Dim, &format!("read out of the text: {read}"));
        context.out.line(&read)?;
        for item in &items {
            explain(context, item)?;
        }
    }
    let held_back = |item: &Value| view::at(item, "learned.exploration").as_f64().is_some_and(|part| part <= -0.005);
    if !explained && items.iter().any(held_back) {
        let text = "who is known well stands further back, so that others are tried; with --priority 8 nobody does";
        let text = context.out.paint(Role::Dim, text);
        context.out.line(&text)?;
    }
    if view::at(&found, "enabled").as_bool() == Some(false) {
        let text = "selection is switched off: tasks that name no agent go to whoever is free";
        let text = context.out.paint(Role::Dim, text);
        context.out.line(&text)?;
    }
    Ok(0)
}

/// The text that stands in standard input.
fn read_text(input: &mut impl Read) -> Result<String, Failure> {
    let mut bytes = vec![];
    let unread = |error: std::io::Error| Failure::failed(format!("cannot read <stdin>: {error}"));
    input.by_ref().take(TEXT_BYTES_MAX).read_to_end(&mut bytes).map_err(unread)?;
    let more = std::io::copy(input, &mut std::io::sink()).map_err(unread)?;
    if more > 0 {
        let shown = format!("{} bytes", TEXT_BYTES_MAX + more);
        return Err(Refusal::invalid("text", shown, "at most 1 MiB").into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to() + 1;
        Refusal::invalid("text", format!("what begins at byte {place}"), "UTF-8").into()
    })
}

/// A recommended agent with what each factor says under the factor's name, which is more than a list when it is a line.
fn by_factor(item: &Value) -> Value {
    let mut item = item.clone();
    let factors = item.get_mut("factors").map(Value::take);
    let named = factors.iter().filter_map(Value::as_array).flatten().map(|factor| {
        let mut factor = factor.clone();
        let name = factor.as_object_mut().and_then(|factor| factor.remove("factor"));
        (name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(), factor)
    });
    let named: serde_json::Map<_, _> = named.collect();
    if let Some(item) = item.as_object_mut() {
        item.insert("factors".to_owned(), named.into());
    }
    item
}

/// Short names of the factors, in their order.
const HEADS: [&str; 7] = ["WORDS", "PHASE", "RECENT", "DOMAIN", "FREE", "COMPANY", "LIKED"];

fn draw(items: &[Value]) -> Table {
    let mut columns = vec![("AGENT", Align::Left), ("SCORE", Align::Right)];
    columns.extend(HEADS.map(|head| (head, Align::Right)));
    columns.extend([("SUCCEEDS", Align::Right), ("RECENTLY", Align::Elastic)]);
    let mut table = Table::new(&columns);
    for item in items {
        let factors = view::at(item, "factors").as_array().cloned().unwrap_or_default();
        let mut row: Vec<Cell> = vec![view::text(item, "name").into(), three(view::at(item, "score")).into()];
        row.extend(factors.iter().map(|factor| Cell::from(two(view::at(factor, "value")))));
        let likely = outlook(item).map(|outlook| {
            let role = if outlook.bad { Role::Warning } else { Role::Plain };
            // What little rests on is a guess.
            let guess = if outlook.seldom { "?" } else { "" };
            Cell::new(format!("{}%{guess}", ui::decimals(outlook.chance * 100.0, 0)), role)
        });
        row.push(likely.unwrap_or_else(|| view::NOTHING.into()));
        let recent = factors.get(Factor::RecentSuccess as usize);
        row.push(recent.map(|factor| view::text(factor, "evidence")).unwrap_or_default().into());
        table.row(row);
    }
    table
}

fn explain(context: &mut Context, item: &Value) -> std::io::Result<()> {
    let name = context.out.paint(Role::Good, &clean(&view::text(item, "name")));
    context.out.line(&format!("{name} {}", three(view::at(item, "score"))))?;
    for factor in view::at(item, "factors").as_array().into_iter().flatten() {
        let value = format!("{} x {}", two(view::at(factor, "counted")), two(view::at(factor, "weight")));
        let (name, evidence) = (view::text(factor, "factor"), clean(&view::text(factor, "evidence")));
        context.out.line(&format!("  {name:<17} {value}  {evidence}"))?;
    }
    let learned = view::at(item, "learned");
    let value = view::at(learned, "value").as_f64().unwrap_or(0.0);
    let evidence = clean(&view::text(learned, "evidence"));
    let deviation = view::at(learned, "deviation").as_f64();
    let deviation = deviation.map_or_else(|| "     ".to_owned(), |deviation| format!("±{deviation:.2}"));
    context.out.line(&format!("  {:<17} {value:+.3} {deviation} {evidence}", "learned"))?;
    if let Some(outlook) = outlook(item) {
        let bad = if outlook.bad { "a bad match: " } else { "" };
        let said = clean(&format!("{bad}{}: {}", outlook.of_hundred(), outlook.evidence));
        let said = if outlook.bad { context.out.paint(Role::Warning, &said) } else { said };
        context.out.line(&format!("  {:<17} {said}", "succeeds"))?;
    }
    let to_win = view::text(item, "to_win");
    if !to_win.is_empty() {
        let text = context.out.paint(Role::Dim, &format!("  to come first: {}", clean(&to_win)));
        context.out.line(&text)?;
    }
    Ok(())
}

/// How likely an agent is to succeed, once that is known.
fn outlook(item: &Value) -> Option<Prospect> {
    serde_json::from_value(view::at(item, "learned.outlook").clone()).ok()
}

fn two(value: &Value) -> String {
    value.as_f64().map_or_else(|| view::NOTHING.to_owned(), |value| ui::decimals(value, 2))
}

fn three(value: &Value) -> String {
    value.as_f64().map_or_else(|| view::NOTHING.to_owned(), |value| ui::decimals(value, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_far_as_it_may_be_long() {
        let read = |bytes: &[u8]| read_text(&mut &*bytes).map_err(|failure| failure.sentences().join("; "));
        assert_eq!(read("fix the pärser".as_bytes()).unwrap(), "fix the pärser");
        let long = vec![b'x'; 1 << 20];
        assert_eq!(read(&long).unwrap().len(), 1 << 20);
        let error = read(&[&long[..], b"yz"].concat()).unwrap_err();
        assert!(error.contains("1048578 bytes") && error.contains("at most 1 MiB"), "{error}");
        assert!(read(b"ab\xff").unwrap_err().contains("byte 3"));
    }

    #[test]
    fn a_line_has_what_each_factor_says_under_its_name() {
        let item = serde_json::json!({"name": "a", "factors": [{"factor": "domain", "value": 0.5}]});
        assert_eq!(by_factor(&item), serde_json::json!({"name": "a", "factors": {"domain": {"value": 0.5}}}));
    }

    #[test]
    fn what_is_unknown_is_a_dash_and_no_figure() {
        assert_eq!(
            (two(&Value::Null), two(&0.into()), three(&0.8125.into())),
            ("-".into(), "0.00".into(), "0.812".into())
        );
        assert_eq!(HEADS.len(), Factor::ALL.len());
    }
}
