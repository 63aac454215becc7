//! Who could be given a task, and which cage an agent: everybody, with the reasons for and against, the best first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Core;
use super::explain::Explanation;
use super::shape::{Shape, Wish};
use super::slab::NONE;
use super::state::CageState;
use crate::domain::preview::Standing;
use crate::domain::requirements::Quantities;
use crate::domain::{AgentId, CageId, Candidate, Command, TaskId};

/// So many candidates are given.
const CANDIDATES_MAX: usize = 200;

/// A candidate before its reasons are written down; the smallest is the best.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    able: Reverse<bool>,
    free: Reverse<bool>,
    queued: u64,
    running: u32,
    name: &'a str,
    slot: u32,
    standing: Standing,
}

impl Core {
    /// The agents that a task could be given to; `None` when it is not in memory, because it has ended or never was.
    /// Figures of the past are left to who knows it.
    pub fn task_candidates(&self, task: TaskId) -> Option<Vec<(AgentId, Candidate)>> {
        let slot = self.task_ids.get(task).or_else(|| self.array_of(task))?;
        let wish = Wish { agent: None, cage: None, ..self.shape(slot).wish.clone() };
        let shape = Shape::new(wish, 0, &self.defaults.requirements, &self.capability_sets);
        let queued = self.queued_by_agent();
        let anywhere = self.nodes.is_empty();
        let vacant = |cage: &&CageState| cage.home == NONE;
        let room = anywhere || self.cages().filter(vacant).any(|cage| self.lacks(&shape, cage).is_empty());
        let room_now = self.cages().filter(|cage| cage.occupant == NONE).any(|cage| self.has_room(&shape, cage));
        let mut ranks: Vec<_> = self
            .agents
            .iter()
            .map(|(slot, agent)| {
                let at = agent.cage.or(agent.spec.cage).and_then(|cage| self.cage(cage));
                let home = agent.spec.cage.and_then(|cage| self.cage(cage));
                let fits = home.map_or(room, |cage| anywhere || self.lacks(&shape, cage).is_empty());
                let able = shape.is_covered_by(agent.capability_set) && fits;
                let now = at.map_or(room_now, |cage| cage.occupant == slot && self.has_room(&shape, cage));
                let free = able && now && self.slots_left(slot) > 0;
                let queued = queued.get(&agent.id).copied().unwrap_or(0);
                let standing = self.standing(slot, (able, free), at);
                let (able, free) = (Reverse(able), Reverse(free));
                Rank { able, free, queued, running: agent.running, name: &agent.spec.name, slot, standing }
            })
            .collect();
        ranks.sort_unstable();
        ranks.truncate(CANDIDATES_MAX);
        let vacant = if room_now { String::new() } else { self.no_vacant_cage(&shape) };
        let candidate = |rank: Rank<'_>| (self.agents[rank.slot].id, self.agent_candidate(&shape, &rank, &vacant));
        Some(ranks.into_iter().map(candidate).collect())
    }

    /// How an agent stands that is able or not, and free or not; `at` is the cage that it would start in, if that is known.
    fn standing(&self, slot: u32, (able, free): (bool, bool), at: Option<&CageState>) -> Standing {
        let agent = &self.agents[slot];
        // Who works does not wait for its own cage, unless that lets nobody start.
        let shut = at.is_some_and(|cage| cage.maintenance || !self.nodes[cage.node as usize].is_open());
        let works = agent.running > 0 && !shut;
        match (able, free) {
            (false, _) => Standing::Cannot,
            (true, true) => Standing::Free,
            _ if agent.drained => Standing::Drained,
            _ if agent.breaker_until.is_some() => Standing::Paused,
            _ if works || self.slots_left(slot) == 0 => Standing::Busy,
            _ => Standing::Later,
        }
    }

    /// Why none of the cages that are nobody's home, and would take such a task, lets an agent start now.
    fn no_vacant_cage(&self, shape: &Shape) -> String {
        let (mut withheld, mut away, mut taken, mut full) = (0_u32, 0_u32, 0_u32, 0_u32);
        for cage in self.cages().filter(|cage| cage.home == NONE && self.lacks(shape, cage).is_empty()) {
            let count = match cage.occupant {
                _ if cage.maintenance => &mut withheld,
                _ if !self.nodes[cage.node as usize].is_open() => &mut away,
                NONE => &mut full,
                _ => &mut taken,
            };
            *count += 1;
        }
        let counts = [(withheld, "withheld"), (away, "out of reach"), (taken, "taken"), (full, "without room")];
        let said: Vec<_> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if said.is_empty() {
            "no vacant cage has room now".to_owned()
        } else {
            format!("no vacant cage has room now: {}", said.join(", "))
        }
    }

