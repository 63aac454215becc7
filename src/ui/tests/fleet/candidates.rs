//! Who else could, and what would change.

use super::HOSTILE;
use crate::api::triage::{Candidate, Figure, Preview, Unit, WhatIf};
use crate::api::types::WireCommand;
use crate::domain::learning::Prospect;
use crate::domain::preview::Standing;
use crate::domain::selection::{Factor, FactorScore, Learned};
use crate::domain::{Refusal, RefusalKind};

fn candidate(kind: &str, name: &str, standing: (bool, bool), reasons: &[&str]) -> Candidate {
    Candidate {
        kind: kind.into(),
        name: name.into(),
        able: standing.0,
        free: standing.1,
        standing: match standing {
            (false, _) => Standing::Cannot,
            (true, true) => Standing::Free,
            (true, false) => Standing::Busy,
        },
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        running: u32::from(!standing.1),
        queued: if standing.1 { 0 } else { 1234 },
        success_rate: (name != "newcomer").then_some(0.96),
        mean_duration_s: (name != "newcomer").then_some(42.5),
        mean_cost: None,
        score: None,
        factors: vec![],
        learned: None,
        to_win: None,
    }
}

/// One of which is known how well it suits, though not everything about it.
fn suiting(candidate: Candidate) -> Candidate {
    let factor = |factor, value, evidence: &str| FactorScore {
        factor,
        weight: 0.25,
        value,
        counted: value.unwrap_or(0.5),
        evidence: evidence.to_owned(),
    };
    let factors = vec![
        factor(Factor::KeywordMatch, Some(0.9), "has parser"),
        factor(Factor::RecentSuccess, Some(0.94), "94 % of 50 executions in 30 days"),
        factor(Factor::DomainExpertise, Some(0.7), "type parse: 91 % of 40 executions in 90 days, 38s in the mean"),
        factor(Factor::Collaboration, None, "unknown: it builds on no other agent's work"),
    ];
    let learned = Learned {
        value: 0.031,
        exploration: 0.0,
        deviation: Some(0.06),
        evidence: "with this type of task it did better than the factors say, in 40 outcomes".to_owned(),
        outlook: Some(Prospect {
            chance: 0.87,
            bad: false,
            seldom: false,
            evidence: "91 % of about 40 of newcomer with type parse succeeded".to_owned(),
        }),
    };
    let to_win = Some("0.034 behind: about 5 more successes with tasks of type parse".to_owned());
    Candidate { score: Some(0.812), factors, learned: Some(learned), to_win, ..candidate }
}

/// The agents that any task could be given to.
pub fn agents() -> Vec<Candidate> {
    vec![
        candidate("agent", "builder-1", (true, true), &["free now", "has capability rust", "did 120 of this type"]),
        candidate("agent", "builder-2", (true, false), &["1 of 1 slots taken", "has capability rust"]),
        suiting(candidate("agent", "newcomer", (true, true), &["free now", "nothing is known of it yet"])),
        candidate("agent", HOSTILE[0], (true, false), &[&"x".repeat(500)]),
        Candidate {
            standing: Standing::Later,
            running: 0,
            queued: 0,
            ..candidate("agent", "patient", (true, false), &["can do rust", "cage 009 is withheld"])
        },
        Candidate {
            standing: Standing::Drained,
            ..candidate("agent", "rested", (true, false), &["is drained and takes no tasks"])
        },
        candidate("agent", "writer", (false, false), &["lacks capability rust", "drained by an operator"]),
    ]
}

/// The cages that any agent could move to.
pub fn cages() -> Vec<Candidate> {
    vec![
        candidate("cage", "007", (true, true), &["vacant", "memory 512MiB"]),
        candidate("cage", "004", (false, false), &["builder-2 lives there"]),
    ]
}

fn figure(what: &str, before: f64, after: f64) -> Figure {
    Figure { what: what.into(), unit: Unit::Count, before: Some(before), after: Some(after) }
}

/// What a command would do: everything, except that every third of several things is refused.
pub fn what_if(command: &WireCommand) -> WhatIf {
    let (ids, to) = match command {
        WireCommand::ReassignTasks { ids, agent, .. } => (ids, agent.clone().unwrap_or_else(|| "anybody".into())),
        WireCommand::ReassignAgents { ids, cage } => {
            (ids, cage.map_or_else(|| "any cage".into(), |cage| format!("cage {cage}")))
        }
        WireCommand::DrainAgents { ids } | WireCommand::ResumeAgents { ids } | WireCommand::RemoveAgents { ids } => {
            (ids, "otherwise".into())
        }
        _ => return WhatIf { items: vec![], figures: vec![], reversible: false, stops: 0 },
    };
    let items = ids.iter().enumerate().map(|(place, id)| {
        let refused = place % 3 == 2;
        Preview {
            item: id.clone(),
            change: if refused { String::new() } else { format!("to {to}") },
            refusal: refused.then(|| Refusal::new(RefusalKind::Conflict, "status", "completed")),
        }
    });
    WhatIf {
        items: items.collect(),
        figures: vec![figure(&format!("tasks waiting for {to}"), 3.0, 4.0), figure("deadlines at risk", 1.0, 1.0)],
        reversible: true,
        stops: 0,
    }
}
