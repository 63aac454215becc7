//! Why a task is where it is: every reason with what is needed and what there is, and the smallest change that would
//! let it start. The reasons come from the same state that the scheduler decides on, so they cannot drift from it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::Core;
use super::shape::Shape;
use super::slab::NONE;
use super::smallest_change::{CageVerdict, SmallestChange};
use super::state::CageState;
use crate::domain::requirements::Quantities;
use crate::domain::{AgentId, AgentStatus, CageId, Command, TaskId, TaskStatus, Timestamp};

/// Why a task is where it is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Explanation {
    /// The task.
    pub task_id: TaskId,
    /// Where its life stands.
    pub status: TaskStatus,
    /// From 1, its place among all that could start, by the order; absent while it could not.
    pub position: Option<u64>,
    /// How many tasks could start, elements of arrays counted singly.
    pub queued: u64,
    /// When it is expected to start, where anybody knows.
    pub expected_start: Option<Timestamp>,
    /// Every reason, those that hold it up first.
    pub reasons: Vec<Reason>,
    /// The smallest change that would let it start, as it is typed, where one can be named.
    pub change: Option<String>,
    /// The same in words and as a command.
    pub smallest_change: Option<SmallestChange>,
    /// What the cages say one by one, those that come nearest first; empty while the task could not start anyway.
    pub cages: Vec<CageVerdict>,
    /// How many cages are not spoken of, because they are further off.
    pub cages_left_out: u64,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// What sort.
    pub kind: ReasonKind,
    /// Whether it holds the task up.
    pub blocking: bool,
    /// What is needed.
    pub need: String,
    /// What there is.
    pub have: String,
    /// A sentence for people.
    pub text: String,
}

/// The sorts of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// It runs.
    Running,
    /// Its agent was chosen among several, or it waits for one that suits it better.
    Choice,
    /// It waits for other tasks.
    Dependency,
    /// It waits for a person's approval.
    Approval,
    /// It waits after a failed attempt.
    Retry,
    /// Agents that can do it.
    Agent,
    /// Cages that admit it.
    Cage,
    /// Capacity of nodes.
    Capacity,
    /// What is kept for a task before it.
    Reservation,
    /// Tasks before it.
    Order,
    /// When it should be done.
    Deadline,
    /// How long it is expected to take, where it does not say so itself.
    Duration,
    /// How likely it is to succeed.
    Match,
    /// What an hour more of waiting costs.
    Delay,
}

/// How many names a sentence lists before it says "and others".
const NAMES_SHOWN: usize = 5;

fn reason(kind: ReasonKind, blocking: bool, need: impl Into<String>, have: impl Into<String>, text: String) -> Reason {
    Reason { kind, blocking, need: need.into(), have: have.into(), text }
}

/// What there is to say about a deadline before a task has begun.
fn explain_deadline(deadline: Timestamp, now: Timestamp, expected: Option<Timestamp>) -> Option<Reason> {
    if deadline == Timestamp::LAST {
        return None;
    }
    let text = match expected {
        _ if deadline <= now => format!("its deadline was {} ago", now.since(deadline).human()),
        Some(start) if start > deadline => {
            format!("its deadline is in {}, before it is expected to start", deadline.since(now).human())
        }
        _ => return None,
    };
    let have = expected.map_or_else(String::new, |start| start.to_string());
    Some(reason(ReasonKind::Deadline, false, deadline.to_string(), have, text))
}

/// `1 task waits`, `5 tasks wait`.
fn plural_waits(tasks: u64) -> String {
    if tasks == 1 { "1 task waits".to_owned() } else { format!("{tasks} tasks wait") }
}

