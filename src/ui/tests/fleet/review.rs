//! What waits for a human, artifacts and their texts.

use serde_json::json;

use super::{HOSTILE, at, window};
use crate::api::client::Query;
use crate::api::triage::InboxItem;
use crate::domain::Artifact;
use crate::ui::request::Page;

/// How many artifacts there are, the newest first.
pub const ARTIFACTS: u64 = 120;

/// The length of the longest one, in bytes.
pub const LONG: u64 = 600_000;

/// The id of an artifact.
pub fn id(number: u64) -> String {
    format!("0196{number:04x}-0000-7000-8000-{number:012x}")
}

fn agent_id(number: u64) -> String {
    format!("0195{number:04x}-0000-7000-8000-a{number:011x}")
}

struct Waiting {
    title: &'static str,
    kind: &'static str,
    agent: Option<&'static str>,
    task: &'static str,
    blocks: u64,
    deadline: Option<i64>,
    age: i64,
    high: bool,
}

const fn waiting(title: &'static str, kind: &'static str, agent: &'static str, task: &'static str) -> Waiting {
    Waiting { title, kind, agent: Some(agent), task, blocks: 0, deadline: None, age: 3_600, high: false }
}

/// What waits, the dearest first.
fn table() -> Vec<Waiting> {
    let hostile = |place: usize| waiting(HOSTILE[place], "doc", "builder-7", "write docs");
    let long: &'static str = Box::leak("a very long title ".repeat(28).into_boxed_str());
    let mut all = vec![
        Waiting {
            blocks: 12,
            deadline: Some(2_400),
            age: 11_000,
            high: true,
            ..waiting("drop-column.md", "decision", "dba", "migrate")
        },
        Waiting {
            kind: "failed_task",
            blocks: 7,
            deadline: Some(-300),
            age: 9_000,
            ..waiting("", "", "builder-3", "fetch sources")
        },
        Waiting { blocks: 4, age: 7_300, ..waiting("src/parser.rs", "code", "builder-2", "write parser") },
        Waiting { blocks: 3, age: 7_100, ..waiting("fix-retry.patch", "code", "builder-4", "mend retry") },
        Waiting {
            blocks: 2,
            deadline: Some(90_000),
            age: 6_000,
            ..waiting("survey/eu-west.md", "report", "scout-1", "survey")
        },
        Waiting { age: 5_900, ..waiting("survey/eu-north.md", "report", "scout-2", "survey") },
        Waiting { age: 5_800, ..waiting("survey/us-east.md", "report", "scout-3", "survey") },
        Waiting { age: 5_700, high: true, ..waiting("survey/secret-sites.md", "report", "scout-4", "survey") },
        Waiting { age: 5_000, ..waiting("scripts/deploy.py", "code", "builder-2", "write scripts") },
        Waiting { age: 4_000, agent: None, ..waiting("results.json", "analysis", "", "measure") },
        Waiting { age: 3_900, ..waiting("core.bin", "analysis", "builder-5", "measure more") },
        Waiting { age: 3_800, ..waiting("nothing.txt", "analysis", "builder-5", "measure less") },
        Waiting { age: 3_700, ..waiting("trace.log", "analysis", "builder-5", "trace") },
        Waiting { age: 3_000, ..waiting(long, "doc", "builder-6", "write much") },
    ];
    all.extend((0..HOSTILE.len()).map(hostile));
    all
}

/// How many wait.
pub fn count() -> u64 {
    table().len() as u64
}

