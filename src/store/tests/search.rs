//! Full-text search: what is found, in which order, and that the index follows the journal.

use super::generator::History;
use super::properties::commit;
use crate::domain::agent::{AgentSpec, Capability};
use crate::domain::event::{AgentDeclared, AgentRemoved, TaskSubmitted};
use crate::domain::id::AgentId;
use crate::domain::search::{Found, Piece, SearchNoun};
use crate::store::{SEARCH_DATABASE, SearchIndex, SearchQuery, Store, search};

fn declare(history: &mut History, name: &str, keywords: &[&str]) -> AgentId {
    let agent_id = AgentId::new(history.time(), u128::from(history.records.len() as u64));
    let mut spec = AgentSpec::new(name);
    spec.keywords = keywords.iter().map(|word| (*word).to_owned()).collect();
    spec.capabilities = vec![Capability { kind: "shell".into(), parameters: serde_json::Map::new() }];
    let owner = history.users[0];
    history.add(AgentDeclared { agent_id, spec, owner });
    agent_id
}

fn submit(history: &mut History, kind: &str, text: &str) {
    let mut task = history.new_task();
    kind.clone_into(&mut task.kind);
    (task.parameters.input_data, task.metadata.tags) = (serde_json::Map::new(), vec![]);
    task.parameters.configuration.clear();
    task.parameters.input_data.insert("prompt".into(), text.into());
    history.add(TaskSubmitted { task, after: vec![] });
}

fn find(folder: &std::path::Path, store: &Store, text: &str, nouns: &[SearchNoun]) -> Found {
    let reader = store.reader().unwrap();
    let query = SearchQuery { text: text.to_owned(), nouns: nouns.to_vec(), limit: 20 };
    search(folder, &reader, &query).unwrap()
}

fn titles(found: &Found) -> Vec<String> {
    found.items.iter().map(|hit| hit.title.iter().map(|piece| piece.text.as_str()).collect()).collect()
}

#[test]
fn words_phrases_beginnings_and_slips() {
    let mut history = History::new(3, 2);
    declare(&mut history, "parser-smith", &["grammar", "rust"]);
    declare(&mut history, "böcker", &["books"]);
    submit(&mut history, "build", "mend the parser of the rust grammar");
    submit(&mut history, "review", "read the grammar, then the rust");
    let (folder, store) = commit(&history, 100);
    let reader = store.reader().unwrap();
    assert_eq!(find(folder.path(), &store, "parser", &[]).behind, history.records.len() as u64, "no index yet");
    let mut index = SearchIndex::open(folder.path(), &reader).unwrap();
    while index.catch_up(&reader, 3).unwrap() {}
    let found = find(folder.path(), &store, "parser", &[]);
    assert_eq!(titles(&found), ["parser-smith", "build"], "a title counts for more than a text");
    assert_eq!(found.behind, 0);
    let text = &found.items[1].text;
    assert!(text.contains(&Piece { text: "parser".into(), hit: true }), "{text:?}");
    assert_eq!(titles(&find(folder.path(), &store, "gramm", &[SearchNoun::Task])).len(), 2, "a beginning is enough");
    assert_eq!(titles(&find(folder.path(), &store, "\"rust grammar\"", &[])), ["build"], "a phrase");
    assert_eq!(titles(&find(folder.path(), &store, "grammar read", &[])), ["review"], "all words");
    assert_eq!(titles(&find(folder.path(), &store, "bocker", &[])), ["böcker"], "accents");
    let slip = find(folder.path(), &store, "parsr-smith", &[]);
    assert_eq!((titles(&slip), slip.items[0].similar), (vec!["parser-smith".to_owned()], true));
    let word = find(folder.path(), &store, "smoth", &[]);
    assert_eq!((titles(&word), word.items[0].similar), (vec!["parser-smith".to_owned()], true), "a word of a name");
    assert_eq!(titles(&find(folder.path(), &store, "smxxh", &[])), Vec::<String>::new(), "two slips in a short word");
    let record = found.items[0].record;
    assert!(matches!(&history.records[record as usize - 1].event, crate::domain::Event::AgentDeclared(_)), "{record}");
    for text in ["\"", "*", "^ ( )", "\u{0}", ""] {
        let query = SearchQuery { text: text.to_owned(), nouns: vec![], limit: 20 };
        assert!(search(folder.path(), &reader, &query).is_err(), "{text:?} has no word");
    }
    for text in ["a\"b", "NOT x", "title:build", "x OR y", "-", "写测试 x", "'; DROP TABLE entry"] {
        let query = SearchQuery { text: text.to_owned(), nouns: vec![], limit: 20 };
        let found = search(folder.path(), &reader, &query);
        assert!(found.is_ok() == text.chars().any(char::is_alphanumeric), "{text:?}: {found:?}");
    }
}

