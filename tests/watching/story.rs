//! One alert from its cause to the day after: where it shows, how it ends, and what history alone says of it.

use menagerie::api::live::CellState;
use menagerie::domain::{AlertStatus, Severity, TaskStatus};

use super::ops::{alerts, apply, fired, out, started};
use super::site::Site;

#[test]
fn an_escalation_is_told_by_history_after_a_restart_and_a_rebuild() {
    let mut site = started("");
    let rules = "[[alert_rule]]\nname = \"silent-agent\"\nwarning = \"1s\"\ncritical = \"3s\"\nno_data = \"keep\"\n";
    apply(&site, 1, "memory = \"64MiB\"", rules);
    let task = site.run_one(&["sleep", "1000"]);
    let alert = fired(&mut site, "silent-agent", Severity::Critical);
    let id = alert.id.to_string();
    out(&site, &["task", "cancel", &task]);
    site.wait_for_status(&task, TaskStatus::Cancelled);
    out(&site, &["alert", "resolve", &id, "--notes", "it waited for a prompt"]);
    let check = |site: &Site| {
        let events = out(site, &["event", "list", "--source", "agent a1"]);
        let told = "escalated from warning to critical: agent a1 has written nothing for ";
        assert_eq!(events.matches(told).count(), 1, "{events}");
        let shown = out(site, &["alert", "show", &id]);
        assert!(
            shown
                .lines()
                .any(|line| line.starts_with("since then") && line.contains("escalated from warning to critical")),
            "{shown}"
        );
        let history: Vec<&str> = shown.lines().skip_while(|line| *line != "history").skip(1).collect();
        let steps = ["raised as warning: agent a1", told, "resolved: it waited for a prompt"];
        assert_eq!(history.len(), steps.len(), "{shown}");
        for (line, step) in history.iter().zip(steps) {
            assert!(line.contains(step), "no {step:?} in {line}");
        }
        let shown: serde_json::Value = serde_json::from_str(&out(site, &["alert", "show", &id, "-o", "json"])).unwrap();
        let step = &shown["history"][1];
        assert_eq!(
            (&step["what"], &step["from"], &step["to"]),
            (&"escalated".into(), &"warning".into(), &"critical".into())
        );
        assert!(step["time"].is_string() && step["why"].as_str().unwrap().contains("has written nothing"), "{step}");
    };
    check(&site);
    site.kill_engine();
    site.start_engine();
    check(&site);
    site.kill_engine();
    out(&site, &["db", "rebuild"]);
    site.start_engine();
    check(&site);
}

#[test]
fn an_alert_shows_where_one_looks_is_resolved_with_a_note_and_is_explained_by_history_alone() {
    let mut site = started("");
    // It stays until somebody has looked at it.
    let rules = "[[alert_rule]]\nname = \"silent-agent\"\nwarning = \"2s\"\ncritical = \"1h\"\nno_data = \"keep\"\n";
    apply(&site, 2, "memory = \"64MiB\"", rules);
    let printed = out(&site, &["run", "--cage", "2", "-o", "json", "--", "sleep", "1000"]);
    let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let task = value.get(0).unwrap_or(&value)["id"].as_str().unwrap().to_owned();
    let alert = fired(&mut site, "silent-agent", Severity::Warning);
    let (message, remedy) = (alert.message.as_str(), alert.context.remedy.as_deref().unwrap());
    assert_eq!(alert.source, "agent a2");
    for place in [&["cage", "show", "2"][..], &["agent", "show", "a2"]] {
        let shown = out(&site, place);
        assert!(shown.contains(&format!("warning: {message}")) && shown.contains(remedy), "{place:?}: {shown}");
    }
    assert!(!out(&site, &["cage", "show", "1"]).contains("written nothing"), "it is about the other cage");
    let status = out(&site, &["status"]);
    assert!(status.contains("1 warning") && status.contains(message), "{status}");
    let inbox = out(&site, &["inbox", "list"]);
    assert!(inbox.contains(message) && inbox.contains("alert "), "{inbox}");
    // The message has the figure that raised it; what it is now goes on.
    let id = alert.id.to_string();
    site.wait_for("the figure of now to be another", |site| {
        let shown = site.json_of(&["alert", "show", &id]);
        let figure = |path: &str| shown.pointer(path).and_then(serde_json::Value::as_f64);
        figure("/figures/now").zip(figure("/context/value")).is_some_and(|(now, raised)| now > raised)
    });
    for place in [&["alert", "show", &id][..], &["inbox", "list"], &["cage", "show", "2"]] {
        let shown = out(&site, place);
        assert!(shown.contains(" now, ") && shown.contains(" at worst"), "{place:?}: {shown}");
    }
    let client = site.client().unwrap();
    let overview = client.overview().unwrap();
    assert_eq!((overview.alerts_total, overview.alerts[0].id), (1, alert.id));
    let cell = client.grid().unwrap().remove(1);
    assert_eq!(cell.state, CellState::Warning, "{cell:?}");

    out(&site, &["task", "cancel", &task]);
    site.wait_for_status(&task, TaskStatus::Cancelled);
    let id = alert.id.to_string();
    out(&site, &["alert", "resolve", &id, "--action", "cancelled its task", "--notes", "it waited for a prompt"]);
    assert_eq!(alerts(&site, "silent-agent")[0].status, AlertStatus::Resolved);
    assert!(!out(&site, &["cage", "show", "2"]).contains(message));
    assert!(!out(&site, &["status"]).contains(message));

    // The next day: another engine, and nothing but what was written down.
    site.kill_engine();
    site.start_engine();
    let shown = out(&site, &["alert", "show", &id]);
    let line = |label: &str| {
        let found = shown.lines().find(|line| line.starts_with(label));
        found.unwrap_or_else(|| panic!("no {label:?} in {shown}"))[label.len()..].trim().to_owned()
    };
    assert_eq!(
        (line("source"), line("status"), line("cause")),
        ("agent a2".into(), "resolved".into(), "silent-agent".into())
    );
    assert!(
        line("figure").contains("s where 2s is the limit, ") && line("figure").ends_with("agent_silence_seconds"),
        "{shown}"
    );
    assert!(line("looks at").contains("menagerie_agent_silence_seconds"), "{shown}");
    assert_eq!((line("action"), line("notes")), ("cancelled its task".into(), "it waited for a prompt".into()));
    assert!(!line("raised").is_empty() && !line("resolved ").is_empty() && !line("resolved by").is_empty(), "{shown}");
    let events = out(&site, &["event", "list", "--source", "agent a2"]);
    assert!(events.contains(message), "{events}");
    let user = line("resolved by");
    let end = format!("over: {message}; resolved by {user}; cancelled its task; it waited for a prompt");
    assert!(events.contains(&end), "no {end:?} in {events}");
}
