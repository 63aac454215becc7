//! What can be asked of the lists that only exist here (the grid of cages, the inbox, models, the definitions of an agent),
//! and how their items answer it.
//!
//! A console holds a filter against what it has fetched and dims what does not match; names stand in the items, so that
//! nothing has to be looked up.

use super::live::{CageCell, CellState, Gauge};
use super::triage::{InboxItem, InboxKind, Risk};
use crate::domain::Severity;
use crate::domain::agent::AgentVersion;
use crate::domain::artifact::ArtifactType;
use crate::domain::cage::CageStatus;
use crate::domain::filter::tables::word;
use crate::domain::filter::{Cell, Field, Kind, Row, Table, Thing};
use crate::domain::learning::{Model, ModelKind};
use crate::domain::time::Timestamp;

/// Every table of this module, for documentation and for whoever names a list.
pub static ALL: &[&Table] = &[&GRID, &INBOX, &MODELS, &AGENT_VERSIONS];

/// The grid of cages. What cages share with the list of them is called the same and means the same; limits are what their
/// processes may use.
pub static GRID: Table = Table {
    name: "grid",
    fields: &[
        Field::new("cage", Kind::Cage, "Its number").searched().also(&["id"]),
        Field::new("status", word!(CageStatus), "Whether somebody lives there").searched(),
        Field::new("state", word!(CellState), "What goes on in it").searched(),
        Field::new("agent", Kind::Named(Thing::Agent), "Who lives or works there").or_none().searched(),
        Field::new("node", Kind::Named(Thing::Node), "The machine it is on").or_none().searched(),
        Field::new("running", Kind::Whole, "Executions that run in it"),
        Field::new("cpu", Kind::Cores, "The limit of cores").or_none(),
        Field::new("memory", Kind::Size, "The limit of memory").or_none().also(&["mem"]),
        Field::new("gpu", Kind::Whole, "The GPU devices it has").or_none(),
        Field::new("pids", Kind::Whole, "The limit of processes").or_none(),
        Field::new("cpu_used", Kind::Cores, "Cores that are used").or_none(),
        Field::new("memory_used", Kind::Size, "Memory that is used").or_none(),
        Field::new("pids_used", Kind::Whole, "Processes there are").or_none(),
        Field::new("tokens_used", Kind::Whole, "Tokens used within the limit's window").or_none(),
        Field::new("cpu_share", Kind::Decimal, "Used of the limit, 0 to 1").or_none(),
        Field::new("memory_share", Kind::Decimal, "Used of the limit, 0 to 1").or_none(),
        Field::new("tokens_share", Kind::Decimal, "Used of the limit, 0 to 1").or_none(),
    ],
};

/// The inbox.
pub static INBOX: Table = Table {
    name: "inbox",
    fields: &[
        Field::new("kind", word!(InboxKind), "What waits").searched(),
        Field::new("title", Kind::Text, "The artifact's title, what failed, or what the alert says").searched(),
        Field::new("type", word!(ArtifactType), "The artifact's type").or_none().also(&["artifact_type"]),
        Field::new("agent", Kind::Named(Thing::Agent), "Who made it, or whom the alert is about").or_none().searched(),
        Field::new("task_type", Kind::Text, "The type of the task it belongs to").or_none().searched(),
        Field::new("task", Kind::Id(Thing::Task), "The task it belongs to").or_none().also(&["task_id"]),
        Field::new("severity", word!(Severity), "How bad the alert is").or_none().searched(),
        Field::new("source", Kind::Text, "What the alert is about").or_none().searched(),
        Field::new("trigger", Kind::Text, "The rule or event that raised the alert").or_none().searched(),
        Field::new("id", Kind::Id(Thing::Other), "Its id"),
        Field::new("size", Kind::Size, "The artifact's length").or_none(),
        Field::new("age", Kind::Age, "How long it has waited").also(&["wait"]),
        Field::new("blocks", Kind::Whole, "How many tasks cannot start before it is decided"),
        Field::new("deadline", Kind::Due, "The earliest deadline among them").or_none().also(&["blocks_deadline"]),
        Field::new("cost", Kind::Decimal, "What its delay costs, as the list is ordered").also(&["cost_of_delay"]),
        Field::new("risk", word!(Risk), "How bad a wrong decision would be"),
        Field::new("snoozed", Kind::Flag, "Whether it is snoozed now"),
        Field::new("since", Kind::Since, "Only what has come from then on"),
        Field::new("until", Kind::Until, "Only what had come before then"),
    ],
};

