//! What agents say of themselves and what is measured: kept, given out by the names of the data model, and never a zero
//! that nobody measured.

use menagerie::domain::TaskStatus;
use serde_json::{Value, json};

use super::site::Site;

const SAYS: &str = r#"echo '{"type":"progress","percent":40,"message":"half"}'; echo '{"type":"tokens","used":12,"cost":0.5}'
echo '{"type":"artifact","kind":"banana","title":"t","content":"c"}'; echo '{"type":"result","output":{"x":1},"summary":"done it"}'"#;

#[test]
fn a_summary_and_figures_outlive_the_execution() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let id = site.run_one(&["sh", "-c", SAYS]);
    site.wait_for_status(&id, TaskStatus::Completed);
    let task = site.json_of(&["task", "show", &id]);
    let execution = &task["executions"][0];
    assert_eq!(execution["output_summary"], "done it");
    assert_eq!(
        (&execution["progress"], &execution["tokens_used"], &execution["cost"]),
        (&json!(40), &json!(12), &json!(0.5))
    );
    assert_eq!(execution["result"], json!({"output": {"x": 1}, "errors": []}));
    assert!(execution["metrics"]["duration"].is_string() && execution["metrics"]["performance"]["cores"].is_number());
    assert!(execution["metrics"]["resource_usage"]["cpu_us"].is_number(), "{execution}");
    let whole = execution.as_object().unwrap();
    assert!(["session", "input_context"].iter().all(|field| whole.contains_key(*field)), "{execution}");
    let shown = site.json_of(&["execution", "show", execution["id"].as_str().unwrap()]);
    assert_eq!(shown["input_context"], json!({}));
    assert_eq!(site.json_of(&["execution", "list", "--task", &id])[0]["output_summary"], "done it");
    let text = site.out(&["task", "show", &id]);
    for line in [
        "progress, as reported  40%",
        "tokens, as reported    12",
        "cost, as reported      $0.5000",
        "said last              done it",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    let days = site.json_of(&["agent", "performance"]);
    let day = &days[0];
    assert_eq!((&day["execution_count"], &day["success_count"]), (&json!(1), &json!(1)), "{days}");
    assert_eq!((&day["total_tokens_used"], days.as_array().unwrap().len()), (&json!(12), 1), "{days}");
    let completed = execution["completed_at"].as_str().unwrap();
    assert!(completed.starts_with(day["date"].as_str().unwrap()) && day["avg_duration_ms"].is_number(), "{days}");
    let agent = day["agent"].as_str().unwrap();
    assert_eq!(site.json_of(&["agent", "performance", agent, "--filter", "tokens:12"]), days);
    assert!(site.out(&["agent", "performance", "-o", "csv"]).starts_with("agent_id,"));
    // What the worker remarks is beside the output, not in it.
    let remarks = String::from_utf8(site.command(&["task", "logs", &id]).output().unwrap().stderr).unwrap();
    assert!(remarks.contains("(banana)") && remarks.contains("judged by their content"), "{remarks}");
    assert_eq!(site.json_of(&["artifact", "list"])[0]["type"], "doc");
    // The record is the same when it is made anew from the journal.
    site.wait_until_done();
    site.check_books();
}

#[test]
fn what_nobody_measured_is_null_or_a_dash() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 1);
    // The program is not in the cage, whatever is on the host: nothing is ever started.
    let task = json!({"type": "x", "agent": "a1", "max_attempts": 1,
        "parameters": {"configuration": {"command": ["no-such-program-at-all"]}}});
    let submit = json!({"command": "submit_tasks", "tasks": [task]});
    let reply = site.client().unwrap().command(&submit).unwrap();
    let menagerie::domain::Reply::Submitted { ids, .. } = reply else { panic!("{reply:?}") };
    let id = ids[0].to_string();
    site.wait_for_status(&id, TaskStatus::Failed);
    let execution = &site.json_of(&["execution", "list"])[0];
    assert_eq!(execution["metrics"]["resource_usage"], Value::Null, "{execution}");
    assert_eq!(execution["progress"], Value::Null);
    assert_eq!(execution["result"]["errors"].as_array().unwrap().len(), 1);
    assert!(!site.out(&["task", "show", &id]).contains("0us"));
    let agent = &site.json_of(&["agent", "show", "a1"]);
    assert_eq!(agent["counters"]["avg_execution_time_ms"], Value::Null, "{agent}");
    assert_eq!(agent["metrics"], json!({"performance": null, "reliability": 0.0, "efficiency": null}));
    assert_eq!(site.json_of(&["agent", "show", "a2"])["metrics"]["reliability"], Value::Null);
    assert!(!site.out(&["agent", "list"]).contains("0us"));
    // Cage 002 was never used: whoever looks again and again finds nothing measured of it.
    site.wait_for("cage 001 to be measured", |site| {
        site.json_of(&["cage", "show", "1"])["resource_usage"]["memory"].is_number()
    });
    assert_eq!(site.json_of(&["cage", "show", "2"])["resource_usage"], Value::Null);
    let cages = site.json_of(&["cage", "list"]);
    assert!(cages[0]["resource_usage"].is_object() && cages[1]["resource_usage"].is_null(), "{cages}");
    let table = site.out(&["cage", "list"]);
    let never = table.lines().find(|line| line.starts_with("002")).unwrap();
    assert!(!never.contains("0.00") && !never.contains("0B"), "{never}");
}

#[test]
fn resources_and_allocations_have_the_names_of_the_data_model() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let task = json!({"type": "x", "requirements": {"cpu": 0.5}, "parameters": {"configuration": {"command": ["sleep", "1000"]}}});
    let client = site.client().unwrap();
    let submit = json!({"command": "submit_tasks", "tasks": [task]});
    let menagerie::domain::Reply::Submitted { ids, .. } = client.command(&submit).unwrap() else { panic!() };
    let id = ids[0].to_string();
    site.wait_for_status(&id, TaskStatus::Executing);
    let (held, _) = client.list::<Value>("allocations", &vec![]).unwrap();
    assert!(held[0]["period"]["start"].is_string() && held[0]["period"]["end"].is_null(), "{held:?}");
    assert_eq!(held[0]["metrics"], json!({"utilization": null, "efficiency": null}));
    let (resources, _) = client.list::<Value>("resources", &vec![]).unwrap();
    let cpu = resources.iter().find(|resource| resource["name"] == "cpu").unwrap();
    assert_eq!(cpu["allocations"], json!([held[0]["id"]]));
    let share = 500.0 / cpu["capacity"]["total"].as_f64().unwrap();
    assert_eq!(cpu["metrics"], json!({"utilization": share, "performance": null, "health": "ok"}));
    site.out(&["task", "cancel", &id]);
    site.wait_for_status(&id, TaskStatus::Cancelled);
}

#[test]
fn an_empty_list_has_its_header_and_a_pinned_task_says_to_whom() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 1);
    let csv = site.out(&["execution", "list", "-o", "csv"]);
    assert!(csv.starts_with("id,task_id,agent_id,") && csv.lines().count() == 1, "{csv}");
    site.out(&["cage", "maintenance", "1", "2"]);
    let id = site.run_one(&["true"]);
    site.out(&["task", "reassign", &id, "--agent", "a2"]);
    assert!(site.out(&["task", "show", &id]).contains("must be done by  a2"));
    site.out(&["task", "cancel", &id]);
}
