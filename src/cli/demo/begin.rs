//! How a survey begins: the fleet is declared and its tasks are submitted, unless one is under way in this engine already.
//! That one is gone on with, so that the same command twice is one survey and not two.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::plan::REPOSITORY;
use crate::api::client::{Client, Query};
use crate::api::types::{JournalRow, Status, WireCommand};
use crate::cli::failure::Failure;
use crate::domain::{Fleet, NewTask, Refusal, Reply, TaskId, TaskStatus, Timestamp};

/// The tasks of surveys, whichever.
const SURVEYS: &str = "source:=demo tag:=survey";

/// How many tasks of surveys are looked through, the newest first; a survey has about fifteen.
const LOOKED_AT: &str = "500";

/// A survey that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Its tasks, each with the name of the agent that does it.
    pub tasks: Vec<(TaskId, String)>,
    /// The journal's last record before them.
    pub seq: u64,
    /// When it was submitted, if it was there before.
    pub since: Option<Timestamp>,
}

/// Goes on with the survey that is under way, or with `again`, or when there is none, submits `tasks` to `fleet`.
///
/// # Errors
/// Whatever the engine refuses; and when the survey under way is of another repository.
pub fn begin(client: &Client, fleet: Fleet, tasks: Vec<NewTask>, again: bool) -> Result<Begun, Failure> {
    let found = if again { None } else { under_way(client)? };
    let Some(found) = found else { return submit(client, fleet, tasks) };
    let wanted = tasks.first().and_then(|task| repository(&task.parameters.configuration));
    if let (Some(wanted), Some(there)) = (wanted, found.first().and_then(Surveying::repository))
        && wanted != there
    {
        let refusal = Refusal::invalid("PATH", wanted, there);
        return Err(refusal
            .hint("a survey of that is under way here: --again adds one of this, --data-dir keeps it apart")
            .into());
    }
    attach(client, &tasks, &found)
}

/// Declares a fleet and submits its tasks.
fn submit(client: &Client, fleet: Fleet, tasks: Vec<NewTask>) -> Result<Begun, Failure> {
    let names: Vec<String> = tasks.iter().filter_map(|task| task.key.clone()).collect();
    client.command(&WireCommand::Apply { fleet, dry_run: false })?;
    let seq = client.get::<Status>("/v1/status", &vec![])?.seq;
    match client.command(&WireCommand::SubmitTasks { tasks, keep_going: false })? {
        Reply::Submitted { ids, .. } => Ok(Begun { tasks: ids.into_iter().zip(names).collect(), seq, since: None }),
        _ => Err(Failure::failed("the engine answered the submission with something else")),
    }
}

/// A task of a survey, as far as it matters here.
#[derive(Deserialize)]
struct Surveying {
    id: TaskId,
    #[serde(rename = "type")]
    kind: String,
    status: TaskStatus,
    created_at: Timestamp,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    configuration: Map<String, Value>,
}

impl Surveying {
    fn repository(&self) -> Option<&str> {
        repository(&self.parameters.configuration)
    }
}

fn repository(configuration: &Map<String, Value>) -> Option<&str> {
    configuration.get(REPOSITORY).and_then(Value::as_str)
}

/// All tasks of the newest survey that has not ended.
fn under_way(client: &Client) -> Result<Option<Vec<Surveying>>, Failure> {
    let query = [("filter", SURVEYS), ("sort", "-created_at"), ("limit", LOOKED_AT)];
    let query: Query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let (tasks, _) = client.list::<Surveying>("tasks", &query)?;
    Ok(newest_open(tasks))
}

/// Of tasks, the newest first, those that were submitted together and of which one has not ended.
fn newest_open(mut tasks: Vec<Surveying>) -> Option<Vec<Surveying>> {
    // What one command submits has one time.
    let open = tasks.iter().find(|task| !task.status.is_final())?.created_at;
    tasks.retain(|task| task.created_at == open);
    Some(tasks)
}

/// What is known of a survey under way. Its agents go by what they can do, which is the type of their tasks.
fn attach(client: &Client, planned: &[NewTask], found: &[Surveying]) -> Result<Begun, Failure> {
    let name = |task: &Surveying| {
        let same = planned.iter().find(|planned| planned.kind == task.kind);
        same.and_then(|planned| planned.key.clone()).unwrap_or_else(|| task.kind.clone())
    };
    let since = found.iter().map(|task| task.created_at).min();
    let first = match since {
        Some(since) => {
            let filter = format!("kind:task_submitted since:{since}");
            let query = vec![("filter".to_owned(), filter), ("limit".to_owned(), "1".to_owned())];
            client.page::<JournalRow>("journal", &query)?.items.first().map(|row| row.seq)
        }
        None => None,
    };
    let tasks = found.iter().map(|task| (task.id, name(task))).collect();
    Ok(Begun { tasks, seq: first.map_or(0, |first| first.saturating_sub(1)), since })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(number: u128, second: i64, status: TaskStatus) -> Surveying {
        let created_at = Timestamp::from_micros(second * 1_000_000);
        let id = TaskId::new(created_at, number);
        Surveying { id, kind: "todo".to_owned(), status, created_at, parameters: Parameters::default() }
    }

    #[test]
    fn a_survey_is_under_way_while_one_of_its_tasks_is_and_a_newer_one_goes_first() {
        use TaskStatus::{Cancelled, Completed, Executing, Failed, Pending};
        let ids =
            |tasks: Vec<Surveying>| newest_open(tasks).map(|tasks| tasks.into_iter().map(|task| task.id).collect());
        assert_eq!(ids(vec![]), None::<Vec<TaskId>>);
        let over = || vec![task(9, 30, Completed), task(8, 30, Failed), task(7, 30, Cancelled)];
        assert_eq!(ids(over()), None, "what is over is not gone on with");
        let open = [task(3, 20, Completed), task(2, 20, Pending), task(1, 10, Executing)];
        let wanted = vec![open[0].id, open[1].id];
        let mut tasks = over();
        tasks.extend(open);
        assert_eq!(ids(tasks), Some(wanted), "with those of its tasks that have ended, without an older survey's");
    }
}
