//! Declaring a fleet: the difference between what is declared and what is, and no more than that.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::user_of;
use super::cycle;
use crate::domain::approval_rule::APPROVAL_RULES_MAX;
use crate::domain::command::Change;
use crate::domain::difference::{differences, shown_differences};
use crate::domain::event::{AgentDeclared, ApprovalRuleDeclared, CageDeclared, CageMaintenance, DefaultsSet};
use crate::domain::refusal::nearest;
use crate::domain::{
    Actor, AgentId, AgentSpec, AlertRule, CageId, CageSpec, Defaults, Event, Fleet, NodeId, Refusal, RefusalKind,
    Reply, Timestamp,
};
use crate::engine::core::{Core, Decisions, draw};
use serde_json::Value;

/// What would have to happen, with how it reads.
#[derive(Default)]
pub(super) struct Difference {
    pub(super) events: Vec<Event>,
    pub(super) changes: Vec<Change>,
    pub(super) unchanged: usize,
}

impl Core {
    pub(super) fn apply_fleet(
        &mut self,
        now: Timestamp,
        actor: Actor,
        fleet: &Fleet,
        dry_run: bool,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let owner = user_of(actor)?;
        let cages = fleet.cages()?;
        fleet.check_agents()?;
        fleet.check_users()?;
        fleet.check_resources()?;
        let rules = self.compare_rules(fleet)?;
        let mut difference = Difference::default();
        if let Some(defaults) = &fleet.defaults {
            self.compare_defaults(defaults, &mut difference)?;
        }
        let users = self.compare_users(&fleet.user, now, &mut difference);
        self.compare_resources(&fleet.resource, now, &mut difference)?;
        let maintenance = fleet.maintenance()?;
        for spec in &cages {
            self.compare_cage(spec, maintenance.get(&spec.id).copied(), &mut difference)?;
        }
        self.check_homes(fleet, &cages)?;
        self.check_hierarchy(fleet)?;
        self.compare_approval_rules(fleet, &mut difference)?;
        let mut declared = vec![];
        for (known, rule) in rules {
            if known.as_ref() == Some(&rule) {
                difference.unchanged += 1;
                continue;
            }
            difference.changes.push(change("alert rule", &rule.name, known.as_ref(), &rule));
            declared.push(rule);
        }
        let mut moved = vec![];
        for spec in &fleet.agent {
            let known = self.agent_names.get(&spec.name).copied();
            let named = spec.owner.as_deref().map(|text| self.user_named(text, &users)).transpose();
            let named = named.map_err(|refusal| refusal.within(format!("agent {}", spec.name)))?;
            let spec = AgentSpec { owner: None, ..spec.clone() };
            let before = known.map(|slot| &self.agents[slot]);
            let (agent_id, owner) = if let Some(agent) = before {
                (agent.id, named.unwrap_or(agent.owner))
            } else {
                // The place in the difference makes the draw unique; every event of it gets a record of its own.
                let seq = self.seq + 1 + difference.events.len() as u64;
                (AgentId::new(now, draw::id_bits(self.seed, seq, 0)), named.unwrap_or(owner))
            };
            if before.is_some_and(|agent| agent.spec == spec && agent.owner == owner) {
                difference.unchanged += 1;
                continue;
            }
            let mut shown = change("agent", &spec.name, before.map(|agent| &agent.spec), &spec);
            if let Some(old) = before.map(|agent| agent.owner).filter(|old| *old != owner) {
                let called = |id| self.user_shown(id, &users);
                shown.add(format!("owner: {} -> {}", called(old), called(owner)));
            }
            difference.changes.push(shown);
            if let Some(slot) = known
                && spec.cage.is_some()
                && self.agents[slot].cage.is_some_and(|at| Some(at) != spec.cage)
            {
                moved.push(slot);
            }
            difference.events.push(AgentDeclared { agent_id, spec, owner }.into());
        }
        let warnings = self.beyond_nodes(&cages);
        let Difference { events, changes, unchanged } = difference;
        if !dry_run {
            for event in events {
                self.emit(now, actor, event, out);
            }
            for rule in declared {
                self.declare_rule(now, actor, rule, out);
            }
            for slot in moved {
                self.preempt_agent(slot, "its agent was given another cage", now, actor, out);
            }
            self.tell_cages(out);
        }
        Ok(Reply::Applied { changes, unchanged, warnings })
    }

