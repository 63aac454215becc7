//! Ids as people type them: whole, or as much as tells them apart.

use super::site::Site;

#[test]
fn an_ambiguous_prefix_is_refused_with_its_candidates() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let ids = [site.run_one(&["true"]), site.run_one(&["true"])];
    site.wait_until_done();
    let seq = site.status().unwrap().seq;
    let shared = ids[0].bytes().zip(ids[1].bytes()).take_while(|(a, b)| a == b).count();
    let prefix = ids[0][..shared].trim_end_matches('-');
    assert!(prefix.len() >= 4, "two ids made one after the other share their front: {ids:?}");
    for verb in [&["task", "show"], &["task", "retry"], &["task", "cancel"], &["task", "explain"], &["task", "logs"]] {
        let output = site.command(&[verb[0], verb[1], prefix]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{verb:?}: {error}");
        assert!(error.contains("ambiguous") && error.contains(prefix), "{verb:?}: {error}");
        assert!(ids.iter().all(|id| error.contains(id)), "{verb:?} names both candidates: {error}");
    }
    assert_eq!(site.status().unwrap().seq, seq, "something was changed");
    for id in &ids {
        // One digit more tells them apart.
        let output = site.command(&["task", "show", &id[..=shared], "-o", "json"]).output().unwrap();
        let task: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(task["id"], id.as_str());
    }
}
