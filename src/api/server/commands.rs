//! Changes: a command with ids as people write them becomes one with whole ids, and goes to the deciding thread.

use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;

use super::{Failure, Service, rule_check};
use crate::api::types::{BATCH_TASKS_MAX, WireCommand};
use crate::domain::{Command, NewTask, Refusal, RefusalKind, Reply, TaskId, WhatIf};
use crate::engine::message::{Message, Peer};
use crate::store::{self, Reader};

/// What one task may weigh as JSON; larger inputs belong into files that the cage may read.
const TASK_BYTES_MAX: usize = 1 << 20;

/// The part of a body that tells which command it is.
#[derive(Deserialize)]
struct Tag {
    command: String,
}

/// A submission, read directly: going through a tree of values first would double the cost of a large one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    #[serde(rename = "command")]
    _command: serde::de::IgnoredAny,
    tasks: Vec<NewTask>,
    #[serde(default)]
    keep_going: bool,
}

/// `POST /v1/commands`.
pub(super) async fn post(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    body: Bytes,
) -> Result<Json<Reply>, Failure> {
    let (command, warned) = command_of(&service, body).await?;
    let mut reply = service.ask(|answer| Message::Command { peer, command, answer }).await??;
    let (Reply::Submitted { warnings, .. } | Reply::Items { warnings, .. } | Reply::Applied { warnings, .. }) =
        &mut reply;
    warnings.extend(warned);
    Ok(Json(reply))
}

/// `POST /v1/what-if`: what a command would do.
pub(super) async fn what_if(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    body: Bytes,
) -> Result<Json<WhatIf>, Failure> {
    let (command, _) = command_of(&service, body).await?;
    let means = service.running()?.figures.clone();
    Ok(Json(service.ask(|answer| Message::WhatIf { peer, command, means, answer }).await??))
}

/// Reads a command and looks up what it names. With it comes what is to be said of it once it is taken.
async fn command_of(service: &Service, body: Bytes) -> Result<(Command, Vec<String>), Failure> {
    let command = if body.len() > 64 << 10 {
        // Reading a large body takes milliseconds, which other requests need not wait for.
        let read = tokio::task::spawn_blocking(move || read_command(&body)).await;
        read.map_err(|error| Refusal::new(RefusalKind::Unavailable, "the request", error))??
    } else {
        read_command(&body)?
    };
    if let Wire::Prefixes(WireCommand::Apply { fleet, .. }) = &command {
        fleet.check_grants(&service.0.data_dir)?;
    }
    Ok(match command {
        Wire::Ready(command) => (command, vec![]),
        Wire::Prefixes(command) => {
            let command = service.read(move |reader| resolve(reader, command)).await?;
            let warnings = rule_check::command(service, &command).await?;
            (command, warnings)
        }
        Wire::Dependent(tasks, keep_going) => {
            let resolved = service.read(move |reader| resolve_dependencies(reader, tasks, keep_going)).await?;
            (Command::SubmitTasks { tasks: resolved, keep_going }, vec![])
        }
    })
}

/// A command as it came over the wire.
enum Wire {
    /// Nothing in it has to be looked up.
    Ready(Command),
    /// Ids may be shortened and agents named.
    Prefixes(WireCommand),
    /// A submission whose dependencies may be shortened.
    Dependent(Vec<NewTask>, bool),
}

fn read_command(body: &[u8]) -> Result<Wire, Refusal> {
    let malformed = |error: serde_json::Error| {
        Refusal::invalid("request body", error, "a JSON object with \"command\" and its fields")
            .hint("GET /v1/openapi.json describes every command")
    };
    let tag: Tag = serde_json::from_slice(body).map_err(malformed)?;
    if tag.command != "submit_tasks" {
        return Ok(Wire::Prefixes(serde_json::from_slice(body).map_err(malformed)?));
    }
    let Submission { tasks, keep_going, .. } = serde_json::from_slice(body).map_err(malformed)?;
    if tasks.len() > BATCH_TASKS_MAX {
        return Err(Refusal::invalid("tasks", tasks.len(), format!("at most {BATCH_TASKS_MAX} in one request")));
    }
    if body.len() > TASK_BYTES_MAX {
        for (place, task) in tasks.iter().enumerate() {
            let bytes = serde_json::to_vec(task).map_or(0, |text| text.len());
            if bytes > TASK_BYTES_MAX {
                let allowed = format!("at most {TASK_BYTES_MAX} bytes of JSON a task");
                return Err(Refusal::invalid(format!("tasks[{place}]"), format!("{bytes} bytes"), allowed)
                    .hint("put large input into a file and let the cage read it"));
            }
        }
    }
    if tasks.iter().all(|task| task.depends_on.is_empty()) {
        return Ok(Wire::Ready(Command::SubmitTasks { tasks, keep_going }));
    }
    Ok(Wire::Dependent(tasks, keep_going))
}

