//! Users, defaults, nodes with their resources, and cages.

use rusqlite::params;

use super::{Change, json, json_unless_default};
use crate::domain::cage::{CageSpec, NetworkPolicy};
use crate::domain::event::{
    CageDeclared, CageEnforced, CageFaulted, CageMaintenance, CageReleased, CageRemoved, DefaultsSet, NodeLost,
    NodeSeen, UserAdded,
};
use crate::domain::node::NodeStatus;
use crate::store::error::Error;
use crate::store::journal::integer;

pub(super) fn user_added(change: &Change<'_, '_>, event: &UserAdded) -> Result<(), Error> {
    let user = &event.user;
    change.run(
        "INSERT OR REPLACE INTO user (seq, id, email, name, avatar_url, roles, uid, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            change.seq,
            user.id.0.as_bytes(),
            user.email,
            user.name,
            user.avatar_url,
            json_unless_default("roles", &user.roles)?,
            user.uid,
            user.created_at.as_micros(),
        ],
    )
}

pub(super) fn defaults_set(change: &Change<'_, '_>, event: &DefaultsSet) -> Result<(), Error> {
    change.run("INSERT OR REPLACE INTO defaults (one, body) VALUES (1, ?)", params![json("defaults", &event.defaults)?])
}

pub(super) fn node_seen(change: &Change<'_, '_>, event: &NodeSeen) -> Result<(), Error> {
    let node = &event.node;
    change.run(
        "INSERT OR REPLACE INTO node (id, name, status, capacity, metadata, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            node.id.0.as_bytes(),
            node.name,
            node.status.as_str(),
            json("capacity", &node.capacity)?,
            json_unless_default("metadata", &node.metadata)?,
            node.created_at.as_micros(),
            node.updated_at.as_micros(),
        ],
    )?;
    // The event says everything that the node has: what it no longer mentions is gone.
    change.run("DELETE FROM resource WHERE node_id = ?", params![node.id.0.as_bytes()])?;
    for (place, resource) in (0i64..).zip(&event.resources) {
        change.run(
            "INSERT OR REPLACE INTO resource (id, node_id, place, name, type, total, unit, status, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                resource.id.0.as_bytes(),
                resource.node_id.0.as_bytes(),
                place,
                resource.name,
                resource.kind.as_str(),
                integer(resource.capacity.total),
                resource.capacity.unit,
                resource.status.as_str(),
                json_unless_default("metadata", &resource.metadata)?,
            ],
        )?;
    }
    Ok(())
}

pub(super) fn node_lost(change: &Change<'_, '_>, event: &NodeLost) -> Result<(), Error> {
    change.run(
        "UPDATE node SET status = ?, updated_at = ? WHERE id = ?",
        params![NodeStatus::Lost.as_str(), change.now(), event.node_id.0.as_bytes()],
    )
}

pub(super) fn cage_declared(change: &Change<'_, '_>, event: &CageDeclared) -> Result<(), Error> {
    let CageSpec { id, limits, network, read, write, node: _ } = &event.spec;
    // "Nothing said" and "none" are the same policy and must be the same text, live and read back from the journal.
    let network = match network {
        NetworkPolicy::Unsaid => "\"none\"".to_owned(),
        said => json("network", said)?,
    };
    change.run(
        "INSERT INTO cage (id, node_id, limits, network, read, write, maintenance, enforcement, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, NULL, ?7, ?7)
         ON CONFLICT (id) DO UPDATE SET node_id = excluded.node_id, limits = excluded.limits, network = excluded.network,
             read = excluded.read, write = excluded.write, fault = NULL, updated_at = excluded.updated_at",
        params![
            id.number(),
            event.node_id.0.as_bytes(),
            json("limits", limits)?,
            network,
            json_unless_default("read", read)?,
            json_unless_default("write", write)?,
            change.now(),
        ],
    )
}

pub(super) fn cage_removed(change: &Change<'_, '_>, event: &CageRemoved) -> Result<(), Error> {
    change.run("DELETE FROM cage WHERE id = ?", params![event.cage_id.number()])
}

pub(super) fn cage_maintenance(change: &Change<'_, '_>, event: &CageMaintenance) -> Result<(), Error> {
    change.run(
        "UPDATE cage SET maintenance = ?1, fault = CASE WHEN ?1 THEN fault END, updated_at = ?2 WHERE id = ?3",
        params![event.on, change.now(), event.cage_id.number()],
    )
}

pub(super) fn cage_enforced(change: &Change<'_, '_>, event: &CageEnforced) -> Result<(), Error> {
    change.run(
        "UPDATE cage SET enforcement = ?, fault = NULL, updated_at = ? WHERE id = ?",
        params![json_unless_default("enforcement", &event.enforcement)?, change.now(), event.cage_id.number()],
    )
}

pub(super) fn cage_faulted(change: &Change<'_, '_>, event: &CageFaulted) -> Result<(), Error> {
    change.run(
        "UPDATE cage SET fault = ?, updated_at = ? WHERE id = ?",
        params![json("fault", &event.fault)?, change.now(), event.cage_id.number()],
    )
}

pub(super) fn cage_released(change: &Change<'_, '_>, event: &CageReleased) -> Result<(), Error> {
    change.run(
        "UPDATE cage SET fault = json_remove(fault, '$.until'), updated_at = ? WHERE id = ?",
        params![change.now(), event.cage_id.number()],
    )
}
