//! How the engine says it is: since when, whether or not anybody has asked, and to those who scrape it.

use menagerie::api::live::HealthReport;
use menagerie::domain::Timestamp;

use super::ops::{apply, go, out, started};
use super::site::Site;

fn report(site: &Site) -> HealthReport {
    site.client().unwrap().get("/health", &vec![]).unwrap()
}

fn since(report: &HealthReport, component: &str) -> Timestamp {
    let part = report.components.iter().find(|part| part.component == component).unwrap();
    part.since.unwrap()
}

/// The time by this machine's clock, which is the engine's.
fn now() -> Timestamp {
    let passed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(passed.as_micros()).unwrap())
}

#[test]
fn it_is_known_since_when_a_part_is_not_well_though_nobody_has_asked() {
    let mut site = started("");
    let fleet = "[defaults]\nbreaker = { failures = 1, cooldown = \"1h\" }\n\
        [[cage]]\nid = \"9\"\n[[agent]]\nname = \"own\"\ncage = \"9\"\nruntime = { type = \"command\", command = [\"false\"] }\n";
    apply(&site, 1, "memory = \"64MiB\"", fleet);
    let begun = site.status().unwrap().started_at;
    out(&site, &["task", "submit", "x", "--max-attempts", "1", "--agent", "own"]);
    // Nobody asks for the health of anything until the log has it.
    let log = site.folder().join("engine.log");
    site.wait_for("the agent that was paused to be seen", |_| {
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        log.lines().any(|line| line.contains("not well") && line.contains("agents") && line.contains("paused"))
    });
    let seen = now();
    let found = report(&site);
    let agents = since(&found, "agents");
    assert!(begun < agents && agents <= seen, "{begun} {agents} {seen}: {found:?}");
    assert_eq!(since(&found, "store"), begun, "what was so from the start is so from then on");
    let status = site.command(&["status"]).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(status.contains(&format!("since {agents} (")), "{status}");
    // Whoever scrapes it sees the same, and how many alerts are open.
    let scraped = site.client().unwrap().get_bytes("/metrics", &vec![]).unwrap();
    let scraped = String::from_utf8_lossy(&scraped);
    for line in [
        "menagerie_health{component=\"agents\",state=\"degraded\"} 1",
        "menagerie_health{component=\"agents\",state=\"ok\"} 0",
        "menagerie_health{component=\"alert delivery\",state=\"ok\"} 1",
        "menagerie_alerts{severity=\"critical\",status=\"active\"} 0",
    ] {
        assert!(scraped.lines().any(|it| it == line), "no {line} in {scraped}");
    }
    let open: usize = scraped
        .lines()
        .filter(|line| line.starts_with("menagerie_alerts{") && line.contains("status=\"active\""))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap())
        .sum();
    let waiting: Vec<serde_json::Value> = serde_json::from_str(&out(&site, &["alert", "list", "-o", "json"])).unwrap();
    assert!(open > 0 && waiting.len() == open, "{open} of {waiting:?}");
    // That it is well again is dated by the same looks.
    out(&site, &["agent", "resume", "own"]);
    site.wait_for("the agent to be well again", |_| {
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        log.lines().any(|line| line.contains("well again") && line.contains("agents"))
    });
    let (well, seen) = (since(&report(&site), "agents"), now());
    assert!(agents < well && well <= seen, "{agents} {well} {seen}");
}

#[test]
fn a_question_about_metrics_that_nothing_answers_says_why() {
    let mut site = started("");
    apply(&site, 1, "memory = \"64MiB\"", "");
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done", go(&site).display());
    site.run_one(&["sh", "-c", &script]);
    site.wait_for("tasks to be counted", |site| {
        site.command(&["metric", "query", "menagerie_tasks"]).output().is_ok_and(|output| output.status.success())
    });
    for verb in ["query", "export"] {
        let refused = site.refusal_of(&["metric", verb, "menagerie_tasks{stats=\"pending\"}"]);
        assert!(refused.contains("did you mean \"status\"?"), "{verb}: {refused}");
        let refused = site.refusal_of(&["metric", verb, "menagerie_nonsense"]);
        assert!(refused.contains("does not exist") && !refused.contains("did you mean"), "{verb}: {refused}");
        for (series, says) in [
            (
                "menagerie_tasks{status=\"pendin\"}",
                "no series of menagerie_tasks has \"pendin\" for status; there are ",
            ),
            ("menagerie_tasks{status=\"pendin\"}", "did you mean \"pending\"?"),
        ] {
            let output = site.command(&["metric", verb, series]).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success() && said.contains(says), "{verb} {series}: {said}");
        }
        let output =
            site.command(&["metric", verb, "menagerie_tasks", "--from", "-2h", "--to", "-1h"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.success() && said.contains("nothing was measured of menagerie_tasks from "),
            "{verb}: {said}"
        );
    }
    let refused = site.refusal_of(&["metric", "query", "menagerie_tasks", "--aggregate", "sum", "--by", "stat"]);
    assert!(refused.contains("label of menagerie_tasks: \"stat\""), "{refused}");
    assert!(out(&site, &["metric", "stats"]).contains("since the engine started"));
    std::fs::write(go(&site), "").unwrap();
}
