//! What can be said about a task on the command line, for `run` and for `task submit`.

use std::path::Path;

use clap::Args;

use crate::domain::task::NewTask;
use crate::domain::time::When;
use crate::domain::verify::ExpectedArtifacts;
use crate::domain::{Bytes, CageId, Cpu, Refusal, Span, TokenLimit, Workspace};

/// Options about a task.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Task options")]
pub struct TaskOptions {
    /// The agent that must do it, by name or id
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// The cage it must run in
    #[arg(long, value_name = "NUMBER")]
    pub cage: Option<CageId>,
    /// Cores it holds while it runs: `1.5`, `250m`
    #[arg(long, value_name = "CORES", allow_hyphen_values = true)]
    pub cpu: Option<Cpu>,
    /// Memory it holds: `256MiB`
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub memory: Option<Bytes>,
    /// GPU devices it holds
    #[arg(long, value_name = "N", value_parser = parse_gpu, allow_negative_numbers = true)]
    pub gpu: Option<u32>,
    /// GPU memory it holds
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub gpu_memory: Option<Bytes>,
    /// Disk it holds
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub storage: Option<Bytes>,
    /// Tokens it is expected to use at most: `50000`, `200k`
    #[arg(long, value_name = "N", value_parser = parse_tokens, allow_negative_numbers = true)]
    pub tokens: Option<u64>,
    /// A capability that its agent must have; may be repeated
    #[arg(long = "capability", value_name = "TYPE")]
    pub capabilities: Vec<String>,
    /// A tool that its agent must have; may be repeated
    #[arg(long = "tool", value_name = "NAME")]
    pub tools: Vec<String>,
    /// How long one attempt may take: `10m`
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    pub timeout: Option<Span>,
    /// How long one attempt is expected to take; helps the scheduler, ends nothing
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    pub estimate: Option<Span>,
    /// 1-10, 10 first [default: 5]
    #[arg(short, long, value_name = "N", value_parser = parse_priority, allow_negative_numbers = true)]
    pub priority: Option<u8>,
    /// When it should be done: `2026-01-31T17:00:00Z`, or from now: `2h`
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub deadline: Option<When>,
    /// Tasks that must complete first; may be repeated or separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub after: Vec<String>,
    /// Also wait until the artifacts of those tasks are approved
    #[arg(long, requires = "after")]
    pub approval_gate: bool,
    /// Attempts in all, 1-100 [default: 1 for run, 3 for task submit]
    #[arg(long, value_name = "N", value_parser = parse_attempts, allow_negative_numbers = true)]
    pub max_attempts: Option<u32>,
    /// A more urgent task may stop it
    #[arg(long)]
    pub preemptible: bool,
    /// A command line for the shell of its cage that has to end well before the task counts as verified; may be repeated
    #[arg(long, value_name = "CMD")]
    pub verify: Vec<String>,
    /// How many artifacts it has to leave at least, of any type or of one: `1`, `2:code`
    #[arg(long, value_name = "N[:TYPE]", value_parser = parse_expected)]
    pub expect_artifacts: Option<ExpectedArtifacts>,
    /// It has to leave a difference in its workspace
    #[arg(long)]
    pub expect_difference: bool,
    /// A git repository that it works on, in a copy of its own, and the commit to begin with: `.`, `/srv/shop@main`
    #[arg(long, value_name = "PATH[@REF]", value_parser = parse_workspace)]
    pub workspace: Option<Workspace>,
    /// The branch of that repository that its difference is merged into once somebody has approved it
    #[arg(long, value_name = "BRANCH", requires = "workspace")]
    pub merge: Option<String>,
    /// A word to find it by; may be repeated
    #[arg(long = "tag", value_name = "WORD")]
    pub tags: Vec<String>,
}

/// Reads a priority.
pub fn parse_priority(text: &str) -> Result<u8, Refusal> {
    let priority = text.parse().ok().filter(|priority| (1..=10).contains(priority));
    priority.ok_or_else(|| Refusal::invalid("priority", text, "1 to 10, 10 first"))
}

/// Reads a count of tokens; a limit for a period is none.
fn parse_tokens(text: &str) -> Result<u64, Refusal> {
    let limit: TokenLimit = text.parse()?;
    match limit.per {
        None => Ok(limit.tokens),
        Some(_) => Err(Refusal::invalid("tokens", text, "a count such as 50000 or 200k")
            .hint("A limit for a period is a cage's: limits.tokens in the fleet file")),
    }
}

