//! What a console watches, from real cages.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use menagerie::api::client::{Client, LogPart};
use menagerie::api::live::{CageCell, CellState, HealthState, Pulse, Topic};
use menagerie::api::types::{AgentRow, TaskRow};
use menagerie::domain::{Activity, Execution, Span, TaskStatus};
use serde_json::{Value, json};

use super::site::Site;

const EATEN: f64 = 52_428_800.0;

fn client(site: &Site) -> Client {
    site.client().unwrap()
}

fn cell(site: &Site, number: usize) -> CageCell {
    client(site).grid().unwrap().swap_remove(number - 1)
}

fn text_of(site: &Site, arguments: &[&str]) -> String {
    let output = site.command(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_process_that_eats_memory_is_seen_and_listed() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 1);
    let first = cell(&site, 1);
    assert_eq!((first.state, first.running, first.agent.as_deref()), (CellState::Idle, 0, Some("a1")));
    assert_eq!(first.memory.limit, Some(268_435_456.0));
    assert_eq!(first.cpu.limit, None, "none was declared");
    // Takes 50 MiB of memory, and processor time as long as it is let.
    let arguments = ["run", "--cage", "1", "-o", "json", "--", "perl", "-e", "vec($x,52428799,8)=1; 1 while 1"];
    let id = serde_json::from_str::<Value>(&text_of(&site, &arguments)).unwrap();
    let id = id.get(0).unwrap_or(&id)["id"].as_str().unwrap().to_owned();
    site.wait_for("the eaten memory to be seen", |site| {
        let cell = cell(site, 1);
        cell.memory.used.is_some_and(|bytes| bytes >= EATEN) && cell.cpu.used.is_some_and(|cores| cores > 0.05)
    });
    let busy = cell(&site, 1);
    assert_eq!((busy.running, busy.state, busy.pids.used), (1, CellState::Running, Some(1.0)), "{busy:?}");
    assert!(busy.memory.used.unwrap() < 2.0 * EATEN && busy.cpu.used.unwrap() < 2.0, "{busy:?}");
    let idle = cell(&site, 2);
    assert_eq!((idle.running, idle.state), (0, CellState::Idle));
    assert_eq!(
        (idle.cpu.used, idle.memory.used, idle.gpu.used),
        (None, None, None),
        "never used, never measured: {idle:?}"
    );
    let overview = client(&site).overview().unwrap();
    let node = &overview.nodes[0];
    assert!(node.memory.used.is_some_and(|bytes| bytes > EATEN) && node.cpu.used.is_some(), "{node:?}");

    let (processes, total) = client(&site).processes("1".parse().unwrap()).unwrap();
    assert_eq!((processes.len(), total), (1, 1), "{processes:?}");
    let eater = &processes[0];
    assert_eq!((eater.command.as_str(), eater.threads), ("perl -e vec($x,52428799,8)=1; 1 while 1", 1));
    assert_eq!(eater.task_id.map(|id| id.to_string()), Some(id.clone()));
    assert!(eater.memory_bytes as f64 >= EATEN && eater.cpu_seconds > 0.0, "{eater:?}");
    assert_eq!(client(&site).processes("2".parse().unwrap()).unwrap(), (vec![], 0));
    assert!(client(&site).processes("3".parse().unwrap()).unwrap_err().to_string().contains("003"));
    assert!(text_of(&site, &["cage", "show", "1", "--processes"]).contains("perl -e vec("));
    let listed = text_of(&site, &["cage", "list"]);
    let line = listed.lines().find(|line| line.starts_with("001")).unwrap();
    assert!(line.contains("MiB  256MiB"), "what is used stands before the limit: {listed}");

    text_of(&site, &["task", "cancel", &id]);
    site.wait_for_status(&id, TaskStatus::Cancelled);
    site.wait_for("the cage to be still", |site| {
        let cell = cell(site, 1);
        cell.running == 0 && cell.cpu.used == Some(0.0) && cell.memory.used.is_some_and(|bytes| bytes < EATEN)
    });
}