/// One of those that wait.
pub fn inbox_item(number: u64) -> InboxItem {
    let it = &table()[usize::try_from(number).unwrap()];
    let failed = it.kind == "failed_task";
    let task_id = format!("0195{number:04x}-0000-7000-8000-{number:012x}");
    let error = "fetch sources failed: exit status 7: \x1b[31mcould not resolve host\x1b[0m mirror.example";
    serde_json::from_value(json!({
        "id": if failed { task_id.clone() } else { id(number) },
        "kind": if failed { "failed_task" } else { "artifact" },
        "title": if failed { error } else { it.title },
        "artifact_type": (!failed).then_some(it.kind),
        "agent": it.agent,
        "task_id": task_id,
        "task_type": it.task,
        "size": (!failed).then(|| content(number).len()),
        "since": at(it.age),
        "blocks": it.blocks,
        "blocks_deadline": it.deadline.map(|left| at(-left)),
        "cost_of_delay": 100.0 - f64::from(u32::try_from(number).unwrap()),
        "approval": (it.kind == "code").then_some(0.31),
        "group": if failed { format!("failed_task {}", it.task) } else { format!("artifact {} {}", it.kind, it.task) },
        "risk": if it.high { "high" } else { "normal" },
    }))
    .unwrap()
}

/// An alert that waits.
pub fn inbox_alert(number: u64) -> InboxItem {
    let alert = super::alerts::alert(number);
    serde_json::from_value(json!({
        "id": alert.id,
        "kind": "alert",
        "title": alert.message,
        "agent": alert.source.strip_prefix("agent "),
        "since": alert.time,
        "blocks": 0,
        "cost_of_delay": 1.0,
        "group": format!("alert {}", alert.context.trigger),
        "risk": "normal",
        "alert": super::alerts::row(&alert.id.to_string()),
    }))
    .unwrap()
}

/// The alerts that wait, the cheapest of all; the last two are alike.
pub const ALERTS: [u64; 3] = [6, 0, 8];

/// Part of what waits.
pub fn inbox(query: &Query) -> Page<InboxItem> {
    let (offset, limit) = window(query);
    let all = (0..count()).map(inbox_item).chain(ALERTS.into_iter().map(inbox_alert));
    let place = |number: u64| usize::try_from(number).unwrap();
    Page { rows: all.skip(place(offset)).take(place(limit)).collect(), total: count() + ALERTS.len() as u64 }
}

/// The text of an artifact.
pub fn content(number: u64) -> Vec<u8> {
    let title = table().get(usize::try_from(number).unwrap()).map_or("", |it| it.title);
    match title {
        "drop-column.md" => DECISION.into(),
        "src/parser.rs" => PARSER.into(),
        "fix-retry.patch" => PATCH.into(),
        "scripts/deploy.py" => SCRIPT.into(),
        "results.json" => "{\n  \"name\": \"run 7\",\n  \"median_ms\": 12.5,\n  \"ok\": true\n}\n".into(),
        "core.bin" => vec![0; 4000],
        "nothing.txt" => vec![],
        "trace.log" => (1..)
            .map(|n| format!("line {n} {}\n", "of the trace ".repeat(5)))
            .scan(0, |sum, line| {
                *sum += line.len() as u64;
                (*sum <= LONG).then_some(line)
            })
            .collect::<String>()
            .into_bytes(),
        title if title.starts_with("survey/") => REPORT.replace("SITE", title).into(),
        _ => b"Plain words,\x1b]0;not a title\x07 and \x1b[2Jno more than that.\n".to_vec(),
    }
}

/// What the earlier version of the parser says; artifact 99.
pub fn earlier() -> Vec<u8> {
    PARSER.replace("Some(token)", "token").replace("    // Blanks mean nothing here.\n", "").into()
}

/// A part of an artifact's text, by id.
pub fn part(id_text: &str, offset: u64, length: u64) -> Vec<u8> {
    let number = (0..ARTIFACTS).find(|number| id(*number) == id_text).unwrap_or(ARTIFACTS);
    let all = if number == 99 { earlier() } else { content(number) };
    let place = |at: u64| usize::try_from(at).unwrap().min(all.len());
    all[place(offset)..place(offset + length)].to_vec()
}

