//! The fleet as it is declared in a file: cages, agents, alert rules and defaults.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agent::AgentSpec;
use super::alert_rule::AlertRulePatch;
use super::approval_rule::ApprovalRule;
use super::cage::{CageLimits, CageSpec, NetworkPolicy};
use super::id::CageId;
use super::quantity::{Bytes, Span};
use super::refusal::Refusal;
use super::requirements::Requirements;
use super::resource::ResourceSpec;
use super::selection::SelectionPolicy;
use super::user::UserSpec;

/// A fleet file. What it does not mention is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fleet {
    /// Cages, singly or by ranges.
    pub cage: Vec<CageEntry>,
    /// Agents.
    pub agent: Vec<AgentSpec>,
    /// Users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<UserSpec>,
    /// What is to be known of the nodes' resources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<ResourceSpec>,
    /// Alert rules; of one that there is, what an entry leaves out stays as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alert_rule: Vec<AlertRulePatch>,
    /// Rules that judge artifacts as they arrive.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approval_rule: Vec<ApprovalRule>,
    /// What holds where nothing else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Defaults>,
}

/// One `[[cage]]` of a fleet file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CageEntry {
    /// One cage's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<CageId>,
    /// Several cages alike: `"001-004"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// What the processes of each may use.
    pub limits: CageLimits,
    /// What each may reach: `"none"`, `"all"`, or a list of TCP ports on loopback.
    #[serde(skip_serializing_if = "NetworkPolicy::is_none")]
    pub network: NetworkPolicy,
    /// Paths that each may read beyond the system's programs and libraries.
    pub read: Vec<String>,
    /// Paths that each may write beyond its own folders.
    pub write: Vec<String>,
    /// The node, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Whether each is withheld: what runs goes on, nothing new starts. Left out, it stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<bool>,
}

impl CageEntry {
    /// The numbers that the entry stands for.
    fn numbers(&self) -> Result<std::ops::RangeInclusive<u16>, Refusal> {
        let allowed = "FIRST-LAST, such as \"001-004\", within 001 to 1000";
        match (&self.id, &self.range) {
            (Some(id), None) => Ok(id.number()..=id.number()),
            (None, Some(range)) => {
                let ends = range.split_once('-').and_then(|(first, last)| {
                    Some((first.trim().parse::<CageId>().ok()?, last.trim().parse::<CageId>().ok()?))
                });
                match ends {
                    Some((first, last)) if first <= last => Ok(first.number()..=last.number()),
                    _ => Err(Refusal::invalid("cage.range", range, allowed)),
                }
            }
            (Some(id), Some(_)) => Err(Refusal::invalid("cage", id, "either id or range, not both")),
            (None, None) => {
                Err(Refusal::invalid("cage", "neither id nor range", "id = \"001\" or range = \"001-004\""))
            }
        }
    }
}

impl Fleet {
    /// The cages one by one, checked; a number that occurs twice is refused.
    pub fn cages(&self) -> Result<Vec<CageSpec>, Refusal> {
        let mut seen = std::collections::BTreeSet::new();
        let mut specs = Vec::new();
        for entry in &self.cage {
            for number in entry.numbers()? {
                let id = CageId::new(number)?;
                if !seen.insert(id) {
                    return Err(Refusal::invalid("cage", id, "each number once in a file"));
                }
                let mut spec = CageSpec {
                    id,
                    limits: entry.limits.clone(),
                    network: entry.network.clone(),
                    read: entry.read.clone(),
                    write: entry.write.clone(),
                    node: entry.node.clone(),
                };
                spec.normalise()?;
                specs.push(spec);
            }
        }
        Ok(specs)
    }

    /// Which cages are to be withheld or given back; those of which nothing is said are left out.
    pub fn maintenance(&self) -> Result<BTreeMap<CageId, bool>, Refusal> {
        let mut said = BTreeMap::new();
        for entry in &self.cage {
            let Some(on) = entry.maintenance else { continue };
            for number in entry.numbers()? {
                said.insert(CageId::new(number)?, on);
            }
        }
        Ok(said)
    }

    /// Checks each user by itself and that no address occurs twice.
    pub fn check_users(&self) -> Result<(), Refusal> {
        let mut seen = std::collections::BTreeSet::new();
        for user in &self.user {
            user.check()?;
            if !seen.insert(&user.email) {
                return Err(Refusal::invalid("user.email", &user.email, "each address once in a file"));
            }
        }
        Ok(())
    }

    /// Checks each resource by itself and that none occurs twice.
    pub fn check_resources(&self) -> Result<(), Refusal> {
        let mut seen = std::collections::BTreeSet::new();
        for resource in &self.resource {
            resource.check()?;
            if !seen.insert((&resource.node, &resource.name)) {
                return Err(Refusal::invalid(
                    "resource.name",
                    &resource.name,
                    "each resource of a node once in a file",
                ));
            }
        }
        Ok(())
    }