/// Follows the pulse on a thread of its own.
fn follow(site: &Site, interval_ms: u64) -> Receiver<Pulse> {
    let (sender, receiver) = channel();
    let data_dir = site.data_dir();
    std::thread::spawn(move || {
        let client = Client::connect(&data_dir).unwrap();
        // Ends with the engine, or when the test has.
        let _ = client.pulse(interval_ms, |pulse| match sender.send(pulse) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
    });
    receiver
}

fn next(pulses: &Receiver<Pulse>) -> Pulse {
    pulses.recv_timeout(Duration::from_mins(1)).expect("a pulse")
}

#[test]
fn the_pulse_beats_when_something_changes_and_only_then() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 2);
    let pulses = follow(&site, 50);
    let first = next(&pulses);
    assert_eq!(first.changed, Topic::ALL, "whoever begins to follow fetches everything");
    assert_eq!((first.seq, first.counts.cages.occupied), (site.status().unwrap().seq, 2));
    text_of(&site, &["cage", "maintenance", "2"]);
    let withheld = next(&pulses);
    assert_eq!((&withheld.changed[..], withheld.counts.cages.maintenance), (&[Topic::Cages][..], 1));
    assert_eq!(withheld.seq, site.status().unwrap().seq);
    // The worker measures all the while, because somebody follows; an idle fleet uses the same each time.
    let begun = client(&site).overview().unwrap().time;
    site.wait_for("three seconds of nothing", |site| {
        client(site).overview().is_ok_and(|overview| overview.time.since(begun) > Span::from_secs(3))
    });
    assert_eq!(pulses.try_iter().collect::<Vec<_>>(), [], "nothing has changed");
    text_of(&site, &["agent", "drain", "a1"]);
    let drained = next(&pulses);
    assert!(drained.changed.contains(&Topic::Agents) && drained.counts.agents.maintenance == 1, "{drained:?}");
}

#[test]
fn many_changes_make_few_beats() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 4);
    let interval = 200;
    let pulses = follow(&site, interval);
    let first = next(&pulses);
    site.submit_marking_tasks(300);
    let mut seen: Vec<Pulse> = vec![first];
    while seen.last().unwrap().counts.tasks.completed < 300 {
        seen.push(next(&pulses));
    }
    for pair in seen.windows(2) {
        let apart = pair[1].time.since(pair[0].time);
        assert!(apart.to_std() >= Duration::from_millis(interval), "{} apart", apart.human());
        assert!(pair[1].seq >= pair[0].seq);
    }
    let topics = &seen[1].changed;
    assert!(topics.contains(&Topic::Tasks) && topics.contains(&Topic::Cages), "{topics:?}");
}

#[test]
fn an_overview_has_figures_that_survive_a_kill() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 2);
    let empty = client(&site).overview().unwrap();
    assert_eq!((empty.minutes.len(), empty.tokens_hour, empty.cost_hour), (60, None, None));
    assert_eq!((empty.queue.oldest_wait_s, empty.queue.median_wait_s), (None, None));
    assert!(empty.health.iter().filter(|part| part.component != "disk").all(|part| part.state == HealthState::Ok));
    let speaks = r#"echo '{"type":"tokens","used":120,"cost":0.5}'"#;
    let ids = [site.run_one(&["sh", "-c", speaks]), site.run_one(&["sh", "-c", speaks])];
    for id in &ids {
        site.wait_for_status(id, TaskStatus::Completed);
    }
    text_of(&site, &["run", "--max-attempts", "1", "--", "false"]);
    site.wait_until_done();
    let check = |site: &Site| {
        let overview = client(site).overview().unwrap();
        let sum = overview.minutes.iter().fold((0, 0), |sum, minute| (sum.0 + minute.completed, sum.1 + minute.failed));
        (sum, overview.tokens_hour, overview.cost_hour)
    };
    let expected = ((2, 1), Some(240), Some(1.0));
    assert_eq!(check(&site), expected);
    assert!(client(&site).overview().unwrap().queue.median_wait_s.is_some());
    site.kill_engine();
    site.start_engine();
    site.wait_for("the last hour to be counted again", |site| check(site) == expected);

    text_of(&site, &["agent", "drain", "a1", "a2"]);
    let parameters = json!({"configuration": {"command": ["true"]}});
    let urgent = json!({"command": "submit_tasks", "tasks": [
        {"type": "report", "deadline": "5m", "parameters": parameters},
        {"type": "late", "deadline": "5h", "parameters": parameters},
        {"type": "long", "deadline": "5h", "estimate": "6h", "parameters": parameters},
    ]});
    client(&site).command(&urgent).unwrap();
    let overview = client(&site).overview().unwrap();
    let at_risk: Vec<&str> = overview.at_risk.iter().map(|task| task.kind.as_str()).collect();
    assert_eq!((at_risk, overview.at_risk_total), (vec!["long", "report"], 2), "{:?}", overview.at_risk);
    assert!(overview.queue.oldest_wait_s.is_some_and(|seconds| seconds < 60.0) && overview.queue.pending == 3);
    site.kill_worker();
    site.wait_for("the lost worker to be seen", |site| {
        let health = client(site).overview().unwrap().health;
        // Another is started at once, so this may be over before anybody looks; the record stays.
        health[0].component == "worker" || !site.records_of("node_lost").is_empty()
    });
}

