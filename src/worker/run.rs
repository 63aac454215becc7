//! One execution while it is under way: what it was told to do, what it has said, and how it is going to be judged.

use std::path::Path;
use std::sync::Arc;

use super::artifacts::Collector;
use super::output_meter::OutputMeter;
use super::runtime::command::Listener;
use super::spool::Spool;
use super::sys;
use super::watch::DiskUsage;
use crate::domain::link::{Sample, Start};
use crate::domain::{ArtifactType, Difference, ExecutionId, Outcome, OutcomeKind, Timestamp, Usage, Verification};

/// Never, for timers.
pub(super) const NEVER: u64 = u64::MAX;

/// After how long a start is reported if no end has been reported by then. Shorter executions report only their end.
const STARTED_AFTER_US: u64 = 5_000;
/// How long the taking of a difference may last at most.
const DIFFERENCE_US: u64 = 10 * 60 * 1_000_000;
/// Live figures are sent at most this often.
const SAMPLE_EVERY_US: u64 = 250_000;

/// How far the ending of an execution has come. Each stage has a time after which the next, harsher one follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Left alone.
    Running,
    /// Asked to end, by SIGTERM.
    Asked,
    /// Told to end: init kills everything, or the main process has ended and init kills the rest.
    Killed,
    /// Init itself is killed, and with it the namespace.
    Doomed,
}

/// Why the worker ends an execution; the first reason counts.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// As what it ends.
    pub(super) kind: OutcomeKind,
    /// The limit that was broken.
    pub(super) limit: Option<&'static str>,
    /// One sentence.
    pub(super) message: String,
}

/// How everything of an execution came to be gone, as init told it or as the worker found it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone {
    /// Wait status of the main process; `None` when init ended before it could tell.
    pub(super) status: Option<i32>,
    /// Processor time of all its processes.
    pub(super) cpu_us: u64,
    /// The largest process's peak.
    pub(super) peak_kib: u64,
    /// Out-of-memory kills and refused forks during the execution.
    pub(super) memory_kills: u64,
    pub(super) refused_forks: u64,
}

impl Gone {
    /// The agent's own end, with what a command that verifies it has used. What that broke is its own failure.
    pub(super) fn with_check(self, check: &Self) -> Self {
        Self { cpu_us: self.cpu_us + check.cpu_us, peak_kib: self.peak_kib.max(check.peak_kib), ..self }
    }
}

/// An execution under way.
pub(super) struct Run {
    /// What was asked for; without the task, which the agent has by now, unless commands that follow are handed it too.
    pub(super) start: Box<Start>,
    /// The number of the request to init.
    pub(super) number: u64,
    /// What it prints.
    pub(super) spool: Spool,
    /// What it says.
    pub(super) listener: Listener,
    /// How much it prints, and whether it goes round in circles.
    pub(super) output: OutputMeter,
    /// What was last told of its output: bytes and lines.
    pub(super) told: (u64, u64),
    /// How many of the tokens that it reported are counted in its cage's window.
    pub(super) tokens_counted: u64,
    /// How the agent itself ended, while what it changed is being taken, or what it did verified.
    pub(super) agent: Option<Gone>,
    /// Whether what it changed in its workspace is being taken.
    pub(super) taking_difference: bool,
    /// Whether that is over.
    pub(super) difference_done: bool,
    /// Why what it changed could not be taken.
    pub(super) difference_failure: Option<String>,
    /// What it changed.
    pub(super) difference: Option<Difference>,
    /// How many of the commands that verify it have ended.
    pub(super) checks_done: usize,
    /// Why it did not stand the verification.
    pub(super) check_failure: Option<String>,
    /// Why the worker ends it, if it does.
    pub(super) verdict: Option<Verdict>,
    /// How far that has come.
    pub(super) stage: Stage,
    /// When the next stage follows.
    pub(super) stage_until: u64,
    /// When its time is over.
    pub(super) timeout_at: u64,
    /// How long it, and each command that verifies it, may take in microseconds.
    limit_us: Option<u64>,
    /// Whether the cage's wall limit, rather than the task's timeout, sets that time.
    pub(super) timeout_is_wall: bool,
    /// When its process started.
    pub(super) started_at: Option<Timestamp>,
    /// When to report that it has; `NEVER` once done.
    pub(super) report_start_at: u64,
    /// When the next live figures may be sent.
    pub(super) sample_at: u64,
    /// When its disk usage, and whatever else the kernel does not hold, is looked at next.
    pub(super) watch_at: u64,
    /// A walk through its folders that is not complete.
    pub(super) disk: Option<DiskUsage>,
    /// What its folders held when it began, where that was more than they may.
    pub(super) disk_before: Option<u64>,
    /// Set when everything is gone.
    pub(super) gone: Option<Gone>,
    /// The collection of its artifacts, when there are any.
    pub(super) collector: Option<Collector>,
    /// A remark for people about something that does not change the outcome.
    pub(super) remark: Option<String>,
}