/// Models that learn.
pub static MODELS: Table = Table {
    name: "models",
    fields: &[
        Field::new("type", word!(ModelKind), "What it is for").searched().also(&["model"]),
        Field::new("version", Kind::Whole, "The version in force").or_none().also(&["current_version"]),
        Field::new("outcomes", Kind::Whole, "How many outcomes that has learned from").or_none(),
        Field::new("batch", Kind::Whole, "How many of them were not in the version before").or_none(),
        Field::new("in_force", Kind::Text, "The candidate that decides").or_none().searched(),
        Field::new("promoted", Kind::Flag, "Whether that is another than in the version before").or_none(),
        Field::new("loss", Kind::Decimal, "What it lost an outcome of the batch").or_none(),
        Field::new("accuracy", Kind::Decimal, "How often it was right").or_none(),
        Field::new("convergence", Kind::Decimal, "How much less it lost than in the batch before").or_none(),
        Field::new("id", Kind::Id(Thing::Other), "Its id"),
        Field::new("created_at", Kind::Time, "When its first version was made").or_none().also(&["created"]),
        Field::new("updated_at", Kind::Time, "When its last version was made").or_none().also(&["updated"]),
    ],
};

/// The definitions that an agent has had.
pub static AGENT_VERSIONS: Table = Table {
    name: "agent-versions",
    fields: &[
        Field::new("version", Kind::Whole, "Its number, from 1"),
        Field::new("seq", Kind::Whole, "The record that made it").also(&["record"]),
        Field::new("time", Kind::Time, "When it was declared"),
        Field::new("age", Kind::Age, "How long ago that was"),
        Field::new("by", Kind::Text, "Who declared it: user: and an id").searched().also(&["actor"]),
        Field::new("name", Kind::Text, "What the agent was called").searched(),
        Field::new("since", Kind::Since, "Only what was declared from then on"),
        Field::new("until", Kind::Until, "Only what was declared before then"),
    ],
};

/// A figure as a whole number of so many parts; what was never measured has none.
fn whole(figure: Option<f64>, parts: f64) -> Option<Cell<'static>> {
    // Figures are far below the range; what were beyond would become its end.
    #[allow(clippy::cast_possible_truncation)]
    figure.map(|figure| Cell::Number((figure * parts).round() as i64))
}

