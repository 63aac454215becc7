//! What somebody who watches sees of the state: each cage, each machine, the queue's age, deadlines that come near. None
//! of it goes through the queue: it is kept up to date, or counted over the fleet.

use super::Core;
use super::node::lost_gpus;
use super::shape::Shape;
use super::slab::NONE;
use super::state::CageState;
use crate::domain::requirements::Quantities;
use crate::domain::{
    AgentId, AgentStatus, ArtifactId, CageId, CageLimits, CageStatus, Enforcement, ExecutionId, NodeStatus,
    OutcomeKind, Span, TaskId, TaskStatus, Timestamp,
};

/// A cage as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct CageView {
    /// Its number.
    pub id: CageId,
    /// Whether somebody lives there.
    pub status: CageStatus,
    /// Its node's place in [`FleetView::nodes`].
    pub node: usize,
    /// The agent that lives or works there: its name, what it does, and how often it has failed in a row.
    pub agent: Option<(String, AgentStatus, u32)>,
    /// What its processes may use.
    pub limits: CageLimits,
    /// What running work has reserved.
    pub granted: Quantities,
    /// Executions in it.
    pub executions: Vec<ExecutionId>,
    /// Those whose process runs, as far as the worker has said.
    pub started: u32,
}

/// A machine as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    /// Host name.
    pub name: String,
    /// Whether its worker is connected.
    pub status: NodeStatus,
    /// Since when it is out of reach, if it is.
    pub lost_at: Option<Timestamp>,
    /// What it has.
    pub capacity: Quantities,
    /// What running work has reserved.
    pub granted: Quantities,
}

/// All cages, and the machines that they are on.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetView {
    /// The machines.
    pub nodes: Vec<NodeView>,
    /// The cages, in the order of their numbers.
    pub cages: Vec<CageView>,
}

/// A task that has not ended and whose deadline comes near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub task_id: TaskId,
    /// When it has to be done.
    pub deadline: Timestamp,
    /// How long it says that it takes.
    pub estimate: Option<Span>,
    /// Where it says nothing: how long nine of ten of its like take at most, as far as that was learned.
    pub foretold: Option<Span>,
    /// Who has it, or must do it.
    pub agent: Option<AgentId>,
    /// Since when it runs, if it does.
    pub running_since: Option<Timestamp>,
}

/// What an overview needs of the engine's memory.
#[derive(Clone, Debug, PartialEq)]
pub struct OverviewView {
    /// The machines.
    pub nodes: Vec<NodeView>,
    /// Since when, to the second, the oldest of the tasks that could start has waited.
    pub oldest: Option<Timestamp>,
    /// Tasks that nothing in the fleet, as it is declared, could ever do.
    pub unsatisfiable: u64,
    /// Tasks that wait for approval of what was rejected, and with it for a person: how many, with all that depends on them,
    /// and the newest of those artifacts.
    pub refused: Option<(u64, ArtifactId)>,
    /// Agents whose circuit breaker is open: how many, and the names of the first.
    pub tripped: (u64, Vec<String>),
    /// Cages with a declared limit that nothing holds on their host: how many, and the numbers of the first.
    pub unlimited: (u64, Vec<CageId>),
    /// Cages that cannot be set up: how many, and the numbers of the first.
    pub faulty: (u64, Vec<CageId>),
    /// Nodes that have lost GPUs, by name, with what they have lost.
    pub lost_gpus: Vec<(String, Vec<String>)>,
    /// Tasks whose deadline comes near, the most urgent first.
    pub due: Vec<Due>,
}

/// How many wishes an overview checks against the fleet: each may cost a walk through all cages.
const WISHES_CHECKED: usize = 32;
/// However long something is said to take, deadlines of what says nothing itself are not looked at further ahead.
const FORETOLD_MAX: Span = Span::from_secs(7 * 86_400);
/// How many names of tripped agents are given.
const NAMES_SHOWN: usize = 3;