    /// Refuses cages that could reach into the engine's own data directory, an absolute path: nothing in it may be read,
    /// and no folder may be written that it lies in, because moving such a folder would take the engine's files away.
    pub fn check_grants(&self, data_dir: &Path) -> Result<(), Refusal> {
        for spec in self.cages()? {
            let place = format!("cage {}", spec.id);
            for (field, paths) in [("read", &spec.read), ("write", &spec.write)] {
                for path in paths {
                    let within = Path::new(path).starts_with(data_dir);
                    let around = field == "write" && data_dir.starts_with(path);
                    if within || around {
                        let how = if within { "lies in" } else { "contains" };
                        let allowed = format!("folders apart from the data directory, which {path} {how}");
                        return Err(Refusal::invalid(field, path, allowed)
                            .hint(format!("Name folders that are not {}", data_dir.display()))
                            .within(place));
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks each agent by itself and that no name occurs twice.
    pub fn check_agents(&self) -> Result<(), Refusal> {
        let mut seen = std::collections::BTreeSet::new();
        for agent in &self.agent {
            agent.check()?;
            if !seen.insert(&agent.name) {
                return Err(Refusal::invalid("agent.name", &agent.name, "each name once in a file"));
            }
        }
        Ok(())
    }

    /// Checks that no name of an approval rule occurs twice.
    pub fn check_approval_rules(&self) -> Result<(), Refusal> {
        let mut seen = std::collections::BTreeSet::new();
        match self.approval_rule.iter().find(|rule| !seen.insert(&rule.name)) {
            Some(twice) => Err(Refusal::invalid("approval_rule.name", &twice.name, "each name once in a file")),
            None => Ok(()),
        }
    }

    /// Checks that nobody in the file reports to themselves, however far up. Superiors that the file does not declare are
    /// for the engine to judge. Each agent is gone through once.
    pub fn check_hierarchy(&self) -> Result<(), Refusal> {
        let superiors: BTreeMap<&str, &str> =
            self.agent.iter().filter_map(|agent| Some((agent.name.as_str(), agent.reports_to.as_deref()?))).collect();
        let mut cleared = std::collections::BTreeSet::new();
        for agent in &self.agent {
            let (mut path, mut passed) = (vec![], std::collections::BTreeSet::new());
            let mut at = Some(agent.name.as_str());
            while let Some(name) = at.filter(|name| !cleared.contains(name)) {
                path.push(name);
                if !passed.insert(name) {
                    let begin = path.iter().position(|passed| *passed == name).unwrap_or(0);
                    return Err(Refusal::invalid(
                        "reports_to",
                        path[begin..].join(" -> "),
                        "a hierarchy without a cycle",
                    )
                    .within(format!("agent {name}")));
                }
                at = superiors.get(name).copied();
            }
            cleared.append(&mut passed);
        }
        Ok(())
    }

    /// Checks that no name of an alert rule occurs twice.
    pub fn check_alert_rules(&self) -> Result<(), Refusal> {
        let mut seen = std::collections::BTreeSet::new();
        match self.alert_rule.iter().find(|rule| !seen.insert(&rule.name)) {
            Some(twice) => Err(Refusal::invalid("alert_rule.name", &twice.name, "each name once in a file")),
            None => Ok(()),
        }
    }
}

/// What holds where nothing else is said, and how the scheduler behaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// The timeout of a task that names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Added to a task's requirements where it names none.
    pub requirements: Requirements,
    /// Waiting this long raises a task's effective priority by one. Default 10 minutes.
    pub ageing: Span,
    /// How failed attempts are repeated.
    pub retry: RetryPolicy,
    /// When a failing agent is given a pause.
    pub breaker: BreakerPolicy,
    /// Whether a more urgent task may stop a preemptible one. Default no.
    pub preemption: bool,
    /// How long the task at the head may be passed by others whose end is unknown, before what becomes free is kept
    /// for it. Default 5 minutes.
    pub patience: Span,
    /// How long a node may be out of reach before its executions are given up. Default 60 seconds.
    pub lease: Span,
    /// How many bytes of output are kept of one execution. Default 16 MiB.
    pub output: Bytes,
    /// How an agent is chosen for a task that names none.
    #[serde(skip_serializing_if = "SelectionPolicy::is_default")]
    pub selection: SelectionPolicy,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout: None,
            requirements: Requirements::default(),
            ageing: Span::from_secs(600),
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
            preemption: false,
            patience: Span::from_secs(300),
            lease: Span::from_secs(60),
            output: Bytes::from_mib(16),
            selection: SelectionPolicy::default(),
        }
    }
}

impl Defaults {
    /// Checks ranges.
    pub fn check(&mut self) -> Result<(), Refusal> {
        self.requirements.normalise().map_err(|refusal| refusal.within("defaults"))?;
        if self.ageing < Span::from_secs(1) {
            return Err(Refusal::invalid("defaults.ageing", self.ageing, "at least 1s"));
        }
        if self.retry.delay > self.retry.limit {
            return Err(Refusal::invalid("defaults.retry.delay", self.retry.delay, "at most retry.limit"));
        }
        if self.breaker.failures == 0 {
            return Err(Refusal::invalid("defaults.breaker.failures", 0, "at least 1"));
        }
        if self.output.get() < 4096 {
            return Err(Refusal::invalid("defaults.output", self.output, "at least 4KiB"));
        }
        self.selection.weights.check("defaults.selection.weights")?;
        Ok(())
    }
}

/// Exponential backoff with full jitter: the wait before attempt n+1 is drawn between half and the whole of
/// `min(limit, delay * 2^(n-1))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Before the second attempt. Default 1 second.
    pub delay: Span,
    /// Never longer than this. Default 5 minutes.
    pub limit: Span,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { delay: Span::from_secs(1), limit: Span::from_secs(300) }
    }
}

/// The circuit breaker: after `failures` in a row an agent gets no task for `cooldown`, then one to try; each further
/// failure doubles the pause, up to an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerPolicy {
    /// Failures in a row that trip it. Default 5.
    pub failures: u32,
    /// The first pause. Default 30 seconds.
    pub cooldown: Span,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: 5, cooldown: Span::from_secs(30) }
    }
}
