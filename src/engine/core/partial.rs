//! A state with the whole fleet and a few of the tasks: what somebody thinks of doing is tried on it, by the very code that
//! would do it. Its making costs as much as the fleet is large, however long the queue is.

use std::collections::BTreeSet;

use super::state::{CageState, ExecutionState};
use super::{Context, Core};
use crate::domain::agent::{AgentCounters, AgentMetrics};
use crate::domain::event::Held;
use crate::domain::requirements::Quantities;
use crate::domain::snapshot::{LiveExecution, OpenArtifact, Past, QueuedTask, Snapshot};
use crate::domain::{
    Agent, AgentId, Alert, AlertId, AllocationId, ArtifactId, Bytes, Cage, CageStatus, Command, Cpu, Requirements,
    Span, TaskId, TaskStatus, Timestamp,
};

impl Core {
    /// A state with all that a command touches or is judged by.
    pub(super) fn partial(&self, command: &Command, context: &Context) -> Self {
        let mut tasks: BTreeSet<u32> = self.executions.iter().map(|(_, run)| run.task).collect();
        self.add_named(command, context, &mut tasks);
        let named_artifacts = command.artifacts();
        let artifacts = named_artifacts.iter().filter_map(|id| self.artifacts.get(id).copied());
        let alerts = command.alerts();
        let of_cause = context.alerts.iter().filter_map(|alert| self.alerts.of_cause(alert.cause()));
        let alerts = alerts.iter().filter_map(|id| self.alerts.get(*id)).chain(of_cause).cloned();
        let mut empty = Self::new();
        let of_models = matches!(command, Command::TrainModel { .. } | Command::RollBackModel { .. });
        empty.selection.sleep(self.selection.policy(), of_models);
        if of_models {
            empty.classifier = self.classifier.clone();
        }
        empty.value = self.value.clone();
        empty.predictor = if of_models { self.predictor.clone() } else { self.predictor.outlook() };
        let mut core = empty.filled(self.rows(&tasks, artifacts.collect(), alerts.collect()));
        for state in &mut core.nodes {
            let known = self.nodes.iter().find(|other| other.node.id == state.node.id);
            state.ready = known.is_some_and(|known| known.ready);
        }
        for id in command.agents() {
            if let (Some(whole), Some(part)) = (self.agent_ids.get(*id), core.agent_ids.get(*id)) {
                let missing = self.pinned_to(whole) - core.pinned_to(part);
                core.left_out.insert(*id, missing);
            }
        }
        core
    }

    /// The tasks that a command names, and those on which its judgement or its consequences rest.
    fn add_named(&self, command: &Command, context: &Context, tasks: &mut BTreeSet<u32>) {
        let mut open = vec![];
        let snoozed = match command {
            Command::SnoozeReviews { ids, .. } => ids.iter().map(|id| TaskId(id.0)).collect(),
            _ => vec![],
        };
        for id in command.tasks().iter().chain(&snoozed) {
            let array = self.array_of(*id);
            open.extend(array);
            if let Some(slot) = self.task_ids.get(*id) {
                open.push(slot);
            }
        }
        for slot in open.clone() {
            for id in self.elements_under_way(slot) {
                open.extend(self.task_ids.get(id));
            }
        }
        let rests_on = context.tasks.iter().flat_map(|task| task.depends_on.iter().map(|(id, _)| *id));
        let mentioned = match command {
            Command::SubmitTasks { tasks, .. } => {
                tasks.iter().flat_map(|task| &task.depends_on).filter_map(|text| text.parse().ok()).collect()
            }
            _ => vec![],
        };
        open.extend(rests_on.chain(mentioned).filter_map(|id: TaskId| self.task_ids.get(id)));
        // What ends takes along whoever depends on it.
        // And what a task's waiting costs is by what is behind it.
        let follows = matches!(command, Command::CancelTasks { .. } | Command::PrioritiseTasks { .. });
        while let Some(slot) = open.pop() {
            if !tasks.insert(slot) && !follows {
                continue;
            }
            if follows {
                let dependents = self.dependents.get(&self.tasks[slot].id).into_iter().flatten();
                let next = dependents.filter_map(|id| self.task_ids.get(*id));
                open.extend(next.filter(|slot| !tasks.contains(slot)));
            }
        }
    }