    fn compare_defaults(&self, defaults: &Defaults, difference: &mut Difference) -> Result<(), Refusal> {
        let mut defaults = defaults.clone();
        defaults.check()?;
        if defaults == self.defaults {
            difference.unchanged += 1;
        } else {
            let mut shown = change("defaults", "", Some(&self.defaults), &defaults);
            "defaults".clone_into(&mut shown.what);
            difference.changes.push(shown);
            difference.events.push(DefaultsSet { defaults }.into());
        }
        Ok(())
    }

    fn compare_approval_rules(&self, fleet: &Fleet, difference: &mut Difference) -> Result<(), Refusal> {
        fleet.check_approval_rules()?;
        for rule in &fleet.approval_rule {
            self.check_approval_rule(rule, &fleet.agent)?;
            let known = self.approval_rules.get(&rule.name);
            if known == Some(rule) {
                difference.unchanged += 1;
                continue;
            }
            difference.changes.push(change("approval rule", &rule.name, known, rule));
            difference.events.push(ApprovalRuleDeclared { rule: rule.clone() }.into());
        }
        let new = fleet.approval_rule.iter().filter(|rule| !self.approval_rules.contains_key(&rule.name)).count();
        let count = self.approval_rules.len() + new;
        if count > APPROVAL_RULES_MAX {
            return Err(Refusal::invalid("approval rules", count, format!("at most {APPROVAL_RULES_MAX}")));
        }
        Ok(())
    }

    /// Each declared rule as it is in force and as it is to be.
    fn compare_rules(&self, fleet: &Fleet) -> Result<Vec<(Option<AlertRule>, AlertRule)>, Refusal> {
        fleet.check_alert_rules()?;
        let mut rules = vec![];
        for patch in &fleet.alert_rule {
            let known = self.rules.get(&patch.name);
            rules.push((known.cloned(), patch.over(known)?));
        }
        self.check_rule_count(rules.iter().filter(|(known, _)| known.is_none()).count())?;
        Ok(rules)
    }

    /// What has to happen for a cage to be as declared; `withheld` is what is said of that, if anything.
    fn compare_cage(
        &self,
        spec: &CageSpec,
        withheld: Option<bool>,
        difference: &mut Difference,
    ) -> Result<(), Refusal> {
        let known = self.cage(spec.id);
        let withheld = withheld.filter(|on| known.is_some_and(|cage| cage.maintenance) != *on);
        let node_id = self.node_for(spec)?;
        if let Some(cage) = known {
            let here = self.nodes[cage.node as usize].node.id;
            // A declaration that names no node is content with where the cage is.
            let node_id = if spec.node.is_none() { here } else { node_id };
            if node_id != here && !cage.executions.is_empty() {
                let shown = format!("cage {} is in use", spec.id);
                return Err(Refusal::conflict("node", shown, "a cage with nothing running").hint("vacate it first"));
            }
            let same = node_id == here && comparable(&cage.spec) == comparable(spec);
            if same && withheld.is_none() {
                difference.unchanged += 1;
                return Ok(());
            }
            let (old, new) = (comparable(&cage.spec), comparable(spec));
            let mut shown = change("cage", &spec.id.to_string(), Some(&old), &new);
            if node_id != here {
                shown.add(format!("node: {here} -> {node_id}"));
            }
            if let Some(on) = withheld {
                shown.add(format!("maintenance: {} -> {on}", !on));
            }
            difference.changes.push(shown);
            if !same {
                difference.events.push(CageDeclared { spec: spec.clone(), node_id }.into());
            }
        } else {
            difference.changes.push(change("cage", &spec.id.to_string(), None, &comparable(spec)));
            difference.events.push(CageDeclared { spec: spec.clone(), node_id }.into());
        }
        if let Some(on) = withheld {
            difference.events.push(CageMaintenance { cage_id: spec.id, on }.into());
        }
        Ok(())
    }

    /// The node that a cage is declared on: the one that it names, or the first.
    fn node_for(&self, spec: &CageSpec) -> Result<NodeId, Refusal> {
        self.node_called(spec.node.as_deref()).map_err(|refusal| refusal.within(format!("cage {}", spec.id)))
    }

