//! What a worker is told of an approved difference that it has to merge, read from the store at that moment.

use crate::domain::link::{MergeOrder, ToWorker};
use crate::domain::{ArtifactId, NodeId};
use crate::store::{self, Reader};

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
        subject: task.map_or_else(|| artifact.title, |task| task.kind),
        content: artifact.content,
        path: artifact.path,
        digest: artifact.digest,
    };
    Ok(Some((execution.node_id, ToWorker::Merge(Box::new(order)))))
}
