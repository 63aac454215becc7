//! Agents that do what they should not: each raises one alert that names cause and remedy, and that clears.

use menagerie::domain::alert_trial::Firing;
use menagerie::domain::{Severity, TaskStatus};

use super::ops::{alerts, apply, cleared, declare, fired, go, out, started};
use super::site::Site;

/// Rules that do not wait for long.
const RULES: &str = r#"
[[alert_rule]]
name = "cage-memory"
warning = "70%"
for = "1s"
window = "2s"
[[alert_rule]]
name = "looping-agent"
window = "2s"
for = "1s"
critical = "100%"
comparison = ">="
[[alert_rule]]
name = "silent-agent"
warning = "3s"
critical = "1h"
window = "2s"
"#;

#[test]
fn an_agent_that_eats_memory_raises_one_alert_that_is_over_when_it_ends() {
    let mut site = started("");
    apply(&site, 1, "memory = \"64MiB\"", RULES);
    let script = format!("vec($x,52428799,8)=1; select(undef,undef,undef,0.05) until -e '{}'", go(&site).display());
    let id = site.run_one(&["perl", "-e", &script]);
    let alert = fired(&mut site, "cage-memory", Severity::Warning);
    assert_eq!(alert.source, "cage 001");
    assert!(alert.message.starts_with("cage 001 uses ") && alert.message.contains('%'), "{}", alert.message);
    assert!(alert.context.remedy.as_ref().unwrap().contains("limits.memory"), "{alert:?}");
    assert_eq!(alert.context.threshold, Some(0.7));
    assert!(alert.context.value.is_some_and(|value| value > 0.7), "{alert:?}");
    std::fs::write(go(&site), "").unwrap();
    site.wait_for_status(&id, TaskStatus::Completed);
    cleared(&mut site, "cage-memory");
}

#[test]
fn a_leak_that_the_kernel_ends_is_one_open_alert_until_the_cage_has_completed_a_task() {
    let mut site = started("");
    apply(&site, 1, "memory = \"64MiB\"", RULES);
    let script = format!(
        "vec($x,52428799,8)=1; select(undef,undef,undef,0.05) until -e '{}'; vec($y,209715199,8)=1; sleep 1000",
        go(&site).display()
    );
    let printed = out(&site, &["run", "--max-attempts", "1", "-o", "json", "--", "perl", "-e", &script]);
    let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let id = value.get(0).unwrap_or(&value)["id"].as_str().unwrap().to_owned();
    fired(&mut site, "cage-memory", Severity::Warning);
    std::fs::write(go(&site), "").unwrap();
    let broken = fired(&mut site, "limit exceeded: memory", Severity::Warning);
    site.wait_for_status(&id, TaskStatus::Failed);
    assert_eq!(broken.source, "cage 001");
    assert!(broken.message.starts_with("agent a1 broke the memory limit of cage 001 with task "), "{}", broken.message);
    assert!(broken.context.remedy.as_ref().unwrap().contains("limits.memory"), "{broken:?}");
    cleared(&mut site, "cage-memory");
    for place in [&["inbox", "list"][..], &["cage", "show", "1"], &["status"]] {
        let shown = site.command(place).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains("broke the memory limit of cage 001"), "{place:?}: {shown}");
    }
    out(&site, &["run", "--wait", "--", "true"]);
    cleared(&mut site, "limit exceeded: memory");
}

