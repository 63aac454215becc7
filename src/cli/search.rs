//! `menagerie search`: agents, tasks, artifacts and events by their words.

use clap::Args;
use serde_json::Value;

use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::output::Role;
use super::table::clean;
use super::view;
use crate::domain::search::{SearchNoun, text_of};

/// Options of `menagerie search`.
#[derive(Args, Clone, Debug)]
pub struct SearchArgs {
    /// Words that must all occur, each perhaps cut short; "words in quotes" must follow each other
    #[arg(required = true, value_name = "WORD")]
    pub words: Vec<String>,
    /// Only these; may be repeated
    #[arg(long = "in", value_name = "NOUN", value_parser = one_of::<SearchNoun>(SearchNoun::ALL))]
    pub nouns: Vec<SearchNoun>,
    /// At most so many, 1 to 1000
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
}

pub fn run(context: &mut Context, args: &SearchArgs) -> Outcome {
    let client = context.engine()?;
    let mut query = vec![("q".to_owned(), text_of(&args.words)), ("limit".to_owned(), args.limit.to_string())];
    if !args.nouns.is_empty() {
        let nouns: Vec<_> = args.nouns.iter().map(|noun| noun.as_str()).collect();
        query.push(("in".to_owned(), nouns.join(",")));
    }
    let found: Value = client.get("/v1/search", &query)?;
    if context.out.value(&found)? {
        return Ok(0);
    }
    let items = view::at(&found, "items").as_array().cloned().unwrap_or_default();
    for item in &items {
        let noun = context.out.paint(Role::Dim, &format!("{:<8}", view::text(item, "noun")));
        let similar = if view::at(item, "similar").as_bool() == Some(true) { " (a similar name)" } else { "" };
        let (title, id) = (pieces(context, item, "title"), context.out.paint(Role::Dim, &view::text(item, "id")));
        context.out.line(&format!("{noun} {title}{similar}  {id}"))?;
        let text = pieces(context, item, "text");
        if !text.is_empty() {
            context.out.line(&format!("         {text}"))?;
        }
    }
    if items.is_empty() {
        context.out.line("nothing has all of these words")?;
    }
    let behind = view::count(&found, "behind");
    if behind > 0 {
        let text = match behind {
            1 => "1 record of the journal is not in the index yet".to_owned(),
            many => format!("{many} records of the journal are not in the index yet"),
        };
        let text = context.out.paint(Role::Dim, &text);
        context.out.line(&text)?;
    }
    Ok(0)
}

/// A text with what was found in it set off.
fn pieces(context: &Context, item: &Value, path: &str) -> String {
    let mut shown = String::new();
    for piece in view::at(item, path).as_array().into_iter().flatten() {
        let text = clean(&view::text(piece, "text"));
        let hit = view::at(piece, "hit").as_bool() == Some(true);
        shown.push_str(&if hit { context.out.paint(Role::Good, &text) } else { text });
    }
    shown
}
