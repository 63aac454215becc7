//! What the console asks the engine, and what comes back.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::gather::{self, AgentRow, AttemptRow, Member, Records};
use super::whole;
use crate::api::client::{Client, Error, LogPage, LogPart, Query};
use crate::api::live::{CageCell, CageProcess, NodeSensors, OpenAlert, Overview};
use crate::api::triage::{Candidate, InboxItem, WhatIf};
use crate::api::types::{AlertRow, AlertRuleRow, JournalRow, RuleTest, ToMoment, WireCommand};
use crate::domain::alert_trial::Trial;
use crate::domain::approval_rule::Proposal;
use crate::domain::dashboard::{Collaboration, DayPerformance, ErrorSummary, Per, Timeline, TopAgent, TopBy, Trends};
use crate::domain::metric::{self, Metric};
use crate::domain::selection::Rating;
use crate::domain::{Agent, AlertMember, Artifact, Cage, Execution, Reply, Silence, Span, Standpoint, Task, Timestamp};

/// Names one ask, so that its answer finds who asked.
pub type Ticket = u64;

/// Of several waiting asks in one lane only the newest is asked.
pub type Lane = &'static str;

/// Something to ask.
pub struct Ask {
    /// Its name.
    pub ticket: Ticket,
    /// Its lane; `None` for what must be asked in any case.
    pub lane: Option<Lane>,
    /// What.
    pub request: Request,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A page of tasks.
    Tasks(Query),
    /// What everybody thinks of how a task was done.
    Ratings(String),
    /// A page of executions.
    Executions(Query),
    /// A page of agents.
    Agents(Query),
    /// A page of artifacts.
    Artifacts(Query),
    /// A page of alerts.
    Alerts(Query),
    /// One alert.
    Alert(String),
    /// The records of an alert, the newest first.
    AlertHistory(String),
    /// Those that share an alert.
    AlertMembers(String),
    /// One alert rule.
    AlertRule(String),
    /// A page of alert rules.
    AlertRules(Query),
    /// A page of silences.
    Silences(Query),
    /// When a rule would have fired.
    TestRule(Box<RuleTest>),
    /// The agents that did most within so many days.
    TopAgents(u64, TopBy),
    /// Groups of agents within so many days beside as many before.
    Trends(u64, Per),
    /// What each of so many days brought, perhaps of each group of agents.
    Days(u64, Option<Per>),
    /// What went wrong within a time, perhaps of each group of agents.
    Errors(Span, Option<Per>),
    /// Who worked on whose results within a time.
    Collaboration(Span, Per),
    /// Executions over cages.
    Timeline {
        /// From when to when.
        time: (Timestamp, Timestamp),
        /// What is shorter is not told apart.
        step: Span,
        /// How many cages to skip.
        offset: u64,
        /// At most so many.
        limit: u64,
    },
    /// A page of what waits for a human.
    Inbox(Query),
    /// Rules that follow from so many alike judgements in a row.
    Proposals(u64),
    /// A part of the journal, the newest first.
    Journal(Query),
    /// A page of agents with what they do now.
    AgentRows(Query),
    /// A page of executions with the types of their tasks.
    Attempts(Query),
    /// Who reports to whom, of the agents that a filter lets through.
    Hierarchy(String),
    /// The names of everybody who acts, of machines and of these agents.
    Names(Vec<String>),
    /// One task.
    Task(String),
    /// One agent.
    Agent(String),
    /// One cage.
    Cage(String),
    /// One artifact.
    Artifact(String),
    /// What a person needs first.
    Overview,
    /// All cages in short.
    Grid,
    /// The processes of a cage.
    Processes(String),
    /// The open alerts about a cage.
    CageAlerts(String),
    /// Which metrics there are.
    Metrics,
    /// What series were, for each of the queries.
    Series(Vec<metric::Query>),
    /// What the sensors of every node say.
    Sensors,
    /// Why a task is where it is.
    Explain(String),
    /// The agents that a task could be given to.
    TaskCandidates(String),
    /// The cages that an agent could be given.
    AgentCandidates(String),
    /// What a command would do.
    WhatIf(Box<WireCommand>),
    /// A change.
    Command(Box<WireCommand>),
    /// A part of an artifact's bytes.
    Content {
        /// Which artifact.
        id: String,
        /// From which byte on.
        offset: u64,
        /// At most so many.
        length: u64,
    },
    /// A part of an output.
    Output {
        /// Whose.
        of: OutputOf,
        /// Which part.
        part: LogPart,
    },
    /// Have the past that is looked at be that of another moment, as a person writes it.
    Moment(String),
    /// Stop the engine.
    Shutdown {
        /// And everything that runs in its cages.
        kill: bool,
    },
}

