//! Users: who did what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::UserId;
use super::refusal::Refusal;
use super::requirements::check_name;
use super::time::Timestamp;

/// A person or account that acts. One is recorded when it first changes something, or when it is declared.
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

/// What an operator declares about a user; a `[[user]]` of a fleet file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    /// Unique address; for an account of this machine `NAME@HOST`. It says which user is meant.
    pub email: String,
    /// Name shown to people, 1-100 characters.
    pub name: String,
    /// Address of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// What the user is, such as `owner` or `reviewer`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// The longest address of a user, as mail allows it.
const EMAIL_CHARS_MAX: usize = 254;
/// The longest address of a picture.
const URL_CHARS_MAX: usize = 2000;

impl UserSpec {
    /// Checks addresses, name and roles.
    pub fn check(&self) -> Result<(), Refusal> {
        let parts = self.email.split_once('@').filter(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@') && self.email.len() <= EMAIL_CHARS_MAX
        });
        if parts.is_none() || self.email.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Refusal::invalid("user.email", &self.email, "NAME@HOST, at most 254 characters, no blanks"));
        }
        let place = format!("user {}", self.email);
        check_name("name", &self.name, 100).map_err(|refusal| refusal.within(&place))?;
        for role in &self.roles {
            check_name("roles", role, 100).map_err(|refusal| refusal.within(&place))?;
        }
        if let Some(url) = &self.avatar_url {
            let known = url.starts_with("https://") || url.starts_with("http://");
            if !known || url.len() > URL_CHARS_MAX || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
                let allowed = "an address that begins with https:// or http://, at most 2000 characters";
                return Err(Refusal::invalid("avatar_url", url, allowed).within(place));
            }
        }
        Ok(())
    }
}
