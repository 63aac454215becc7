//! What a search for words costs over 10,000 agents and a million tasks: words that are rare, that every task has, that are
//! cut short, phrases, and names with slips. Prints JSON, milliseconds as the median of several runs on a warm cache.
//!
//! `cargo bench --bench search -- [TASKS [FOLDER]]`; a folder is filled the first time and kept for the next.

mod filled;

use std::path::PathBuf;
use std::time::Instant;

use filled::{Outcomes, fill, word};
use menagerie::domain::search::SearchNoun;
use menagerie::store::{Reader, SearchIndex, SearchQuery, search};
use serde_json::json;

const AGENTS: usize = 10_000;
const RUNS: usize = 9;

fn main() -> Outcomes<()> {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    let tasks: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(1_000_000);
    let scratch = tempfile::tempdir()?;
    let folder = words.next().map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    if !folder.join("menagerie.db").exists() {
        fill(&folder, tasks, AGENTS, true)?;
    }
    let reader = Reader::open(&folder)?;
    let begun = Instant::now();
    let mut index = SearchIndex::open(&folder, &reader)?;
    while index.catch_up(&reader, 1000)? {}
    let indexed = begun.elapsed().as_secs_f64();
    let (often, seldom) = (word(0), word(4000));
    let agents = [SearchNoun::Agent];
    let cases: [(&str, String, &[SearchNoun]); 16] = [
        ("agents, a frequent word", often.clone(), &agents),
        ("agents, a rare word", seldom.clone(), &agents),
        ("agents, two letters", often[..2].to_owned(), &agents),
        ("agents, two words", format!("{} {}", word(0), word(1)), &agents),
        ("agents, a name", "agent-7777".to_owned(), &agents),
        ("agents, a name with a slip", "agnet-7777".to_owned(), &agents),
        ("agents, nothing", "nothing-like-this".to_owned(), &agents),
        ("all, what every task has", "make".to_owned(), &[]),
        ("all, that and another", format!("make {often}"), &[]),
        ("all, a frequent word", often.clone(), &[]),
        ("all, a rare word", seldom, &[]),
        ("all, one letter", often[..1].to_owned(), &[]),
        ("all, a phrase", format!("\"{} {}\"", word(0), word(1)), &[]),
        ("all, one of a million", format!("target {}", tasks / 2), &[]),
        ("all, a name with a slip", "agnet-7777".to_owned(), &[]),
        ("all, nothing", "nothing-like-this".to_owned(), &[]),
    ];
    let mut report = serde_json::Map::new();
    for (name, text, nouns) in cases {
        let (mut times, mut items) = (vec![], 0);
        for _ in 0..RUNS {
            let begun = Instant::now();
            items = search(&folder, &reader, &SearchQuery { text: text.clone(), nouns: nouns.to_vec(), limit: 20 })?
                .items
                .len();
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let figure = json!({"text": text, "items": items, "p50_ms": times[RUNS / 2], "max_ms": times[RUNS - 1]});
        eprintln!("{name}: {figure}");
        report.insert(name.to_owned(), figure);
    }
    let bytes = std::fs::metadata(folder.join(menagerie::store::SEARCH_DATABASE))?.len();
    println!(
        "{}",
        serde_json::to_string_pretty(&json!({
            "bench": "search", "version": menagerie::VERSION, "tasks": tasks, "agents": AGENTS,
            "indexed_s": indexed, "index_bytes": bytes, "searches": report,
        }))?
    );
    Ok(())
}