impl Run {
    /// An execution that is about to be handed to init as request `number`, at `now` of the monotonic clock.
    pub(super) fn new(mut start: Box<Start>, number: u64, output: Arc<Path>, now: u64, wall_us: Option<u64>) -> Self {
        if start.verify.commands.is_empty() && start.workspace.is_none() {
            start.task = serde_json::Value::Null;
        }
        let timeout_us = start.timeout.map(|span| span.as_micros().unsigned_abs());
        let timeout_is_wall = wall_us.is_some_and(|wall| timeout_us.is_none_or(|timeout| wall <= timeout));
        let limit = if timeout_is_wall { wall_us } else { timeout_us };
        Self {
            spool: Spool::new(output, start.execution_id, start.output.get()),
            listener: Listener::new(start.format),
            start,
            number,
            output: OutputMeter::new(now),
            told: (0, 0),
            tokens_counted: 0,
            agent: None,
            taking_difference: false,
            difference_done: false,
            difference_failure: None,
            difference: None,
            checks_done: 0,
            check_failure: None,
            verdict: None,
            stage: Stage::Running,
            stage_until: NEVER,
            timeout_at: limit.map_or(NEVER, |limit| now.saturating_add(limit)),
            limit_us: limit,
            timeout_is_wall,
            started_at: None,
            report_start_at: now + STARTED_AFTER_US,
            sample_at: NEVER,
            watch_at: NEVER,
            disk: None,
            disk_before: None,
            gone: None,
            collector: None,
            remark: None,
        }
    }

    /// Its identifier.
    pub(super) fn id(&self) -> ExecutionId {
        self.start.execution_id
    }

    /// Adds a remark for people to the outcome.
    pub(super) fn add_remark(&mut self, remark: &str) {
        let all = self.remark.get_or_insert_default();
        if !all.is_empty() {
            all.push_str("; ");
        }
        all.push_str(remark);
    }

    /// Whether the agent has ended well, so that what it did can be verified.
    pub(super) fn ended_well(&self, gone: &Gone) -> bool {
        self.check_failure.is_none() && self.judge(gone).succeeded()
    }

    /// Whether what it changed in its workspace has still to be taken: however it ended, but not when nobody wants it.
    pub(super) fn wants_difference(&self) -> bool {
        let unwanted = [OutcomeKind::Cancelled, OutcomeKind::Preempted, OutcomeKind::WorkerLost];
        let dropped = self.verdict.as_ref().is_some_and(|verdict| unwanted.contains(&verdict.kind));
        self.start.workspace.is_some() && !self.difference_done && self.difference_failure.is_none() && !dropped
    }

    /// Makes ready for request `number`, by which what it changed is taken.
    pub(super) fn begin_difference(&mut self, agent: Gone, number: u64, now: u64) {
        self.begin_check(agent, number, now);
        self.taking_difference = true;
        self.timeout_at = now.saturating_add(self.limit_us.unwrap_or(NEVER).min(DIFFERENCE_US));
    }

