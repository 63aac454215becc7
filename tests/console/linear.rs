//! `--linear`: the same triage in numbered plain lines, for whoever hears the screen instead of seeing it.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use super::desk::{Desk, make};

/// What it says to these lines.
fn says(desk: &Desk, words: &[&str], lines: &str) -> String {
    let mut command = desk.site.command(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
    assert!(!said.contains(['│', '─', '╭', '▶', '●']), "nothing that a screen reader stumbles over: {said}");
    said
}

/// The number that a listing gave to what has `words` in its line.
fn number_of(said: &str, words: &str) -> String {
    let line = said.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {said}"));
    line.split_once(". ").unwrap().0.to_owned()
}

#[test]
fn listed_opened_judged_and_taken_back() {
    let mut desk = Desk::new();
    let state = |title: &str| desk.review(title).0;
    let said = says(&desk, &["--linear"], "");
    assert!(said.starts_with("tasks: 1 running, 1 queued, 1 failed, 4 done.\nagents: 1 at work, "), "{said}");
    assert!(
        said.contains("\nhealth: ") && said.contains("\n7 wait for you, ") && said.ends_with("\n(end)\n"),
        "{said}"
    );
    let (first, second, third) =
        (number_of(&said, "first.md"), number_of(&said, "second.md"), number_of(&said, "third.md"));
    let alert = number_of(&said, "exit status 7");

    let before = desk.seq();
    let wrong = [
        ("a", "say a number"),
        ("a 0", "there is no number 0"),
        ("a 99", "there is no number 99"),
        ("a -1", "say a number"),
        ("x first", "say a number"),
        (&*format!("x {first}"), "say why"),
        (&*format!("s {first} soon"), "\"soon\" is no time"),
        (&*format!("k {first}"), "that is no alert"),
        (&*format!("a {alert}"), "that is an alert"),
        (&*format!("t {alert}"), "that is no failed task"),
        ("u", "nothing was changed"),
        ("fly", "fly is no command"),
        ("a 99999999999999999999999", "say a number"),
    ];
    for (line, answer) in wrong {
        let said = says(&desk, &["--linear"], &format!("{line}\n"));
        assert!(said.contains(answer), "{line}: {said}");
    }
    assert_eq!(desk.seq(), before, "nothing of that changed anything");

    let opened = says(&desk, &["--linear"], &format!("o {second}\n"));
    assert!(opened.contains("All is well in second.md.") && opened.ends_with("(end)\n"), "{opened}");

    let said =
        says(&desk, &["--linear"], &format!("a {first} {third}\nx {second} not\u{7} good enough\nq\nk {alert}\n"));
    assert!(
        said.contains("\napproved first.md, third.md. u takes it back, not what it set going.\n")
            && said.contains("\nrejected second.md. u takes it back.\n"),
        "{said}"
    );
    assert_eq!((state("first.md"), state("third.md")), ("approved".into(), "approved".into()));
    let (state_of_second, note) = desk.review("second.md");
    assert_eq!(state_of_second, "rejected");
    assert!(note.unwrap().ends_with("good enough"));
    let state_of_alert = |status: &str| {
        let query = vec![("filter".to_owned(), format!("status:{status}"))];
        desk.site.client().unwrap().list::<serde_json::Value>("alerts", &query).unwrap().1
    };
    assert_eq!(state_of_alert("active"), 1, "what comes after q is not done");

    // What was judged is no longer listed; a change is taken back in the session that made it.
    let said = says(&desk, &["--linear"], "l\n");
    assert!(said.contains("\n4 wait for you") && !said.contains("first.md"), "{said}");
    let north = number_of(&said, "north.md");
    let said = says(&desk, &["--linear"], &format!("a {north}\nu\nu\nl\n"));
    assert!(
        said.contains("taken back: approved north.md.")
            && said.contains("nothing was changed that could be taken back"),
        "{said}"
    );
    assert_eq!(state("north.md"), "pending");
    assert_eq!(number_of(&said, "north.md"), north, "it is back where it was: {said}");

    let alert = number_of(&said, "exit status 7");
    let before = desk.seq();
    let said = says(&desk, &["--linear", "--read-only"], &format!("a {north}\nk {alert} mine\nu\n"));
    assert!(said.contains("nothing is changed: this was started with --read-only"), "{said}");
    assert_eq!(desk.seq(), before);
    says(&desk, &["--linear"], &format!("k {alert} mine\n"));
    assert_eq!((state_of_alert("active"), state_of_alert("acknowledged")), (0, 1));

    // However much waits, what is said at once can be listened to.
    let names: Vec<String> = (0..30).map(|number| format!("many-{number:02}.md")).collect();
    desk.submits("many", &make(&names.iter().map(String::as_str).collect::<Vec<_>>()), &json!({}));
    desk.site.wait_for("all thirty", |site| site.status().is_some_and(|status| status.artifacts.pending == 33));
    let lines = |said: &str| said.lines().filter(|line| line.contains("many-")).count();
    let said = says(&desk, &["--linear"], "");
    assert!(said.ends_with(" more lines; type more)\n") && lines(&said) < 20, "{said}");
    let said = says(&desk, &["--linear"], "more\nm\ni\n");
    assert_eq!(lines(&said), 30, "{said}");
    assert_eq!(said.matches("tasks: 1 running").count(), 2, "{said}");
}