    /// Where the agent that is asked for has its hands full: to give the task to the best of the others that is free.
    pub(super) fn suggest_free_agent(&self, shape: &Shape, explanation: &mut Explanation) {
        if shape.wish.agent.is_none() {
            return;
        }
        let id = explanation.task_id;
        let candidates = self.task_candidates(id).unwrap_or_default();
        let Some((agent, free)) = candidates.into_iter().find(|(_, candidate)| candidate.free) else { return };
        let anywhere = if shape.wish.cage.is_some() { ", in whatever cage that works" } else { "" };
        let text = format!("give it to agent {}, which is free{anywhere}", free.name);
        let typed = format!("menagerie task reassign {id} --agent {}", free.name);
        let command = Command::ReassignTasks { ids: vec![id], agent: Some(agent), cage: None };
        explanation.suggest(text, Some(typed), Some(command));
    }

    /// An agent with its reasons; `vacant` says why no vacant cage lets anybody start now.
    fn agent_candidate(&self, shape: &Shape, rank: &Rank<'_>, vacant: &str) -> Candidate {
        let agent = &self.agents[rank.slot];
        let has = |name: &&String| self.capability_sets.has(agent.capability_set, name);
        let lacking: Vec<_> = shape.capabilities.iter().filter(|name| !has(name)).map(String::as_str).collect();
        let has_tool = |name: &&String| self.capability_sets.has_tool(agent.capability_set, name);
        let missing: Vec<_> = shape.tools.iter().filter(|name| !has_tool(name)).map(String::as_str).collect();
        let mut reasons = vec![];
        if !missing.is_empty() {
            reasons.push(format!("has no tool {}", missing.join(", ")));
        }
        if !lacking.is_empty() {
            reasons.push(format!("lacks {}", lacking.join(", ")));
        } else if !shape.is_covered_by(agent.capability_set) {
            reasons.push("has no command of its own, and the task brings none".to_owned());
        } else if !shape.capabilities.is_empty() {
            reasons.push(format!("can do {}", shape.capabilities.join(", ")));
        }
        if agent.drained {
            reasons.push("is drained and takes no tasks".to_owned());
        }
        if let Some(until) = agent.breaker_until {
            reasons.push(format!("is paused until {until} after {} failures in a row", agent.failures));
        }
        match agent.cage.or(agent.spec.cage).and_then(|cage| self.cage(cage)) {
            Some(cage) => reasons.extend(self.fit(shape, cage)),
            None if rank.free.0 => reasons.push("would take a vacant cage that has room".to_owned()),
            None if rank.standing == Standing::Later => reasons.push(vacant.to_owned()),
            None if rank.able.0 => {
                reasons.push("has no cage of its own and takes a vacant one that has room".to_owned());
            }
            None => reasons.push("has no cage, and none that is nobody's home would take it".to_owned()),
        }
        reasons.push(format!("{} of {} slots taken", agent.running, agent.spec.concurrency));
        if rank.queued > 0 {
            reasons.push(waiting(rank.queued));
        }
        candidate("agent", agent.spec.name.clone(), reasons, rank)
    }

    /// What a cage says to a shape: what it lacks, or what it has left of what is asked for.
    fn fit(&self, shape: &Shape, cage: &CageState) -> Vec<String> {
        let id = cage.spec.id;
        let lacks = self.lacks(shape, cage);
        if !lacks.is_empty() {
            return lacks.iter().map(super::command::Lack::sentence).collect();
        }
        let mut said = vec![];
        if cage.maintenance {
            said.push(format!("cage {id} is withheld"));
        }
        let node = &self.nodes[cage.node as usize];
        if !node.is_open() {
            said.push(format!("cage {id} is on node {}, which cannot be reached now", node.node.name));
        }
        let free = cage.room.minus(&cage.used);
        let asked = (0..5).filter(|place| shape.need.0[*place] > 0);
        said.extend(asked.map(|place| {
            let shown = |quantities: &Quantities| Quantities::show_limit(place, quantities.0[place]);
            let (what, need) = (Quantities::NAMES[place], shown(&shape.need));
            format!("cage {id}: {what} {need} asked, {} free of {}", shown(&free), shown(&cage.room))
        }));
        if said.is_empty() {
            said.push(format!("works in cage {id}"));
        }
        said
    }

    /// Whether a shape could start in a cage now, as far as the cage and its node go.
    fn has_room(&self, shape: &Shape, cage: &CageState) -> bool {
        let node = &self.nodes[cage.node as usize];
        let usable = !cage.maintenance && node.is_open() && self.lacks(shape, cage).is_empty();
        usable && shape.need.fits(&cage.room.minus(&cage.used)) && shape.need.fits(&node.free())
    }

    /// How many tasks that could start wait for each agent alone.
    fn queued_by_agent(&self) -> BTreeMap<AgentId, u64> {
        let mut queued = BTreeMap::new();
        for (_, group) in self.queue.groups.iter() {
            if let Some(agent) = self.shapes[group.shape].wish.agent {
                *queued.entry(agent).or_insert(0) += group.ready.len() as u64;
            }
        }
        for slot in &self.arrays {
            let more = self.tasks[*slot].weight().saturating_sub(1);
            if let Some(agent) = self.shape(*slot).wish.agent.filter(|_| self.tasks[*slot].queued) {
                *queued.entry(agent).or_insert(0) += more;
            }
        }
        queued
    }

