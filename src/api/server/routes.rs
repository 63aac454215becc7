//! Every route in one table: what it is called, what it takes and gives, and who handles it.

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    Service, alert_rules, approval_rules, commands, dashboards, exposition, grid, health, live, logs, metrics, models,
    openapi, overview, past, processes, pulse, reads, recommend, search, sensors, status, stream, triage,
};
use crate::api::live::{CageCell, CageProcess, HealthReport, NodeSensors, OpenAlert, Overview, Pulse, Ready};
use crate::api::triage::{Candidate, InboxItem, WhatIf};
use crate::api::types::{
    AgentRow, AlertRow, AlertRuleRow, ApprovalRuleTest, JournalRow, MetricName, ResourceRow, RuleTest, Shutdown,
    Status, TaskRow, ToMoment, WireCommand,
};
use crate::domain::agent::AgentVersion;
use crate::domain::alert_trial::Trial;
use crate::domain::approval_rule::{ApprovalRule, ApprovalTrial, Proposal};
use crate::domain::dashboard::{Collaboration, DayPerformance, ErrorSummary, Timeline, TopAgent, Trends};
use crate::domain::learning::{Model, ModelReport};
use crate::domain::metric;
use crate::domain::search::Found;
use crate::domain::selection::{Rating, RecommendQuery, Recommendations};
use crate::domain::{
    AgentPerformance, AlertMember, Allocation, Artifact, Cage, Execution, Node, Reply, Silence, Standpoint,
    SystemEvent, Task, User,
};
use crate::engine::core::Explanation;

