//! Output: however much and in whatever shape, and what is left behind as artifacts.

use menagerie::domain::spool::Stream;
use menagerie::domain::{ArtifactType, Bytes, OutcomeKind, Span};

use crate::client::{Worker, cage, eventually, start};

#[test]
fn a_gigabyte_of_output_neither_fills_the_disk_nor_holds_up_others() {
    let mut worker = Worker::start();
    let (loud, quiet) = (cage(1), cage(2));
    worker.declare(&loud, 1);
    worker.declare(&quiet, 1);
    let id = worker.begin(start(loud.id, &["/bin/sh", "-c", "exec head -c 1000000000 /dev/zero"]));
    worker.started(id);
    let mut meanwhile = 0;
    while !worker.is_ended(id) {
        assert!(worker.shell(quiet.id, "echo hello").0.succeeded());
        meanwhile += 1;
    }
    assert!(meanwhile > 3, "the quiet cage had to wait: {meanwhile}");
    let (outcome, _) = worker.ended(id);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert_eq!(outcome.usage.output_bytes, 1_000_000_000);
    let chunks = worker.chunks(id);
    let kept: usize = chunks.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(kept <= 1 << 20, "{kept}");
    let out: usize =
        chunks.iter().filter(|(stream, _)| *stream == Stream::Out as u8).map(|(_, bytes)| bytes.len()).sum();
    let gaps = worker.gaps(id);
    assert_eq!(gaps.len(), 1, "one part is dropped, between the beginning and the end: {gaps:?}");
    assert_eq!(gaps[0] + out as u64, 1_000_000_000, "what was dropped is told to the byte");
    // The worker's memory does not follow the output's size.
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 << 10, "{peak} KiB");
}

#[test]
fn output_without_line_ends_is_borne() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let (outcome, output) = worker.shell(spec.id, "printf '{'; head -c 3000000 /dev/zero | tr '\\0' x; printf end");
    assert!(outcome.succeeded(), "{outcome:?}");
    assert!(output.starts_with("{xxx") && output.ends_with("xend"));
    assert_eq!(outcome.usage.output_bytes, 3_000_004);
}

#[test]
fn closing_standard_output_is_no_end() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let (outcome, output) = worker.shell(spec.id, "exec 1>&- 2>&-; sleep 0.2; exit 4");
    assert_eq!((outcome.kind, outcome.exit_code), (OutcomeKind::Failed, Some(4)));
    assert!(output.is_empty());
}

#[test]
fn flags_set_on_the_streams_do_not_reach_the_next_execution() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let set = "import fcntl,os; [fcntl.fcntl(n, fcntl.F_SETFL, os.O_NONBLOCK|os.O_APPEND) for n in (0,1,2)]";
    let (outcome, output) = worker.shell(spec.id, &format!("python3 -c '{set}'"));
    assert!(outcome.succeeded(), "{output}");
    let get = "import fcntl,os; print([fcntl.fcntl(n, fcntl.F_GETFL) & (os.O_NONBLOCK|os.O_APPEND) for n in (0,1,2)])";
    let (_, output) = worker.shell(spec.id, &format!("python3 -c '{get}'"));
    assert_eq!(output, "[0, 0, 0]\n");
}

