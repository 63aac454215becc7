//! A receiver of alerts that does not take them is itself an alert, until it does.

use menagerie::domain::Severity;

use super::listener::Listener;
use super::ops::{alerts, apply, cleared, fired, out, started};
use super::site::Site;

/// Something that raises an alert of its own: a task that fails for good.
fn fail(site: &Site) {
    out(site, &["run", "--max-attempts", "1", "--", "false"]);
}

#[test]
fn a_receiver_that_answers_500_or_hangs_is_told_of_and_told_everything_once_it_is_well() {
    for broken in [500, 0] {
        let hook = Listener::start();
        hook.answer(broken);
        let mut site = started(&format!(
            "[[alert.receiver]]\nname = \"hook\"\nurl = \"http://{}/x\"\ntimeout = \"300ms\"\n",
            hook.address
        ));
        apply(&site, 1, "memory = \"64MiB\"", "");
        fail(&site);
        let alert = fired(&mut site, "delivery failed", Severity::Error);
        assert_eq!(alert.source, "delivery hook");
        let why = if broken == 500 { "answered 500" } else { "did not answer within 300ms" };
        assert!(alert.message.contains(why), "{}", alert.message);
        let health = site.status().unwrap().health;
        let part = health.iter().find(|part| part.component == "alert delivery").unwrap();
        assert!(part.reason.contains(why) && !part.remedy.is_empty() && part.since.is_some(), "{part:?}");
        // A part that has failed is in the exit status, and nothing else is held up by it.
        assert_eq!(site.command(&["status"]).output().unwrap().status.code(), Some(4));
        let first = alerts(&site, "task failed").remove(0).id.to_string();
        out(&site, &["alert", "resolve", &first]);
        fail(&site);
        site.wait_for("the second failure to be another alert", |site| alerts(site, "task failed").len() == 2);
        assert!(hook.taken().is_empty());
        hook.answer(200);
        cleared(&mut site, "delivery failed");
        site.wait_for("everything to be told", |_| hook.taken().len() >= 3);
        let told = hook.taken();
        assert!(told.iter().all(|told| told.body["alert"]["context"]["trigger"] == "task failed"), "{told:?}");
        let events: Vec<_> = told.iter().map(|told| told.body["event"].clone()).collect();
        assert_eq!(events, ["raised", "resolved", "raised"], "in their order, each once, and nothing about itself");
        assert_eq!(site.command(&["status"]).output().unwrap().status.code(), Some(0));
    }
}

#[test]
fn what_an_engine_did_not_get_to_tell_the_next_one_tells_once() {
    let hook = Listener::start();
    hook.answer(500);
    let mut site = started(&format!("[[alert.receiver]]\nname = \"hook\"\nurl = \"http://{}/x\"\n", hook.address));
    apply(&site, 1, "memory = \"64MiB\"", "");
    fail(&site);
    let alert = fired(&mut site, "task failed", Severity::Warning);
    let told = |hook: &Listener| {
        let taken = hook.taken().into_iter();
        taken.map(|it| (it.body["event"].clone(), it.body["alert"]["id"].clone())).collect::<Vec<_>>()
    };
    site.kill_engine();
    hook.answer(200);
    site.start_engine();
    site.wait_for("the alert to be told", |_| !hook.taken().is_empty());
    let id = serde_json::json!(alert.id);
    assert_eq!(told(&hook), [("raised".into(), id.clone())]);
    hook.answer(500);
    out(&site, &["alert", "resolve", &alert.id.to_string()]);
    site.kill_engine();
    hook.answer(200);
    site.start_engine();
    site.wait_for("its end to be told", |_| hook.taken().len() == 2);
    assert_eq!(told(&hook)[1], ("resolved".into(), id.clone()));
    // Nothing is left to tell: the next notice is that of something new.
    site.kill_engine();
    site.start_engine();
    fail(&site);
    // What a receiver took in the moment of a kill it may hear again; then it is the same.
    site.wait_for("another alert to be told", |_| told(&hook).iter().any(|it| it.0 == "raised" && it.1 != id));
    let again = told(&hook).into_iter().skip(2).filter(|it| it.1 == id);
    assert!(again.clone().all(|it| it.0 == "resolved") && again.count() <= 1, "{:?}", told(&hook));
}