/// Makes a type's schema.
type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// What a route gives on success.
pub enum Shape {
    /// One object.
    Json(MakeSchema),
    /// An array; the total is in the header `x-total-count`, and `x-total-more` is `true` when there are more than that.
    List(MakeSchema),
    /// An array that may have to be asked for in parts; where to go on is in the header `x-next`.
    Journal(MakeSchema),
    /// Server-sent events, each with such an object.
    Events(MakeSchema),
    /// Bytes of a media type.
    Bytes(&'static str),
    /// Nothing.
    Nothing,
}

/// One route.
pub struct Route {
    /// `get` or `post`.
    pub method: &'static str,
    /// With parameters in braces.
    pub path: &'static str,
    /// Its name in generated clients.
    pub operation: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Query parameters with their descriptions.
    pub query: &'static [(&'static str, &'static str)],
    /// What it takes.
    pub body: Option<MakeSchema>,
    /// What it gives.
    pub gives: Shape,
    handler: fn() -> MethodRouter<Service>,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn any(_: &mut SchemaGenerator) -> Schema {
    Schema::default()
}

const PAGE: &[(&str, &str)] = &[
    ("limit", "at most so many items, 0 to 100000; 100 when left out"),
    ("offset", "skip so many items"),
    ("sort", "fields separated by commas, each with - in front for descending"),
    (
        "filter",
        "only items that match, in the filter language of docs/filter.md: status:failed priority:>7 owner:me build",
    ),
    (
        "FIELD",
        "only items whose FIELD is exactly this; several values may stand with commas between, several fields must \
        all match; an id, agent, user, node or cage that does not exist is refused",
    ),
];
const JOURNAL: &[(&str, &str)] = &[
    ("after", "only records after this number"),
    ("before", "only records before this number"),
    ("order", "asc, or desc for the newest first; asc when left out"),
    ("limit", "at most so many records, 0 to 10000; 100 when left out"),
    ("filter", "only records that match, in the filter language of docs/filter.md: actor:me kind:task_ object:builder"),
];
const STREAM: &[(&str, &str)] = &[("after", "only records after this number"), ("filter", "only records that match")];
const INBOX: &[(&str, &str)] = &[
    ("limit", "at most so many items, 0 to 100000; 100 when left out"),
    ("offset", "skip so many items"),
    ("snoozed", "true to have what was put off as well"),
];
const PROPOSALS: &[(&str, &str)] =
    &[("after", "how many alike artifacts must have been judged the same way in a row, 2 to 1000; 5 when left out")];
const PULSE: &[(&str, &str)] =
    &[("interval_ms", "milliseconds that lie between two notices at least, 20 to 60000; 250 when left out")];
const LOG_PART: &[(&str, &str)] = &[
    ("follow", "true to go on until the task or the execution ends"),
    ("from", "begin at this position, which a header has given"),
    ("before", "end at this position: with tail, the page before one that began there"),
    ("tail", "only so many bytes at the end, or a little more: it begins where a chunk does"),
    ("length", "only so many bytes at the beginning, or a little less; one chunk at least"),
];
const METRICS: &[(&str, &str)] = &[
    (
        "series",
        "a metric's name and perhaps labels: menagerie_cage_memory_used_bytes{cage=\"001\",agent~\"coder-*|tester\"}",
    ),
    ("from", "from when on; an hour before the end when left out"),
    ("to", "up to when; now when left out"),
    ("step", "how long a step is, such as 5m; a three hundredth of the range when left out"),
    (
        "function",
        "avg, min, max, sum, last, count, rate, increase, p50, p90, p95, p99: what is made of the values in a step",
    ),
    ("aggregate", "sum, avg, min, max: what is made of several series; each is a line of its own when left out"),
    ("by", "labels separated by commas: series that have them in common become one line"),
];
const PER: (&str, &str) =
    ("per", "agent, type, division or owner: each group of agents apart; task_type: each type of task");
const DAYS: &[(&str, &str)] =
    &[("days", "how many days, of which the last is today, in UTC; 1 to 366, 7 when left out"), PER];
const TRENDS: &[(&str, &str)] = &[
    ("days", "how many days, of which the last is today, in UTC, beside as many before; 1 to 366, 7 when left out"),
    (
        "per",
        "agent, type, division or owner: by what agents are taken together; task_type: not they but tasks; agent when left out",
    ),
    ("limit", "at most so many groups, 0 to 10000; 100 when left out"),
];
const TOP: &[(&str, &str)] = &[
    ("days", "how many days, of which the last is today, in UTC; 1 to 366, 7 when left out"),
    (
        "by",
        "success, executions, successes, failures, time or tokens: by what they are the top ones; success when left out: \
        the lower end of its interval at 95 %",
    ),
    ("limit", "at most so many agents, 0 to 10000; 100 when left out"),
    ("type", "only what they did with tasks of this type"),
];
const SINCE: &[(&str, &str)] = &[("since", "how far back, 1s to 366d; 24h when left out"), PER];
const TIMELINE: &[(&str, &str)] = &[
    ("from", "from when on; an hour before the end when left out"),
    ("to", "up to when; now when left out"),
    (
        "step",
        "what is shorter than this is not told apart from what is beside it; a two hundredth of the time when left out",
    ),
    ("offset", "skip so many cages"),
    ("limit", "at most so many cages, 0 to 10000; 100 when left out"),
];
const SEARCH: &[(&str, &str)] = &[
    ("q", "words, all of which must occur, each perhaps cut short; \"words in quotes\" must follow each other"),
    ("in", "only these, separated by commas: agent, task, artifact, event"),
    ("limit", "at most so many, 1 to 1000; 20 when left out"),
];
const PART: &[(&str, &str)] = &[("offset", "skip so many bytes"), ("length", "at most so many bytes")];

macro_rules! route {
    (list $path:literal, $operation:literal, $summary:literal, $type:ty, $handler:path) => {
        Route {
            method: "get",
            path: $path,
            operation: $operation,
            summary: $summary,
            query: PAGE,
            body: None,
            gives: Shape::List(of::<$type>),
            handler: || get($handler),
        }
    };
    (show $path:literal, $operation:literal, $summary:literal, $shape:expr, $query:expr, $handler:path) => {
        Route {
            method: "get",
            path: $path,
            operation: $operation,
            summary: $summary,
            query: $query,
            body: None,
            gives: $shape,
            handler: || get($handler),
        }
    };
    (post $path:literal, $operation:literal, $summary:literal, $body:ty, $shape:expr, $handler:path) => {
        Route {
            method: "post",
            path: $path,
            operation: $operation,
            summary: $summary,
            query: &[],
            body: Some(of::<$body>),
            gives: $shape,
            handler: || post($handler),
        }
    };
}

/// Every route.
pub static ROUTES: &[Route] = &[
    route!(post "/v1/commands", "command",
        "Changes something. Ids may be shortened, agents named. Answered once the change is durable.",
        WireCommand, Shape::Json(of::<Reply>), commands::post),
    route!(post "/v1/what-if", "what_if", "What a command would do, and what of it would be refused. Changes nothing.",
        WireCommand, Shape::Json(of::<WhatIf>), commands::what_if),
    route!(post "/v1/recommend", "recommend", "The agents that suit a text, or a task that has not ended, the best first: \
        factor by factor, with what each rests on. What is unknown is null. Changes nothing.",
        RecommendQuery, Shape::Json(of::<Recommendations>), recommend::post),
    route!(show "/v1/search", "search", "Agents, tasks, artifacts and events by their words, the best match first. The \
        index follows the journal; how many records it is behind is said.", Shape::Json(of::<Found>), SEARCH, search::get),
    route!(post "/v1/shutdown", "shutdown", "Stops the engine; with kill, the agents too, whose tasks are queued again.",
        Shutdown, Shape::Nothing, live::shutdown),
    route!(post "/v1/moment", "moment", "Has a past, which was opened with --at, be that of another moment. Answered once it \
        is; the present refuses.", ToMoment, Shape::Json(of::<Standpoint>), past::go_to),
    route!(show "/v1/ready", "ready", "How far a starting engine is. Answers before all other routes do; those answer 503.",
        Shape::Json(of::<Ready>), &[], pulse::ready),
    route!(show "/v1/pulse", "pulse", "Notices (Pulse) as server-sent events: one at once, then one when something has \
        changed, none while nothing does.", Shape::Events(of::<Pulse>), PULSE, pulse::pulse),
    route!(show "/v1/overview", "overview", "What a person needs in the first five seconds.",
        Shape::Json(of::<Overview>), &[], overview::get),
    route!(show "/v1/grid", "grid", "All cages at once, by number: what goes on, and how much is used of which limit. What \
        is used is measured only while somebody looks: the first look finds nothing.",
        Shape::List(of::<CageCell>), &[], grid::get),
    route!(show "/v1/status", "status", "The fleet in counts.", Shape::Json(of::<Status>), &[], status::get),
    route!(list "/v1/tasks", "tasks", "Tasks.", TaskRow, reads::tasks),
    route!(show "/v1/tasks/{id}", "task", "One task.", Shape::Json(of::<TaskRow>), &[], reads::task),
    route!(show "/v1/tasks/{id}/explain", "explain", "Why a task is where it is.",
        Shape::Json(of::<Explanation>), &[], live::explain),
    route!(show "/v1/tasks/{id}/candidates", "task_candidates", "The agents that a task could be given to, the best first; \
        at most 200.", Shape::Json(of::<Vec<Candidate>>), &[], triage::task_candidates),
    route!(show "/v1/tasks/{id}/ratings", "task_ratings", "What everybody thinks of how a task was done.",
        Shape::Json(of::<Vec<Rating>>), &[], reads::task_ratings),
    route!(show "/v1/tasks/{id}/wait", "wait", "The task once it has ended; 204 when the time is over.",
        Shape::Json(of::<Task>), &[("timeout_s", "seconds, at most 3600")], live::wait),
    route!(show "/v1/tasks/{id}/logs", "logs", "The output of the task's current or last execution, in chunks: one byte \
        for the stream (1 output, 2 error, 3 remark), 8 bytes of microseconds, 4 bytes of length, content. The headers \
        x-log-start and x-log-end are the positions at which the answer begins and ends, x-log-size is how many bytes \
        are kept in all.",
        Shape::Bytes("application/vnd.menagerie.spool"), LOG_PART, logs::task_logs),
    route!(list "/v1/executions", "executions", "Executions.", Execution, reads::executions),
    route!(show "/v1/executions/{id}", "execution", "One execution.", Shape::Json(of::<Execution>), &[], reads::execution),
    route!(show "/v1/executions/{id}/logs", "execution_logs", "The output of one execution, as that of a task is given.",
        Shape::Bytes("application/vnd.menagerie.spool"), LOG_PART, logs::execution_logs),
    route!(list "/v1/agents", "agents", "Agents.", AgentRow, reads::agents),
    route!(show "/v1/agents/{id}", "agent", "One agent, by name or id.", Shape::Json(of::<AgentRow>), &[], reads::agent),
    route!(show "/v1/agents/{id}/candidates", "agent_candidates", "The cages that an agent could be given, the best first; \
        at most 200.", Shape::Json(of::<Vec<Candidate>>), &[], triage::agent_candidates),
    route!(list "/v1/agents/{id}/versions", "agent_versions", "The definitions that an agent has had, the first first; by \
        name or id, also after its removal.", AgentVersion, reads::agent_versions),
    route!(list "/v1/agent-performance", "agent_performance", "What agents did, day by day.", AgentPerformance,
        reads::agent_performance),
    route!(list "/v1/cages", "cages", "Cages.", Cage, reads::cages),
    route!(show "/v1/cages/{id}", "cage", "One cage, by number.", Shape::Json(of::<Cage>), &[], reads::cage),
    route!(show "/v1/cages/{id}/processes", "cage_processes", "The processes in a cage, by number; of very many only the \
        first.", Shape::List(of::<CageProcess>), &[], processes::get),
    route!(show "/v1/cages/{id}/alerts", "cage_alerts", "The open alerts about a cage, its agent and what its node says of it, \
        the worst first.", Shape::Json(of::<Vec<OpenAlert>>), &[], grid::alerts),
    route!(list "/v1/nodes", "nodes", "Nodes.", Node, reads::nodes),
    route!(show "/v1/nodes/{node}/sensors", "node_sensors", "What the sensors of a node say, the node by name or id. They \
        are read while somebody looks: the first look waits for them, for 3 s at most.",
        Shape::Json(of::<NodeSensors>), &[], sensors::get),
    route!(list "/v1/resources", "resources", "Resources of nodes.", ResourceRow, reads::resources),
    route!(list "/v1/allocations", "allocations", "What is and was held.", Allocation, reads::allocations),
    route!(list "/v1/artifacts", "artifacts", "Artifacts.", Artifact, reads::artifacts),
    route!(show "/v1/artifacts/{id}", "artifact", "One artifact.", Shape::Json(of::<Artifact>), &[], reads::artifact),
    route!(show "/v1/artifacts/{id}/content", "artifact_content", "The bytes of an artifact, or a part of \
        them; the header x-total-size says how many there are in all.",
        Shape::Bytes("application/octet-stream"), PART, reads::artifact_content),
    route!(show "/v1/inbox", "inbox", "What waits for a human, the dearest delay first.", Shape::List(of::<InboxItem>),
        INBOX, triage::inbox),
    route!(list "/v1/alerts", "alerts", "What needs somebody's eye, and what did; seen last first.", AlertRow, reads::alerts),
    route!(show "/v1/alerts/{id}", "alert", "One alert.", Shape::Json(of::<AlertRow>), &[], reads::alert),
    route!(show "/v1/alerts/{id}/members", "alert_members", "Those that share one alert, the worst first; none of an alert that \
        is about a single thing.", Shape::Json(of::<Vec<AlertMember>>), &[], reads::alert_members),
    route!(show "/v1/alerts/{id}/history", "alert_history", "The records of one alert, the newest first: when it came up, \
        was acknowledged, silenced, resolved, and by whom; at most 1000.", Shape::Json(of::<Vec<JournalRow>>), &[],
        reads::alert_history),
    route!(show "/v1/dashboards/top-agents", "top_agents", "The agents that did most within some days.",
        Shape::Json(of::<Vec<TopAgent>>), TOP, dashboards::top_agents),
    route!(show "/v1/dashboards/days", "days", "What all agents did, day by day, the earliest first. A day on which nothing \
        ended is missing.", Shape::Json(of::<Vec<DayPerformance>>), DAYS, dashboards::days),
    route!(show "/v1/dashboards/trends", "trends", "Groups of agents within some days beside as many days before, with \
        intervals at 95 %; the surest to succeed first.", Shape::Json(of::<Trends>), TRENDS, dashboards::trends),
    route!(show "/v1/dashboards/timeline", "timeline", "Executions over the cages in which they were under way within a \
        time. What began more than six hours before it and has ended is missing.",
        Shape::Json(of::<Timeline>), TIMELINE, dashboards::timeline),
    route!(show "/v1/dashboards/errors", "errors", "Failed executions, those with like messages together.",
        Shape::Json(of::<ErrorSummary>), SINCE, dashboards::errors),
    route!(show "/v1/dashboards/collaboration", "collaboration", "Who works on whose results: the dependencies of the tasks \
        that were submitted within a time, and how many executions of those succeeded beside overall.", Shape::Json(of::<Collaboration>), SINCE, dashboards::collaboration),
    route!(show "/v1/metrics", "metrics", "Which metrics there are.", Shape::List(of::<metric::Metric>), &[],
        metrics::list),
    route!(show "/v1/metrics/query", "metrics_query", "What metrics were over a time, in steps. Steps without values are \
        missing. Of what is kept no finer any more the answer has longer steps than were asked for.",
        Shape::Json(of::<metric::Answer>), METRICS, metrics::query),
    route!(show "/v1/metrics/stats", "metrics_stats", "How much of metrics is kept, and what could not be.",
        Shape::Json(of::<metric::Stats>), &[], metrics::stats),
    route!(show "/v1/metrics/{name}/labels", "metric_labels", "The labels of a metric's series, with their values.",
        Shape::Json(of::<std::collections::BTreeMap<String, std::collections::BTreeSet<String>>>), &[], metrics::labels),
    route!(show "/metrics", "exposition", "The latest value of every series that was sampled within five minutes, as Prometheus \
        reads it; as OpenMetrics for whoever accepts application/openmetrics-text.",
        Shape::Bytes("text/plain"), &[], exposition::get),
    route!(show "/v1/alert-rules", "alert_rules", "Alert rules in force, by name.", Shape::List(of::<AlertRuleRow>), &[],
        alert_rules::list),
    route!(show "/v1/alert-rules/{name}", "alert_rule", "One alert rule.", Shape::Json(of::<AlertRuleRow>), &[],
        alert_rules::show),
    route!(post "/v1/alert-rules/test", "test_alert_rule", "When a rule would have fired, as far as there are samples. \
        Changes nothing.", RuleTest, Shape::Json(of::<Trial>), alert_rules::test),
    route!(show "/v1/approval-rules", "approval_rules", "Rules that judge artifacts as they arrive, by name.",
        Shape::List(of::<ApprovalRule>), &[], approval_rules::list),
    route!(show "/v1/approval-rules/proposals", "approval_proposals", "Rules that follow from what humans judged of late, each \
        tried on the last 30 days.", Shape::List(of::<Proposal>), PROPOSALS, approval_rules::proposals),
    route!(post "/v1/approval-rules/test", "test_approval_rule", "How a rule would have judged what there was. Changes nothing.",
        ApprovalRuleTest, Shape::Json(of::<ApprovalTrial>), approval_rules::test),
    route!(list "/v1/models", "models", "Models that learn, each with its version in force; all four, also before their first.",
        Model, models::list),
    route!(show "/v1/models/{model}", "model", "A model, its versions and how they did on outcomes that they had not seen.",
        Shape::Json(of::<ModelReport>), &[], models::show),
    route!(show "/v1/models/{model}/versions/{version}", "export_model", "Everything that a version of a model is.",
        Shape::Json(any), &[], models::export),
    route!(show "/v1/metric-names", "metric_names", "The metrics that rules may look at.", Shape::List(of::<MetricName>),
        &[], alert_rules::metrics),
    route!(show "/v1/silences", "silences", "Silences that nobody has removed, by when they were made.",
        Shape::List(of::<Silence>), &[], alert_rules::silences),
    route!(show "/v1/health", "health", "How each part is, why, since when, and what to do.",
        Shape::Json(of::<HealthReport>), &[], health::get),
    route!(show "/health", "health_short", "The same as /v1/health, where probes look for it.",
        Shape::Json(of::<HealthReport>), &[], health::get),
    route!(list "/v1/users", "users", "Everybody who has acted.", User, reads::users),
    route!(list "/v1/events", "events", "What the system said about itself.", SystemEvent, reads::system_events),
    route!(show "/v1/journal", "journal", "Records of the journal. A filter looks at a bounded number of them at a time: as \
        long as there is a header x-next, go on from it.", Shape::Journal(of::<JournalRow>), JOURNAL, stream::journal),
    route!(show "/v1/stream", "stream", "Records as server-sent events, from `after` or Last-Event-ID on.",
        Shape::Bytes("text/event-stream"), STREAM, stream::stream),
    route!(show "/v1/openapi.json", "openapi", "This description.", Shape::Json(any), &[], openapi_document),
];

async fn openapi_document() -> axum::Json<serde_json::Value> {
    axum::Json(openapi::document())
}

/// Puts every route on `router`.
pub(super) fn mount(router: Router<Service>) -> Router<Service> {
    ROUTES.iter().fold(router, |router, route| router.route(route.path, (route.handler)()))
}
