//! Which open alerts are about which cage.

use std::collections::BTreeMap;

use super::Core;
use super::alerts::{agent_source, node_source};
use super::slab::NONE;
use crate::domain::{Alert, AlertRule, CageId, Scope, Subject};

impl Core {
    /// The open alerts about each cage: its own, those of the agent that lives or works in it, those of its node that speak of
    /// it, and those that it or the agent shares with others. Cages without any are left out.
    pub fn alerts_of_cages(&self) -> BTreeMap<CageId, Vec<&Alert>> {
        let mut by_source: BTreeMap<String, Vec<&Alert>> = BTreeMap::new();
        let mut of_nodes: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
        for alert in self.alerts.iter() {
            match self.rules.groups.get(&alert.context.trigger).filter(|_| alert.is_shared()) {
                Some(group) => {
                    for subject in group.subjects() {
                        by_source.entry(subject.to_string()).or_default().push(alert);
                    }
                }
                None if alert.source.starts_with("node ") => of_nodes.entry(&alert.source).or_default().push(alert),
                None => by_source.entry(alert.source.clone()).or_default().push(alert),
            }
        }
        let mut found = BTreeMap::new();
        if by_source.is_empty() && of_nodes.is_empty() {
            return found;
        }
        for cage in self.cages() {
            let own = Subject::new(Scope::Cage, cage.spec.id.to_string()).to_string();
            let agent = (cage.occupant != NONE).then(|| agent_source(&self.agents[cage.occupant].spec.name));
            let node = node_source(&self.nodes[cage.node as usize].node.name);
            let mut about: Vec<&Alert> = [Some(&own), agent.as_ref()]
                .into_iter()
                .flatten()
                .filter_map(|it| by_source.get(it))
                .flatten()
                .copied()
                .collect();
            let of_node = of_nodes.get(node.as_str()).into_iter().flatten().copied();
            about.extend(of_node.filter(|alert| names(&alert.message, &own)));
            if !about.is_empty() {
                found.insert(cage.spec.id, about);
            }
        }
        found
    }

    /// The rule of a name as it is in force.
    pub fn alert_rule(&self, name: &str) -> Option<&AlertRule> {
        self.rules.get(name)
    }
}

/// Whether a message speaks of a cage, and not of one whose number only begins alike.
fn names(message: &str, cage: &str) -> bool {
    message.match_indices(cage).any(|(at, _)| {
        !message[at + cage.len()..].starts_with(|c: char| c.is_ascii_digit())
            && !message[..at].ends_with(|c: char| c.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cage_is_named_by_its_whole_number() {
        for (message, named) in [
            ("cage 100 cannot be set up", true),
            ("cage 1000 cannot be set up", false),
            ("cages: cage 1000, cage 100", true),
            ("spoiled by subcage 100", false),
            ("nothing", false),
        ] {
            assert_eq!(names(message, "cage 100"), named, "{message}");
        }
    }
}
