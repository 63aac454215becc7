//! Workspaces: a copy of a git repository for one execution, the difference that it leaves there, and what becomes of that
//! once a person has approved it.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::refusal::Refusal;

/// The longest path and the longest name, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// The git repository that an execution works on, in a copy of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// Where the repository lies on the node: an absolute path, or one that begins with `~/`.
    pub repository: String,
    /// The commit to begin with, by any name that git knows it by.
    #[serde(default = "head", skip_serializing_if = "is_head")]
    pub base: String,
    /// The branch that an approved difference is merged into; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<String>,
}

fn head() -> String {
    "HEAD".to_owned()
}

fn is_head(base: &str) -> bool {
    base == "HEAD"
}

impl Workspace {
    /// Checks what can be judged without the repository; `field` is what it was given as.
    ///
    /// # Errors
    /// A path that is not absolute, and names that git takes for no commit or branch, or for an option.
    pub fn check(&self, field: &str) -> Result<(), Refusal> {
        let fits = |text: &str| text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control);
        let part = |name: &str| format!("{field}.{name}");
        if !fits(&self.repository) || !(self.repository.starts_with('/') || self.repository.starts_with("~/")) {
            let allowed = "an absolute path, or one that begins with ~/";
            return Err(Refusal::invalid(part("repository"), format!("{:?}", self.repository), allowed));
        }
        if self.base.is_empty() || !fits(&self.base) || self.base.starts_with('-') {
            let allowed = "a branch, a tag or a commit of the repository";
            return Err(Refusal::invalid(part("base"), format!("{:?}", self.base), allowed));
        }
        if let Some(branch) = &self.merge
            && !(fits(branch) && is_branch(branch))
        {
            let allowed = "the name of a branch, such as main";
            return Err(Refusal::invalid(part("merge"), format!("{branch:?}"), allowed));
        }
        Ok(())
    }

    /// In words: `/srv/shop at main, merged into main once approved`.
    pub fn phrase(&self) -> String {
        let merged = self.merge.as_ref().map(|branch| format!(", merged into {branch} once approved"));
        format!("{} at {}{}", self.repository, self.base, merged.unwrap_or_default())
    }
}

/// Whether git takes a text as the name of a branch; see `git-check-ref-format(1)`.
fn is_branch(name: &str) -> bool {
    // Git takes the end as it is written, in small letters.
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.strip_suffix(".lock").is_none();
    !name.starts_with('-')
        && name != "HEAD"
        && !name.ends_with('.')
        && name != "@"
        && name.split('/').all(part)
        && !["..", "@{"].iter().any(|text| name.contains(text))
        && !name.contains([' ', '~', '^', ':', '?', '*', '[', '\\'])
}

/// `PATH` or `PATH@REF`: what follows the last `@` is the commit to begin with.
impl FromStr for Workspace {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let parts = text.rsplit_once('@').filter(|(path, base)| !path.is_empty() && !base.is_empty());
        let (repository, base) = parts.unwrap_or((text, "HEAD"));
        if repository.is_empty() {
            return Err(Refusal::invalid("workspace", text, "PATH or PATH@REF"));
        }
        Ok(Self { repository: repository.to_owned(), base: base.to_owned(), merge: None })
    }
}

/// What an execution has changed in its workspace: an artifact's content, as `git diff --binary` writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Where the repository lies on the node.
    pub repository: String,
    /// The commit that it is a difference from.
    pub base: String,
    /// Files changed, made and removed.
    pub files: u64,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
    /// The branch that it is merged into once it is approved. Never set where the execution failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<String>,
}

impl Difference {
    /// In words: `3 files, +10 -2`.
    pub fn phrase(&self) -> String {
        let plural = if self.files == 1 { "" } else { "s" };
        format!("{} file{plural}, +{} -{}", self.files, self.insertions, self.deletions)
    }
}

enumeration! {
    /// What came of merging an approved difference.
    pub enum MergeState ("merge state") {
        /// It is on its branch.
        Merged = "merged",
        /// It is on a branch of its own, because its branch could not take it; that is as it was.
        SetAside = "set_aside",
        /// It could not be done, and the repository is as it was.
        Failed = "failed",
    }
}

/// What came of merging an approved difference, and where it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Merge {
    /// What.
    pub state: MergeState,
    /// The branch that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit that the branch is at since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Why it is not merged, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Merge {
    /// That it could not be done.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { state: MergeState::Failed, branch: None, commit: None, reason: Some(reason.into()) }
    }

    /// In words: `merged into main as 1a2b3c4d5e6f`.
    pub fn phrase(&self) -> String {
        let branch = self.branch.as_deref().unwrap_or_default();
        let commit = self.commit.as_deref().unwrap_or_default();
        let commit = commit.get(..12).unwrap_or(commit);
        let reason = self.reason.as_deref().unwrap_or_default();
        match self.state {
            MergeState::Merged => format!("merged into {branch} as {commit}"),
            MergeState::SetAside => format!("not merged, but on branch {branch} as {commit}: {reason}"),
            MergeState::Failed => format!("not merged: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_name_a_commit() {
        let parse = |text: &str| text.parse::<Workspace>().map(|one| (one.repository, one.base));
        let pair = |path: &str, base: &str| Ok((path.to_owned(), base.to_owned()));
        assert_eq!(parse("/srv/shop"), pair("/srv/shop", "HEAD"));
        assert_eq!(parse("/srv/shop@v1.2"), pair("/srv/shop", "v1.2"));
        assert_eq!(parse("/srv/shop@topic/a"), pair("/srv/shop", "topic/a"));
        assert_eq!(parse("/srv/shop@2@v1"), pair("/srv/shop@2", "v1"));
        assert_eq!(parse("/srv/shop@"), pair("/srv/shop@", "HEAD"));
        assert!(parse("").is_err());
    }

    #[test]
    fn what_git_would_take_for_something_else_is_refused() {
        let check = |repository: &str, base: &str, merge: Option<&str>| {
            let (repository, base) = (repository.to_owned(), base.to_owned());
            let workspace = Workspace { repository, base, merge: merge.map(str::to_owned) };
            workspace.check("workspace").map_err(|refusal| refusal.field)
        };
        assert_eq!(check("/srv/shop", "HEAD~2", Some("topic/a")), Ok(()));
        assert_eq!(check("~/shop", "main", None), Ok(()));
        for repository in ["shop", "", "/a\0b", "https://example.org/shop.git"] {
            assert_eq!(check(repository, "HEAD", None), Err("workspace.repository".to_owned()), "{repository:?}");
        }
        for base in ["", "--upload-pack=x", "a\nb"] {
            assert_eq!(check("/srv", base, None), Err("workspace.base".to_owned()), "{base:?}");
        }
        for branch in ["", "-f", "a..b", "a b", "x.lock", "a//b", "/a", "a/", ".a", "@", "a@{1}", "HEAD", "a:b", "a."] {
            assert_eq!(check("/srv", "HEAD", Some(branch)), Err("workspace.merge".to_owned()), "{branch:?}");
        }
    }
}
