//! Whether a wish can ever be met by the fleet as it is declared, whatever is busy now; and if not, what comes nearest.

use crate::domain::requirements::Quantities;
use crate::domain::{Refusal, RefusalKind};
use crate::engine::core::Core;
use crate::engine::core::shape::{Shape, Wish};
use crate::engine::core::slab::NONE;
use crate::engine::core::state::CageState;

impl Core {
    /// Refuses a wish that no cage and agent together could ever meet. As long as no node has joined, nothing can be said of
    /// cages.
    pub(in crate::engine::core) fn feasible(&self, wish: &Wish) -> Result<(), Refusal> {
        let known = self.shape_numbers.get(wish).map(|number| &self.shapes[*number]);
        if known.is_some_and(|shape| shape.possible_at == self.fleet_version) {
            return Ok(());
        }
        let shape = Shape::new(wish.clone(), 0, &self.defaults.requirements, &self.capability_sets);
        let without = self.able_but_for_a_command(&shape);
        if !without.is_empty() && !self.agents.iter().any(|(slot, _)| self.is_able(&shape, slot)) {
            return Err(no_command(&without));
        }
        if self.nodes.is_empty() {
            return Ok(());
        }
        let floating = self.agents.iter().any(|(slot, agent)| agent.spec.cage.is_none() && self.is_able(&shape, slot));
        let able = |cage: &&CageState| {
            wish.cage.is_none_or(|id| id == cage.spec.id)
                && if cage.home == NONE { floating } else { self.is_able(&shape, cage.home) }
        };
        let mut nearest: Option<(usize, u64, &CageState)> = None;
        for cage in self.cages().filter(able) {
            let lacks = self.lacks(&shape, cage);
            if lacks.is_empty() {
                return Ok(());
            }
            let size = lacks.iter().map(|lack| lack.ratio).max().unwrap_or(0);
            if nearest.is_none_or(|(count, ratio, _)| (lacks.len(), size) < (count, ratio)) {
                nearest = Some((lacks.len(), size, cage));
            }
        }
        match nearest {
            Some((_, _, cage)) => Err(self.too_small(&shape, cage)),
            None => Err(self.nobody(&shape)),
        }
    }