impl Core {
    /// Why a task is where it is; `None` when it is not in memory, because it has ended or never was. An element of an
    /// array that has not started is explained by its array.
    pub fn explain(&self, now: Timestamp, task: TaskId) -> Option<Explanation> {
        let slot = self.task_ids.get(task).or_else(|| self.array_of(task))?;
        let state = &self.tasks[slot];
        let mut explanation = Explanation {
            task_id: state.id,
            status: state.status,
            position: None,
            queued: self.queue.groups.iter().map(|(_, group)| self.weight_before(group, None)).sum(),
            expected_start: None,
            reasons: vec![],
            change: None,
            smallest_change: None,
            cages: vec![],
            cages_left_out: 0,
        };
        if state.execution != NONE {
            explanation.reasons.push(self.explain_running(state.execution));
            let doing = self.executions[state.execution].agent;
            explanation.reasons.extend(self.explain_length(slot, Some(self.agents[doing].id)));
            explanation.reasons.extend(self.explain_match(slot, Some(doing)));
            return Some(explanation);
        }
        let asked = self.shape(slot).wish.agent;
        explanation.reasons.extend(self.explain_length(slot, asked));
        explanation.reasons.extend(self.explain_match(slot, asked.and_then(|id| self.agent_ids.get(id))));
        explanation.reasons.extend(self.explain_delay(state.id, now));
        self.explain_waiting(slot, now, &mut explanation);
        if state.queued {
            explanation.position = Some(self.position(slot) + 1);
            self.explain_place(slot, now, &mut explanation);
        }
        explanation.reasons.extend(explain_deadline(state.deadline, now, explanation.expected_start));
        explanation.reasons.sort_by_key(|reason| !reason.blocking);
        Some(explanation)
    }

    fn explain_running(&self, run: u32) -> Reason {
        let run = &self.executions[run];
        let (agent, cage) = (&self.agents[run.agent].spec.name, run.cage);
        let text = match (run.stopping, run.started_at) {
            (Some(kind), _) => format!("agent {agent} has it in cage {cage}; it is being stopped as {kind}"),
            (None, Some(at)) => format!("agent {agent} has been working on it in cage {cage} since {at}"),
            (None, None) => format!("agent {agent} is about to start on it in cage {cage}"),
        };
        reason(ReasonKind::Running, false, "", "", text)
    }

    /// How long it is expected to take, and why, where it does not say so itself.
    fn explain_length(&self, slot: u32, agent: Option<AgentId>) -> Option<Reason> {
        let forecast = self.forecast(slot, agent)?;
        let kind = &self.selection.topics.get(self.tasks[slot].topic).kind;
        let with = agent.filter(|_| forecast.of_agent).and_then(|agent| self.agent_spec(agent));
        let with = with.map_or_else(String::new, |agent| format!(" with agent {}", agent.name));
        let more = if forecast.has_more { " and more" } else { "" };
        let (half, most) = (forecast.half.human(), forecast.most.human());
        let mut text = format!(
            "brings no estimate: by {}{more} of type {kind}{with} that succeeded, half take up to {half} and nine of ten up to {most}",
            forecast.cases
        );
        if let Some((half, most)) = forecast.tokens {
            let _ = write!(text, ", with up to {half} and {most} tokens");
        }
        Some(reason(ReasonKind::Duration, false, "", most, text))
    }

    /// How likely it is to succeed with an agent, or with whoever does it.
    fn explain_match(&self, slot: u32, agent: Option<u32>) -> Option<Reason> {
        let prospect = self.prospect_of_task(slot, agent)?;
        let with = agent.map_or_else(String::new, |agent| format!("with agent {} it ", self.agents[agent].spec.name));
        let have = prospect.of_hundred();
        let text = format!("{with}{}", prospect.sentence("succeeds"));
        Some(reason(ReasonKind::Match, false, "", have, text))
    }

    /// What an hour more of waiting costs.
    fn explain_delay(&self, id: TaskId, now: Timestamp) -> Option<Reason> {
        let delay = self.delay_of(id, now)?;
        let (tasks, priorities) = (delay.waiting.tasks, delay.waiting.priorities);
        let mut text = format!(
            "an hour more of waiting costs {:.1} task-hours: {} with priorities of {priorities} in all",
            delay.cost,
            plural_waits(tasks)
        );
        if let Some((missed, deadline)) = delay.missed.zip(delay.waiting.deadline) {
            let by = match delay.learned_from {
                Some(cases) => format!("by {cases} tasks that had a deadline"),
                None => "by 1 / (1 + hours left)".to_owned(),
            };
            let _ = write!(
                text,
                ", and of 100 such that are begun now {:.0} would miss the deadline {deadline} ({by})",
                missed * 100.0
            );
        }
        Some(reason(ReasonKind::Delay, false, "", format!("{:.1}", delay.cost), text))
    }