    /// What takes its difference has ended.
    pub(super) fn difference_taken(&mut self, gone: &Gone) {
        (self.taking_difference, self.difference_done) = (false, true);
        let failure = if gone.status.is_some() {
            check_failure(&["git".to_owned()], gone).map(|why| format!("{why}; its output says why"))
        } else {
            Some("the slot's init ended unexpectedly".to_owned())
        };
        self.difference_failure = self.difference_failure.take().or(failure);
    }

    /// Makes ready for request `number`, by which the next command that verifies it is started.
    pub(super) fn begin_check(&mut self, agent: Gone, number: u64, now: u64) {
        self.agent = Some(agent);
        self.number = number;
        (self.stage, self.stage_until) = (Stage::Running, NEVER);
        self.timeout_at = self.limit_us.map_or(NEVER, |limit| now.saturating_add(limit));
    }

    /// The command that verifies it at the moment, as it is shown.
    pub(super) fn check(&self) -> Option<String> {
        self.agent.filter(|_| !self.taking_difference)?;
        self.start.verify.commands.get(self.checks_done).map(|words| words.join(" "))
    }

    /// What condemns it when its time is over.
    pub(super) fn overtime(&mut self) -> Verdict {
        let limit = if self.timeout_is_wall { "the cage's wall limit" } else { "its timeout" };
        if self.taking_difference {
            let why = "it took too long".to_owned();
            let message = untaken(&why);
            self.difference_failure = Some(why);
            return Verdict { kind: OutcomeKind::Failed, limit: None, message };
        }
        if let Some(command) = self.check() {
            let why = format!("`{command}` took longer than {limit}");
            let message = unverified(&why);
            self.check_failure = Some(why);
            return Verdict { kind: OutcomeKind::Failed, limit: None, message };
        }
        let message = format!("it took longer than {limit}");
        Verdict { kind: OutcomeKind::TimedOut, limit: self.timeout_is_wall.then_some("wall"), message }
    }

    /// When it next needs attention although nothing happens.
    pub(super) fn next_wake(&self) -> u64 {
        [self.stage_until, self.timeout_at, self.report_start_at, self.sample_at, self.watch_at]
            .into_iter()
            .min()
            .unwrap_or(NEVER)
    }

    /// The live figures, if there are new ones and it is time for them.
    pub(super) fn take_sample(&mut self, now: u64) -> Option<Sample> {
        let said = &mut self.listener.said;
        if !std::mem::take(&mut said.changed) {
            return None;
        }
        self.sample_at = now + SAMPLE_EVERY_US;
        Some(Sample {
            execution_id: self.start.execution_id,
            progress: said.progress,
            message: said.message.clone(),
            activity: said.activity,
            activity_detail: said.activity_detail.clone(),
            tokens_used: said.tokens_used,
            cost: said.cost,
        })
    }

    /// How it ended, when everything is gone and artifacts of these types were found.
    pub(super) fn outcome(&mut self, gone: &Gone, found: impl Iterator<Item = ArtifactType>) -> Outcome {
        let mut outcome = self.judge(gone);
        if self.check_failure.is_some() {
            outcome.verification = Verification::Failed;
        }
        if let Some(why) = self.difference_failure.take().filter(|_| outcome.succeeded()) {
            outcome.kind = OutcomeKind::Failed;
            outcome.message = untaken(&why);
        }
        if outcome.succeeded() {
            let expected = self.start.verify.expect_artifacts;
            let failure = self.check_failure.take().or_else(|| expected.and_then(|expected| expected.missing(found)));
            let failure = failure.or_else(|| self.missing_difference());
            if let Some(why) = failure {
                outcome.kind = OutcomeKind::Failed;
                outcome.message = unverified(&why);
                outcome.verification = Verification::Failed;
            } else if !self.start.verify.is_empty() {
                outcome.verification = Verification::Verified;
            }
        }
        if let Some(remark) = self.remark.take() {
            if !outcome.message.is_empty() {
                outcome.message.push_str("; ");
            }
            outcome.message.push_str(&remark);
        }
        let said = &mut self.listener.said;
        outcome.result = said.result.take();
        outcome.tokens_used = said.tokens_used;
        (outcome.input_tokens, outcome.output_tokens) = said.tokens_apart.unzip();
        outcome.cost = said.cost;
        outcome.summary = said.message.take();
        outcome.progress = said.progress;
        outcome.usage = Usage {
            cpu_us: gone.cpu_us,
            memory_peak: (gone.peak_kib > 0).then_some(gone.peak_kib.saturating_mul(1024)),
            output_bytes: self.spool.taken(),
        };
        outcome
    }

