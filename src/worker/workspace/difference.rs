//! What an execution has changed in its copy of a repository. Git looks at that in the cage, as the agent's own user: what the
//! agent has made of the copy, its configuration included, is nothing that anybody else's git should read.

use crate::domain::workspace::{Difference, Workspace};

/// What the difference is called in the artifact folder, and as an artifact.
pub(in super::super) const FILE: &str = "changes.diff";

/// Where its statistics are left for the worker.
pub(in super::super) const STATISTICS: &str = ".changes.stat";

/// Compares everything that is there with the commit that it began with: changed files, new ones that are not ignored, and
/// what was committed meanwhile. An index of its own keeps it apart from what the agent has staged. Prefixes and formats are
/// said, because a configuration of the agent's might say otherwise.
const SCRIPT: &str = r#"set -eu
unset GIT_EXTERNAL_DIFF GIT_DIFF_OPTS GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS GIT_OBJECT_DIRECTORY GIT_NAMESPACE
out="$MENAGERIE_ARTIFACTS/changes.diff"
statistics="$MENAGERIE_ARTIFACTS/.changes.stat"
rm -rf "$out" "$statistics"
export GIT_DIR="$MENAGERIE_WORKSPACE/.git" GIT_WORK_TREE="$MENAGERIE_WORKSPACE"
export GIT_INDEX_FILE="$GIT_DIR/menagerie.index"
rm -rf "$GIT_INDEX_FILE" "$GIT_INDEX_FILE.lock"
cd "$MENAGERIE_WORKSPACE"
git read-tree "$1"
git -c core.fsmonitor=false add --all
git diff-index --cached --shortstat "$1" >"$statistics"
git diff-index --cached --patch --binary --full-index --no-ext-diff --no-textconv --no-renames --no-color \
    --src-prefix=a/ --dst-prefix=b/ "$1" >"$out"
rm -f "$GIT_INDEX_FILE"
"#;

/// The command that takes the difference from a commit.
pub(in super::super) fn command(base: &str) -> Vec<String> {
    ["/bin/sh", "-c", SCRIPT, "difference", base].map(str::to_owned).to_vec()
}

/// What is known of the difference, by the statistics that git left; `None` when nothing has changed.
pub(in super::super) fn describe(workspace: &Workspace, statistics: &str) -> Option<Difference> {
    let figure = |what: &str| {
        let part = statistics.split(',').find(|part| part.contains(what))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some(Difference {
        repository: workspace.repository.clone(),
        base: workspace.base.clone(),
        files: figure("file")?,
        insertions: figure("insertion").unwrap_or(0),
        deletions: figure("deletion").unwrap_or(0),
        merge: workspace.merge.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read_as_git_writes_them() {
        let workspace = Workspace { repository: "/srv".into(), base: "abc".into(), merge: None };
        let figures = |text: &str| describe(&workspace, text).map(|one| (one.files, one.insertions, one.deletions));
        assert_eq!(figures(" 3 files changed, 10 insertions(+), 2 deletions(-)\n"), Some((3, 10, 2)));
        assert_eq!(figures(" 1 file changed, 1 deletion(-)\n"), Some((1, 0, 1)));
        assert_eq!(figures(" 1 file changed, 0 insertions(+), 0 deletions(-)\n"), Some((1, 0, 0)));
        assert_eq!(figures(""), None);
        assert_eq!(figures("nonsense"), None);
    }
}