#[test]
fn the_task_comes_by_standard_input_and_by_file() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let mut one = start(spec.id, &["/bin/sh", "-c", "cat; echo; cat $MENAGERIE_TASK_FILE; echo; env | sort"]);
    one.task = serde_json::json!({"type": "x", "array_index": 7, "big": "y".repeat(300_000)});
    one.env.insert("FLAVOUR".to_owned(), "sweet".to_owned());
    one.env.insert("MENAGERIE_AGENT".to_owned(), "forged".to_owned());
    one.output = Bytes::from_mib(4);
    let expected = one.task.clone();
    let id = worker.begin(one);
    assert!(worker.ended(id).0.succeeded());
    let output = worker.output(id);
    let mut lines = output.lines();
    for _ in 0..2 {
        assert_eq!(serde_json::from_str::<serde_json::Value>(lines.next().unwrap()).unwrap(), expected);
    }
    let env: Vec<&str> = lines.collect();
    for variable in ["FLAVOUR=sweet", "MENAGERIE_AGENT=tester", "MENAGERIE_ARRAY_INDEX=7", "MENAGERIE_CAGE=001"] {
        assert!(env.contains(&variable), "{variable}: {env:?}");
    }
    // Nothing of the worker's own environment comes through.
    assert!(!env.iter().any(|line| line.starts_with("CARGO") || line.starts_with("RUST")), "{env:?}");
    // The next task replaces it whole.
    let (_, output) = worker.shell(spec.id, "cat");
    assert!(output.len() < 200, "{output}");
}

#[test]
fn what_agents_say_is_heard() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let script = r#"
echo plain text
echo '{"type":"progress","percent":50,"message":"half way"}'
printf '\377\376 not UTF-8\n'
echo '{"type":"log","level":"info","message":"x"}'
echo '{"type":"artifact","title":"Notes","kind":"decision","content":"use it"}'
printf '{"type":"result","output":{"answer":42},"summary":"all done"}'
"#;
    let id = worker.begin(start(spec.id, &["/bin/sh", "-c", script]));
    let (outcome, artifacts) = worker.ended(id);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert_eq!(outcome.result, Some(serde_json::json!({"answer": 42})));
    assert_eq!(artifacts.len(), 1);
    assert_eq!((artifacts[0].kind, artifacts[0].title.as_str()), (ArtifactType::Decision, "Notes"));
    let last = worker.samples.iter().rev().find(|sample| sample.execution_id == id).unwrap();
    assert_eq!((last.progress, last.message.as_deref()), (Some(50), Some("all done")));
}

#[test]
fn files_in_the_artifact_folder_are_taken_and_links_are_not() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let script = "cd $MENAGERIE_ARTIFACTS; mkdir d; echo '# Report' > d/summary.md; ln -s /etc/passwd link; \
                  ln -s . loop; mkfifo pipe; head -c 100000 /dev/zero > big.bin; chmod 0 d/summary.md";
    let id = worker.begin(start(spec.id, &["/bin/sh", "-c", script]));
    let (outcome, artifacts) = worker.ended(id);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert!(outcome.message.contains("3 artifacts were left out"), "{outcome:?}");
    let titles: Vec<_> = artifacts.iter().map(|artifact| artifact.title.as_str()).collect();
    assert_eq!(titles, ["big.bin", "d/summary.md"]);
    assert_eq!(artifacts[1].kind, ArtifactType::Report);
    assert_eq!(artifacts[1].content.as_deref(), Some("# Report\n"));
    let stored = worker.folder.join(artifacts[0].path.as_ref().unwrap());
    assert_eq!(std::fs::metadata(&stored).unwrap().len(), 100_000);
    // The next execution finds the folder empty and usable.
    let (outcome, output) = worker.shell(spec.id, "ls -A $MENAGERIE_ARTIFACTS; touch $MENAGERIE_ARTIFACTS/x");
    assert!(outcome.succeeded() && output.is_empty(), "{output}");
}