    /// What it waits for before it can be queued.
    fn explain_waiting(&self, slot: u32, now: Timestamp, explanation: &mut Explanation) {
        let task = &self.tasks[slot];
        let (mut makers, mut lacking, mut refused) = (vec![], vec![], vec![]);
        for id in task.deps.iter().flat_map(|deps| &deps.on) {
            if let Some(dependency) = self.task_ids.get(*id) {
                let have = self.tasks[dependency].status.to_string();
                let mut text = format!("waits for task {id}, which is {have}");
                if let Some((last, behind)) = self.behind(dependency, now) {
                    if let Some(reason) = behind.reasons.iter().find(|reason| reason.blocking) {
                        let who =
                            if last == *id { "it".to_owned() } else { format!("at the end of that chain task {last}") };
                        let _ = write!(text, ": {who} {}", reason.text);
                    }
                    if explanation.smallest_change.is_none() {
                        (explanation.change, explanation.smallest_change) = (behind.change, behind.smallest_change);
                    }
                }
                explanation.reasons.push(reason(ReasonKind::Dependency, true, "completed", have, text));
            } else if task.gate && self.unapproved.contains_key(id) {
                let (pending, rejected) = self.unapproved_of(*id);
                let counts = [(pending.len(), "pending"), (rejected.len(), "rejected")];
                let counts = counts.iter().filter(|(count, _)| *count > 0);
                let have = counts.map(|(count, state)| format!("{count} {state}")).collect::<Vec<_>>().join(", ");
                let text = match (&pending[..], &rejected[..]) {
                    ([one], []) | ([], [one]) => format!("waits for approval of artifact {one}: {have}"),
                    _ => {
                        let open = pending.len() + rejected.len();
                        format!("waits for approval of {open} artifacts of task {id}: {have}")
                    }
                };
                explanation.reasons.push(reason(ReasonKind::Approval, true, "approved", have, text));
                makers.push(*id);
                lacking.extend(pending);
                refused.extend(rejected);
            }
        }
        explanation.suggest_approval(&makers, lacking, &refused);
        if let Some(array) = &task.array
            && array.remaining == 0
        {
            let left = array.live.len();
            let text = format!("all its elements are tasks of their own; {left} of them have not ended");
            let have = format!("{left} not ended");
            explanation.reasons.push(reason(ReasonKind::Running, true, "0 not ended", have, text));
        }
        if let Some(text) = self.elements_in_words(slot) {
            explanation.reasons.push(reason(ReasonKind::Running, false, "", "", text));
        }
        if task.status == TaskStatus::Pending && task.not_before > now {
            let wait = task.not_before.since(now).human();
            let text = format!("is tried again in {wait}, after {} of {} attempts", task.attempts, task.max_attempts);
            let reason = reason(ReasonKind::Retry, true, task.not_before.to_string(), now.to_string(), text);
            explanation.reasons.push(reason);
            explanation.expected_start = Some(task.not_before);
        }
    }

    /// What a task that is waited for waits for itself: the last of a chain of tasks, with what holds it up. `None` when that
    /// one runs.
    fn behind(&self, first: u32, now: Timestamp) -> Option<(TaskId, Explanation)> {
        let open = |slot: u32| {
            let mut deps = self.tasks[slot].deps.iter().flat_map(|deps| &deps.on);
            deps.find_map(|id| self.task_ids.get(*id))
        };
        // No dependency is a cycle, so this comes to an end.
        let last = std::iter::successors(Some(first), |slot| open(*slot)).last().unwrap_or(first);
        let id = self.tasks[last].id;
        let explanation = self.explain(now, id)?;
        (self.tasks[last].execution == NONE).then_some((id, explanation))
    }