/// Replaces shortened ids in `depends_on` by whole ones; a batch's own keys are left for the core.
fn resolve_dependencies(
    reader: &Reader,
    mut tasks: Vec<NewTask>,
    keep_going: bool,
) -> Result<Vec<NewTask>, store::Error> {
    let keys: std::collections::HashSet<String> = tasks.iter().filter_map(|task| task.key.clone()).collect();
    for (place, task) in tasks.iter_mut().enumerate() {
        for dependency in &mut task.depends_on {
            if keys.contains(dependency) || dependency.parse::<TaskId>().is_ok() {
                continue;
            }
            match reader.resolve_task(dependency) {
                Ok(id) => *dependency = id.to_string(),
                // Left as it is, the core refuses this task alone, and knows whether a key was meant.
                Err(store::Error::Refused(refusal)) if keep_going || refusal.kind == RefusalKind::NotFound => {}
                Err(store::Error::Refused(refusal)) => {
                    let field = format!("tasks[{place}].depends_on");
                    let refusal = Refusal { field, ..refusal };
                    return Err(refusal.allowed("ids of tasks, or keys of the same submission").into());
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(tasks)
}

/// Replaces shortened ids and names by whole ids.
fn resolve(reader: &Reader, command: WireCommand) -> Result<Command, store::Error> {
    let tasks = |ids: Vec<String>| ids.iter().map(|id| reader.resolve_task(id)).collect::<Result<Vec<_>, _>>();
    let agents = |ids: Vec<String>| ids.iter().map(|id| reader.resolve_agent(id)).collect::<Result<Vec<_>, _>>();
    let artifacts = |ids: Vec<String>| ids.iter().map(|id| reader.resolve_artifact(id)).collect::<Result<Vec<_>, _>>();
    let alerts = |ids: Vec<String>| ids.iter().map(|id| reader.resolve_alert(id)).collect::<Result<Vec<_>, _>>();
    Ok(match command {
        WireCommand::SubmitTasks { tasks, keep_going } => {
            Command::SubmitTasks { tasks: resolve_dependencies(reader, tasks, keep_going)?, keep_going }
        }
        WireCommand::CancelTasks { ids, note, pending_only } => {
            Command::CancelTasks { ids: tasks(ids)?, note, pending_only }
        }
        WireCommand::RetryTasks { ids } => Command::RetryTasks { ids: tasks(ids)? },
        WireCommand::ReassignTasks { ids, agent, cage } => {
            let agent = agent.map(|agent| reader.resolve_agent(&agent)).transpose()?;
            Command::ReassignTasks { ids: tasks(ids)?, agent, cage }
        }
        WireCommand::PrioritiseTasks { ids, priority } => Command::PrioritiseTasks { ids: tasks(ids)?, priority },
        WireCommand::Apply { fleet, dry_run } => Command::Apply { fleet, dry_run },
        WireCommand::AddAgent { agent } => Command::AddAgent { agent },
        WireCommand::SetAgent { id, changes } => Command::SetAgent { id: reader.resolve_agent(&id)?, changes },
        WireCommand::RemoveAgents { ids } => Command::RemoveAgents { ids: agents(ids)? },
        WireCommand::ReassignAgents { ids, cage } => Command::ReassignAgents { ids: agents(ids)?, cage },
        WireCommand::RenameAgent { agent, name } => Command::RenameAgent { agent: reader.resolve_agent(&agent)?, name },
        WireCommand::ReportTo { ids, superior } => {
            let superior = superior.map(|agent| reader.resolve_agent(&agent)).transpose()?;
            Command::ReportTo { ids: agents(ids)?, superior }
        }
        WireCommand::DrainAgents { ids } => Command::DrainAgents { ids: agents(ids)? },
        WireCommand::ResumeAgents { ids } => Command::ResumeAgents { ids: agents(ids)? },
        WireCommand::SetCageMaintenance { ids, on } => Command::SetCageMaintenance { ids, on },
        WireCommand::VacateCages { ids } => Command::VacateCages { ids },
        WireCommand::ReviewArtifacts { ids, approve, note, quality } => {
            Command::ReviewArtifacts { ids: artifacts(ids)?, approve, note, quality }
        }
        WireCommand::RateTasks { ids, rating, note } => Command::RateTasks { ids: tasks(ids)?, rating, note },
        WireCommand::TrainModel { model } => Command::TrainModel { model },
        WireCommand::RollBackModel { model, version } => Command::RollBackModel { model, version },
        WireCommand::ReopenReviews { ids } => Command::ReopenReviews { ids: artifacts(ids)? },
        WireCommand::SnoozeReviews { ids, until } => {
            let ids = ids.iter().map(|id| reader.resolve_review(id)).collect::<Result<Vec<_>, _>>()?;
            Command::SnoozeReviews { ids, until }
        }
        WireCommand::AcknowledgeAlerts { ids, note } => Command::AcknowledgeAlerts { ids: alerts(ids)?, note },
        WireCommand::UnacknowledgeAlerts { ids } => Command::UnacknowledgeAlerts { ids: alerts(ids)? },
        WireCommand::SilenceAlerts { ids, until } => Command::SilenceAlerts { ids: alerts(ids)?, until },
        WireCommand::ResolveAlerts { ids, action, notes } => {
            Command::ResolveAlerts { ids: alerts(ids)?, action, notes }
        }
        WireCommand::ReopenAlerts { ids } => Command::ReopenAlerts { ids: alerts(ids)? },
        WireCommand::AddAlertRule { rule } => Command::AddAlertRule { rule },
        WireCommand::RemoveAlertRules { names } => Command::RemoveAlertRules { names },
        WireCommand::EnableAlertRules { names, on } => Command::EnableAlertRules { names, on },
        WireCommand::AddApprovalRule { rule } => Command::AddApprovalRule { rule },
        WireCommand::RemoveApprovalRules { names } => Command::RemoveApprovalRules { names },
        WireCommand::AddSilence { matcher, until, note } => Command::AddSilence { matcher, until, note },
        WireCommand::RemoveSilences { ids } => Command::RemoveSilences { ids },
    })
}