    /// The elements of an array that have not ended; none of what is no array.
    pub(super) fn elements_under_way(&self, slot: u32) -> impl Iterator<Item = TaskId> {
        let task = &self.tasks[slot];
        task.array.iter().flat_map(|array| &array.live).map(|place| task.id.element(*place))
    }

    /// Rows as the store would hand them over: the fleet with all that runs, and of the rest what is named.
    pub(super) fn rows(&self, tasks: &BTreeSet<u32>, artifacts: Vec<OpenArtifact>, alerts: Vec<Alert>) -> Snapshot {
        let mut tasks: Vec<_> = tasks.iter().map(|slot| self.queued_task(*slot)).collect();
        tasks.sort_unstable_by_key(|task| task.id);
        Snapshot {
            seq: self.seq,
            time: self.now,
            seed: self.seed,
            defaults: self.defaults.clone(),
            users: self.users.values().cloned().collect(),
            nodes: self.nodes.iter().map(|state| (state.node.clone(), state.resources.clone())).collect(),
            cages: self.cages().map(|cage| self.cage_row(cage)).collect(),
            agents: self.agent_names.values().map(|slot| self.agent_row(*slot)).collect(),
            tasks,
            executions: self.executions.iter().map(|(_, run)| self.execution_row(run)).collect(),
            artifacts,
            merging: self.merging.iter().copied().collect(),
            alerts,
            alert_rules: self.rules.declared.values().cloned().collect(),
            approval_rules: self.approval_rules.values().cloned().collect(),
            alerts_grouped: self
                .rules
                .all_grouped()
                .map(|(rule, subject, severity)| (rule.clone(), subject.clone(), severity))
                .collect(),
            silences: self.silences.values().cloned().collect(),
            ended: self.ended,
            // Nothing is placed on this state, so nobody is chosen.
            past: Past::default(),
        }
    }

    fn queued_task(&self, slot: u32) -> QueuedTask {
        let (task, wish) = (&self.tasks[slot], &self.shape(slot).wish);
        let array = task.array.as_ref();
        let topic = self.selection.topics.get(task.topic);
        let quantities = wish.requirements.0;
        let depends_on = task.deps.iter().flat_map(|deps| &deps.on);
        QueuedTask {
            id: task.id,
            status: task.status,
            priority: task.priority,
            requirements: Requirements {
                cpu: Cpu::from_millis(quantities[0]),
                memory: Bytes::new(quantities[1]),
                gpu: u32::try_from(quantities[2]).unwrap_or(u32::MAX),
                gpu_memory: Bytes::new(quantities[3]),
                storage: Bytes::new(quantities[4]),
                tokens: wish.tokens,
                capabilities: wish.capabilities.clone(),
                tools: wish.tools.clone(),
            },
            brings_command: wish.brings_command,
            agent_id: wish.agent,
            cage_id: wish.cage,
            owner: wish.owner,
            deadline: (task.deadline < Timestamp::LAST).then_some(task.deadline),
            created_at: task.created_at,
            not_before: (task.not_before > Timestamp::EPOCH).then_some(task.not_before),
            attempts: u32::from(task.attempts),
            losses: u32::from(task.losses),
            executions: task.executions,
            max_attempts: u32::from(task.max_attempts),
            timeout: (task.timeout > Span::ZERO).then_some(task.timeout),
            estimate: (task.estimate > Span::ZERO).then_some(task.estimate),
            preemptible: task.preemptible,
            approval_gate: task.gate,
            depends_on: depends_on.map(|id| (*id, self.task_status(*id).unwrap_or(TaskStatus::Completed))).collect(),
            kind: topic.kind.to_string(),
            context: topic.context(),
            after: task.deps.as_ref().map(|deps| deps.after.clone()).unwrap_or_default(),
            done_by: None,
            array: array.map(|array| array.range),
            materialised: array.map(|array| array.materialised()).unwrap_or_default(),
            array_failed: array.map_or(0, |array| array.failed),
        }
    }

