//! Declaring what is to be known of nodes' resources, and whether some are withheld.

use super::apply_fleet::{Difference, change};
use crate::domain::event::NodeSeen;
use crate::domain::resource::ResourceSpec;
use crate::domain::{Node, NodeStatus, Refusal, Resource, ResourceStatus, Timestamp};
use crate::engine::core::Core;

impl Core {
    /// What has to happen for resources to be as declared. A node is recorded anew with what it has, as when its worker
    /// finds a change.
    pub(super) fn compare_resources(
        &self,
        specs: &[ResourceSpec],
        now: Timestamp,
        difference: &mut Difference,
    ) -> Result<(), Refusal> {
        let mut nodes: Vec<(Node, Vec<Resource>, bool)> =
            self.nodes.iter().map(|state| (state.node.clone(), state.resources.clone(), false)).collect();
        for spec in specs {
            let place = format!("resource {}", spec.name);
            let id = self.node_called(spec.node.as_deref()).map_err(|refusal| refusal.within(&place))?;
            let Some((node, resources, changed)) = nodes.iter_mut().find(|(node, ..)| node.id == id) else { continue };
            let Some(resource) = resources.iter_mut().find(|resource| resource.name == spec.name) else {
                return Err(Refusal::not_found("resource", &spec.name).allowed("resources that the node has"));
            };
            let named = ResourceSpec { node: None, ..spec.clone() };
            let before = ResourceSpec {
                name: resource.name.clone(),
                node: None,
                maintenance: resource.status == ResourceStatus::Maintenance,
                metadata: serde_json::from_value(resource.metadata.clone().into()).unwrap_or_default(),
            };
            if before == named {
                difference.unchanged += 1;
                continue;
            }
            let name = format!("{} of node {}", spec.name, node.name);
            difference.changes.push(change("resource", &name, Some(&before), &named));
            resource.status = if spec.maintenance { ResourceStatus::Maintenance } else { ResourceStatus::Available };
            resource.metadata = spec.metadata();
            // Of a lost node it says since when it is lost.
            if node.status == NodeStatus::Online {
                node.updated_at = now;
            }
            *changed = true;
        }
        for (node, resources, _) in nodes.into_iter().filter(|(.., changed)| *changed) {
            difference.events.push(NodeSeen { node, resources }.into());
        }
        Ok(())
    }
}