    /// The node of a name; the first when nothing is said.
    pub(super) fn node_called(&self, name: Option<&str>) -> Result<NodeId, Refusal> {
        let Some(first) = self.nodes.first() else {
            return Err(Refusal::new(RefusalKind::Unavailable, "node", "no node has joined yet")
                .hint("wait until the worker has connected and apply again"));
        };
        let Some(name) = name else { return Ok(first.node.id) };
        let found = self.nodes.iter().map(|state| &state.node).find(|node| node.name == name);
        found.map(|node| node.id).ok_or_else(|| {
            let names: Vec<_> = self.nodes.iter().map(|state| state.node.name.as_str()).collect();
            let refusal = Refusal::not_found("node", name).allowed(names.join(", "));
            refusal.hint_nearest(name, names.iter().copied(), "")
        })
    }

    /// Every home exists, and no two agents share one, counting those that the fleet does not mention.
    fn check_homes(&self, fleet: &Fleet, cages: &[CageSpec]) -> Result<(), Refusal> {
        let declared: BTreeSet<_> = cages.iter().map(|spec| spec.id).collect();
        let mentioned: BTreeSet<_> = fleet.agent.iter().map(|spec| spec.name.as_str()).collect();
        let others = self.agents.iter().map(|(_, agent)| &agent.spec);
        let others = others.filter(|spec| !mentioned.contains(spec.name.as_str()));
        let mut homes: BTreeMap<CageId, &str> = BTreeMap::new();
        for spec in others.chain(&fleet.agent) {
            let Some(cage) = spec.cage else { continue };
            if !declared.contains(&cage) && self.cage(cage).is_none() {
                return Err(self.unknown_cage(cage).within(format!("agent {}", spec.name)));
            }
            if let Some(other) = homes.insert(cage, &spec.name) {
                return Err(Refusal::conflict(
                    "cage",
                    format!("{cage} is the home of {other}"),
                    "a cage for each agent",
                )
                .within(format!("agent {}", spec.name)));
            }
        }
        Ok(())
    }

    /// Every superior exists, and nobody reports to themselves however far up.
    fn check_hierarchy(&self, fleet: &Fleet) -> Result<(), Refusal> {
        let mut superiors: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let present = self.agents.iter().map(|(_, agent)| &agent.spec);
        for spec in present.chain(&fleet.agent) {
            superiors.insert(&spec.name, spec.reports_to.as_deref());
        }
        let names: Vec<&str> = superiors.keys().copied().collect();
        let place_of = |name: &str| names.binary_search(&name).ok();
        for spec in &fleet.agent {
            if let Some(name) = spec.reports_to.as_deref().filter(|name| place_of(name).is_none()) {
                let refusal = Refusal::not_found("reports_to", name).within(format!("agent {}", spec.name));
                return Err(match nearest(name, names.iter().copied()) {
                    Some(near) => refusal.hint(format!("did you mean \"{near}\"?")),
                    None => refusal.allowed("the name of an agent"),
                });
            }
        }
        let next: Vec<Option<usize>> = superiors.values().map(|name| name.and_then(place_of)).collect();
        let led = cycle::led_to(&next);
        for spec in &fleet.agent {
            if let Some(first) = place_of(&spec.name).and_then(|place| led[place]) {
                let shown = cycle::shown(&next, first, |place| names[place]);
                let refusal = Refusal::invalid("reports_to", shown, "a hierarchy without a cycle");
                return Err(refusal.within(format!("agent {}", spec.name)));
            }
        }
        Ok(())
    }
}

/// A cage's declaration without its node's name, which is compared as the node that it means, and with one spelling of
/// "no network".
fn comparable(spec: &CageSpec) -> CageSpec {
    let mut spec = CageSpec { node: None, ..spec.clone() };
    if spec.network.is_none() {
        spec.network = crate::domain::NetworkPolicy::Unsaid;
    }
    spec
}

/// How a change reads.
pub(super) fn change<T: serde::Serialize>(noun: &str, name: &str, old: Option<&T>, new: &T) -> Change {
    let json = |value: &T| serde_json::to_value(value).unwrap_or(Value::Null);
    let (fields, shown) = match old.map(|old| (json(old), json(new))) {
        Some((old, new)) => (differences(&old, &new), shown_differences(&old, &new)),
        None => (vec![], vec![]),
    };
    let shown = if shown == fields { vec![] } else { shown };
    let action = if old.is_some() { "change" } else { "add" };
    Change { what: format!("{noun} {name}"), action: action.to_owned(), fields, shown }
}
