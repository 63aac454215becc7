//! Rows as the store would hand them over, made from a core's own state.

use crate::domain::agent::AgentCounters;
use crate::domain::event::Held;
use crate::domain::requirements::Quantities;
use crate::domain::snapshot::{LiveExecution, QueuedTask, Snapshot};
use crate::domain::*;
use crate::engine::core::Core;

pub fn of(core: &Core) -> Snapshot {
    let mut tasks: Vec<_> = core.tasks.iter().map(|(slot, _)| queued(core, slot)).collect();
    tasks.sort_by_key(|task| task.id);
    Snapshot {
        seq: core.seq,
        time: core.now,
        seed: core.seed,
        defaults: core.defaults.clone(),
        users: core.users.values().cloned().collect(),
        nodes: core.nodes.iter().map(|state| (state.node.clone(), state.resources.clone())).collect(),
        cages: core.cages().map(|cage| cage_row(core, cage)).collect(),
        agents: core.agent_names.values().map(|slot| agent_row(core, *slot)).collect(),
        tasks,
        executions: core.executions.iter().map(|(_, run)| execution_row(core, run)).collect(),
        artifacts: core.artifacts.values().copied().collect(),
        alerts: core.alerts.iter().cloned().collect(),
        ended: core.ended,
    }
}

fn queued(core: &Core, slot: u32) -> QueuedTask {
    let (task, wish) = (&core.tasks[slot], &core.shape(slot).wish);
    let array = task.array.as_ref();
    let places = array.map_or(0, |array| array.range.len());
    QueuedTask {
        id: task.id,
        status: task.status,
        priority: task.priority,
        requirements: Requirements {
            cpu: Cpu::from_millis(wish.requirements.0[0]),
            memory: Bytes::new(wish.requirements.0[1]),
            gpu: u32::try_from(wish.requirements.0[2]).unwrap(),
            gpu_memory: Bytes::new(wish.requirements.0[3]),
            storage: Bytes::new(wish.requirements.0[4]),
            tokens: wish.tokens,
            capabilities: wish.capabilities.clone(),
        },
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
        depends_on: task
            .deps
            .iter()
            .flat_map(|deps| &deps.on)
            .map(|id| (*id, core.task_status(*id).unwrap_or(TaskStatus::Completed)))
            .collect(),
        array: array.map(|array| array.range),
        materialised: (1..=places)
            .filter(|place| array.is_some_and(|array| array.is_materialised(*place)))
            .map(|place| (place, place))
            .collect(),
        array_failed: array.map_or(0, |array| array.failed),
    }
}

fn cage_row(core: &Core, cage: &crate::engine::core::state::CageState) -> Cage {
    Cage {
        id: cage.spec.id,
        node_id: core.nodes[cage.node as usize].node.id,
        agent_id: None,
        status: if cage.maintenance { CageStatus::Maintenance } else { CageStatus::Vacant },
        resource_limits: cage.spec.limits.clone(),
        network: cage.spec.network.clone(),
        read: cage.spec.read.clone(),
        write: cage.spec.write.clone(),
        enforcement: cage.enforcement.clone(),
        created_at: core.now,
        updated_at: core.now,
    }
}

fn agent_row(core: &Core, slot: u32) -> Agent {
    let agent = &core.agents[slot];
    Agent {
        id: agent.id,
        spec: agent.spec.clone(),
        status: core.status_of_agent(slot),
        owner: agent.owner,
        cage_id: agent.cage.or(agent.spec.cage),
        current_task_id: None,
        running: agent.running,
        counters: AgentCounters::default(),
        metrics: serde_json::Map::new(),
        consecutive_failures: agent.failures,
        breaker_until: agent.breaker_until,
        drained: agent.drained,
        last_heartbeat: None,
        created_at: core.now,
        updated_at: core.now,
    }
}

fn execution_row(core: &Core, run: &crate::engine::core::state::ExecutionState) -> LiveExecution {
    let node = &core.nodes[run.node as usize];
    let held = node.resources.iter().filter_map(|resource| {
        let place = Quantities::NAMES.iter().position(|name| *name == resource.name)?;
        let quantity = run.held.0[place];
        let id = AllocationId(uuid::Uuid::nil());
        (quantity > 0).then_some(Held { id, resource_id: resource.id, quantity })
    });
    LiveExecution {
        id: run.id,
        task_id: core.tasks[run.task].id,
        agent_id: core.agents[run.agent].id,
        cage_id: run.cage,
        node_id: node.node.id,
        attempt: run.attempt,
        held: held.collect(),
        created_at: run.created_at,
        started_at: run.started_at,
        stopping: run.stopping,
    }
}
