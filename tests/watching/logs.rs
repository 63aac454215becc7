//! The logs of engine and worker are JSON on demand, and their lines have the ids by which they belong together.

use std::path::Path;

use serde_json::{Map, Value};

use super::ops::{apply, unstarted};

/// The lines of a log with a message, each of which has to be JSON.
fn lines(path: &Path, message: &str) -> Vec<Map<String, Value>> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // The last line may still be being written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines =
        whole.lines().map(|line| serde_json::from_str::<Map<String, Value>>(line).unwrap_or_else(|_| panic!("{line}")));
    lines.filter(|line| line["message"] == message).collect()
}

#[test]
fn lines_about_a_task_have_its_ids_and_its_trace_in_both_logs() {
    let mut site = unstarted("");
    site.set_env("MENAGERIE_LOG_FORMAT", "json");
    site.set_env("MENAGERIE_LOG_LEVEL", "debug");
    site.start_engine();
    apply(&site, 1, "memory = \"64MiB\"", "");
    let fails = site.run_one(&["sh", "-c", "exit 3"]);
    let works = site.run_one(&["true"]);
    site.wait_until_done();
    let (engine, worker) = (site.folder().join("engine.log"), site.data_dir().join("worker.log"));
    let of = |log: &Path, message: &str, task: &str| {
        let mut lines = lines(log, message);
        lines.retain(|line| line["task_id"] == task);
        lines
    };
    site.wait_for("what has become durable to be said", |_| of(&engine, "execution ended", &works).len() == 1);
    for (task, level) in [(&fails, "INFO"), (&works, "DEBUG")] {
        let trace = task.replace('-', "");
        let [placed, ..] = &of(&engine, "execution placed", task)[..] else { panic!("nothing was placed") };
        assert_eq!((&placed["trace_id"], &placed["cage"]), (&Value::from(trace.as_str()), &Value::from("001")));
        let execution = &placed["execution_id"];
        let same = |line: &Map<String, Value>| {
            line["execution_id"] == *execution
                && line["trace_id"] == trace.as_str()
                && line["span_id"] == placed["span_id"]
        };
        let handed = of(&worker, "execution handed to a slot", task);
        assert!(handed.iter().any(same), "{handed:?}");
        assert_eq!((&handed[0]["agent"], &handed[0]["cage"]), (&Value::from("a1"), &Value::from("001")));
        for log in [&engine, &worker] {
            let ended = of(log, "execution ended", task);
            let ended = ended.iter().find(|line| same(line)).unwrap_or_else(|| panic!("{log:?}: {ended:?}"));
            assert_eq!(ended["level"], level, "{ended:?}");
        }
    }
    assert!(of(&engine, "execution ended", &fails)[0]["reason"].as_str().unwrap().contains('3'));
    assert_eq!(lines(&worker, "ready").len(), 1);
}