/// Whose output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputOf {
    /// A task's: that of its current or last execution.
    Task(String),
    /// One execution's.
    Execution(String),
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items asked for.
    pub rows: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Tasks.
    Tasks(Page<Task>),
    /// Executions.
    Executions(Page<Execution>),
    /// Agents.
    Agents(Page<Agent>),
    /// Artifacts.
    Artifacts(Page<Artifact>),
    /// Alerts.
    Alerts(Page<AlertRow>),
    /// One alert.
    Alert(Box<AlertRow>),
    /// Records of one thing, the newest first.
    History(Vec<JournalRow>),
    /// Ratings of one task.
    Ratings(Vec<Rating>),
    /// Those that share an alert, the worst first.
    Members(Vec<AlertMember>),
    /// One alert rule.
    AlertRule(Box<AlertRuleRow>),
    /// Alert rules.
    AlertRules(Page<AlertRuleRow>),
    /// Silences.
    Silences(Page<Silence>),
    /// What came of trying a rule.
    Trial(Box<Trial>),
    /// The agents that did most.
    TopAgents(Vec<TopAgent>),
    /// Groups of agents beside the time before.
    Trends(Trends),
    /// What each day brought.
    Days(Vec<DayPerformance>),
    /// What went wrong.
    Errors(ErrorSummary),
    /// Who worked on whose results.
    Collaboration(Collaboration),
    /// Executions over cages.
    Timeline(Timeline),
    /// What waits for a human.
    Inbox(Page<InboxItem>),
    /// Rules that are proposed.
    Proposals(Vec<Proposal>),
    /// Records.
    Journal(Records),
    /// Agents with what they do now.
    AgentRows(Page<AgentRow>),
    /// Executions with the types of their tasks.
    Attempts(Page<AttemptRow>),
    /// Who reports to whom.
    Hierarchy(Page<Member>),
    /// Names by id.
    Names(BTreeMap<String, String>),
    /// One task.
    Task(Box<Task>),
    /// One agent.
    Agent(Box<Agent>),
    /// One cage.
    Cage(Box<Cage>),
    /// One artifact.
    Artifact(Box<Artifact>),
    /// What a person needs first.
    Overview(Box<Overview>),
    /// All cages in short.
    Grid(Vec<CageCell>),
    /// Processes.
    Processes(Vec<CageProcess>),
    /// Open alerts, the worst first.
    OpenAlerts(Vec<OpenAlert>),
    /// Metrics.
    Metrics(Vec<Metric>),
    /// What series were, in the order of the queries.
    Series(Vec<metric::Answer>),
    /// What sensors say, node by node.
    Sensors(Vec<NodeSensors>),
    /// Why a task is where it is.
    Explain(Box<serde_json::Value>),
    /// Who else could.
    Candidates(Vec<Candidate>),
    /// What would happen.
    WhatIf(Box<WhatIf>),
    /// What was done.
    Done(Box<Reply>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A part of an output.
    Output(LogPage),
    /// Where the past is now.
    Moment(Standpoint),
    /// The engine stops.
    Stopping,
    /// Nothing came to a change: there was no engine, or it went away.
    Lost {
        /// Whether the change may have been made all the same.
        perhaps_done: bool,
        /// Why nothing came.
        why: String,
    },
}

impl Request {
    /// Whether it changes something for everybody: then it is never sent twice, and in its turn.
    pub const fn is_change(&self) -> bool {
        matches!(self, Self::Command(_) | Self::Shutdown { .. })
    }