#[test]
fn an_agent_that_repeats_itself_and_one_that_goes_silent_raise_one_alert_each() {
    let mut site = started("");
    apply(&site, 3, "memory = \"64MiB\"", RULES);
    let run = |cage: &str, script: &str| {
        let printed = out(&site, &["run", "--cage", cage, "-o", "json", "--", "sh", "-c", script]);
        let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
        value.get(0).unwrap_or(&value)["id"].as_str().unwrap().to_owned()
    };
    let loops = run("1", "while :; do echo the same line; sleep 0.02; done");
    let silent = run("2", "echo begun; sleep 1000");
    // One that does neither must not be taken for either.
    let lines = "i=0; while :; do i=$((i+1)); \
        case $((i % 4)) in 0) w=alpha;; 1) w=beta;; 2) w=gamma;; *) w=delta;; esac; \
        head -c 9 /dev/urandom | od -An -tx1 | tr '0-9 ' 'g-p_' | sed \"s/$/$w/\"; sleep 0.05; done";
    let fine = run("3", lines);
    let looping = fired(&mut site, "looping-agent", Severity::Critical);
    assert_eq!(looping.source, "agent a1");
    assert!(looping.message.starts_with("agent a1 repeats itself: 100 %"), "{}", looping.message);
    let quiet = fired(&mut site, "silent-agent", Severity::Warning);
    assert_eq!(quiet.source, "agent a2");
    assert!(quiet.message.starts_with("agent a2 has written nothing for "), "{}", quiet.message);
    // Each says which attempt of which task it is and where, and how it is ended.
    for (alert, task, cage) in [(&looping, &loops, "001"), (&quiet, &silent, "002")] {
        assert!(alert.message.ends_with(&format!("in cage {cage} with task {task}")), "{}", alert.message);
        let remedy = alert.context.remedy.as_deref().unwrap();
        assert!(remedy.contains(&format!("menagerie task cancel {task}")), "{remedy}");
        let shown = out(&site, &["alert", "show", &alert.id.to_string()]);
        assert!(shown.contains(&format!("of task {task} by agent {} in cage {cage}", &alert.source[6..])), "{shown}");
    }
    assert_eq!((alerts(&site, "looping-agent").len(), alerts(&site, "silent-agent").len()), (1, 1));
    out(&site, &["task", "cancel", &loops, &silent, &fine]);
    let mut ended = vec![cleared(&mut site, "looping-agent")];
    ended.push(cleared(&mut site, "silent-agent"));
    // Tried on the same past, the rules come to the same: one firing each, over with the work.
    for alert in ended {
        let rule = &alert.context.trigger;
        let tried = |site: &Site| -> Vec<Firing> {
            serde_json::from_str(&out(site, &["alert", "rule", "test", rule, "--since", "1h", "-o", "json"])).unwrap()
        };
        site.wait_for("what was measured to be there", |site| !tried(site).is_empty());
        let firings = tried(&site);
        let [firing] = &firings[..] else { panic!("{rule}: {firings:?}") };
        assert_eq!(firing.subject.to_string(), alert.source);
        let over = alert.resolution.unwrap().time;
        assert!(
            firing.until.is_some_and(|until| until <= over),
            "{rule}: {firing:?}, while in earnest it was over at {over}"
        );
    }
}

#[test]
fn what_agents_report_of_tokens_and_cost_raises_alerts() {
    let mut site = started("");
    let rules = "[[alert_rule]]\nname = \"cage-tokens\"\nwindow = \"2s\"\n[[alert_rule]]\nname = \"cost-burn\"\nwindow = \"2s\"\n";
    apply(&site, 1, "tokens = \"1000/m\"", rules);
    let script = format!(
        "echo '{{\"type\":\"tokens\",\"used\":900,\"cost\":20.5}}'; while [ ! -e {} ]; do sleep 0.05; done",
        go(&site).display()
    );
    let id = site.run_one(&["sh", "-c", &script]);
    let tokens = fired(&mut site, "cage-tokens", Severity::Warning);
    assert_eq!((tokens.source.as_str(), tokens.context.value), ("cage 001", Some(0.9)));
    let cost = fired(&mut site, "cost-burn", Severity::Warning);
    assert_eq!((cost.source.as_str(), cost.context.value), ("fleet", Some(20.5)));
    assert!(cost.message.contains("$20.5"), "{}", cost.message);
    std::fs::write(go(&site), "").unwrap();
    site.wait_for_status(&id, TaskStatus::Completed);
    cleared(&mut site, "cage-tokens");
    // An hour is not waited for: what is dear is said anew.
    declare(&site, "[[alert_rule]]\nname = \"cost-burn\"\nwarning = \"$30\"\n");
    cleared(&mut site, "cost-burn");
}

#[test]
fn an_agent_that_fails_again_and_again_is_unwell_until_it_succeeds() {
    let mut site = started("");
    let test = format!("test -e {}", go(&site).display());
    let rules = format!(
        "[defaults.breaker]\nfailures = 5\n[[alert_rule]]\nname = \"agent-health\"\nwindow = \"2s\"\ncritical = \"1%\"\n\
         [[cage]]\nid = \"9\"\nwrite = [\"{}\"]\n\
         [[agent]]\nname = \"own\"\ncage = \"9\"\nruntime = {{ type = \"command\", command = [\"sh\", \"-c\", \"{test}\"] }}\n",
        site.marks_dir().display()
    );
    apply(&site, 0, "", &rules);
    let submit = || out(&site, &["task", "submit", "x", "--max-attempts", "1", "--agent", "own"]);
    for _ in 0..3 {
        submit();
    }
    let alert = fired(&mut site, "agent-health", Severity::Warning);
    assert_eq!((alert.source.as_str(), alert.context.threshold), ("agent own", Some(0.4)));
    std::fs::write(go(&site), "").unwrap();
    out(&site, &["task", "submit", "x", "--max-attempts", "1", "--agent", "own"]);
    let over = cleared(&mut site, "agent-health").resolution.unwrap().action.unwrap();
    assert_eq!(over, "cleared by itself: menagerie_agent_health_ratio is 100 %", "and not for want of figures");
}
