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
use crate::domain::{ExecutionId, Outcome, OutcomeKind, Timestamp, Usage};

/// Never, for timers.
pub(super) const NEVER: u64 = u64::MAX;

/// After how long a start is reported if no end has been reported by then. Shorter executions report only their end.
const STARTED_AFTER_US: u64 = 5_000;
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

/// An execution under way.
pub(super) struct Run {
    /// What was asked for; without the task, which the agent has by now.
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
    /// Why the worker ends it, if it does.
    pub(super) verdict: Option<Verdict>,
    /// How far that has come.
    pub(super) stage: Stage,
    /// When the next stage follows.
    pub(super) stage_until: u64,
    /// When its time is over.
    pub(super) timeout_at: u64,
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
        start.task = serde_json::Value::Null;
        let timeout_us = start.timeout.map(|span| span.as_micros().unsigned_abs());
        let timeout_is_wall = wall_us.is_some_and(|wall| timeout_us.is_none_or(|timeout| wall <= timeout));
        let limit = if timeout_is_wall { wall_us } else { timeout_us };
        Self {
            spool: Spool::new(output, start.execution_id, start.output.get()),
            start,
            number,
            listener: Listener::default(),
            output: OutputMeter::new(now),
            told: (0, 0),
            tokens_counted: 0,
            verdict: None,
            stage: Stage::Running,
            stage_until: NEVER,
            timeout_at: limit.map_or(NEVER, |limit| now.saturating_add(limit)),
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

    /// When it next needs attention although nothing happens.
    pub(super) fn next_wake(&self) -> u64 {
        [self.stage_until, self.timeout_at, self.report_start_at, self.sample_at, self.watch_at]
            .into_iter()
            .min()
            .unwrap_or(NEVER)
    }

    /// The live figures, if there are new ones and it is time for them.
    pub(super) fn take_sample(&mut self, now: u64) -> Option<Sample> {
        if !std::mem::take(&mut self.listener.changed) {
            return None;
        }
        self.sample_at = now + SAMPLE_EVERY_US;
        Some(Sample {
            execution_id: self.id(),
            progress: self.listener.progress,
            message: self.listener.message.clone(),
            tokens_used: self.listener.tokens_used,
            cost: self.listener.cost,
        })
    }

    /// How it ended, when everything is gone.
    pub(super) fn outcome(&mut self, gone: &Gone) -> Outcome {
        let mut outcome = self.judge(gone);
        if let Some(remark) = self.remark.take() {
            if !outcome.message.is_empty() {
                outcome.message.push_str("; ");
            }
            outcome.message.push_str(&remark);
        }
        outcome.result = self.listener.result.take();
        outcome.tokens_used = self.listener.tokens_used;
        outcome.cost = self.listener.cost;
        outcome.summary = self.listener.message.take();
        outcome.progress = self.listener.progress;
        outcome.usage = Usage {
            cpu_us: gone.cpu_us,
            memory_peak: (gone.peak_kib > 0).then_some(gone.peak_kib.saturating_mul(1024)),
            output_bytes: self.spool.taken(),
        };
        outcome
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
            (Some(0), _) => with(OutcomeKind::Succeeded, None, String::new()),
            (Some(code), _) => with(OutcomeKind::Failed, None, format!("exit status {code}")),
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

/// Why a program could not be executed, for people.
pub(super) fn not_executed(start: &Start, path: &str, errno: i32, workdir: bool) -> Outcome {
    let why = std::io::Error::from_raw_os_error(errno);
    let program = start.command.first().map_or("", String::as_str);
    let message = if workdir {
        let folder = start.workdir.as_deref().unwrap_or_default();
        format!("the folder {folder:?} cannot be entered from the cage: {why}; give it to the cage under read or write")
    } else if program.contains('/') {
        format!("the program {program:?} cannot be executed in the cage: {why}")
    } else {
        format!("the program {program:?} cannot be executed: {why}; looked for in PATH={path}")
    };
    Outcome { exit_code: Some(127), ..Outcome::new(OutcomeKind::NotStarted, message) }
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

    #[test]
    fn breaches_come_before_exit_statuses_and_verdicts_before_both() {
        let gone =
            |status, memory_kills, refused_forks| Gone { status, cpu_us: 0, peak_kib: 0, memory_kills, refused_forks };
        let judged = |verdict: Option<Verdict>, gone: Gone| {
            let mut run = run(None, None);
            run.verdict = verdict;
            let outcome = run.outcome(&gone);
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
}