    /// Why a queued task has no place yet.
    fn explain_place(&self, slot: u32, now: Timestamp, explanation: &mut Explanation) {
        let shape = self.shape(slot);
        self.explain_agents(shape, explanation);
        self.explain_cages(shape, explanation);
        self.explain_nodes(shape, explanation);
        self.explain_pairs(shape, explanation);
        (explanation.cages, explanation.cages_left_out) = self.cage_verdicts(shape);
        if let Some(holder) = &self.holder {
            if holder.key.slot == slot {
                explanation.expected_start = self.promised(self.tasks[slot].id, now);
                let cage = self.make_reservation(slot, now).map(|kept| kept.cage);
                let foretold = cage.is_some_and(|cage| self.is_foretold(cage));
                let kept = cage.map(|cage| cage.to_string()).unwrap_or_default();
                let text = match explanation.expected_start {
                    Some(at) => {
                        let by = if foretold { ", by how long the like of what runs there took" } else { "" };
                        let wait = at.since(now).human();
                        format!("is the first that cannot start; cage {kept} is kept for it in {wait}{by}")
                    }
                    None => format!(
                        "is the first that cannot start; nobody knows when cage {kept} will be free, and after {} of being passed by it is kept for it",
                        self.defaults.patience.human()
                    ),
                };
                explanation.reasons.push(reason(ReasonKind::Reservation, false, "", "", text));
            } else if let Some(kept) = &holder.reservation {
                let id = holder.key.id;
                let text = format!("may not delay task {id}, for which room in cage {} is kept", kept.cage);
                explanation.reasons.push(reason(ReasonKind::Reservation, false, "", "", text));
            }
        }
        explanation.reasons.extend(self.explain_standing_back(slot, now));
        let (position, queued) = (explanation.position.unwrap_or(1), explanation.queued);
        let text = format!("position {position} of {queued} in the queue");
        let reason = reason(ReasonKind::Order, position > 1, "1", position.to_string(), text);
        explanation.reasons.push(reason);
    }

    /// For whom it stands back, while it does.
    fn explain_standing_back(&self, slot: u32, now: Timestamp) -> Option<Reason> {
        let stood = self.standing_back.get(&self.tasks[slot].id).filter(|stood| stood.until > now)?;
        let better = &self.agent_spec(stood.better)?.name;
        let text = format!(
            "agent {better} suits it clearly better than one that was free, which does another task meanwhile; so it stands back \
             in favour of tasks behind it until {} at the longest",
            stood.until
        );
        Some(reason(ReasonKind::Choice, false, "", stood.until.to_string(), text))
    }

    /// `3 agents can do this, 2 busy, 1 in maintenance`.
    fn explain_agents(&self, shape: &Shape, explanation: &mut Explanation) {
        let able: Vec<_> = self.agents.iter().filter(|(slot, _)| self.is_able(shape, *slot)).collect();
        let free = able.iter().filter(|(slot, _)| self.slots_left(*slot) > 0).count();
        let asked = shape.wish.agent.filter(|_| able.len() == 1).and_then(|id| self.agent_spec(id));
        let mut parts = vec![match asked {
            Some(agent) => format!("agent {} alone may do this, as was asked", agent.name),
            None => format!("{} can do this", count(able.len(), "agent")),
        }];
        let without = self.able_but_for_a_command(shape);
        if !without.is_empty() {
            let more = if without.len() > NAMES_SHOWN { ", ..." } else { "" };
            let names = without[..without.len().min(NAMES_SHOWN)].join(", ");
            let text = "could if the task or they had a command";
            parts.push(format!("{} {text} ({names}{more})", without.len()));
        }
        for status in AgentStatus::ALL {
            let so = able.iter().filter(|(slot, _)| self.status_of_agent(*slot) == *status).count();
            if so > 0 {
                parts.push(format!("{so} {status}"));
            }
        }
        let pauses = able.iter().filter_map(|(_, agent)| Some((agent.breaker_until?, agent)));
        if let Some((until, agent)) = pauses.min_by_key(|(until, _)| *until) {
            parts.push(format!("{} paused until {until} after {} failures", agent.spec.name, agent.failures));
        }
        let reason = reason(ReasonKind::Agent, free == 0, "1 free", format!("{free} free"), parts.join(", "));
        explanation.reasons.push(reason);
        if free > 0 {
            return;
        }
        let resting = able.iter().find(|(_, agent)| agent.drained || agent.breaker_until.is_some());
        if let Some((_, agent)) = resting {
            let name = &agent.spec.name;
            let command = Command::ResumeAgents { ids: vec![agent.id] };
            let typed = format!("menagerie agent resume {name}");
            let text = match agent.breaker_until {
                Some(until) if !agent.drained => format!("wait until {until}, or resume agent {name}"),
                _ => format!("resume agent {name}"),
            };
            explanation.suggest(text, Some(typed), Some(command));
            // Where it lives it works, once it may, or nowhere.
            if let Some(home) = agent.spec.cage.and_then(|id| self.cage(id)).filter(|cage| cage.maintenance) {
                explanation.suggest_give_back(home.spec.id);
            }
        } else if able.is_empty() {
            let what = if let Some(name) = without.first() {
                format!("give agent {name} a command in the fleet file and apply it, or submit the task anew with one")
            } else {
                let mut what = "declare an agent".to_owned();
                if !shape.capabilities.is_empty() {
                    what = format!("{what} that can do {}", shape.capabilities.join(", "));
                }
                if !shape.tools.is_empty() {
                    what = format!("{what} with the tools {}", shape.tools.join(", "));
                }
                what
            };
            explanation.suggest(what, None, None);
        } else {
            self.suggest_free_agent(shape, explanation);
        }
    }

