//! The filter language as a person types it, and as a program asks for it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use menagerie::api::client::Listed;
use serde_json::Value;

use super::site::Site;

fn list(site: &Site, arguments: &[&str]) -> Vec<Value> {
    let output = site.command(arguments).args(["-o", "json"]).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

fn page(site: &Site, list: &str, query: &[(&str, &str)]) -> Listed<Value> {
    let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    site.client().unwrap().page(list, &query).unwrap()
}

#[test]
fn every_list_takes_the_filter_language() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 1);
    let good = site.run_one(&["sh", "-c", "echo '# Findings' > $MENAGERIE_ARTIFACTS/findings.md"]);
    let urgent =
        site.command(&["run", "--priority", "9", "--cage", "2", "-o", "json", "--", "false"]).output().unwrap();
    let urgent: Value = serde_json::from_slice(&urgent.stdout).unwrap();
    let urgent = urgent["id"].as_str().unwrap();
    site.wait_until_done();
    for (filter, expected) in [
        ("status:failed", vec![urgent]),
        ("status:failed priority:>7 owner:me age:<1h flse", vec![urgent]),
        ("-status:failed", vec![&*good]),
        ("findings", vec![&*good]),
        ("\"/findings.md\"", vec![&*good]),
        ("cage:2-10 agent:a2", vec![urgent]),
        ("owner:nobody", vec![]),
        ("deadline:none since:1h", vec![urgent, &*good]),
        ("until:1h", vec![]),
    ] {
        assert_eq!(ids(&list(&site, &["task", "list", "--filter", filter])), expected, "{filter}");
    }
    // Shortcuts and several filters must all hold.
    assert_eq!(ids(&list(&site, &["task", "list", "--status", "failed", "--filter", "priority:9"])), [urgent]);
    assert!(list(&site, &["task", "list", "--filter", "priority:9", "--filter", "-status:failed"]).is_empty());
    assert_eq!(list(&site, &["agent", "list", "--filter", "executions:>0 success:<0.5"]).len(), 1);
    assert_eq!(list(&site, &["cage", "list", "--filter", "cage:2.. agent:a"]).len(), 1);
    assert_eq!(list(&site, &["node", "list", "--filter", "status:online memory:>1MiB"]).len(), 1);
    let artifacts = list(&site, &["artifact", "list", "--filter", "fndings approved:no size:<1KiB"]);
    assert_eq!(artifacts.len(), 1);
    let other = format!("-type:{}", artifacts[0]["type"].as_str().unwrap());
    assert!(list(&site, &["artifact", "list", "--filter", &other]).is_empty());
    assert!(list(&site, &["event", "list", "--filter", "severity:critical"]).is_empty());
    assert_eq!(page(&site, "executions", &[("filter", "outcome:failed"), ("cage_id", "2")]).items.len(), 1);
    assert_eq!(page(&site, "tasks", &[("since", "1h"), ("filter", "status:failed")]).total, 1);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    for (arguments, words) in [
        (
            &["task", "list", "--filter", "build stats:failed"][..],
            &["column 7", "\"stats\"", "did you mean \"status\""][..],
        ),
        (&["task", "list", "--filter", "status:faild"], &["column 8", "\"faild\"", "failed"]),
        (&["cage", "list", "--filter", "memory:>lots"], &["column 8", "\"lots\"", "512MiB"]),
        (&["journal", "tail", "--filter", "age:1h"], &["column 5", "say <1h or >1h"]),
        (&["event", "tail", "--filter", "object:\"open"], &["column 8", "closing quote"]),
        (&["task", "list", "--limit", "-1"], &["limit", "\"-1\"", "a whole number from 0 on"]),
        (&["task", "list", "--offset", "x"], &["offset", "\"x\"", "a whole number from 0 on"]),
        (&["task", "list", "--cage", "999"], &["cage \"999\" does not exist", "cage list"]),
        (&["task", "list", "--agent", "nobody"], &["agent \"nobody\" does not exist"]),
        (&["task", "list", "--sort", "prority"], &["\"prority\"", "priority"]),
    ] {
        let output = site.command(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        for word in words {
            assert!(error.contains(word), "{arguments:?}: no {word:?} in: {error}");
        }
    }
    // The longest argument that a program can be given, nearly.
    let long = "x ".repeat(60_000);
    let output = site.command(&["task", "list", "--filter", &long]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("at most 20000") && error.len() < 500, "{error}");
    // The engine refuses by itself what the command line would have.
    let client = site.client().unwrap();
    let asked = client.page::<Value>("tasks", &vec![("filter".into(), "stats:failed".into())]);
    assert!(asked.unwrap_err().to_string().contains("column 1"));
    let asked = client.get::<Value>("/v1/stream", &vec![("filter".into(), "knd:x".into())]);
    assert!(asked.unwrap_err().to_string().contains("kind"));
}