impl Core {
    /// Every cage and every machine.
    pub fn view_fleet(&self) -> FleetView {
        let cages = self.cages().map(|cage| self.view_cage(cage)).collect();
        FleetView { nodes: self.view_nodes(), cages }
    }

    /// What an overview needs. `horizon` is how far ahead deadlines are looked at, counted from when a task had to start
    /// by what it says about itself; `due_max` how many are given.
    pub fn view_overview(&self, now: Timestamp, horizon: Span, due_max: usize) -> OverviewView {
        OverviewView {
            nodes: self.view_nodes(),
            oldest: self.queue.oldest(),
            unsatisfiable: self.unsatisfiable(),
            refused: self.held_by_rejections(),
            tripped: self.tripped(),
            unlimited: self.unlimited(),
            faulty: self.faulty(),
            lost_gpus: self.lost_gpus(),
            due: self.due(now, horizon, due_max),
        }
    }

    pub(super) fn view_nodes(&self) -> Vec<NodeView> {
        let view = |state: &super::state::NodeState| NodeView {
            name: state.node.name.clone(),
            status: state.node.status,
            lost_at: state.lost_at,
            capacity: state.node.capacity.quantities(),
            granted: state.used,
        };
        self.nodes.iter().map(view).collect()
    }

    fn view_cage(&self, cage: &CageState) -> CageView {
        let status = match cage.occupant {
            _ if cage.maintenance => CageStatus::Maintenance,
            NONE => CageStatus::Vacant,
            _ => CageStatus::Occupied,
        };
        let agent = (cage.occupant != NONE).then(|| {
            let state = &self.agents[cage.occupant];
            (state.spec.name.clone(), self.status_of_agent(cage.occupant), state.failures)
        });
        let runs = || cage.executions.iter().map(|slot| &self.executions[*slot]);
        let started = runs().filter(|run| run.started_at.is_some()).count();
        CageView {
            id: cage.spec.id,
            status,
            node: cage.node as usize,
            agent,
            limits: cage.spec.limits.clone(),
            granted: cage.used,
            executions: runs().map(|run| run.id).collect(),
            started: u32::try_from(started).unwrap_or(u32::MAX),
        }
    }

    fn tripped(&self) -> (u64, Vec<String>) {
        let names = self.breakers.iter().take(NAMES_SHOWN).filter_map(|(_, id)| self.agent_spec(*id));
        (self.breakers.len() as u64, names.map(|spec| spec.name.clone()).collect())
    }

    /// Cages with a limit of processors, memory, processes or disk that was declared and that nothing holds.
    fn unlimited(&self) -> (u64, Vec<CageId>) {
        let loose = |cage: &&CageState| {
            let CageLimits { cpu, memory, pids, disk, .. } = &cage.spec.limits;
            let declared = [
                ("cpu", cpu.is_some()),
                ("memory", memory.is_some()),
                ("pids", pids.is_some()),
                ("disk", disk.is_some()),
            ];
            cage.enforcement.0.iter().any(|entry| {
                entry.enforcement == Enforcement::Absent && declared.contains(&(entry.limit.as_str(), true))
            })
        };
        let ids: Vec<CageId> = self.cages().filter(loose).map(|cage| cage.spec.id).collect();
        (ids.len() as u64, ids.into_iter().take(NAMES_SHOWN).collect())
    }

    /// Cages that could not be set up when that was last tried.
    fn faulty(&self) -> (u64, Vec<CageId>) {
        let ids: Vec<CageId> = self.cages().filter(|cage| cage.fault.is_some()).map(|cage| cage.spec.id).collect();
        (ids.len() as u64, ids.into_iter().take(NAMES_SHOWN).collect())
    }

    fn lost_gpus(&self) -> Vec<(String, Vec<String>)> {
        let lost = self.nodes.iter().map(|state| (state.node.name.clone(), lost_gpus(&state.node.metadata)));
        lost.filter(|(_, gpus)| !gpus.is_empty()).collect()
    }

