//! What is found for words.

use super::{HOSTILE, agents, at, review, tasks};
use crate::api::client::Query;
use crate::domain::search::{Found, Hit, Piece, SearchNoun};

fn pieces(text: &str) -> Vec<Piece> {
    let part = |(place, text): (usize, &str)| Piece { text: text.to_owned(), hit: place % 2 == 1 };
    text.split('|').enumerate().map(part).filter(|piece| !piece.text.is_empty()).collect()
}

/// What has a word: one of each sort, and more tasks. `nothing` finds nothing.
pub fn found(query: &Query) -> Found {
    let asked = |name: &str| query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    if asked("q").contains("nothing") {
        return Found { items: vec![], behind: 12 };
    }
    let hit = |noun, id: String, title: &str, text: &str| Hit {
        noun,
        id,
        record: 4_000,
        alert: false,
        title: pieces(title),
        text: pieces(text),
        time: at(3_600),
        similar: false,
    };
    let mut items = vec![
        hit(SearchNoun::Agent, agents::id(13), "builder-13", "knows the |parser| of the grammar"),
        hit(SearchNoun::Task, tasks::id(487), "build: the |parser|", "mend the |parser|, then test it"),
        hit(SearchNoun::Artifact, review::id(2), "|parser|.md", ""),
        hit(SearchNoun::Event, "0195aaaa-0000-7000-8000-00000000beef".into(), "store", "the |parser| of records"),
        Hit {
            alert: true,
            ..hit(SearchNoun::Event, super::alerts::alert(1).id.to_string(), "agent builder-13", "the |parser| failed")
        },
        Hit { similar: true, ..hit(SearchNoun::Agent, agents::id(14), HOSTILE[0], "") },
    ];
    items.extend((0..20).map(|number| {
        hit(SearchNoun::Task, tasks::id(100 + number), "build", &format!("a |parser| for target {number}"))
    }));
    if !asked("in").is_empty() {
        items.retain(|hit| asked("in").split(',').any(|noun| hit.noun.as_str() == noun));
    }
    items.truncate(asked("limit").parse().unwrap_or(20));
    Found { items, behind: 0 }
}
