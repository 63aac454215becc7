//! What recorded outcomes come to, by whoever chooses: the selection, chance, one agent for everything, the best agent of
//! each group, and an oracle that knows every outcome. All but the first two know the log before they choose.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Feedback;
use super::log::{Line, Recorded};
use crate::engine::core::rehearsal::{Outcome, Question, Rehearsal};

/// What choices came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sums {
    /// How many tasks succeeded; of chance, on average.
    pub successes: f64,
    /// That over all tasks.
    pub success_rate: f64,
    /// The same over the second half of the log, when there was something to learn from.
    pub last_half_success_rate: f64,
    /// How many successes less than the best single agent; negative where there were more.
    pub regret: f64,
    /// What the chosen executions cost together, as far as that is known.
    pub cost: f64,
    /// Their tokens.
    pub tokens: f64,
    /// How long they took together, in seconds.
    pub duration: f64,
    #[serde(skip)]
    late: f64,
}

impl Sums {
    /// Adds an outcome that was chosen so often. `late` says whether it is of the second half.
    fn add(&mut self, outcome: Option<&Recorded>, times: f64, late: bool) {
        let Some(outcome) = outcome else { return };
        let success = if outcome.success { times } else { 0.0 };
        self.successes += success;
        self.late += if late { success } else { 0.0 };
        self.cost += times * outcome.cost.unwrap_or(0.0);
        self.tokens += times * outcome.tokens.unwrap_or(0.0);
        self.duration += times * outcome.duration.unwrap_or(0.0);
    }

    fn close(&mut self, tasks: usize, best: f64) {
        self.success_rate = self.successes / tasks as f64;
        self.last_half_success_rate = self.late / (tasks - tasks / 2) as f64;
        self.regret = best - self.successes;
    }
}

/// The agent that did best for everything.
#[derive(Clone, Debug, Serialize)]
pub struct Single {
    /// Its name.
    pub agent: String,
    /// What it came to.
    #[serde(flatten)]
    pub sums: Sums,
}

/// The whole comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// How many tasks there are.
    pub tasks: usize,
    /// How many agents.
    pub agents: usize,
    /// How many groups.
    pub groups: usize,
    /// From which outcomes was learned.
    pub feedback: &'static str,
    /// The selection with its policy.
    pub selection: Sums,
    /// Whoever chance picks, on average.
    pub random: Sums,
    /// The agent with the most successes, for everything; what it has no outcome for fails.
    pub best_single: Single,
    /// In each group the agent with the most successes there.
    pub best_of_group: Sums,
    /// For each task an agent that succeeded, the cheapest; where none did, the cheapest.
    pub oracle: Sums,
    /// How much of what the oracle had more than the best single agent the selection had, 1 for all; null where it had
    /// nothing more.
    pub gap_closed: Option<f64>,
    /// The same over the second half.
    pub gap_closed_last_half: Option<f64>,
    /// The same beside the best of each group.
    pub gap_closed_of_groups: Option<f64>,
    /// The same over the second half.
    pub gap_closed_of_groups_last_half: Option<f64>,
}

/// What an agent came to: most successes first, then the least cost, then by name.
fn best<'n>(sums: &BTreeMap<&'n str, Sums>) -> &'n str {
    let mut found: Option<(&'n str, &Sums)> = None;
    for (name, sums) in sums {
        let better = found.is_none_or(|(_, other)| {
            sums.successes > other.successes || (sums.successes >= other.successes && sums.cost < other.cost)
        });
        if better {
            found = Some((name, sums));
        }
    }
    found.map_or("", |(name, _)| name)
}

fn group(line: &Line) -> &str {
    line.group.as_ref().map_or("", |group| group.0.as_str())
}

/// The outcome of an agent with a task.
fn of<'l>(line: &'l Line, agent: &str) -> Option<&'l Recorded> {
    line.outcomes.0.iter().find(|(name, _)| name == agent).map(|(_, outcome)| outcome)
}

/// What is learned of an outcome.
pub fn told(outcome: &Recorded) -> Outcome {
    // At most 1e18 seconds, which are more microseconds than there are numbers: those end at the largest.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let micros = outcome.duration.map(|seconds| (seconds * 1e6) as u64);
    Outcome { success: outcome.success, micros }
}

/// Chooses for every task in turn, and learns.
fn choose(lines: &[Line], feedback: Feedback, late_from: usize) -> Sums {
    let (mut rehearsal, mut sums) = (Rehearsal::default(), Sums::default());
    for (place, line) in lines.iter().enumerate() {
        let question = Question { text: &line.text, kind: group(line) };
        let names: Vec<_> = line.outcomes.0.iter().map(|(name, _)| name.as_str()).collect();
        let Some(chosen) = rehearsal.choose(question, &names).map(|answer| answer.chosen) else { continue };
        sums.add(line.outcomes.0.get(chosen).map(|(_, outcome)| outcome), 1.0, place >= late_from);
        for (at, (name, outcome)) in line.outcomes.0.iter().enumerate() {
            if at == chosen || feedback == Feedback::All {
                rehearsal.learn(question, name, told(outcome));
            }
        }
    }
    sums
}