    /// That a difference was expected, and there is none.
    fn missing_difference(&self) -> Option<String> {
        if !self.start.verify.expect_difference || self.difference.is_some() {
            return None;
        }
        Some(match &self.start.workspace {
            Some(workspace) => {
                let (repository, base) = (&workspace.repository, &workspace.base);
                format!("expected a difference from {repository} at {}, found none", base.get(..12).unwrap_or(base))
            }
            None => "expected a difference, but the execution had no workspace".to_owned(),
        })
    }

    fn judge(&self, gone: &Gone) -> Outcome {
        let exit_code = gone.status.filter(|status| libc::WIFEXITED(*status)).map(|status| libc::WEXITSTATUS(status));
        let signal = gone.status.filter(|status| libc::WIFSIGNALED(*status)).map(|status| libc::WTERMSIG(status));
        let with = |kind: OutcomeKind, limit: Option<&str>, message: String| {
            let limit = limit.map(str::to_owned);
            Outcome { exit_code, signal, limit, ..Outcome::new(kind, message) }
        };
        if let Some(verdict) = &self.verdict {
            return with(verdict.kind, verdict.limit, verdict.message.clone());
        }
        let exceeded = OutcomeKind::LimitExceeded;
        if gone.memory_kills > 0 {
            let text = "the cage's memory was used up, and the kernel ended a process that wanted more";
            return with(exceeded, Some("memory"), text.to_owned());
        }
        if exit_code != Some(0) && gone.refused_forks > 0 {
            let text = "the cage's number of processes was used up, and the kernel refused another";
            return with(exceeded, Some("pids"), text.to_owned());
        }
        match (exit_code, signal) {
            (Some(0), _) => match self.listener.failure() {
                None => with(OutcomeKind::Succeeded, None, String::new()),
                Some(why) => with(OutcomeKind::Failed, None, format!("exit status 0, but {why}")),
            },
            (Some(code), _) => {
                let why = self.listener.failure().map(|why| format!("; {why}")).unwrap_or_default();
                with(OutcomeKind::Failed, None, format!("exit status {code}{why}"))
            }
            (None, Some(libc::SIGXFSZ)) => {
                with(exceeded, Some("disk"), "a file grew beyond the cage's disk limit".to_owned())
            }
            (None, Some(signal)) => with(OutcomeKind::Failed, None, format!("ended by signal {signal}")),
            (None, None) => with(
                OutcomeKind::Failed,
                None,
                "the slot's init ended unexpectedly, and everything in the slot with it".to_owned(),
            ),
        }
    }
}

/// That a verification failed, and why, for people.
fn unverified(why: &str) -> String {
    format!("verification failed: {why}")
}

/// That what was changed could not be taken, and why, for people.
fn untaken(why: &str) -> String {
    format!("what it changed in its workspace could not be taken: {why}")
}

/// Why a command that verifies an execution did not hold; `None` when it did.
pub(super) fn check_failure(command: &[String], gone: &Gone) -> Option<String> {
    let shown = command.join(" ");
    let status = gone.status?;
    let ended = match (libc::WIFEXITED(status), libc::WEXITSTATUS(status)) {
        (true, 0) if gone.memory_kills == 0 => return None,
        (true, code) => format!("ended with exit status {code}"),
        (false, _) => format!("was ended by signal {}", libc::WTERMSIG(status)),
    };
    let why = match (gone.memory_kills, gone.refused_forks) {
        (0, 0) => "",
        (0, _) => "; the cage's number of processes was used up",
        _ => "; the cage's memory was used up",
    };
    Some(format!("`{shown}` {ended}{why}"))
}

