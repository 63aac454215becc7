//! Cages whose paths are not there, or that cannot be set up.

use serde_json::Value;

use super::site::Site;

/// Status, standard output and standard error of a finished command.
fn run(site: &Site, arguments: &[&str]) -> (i32, String, String) {
    let output = site.command(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Declares cage 001, which may read a path, and an agent in it. Gives what was said on standard error.
fn apply(site: &Site, path: &str) -> String {
    let fleet = site.folder().join("fleet.toml");
    let text = format!(
        "[[cage]]\nid = \"001\"\nread = [\"{path}\"]\n\
         [[agent]]\nname = \"a1\"\ncapabilities = [\"shell\"]\ncage = \"001\"\n"
    );
    std::fs::write(&fleet, text).unwrap();
    let (status, _, err) = run(site, &["apply", fleet.to_str().unwrap()]);
    assert_eq!(status, 0, "{err}");
    err
}

#[test]
fn a_path_that_is_not_there_is_warned_of_and_given_once_it_is() {
    let mut site = Site::new();
    site.start_engine();
    let source = site.folder().join("source");
    let path = source.to_str().unwrap();
    let warned = apply(&site, path);
    assert!(warned.contains(&format!("warning: cage 001: read: \"{path}\" is not there")), "{warned}");
    // The cage works without it and says so.
    let (status, out, err) = run(&site, &["run", "--wait", "--", "echo", "hello"]);
    assert_eq!((status, out.as_str()), (0, "hello\n"), "{err}");
    let absent = |site: &Site| {
        let shown = run(site, &["cage", "show", "001", "-o", "json"]).1;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let entries = shown["enforcement"].as_array().unwrap().clone();
        entries.into_iter().find(|entry| entry["limit"] == format!("read {path}"))
    };
    let entry = absent(&site).unwrap();
    assert_eq!(entry["enforcement"], "absent", "{entry}");
    assert!(entry["by"].as_str().unwrap().contains("no such file or folder"), "{entry}");
    // What comes to be there is found without a new declaration.
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("file"), "found\n").unwrap();
    let (status, out, err) = run(&site, &["run", "--wait", "--", "cat", source.join("file").to_str().unwrap()]);
    assert_eq!((status, out.as_str()), (0, "found\n"), "{err}");
    site.wait_for("the path not to be called absent", |site| absent(site).is_none());
    assert_eq!(apply(&site, path), "", "nothing to warn of any more");
}

#[test]
fn a_cage_that_cannot_be_set_up_says_so_everywhere_and_is_not_its_agents_fault() {
    let mut site = Site::new();
    site.start_engine();
    // A link to where no cage may look is only found when the cage is set up.
    let link = site.folder().join("link");
    std::os::unix::fs::symlink(site.data_dir(), &link).unwrap();
    apply(&site, link.to_str().unwrap());
    let id = site.run_one(&["echo", "hello"]);
    let fault = |site: &Site| {
        let shown: Value = serde_json::from_str(&run(site, &["cage", "show", "001", "-o", "json"]).1).unwrap();
        shown["fault"]["reason"].as_str().map(str::to_owned)
    };
    site.wait_for("the cage to be found faulty", |site| fault(site).is_some());
    let cases: [(&[&str], &[&str]); 3] = [
        (&["cage", "show", "001"], &["cannot be set up", "data directory", "never set up"]),
        (&["cage", "list"], &["faulty"]),
        (&["status"], &["1 cage cannot be set up: 001", "menagerie cage show 001"]),
    ];
    for (arguments, words) in cases {
        let shown = run(&site, arguments).1;
        for word in words {
            assert!(shown.contains(word), "{arguments:?}: no \"{word}\" in {shown}");
        }
    }
    let agent: Value = serde_json::from_str(&run(&site, &["agent", "show", "a1", "-o", "json"]).1).unwrap();
    assert_eq!(agent["counters"]["total_executions"], 0, "it has done nothing: {agent}");
    assert_eq!(run(&site, &["task", "cancel", &id]).0, 0);
}

#[test]
fn several_cages_are_withheld_together_or_not_at_all() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 1);
    let (status, _, err) = run(&site, &["cage", "maintenance", "001", "077"]);
    assert!(status == 2 && err.contains("cage \"077\" does not exist"), "{status}: {err}");
    let cages = run(&site, &["cage", "list", "-o", "json"]).1;
    assert!(!cages.contains("maintenance\""), "{cages}");
}

#[test]
fn an_array_has_no_output_of_its_own_and_says_so() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let (status, out, err) = run(&site, &["run", "--array", "1-2", "--", "echo", "hello"]);
    assert_eq!(status, 0, "{err}");
    let id = out.trim().to_owned();
    site.wait_until_done();
    let (status, out, err) = run(&site, &["task", "logs", &id]);
    assert_eq!((status, out.as_str()), (2, ""), "{err}");
    let listed = err.split_once("menagerie ").unwrap().1.split_once(" lists them").unwrap().0;
    let arguments: Vec<&str> = listed.split(' ').chain(["-o", "json"]).collect();
    let listed: Value = serde_json::from_str(&run(&site, &arguments).1).unwrap();
    let elements = listed.as_array().unwrap();
    assert_eq!(elements.len(), 2, "{listed}");
    let logs = run(&site, &["task", "logs", elements[0]["id"].as_str().unwrap()]);
    assert_eq!(logs, (0, "hello\n".to_owned(), String::new()));
}

#[test]
fn negative_spans_are_named_with_their_option() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let seq = site.status().unwrap().seq;
    for (option, value) in [("--timeout", "-3s"), ("--deadline", "-1h"), ("--memory", "-5MiB"), ("--array", "5-1")] {
        let (status, _, err) = run(&site, &["run", option, value, "--", "true"]);
        assert_eq!(status, 2, "{option}: {err}");
        assert!(err.contains(option) && err.contains(value) && err.contains("allowed: "), "{option}: {err}");
    }
    assert_eq!(site.status().unwrap().seq, seq);
}
