//! Declaring users, and finding the owners that agents name.

use super::apply_fleet::{Difference, change};
use crate::domain::event::UserAdded;
use crate::domain::refusal::nearest;
use crate::domain::user::UserSpec;
use crate::domain::{Refusal, RefusalKind, Timestamp, User, UserId};
use crate::engine::core::{Core, draw};

impl Core {
    /// What has to happen for users to be as declared. Gives them as they will be.
    pub(super) fn compare_users(&self, specs: &[UserSpec], now: Timestamp, difference: &mut Difference) -> Vec<User> {
        let mut declared = vec![];
        for spec in specs {
            let known = self.users.values().find(|user| user.email == spec.email);
            let before = known.map(spec_of);
            let user = User {
                // The place in the difference makes the draw unique; every event of it gets a record of its own.
                id: known.map_or_else(
                    || UserId::new(now, draw::id_bits(self.seed, self.seq + 1 + difference.events.len() as u64, 0)),
                    |user| user.id,
                ),
                email: spec.email.clone(),
                name: spec.name.clone(),
                avatar_url: spec.avatar_url.clone(),
                roles: spec.roles.clone(),
                uid: known.and_then(|user| user.uid),
                created_at: known.map_or(now, |user| user.created_at),
            };
            if before.as_ref() == Some(spec) {
                difference.unchanged += 1;
            } else {
                difference.changes.push(change("user", &spec.email, before.as_ref(), spec));
                difference.events.push(UserAdded { user: user.clone() }.into());
            }
            declared.push(user);
        }
        declared
    }

    /// The user that an agent's declaration names by id, address or name; `declared` are those that come with it.
    pub(super) fn user_named(&self, text: &str, declared: &[User]) -> Result<UserId, Refusal> {
        let others = self.users.values().filter(|user| declared.iter().all(|other| other.id != user.id));
        let all: Vec<&User> = declared.iter().chain(others).collect();
        let exact = all.iter().find(|user| user.email == text || text.parse() == Ok(user.id));
        if let Some(user) = exact {
            return Ok(user.id);
        }
        let named: Vec<_> = all.iter().filter(|user| user.name == text).collect();
        match named[..] {
            [user] => Ok(user.id),
            [] => {
                let refusal = Refusal::not_found("owner", text);
                let spellings = all.iter().flat_map(|user| [user.name.as_str(), user.email.as_str()]);
                Err(match nearest(text, spellings) {
                    Some(near) => refusal.hint(format!("did you mean \"{near}\"?")),
                    None => refusal.allowed("a user's name, address or id").hint("declare one as [[user]]"),
                })
            }
            _ => {
                let emails: Vec<_> = named.iter().map(|user| user.email.as_str()).collect();
                Err(Refusal::new(RefusalKind::Ambiguous, "owner", text).allowed(emails.join(", ")))
            }
        }
    }

    /// How a user is called in a difference.
    pub(super) fn user_shown(&self, id: UserId, declared: &[User]) -> String {
        let known = declared.iter().chain(self.users.values()).find(|user| user.id == id);
        known.map_or_else(|| id.to_string(), |user| user.email.clone())
    }
}

/// What was declared about a user, as far as the record tells.
fn spec_of(user: &User) -> UserSpec {
    UserSpec {
        email: user.email.clone(),
        name: user.name.clone(),
        avatar_url: user.avatar_url.clone(),
        roles: user.roles.clone(),
    }
}