fn parse_gpu(text: &str) -> Result<u32, Refusal> {
    let devices = text.parse().ok().filter(|devices| *devices <= 1024);
    devices.ok_or_else(|| Refusal::invalid("gpu", text, "0 to 1024 devices"))
}

fn parse_attempts(text: &str) -> Result<u32, Refusal> {
    let attempts = text.parse().ok().filter(|attempts| (1..=100).contains(attempts));
    attempts.ok_or_else(|| Refusal::invalid("max_attempts", text, "1 to 100"))
}

/// Reads how many artifacts are expected.
fn parse_expected(text: &str) -> Result<ExpectedArtifacts, Refusal> {
    let (count, kind) = text.split_once(':').map_or((text, None), |(count, kind)| (count, Some(kind)));
    let refused = || Refusal::invalid("expect_artifacts", text, "a number, or a number and a type: 2:code");
    let at_least = count.parse().map_err(|_| refused())?;
    Ok(ExpectedArtifacts { at_least, kind: kind.map(str::parse).transpose()? })
}

/// Reads a workspace; a path is taken from the current folder. What is there under the whole text is no `PATH@REF`.
pub fn parse_workspace(text: &str) -> Result<Workspace, Refusal> {
    let mut workspace: Workspace = text.parse()?;
    if Path::new(text).exists() {
        workspace = Workspace { repository: text.to_owned(), base: "HEAD".to_owned(), merge: None };
    }
    if !workspace.repository.starts_with("~/") {
        let refused = || Refusal::invalid("workspace", text, "the path of a git repository");
        let path = std::path::absolute(&workspace.repository).map_err(|_| refused())?;
        workspace.repository = path.into_os_string().into_string().map_err(|_| refused())?;
    }
    Ok(workspace)
}

impl TaskOptions {
    /// Puts the options into a task, in which everything that was not said keeps its default.
    pub fn put_into(self, task: &mut NewTask, max_attempts: u32) {
        task.agent = self.agent;
        task.cage = self.cage;
        task.priority = self.priority.unwrap_or(task.priority);
        task.deadline = self.deadline;
        task.depends_on = self.after;
        task.approval_gate = self.approval_gate;
        task.max_attempts = self.max_attempts.unwrap_or(max_attempts);
        task.timeout = self.timeout;
        task.estimate = self.estimate;
        task.preemptible = self.preemptible;
        let shell = |line: String| vec!["/bin/sh".to_owned(), "-c".to_owned(), line];
        task.verify.commands = self.verify.into_iter().map(shell).collect();
        task.verify.expect_artifacts = self.expect_artifacts;
        task.verify.expect_difference = self.expect_difference;
        let merge = self.merge;
        task.workspace = self.workspace.map(|workspace| Workspace { merge, ..workspace });
        task.metadata.tags = self.tags;
        let requirements = &mut task.requirements;
        requirements.cpu = self.cpu.unwrap_or_default();
        requirements.memory = self.memory.unwrap_or_default();
        requirements.gpu = self.gpu.unwrap_or_default();
        requirements.gpu_memory = self.gpu_memory.unwrap_or_default();
        requirements.storage = self.storage.unwrap_or_default();
        requirements.tokens = self.tokens.unwrap_or_default();
        requirements.capabilities = self.capabilities;
        requirements.tools = self.tools;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_as_in_the_fleet_file() {
        assert_eq!(parse_tokens("900k").unwrap(), 900_000);
        assert_eq!(parse_tokens("5000").unwrap(), 5000);
        for text in ["-1", "200k/h", "many"] {
            let refusal = parse_tokens(text).unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("tokens: \"{text}\" is not allowed; allowed: a count")), "{refusal}");
        }
    }

    #[test]
    fn counts_out_of_range_are_named() {
        for text in ["-1", "1025", "x"] {
            assert!(parse_gpu(text).unwrap_err().to_string().starts_with(&format!("gpu: \"{text}\"")));
        }
        for text in ["0", "101", "-1"] {
            assert!(parse_attempts(text).unwrap_err().to_string().starts_with(&format!("max_attempts: \"{text}\"")));
        }
    }
}
