//! Cages: numbered sandboxes with enforced limits, each holding at most one agent.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::enumeration::enumeration;
use super::id::{AgentId, CageId, NodeId};
use super::quantity::{Bytes, Cpu, Span, TokenLimit};
use super::refusal::Refusal;
use super::requirements::Quantities;
use super::time::Timestamp;

/// Where agents look for programs, unless they or their tasks say otherwise.
pub const SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

enumeration! {
    /// Whether a cage can take work.
    pub enum CageStatus ("cage status") {
        /// An agent lives in it.
        Occupied = "occupied",
        /// Nobody lives in it.
        Vacant = "vacant",
        /// Withheld by an operator; nothing starts in it.
        Maintenance = "maintenance",
    }
}

enumeration! {
    /// How far a limit holds.
    pub enum Enforcement ("enforcement") {
        /// The kernel holds it.
        Enforced = "enforced",
        /// The worker samples it and ends what exceeds it.
        Watched = "watched",
        /// Nothing holds it on this host.
        Absent = "absent",
    }
}

/// What the processes in a cage may use together. A limit that is left out does not bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CageLimits {
    /// Cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Processes and threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
    /// GPU devices; without it the cage sees none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u32>,
    /// Bytes of GPU memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_memory: Option<Bytes>,
    /// Tokens an execution, or a period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenLimit>,
    /// Bytes in the cage's own folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<Bytes>,
    /// How long one execution may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall: Option<Span>,
}

impl CageLimits {
    /// The room for requirements; what is not limited is unlimited here, but a GPU has to be granted.
    pub fn room(&self) -> Quantities {
        Quantities([
            self.cpu.map_or(u64::MAX, Cpu::as_millis),
            self.memory.map_or(u64::MAX, Bytes::get),
            u64::from(self.gpu.unwrap_or(0)),
            match (self.gpu_memory, self.gpu) {
                (Some(bytes), _) => bytes.get(),
                (None, Some(1..)) => u64::MAX,
                (None, _) => 0,
            },
            self.disk.map_or(u64::MAX, Bytes::get),
        ])
    }

    /// Checks that each limit is one that a process can live under.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.cpu.is_some_and(|cpu| cpu.as_millis() < 10) {
            return Err(Refusal::invalid("limits.cpu", self.cpu.unwrap_or_default(), "at least 0.01 cores"));
        }
        if self.memory.is_some_and(|memory| memory.get() < 1 << 20) {
            return Err(Refusal::invalid("limits.memory", self.memory.unwrap_or_default(), "at least 1MiB"));
        }
        if self.pids.is_some_and(|pids| !(1..=4_194_304).contains(&pids)) {
            return Err(Refusal::invalid("limits.pids", self.pids.unwrap_or_default(), "1 to 4194304"));
        }
        if self.gpu.is_some_and(|gpu| gpu > 1024) {
            return Err(Refusal::invalid("limits.gpu", self.gpu.unwrap_or_default(), "0 to 1024"));
        }
        if self.wall.is_some_and(|wall| wall.as_micros() < 1000) {
            return Err(Refusal::invalid("limits.wall", self.wall.unwrap_or_default(), "at least 1ms"));
        }
        Ok(())
    }
}

/// What a cage may reach over the network. The default is nothing at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum NetworkPolicy {
    /// Everything the host reaches, or nothing.
    Word(NetworkWord),
    /// Only these TCP ports, on loopback.
    Ports(Vec<u16>),
    /// Written when nothing was said; the same as `"none"`.
    #[default]
    #[serde(skip)]
    Unsaid,
}

/// What may stand for a network policy, for errors.
const NETWORKS: &str = "\"none\", \"all\", or a list of TCP ports on loopback such as [8080]";

/// Read by hand, so that an error names the field and the value; of untagged alternatives serde names neither.
impl<'de> Deserialize<'de> for NetworkPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = NetworkPolicy;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(NETWORKS)
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<NetworkPolicy, E> {
                let unknown = |_| E::custom(Refusal::invalid("network", word, NETWORKS));
                word.parse().map(NetworkPolicy::Word).map_err(unknown)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<NetworkPolicy, A::Error> {
                let mut ports = vec![];
                // Any whole number is taken first, so that one that is no port can be named.
                while let Some(port) = list.next_element::<i64>()? {
                    let refuse = |_| de::Error::custom(Refusal::invalid("network", port, "ports from 1 to 65535"));
                    ports.push(u16::try_from(port).map_err(refuse)?);
                }
                Ok(NetworkPolicy::Ports(ports))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

enumeration! {
    /// The network policies that need no list.
    pub enum NetworkWord ("network") {
        /// No network: not even the host's loopback.
        None = "none",
        /// The host's network.
        All = "all",
    }
}

impl NetworkPolicy {
    /// Nothing can be reached.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::Unsaid | Self::Word(NetworkWord::None))
    }
    /// Everything can be reached.
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::Word(NetworkWord::All))
    }
    /// The ports on loopback that can be reached, when the policy is a list.
    pub fn ports(&self) -> &[u16] {
        match self {
            Self::Ports(ports) => ports,
            _ => &[],
        }
    }
}