/// Works everything out.
pub fn figures(lines: &[Line], feedback: Feedback) -> Figures {
    let tasks = lines.len();
    let late_from = tasks / 2;
    let mut by_agent: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut by_group: BTreeMap<&str, BTreeMap<&str, Sums>> = BTreeMap::new();
    let (mut random, mut oracle) = (Sums::default(), Sums::default());
    for (place, line) in lines.iter().enumerate() {
        let late = place >= late_from;
        for (name, outcome) in &line.outcomes.0 {
            by_agent.entry(name).or_default().add(Some(outcome), 1.0, late);
            by_group.entry(group(line)).or_default().entry(name).or_default().add(Some(outcome), 1.0, late);
            random.add(Some(outcome), 1.0 / line.outcomes.0.len() as f64, late);
        }
        let cost = |outcome: &Recorded| outcome.cost.unwrap_or(0.0);
        let order = |one: &&Recorded, other: &&Recorded| {
            other.success.cmp(&one.success).then(cost(one).total_cmp(&cost(other)))
        };
        oracle.add(line.outcomes.0.iter().map(|(_, outcome)| outcome).min_by(order), 1.0, late);
    }
    let single = best(&by_agent).to_owned();
    let best_of: BTreeMap<&str, &str> = by_group.iter().map(|(group, sums)| (*group, best(sums))).collect();
    let (mut best_single, mut best_of_group) = (Sums::default(), Sums::default());
    for (place, line) in lines.iter().enumerate() {
        best_single.add(of(line, &single), 1.0, place >= late_from);
        let agent = best_of.get(group(line)).copied().unwrap_or_default();
        best_of_group.add(of(line, agent), 1.0, place >= late_from);
    }
    let mut selection = choose(lines, feedback, late_from);
    let most = best_single.successes;
    for sums in [&mut selection, &mut random, &mut best_single, &mut best_of_group, &mut oracle] {
        sums.close(tasks, most);
    }
    let closed = |own: f64, least: f64, most: f64| (most > least).then(|| (own - least) / (most - least));
    Figures {
        tasks,
        agents: by_agent.len(),
        groups: lines.iter().map(group).collect::<BTreeSet<_>>().len(),
        feedback: if feedback == Feedback::Own { "own" } else { "all" },
        gap_closed: closed(selection.successes, best_single.successes, oracle.successes),
        gap_closed_last_half: closed(selection.late, best_single.late, oracle.late),
        gap_closed_of_groups: closed(selection.successes, best_single.successes, best_of_group.successes),
        gap_closed_of_groups_last_half: closed(selection.late, best_single.late, best_of_group.late),
        selection,
        random,
        best_single: Single { agent: single, sums: best_single },
        best_of_group,
        oracle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_counted_as_they_would_have_chosen() {
        let text = r#"{"task":1,"text":"","group":"g","outcomes":{"a":{"success":true,"cost":4},"b":{"success":true,"cost":1}}}
{"task":2,"text":"","group":"g","outcomes":{"a":{"success":true,"cost":4},"b":{"success":false,"cost":1}}}
{"task":3,"text":"","group":"h","outcomes":{"a":{"success":false,"cost":4},"b":{"success":true,"cost":1}}}
{"task":4,"text":"","group":"h","outcomes":{"a":{"success":true,"cost":4},"c":{"success":false,"cost":2}}}"#;
        let lines = super::super::log::read("log", &mut text.as_bytes()).unwrap();
        let figures = figures(&lines, Feedback::All);
        assert_eq!((figures.tasks, figures.agents, figures.groups), (4, 3, 2));
        assert_eq!((figures.best_single.agent.as_str(), figures.best_single.sums.successes), ("a", 3.0));
        assert!((figures.random.successes - 2.5).abs() < 1e-9 && (figures.random.cost - 10.5).abs() < 1e-9);
        assert_eq!(
            (figures.oracle.successes, figures.oracle.cost, figures.oracle.regret),
            (4.0, 1.0 + 4.0 + 1.0 + 4.0, -1.0)
        );
        // In h both have one success, and b was cheaper; what it has no outcome for fails.
        assert_eq!((figures.best_of_group.successes, figures.best_of_group.cost), (3.0, 9.0));
        assert_eq!(figures.gap_closed_of_groups, None);
    }
}