    /// Asks, and reads what comes.
    ///
    /// # Errors
    /// Those of the client.
    pub fn perform(&self, client: &Client) -> Result<Answer, Error> {
        let one = |noun: &str, id: &str| format!("/v1/{noun}/{}", crate::api::client::encode(id));
        Ok(match self {
            Self::Tasks(query) => Answer::Tasks(page(client, "tasks", query)?),
            Self::Ratings(id) => Answer::Ratings(client.get(&(one("tasks", id) + "/ratings"), &vec![])?),
            Self::Executions(query) => Answer::Executions(page(client, "executions", query)?),
            Self::Agents(query) => Answer::Agents(page(client, "agents", query)?),
            Self::Artifacts(query) => Answer::Artifacts(page(client, "artifacts", query)?),
            Self::Alerts(query) => Answer::Alerts(page(client, "alerts", query)?),
            Self::Alert(id) => Answer::Alert(client.get(&one("alerts", id), &vec![])?),
            Self::AlertHistory(id) => Answer::History(client.get(&(one("alerts", id) + "/history"), &vec![])?),
            Self::AlertMembers(id) => Answer::Members(client.get(&(one("alerts", id) + "/members"), &vec![])?),
            Self::AlertRule(name) => Answer::AlertRule(client.get(&one("alert-rules", name), &vec![])?),
            Self::AlertRules(query) => Answer::AlertRules(whole::rules(client, query)?),
            Self::Silences(query) => Answer::Silences(whole::silences(client, query)?),
            Self::TestRule(test) => Answer::Trial(client.post("/v1/alert-rules/test", test)?),
            Self::TopAgents(days, by) => {
                let asked = vec![given("days", days), given("by", by)];
                Answer::TopAgents(client.get("/v1/dashboards/top-agents", &asked)?)
            }
            Self::Trends(days, per) => {
                let asked = vec![given("days", days), given("per", per)];
                Answer::Trends(client.get("/v1/dashboards/trends", &asked)?)
            }
            Self::Days(days, per) => {
                let asked = std::iter::once(given("days", days)).chain(per.map(|per| given("per", per)));
                Answer::Days(client.get("/v1/dashboards/days", &asked.collect())?)
            }
            Self::Errors(since, per) => {
                let asked = std::iter::once(given("since", since)).chain(per.map(|per| given("per", per)));
                Answer::Errors(client.get("/v1/dashboards/errors", &asked.collect())?)
            }
            Self::Collaboration(since, per) => {
                let asked = vec![given("since", since), given("per", per)];
                Answer::Collaboration(client.get("/v1/dashboards/collaboration", &asked)?)
            }
            Self::Timeline { time: (from, to), step, offset, limit } => {
                let asked = vec![
                    given("from", from),
                    given("to", to),
                    given("step", step),
                    given("offset", offset),
                    given("limit", limit),
                ];
                Answer::Timeline(client.get("/v1/dashboards/timeline", &asked)?)
            }
            Self::Inbox(query) => Answer::Inbox(page(client, "inbox", query)?),
            Self::Proposals(after) => {
                let query = vec![("after".to_owned(), after.to_string())];
                Answer::Proposals(client.get("/v1/approval-rules/proposals", &query)?)
            }
            Self::Journal(query) => Answer::Journal(gather::records(client, query)?),
            Self::AgentRows(query) => Answer::AgentRows(gather::agents(client, query)?),
            Self::Attempts(query) => Answer::Attempts(gather::attempts(client, query)?),
            Self::Hierarchy(filter) => Answer::Hierarchy(gather::hierarchy(client, filter)?),
            Self::Names(agents) => Answer::Names(gather::names(client, agents)?),
            Self::Task(id) => Answer::Task(client.get(&one("tasks", id), &vec![])?),
            Self::Agent(id) => Answer::Agent(client.get(&one("agents", id), &vec![])?),
            Self::Cage(id) => Answer::Cage(client.get(&one("cages", id), &vec![])?),
            Self::Artifact(id) => Answer::Artifact(client.get(&one("artifacts", id), &vec![])?),
            Self::Overview => Answer::Overview(client.get("/v1/overview", &vec![])?),
            Self::Grid => Answer::Grid(client.get("/v1/grid", &vec![])?),
            Self::Processes(id) => Answer::Processes(client.get(&(one("cages", id) + "/processes"), &vec![])?),
            Self::CageAlerts(id) => Answer::OpenAlerts(client.get(&(one("cages", id) + "/alerts"), &vec![])?),
            Self::Metrics => Answer::Metrics(client.get("/v1/metrics", &vec![])?),
            Self::Series(queries) => Answer::Series(gather::series(client, queries)?),
            Self::Sensors => Answer::Sensors(gather::sensors(client)?),
            Self::Explain(id) => Answer::Explain(client.get(&(one("tasks", id) + "/explain"), &vec![])?),
            Self::TaskCandidates(id) => Answer::Candidates(client.get(&(one("tasks", id) + "/candidates"), &vec![])?),
            Self::AgentCandidates(id) => Answer::Candidates(client.get(&(one("agents", id) + "/candidates"), &vec![])?),
            Self::WhatIf(command) => Answer::WhatIf(client.post("/v1/what-if", command)?),
            Self::Command(command) => Answer::Done(Box::new(client.command(command)?)),
            Self::Content { id, offset, length } => {
                let range = vec![("offset".into(), offset.to_string()), ("length".into(), length.to_string())];
                Answer::Bytes(client.get_bytes(&(one("artifacts", id) + "/content"), &range)?.to_vec())
            }
            Self::Output { of, part } => {
                let (noun, id) = match of {
                    OutputOf::Task(id) => ("tasks", id),
                    OutputOf::Execution(id) => ("executions", id),
                };
                let of = format!("{noun}/{}", crate::api::client::encode(id));
                Answer::Output(client.log_page(&of, part)?)
            }
            Self::Moment(at) => Answer::Moment(client.post("/v1/moment", &ToMoment { at: at.clone() })?),
            Self::Shutdown { kill } => {
                client.shutdown(*kill)?;
                Answer::Stopping
            }
        })
    }
}

fn given(name: &str, value: impl std::fmt::Display) -> (String, String) {
    (name.to_owned(), value.to_string())
}

fn page<T: DeserializeOwned>(client: &Client, noun: &str, query: &Query) -> Result<Page<T>, Error> {
    client.list(noun, query).map(|(rows, total)| Page { rows, total })
}
