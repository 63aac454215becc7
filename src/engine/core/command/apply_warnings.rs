//! What is taken as declared and will not do what its author may expect.

use std::collections::BTreeMap;

use crate::domain::requirements::Quantities;
use crate::domain::{CageId, CageSpec};
use crate::engine::core::Core;

impl Core {
    /// A sentence for each limit of cages that is more than their node has: a task can never get that much. Cages alike
    /// are spoken of together.
    pub(super) fn beyond_nodes(&self, cages: &[CageSpec]) -> Vec<String> {
        let mut beyond: BTreeMap<(usize, usize, u64), Vec<CageId>> = BTreeMap::new();
        for spec in cages {
            let named =
                spec.node.as_ref().and_then(|name| self.nodes.iter().position(|state| state.node.name == *name));
            let node = named.or_else(|| self.cage(spec.id).map(|cage| cage.node as usize)).unwrap_or(0);
            let Some(state) = self.nodes.get(node) else { continue };
            let (room, capacity) = (spec.limits.room(), state.node.capacity.quantities());
            for place in (0..5).filter(|place| room.0[*place] != u64::MAX && room.0[*place] > capacity.0[*place]) {
                beyond.entry((place, node, room.0[place])).or_default().push(spec.id);
            }
        }
        let sentence = |((place, node, limit), ids): ((usize, usize, u64), Vec<CageId>)| {
            let which = match ids[..] {
                [one] => format!("cage {one}"),
                [first, ..] => format!("cage {first} and {} more", ids.len() - 1),
                [] => String::new(),
            };
            let state = &self.nodes[node];
            let field = Quantities::LIMITS[place];
            let (limit, have) =
                (Quantities::show(place, limit), Quantities::show(place, state.node.capacity.quantities().0[place]));
            format!("{which}: limits.{field} {limit} is more than node {} has: {have}", state.node.name)
        };
        beyond.into_iter().map(sentence).collect()
    }
}
