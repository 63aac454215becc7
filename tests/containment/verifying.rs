//! Verification: commands that check what an agent did, in its own cage, before anybody calls it done.

use menagerie::domain::link::{Start, ToWorker};
use menagerie::domain::spool::Stream;
use menagerie::domain::verify::ExpectedArtifacts;
use menagerie::domain::{Activity, ArtifactType, CageId, OutcomeKind, Span, Verification, Verify};

use crate::client::{Worker, cage, eventually, start};

/// An agent's script, and the scripts that verify it.
fn verified(cage: CageId, agent: &str, checks: &[&str]) -> Start {
    let shell = |script: &&str| ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let verify = Verify { commands: checks.iter().map(shell).collect(), ..Verify::default() };
    Start { verify, ..start(cage, &["/bin/sh", "-c", agent]) }
}

#[test]
fn what_holds_is_verified_where_the_agent_worked() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let agent = "echo '{\"type\":\"tokens\",\"used\":5}'; echo made > made; echo kept > $MENAGERIE_ARTIFACTS/a.txt; echo $$ > /tmp/left";
    let checks = [
        "test $(cat made) = made && test -e /tmp/left && grep -q input_data && grep -q input_data $MENAGERIE_TASK_FILE",
        "cat $MENAGERIE_ARTIFACTS/a.txt; echo '{\"type\":\"tokens\",\"used\":99}'; sleep 1000 & echo second >&2",
    ];
    let id = worker.begin(verified(spec.id, agent, &checks));
    let (outcome, artifacts) = worker.ended(id);
    assert_eq!((outcome.kind, outcome.verification), (OutcomeKind::Succeeded, Verification::Verified), "{outcome:?}");
    assert_eq!(outcome.tokens_used, Some(5), "what a check prints is not the agent's word");
    assert_eq!(artifacts.len(), 1);
    assert!(worker.output(id).contains("kept") && worker.output(id).contains("second"));
    let notes = worker.chunks(id).into_iter().filter(|(stream, _)| *stream == Stream::Note as u8).count();
    assert_eq!(notes, 2, "each command is told in the output");
    let (outcome, _) = worker.shell(spec.id, "! test -e /tmp/left");
    assert_eq!((outcome.kind, outcome.verification), (OutcomeKind::Succeeded, Verification::Unverified));
    assert_eq!(worker.descendants().len(), 1, "what a check left behind is gone");
}

#[test]
fn what_does_not_hold_fails_and_says_how() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let mut judged = |start: Start| {
        let id = worker.begin(start);
        let (outcome, artifacts) = worker.ended(id);
        (outcome, artifacts.len(), worker.output(id))
    };
    let agent = "echo kept > $MENAGERIE_ARTIFACTS/a.txt";
    let (outcome, artifacts, output) = judged(verified(spec.id, agent, &["true", "echo tried; exit 3", "echo never"]));
    assert_eq!((outcome.kind, outcome.verification), (OutcomeKind::Failed, Verification::Failed));
    assert!(outcome.message.contains("verification failed: `/bin/sh -c echo tried; exit 3` ended with exit status 3"));
    assert_eq!((artifacts, output.as_str(), outcome.exit_code), (1, "tried\n", Some(0)));

    let (outcome, _, output) = judged(verified(spec.id, "exit 4", &["echo never"]));
    assert_eq!((outcome.kind, outcome.verification), (OutcomeKind::Failed, Verification::Unverified));
    assert_eq!((outcome.message.as_str(), output.as_str()), ("exit status 4", ""), "what failed is not verified");

    let mut missing = verified(spec.id, agent, &[]);
    missing.verify.commands = vec![vec!["no-such-program".to_owned()]];
    let (outcome, artifacts, _) = judged(missing);
    assert_eq!((outcome.kind, outcome.verification, artifacts), (OutcomeKind::Failed, Verification::Failed, 1));
    assert!(outcome.message.contains("\"no-such-program\" cannot be executed"), "{outcome:?}");

    let slow = Start { timeout: Some(Span::from_millis(300)), ..verified(spec.id, "true", &["sleep 1000"]) };
    let (outcome, _, _) = judged(slow);
    assert_eq!((outcome.kind, outcome.verification), (OutcomeKind::Failed, Verification::Failed), "{outcome:?}");
    assert!(outcome.message.contains("took longer than its timeout"), "{outcome:?}");

    let expecting = |at_least, kind| {
        let expect_artifacts = Some(ExpectedArtifacts { at_least, kind });
        Start { verify: Verify { expect_artifacts, ..Verify::default() }, ..verified(spec.id, agent, &[]) }
    };
    assert_eq!(judged(expecting(1, None)).0.verification, Verification::Verified);
    let (outcome, artifacts, _) = judged(expecting(1, Some(ArtifactType::Decision)));
    assert_eq!((outcome.kind, outcome.verification, artifacts), (OutcomeKind::Failed, Verification::Failed, 1));
    assert!(outcome.message.contains("expected at least 1 artifact of type decision, found 0"), "{outcome:?}");
}

#[test]
fn what_is_being_verified_holds_its_slot_and_can_be_stopped() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let id = worker.begin(verified(spec.id, "true", &["sleep 1000"]));
    worker.started(id);
    worker.wait_for("the activity", |worker| {
        let sample = worker.samples.iter().find(|sample| sample.execution_id == id)?;
        (sample.activity == Some(Activity::Verifying)).then_some(())
    });
    let next = worker.begin(start(spec.id, &["true"]));
    assert!(!worker.is_ended(next));
    worker.stop(id, Span::from_secs(20));
    let (outcome, _) = worker.ended(id);
    assert_eq!((outcome.kind, outcome.verification), (OutcomeKind::Cancelled, Verification::Unverified), "{outcome:?}");
    assert!(worker.ended(next).0.succeeded());
}

#[test]
fn a_worker_that_leaves_takes_what_is_being_verified_with_it() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let id = worker.begin(verified(spec.id, "true", &["setsid sleep 1000 & sleep 1000"]));
    worker.started(id);
    worker.send(&ToWorker::Shutdown { kill: true });
    let (outcome, _) = worker.ended(id);
    assert_eq!(
        (outcome.kind, outcome.verification),
        (OutcomeKind::WorkerLost, Verification::Unverified),
        "{outcome:?}"
    );
    eventually("nothing is left", || worker.descendants().is_empty());
}