#[test]
fn a_common_word_hides_neither_agents_nor_what_is_called_so() {
    let mut history = History::new(6, 2);
    declare(&mut history, "gardener", &["grammar"]);
    for number in 0..700 {
        submit(&mut history, "build", &format!("grammar, and grammar again, for target {number}"));
        if number == 300 {
            submit(&mut history, "grammar", "the one that is called so");
        }
    }
    let (folder, store) = commit(&history, 1000);
    let reader = store.reader().unwrap();
    let mut index = SearchIndex::open(folder.path(), &reader).unwrap();
    while index.catch_up(&reader, 1000).unwrap() {}
    let found = find(folder.path(), &store, "grammar", &[]);
    assert_eq!(found.items.len(), 20);
    assert_eq!(titles(&found)[..3], ["grammar", "gardener", "build"]);
    let text: String = found.items[2].text.iter().map(|piece| piece.text.as_str()).collect();
    assert!(text.ends_with("target 699"), "of those that are alike the newest first: {text}");
    declare(&mut history, "build-9", &["grammar"]);
    declare(&mut history, "build-99", &["grammar"]);
    let (folder, store) = commit(&history, 1000);
    let reader = store.reader().unwrap();
    let mut index = SearchIndex::open(folder.path(), &reader).unwrap();
    while index.catch_up(&reader, 1000).unwrap() {}
    assert_eq!(titles(&find(folder.path(), &store, "build-9", &[])), ["build-9", "build-99"], "the name itself first");
}

#[test]
fn the_index_follows_changes_and_is_made_anew_for_another_journal() {
    let mut history = History::new(4, 1);
    let agent = declare(&mut history, "smith", &["iron"]);
    let (folder, mut store) = commit(&history, 100);
    let reader = store.reader().unwrap();
    let mut index = SearchIndex::open(folder.path(), &reader).unwrap();
    while index.catch_up(&reader, 100).unwrap() {}
    assert_eq!(titles(&find(folder.path(), &store, "iron", &[])), ["smith"]);
    let known = history.records.len();
    let owner = history.users[0];
    history.add(AgentDeclared { agent_id: agent, spec: AgentSpec::new("smith"), owner });
    store.commit(&history.records[known..]).unwrap();
    assert_eq!(find(folder.path(), &store, "smith", &[]).behind, 1);
    index.catch_up(&reader, 100).unwrap();
    assert!(find(folder.path(), &store, "iron", &[]).items.is_empty(), "what it was is not found any more");
    assert_eq!(titles(&find(folder.path(), &store, "smith", &[])).len(), 1);
    let known = history.records.len();
    history.add(AgentRemoved { agent_id: agent });
    store.commit(&history.records[known..]).unwrap();
    index.catch_up(&reader, 100).unwrap();
    assert!(find(folder.path(), &store, "smith", &[]).items.is_empty());
    drop(index);
    // Of another journal, and what is no database at all.
    let other = History::new(5, 1);
    let (elsewhere, other_store) = commit(&other, 100);
    let path = elsewhere.path().join(SEARCH_DATABASE);
    std::fs::copy(folder.path().join(SEARCH_DATABASE), &path).unwrap();
    for _ in 0..2 {
        let other_reader = other_store.reader().unwrap();
        let mut index = SearchIndex::open(elsewhere.path(), &other_reader).unwrap();
        while index.catch_up(&other_reader, 100).unwrap() {}
        let name = other.records.iter().find_map(|record| match &record.event {
            crate::domain::Event::AgentDeclared(event) => Some(event.spec.name.clone()),
            _ => None,
        });
        assert!(!find(elsewhere.path(), &other_store, &name.unwrap(), &[]).items.is_empty());
        drop(index);
        std::fs::write(&path, b"no database").unwrap();
    }
}

#[test]
fn every_definition_of_an_agent_is_kept() {
    let mut history = History::new(8, 1);
    let agent_id = declare(&mut history, "smith", &["iron"]);
    let owner = history.users[0];
    let mut spec = AgentSpec::new("smith");
    spec.keywords = vec!["steel".into()];
    history.add(AgentDeclared { agent_id, spec, owner });
    history.add(AgentRemoved { agent_id });
    let (_folder, store) = commit(&history, 100);
    let versions = store.reader().unwrap().agent_versions("smith").unwrap();
    let kept: Vec<_> = versions.iter().map(|version| (version.version, version.spec.keywords[0].as_str())).collect();
    assert_eq!(kept, [(1, "iron"), (2, "steel")], "also of one that is gone");
    assert!(store.reader().unwrap().agent_versions("nobody").is_err());
}