/// One artifact. The first ones are those of the inbox.
pub fn artifact(number: u64) -> Artifact {
    let waiting = table();
    let it = waiting.get(usize::try_from(number).unwrap()).filter(|it| it.kind != "failed_task");
    let (title, kind) = match it {
        Some(it) => (it.title.to_owned(), it.kind),
        None if number == 99 => ("src/parser.rs".to_owned(), "code"),
        None => (format!("part-{number}.md"), "report"),
    };
    let state = match (it, number % 5) {
        (Some(_), _) => "pending",
        (None, 1) => "rejected",
        (None, _) => "approved",
    };
    serde_json::from_value(json!({
        "id": id(number),
        "agent_id": agent_id(number % 7),
        "task_id": format!("0195{number:04x}-0000-7000-8000-{number:012x}"),
        "execution_id": format!("0197{number:04x}-0000-7000-8000-{number:012x}"),
        "type": kind,
        "title": title,
        "high_risk": it.is_some_and(|it| it.high),
        "approval": it.filter(|it| it.kind == "code").map(|_| json!({"chance": 0.31, "bad": true, "evidence": "few were"})),
        "path": "artifacts/x",
        "size": if number == 99 { earlier().len() } else { content(number).len() },
        "digest": "",
        "human_approved": state == "approved",
        "review": {
            "state": state,
            "at": (state != "pending").then(|| at(600)),
            "note": (state == "rejected").then_some("the figures do not add up\x1b[5m"),
        },
        "created_at": at(3_600 + i64::try_from(number).unwrap() * 60),
    }))
    .unwrap()
}

/// A part of the artifacts, the newest first; with a filter by title the versions of the parser.
pub fn artifacts(query: &Query) -> Page<Artifact> {
    if query.iter().any(|(name, value)| name == "filter" && value.contains("title:=\"src/parser.rs\"")) {
        return Page { rows: vec![artifact(99)], total: 1 };
    }
    if query.iter().any(|(name, value)| name == "filter" && value.starts_with("title:=")) {
        return Page { rows: vec![], total: 0 };
    }
    let (offset, limit) = window(query);
    Page { rows: (offset..(offset + limit).min(ARTIFACTS)).map(artifact).collect(), total: ARTIFACTS }
}

const DECISION: &str = "# Drop the column `legacy_ref`\n\n\
    **Recommendation:** drop it *now*. Nothing has read it since March; see [the survey](https://example.org/survey).\n\n\
    | table | rows | reads in 30 days |\n|---|--:|--:|\n| orders | 12,400,112 | 0 |\n| refunds | 88,019 | 0 |\n\n\
    ## Risks\n\n- A restore from a backup before March needs it.\n- The nightly export names it; change that first:\n  \
    1. edit `export.sql`\n  2. run it once by hand\n\n> A column nobody reads is a column everybody fears.\n\n\
    ```sql\nALTER TABLE orders DROP COLUMN legacy_ref; -- takes a second\n```\n";

const REPORT: &str = "# SITE\n\nEverything answered. The slowest took **412 ms**.\n\n- 12 hosts asked\n- 12 answered\n";

const PARSER: &str = "//! Reads words.\n\nuse std::str::Chars;\n\n/// Takes the next word.\npub fn next(chars: &mut Chars<'_>) -> Option<Token> {\n    // Blanks mean nothing here.\n    let word: String = chars.skip_while(|c| *c == ' ').take_while(|c| *c != ' ').collect();\n    let token = Token { word, weight: 0.5 };\n    Some(token)\n}\n";

const PATCH: &str = "diff --git a/src/retry.rs b/src/retry.rs\nindex 7d1a..9f00 100644\n--- a/src/retry.rs\n+++ b/src/retry.rs\n@@ -10,7 +10,7 @@ fn wait(attempt: u32) -> Duration {\n     let base = Duration::from_millis(100);\n-    base * attempt\n+    base * 2u32.pow(attempt.min(10))\n }\n";

const SCRIPT: &str = "#!/usr/bin/env python3\n\"\"\"Rolls out.\n\nStops at the first failure.\n\"\"\"\nimport sys\n\ndef main(sites):\n\tfor site in sites:  # one by one\n\t\tif not roll_out(site, retries=3):\n\t\t\tsys.exit(f'{site} failed')\n";