#[test]
fn what_cannot_be_executed_says_why() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    for (command, expected) in [
        (vec!["no-such-program"], "PATH="),
        (vec!["/no/such/program"], "/no/such/program"),
        (vec!["/etc/hosts.deny/x"], "/etc/hosts.deny/x"),
        (vec![], "has a command"),
        (vec!["x", "a\0b"], "\"x\""),
    ] {
        let id = worker.begin(start(spec.id, &command));
        let (outcome, _) = worker.ended(id);
        assert_eq!(outcome.kind, OutcomeKind::NotStarted, "{command:?} {outcome:?}");
        assert!(outcome.message.contains(expected), "{outcome:?}");
    }
    let mut elsewhere = start(spec.id, &["true"]);
    elsewhere.workdir = Some("/no/such/folder".to_owned());
    let id = worker.begin(elsewhere);
    let (outcome, _) = worker.ended(id);
    assert_eq!(outcome.kind, OutcomeKind::NotStarted);
    assert!(outcome.message.contains("/no/such/folder"), "{outcome:?}");
    // A script that names no interpreter is run as a shell would.
    let (outcome, output) = worker.shell(spec.id, "echo 'echo script $1' > s; chmod +x s");
    assert!(outcome.succeeded(), "{output}");
    let id = worker.begin(start(spec.id, &["./s", "argument"]));
    assert!(worker.ended(id).0.succeeded());
    assert_eq!(worker.output(id), "script argument\n");
}

#[test]
fn what_is_announced_is_bounded_and_the_rest_is_named() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    // 90 MB of metadata, 6 MB of contents within the bounds of one artifact, 8 MB of small files, a result of 4 MB.
    let program = r#"
import json, os
for i in range(100):
    print(json.dumps({'type': 'artifact', 'title': 'm%d' % i, 'content': 'x', 'metadata': {'m': 'y' * 900000}}))
for i in range(400):
    print(json.dumps({'type': 'artifact', 'title': 'a%d' % i, 'content': 'z' * 15000}))
for i in range(500):
    open(os.environ['MENAGERIE_ARTIFACTS'] + '/f%03d' % i, 'w').write('w' * 16000)
print('{"type":"result","output":"kept"}')
print('{"type":"result","output":[' + '1e15,' * 200000 + '1]}')
"#;
    let id = worker.begin(start(spec.id, &["python3", "-c", program]));
    let (outcome, artifacts) = worker.ended(id);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert_eq!(outcome.result, Some(serde_json::json!("kept")));
    for said in ["announced artifacts were left out", "1 results were left out"] {
        assert!(outcome.message.contains(said), "{}", outcome.message);
        let noted = |(stream, bytes): &(u8, Vec<u8>)| {
            *stream == Stream::Note as u8 && String::from_utf8_lossy(bytes).contains(said)
        };
        assert!(worker.chunks(id).iter().any(noted), "{said} is not in the output");
    }
    let inline: usize = artifacts.iter().filter_map(|one| one.content.as_ref()).map(String::len).sum();
    assert!(inline <= 4 << 20, "{inline} bytes travel with the record");
    let announced = artifacts.iter().filter(|one| one.title.starts_with('a')).count();
    assert_eq!(announced, (4 << 20) / 15_004);
    // Every file of the folder is there, if not in the record then in the store.
    let files: Vec<_> = artifacts.iter().filter(|one| one.title.starts_with('f')).collect();
    assert_eq!(files.len(), 500);
    for one in files {
        let kept = one.path.as_ref().map(|path| std::fs::metadata(worker.folder.join(path)).unwrap().len());
        assert!(one.content.is_some() || kept == Some(16_000), "{one:?}");
    }
}

/// Receives a stream by the socket `hand` in the working folder, then goes on as `then` says.
fn receiver(then: &str) -> String {
    format!(
        "
import fcntl, os, socket, time
listener = socket.socket(socket.AF_UNIX)
listener.bind('hand')
listener.listen()
connection, _ = listener.accept()
stream = socket.recv_fds(connection, 1, 1)[1][0]
{then}
time.sleep(1000)
"
    )
}

/// Hands its standard output on and ends.
const GIVER: &str = "
import socket, time
connection = socket.socket(socket.AF_UNIX)
while True:
    try:
        connection.connect('hand')
        break
    except OSError:
        time.sleep(0.01)
socket.send_fds(connection, [b'x'], [1])
connection.recv(1)
";

/// The inits of the worker's slots: in their own namespace they are process 1.
fn inits(worker: &Worker) -> Vec<u32> {
    let is_init = |pid: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1"))
    };
    worker.descendants().into_iter().filter(is_init).collect()
}