    /// The cages that an agent could be given, its own left out; `None` when there is no such agent.
    pub fn agent_candidates(&self, agent: AgentId) -> Option<Vec<Candidate>> {
        let slot = self.agent_ids.get(agent)?;
        let mut queued: BTreeMap<CageId, u64> = BTreeMap::new();
        for (_, group) in self.queue.groups.iter() {
            if let Some(cage) = self.shapes[group.shape].wish.cage {
                *queued.entry(cage).or_insert(0) += group.ready.len() as u64;
            }
        }
        let names: Vec<_> = self.cages().map(|cage| cage.spec.id.to_string()).collect();
        let mut ranks: Vec<_> = self
            .cages()
            .zip(&names)
            .filter(|(cage, _)| self.agents[slot].spec.cage != Some(cage.spec.id))
            .map(|(cage, name)| {
                let able = self.check_home(cage.spec.id, slot).is_ok();
                let free = able && !cage.maintenance && self.nodes[cage.node as usize].is_open();
                Rank {
                    able: Reverse(able),
                    free: Reverse(free),
                    queued: queued.get(&cage.spec.id).copied().unwrap_or(0),
                    running: u32::try_from(cage.executions.len()).unwrap_or(u32::MAX),
                    name,
                    slot: u32::from(cage.spec.id.number()),
                    standing: match (able, free) {
                        (false, _) => Standing::Cannot,
                        (true, true) => Standing::Free,
                        (true, false) => Standing::Later,
                    },
                }
            })
            .collect();
        ranks.sort_unstable();
        ranks.truncate(CANDIDATES_MAX);
        let pinned: Vec<_> = self.shapes.iter().map(|(_, shape)| shape).collect();
        let pinned: Vec<_> = pinned.into_iter().filter(|shape| shape.wish.agent == Some(agent)).collect();
        let home = self.agents[slot].spec.cage.and_then(|home| self.cage(home));
        Some(ranks.iter().filter_map(|rank| self.cage_candidate(rank, home, &pinned)).collect())
    }

    fn cage_candidate(&self, rank: &Rank<'_>, home: Option<&CageState>, pinned: &[&Shape]) -> Option<Candidate> {
        let cage = self.cages.get(rank.slot as usize)?.as_ref()?;
        let node = &self.nodes[cage.node as usize].node;
        let mut reasons = vec![];
        let name = |slot: u32| self.agents[slot].spec.name.as_str();
        match (cage.home, cage.occupant) {
            (NONE, NONE) => reasons.push("is vacant".to_owned()),
            (NONE, guest) => reasons.push(format!("agent {} works in it now", name(guest))),
            (home, _) => reasons.push(format!("is the home of agent {}", name(home))),
        }
        if cage.maintenance {
            reasons.push("is withheld".to_owned());
        }
        if !self.nodes[cage.node as usize].is_open() {
            reasons.push(format!("node {} cannot be reached now", node.name));
        }
        // What the agent would have less of than now comes before what there is.
        let less = home.into_iter().flat_map(|home| {
            (0..5).filter(|place| cage.room.0[*place] < home.room.0[*place]).map(|place| {
                let [less, now] = [cage, home].map(|cage| Quantities::show_limit(place, cage.room.0[place]));
                format!("{} {less} instead of {now}", Quantities::LIMITS[place])
            })
        });
        let less: Vec<_> = less.collect();
        if let (Some(home), false) = (home, less.is_empty()) {
            reasons.push(format!("smaller than cage {}: {}", home.spec.id, less.join(", ")));
        }
        // A cage without a GPU is the usual case and no limit worth a word.
        let limited = (0..5).filter(|place| cage.room.0[*place] < u64::MAX && cage.room.0[*place] > 0);
        let shown =
            |place: usize| format!("{} {}", Quantities::LIMITS[place], Quantities::show(place, cage.room.0[place]));
        let limits: Vec<_> = limited.map(shown).collect();
        reasons.push(if limits.is_empty() { "no limits".to_owned() } else { format!("limits: {}", limits.join(", ")) });
        if !pinned.is_empty() {
            let fit = pinned.iter().filter(|shape| self.lacks(shape, cage).is_empty()).count();
            reasons.push(format!("would take {fit} of the {} sorts of tasks that wait for the agent", pinned.len()));
        }
        if rank.queued > 0 {
            reasons.push(waiting(rank.queued));
        }
        Some(candidate("cage", rank.name.to_owned(), reasons, rank))
    }
}

fn candidate(kind: &str, name: String, reasons: Vec<String>, rank: &Rank<'_>) -> Candidate {
    Candidate {
        kind: kind.to_owned(),
        name,
        able: rank.able.0,
        free: rank.free.0,
        standing: rank.standing,
        reasons,
        running: rank.running,
        queued: rank.queued,
        success_rate: None,
        mean_duration_s: None,
        mean_cost: None,
        score: None,
        factors: vec![],
        learned: None,
        to_win: None,
    }
}

/// `1 task waits for it`.
fn waiting(queued: u64) -> String {
    if queued == 1 { "1 task waits for it".to_owned() } else { format!("{queued} tasks wait for it") }
}