#[test]
fn what_an_agent_says_is_seen_while_it_runs() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let go = site.marks_dir().join("go");
    let script = format!(
        r#"echo '{{"type":"progress","percent":40,"message":"reading"}}'; echo '{{"type":"tokens","used":7}}'
        echo '{{"type":"activity","state":"tool","detail":"cargo test"}}'
        while [ ! -e {} ]; do sleep 0.05; done"#,
        go.display()
    );
    let id = site.run_one(&["sh", "-c", &script]);
    site.wait_for("the agent's words", |site| {
        let task: TaskRow = client(site).get(&format!("/v1/tasks/{id}"), &vec![]).unwrap();
        task.live.is_some_and(|live| live.tokens_used == Some(7) && live.activity == Some(Activity::Tool))
    });
    let (agents, _) = client(&site).list::<AgentRow>("agents", &vec![("name".to_owned(), "a1".to_owned())]).unwrap();
    let live = agents[0].live.clone().expect("the agent has a task");
    assert_eq!((live.progress, live.message.as_deref()), (Some(40), Some("reading")));
    let query = vec![("cage".to_owned(), "1".to_owned()), ("limit".to_owned(), "1".to_owned())];
    let (executions, _) = client(&site).list::<Execution>("executions", &query).unwrap();
    assert_eq!((executions[0].id, executions[0].progress), (live.execution_id, Some(40)));
    assert_eq!(executions[0].activity_detail.as_deref(), Some("cargo test"));
    assert!(text_of(&site, &["task", "show", &id]).contains("using cargo test"));
    assert_eq!(client(&site).overview().unwrap().tokens_hour, Some(7), "what is said so far counts");
    std::fs::write(&go, "").unwrap();
    site.wait_for_status(&id, TaskStatus::Completed);
    let task: TaskRow = client(&site).get(&format!("/v1/tasks/{id}"), &vec![]).unwrap();
    assert_eq!(task.live, None);
}

#[test]
fn long_outputs_and_artifacts_are_had_page_by_page() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let script = "i=0; while [ $i -lt 4000 ]; do echo \"line $i of a long output that nobody reads whole\"; \
        i=$((i+1)); done; seq 1 60000 > $MENAGERIE_ARTIFACTS/numbers.txt";
    let id = site.run_one(&["sh", "-c", script]);
    site.wait_for_status(&id, TaskStatus::Completed);
    let client = client(&site);
    let of_task = format!("tasks/{id}");
    let task: TaskRow = client.get(&format!("/v1/{of_task}"), &vec![]).unwrap();
    let of_execution = format!("executions/{}", task.task.execution_id.unwrap());
    let whole = client.log_page(&of_task, &LogPart::default()).unwrap();
    assert!(whole.size > 100_000 && whole.bytes.len() as u64 == whole.size, "{} of {}", whole.bytes.len(), whole.size);
    let mut pages = vec![];
    let mut before = None;
    loop {
        let part = LogPart { before, tail: Some(20_000), ..LogPart::default() };
        let page = client.log_page(&of_execution, &part).unwrap();
        if page.bytes.is_empty() {
            break;
        }
        assert_eq!(page.size, whole.size);
        before = Some(page.start);
        pages.push(page.bytes);
    }
    assert!(pages.len() > 1, "one page would be no paging");
    pages.reverse();
    assert_eq!(pages.concat(), whole.bytes);
    let artifacts: Vec<Value> = client.list("artifacts", &vec![]).unwrap().0;
    let artifact = artifacts[0]["id"].as_str().unwrap();
    let (all, total) = client.artifact_part(artifact, 0, u64::MAX).unwrap();
    assert_eq!(all.len() as u64, total);
    let (part, same) = client.artifact_part(artifact, 1000, 50).unwrap();
    assert_eq!((&part[..], same), (&all[1000..1050], total));
    assert_eq!(client.artifact_part(artifact, total + 5, 10).unwrap().0.len(), 0);
    let wrong = client.get_bytes(&format!("/v1/artifacts/{artifact}/content"), &vec![("skip".into(), "1".into())]);
    assert!(wrong.unwrap_err().to_string().contains("offset"));
}
