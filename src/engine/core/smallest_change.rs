//! The smallest change that would let a task start, as words and as a command; and what each cage has against it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Core;
use super::explain::Explanation;
use super::shape::{Shape, Wish};
use super::slab::NONE;
use super::state::CageState;
use crate::domain::command::WireCommand;
use crate::domain::fleet::CageEntry;
use crate::domain::quantity::TokenLimit;
use crate::domain::requirements::Quantities;
use crate::domain::{ArtifactId, Bytes, CageId, Command, Cpu, Fleet, ReviewState, TaskId};

/// A change that would let a task start.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SmallestChange {
    /// For people: `raise memory of cage 004 by 72MiB`.
    pub text: String,
    /// The command that does it, where there is one.
    #[schemars(with = "Option<WireCommand>")]
    pub command: Option<Command>,
}

/// What one cage says to a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CageVerdict {
    /// The cage.
    pub cage: CageId,
    /// Whether the task could start there now, as far as the cage, its agent and its node go.
    pub admits: bool,
    /// In one sentence: `memory limit 128MiB < 200MiB asked`.
    pub text: String,
}

/// So many cages are spoken of one by one, those that come nearest first.
const CAGES_MAX: usize = 100;
/// So many artifacts are named in a command.
const ARTIFACTS_MAX: usize = 100;
/// So many artifacts that were rejected are named.
const REJECTED_SHOWN: usize = 3;
/// What stands between what is approved and what is left to a decision of its own.
const APART: &str = "; ";

impl Explanation {
    /// Names a change, unless one was named before: in words, as it is typed, and as a command.
    pub(super) fn suggest(&mut self, text: String, typed: Option<String>, command: Option<Command>) {
        if self.smallest_change.is_none() {
            self.change = Some(typed.unwrap_or_else(|| text.clone()));
            self.smallest_change = Some(SmallestChange { text, command });
        }
    }

    /// Names a further change without which the one named before would not let the task start; the only one, if none was.
    pub(super) fn suggest_also(&mut self, text: String, typed: String, command: Command) {
        let Some(change) = &mut self.smallest_change else {
            self.suggest(text, Some(typed), Some(command));
            return;
        };
        if change.text.ends_with(&text) {
            return;
        }
        let before = self.change.take().unwrap_or_default();
        // One command cannot do both; typed they are two, unless the first is for a person to do.
        let joined = if change.command.take().is_some() { " && " } else { ", and " };
        self.change = Some(format!("{before}{joined}{typed}"));
        change.text = format!("{} and {text}", change.text);
    }

    /// Suggests to give a cage back that is withheld, with whatever was suggested before.
    pub(super) fn suggest_give_back(&mut self, cage: CageId) {
        let typed = format!("menagerie cage maintenance {cage} --off");
        let command = Command::SetCageMaintenance { ids: vec![cage], on: false };
        self.suggest_also(format!("give cage {cage} back"), typed, command);
    }

    /// Has the artifacts of a suggested approval that are of high risk judged each by itself, as they must be.
    pub fn set_apart(&mut self, risky: &[ArtifactId]) {
        let approved = self.suggested_artifacts().to_vec();
        if approved.len() < 2 || risky.is_empty() {
            return;
        }
        let (alone, together): (Vec<_>, Vec<_>) = approved.into_iter().partition(|id| risky.contains(id));
        let line = |ids: &[ArtifactId]| {
            ids.iter().fold("menagerie artifact approve".to_owned(), |line, id| format!("{line} {id}"))
        };
        let first = (!together.is_empty()).then(|| line(&together));
        let lines: Vec<String> = first.into_iter().chain(alone.iter().map(|id| line(&[*id]))).collect();
        self.change = Some(lines.join(" && "));
        if let Some(change) = &mut self.smallest_change {
            let each = if alone.len() == 1 { "1 of them by itself" } else { "those of high risk each by itself" };
            // It is about what is approved, so it stands before what was rejected.
            let end = change.text.find(APART).unwrap_or(change.text.len());
            change.text.insert_str(end, &format!(", {each}"));
            change.command = None;
        }
    }

    /// The artifacts that the smallest change would approve.
    pub fn suggested_artifacts(&self) -> &[ArtifactId] {
        match self.smallest_change.as_ref().and_then(|change| change.command.as_ref()) {
            Some(Command::ReviewArtifacts { ids, approve: true, .. }) => ids,
            _ => &[],
        }
    }

