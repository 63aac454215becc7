//! Shapes: what tasks ask for, each distinct wish kept once, and the sets of abilities that agents have.
//!
//! A decision looks at shapes, not at tasks: a million tasks of one shape cost what one task costs.

use std::collections::BTreeMap;

use crate::domain::requirements::Quantities;
use crate::domain::{AgentId, CageId, Requirements, Span, UserId};

/// What a task asks for, as it was submitted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    /// Quantities and capabilities.
    pub requirements: Quantities,
    /// Tokens.
    pub tokens: u64,
    /// Capabilities, sorted.
    pub capabilities: Vec<String>,
    /// Tools, sorted.
    pub tools: Vec<String>,
    /// Whether it brings a command of its own; otherwise its agent has to have one.
    pub brings_command: bool,
    /// The agent that must do it.
    pub agent: Option<AgentId>,
    /// The cage it must run in.
    pub cage: Option<CageId>,
    /// Who submitted it.
    pub owner: UserId,
}

impl Wish {
    /// The wish of a task.
    pub fn new(
        requirements: &Requirements,
        brings_command: bool,
        agent: Option<AgentId>,
        cage: Option<CageId>,
        owner: UserId,
    ) -> Self {
        Self {
            requirements: requirements.quantities(),
            tokens: requirements.tokens,
            capabilities: requirements.capabilities.clone(),
            tools: requirements.tools.clone(),
            brings_command,
            agent,
            cage,
            owner,
        }
    }
}

/// What a search for a place depends on: shapes of different owners may ask for the same, and what has just been found
/// impossible for one of them need not be tried for the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    need: Quantities,
    tokens: u64,
    capabilities: Vec<String>,
    tools: Vec<String>,
    brings_command: bool,
    agent: Option<AgentId>,
    cage: Option<CageId>,
}

/// An ask, with what the last search for it came to.
#[derive(Debug)]
pub struct AskState {
    /// What is asked for.
    pub ask: Ask,
    /// The shapes that ask for it.
    pub shapes: u32,
    /// At which count of gains the whole fleet had no place for it.
    pub blocked_at: u64,
    /// At which count of gains nothing gained had a place for it.
    pub gains_blocked_at: u64,
    /// Whether a node's capacity stood in the way then.
    pub by_node: bool,
    /// The last search that only the reservation stood in the way of.
    pub reserved: Option<Reserved>,
}

impl AskState {
    /// An ask that nobody has searched for.
    pub const fn new(ask: Ask) -> Self {
        Self { ask, shapes: 0, blocked_at: u64::MAX, gains_blocked_at: u64::MAX, by_node: false, reserved: None }
    }
}

/// A search that found only places that are kept for the task at the head. Until something is gained or the reservation
/// is made anew, a search that lasts as long and looks no further finds no more.
#[derive(Clone, Copy, Debug)]
pub struct Reserved {
    /// At which count of gains.
    pub gains: u64,
    /// Under which reservation.
    pub reservation: u64,
    /// How long the task was expected to take.
    pub duration: Span,
    /// Whether the whole fleet was searched.
    pub everything: bool,
}

/// A distinct wish, with what follows from it.
#[derive(Debug)]
pub struct Shape {
    /// What was asked for.
    pub wish: Wish,
    /// What is held while a task of this shape runs: the wish, and the defaults where it says nothing.
    pub need: Quantities,
    /// Tokens, likewise.
    pub tokens: u64,
    /// Capabilities, likewise.
    pub capabilities: Vec<String>,
    /// Tools, likewise.
    pub tools: Vec<String>,
    /// The owner, as a number.
    pub owner: u32,
    /// For each set of abilities, whether it covers those asked for: one bit each.
    covered_by: Vec<u64>,
    /// Its ask, by slot.
    pub ask: u32,
    /// The groups that use it.
    pub groups: u32,
    /// At which state of the fleet it was last found possible; zero for never.
    pub possible_at: u64,
}

impl Shape {
    /// A shape under the defaults in force.
    pub fn new(wish: Wish, owner: u32, defaults: &Requirements, sets: &CapabilitySets) -> Self {
        let mut shape = Self {
            need: Quantities::ZERO,
            tokens: 0,
            capabilities: vec![],
            tools: vec![],
            owner,
            covered_by: vec![],
            ask: super::slab::NONE,
            groups: 0,
            possible_at: 0,
            wish,
        };
        shape.apply_defaults(defaults, sets);
        shape
    }