    /// Which cages admit it, and what the nearest lacks.
    fn explain_cages(&self, shape: &Shape, explanation: &mut Explanation) {
        let wanted = |cage: &&CageState| shape.wish.cage.is_none_or(|id| id == cage.spec.id);
        let (mut admit, mut withheld, mut full) = (vec![], vec![], vec![]);
        let mut nearest: Option<(usize, String, CageId)> = None;
        for cage in self.cages().filter(wanted) {
            let lacks = self.lacks(shape, cage);
            if !lacks.is_empty() {
                let list: Vec<_> = lacks.iter().map(super::command::Lack::sentence).collect();
                if nearest.as_ref().is_none_or(|(fewest, _, _)| lacks.len() < *fewest) {
                    nearest = Some((lacks.len(), list.join(", "), cage.spec.id));
                }
            } else if cage.maintenance {
                withheld.push(cage.spec.id);
            } else if shape.need.fits(&cage.room.minus(&cage.used)) {
                admit.push(cage.spec.id);
            } else {
                full.push(cage.spec.id);
            }
        }
        let have = if admit.len() == 1 { "has" } else { "have" };
        let mut text = format!("{} {have} room for it", count(admit.len(), "cage"));
        if !full.is_empty() {
            let _ = write!(text, ", {} would if they were emptier ({})", full.len(), names(&full));
        }
        if !withheld.is_empty() {
            let _ = write!(text, ", {} in maintenance ({})", withheld.len(), names(&withheld));
        }
        let none = admit.is_empty() && full.is_empty();
        if none && let Some((_, lacks, cage)) = &nearest {
            let _ = write!(text, "; cage {cage} comes nearest: {lacks}");
        }
        match (none, withheld.first(), nearest) {
            (false, ..) => {}
            (true, Some(cage), _) => {
                explanation.suggest_give_back(*cage);
            }
            (true, None, Some((_, _, cage))) => self.suggest_raise(shape, cage, explanation),
            (true, None, None) => explanation.suggest("declare a cage".to_owned(), None, None),
        }
        let have = format!("{} with room", admit.len());
        explanation.reasons.push(reason(ReasonKind::Cage, admit.is_empty(), "1 with room", have, text));
    }