    /// Suggests to approve what a task waits for: with less it would wait still. `makers` are the tasks that made it. What
    /// somebody has `rejected` is named and left to a decision of its own: no command for many may take back a judgement.
    pub(super) fn suggest_approval(&mut self, makers: &[TaskId], pending: Vec<ArtifactId>, rejected: &[ArtifactId]) {
        let named: Vec<_> = rejected.iter().take(REJECTED_SHOWN).map(ToString::to_string).collect();
        let named = named.join(", ");
        let apart = match rejected.len() {
            0 => None,
            1 => Some(format!("1 was rejected: {named}; approve it by itself")),
            some if some <= REJECTED_SHOWN => Some(format!("{some} were rejected: {named}; approve each by itself")),
            some => Some(format!("{some} were rejected: {named}, ...; approve each by itself")),
        };
        let text = match (&pending[..], makers) {
            ([], _) => return apart.into_iter().for_each(|text| self.suggest(text, None, None)),
            ([one], _) => format!("approve artifact {one}"),
            (ids, [maker]) => format!("approve the {} artifacts of task {maker} that are pending", ids.len()),
            (ids, makers) => {
                format!("approve the {} artifacts of {} tasks that are pending", ids.len(), makers.len())
            }
        };
        let text = apart.into_iter().fold(text, |text, apart| text + APART + &apart);
        if pending.len() > ARTIFACTS_MAX {
            self.suggest(text, None, None);
            return;
        }
        let typed = pending.iter().fold("menagerie artifact approve".to_owned(), |line, id| format!("{line} {id}"));
        let command = Command::ReviewArtifacts { ids: pending, approve: true, note: None, quality: None };
        self.suggest(text, Some(typed), Some(command));
    }
}

impl Core {
    /// What every cage says to a shape, those that come nearest first; and how many are left out.
    pub(super) fn cage_verdicts(&self, shape: &Shape) -> (Vec<CageVerdict>, u64) {
        let mut verdicts: Vec<_> = self.cages().map(|cage| self.cage_verdict(shape, cage)).collect();
        verdicts.sort_by_key(|(distance, verdict)| (*distance, verdict.cage));
        let left_out = verdicts.len().saturating_sub(CAGES_MAX) as u64;
        (verdicts.into_iter().take(CAGES_MAX).map(|(_, verdict)| verdict).collect(), left_out)
    }

    /// What a cage says, and how far it is from taking the task: 0 now, 1 when it is emptier, more when something has to
    /// be changed.
    fn cage_verdict(&self, shape: &Shape, cage: &CageState) -> (usize, CageVerdict) {
        let id = cage.spec.id;
        let (mut against, mut distance) = (vec![], 0);
        if shape.wish.cage.is_some_and(|wanted| wanted != id) {
            against.push("another cage is asked for".to_owned());
            distance += 10;
        }
        for lack in self.lacks(shape, cage) {
            against.push(lack.limit_sentence());
            distance += 3;
        }
        if cage.maintenance {
            against.push("it is withheld".to_owned());
            distance += 2;
        }
        if let Some(fault) = cage.fault.as_ref().filter(|fault| fault.until.is_some()) {
            against.push(format!("it cannot be set up: {}", fault.reason));
            distance += 4;
        }
        let node = &self.nodes[cage.node as usize];
        if !node.is_open() {
            against.push(format!("node {} cannot be reached now", node.node.name));
            distance += 2;
        }
        let occupant = self.agents.get(cage.occupant).map(|agent| (cage.occupant, agent));
        match occupant {
            Some((slot, agent)) if !self.is_able(shape, slot) => {
                // Whoever could and is not the one that was asked for had better not be called unable.
                let asked =
                    shape.wish.agent.filter(|asked| *asked != agent.id).and_then(|asked| self.agent_spec(asked));
                against.push(match asked {
                    Some(asked) => format!("its agent {} is not {}, which was asked for", agent.spec.name, asked.name),
                    None => format!("its agent {} cannot do this", agent.spec.name),
                });
                distance += 8;
            }
            Some((slot, agent)) if !self.takes_tasks(slot) => {
                against.push(format!("its agent {} takes no tasks now", agent.spec.name));
                distance += 2;
            }
            Some((slot, agent)) if self.slots_left(slot) == 0 => {
                against.push(format!("its agent {} has all {} slots taken", agent.spec.name, self.slots_at_once(slot)));
                distance += 1;
            }
            None if self.floater_for(shape).is_none() => {
                against.push("it is vacant and no able agent without a cage is free".to_owned());
                distance += 1;
            }
            _ => {}
        }
        let free = cage.room.minus(&cage.used);
        for place in (0..5).filter(|place| shape.need.0[*place] > free.0[*place]) {
            if shape.need.0[place] <= cage.room.0[place] {
                let shown = |value| Quantities::show(place, value);
                let (what, left, asked) = (Quantities::NAMES[place], shown(free.0[place]), shown(shape.need.0[place]));
                against.push(format!("{what} free {left} < {asked} asked"));
                distance += 1;
            }
        }
        let admits = against.is_empty();
        let text = if admits { "has room for it".to_owned() } else { against.join(", ") };
        (distance, CageVerdict { cage: id, admits, text })
    }