    /// Fills in what the wish leaves out.
    pub fn apply_defaults(&mut self, defaults: &Requirements, sets: &CapabilitySets) {
        let fallback = defaults.quantities();
        let asked = self.wish.requirements;
        self.need = Quantities(std::array::from_fn(|i| if asked.0[i] == 0 { fallback.0[i] } else { asked.0[i] }));
        self.tokens = if self.wish.tokens == 0 { defaults.tokens } else { self.wish.tokens };
        let from = if self.wish.capabilities.is_empty() { &defaults.capabilities } else { &self.wish.capabilities };
        self.capabilities.clone_from(from);
        let from = if self.wish.tools.is_empty() { &defaults.tools } else { &self.wish.tools };
        self.tools.clone_from(from);
        self.covered_by.clear();
        for set in 0..sets.len() {
            self.learn(set, sets);
        }
        self.possible_at = 0;
    }

    /// What a search for a place depends on.
    pub fn ask(&self) -> Ask {
        Ask {
            need: self.need,
            tokens: self.tokens,
            capabilities: self.capabilities.clone(),
            tools: self.tools.clone(),
            brings_command: self.wish.brings_command,
            agent: self.wish.agent,
            cage: self.wish.cage,
        }
    }

    /// Takes note of a set of abilities.
    pub fn learn(&mut self, set: u32, sets: &CapabilitySets) {
        let (word, bit) = (set as usize / 64, set % 64);
        if self.covered_by.len() <= word {
            self.covered_by.resize(word + 1, 0);
        }
        let commanded = self.wish.brings_command || sets.has_command(set);
        if commanded && self.is_within(set, sets) {
            self.covered_by[word] |= 1 << bit;
        }
    }

    /// Whether a set has the capabilities and tools asked for, whoever brings the command.
    pub fn is_within(&self, set: u32, sets: &CapabilitySets) -> bool {
        self.capabilities.iter().all(|capability| sets.has(set, capability))
            && self.tools.iter().all(|tool| sets.has_tool(set, tool))
    }

    /// Whether an agent with this set of abilities can do it.
    pub fn is_covered_by(&self, set: u32) -> bool {
        self.covered_by.get(set as usize / 64).is_some_and(|word| word >> (set % 64) & 1 == 1)
    }
}

/// Something that an agent can do or has: a capability or a tool, with its name.
type Ability = (AbilityKind, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AbilityKind {
    Capability,
    Tool,
}

/// Capabilities and tools, sorted, and whether there is a command of the agent's own.
type Abilities = (Vec<Ability>, bool);

/// The distinct sets of abilities that agents have had. There are few, and they are never forgotten.
#[derive(Debug, Default)]
pub struct CapabilitySets {
    sets: Vec<Abilities>,
    numbers: BTreeMap<Abilities, u32>,
}

impl CapabilitySets {
    /// The number of a set, and whether it is new.
    pub fn intern(
        &mut self,
        capabilities: impl Iterator<Item = String>,
        tools: impl Iterator<Item = String>,
        has_command: bool,
    ) -> (u32, bool) {
        let capabilities = capabilities.map(|name| (AbilityKind::Capability, name));
        let mut abilities: Vec<_> = capabilities.chain(tools.map(|name| (AbilityKind::Tool, name))).collect();
        abilities.sort_unstable();
        abilities.dedup();
        let set = (abilities, has_command);
        if let Some(number) = self.numbers.get(&set) {
            return (*number, false);
        }
        let number = self.len();
        self.sets.push(set.clone());
        self.numbers.insert(set, number);
        (number, true)
    }

    /// How many sets there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.sets.len()).unwrap_or(u32::MAX)
    }

    /// Whether a set contains a capability.
    pub fn has(&self, set: u32, capability: &str) -> bool {
        self.contains(set, AbilityKind::Capability, capability)
    }

    /// Whether a set has a command.
    pub fn has_command(&self, set: u32) -> bool {
        self.sets[set as usize].1
    }

    /// Whether a set contains a tool.
    pub fn has_tool(&self, set: u32, tool: &str) -> bool {
        self.contains(set, AbilityKind::Tool, tool)
    }

    fn contains(&self, set: u32, kind: AbilityKind, name: &str) -> bool {
        self.sets[set as usize].0.binary_search_by(|(known, text)| (*known, text.as_str()).cmp(&(kind, name))).is_ok()
    }

    /// How many capabilities and tools a set has.
    pub fn size(&self, set: u32) -> usize {
        self.sets[set as usize].0.len()
    }

    /// Every capability that some agent has had.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named(AbilityKind::Capability)
    }

    /// Every tool that some agent has had.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        self.named(AbilityKind::Tool)
    }

    fn named(&self, kind: AbilityKind) -> impl Iterator<Item = &str> {
        self.sets
            .iter()
            .flat_map(|(abilities, _)| abilities)
            .filter(move |(known, _)| *known == kind)
            .map(|(_, name)| name.as_str())
    }
}
