//! How a survey begins: the fleet is declared and its tasks are submitted, unless there is one in this engine already. That
//! one is gone on with, or shown again when it is over, so that the same command twice is one survey and not two.

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
    /// When it was submitted, if it was there before, and whether it is over.
    pub before: Option<(Timestamp, bool)>,
}

/// Goes on with the newest survey, whether or not it is over; with `again`, or when there is none of this repository, submits
/// `tasks` to `fleet`.
///
/// # Errors
/// Whatever the engine refuses; and when a survey of another repository is under way.
pub fn begin(client: &Client, fleet: Fleet, tasks: Vec<NewTask>, again: bool) -> Result<Begun, Failure> {
    let found = if again { None } else { newest(surveyed(client)?) };
    let Some(found) = found else { return submit(client, fleet, tasks) };
    let wanted = tasks.first().and_then(|task| repository(&task.parameters.configuration));
    if let (Some(wanted), Some(there)) = (wanted, found.first().and_then(Surveying::repository))
        && wanted != there
    {
        if is_over(&found) {
            return submit(client, fleet, tasks);
        }
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
        Reply::Submitted { ids, .. } => Ok(Begun { tasks: ids.into_iter().zip(names).collect(), seq, before: None }),
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

/// The tasks of surveys, the newest first.
fn surveyed(client: &Client) -> Result<Vec<Surveying>, Failure> {
    let query = [("filter", SURVEYS), ("sort", "-created_at"), ("limit", LOOKED_AT)];
    let query: Query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Ok(client.list::<Surveying>("tasks", &query)?.0)
}

/// Of tasks, the newest first, those that were submitted together: those of which one has not ended, before what is over.
fn newest(mut tasks: Vec<Surveying>) -> Option<Vec<Surveying>> {
    // What one command submits has one time.
    let open = tasks.iter().find(|task| !task.status.is_final());
    let time = open.or(tasks.first())?.created_at;
    tasks.retain(|task| task.created_at == time);
    Some(tasks)
}

/// Whether all of a survey has ended.
fn is_over(tasks: &[Surveying]) -> bool {
    tasks.iter().all(|task| task.status.is_final())
}

/// What is known of a survey that is there. Its agents go by what they can do, which is the type of their tasks.
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
    let before = since.map(|since| (since, is_over(found)));
    Ok(Begun { tasks, seq: first.map_or(0, |first| first.saturating_sub(1)), before })
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
    fn the_newest_survey_is_gone_on_with_and_one_that_is_under_way_before_what_is_over() {
        use TaskStatus::{Cancelled, Completed, Executing, Failed, Pending};
        let ids = |tasks: Vec<Surveying>| newest(tasks).map(|tasks| tasks.into_iter().map(|task| task.id).collect());
        assert_eq!(ids(vec![]), None::<Vec<TaskId>>);
        let over = || vec![task(9, 30, Completed), task(8, 30, Failed), task(7, 30, Cancelled)];
        let older = || over().into_iter().chain([task(6, 20, Completed)]).collect();
        assert_eq!(ids(older()).map(|ids| ids.len()), Some(3), "what is over is shown again");
        let open = [task(3, 20, Completed), task(2, 20, Pending), task(1, 10, Executing)];
        let wanted = vec![open[0].id, open[1].id];
        let mut tasks = over();
        tasks.extend(open);
        assert_eq!(ids(tasks), Some(wanted), "with those of its tasks that have ended, without an older survey's");
    }
}