    /// The names of the agents that could do a shape if it brought a command, as they have none of their own.
    pub(in crate::engine::core) fn able_but_for_a_command(&self, shape: &Shape) -> Vec<&str> {
        if shape.wish.brings_command {
            return vec![];
        }
        let lacking = self.agents.iter().filter(|(_, agent)| {
            let set = agent.capability_set;
            !self.capability_sets.has_command(set)
                && shape.is_within(set, &self.capability_sets)
                && shape.wish.agent.is_none_or(|id| id == agent.id)
        });
        let mut names: Vec<_> = lacking.map(|(_, agent)| agent.spec.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Notes that a shape was found possible, so that the next submission need not ask again.
    pub(super) fn mark_feasible(&mut self, wish: &Wish) {
        let version = self.fleet_version;
        if let Some(number) = self.shape_numbers.get(wish).copied() {
            self.shapes[number].possible_at = version;
        }
    }

    /// What an empty cage lacks for a shape.
    pub(in crate::engine::core) fn lacks(&self, shape: &Shape, cage: &CageState) -> Vec<Lack> {
        let node = &self.nodes[cage.node as usize].node;
        let total = node.capacity.quantities();
        let mut lacks = vec![];
        for place in 0..5 {
            let (need, room, capacity) = (shape.need.0[place], cage.room.0[place], total.0[place]);
            let have = room.min(capacity);
            if need > have {
                let whose =
                    if room <= capacity { format!("cage {}", cage.spec.id) } else { format!("node {}", node.name) };
                lacks.push(Lack {
                    field: Quantities::NAMES[place],
                    need: Quantities::show(place, need),
                    have: Quantities::show(place, have),
                    whose,
                    ratio: need.saturating_mul(1000) / have.max(1),
                });
            }
        }
        if let Some(limit) = cage.spec.limits.tokens
            && shape.tokens > limit.tokens
        {
            lacks.push(Lack {
                field: "tokens",
                need: shape.tokens.to_string(),
                have: limit.to_string(),
                whose: format!("cage {}", cage.spec.id),
                ratio: shape.tokens.saturating_mul(1000) / limit.tokens.max(1),
            });
        }
        lacks
    }

    fn too_small(&self, shape: &Shape, cage: &CageState) -> Refusal {
        let lacks = self.lacks(shape, cage);
        let field = lacks.first().map_or("requirements", |lack| lack.field);
        let value = lacks.first().map(|lack| lack.need.clone()).unwrap_or_default();
        let list: Vec<_> = lacks.iter().map(Lack::sentence).collect();
        let nearest = format!("what some cage can give; cage {} comes nearest: {}", cage.spec.id, list.join(", "));
        Refusal::new(RefusalKind::Impossible, format!("requirements.{field}"), value)
            .allowed(nearest)
            .hint("ask for less, or raise the cage's limits in the fleet file and apply it")
    }

    /// No agent can do it, wherever it is.
    fn nobody(&self, shape: &Shape) -> Refusal {
        let wish = &shape.wish;
        if self.cages().next().is_none() {
            return Refusal::new(RefusalKind::Impossible, "cage", "none is declared")
                .hint("menagerie apply FLEET.toml");
        }
        let able_somewhere = self.agents.iter().any(|(slot, _)| self.is_able(shape, slot));
        if let Some(cage) = wish.cage
            && able_somewhere
        {
            if let Some(home) = self.cage(cage).map(|cage| cage.home)
                && home != NONE
            {
                let agent = &self.agents[home];
                let set = agent.capability_set;
                let lacks = |name: &&String| !self.capability_sets.has(set, name);
                let lacks_tool = |name: &&String| !self.capability_sets.has_tool(set, name);
                let missing: Vec<&str> = shape.capabilities.iter().filter(lacks).map(String::as_str).collect();
                let tools: Vec<&str> = shape.tools.iter().filter(lacks_tool).map(String::as_str).collect();
                let missing = [missing, tools].concat().join(", ");
                if !missing.is_empty() {
                    let name = &agent.spec.name;
                    let why = format!("agent {name} lives in cage {cage} and lacks {missing}");
                    return Refusal::new(RefusalKind::Impossible, "cage", why)
                        .hint(format!("leave the cage out, or give agent {name} in the fleet file what it lacks"));
                }
            }
            return Refusal::new(RefusalKind::Impossible, "cage", format!("no able agent can work in cage {cage}"))
                .hint("leave the cage out, or give an agent its home there");
        }
        if let Some(tool) = shape.tools.iter().find(|tool| !self.somebody_has_tool(tool)) {
            let refusal = Refusal::new(RefusalKind::Impossible, "requirements.tools", shape.tools.join(", "));
            let refusal = refusal.allowed("tools that some agent has among its tools_available");
            return refusal.hint_nearest(tool, self.capability_sets.tools(), format!("no agent has \"{tool}\""));
        }
        let missing: Vec<_> = shape.capabilities.iter().filter(|name| !self.somebody_has(name)).collect();
        let asked = shape.capabilities.iter().chain(&shape.tools).cloned().collect::<Vec<_>>().join(", ");
        let refusal = Refusal::new(RefusalKind::Impossible, "requirements.capabilities", &asked);
        if let Some(name) = missing.first() {
            let otherwise = format!("no agent has \"{name}\"");
            let refusal = refusal.allowed("what some agent can do");
            return refusal.hint_nearest(name, self.capability_sets.names(), otherwise);
        }
        let able = self.agents.iter().find(|(slot, _)| self.is_able(shape, *slot)).map(|(_, agent)| &agent.spec.name);
        match (able, wish.agent.and_then(|id| self.agent_spec(id))) {
            (_, None) if asked.is_empty() => Refusal::new(RefusalKind::Impossible, "agent", "none has a place to work")
                .hint("give an agent a home, or declare a cage that is nobody's home"),
            (Some(name), _) => {
                let why = format!("agent {name} could do it and has no cage to work in");
                Refusal::new(RefusalKind::Impossible, "cage", why).hint(format!(
                    "declare a cage that is nobody's home, or: menagerie agent reassign {name} --cage NUMBER"
                ))
            }
            (None, Some(agent)) => {
                refusal.allowed(format!("what agent {} can do", agent.name)).hint("leave the agent out")
            }
            (None, None) => refusal
                .allowed("what one agent can do alone")
                .hint("no agent can do all of it: split the work, or give one agent what is missing"),
        }
    }

    fn somebody_has_tool(&self, tool: &str) -> bool {
        self.agents.iter().any(|(_, agent)| self.capability_sets.has_tool(agent.capability_set, tool))
    }

    fn somebody_has(&self, capability: &str) -> bool {
        self.agents.iter().any(|(_, agent)| self.capability_sets.has(agent.capability_set, capability))
    }
}

/// How many agents without a command are named.
const NAMES_SHOWN: usize = 5;

/// Neither the task nor any of these agents, which alone could do it, has a command.
fn no_command(agents: &[&str]) -> Refusal {
    let field = "parameters.configuration.command";
    let (shown, others) = agents.split_at(agents.len().min(NAMES_SHOWN));
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    let names = shown.join(", ") + &more;
    Refusal::new(RefusalKind::Impossible, field, "none")
        .allowed(format!("a program and its arguments: what can do this has no command of its own ({names})"))
        .hint("give the task a command, or one of the agents: runtime = { type = \"command\", command = [...] } in the fleet file")
}

/// One quantity that a cage or its node has too little of.
#[derive(Debug)]
pub(in crate::engine::core) struct Lack {
    /// Of what.
    pub field: &'static str,
    /// How much is asked for.
    pub need: String,
    /// How much there is.
    pub have: String,
    /// Whose limit it is.
    pub whose: String,
    /// Need over have, in thousandths.
    ratio: u64,
}

impl Lack {
    /// `memory limit 128MiB < 200MiB asked`.
    pub fn limit_sentence(&self) -> String {
        let whose = if self.whose.starts_with("node") {
            format!("{} of {}", self.field, self.whose)
        } else {
            format!("{} limit", self.field)
        };
        format!("{whose} {} < {} asked", self.have, self.need)
    }

    /// `memory 1GiB asked, cage 003 has 128MiB`.
    pub fn sentence(&self) -> String {
        format!("{} {} asked, {} has {}", self.field, self.need, self.whose, self.have)
    }
}