    /// Agents and cages taken together: each may do by itself and yet not go with the other.
    fn explain_pairs(&self, shape: &Shape, explanation: &mut Explanation) {
        let floating = self.agents.iter().any(|(slot, agent)| agent.spec.cage.is_none() && self.is_able(shape, slot));
        let (mut pairs, mut free) = (0_usize, 0_usize);
        for cage in self.cages().filter(|cage| self.lacks(shape, cage).is_empty()) {
            let pinned = shape.wish.cage.is_none_or(|id| id == cage.spec.id);
            let goes = if cage.home == NONE { floating } else { self.is_able(shape, cage.home) };
            pairs += usize::from(pinned && goes);
            let open = pinned
                && self.site(cage.spec.id).is_some_and(|site| site.open && shape.need.fits(&site.free))
                && shape.need.fits(&self.nodes[cage.node as usize].free());
            let agent = if cage.occupant == NONE { self.floater_for(shape) } else { Some(cage.occupant) };
            free += usize::from(open && agent.is_some_and(|agent| self.is_able(shape, agent)));
        }
        let text = match (pairs, free) {
            (0, _) => match shape.wish.agent.and_then(|id| self.agent_spec(id)) {
                Some(agent) => format!("no cage that admits it is one that agent {} may work in", agent.name),
                None => "no agent that can do this may work in a cage that admits it".to_owned(),
            },
            (1, 0) => "the one place where an able agent goes with a cage that admits it is not free".to_owned(),
            (_, 0) => format!("of {pairs} places where an able agent goes with a cage that admits it, none is free"),
            (1, _) => "the one place where an able agent goes with a cage that admits it is free".to_owned(),
            _ => format!("{free} of {} are free for it", count(pairs, "place")),
        };
        explanation.reasons.push(reason(ReasonKind::Agent, free == 0, "1 place", format!("{free} free"), text));
        let is_withheld = |cage: &&CageState| {
            cage.maintenance
                && shape.wish.cage.is_none_or(|id| id == cage.spec.id)
                && self.lacks(shape, cage).is_empty()
                && cage.home != NONE
                && self.is_able(shape, cage.home)
                && self.takes_tasks(cage.home)
                && self.slots_left(cage.home) > 0
        };
        if free == 0
            && explanation.smallest_change.is_none()
            && let Some(cage) = self.cages().find(is_withheld)
        {
            explanation.suggest_give_back(cage.spec.id);
        }
        if pairs == 0 {
            self.suggest_pair(shape, floating, explanation);
        }
    }

    /// Which quantities the nodes are short of: `needs gpu 1, 0 free of 2 on node a`.
    fn explain_nodes(&self, shape: &Shape, explanation: &mut Explanation) {
        if self.nodes.iter().any(|node| node.is_open() && shape.need.fits(&node.free())) {
            return;
        }
        for state in &self.nodes {
            let name = &state.node.name;
            if !state.is_open() {
                let text = format!("node {name} cannot be reached now");
                explanation.reasons.push(reason(ReasonKind::Capacity, true, "online", "offline", text));
                continue;
            }
            let (free, whole) = (state.free(), state.node.capacity.quantities());
            let lendable = state.lendable();
            for place in (0..5).filter(|place| shape.need.0[*place] > free.0[*place]) {
                let shown = |quantities: &Quantities| Quantities::show(place, quantities.0[place]);
                let what = Quantities::NAMES[place];
                let withheld = if lendable.0[place] < whole.0[place] { ", withheld for maintenance" } else { "" };
                let text = format!(
                    "needs {what} {}, {} free of {} on node {name}{withheld}",
                    shown(&shape.need),
                    shown(&free),
                    shown(&whole)
                );
                let reason = reason(ReasonKind::Capacity, true, shown(&shape.need), shown(&free), text);
                explanation.reasons.push(reason);
            }
        }
    }

    /// How many tasks come before one.
    fn position(&self, slot: u32) -> u64 {
        let (key, own) = (self.key(slot), self.tasks[slot].group);
        let share = |owner: u32| self.share_of(owner);
        let owner = self.queue.groups[own].owner;
        let before = |(_, group): (u32, &super::queue::Group)| {
            let mut upto = key;
            if group.owner != owner && share(group.owner) != share(owner) {
                // Of equal rank, all tasks of an owner with the smaller share come first.
                let all = share(group.owner) < share(owner);
                upto.id = TaskId(if all { uuid::Uuid::max() } else { uuid::Uuid::nil() });
            }
            self.weight_before(group, Some(upto))
        };
        self.queue.groups.iter().map(before).sum()
    }

    /// How many tasks of a group come before a place, or how many there are.
    fn weight_before(&self, group: &super::queue::Group, upto: Option<super::queue::Key>) -> u64 {
        let weight = |key: &super::queue::Key| self.tasks[key.slot].weight();
        match upto {
            Some(upto) => group.ready.range(..upto).map(weight).sum(),
            None => group.ready.iter().map(weight).sum(),
        }
    }
}

/// `1 agent`, `3 agents`.
fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Some names, and that there are others.
fn names(ids: &[CageId]) -> String {
    let shown: Vec<_> = ids.iter().take(NAMES_SHOWN).map(CageId::to_string).collect();
    let more = if ids.len() > NAMES_SHOWN { ", ..." } else { "" };
    shown.join(", ") + more
}