impl fmt::Display for NetworkPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid => f.write_str("none"),
            Self::Word(word) => word.fmt(f),
            Self::Ports(ports) => {
                let list: Vec<_> = ports.iter().map(u16::to_string).collect();
                write!(f, "loopback {}", list.join(","))
            }
        }
    }
}

/// What an operator declares about a cage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CageSpec {
    /// Its number.
    pub id: CageId,
    /// What its processes may use.
    #[serde(default)]
    pub limits: CageLimits,
    /// What it may reach.
    #[serde(default, serialize_with = "write_network")]
    pub network: NetworkPolicy,
    /// Paths it may read and execute beyond the system's programs and libraries. `~` is the owner's home.
    #[serde(default)]
    pub read: Vec<String>,
    /// Paths it may write beyond its own folders.
    #[serde(default)]
    pub write: Vec<String>,
    /// The node it is on, by name; the local one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

fn write_network<S: serde::Serializer>(network: &NetworkPolicy, serializer: S) -> Result<S::Ok, S::Error> {
    match network {
        NetworkPolicy::Unsaid => serializer.serialize_str("none"),
        other => other.serialize(serializer),
    }
}

impl CageSpec {
    /// A cage with no limits of its own, no network and no paths beyond its own.
    pub fn new(id: CageId) -> Self {
        Self {
            id,
            limits: CageLimits::default(),
            network: NetworkPolicy::Unsaid,
            read: vec![],
            write: vec![],
            node: None,
        }
    }

    /// Checks ranges and paths and brings lists into canonical order.
    pub fn normalise(&mut self) -> Result<(), Refusal> {
        let place = format!("cage {}", self.id);
        self.limits.check().map_err(|refusal| refusal.within(&place))?;
        if let NetworkPolicy::Ports(ports) = &mut self.network {
            if ports.contains(&0) || ports.len() > 256 {
                return Err(
                    Refusal::invalid("network", format!("{ports:?}"), "1 to 256 ports from 1 to 65535").within(place)
                );
            }
            ports.sort_unstable();
            ports.dedup();
        }
        for (field, paths) in [("read", &self.read), ("write", &self.write)] {
            for path in paths {
                let rooted = path.starts_with('/') || path == "~" || path.starts_with("~/");
                if !rooted || path.len() > 4096 || path.contains('\0') {
                    let allowed = "an absolute path, or one that begins with ~/";
                    return Err(Refusal::invalid(field, path, allowed).within(place));
                }
                // What the worker would refuse when the cage is first used.
                if path.split('/').any(|part| part == "..") {
                    return Err(Refusal::invalid(field, path, "a path without ..").within(place));
                }
                if path.split('/').all(|part| part.is_empty() || part == ".") {
                    return Err(
                        Refusal::invalid(field, path, "folders below /; that one is the whole host").within(place)
                    );
                }
            }
        }
        Ok(())
    }
}

/// How each limit of a cage holds on its node, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Enforcements(pub Vec<EnforcementEntry>);

/// How one limit holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementEntry {
    /// The limit: `cpu`, `memory`, `pids`, `disk`, `wall`, `tokens`, `gpu`, `network`, `filesystem`, `processes`,
    /// `signals`, `system calls`, `privileges`; `read PATH` or `write PATH` for a path that is not there.
    pub limit: String,
    /// How far it holds.
    pub enforcement: Enforcement,
    /// By what, or why not (`cgroup v1 memory`, `no cpu controller: ...`).
    pub by: String,
}

/// Why a cage cannot be set up. It gets no work until it is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CageFault {
    /// What the worker said, in one sentence.
    pub reason: String,
    /// How often in a row it could not be set up.
    pub failures: u32,
    /// No work before this time; `None` once it may be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What a cage's processes use together. What could not be measured is null and is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResourceUsage {
    /// Cores, over the last second or so.
    pub cpu: Option<f64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u32>,
    /// Tokens reported within the span of its limit, when it has one.
    pub tokens: Option<u64>,
}

/// A cage as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cage {
    /// Its number.
    pub id: CageId,
    /// The node it is on.
    pub node_id: NodeId,
    /// The agent that lives in it.
    #[serde(default)]
    pub agent_id: Option<AgentId>,
    /// Whether it can take work.
    pub status: CageStatus,
    /// What its processes may use.
    pub resource_limits: CageLimits,
    /// What they use; null while nobody measures it.
    #[serde(default)]
    pub resource_usage: Option<ResourceUsage>,
    /// What it may reach.
    #[serde(serialize_with = "write_network")]
    pub network: NetworkPolicy,
    /// Paths it may read.
    pub read: Vec<String>,
    /// Paths it may write.
    pub write: Vec<String>,
    /// How each limit holds; empty until the cage was first set up.
    #[serde(default)]
    pub enforcement: Enforcements,
    /// Why it cannot be set up, if that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<CageFault>,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When its record last changed.
    pub updated_at: Timestamp,
}

impl Cage {
    /// What the operator declared.
    pub fn spec(&self) -> CageSpec {
        CageSpec {
            id: self.id,
            limits: self.resource_limits.clone(),
            network: self.network.clone(),
            read: self.read.clone(),
            write: self.write.clone(),
            node: None,
        }
    }
}