/// Why the program of a command could not be executed, for people.
pub(super) fn not_executed(start: &Start, command: &[String], path: &str, errno: i32, workdir: bool) -> String {
    let why = std::io::Error::from_raw_os_error(errno);
    let program = command.first().map_or("", String::as_str);
    if workdir {
        let folder = start.workdir.as_deref().unwrap_or_default();
        format!("the folder {folder:?} cannot be entered from the cage: {why}; give it to the cage under read or write")
    } else if program.contains('/') {
        format!("the program {program:?} cannot be executed in the cage: {why}")
    } else {
        format!("the program {program:?} cannot be executed: {why}; looked for in PATH={path}")
    }
}

/// The signal by which init is asked to do what a stage demands.
pub(super) fn signal_for(stage: Stage) -> Option<libc::c_int> {
    match stage {
        Stage::Running => None,
        Stage::Asked => Some(libc::SIGTERM),
        Stage::Killed => Some(libc::SIGUSR1),
        Stage::Doomed => Some(libc::SIGKILL),
    }
}

/// The time now, by both clocks: for timers and for the record.
pub(super) fn clocks() -> (u64, Timestamp) {
    (sys::monotonic(), sys::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::StreamFormat;
    use crate::domain::verify::{ExpectedArtifacts, Verify};
    use crate::domain::{Bytes, CageId, Span, TaskId};

    fn run(timeout: Option<i64>, wall: Option<u64>) -> Run {
        let start = Start {
            execution_id: ExecutionId::new(Timestamp::EPOCH, 1),
            task_id: TaskId::new(Timestamp::EPOCH, 1),
            cage_id: CageId::new(1).unwrap(),
            agent: "a".to_owned(),
            command: vec!["x".to_owned()],
            env: std::collections::BTreeMap::new(),
            workdir: None,
            format: StreamFormat::Claude,
            verify: Verify::default(),
            workspace: None,
            task: serde_json::Value::Null,
            timeout: timeout.map(Span::from_micros),
            output: Bytes::ZERO,
            tokens: None,
        };
        Run::new(Box::new(start), 1, Path::new("/nowhere").into(), 1000, wall)
    }

    #[test]
    fn the_shorter_time_counts_and_is_named() {
        for (timeout, wall, at, is_wall) in [
            (None, None, NEVER, false),
            (Some(5), None, 1005, false),
            (Some(5), Some(3), 1003, true),
            (Some(2), Some(3), 1002, false),
        ] {
            let run = run(timeout, wall);
            assert_eq!((run.timeout_at, run.timeout_is_wall), (at, is_wall));
        }
    }

    const RESULT: &[u8] = b"{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false}\n";

    fn gone(status: Option<i32>, memory_kills: u64, refused_forks: u64) -> Gone {
        Gone { status, cpu_us: 0, peak_kib: 0, memory_kills, refused_forks }
    }

    #[test]
    fn breaches_come_before_exit_statuses_and_verdicts_before_both() {
        let judged = |verdict: Option<Verdict>, gone: Gone| {
            let mut run = run(None, None);
            run.listener.feed(RESULT);
            run.verdict = verdict;
            let outcome = run.outcome(&gone, std::iter::empty());
            (outcome.kind, outcome.limit)
        };
        assert_eq!(judged(None, gone(Some(0), 0, 3)), (OutcomeKind::Succeeded, None));
        assert_eq!(judged(None, gone(Some(0), 1, 0)), (OutcomeKind::LimitExceeded, Some("memory".to_owned())));
        assert_eq!(judged(None, gone(Some(0x100), 0, 3)), (OutcomeKind::LimitExceeded, Some("pids".to_owned())));
        assert_eq!(judged(None, gone(Some(0x100), 0, 0)), (OutcomeKind::Failed, None));
        assert_eq!(
            judged(None, gone(Some(libc::SIGXFSZ), 0, 0)),
            (OutcomeKind::LimitExceeded, Some("disk".to_owned()))
        );
        assert_eq!(judged(None, gone(None, 0, 0)), (OutcomeKind::Failed, None));
        let verdict = Verdict { kind: OutcomeKind::Cancelled, limit: None, message: "by the operator".to_owned() };
        assert_eq!(judged(Some(verdict), gone(Some(9), 1, 1)), (OutcomeKind::Cancelled, None));
    }

    #[test]
    fn exit_status_0_is_no_success_against_the_agents_own_word() {
        let mut run = run(None, None);
        assert!(!run.ended_well(&gone(Some(0), 0, 0)), "nothing is verified of what failed");
        let outcome = run.outcome(&gone(Some(0), 0, 0), std::iter::empty());
        let said = "exit status 0, but its stream ended without a result";
        assert_eq!((outcome.kind, outcome.exit_code, outcome.message.as_str()), (OutcomeKind::Failed, Some(0), said));
        let outcome = run.outcome(&gone(Some(0x200), 0, 0), std::iter::empty());
        assert_eq!(outcome.message, "exit status 2; its stream ended without a result");
    }

    #[test]
    fn a_verification_has_the_last_word() {
        use ArtifactType::{Code, Doc};
        let judged = |verify: Verify, failure: Option<&str>, status: i32, found: &[ArtifactType]| {
            let mut run = run(None, None);
            run.listener.feed(RESULT);
            run.start.verify = verify;
            run.check_failure = failure.map(str::to_owned);
            let outcome = run.outcome(&gone(Some(status), 0, 0), found.iter().copied());
            (outcome.kind, outcome.verification, outcome.message)
        };
        let make = || Verify { commands: vec![vec!["make".to_owned()]], ..Verify::default() };
        let code = || Verify {
            expect_artifacts: Some(ExpectedArtifacts { at_least: 1, kind: Some(Code) }),
            ..Verify::default()
        };
        let (good, bad) = (OutcomeKind::Succeeded, OutcomeKind::Failed);
        assert_eq!(judged(Verify::default(), None, 0, &[]), (good, Verification::Unverified, String::new()));
        assert_eq!(judged(make(), None, 0, &[]), (good, Verification::Verified, String::new()));
        assert_eq!(judged(code(), None, 0, &[Doc, Code]), (good, Verification::Verified, String::new()));
        let said = "verification failed: expected at least 1 artifact of type code, found 0".to_owned();
        assert_eq!(judged(code(), None, 0, &[Doc]), (bad, Verification::Failed, said));
        let said = "verification failed: `make` broke".to_owned();
        assert_eq!(judged(make(), Some("`make` broke"), 0, &[]), (bad, Verification::Failed, said));
        // What failed by itself was never verified.
        let said = "exit status 1".to_owned();
        assert_eq!(judged(code(), None, 0x100, &[Doc]), (bad, Verification::Unverified, said));
    }

    #[test]
    fn a_command_that_verifies_fails_by_its_status_and_by_what_it_breaks() {
        let failure = |gone: Gone| check_failure(&["make".to_owned(), "test".to_owned()], &gone);
        assert_eq!(failure(gone(Some(0), 0, 1)), None);
        assert_eq!(failure(gone(Some(0x200), 0, 0)).unwrap(), "`make test` ended with exit status 2");
        assert_eq!(failure(gone(Some(9), 0, 0)).unwrap(), "`make test` was ended by signal 9");
        assert!(failure(gone(Some(0), 1, 0)).unwrap().ends_with("; the cage's memory was used up"));
    }

    #[test]
    fn each_command_that_verifies_has_the_whole_time() {
        let mut run = run(Some(5), None);
        run.start.verify.commands = vec![vec!["make".to_owned()]];
        run.begin_check(gone(Some(0), 0, 0), 2, 2000);
        assert_eq!((run.number, run.timeout_at), (2, 2005));
        let verdict = run.overtime();
        assert_eq!(verdict.kind, OutcomeKind::Failed);
        assert_eq!(verdict.message, "verification failed: `make` took longer than its timeout");
        run.verdict = Some(verdict);
        assert_eq!(run.outcome(&gone(Some(0), 0, 0), std::iter::empty()).verification, Verification::Failed);
    }
}