#[test]
fn who_is_handed_an_agents_stream_and_never_ceases_holds_up_nobody() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 2);
    // 1031 is F_SETPIPE_SZ.
    let flood = receiver(
        "fcntl.fcntl(stream, 1031, 1 << 20)
for _ in range(4):
    if os.fork() == 0:
        while True:
            os.write(stream, b'noise\\n' * 10000)
connection.send(b'x')",
    );
    let holder = worker.begin(start(spec.id, &["python3", "-c", &flood]));
    let giver = worker.begin(start(spec.id, &["python3", "-c", GIVER]));
    let (outcome, _) = worker.ended(giver);
    assert!(outcome.succeeded() && outcome.message.contains("goes on writing to its output"), "{outcome:?}");
    let (outcome, output) = worker.shell(spec.id, "echo next");
    assert!(outcome.succeeded() && output == "next\n", "{outcome:?} {} bytes", output.len());
    assert!(!worker.is_ended(holder));
    worker.stop(holder, Span::from_millis(0));
    worker.ended(holder);
}

#[test]
fn who_speaks_up_where_nothing_runs_has_the_slot_built_anew() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 2);
    let late = receiver(
        "connection.send(b'x')
while not os.path.exists('speak'):
    time.sleep(0.01)
os.write(stream, b'{\"type\":\"artifact\",\"title\":\"false\",\"content\":\"x\"}\\n' * 100)",
    );
    let holder = worker.begin(start(spec.id, &["python3", "-c", &late]));
    let giver = worker.begin(start(spec.id, &["python3", "-c", GIVER]));
    assert!(worker.ended(giver).0.succeeded());
    let before = inits(&worker);
    assert_eq!(before.len(), 2);
    std::fs::write(worker.folder.join("cages/001/work/speak"), "").unwrap();
    eventually("the slot is given up", || inits(&worker).len() == 1);
    let id = worker.begin(start(spec.id, &["echo", "next"]));
    let (outcome, artifacts) = worker.ended(id);
    assert!(outcome.succeeded() && artifacts.is_empty(), "{outcome:?} {artifacts:?}");
    assert_eq!(worker.output(id), "next\n");
    assert!(!worker.is_ended(holder));
}

#[test]
fn whatever_is_left_in_the_artifact_folder_the_next_execution_finds_it_empty() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let deep = "
import os
os.chdir(os.environ['MENAGERIE_ARTIFACTS'])
for number in range(3000):
    os.mkdir('d')
    os.chdir('d')
open('file', 'w').write('x')
";
    let id = worker.begin(start(spec.id, &["python3", "-c", deep]));
    let (outcome, artifacts) = worker.ended(id);
    assert!(outcome.succeeded() && artifacts.is_empty(), "{outcome:?}");
    assert!(outcome.message.contains("1 artifacts were left out"), "{outcome:?}");
    let look = "ls -A $MENAGERIE_ARTIFACTS";
    let (outcome, output) = worker.shell(spec.id, look);
    assert!(outcome.succeeded() && output.is_empty(), "{output}");
    let away = worker.folder.join("workspaces");
    eventually("what was left is removed", || std::fs::read_dir(&away).unwrap().count() == 0);
    // Nor does it find what was there when a worker was killed.
    let begun =
        worker.begin(start(spec.id, &["sh", "-c", "mkdir $MENAGERIE_ARTIFACTS/former; echo begun; sleep 1000"]));
    worker.wait_for("the file", |worker| worker.output(begun).contains("begun").then_some(()));
    worker.kill();
    let mut second = Worker::start_in(&worker.folder);
    second.declare(&spec, 1);
    let (outcome, output) = second.shell(spec.id, look);
    assert!(outcome.succeeded() && output.is_empty(), "{output}");
    eventually("what was left is removed", || std::fs::read_dir(&away).unwrap().count() == 0);
}
