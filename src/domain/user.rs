//! Users: who did what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::UserId;
use super::time::Timestamp;

/// A person or account that acts. One is recorded when it first changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Identifier.
    pub id: UserId,
    /// Unique address; for a local account `NAME@HOST`.
    pub email: String,
    /// Name shown to people.
    pub name: String,
    /// Picture, if known.
    #[serde(default)]
    pub avatar_url: Option<String>,
    /// Roles; a local owner of the data directory is `owner`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The operating system's number for a local account.
    #[serde(default)]
    pub uid: Option<u32>,
    /// When it was first seen.
    pub created_at: Timestamp,
}
