//! Rules and silences that can do nothing: what is certainly wrong is refused with what was meant, what merely has nothing to
//! look at now is taken with a word about it.

use menagerie::domain::Severity;

use super::ops::{apply, fired, out, started};
use super::site::Site;

/// Exit status, standard output and standard error of a verb.
fn tried(site: &Site, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = site.command(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn rules_that_can_never_fire_are_refused_and_those_that_have_nothing_to_look_at_warned_of() {
    let site = started("");
    apply(&site, 1, "memory = \"64MiB\"", "");
    let add = |more: &[&str]| {
        let mut words =
            vec!["alert", "rule", "add", "x", "--metric", "menagerie_node_cpu_usage_ratio", "--critical", "90%"];
        words.extend(more);
        tried(&site, &words)
    };
    for (more, says) in [
        (&["--scope", "cage"][..], "has the labels node"),
        (&["--scope", "node", "--label", "nod=here"], "did you mean \"node\"?"),
        (&["--scope", "node", "--inhibited-by", "node-lost"], "did you mean \"node lost\"?"),
        (&["--scope", "node", "--inhibited-by", "node-cpuu"], "did you mean \"node-cpu\"?"),
        (&["--scope", "node", "--inhibited-by", "limit exceeded: memry"], "did you mean \"limit exceeded: memory\"?"),
    ] {
        let (code, printed, refused) = add(more);
        assert!(code == Some(2) && refused.contains(says), "{more:?}: {code:?} {printed} {refused}");
        let (code, _, refused) = tried(
            &site,
            &[&["alert", "rule", "test", "x", "--metric", "menagerie_node_cpu_usage_ratio", "--critical", "90%"], more]
                .concat(),
        );
        assert!(code == Some(2) && refused.contains(says), "{more:?}: {refused}");
    }
    let (code, printed, warned) = add(&["--scope", "node", "--label", "node=elsewhere", "-o", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, rows[0]["done"].as_bool()), (Some(0), Some(true)), "it is taken: {warned}");
    let warning = rows[0]["warning"].as_str().unwrap();
    assert!(warning.contains("no series with node=elsewhere"), "{warning}");
    assert!(warned.starts_with("warning: ") && warned.contains(warning), "{warned}");
    // One that leaves alone what it looks at is none of that.
    let (code, _, warned) = tried(&site, &["alert", "rule", "add", "queue-wait", "--warning", "20m"]);
    assert_eq!((code, warned.as_str()), (Some(0), ""));
    // The fleet file says it as well, and of rules that are declared together none is unknown.
    let fleet = site.folder().join("rules.toml");
    let rule = |name: &str, by: &str| {
        format!(
            "[[alert_rule]]\nname = \"{name}\"\nmetric = \"menagerie_fleet_cost_hour_dollars\"\ncritical = \"$9\"\ninhibited_by = [\"{by}\"]\n"
        )
    };
    std::fs::write(&fleet, format!("{}{}", rule("one", "two"), rule("two", "cost-burn"))).unwrap();
    let (code, _, warned) = tried(&site, &["apply", fleet.to_str().unwrap()]);
    assert!(code == Some(0) && warned.contains("alert rule one: menagerie_fleet_cost_hour_dollars"), "{warned}");
    std::fs::write(&fleet, rule("three", "cost-bern")).unwrap();
    let (code, _, refused) = tried(&site, &["apply", fleet.to_str().unwrap()]);
    assert!(code != Some(0) && refused.contains("did you mean \"cost-burn\"?"), "{refused}");
    let shown = out(&site, &["alert", "rule", "show", "error-rate"]);
    assert!(shown.contains("none before ten have"), "{shown}");
}

#[test]
fn silences_of_no_rule_are_refused_and_what_is_silenced_says_so() {
    let mut site = started("");
    let rules = "[[alert_rule]]\nname = \"silent-agent\"\nwarning = \"1s\"\ncritical = \"1h\"\n";
    apply(&site, 1, "memory = \"64MiB\"", rules);
    let silence = |more: &[&str]| tried(&site, &[&["alert", "silence", "--until", "1h"], more].concat());
    let (code, _, refused) = silence(&["--rule", "silent-agnet"]);
    assert!(code == Some(2) && refused.contains("did you mean \"silent-agent\"?"), "{refused}");
    let (code, _, warned) = silence(&["--rule", "zz*"]);
    assert!(code == Some(0) && warned.contains("no rule and no trigger fits zz*"), "{warned}");
    let (code, printed, warned) = silence(&["--source", "cage 01", "-o", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(code, Some(0), "cages come and go");
    assert!(rows[0]["warning"].as_str().unwrap().contains("did you mean \"cage 001\"?"), "{printed}");
    assert!(warned.contains("nothing that there is now is called cage 01"), "{warned}");
    assert_eq!(silence(&["--source", "cage 0*"]).2, "");
    // One whose time has passed is listed only if asked for.
    out(&site, &["alert", "silence", "--until", "1s", "--rule", "cost-burn", "--note", "short one"]);
    site.wait_for("the silence to be over", |site| !out(site, &["alert", "silences"]).contains("short one"));
    assert!(out(&site, &["alert", "silences", "--all"]).contains("short one"));
    let task = site.run_one(&["sleep", "1000"]);
    let alert = fired(&mut site, "silent-agent", Severity::Warning);
    assert!(!out(&site, &["alert", "list"]).contains("silenced"));
    out(&site, &["alert", "silence", "--until", "1h", &alert.id.to_string()]);
    let listed = out(&site, &["alert", "list"]);
    assert!(listed.contains("active, silenced for "), "{listed}");
    out(&site, &["task", "cancel", &task]);
}
