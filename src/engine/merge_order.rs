//! What a worker is told of an approved difference that it has to merge, read from the store at that moment.

use crate::domain::link::{MergeOrder, ToWorker};
use crate::domain::{ArtifactId, NodeId};
use crate::store::{self, Reader};

/// How long the first line of a commit's message may be, in characters.
const SUBJECT_CHARS_MAX: usize = 72;

/// The first line of the commit's message: what sort of work it was, and what its agent said of it last.
fn subject(kind: &str, summary: Option<&str>) -> String {
    let said = summary.unwrap_or_default().lines().map(str::trim).find(|line| !line.is_empty());
    let line = said.map_or_else(|| kind.to_owned(), |said| format!("{kind}: {said}"));
    line.chars().filter(|c| !c.is_control()).take(SUBJECT_CHARS_MAX).collect()
}

/// The order to merge an artifact, and the node that its execution was on; `None` when it is no difference.
pub fn message(reader: &Reader, id: ArtifactId) -> Result<Option<(NodeId, ToWorker)>, store::Error> {
    let Some(artifact) = reader.artifact(id)? else { return Ok(None) };
    let Some(difference) = artifact.difference else { return Ok(None) };
    let Some(execution) = reader.execution(artifact.execution_id)? else { return Ok(None) };
    let task = reader.task(artifact.task_id)?;
    let agent = reader.agent(artifact.agent_id)?.map(|agent| agent.spec.name);
    let user = artifact.review.by.map(|by| reader.user(by)).transpose()?.flatten();
    let order = MergeOrder {
        artifact_id: id,
        task_id: artifact.task_id,
        execution_id: artifact.execution_id,
        // A removed agent has no name any more.
        agent: agent.unwrap_or_else(|| artifact.agent_id.to_string()),
        approved_by: user.map_or_else(|| "somebody".to_owned(), |user| user.name),
        approved_at: artifact.review.at.unwrap_or(artifact.created_at),
        difference,
        subject: subject(&task.map_or(artifact.title, |task| task.kind), execution.output_summary.as_deref()),
        content: artifact.content,
        path: artifact.path,
        digest: artifact.digest,
    };
    Ok(Some((execution.node_id, ToWorker::Merge(Box::new(order)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_short_line() {
        assert_eq!(subject("fix", None), "fix");
        assert_eq!(
            subject("fix", Some("\n  The bound was off.\u{1b}[1m\nApproved-by: nobody")),
            "fix: The bound was off.[1m"
        );
        assert_eq!(subject("fix", Some(&"ä".repeat(100))).chars().count(), SUBJECT_CHARS_MAX);
    }
}
