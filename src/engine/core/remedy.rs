//! What to do about what raises alerts without a rule: one list, by trigger. Rules bring their own.

use super::alerts::{
    BREAKER, CAGE_FAILED, CLOCK_OFF, DELIVERY_FAILED, GPU_LOST, LIMIT_EXCEEDED, MODEL_REFUSED, NODE_LOST, NOT_MERGED,
    STORE_FAILED, TASK_FAILED, WORKER_ENDED,
};

/// What to do about an alert with this trigger; of what only a worker has a word for, where more stands.
pub(super) fn remedy_for(trigger: &str) -> &'static str {
    if let Some(limit) = trigger.strip_prefix(LIMIT_EXCEEDED) {
        return limit_remedy(limit);
    }
    match trigger {
        NODE_LOST => {
            "look whether the machine and its worker run, and at worker.log; menagerie starts a worker anew with the engine"
        }
        CLOCK_OFF => {
            "set the clock of that machine and keep it set by NTP (chronyd, systemd-timesyncd): date -u shows it"
        }
        GPU_LOST => {
            "look at the kernel's log (dmesg) for the Xid of the GPU; as a rule the machine has to be restarted"
        }
        WORKER_ENDED => {
            "look at the end of worker.log and at the kernel's log for why it ended; what it took along is tried again"
        }
        BREAKER => {
            "read the output of its last executions; menagerie agent resume gives it work again before the pause is over"
        }
        CAGE_FAILED => {
            "mend what the message names and give the cage back with menagerie cage maintenance --off, or declare it otherwise"
        }
        TASK_FAILED => "read the output of the task; menagerie task retry tries it again",
        NOT_MERGED => "menagerie artifact show says what stands in the way; merge by hand what is worth it",
        STORE_FAILED => {
            "make room on the disk of the data directory; menagerie journal verify says whether all is whole"
        }
        DELIVERY_FAILED => "mend the receiver, or its entry under [[alert.receiver]] in the configuration",
        MODEL_REFUSED => "use a newer menagerie, or go back with menagerie model rollback policy VERSION",
        _ => "worker.log in the data directory and menagerie event list --source have more about it",
    }
}

/// What to do about a limit that was broken.
fn limit_remedy(limit: &str) -> &'static str {
    match limit {
        "memory" => "raise limits.memory of the cage, or mend what leaks: the output of the task says what it did last",
        "pids" => "raise limits.pids of the cage, or mend what starts so many processes",
        "disk" => "raise limits.disk of the cage, or clear up its working folder",
        "tokens" => "raise limits.tokens of the cage, or give the task less to do",
        _ => "raise that limit of the cage, or give the task less to do",
    }
}

#[cfg(test)]
mod tests {
    use super::super::alerts::{LIMITS, TRIGGERS};
    use super::*;

    #[test]
    fn every_trigger_has_a_remedy_of_its_own() {
        let limits =
            LIMITS.into_iter().chain(["other"]).map(|limit| format!("{LIMIT_EXCEEDED}{limit}")).collect::<Vec<_>>();
        let others = TRIGGERS.into_iter().chain(["new limits were not taken"]);
        let mut remedies: Vec<&str> = limits.iter().map(String::as_str).chain(others).map(remedy_for).collect();
        let all = remedies.len();
        remedies.sort_unstable();
        remedies.dedup();
        assert_eq!(remedies.len(), all, "{remedies:?}");
    }
}