impl Row for CageCell {
    fn cells(&self, field: &str, _: Timestamp, visit: &mut dyn FnMut(Cell<'_>)) {
        let share = |gauge: &Gauge| gauge.share().map(Cell::Real);
        let cell = match field {
            "cage" => {
                // As text too, so that the word `003` finds it.
                visit(Cell::Text(&self.id.to_string()));
                Some(Cell::Number(self.id.number().into()))
            }
            "status" => Some(Cell::Text(self.status.as_str())),
            "state" => Some(Cell::Text(self.state.as_str())),
            "agent" => self.agent.as_deref().map(Cell::Text),
            "node" => self.node.as_deref().map(Cell::Text),
            "running" => Some(Cell::Number(self.running.into())),
            "cpu" => whole(self.cpu.limit, 1000.0),
            "memory" => whole(self.memory.limit, 1.0),
            "gpu" => whole(self.gpu.limit, 1.0),
            "pids" => whole(self.pids.limit, 1.0),
            "cpu_used" => whole(self.cpu.used, 1000.0),
            "memory_used" => whole(self.memory.used, 1.0),
            "pids_used" => whole(self.pids.used, 1.0),
            "tokens_used" => whole(self.tokens.used, 1.0),
            "cpu_share" => share(&self.cpu),
            "memory_share" => share(&self.memory),
            "tokens_share" => share(&self.tokens),
            _ => None,
        };
        if let Some(cell) = cell {
            visit(cell);
        }
    }
}

impl Row for Model {
    fn cells(&self, field: &str, _: Timestamp, visit: &mut dyn FnMut(Cell<'_>)) {
        let current = self.current.as_ref().map(|current| &current.version);
        let whole = |number: u64| Cell::Number(i64::try_from(number).unwrap_or(i64::MAX));
        let time = |time: Timestamp| Cell::Number(time.as_micros());
        let cell = match field {
            "type" => Some(Cell::Text(self.kind.as_str())),
            "version" => self.current_version.map(|version| Cell::Number(version.into())),
            "outcomes" => current.map(|current| whole(current.lessons)),
            "batch" => current.map(|current| Cell::Number(current.batch.into())),
            "in_force" => current.map(|current| Cell::Text(&current.in_force)),
            "promoted" => current.map(|current| Cell::Flag(current.promoted)),
            "loss" => self.metrics.loss.map(Cell::Real),
            "accuracy" => self.metrics.accuracy.map(Cell::Real),
            "convergence" => self.metrics.convergence.map(Cell::Real),
            "id" => Some(Cell::Id(self.id.0)),
            "created_at" => self.created_at.map(time),
            "updated_at" => self.updated_at.map(time),
            _ => None,
        };
        if let Some(cell) = cell {
            visit(cell);
        }
    }
}

impl Row for AgentVersion {
    fn cells(&self, field: &str, _: Timestamp, visit: &mut dyn FnMut(Cell<'_>)) {
        let whole = |number: u64| Cell::Number(i64::try_from(number).unwrap_or(i64::MAX));
        visit(match field {
            "version" => whole(self.version),
            "seq" => whole(self.seq),
            "time" | "age" | "since" | "until" => Cell::Number(self.time.as_micros()),
            "by" => Cell::Text(&self.actor),
            "name" => Cell::Text(&self.spec.name),
            _ => return,
        });
    }
}

impl Row for InboxItem {
    fn cells(&self, field: &str, now: Timestamp, visit: &mut dyn FnMut(Cell<'_>)) {
        let id = |text: &str| uuid::Uuid::try_parse(text).ok().map(Cell::Id);
        let cell = match field {
            "kind" => Some(Cell::Text(self.kind.as_str())),
            "title" => Some(Cell::Text(&self.title)),
            "type" => self.artifact_type.map(|kind| Cell::Text(kind.as_str())),
            "agent" => self.agent.as_deref().map(Cell::Text),
            "task_type" => self.task_type.as_deref().map(Cell::Text),
            "task" => self.task_id.as_deref().and_then(id),
            "severity" => self.alert.as_ref().map(|alert| Cell::Text(alert.severity.as_str())),
            "source" => self.alert.as_ref().map(|alert| Cell::Text(&alert.source)),
            "trigger" => self.alert.as_ref().map(|alert| Cell::Text(&alert.context.trigger)),
            "id" => id(&self.id),
            "size" => self.size.map(|size| Cell::Number(i64::try_from(size).unwrap_or(i64::MAX))),
            "age" | "since" | "until" => Some(Cell::Number(self.since.as_micros())),
            "blocks" => Some(Cell::Number(i64::try_from(self.blocks).unwrap_or(i64::MAX))),
            "deadline" => self.blocks_deadline.map(|deadline| Cell::Number(deadline.as_micros())),
            "cost" => Some(Cell::Real(self.cost_of_delay)),
            "risk" => Some(Cell::Text(self.risk.as_str())),
            "snoozed" => Some(Cell::Flag(self.snoozed_until.is_some_and(|until| until > now))),
            _ => None,
        };
        if let Some(cell) = cell {
            visit(cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::{Asker, Filter, Names};

    fn cell() -> CageCell {
        let gauge = |used, limit| Gauge { used: Some(used), granted: None, limit: Some(limit) };
        CageCell {
            id: "003".parse().unwrap(),
            status: CageStatus::Occupied,
            state: CellState::Warning,
            node: None,
            agent: Some("Builder-7".into()),
            running: 2,
            alerts: 1,
            cpu: gauge(1.25, 2.0),
            memory: gauge(900.0 * 1_048_576.0, 1_073_741_824.0),
            memory_peak: Gauge::default(),
            gpu: Gauge::default(),
            tokens: Gauge::default(),
            pids: gauge(5.0, 64.0),
        }
    }

    fn item() -> InboxItem {
        InboxItem {
            id: "0199a8e3-4b2c-7f3a-9d21-0123456789ab".into(),
            kind: InboxKind::Artifact,
            title: "release notes.md".into(),
            artifact_type: Some(ArtifactType::Doc),
            agent: None,
            task_id: Some("0199a8e3-4b2c-7f3a-9d21-0123456789ac".into()),
            task_type: Some("analysis".into()),
            alert: None,
            size: Some(2048),
            since: Timestamp::from_micros(1_800_000_000_000_000),
            blocks: 4,
            blocked_task_ids: vec![],
            blocks_deadline: None,
            cost_of_delay: 12.5,
            approval: None,
            group: "g".into(),
            risk: Risk::High,
            snoozed_until: None,
        }
    }

    fn matches(table: &Table, row: &impl Row, text: &str) -> bool {
        let names = Names::new();
        let now = Timestamp::from_micros(1_800_003_600_000_000);
        let filter = Filter::parse(table, text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
        filter.matches(table, row, &Asker { now, me: &[], names: &names })
    }

    #[test]
    fn a_cell_answers_what_can_be_asked() {
        for (yes, no) in [
            ("cage:1-3", "cage:4"),
            ("state:warning,failing", "state:running"),
            ("status:occupied", "-status:occupied"),
            ("agent:builder bldr", "agent:=builder"),
            ("003 warning", "004"),
            ("node:none", "-node:none"),
            ("memory:1GiB", "memory:>1GiB"),
            ("memory_used:>800MiB memory_share:>0.8", "memory_share:>0.9"),
            ("cpu:2 cpu_used:1.25 cpu_share:0.5..0.7", "cpu_used:<1"),
            ("gpu:none tokens_used:none", "gpu:0"),
            ("running:2 pids:64 pids_used:<=5", "running:>2"),
        ] {
            assert!(matches(&GRID, &cell(), yes), "{yes}");
            assert!(!matches(&GRID, &cell(), no), "{no}");
        }
    }

    #[test]
    fn an_item_answers_what_can_be_asked() {
        for (yes, no) in [
            ("kind:artifact type:doc", "kind:failed_task"),
            ("rlsnotes", "ntsrls"),
            ("age:>59m since:2h", "age:>1h"),
            ("blocks:>3 deadline:none cost:>12", "blocks:<4"),
            ("risk:high -snoozed:yes", "risk:normal"),
            ("id:0199a8e3-4b2c task:0199a8e34b2c", "task:0199a8e4"),
            ("size:2KiB agent:none task_type:ana", "size:>2KiB"),
            ("severity:none", "severity:error"),
        ] {
            assert!(matches(&INBOX, &item(), yes), "{yes}");
            assert!(!matches(&INBOX, &item(), no), "{no}");
        }
    }

    #[test]
    fn an_alert_in_the_inbox_is_found_by_what_it_says_and_what_raised_it() {
        let alert = serde_json::json!({
            "id": "0199a8e3-4b2c-7f3a-9d21-0123456789ad", "severity": "error", "status": "active", "source": "cage 003",
            "message": "it leaks", "time": "2027-01-15T08:00:00Z", "last_seen": "2027-01-15T08:00:00Z", "count": 1,
            "context": {"trigger": "cage-memory"},
        });
        let alert: crate::api::types::AlertRow = serde_json::from_value(alert).unwrap();
        let (kind, title) = (InboxKind::Alert, alert.message.clone());
        let alert = Some(Box::new(alert));
        let item = InboxItem { kind, title, artifact_type: None, task_id: None, task_type: None, alert, ..item() };
        for (yes, no) in [
            ("kind:alert severity:error,critical", "severity:warning"),
            ("source:\"cage 003\" trigger:cage", "trigger:queue"),
            ("task:none task_type:none leaks", "kind:artifact"),
        ] {
            assert!(matches(&INBOX, &item, yes), "{yes}");
            assert!(!matches(&INBOX, &item, no), "{no}");
        }
    }

    #[test]
    fn what_both_lists_of_cages_have_is_read_the_same() {
        let shared = ["cage", "status", "agent", "node", "cpu", "memory", "gpu", "pids"];
        for name in shared {
            let kind = |table: &Table| format!("{:?}", table.field(name).map(|field| field.kind));
            assert_eq!(kind(&GRID), kind(&crate::domain::filter::tables::CAGES), "{name}");
        }
    }
}