    /// Where no able agent may work in a cage that admits a task: to leave the choice to the scheduler, if that would help,
    /// otherwise to raise the limits of the nearest cage that has an able agent.
    pub(super) fn suggest_pair(&self, shape: &Shape, floating: bool, explanation: &mut Explanation) {
        let free = Wish { agent: None, cage: None, ..shape.wish.clone() };
        if free != shape.wish && self.feasible(&free).is_ok() {
            let id = explanation.task_id;
            let command = Command::ReassignTasks { ids: vec![id], agent: None, cage: None };
            let text = "leave the choice of agent and cage to the scheduler".to_owned();
            explanation.suggest(text, Some(format!("menagerie task reassign {id}")), Some(command));
            return;
        }
        let able = |cage: &&CageState| {
            shape.wish.cage.is_none_or(|id| id == cage.spec.id)
                && if cage.home == NONE { floating } else { self.is_able(shape, cage.home) }
        };
        if let Some(cage) = self.cages().filter(able).min_by_key(|cage| self.lacks(shape, cage).len()) {
            self.suggest_raise(shape, cage.spec.id, explanation);
        } else if shape.wish.cage.is_none()
            && let Some((_, agent)) = self.agents.iter().find(|(slot, _)| self.is_able(shape, *slot))
        {
            let text = format!("declare a cage that is nobody's home, or give agent {} a home", agent.spec.name);
            explanation.suggest(text, None, None);
        }
    }

    /// Raises what a cage has too little of; without a command where it is the node that is too small.
    pub(super) fn suggest_raise(&self, shape: &Shape, cage: CageId, explanation: &mut Explanation) {
        let Some(cage) = self.cage(cage) else { return };
        let lacks = self.lacks(shape, cage);
        let mut limits = cage.spec.limits.clone();
        let mut parts = vec![];
        for place in (0..5).filter(|place| shape.need.0[*place] > cage.room.0[*place]) {
            let (need, room) = (shape.need.0[place], cage.room.0[place]);
            parts.push(format!("{} by {}", Quantities::NAMES[place], Quantities::show(place, need - room)));
            match place {
                0 => limits.cpu = Some(Cpu::from_millis(need)),
                1 => limits.memory = Some(Bytes::new(need)),
                2 => limits.gpu = u32::try_from(need).ok(),
                3 => limits.gpu_memory = Some(Bytes::new(need)),
                _ => limits.disk = Some(Bytes::new(need)),
            }
        }
        if let Some(limit) = limits.tokens
            && shape.tokens > limit.tokens
        {
            parts.push(format!("tokens by {}", shape.tokens - limit.tokens));
            limits.tokens = Some(TokenLimit { tokens: shape.tokens, ..limit });
        }
        let list: Vec<_> = lacks.iter().map(super::command::Lack::sentence).collect();
        let typed = Some(format!("raise the limits of cage {}: {}", cage.spec.id, list.join(", ")));
        if lacks.len() > parts.len() || parts.is_empty() {
            let text = format!("ask for less, or use a larger machine: {}", list.join(", "));
            explanation.suggest(text, typed, None);
            return;
        }
        let text = format!("raise {} of cage {}", parts.join(" and "), cage.spec.id);
        let entry = CageEntry {
            id: Some(cage.spec.id),
            range: None,
            limits,
            network: cage.spec.network.clone(),
            read: cage.spec.read.clone(),
            write: cage.spec.write.clone(),
            node: cage.spec.node.clone(),
            maintenance: None,
        };
        let fleet = Fleet { cage: vec![entry], ..Fleet::default() };
        explanation.suggest(text, typed, Some(Command::Apply { fleet, dry_run: false }));
    }

    /// The artifacts of a task, or of the elements of an array, that are not approved: those that nobody has judged, and
    /// those that were rejected.
    pub(super) fn unapproved_of(&self, task: TaskId) -> (Vec<ArtifactId>, Vec<ArtifactId>) {
        let of = |artifact: &&crate::domain::snapshot::OpenArtifact| {
            artifact.task_id == task || artifact.task_id.as_array() == task
        };
        let (pending, rejected): (Vec<_>, Vec<_>) =
            self.artifacts.values().filter(of).partition(|artifact| artifact.state == ReviewState::Pending);
        let ids = |artifacts: Vec<&crate::domain::snapshot::OpenArtifact>| artifacts.iter().map(|it| it.id).collect();
        (ids(pending), ids(rejected))
    }

    /// The elements of an array by what has become of them: `3 to come, 2 executing, 40 completed`.
    pub(super) fn elements_in_words(&self, slot: u32) -> Option<String> {
        let task = &self.tasks[slot];
        let array = task.array.as_ref()?;
        let live: Vec<_> = self.elements_under_way(slot).filter_map(|id| self.task_ids.get(id)).collect();
        let running = live.iter().filter(|slot| self.tasks[**slot].execution != NONE).count();
        let materialised = array.range.len() - array.remaining;
        let under_way = u32::try_from(live.len()).unwrap_or(u32::MAX);
        let completed = materialised.saturating_sub(under_way).saturating_sub(array.failed);
        let counts = [
            (array.remaining as usize, "to come"),
            (live.len() - running, "waiting again"),
            (running, "running"),
            (completed as usize, "completed"),
            (array.failed as usize, "failed or cancelled"),
        ];
        let parts: Vec<_> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        Some(format!("of {} elements {}", array.range.len(), parts.join(", ")))
    }
}
