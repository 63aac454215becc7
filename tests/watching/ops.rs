//! What the tests here do again and again.

use std::fmt::Write as _;
use std::path::PathBuf;

use menagerie::domain::{Alert, AlertStatus, Severity};

use super::site::Site;

/// What rules look at is measured so often, that nobody has to wait for it.
const CONFIG: &str = "[engine]\nmeasure_every = \"100ms\"\nno_data_grace = \"0s\"\n";

/// A site with more in its configuration, and its engine.
pub fn started(more: &str) -> Site {
    let mut site = unstarted(more);
    site.start_engine();
    site
}

/// The same before its engine is started.
pub fn unstarted(more: &str) -> Site {
    let site = Site::new();
    let folder = site.folder().join("config/menagerie");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), format!("{CONFIG}{more}")).unwrap();
    site
}

/// What a verb prints; it has to succeed.
pub fn out(site: &Site, arguments: &[&str]) -> String {
    let output = site.command(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Declares cages with an agent `a1`, `a2` ... of two slots each, and whatever else a fleet file may have.
pub fn apply(site: &Site, cages: u32, limits: &str, rules: &str) {
    let marks = site.marks_dir();
    let mut text = rules.to_owned();
    for number in 1..=cages {
        let _ = write!(
            text,
            "\n[[cage]]\nid = \"{number}\"\nlimits = {{ {limits} }}\nwrite = [\"{}\"]\n\
             [[agent]]\nname = \"a{number}\"\ncapabilities = [\"shell\"]\ncage = \"{number}\"\nconcurrency = 2\n",
            marks.display()
        );
    }
    declare(site, &text);
}

/// Declares what a fleet file says.
pub fn declare(site: &Site, text: &str) {
    let fleet = site.folder().join("fleet.toml");
    std::fs::write(&fleet, text).unwrap();
    out(site, &["apply", fleet.to_str().unwrap()]);
}

/// A file whose appearance lets something go on.
pub fn go(site: &Site) -> PathBuf {
    site.marks_dir().join("go")
}

/// Every alert that there ever was of a trigger.
pub fn alerts(site: &Site, trigger: &str) -> Vec<Alert> {
    let query = vec![("limit".to_owned(), "1000".to_owned())];
    let alerts = site.client().and_then(|client| client.list::<Alert>("alerts", &query).ok()).unwrap_or_default().0;
    alerts.into_iter().filter(|alert| alert.context.trigger == trigger).collect()
}

/// Waits until a rule has fired at a severity, and gives the one alert that it has raised.
pub fn fired(site: &mut Site, trigger: &str, severity: Severity) -> Alert {
    site.wait_for(&format!("{trigger} to fire"), |site| {
        alerts(site, trigger).iter().any(|alert| alert.severity == severity && alert.status == AlertStatus::Active)
    });
    let mut all = alerts(site, trigger);
    assert_eq!(all.len(), 1, "one cause is one alert: {all:?}");
    let alert = all.remove(0);
    let remedy = alert.context.remedy.as_deref().unwrap_or_default();
    assert!(!remedy.is_empty() && !alert.message.contains('{'), "it says what to do: {alert:?}");
    alert
}

/// Waits until the alert of a rule is over by itself; there must never have been another.
pub fn cleared(site: &mut Site, trigger: &str) -> Alert {
    site.wait_for(&format!("the alert of {trigger} to be over"), |site| {
        alerts(site, trigger).iter().all(|alert| alert.status == AlertStatus::Resolved)
    });
    let mut all = alerts(site, trigger);
    assert_eq!(all.len(), 1, "one cause was one alert: {all:?}");
    let alert = all.remove(0);
    let resolution = alert.resolution.clone().unwrap();
    assert!(resolution.by.is_none() && resolution.action.unwrap().starts_with("cleared by itself"), "{alert:?}");
    alert
}