    fn cage_row(&self, cage: &CageState) -> Cage {
        Cage {
            id: cage.spec.id,
            node_id: self.nodes[cage.node as usize].node.id,
            agent_id: None,
            status: if cage.maintenance { CageStatus::Maintenance } else { CageStatus::Vacant },
            resource_usage: None,
            resource_limits: cage.spec.limits.clone(),
            network: cage.spec.network.clone(),
            read: cage.spec.read.clone(),
            write: cage.spec.write.clone(),
            enforcement: cage.enforcement.clone(),
            fault: cage.fault.clone(),
            created_at: self.now,
            updated_at: self.now,
        }
    }

    fn agent_row(&self, slot: u32) -> Agent {
        let agent = &self.agents[slot];
        Agent {
            id: agent.id,
            spec: agent.spec.clone(),
            status: self.status_of_agent(slot),
            owner: agent.owner,
            cage_id: agent.cage.or(agent.spec.cage),
            current_task_id: None,
            running: agent.running,
            counters: AgentCounters::default(),
            metrics: AgentMetrics::default(),
            consecutive_failures: agent.failures,
            breaker_until: agent.breaker_until,
            drained: agent.drained,
            last_heartbeat: None,
            created_at: self.now,
            updated_at: self.now,
        }
    }

    fn execution_row(&self, run: &ExecutionState) -> LiveExecution {
        let node = &self.nodes[run.node as usize];
        let held = node.resources.iter().filter_map(|resource| {
            let place = Quantities::NAMES.iter().position(|name| *name == resource.name)?;
            let quantity = run.held.0[place];
            let id = AllocationId(uuid::Uuid::nil());
            (quantity > 0).then_some(Held { id, resource_id: resource.id, quantity })
        });
        LiveExecution {
            id: run.id,
            task_id: self.tasks[run.task].id,
            agent_id: self.agents[run.agent].id,
            cage_id: run.cage,
            node_id: node.node.id,
            attempt: run.attempt,
            held: held.collect(),
            created_at: run.created_at,
            started_at: run.started_at,
            stopping: run.stopping,
            stop_note: run.stop_note.clone(),
        }
    }
}

impl Command {
    /// The tasks that it names, apart from those that it makes.
    pub(super) fn tasks(&self) -> &[TaskId] {
        match self {
            Self::CancelTasks { ids, .. }
            | Self::RetryTasks { ids }
            | Self::ReassignTasks { ids, .. }
            | Self::RateTasks { ids, .. }
            | Self::PrioritiseTasks { ids, .. } => ids,
            _ => &[],
        }
    }

    /// The agents that it is about.
    pub(super) fn agents(&self) -> &[AgentId] {
        match self {
            Self::RemoveAgents { ids }
            | Self::ReassignAgents { ids, .. }
            | Self::ReportTo { ids, .. }
            | Self::DrainAgents { ids }
            | Self::ResumeAgents { ids } => ids,
            Self::RenameAgent { agent: id, .. } | Self::SetAgent { id, .. } => std::slice::from_ref(id),
            _ => &[],
        }
    }

    /// The artifacts that it may name.
    pub(super) fn artifacts(&self) -> Vec<ArtifactId> {
        match self {
            Self::ReviewArtifacts { ids, .. } | Self::ReopenReviews { ids } => ids.clone(),
            Self::SnoozeReviews { ids, .. } => ids.iter().map(|id| ArtifactId(id.0)).collect(),
            _ => vec![],
        }
    }

    /// The alerts that it may name.
    pub(super) fn alerts(&self) -> Vec<AlertId> {
        match self {
            Self::AcknowledgeAlerts { ids, .. }
            | Self::UnacknowledgeAlerts { ids }
            | Self::SilenceAlerts { ids, .. }
            | Self::ResolveAlerts { ids, .. }
            | Self::ReopenAlerts { ids } => ids.clone(),
            Self::SnoozeReviews { ids, .. } => ids.iter().map(|id| AlertId(id.0)).collect(),
            _ => vec![],
        }
    }
}