    /// Tasks in the queue that no cage and agent together could do. Of many different wishes only some are checked, so
    /// this may be less than there are.
    fn unsatisfiable(&self) -> u64 {
        if self.nodes.is_empty() {
            return 0;
        }
        let suspects = self
            .queue
            .groups
            .iter()
            .map(|(_, group)| group)
            // What the next decision will only then look at anew may have become impossible, too.
            .filter(|group| {
                !group.ready.is_empty()
                    && (self.sites.stale || self.shapes[group.shape].possible_at != self.fleet_version)
            });
        let hopeless = suspects.take(WISHES_CHECKED).filter(|group| !self.is_possible(&self.shapes[group.shape]));
        hopeless.map(|group| group.ready.iter().map(|key| self.tasks[key.slot].weight()).sum::<u64>()).sum()
    }

    /// Whether some cage, empty, would admit a shape together with an agent that is able.
    fn is_possible(&self, shape: &Shape) -> bool {
        let admitting = |cage: &&CageState| {
            shape.wish.cage.is_none_or(|id| id == cage.spec.id)
                && shape.need.fits(&cage.room)
                && shape.need.fits(&self.nodes[cage.node as usize].node.capacity.quantities())
                && cage.spec.limits.tokens.is_none_or(|limit| shape.tokens <= limit.tokens)
        };
        let mut for_floaters = false;
        for cage in self.cages().filter(admitting) {
            if cage.home == NONE {
                for_floaters = true;
            } else if self.is_able(shape, cage.home) {
                return true;
            }
        }
        for_floaters && self.agents.iter().any(|(slot, agent)| agent.spec.cage.is_none() && self.is_able(shape, slot))
    }

    /// Tasks that have to start within `horizon` to be done in time, by what they say about themselves. Of those that say
    /// nothing it is looked as far ahead as anything takes, as far as that was learned.
    pub(super) fn due(&self, now: Timestamp, horizon: Span, max: usize) -> Vec<Due> {
        let until = now.plus(horizon.max(self.predictor.longest().min(FORETOLD_MAX)));
        let near = self.deadlines.iter().take_while(|(start, _)| *start <= until).take(max);
        near.filter_map(|(_, id)| {
            let slot = self.task_ids.get(*id)?;
            let task = &self.tasks[slot];
            // The elements that have left an array are listed themselves.
            if task.array.as_ref().is_some_and(|array| array.remaining == 0) {
                return None;
            }
            // What is being stopped starts anew, or is given up.
            let run = (task.execution != NONE).then(|| &self.executions[task.execution]);
            if run.is_some_and(|run| run.stopping == Some(OutcomeKind::Cancelled)) {
                return None;
            }
            let run = run.filter(|run| run.stopping.is_none());
            let agent = run.map(|run| self.agents[run.agent].id).or(self.shape(slot).wish.agent);
            Some(Due {
                task_id: task.id,
                deadline: task.deadline,
                estimate: (task.estimate != Span::ZERO).then_some(task.estimate),
                foretold: self.forecast(slot, agent).map(|forecast| forecast.most),
                agent,
                running_since: run.map(|run| run.started_at.unwrap_or(run.created_at)),
            })
        })
        .collect()
    }

    /// Where a task with a deadline stands among those: by when it has to start, by what it says about itself.
    pub(super) fn deadline_key(&self, slot: u32) -> Option<(Timestamp, TaskId)> {
        let task = &self.tasks[slot];
        let latest = task.deadline.as_micros().saturating_sub(task.estimate.as_micros());
        (task.deadline != Timestamp::LAST).then_some((Timestamp::from_micros(latest), task.id))
    }

    /// The execution that each task in memory has now.
    pub fn executing(&self) -> Vec<(TaskId, ExecutionId)> {
        let runs = self.executions.iter().map(|(_, run)| (self.tasks[run.task].id, run.id));
        runs.filter(|(id, _)| self.task_status(*id).is_some_and(|status| status != TaskStatus::Pending)).collect()
    }
}