#[test]
fn the_journal_is_read_from_its_end_and_filtered() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let task = site.run_one(&["true"]);
    site.wait_until_done();
    let all = page(&site, "journal", &[("limit", "10000")]).items;
    let kinds = |rows: &[Value]| rows.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let seqs = |rows: &[Value]| rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect::<Vec<_>>();
    let newest = page(&site, "journal", &[("order", "desc"), ("limit", "3")]);
    let mut last: Vec<u64> = seqs(&all[all.len() - 3..]);
    last.reverse();
    assert_eq!(seqs(&newest.items), last);
    assert_eq!(newest.next, Some(last[2]));
    let before = last[2].to_string();
    let older = page(&site, "journal", &[("order", "desc"), ("limit", "1"), ("before", &before)]);
    assert_eq!(seqs(&older.items), [last[2] - 1]);
    assert_eq!(page(&site, "journal", &[("order", "desc"), ("limit", "10000")]).next, None, "the end is told");

    let of_task = list(&site, &["journal", "tail", "--filter", &format!("object:{task}"), "-n", "1000"]);
    assert_eq!(kinds(&of_task).first().map(String::as_str), Some("task_submitted"));
    assert!(
        kinds(&of_task).iter().all(|kind| kind.starts_with("task_") || kind.starts_with("execution_")),
        "{of_task:?}"
    );
    // What concerns an agent is found by the agent's name, although only its id stands there.
    let of_agent = list(&site, &["journal", "tail", "--filter", "object:=a1 kind:execution_scheduled", "-n", "1000"]);
    assert_eq!(of_agent.len(), 1);
    let mine = list(&site, &["journal", "tail", "--filter", "actor:me", "-n", "2"]);
    assert_eq!((mine.len(), mine[1]["kind"].as_str()), (2, Some("task_submitted")));
    assert!(list(&site, &["journal", "tail", "--filter", "until:1h"]).is_empty());
    let first = list(&site, &["journal", "tail", "--after", "0", "--filter", "seq:<=2"]);
    assert_eq!(seqs(&first), [1, 2]);

    // Followed, only what matches comes, the old and then the new.
    let mut tail = site
        .command(&["journal", "tail", "--follow", "-n", "1", "--filter", "kind:task_submitted", "-o", "jsonl"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["body"]["task"]["id"], task.as_str());
    let second = site.run_one(&["true"]);
    let third = site.run_one(&["false"]);
    assert_eq!(next()["body"]["task"]["id"], second.as_str());
    assert_eq!(next()["body"]["task"]["id"], third.as_str());
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn help_says_what_can_be_asked() {
    let site = Site::new();
    for arguments in [&["help", "filter"][..], &["filter", "--help"]] {
        let output = site.command(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("status:failed") && text.contains("docs/filter.md"), "{text}");
    }
    let fields = list(&site, &["filter", "tasks"]);
    assert!(fields.iter().any(|field| field["field"] == "priority" && field["list"] == "tasks"));
    let refused = site.command(&["filter", "taks"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("did you mean \"tasks\""));
}
