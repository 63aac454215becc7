//! What a cell of the grid shows of its cage: the mark of its state and how much of a limit is used.

use crate::api::live::{CageCell, CellState, Gauge};
use crate::domain::CageStatus;
use crate::ui::look::Mark;
use crate::ui::text;
use crate::ui::theme::Role;

/// How the state of a cage is marked.
const fn mark(state: CellState) -> Mark {
    match state {
        CellState::Running => Mark::Running,
        CellState::Starting => Mark::Starting,
        CellState::Idle => Mark::Idle,
        CellState::Waiting => Mark::Human,
        CellState::Warning => Mark::Warning,
        CellState::Stopped => Mark::Stopped,
        CellState::Failing | CellState::Error | CellState::Critical => Mark::Failed,
        CellState::Unknown => Mark::Unknown,
    }
}

/// How a cage is marked: one that is empty and one that is withheld are not the same, though nothing runs in either.
pub const fn mark_of(cell: &CageCell) -> Mark {
    match (cell.state, cell.status) {
        (CellState::Stopped, CageStatus::Maintenance) => Mark::Withheld,
        (CellState::Stopped, _) => Mark::Vacant,
        (state, _) => mark(state),
    }
}

/// What goes on in a cage, in a word.
pub const fn word_of(cell: &CageCell) -> &'static str {
    match (cell.state, cell.status) {
        (CellState::Stopped, CageStatus::Maintenance) => "withheld",
        (CellState::Stopped, _) => "vacant",
        (state, _) => state.as_str(),
    }
}

/// The states from that which needs an eye most to that which needs none.
pub const WORST_FIRST: [CellState; 10] = [
    CellState::Critical,
    CellState::Failing,
    CellState::Error,
    CellState::Warning,
    CellState::Unknown,
    CellState::Waiting,
    CellState::Starting,
    CellState::Running,
    CellState::Idle,
    CellState::Stopped,
];

/// What is shown of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Bytes in use. First, because it is what ends agents.
    #[default]
    Memory,
    /// Cores.
    Cpu,
    /// GPU devices.
    Gpu,
    /// Tokens in the limit's window.
    Tokens,
    /// The most bytes that were in use since the cage was set up.
    Peak,
}

impl Measure {
    /// All, in the order in which one goes through them.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Cpu, Self::Gpu, Self::Tokens, Self::Peak];

    /// The one after this.
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Peak => "memory peak",
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Tokens => "tokens",
        }
    }

    /// Its figures in a cell.
    pub const fn of(self, cell: &CageCell) -> &Gauge {
        match self {
            Self::Memory => &cell.memory,
            Self::Peak => &cell.memory_peak,
            Self::Cpu => &cell.cpu,
            Self::Gpu => &cell.gpu,
            Self::Tokens => &cell.tokens,
        }
    }

    /// A value of it, in at most six columns.
    pub fn value(self, value: f64) -> String {
        match self {
            Self::Memory | Self::Peak => text::bytes(value),
            Self::Cpu => cores(value),
            Self::Gpu => text::decimals(value, 0),
            Self::Tokens => thousands(value),
        }
    }

    /// `412M of 512M (80%)`, with `-` for what is unknown.
    pub fn words(self, cell: &CageCell) -> String {
        used_of(self.of(cell), |value| self.value(value))
    }
}

/// `412M of 512M (80%)`; `412M, no limit`; `- of 512M` when nobody has measured it; `-` when nothing is known.
pub fn used_of(gauge: &Gauge, value: impl Fn(f64) -> String) -> String {
    match (gauge.used, gauge.limit) {
        (Some(used), Some(limit)) => {
            let share = gauge.share().map(|share| format!(" ({})", text::percent(share))).unwrap_or_default();
            format!("{} of {}{share}", value(used), value(limit))
        }
        (Some(used), None) => format!("{}, no limit", value(used)),
        (None, Some(limit)) => format!("- of {}", value(limit)),
        (None, None) => "-".to_owned(),
    }
}

/// The same with fewer letters: `412M/512M 80%`, `412M`, `-/512M`, `-`.
pub fn in_short(gauge: &Gauge, value: impl Fn(f64) -> String) -> String {
    let used = gauge.used.map_or("-".to_owned(), &value);
    let limit = gauge.limit.map(|limit| format!("/{}", value(limit))).unwrap_or_default();
    let share = gauge.share().map(|share| format!(" {}", text::percent(share))).unwrap_or_default();
    format!("{used}{limit}{share}")
}

/// Cores in at most four columns: `0.25`, `12.5`, `128`.
pub fn cores(value: f64) -> String {
    let decimals = match value.abs() {
        small if small < 9.995 => 2,
        middle if middle < 99.95 => 1,
        _ => 0,
    };
    text::decimals(value, decimals)
}

/// A number of things in at most five columns: `812`, `12.5k`, `200k`, `1.2M`.
pub fn thousands(value: f64) -> String {
    let mut value = value;
    for unit in ["", "k", "M", "G"] {
        if value < 999.5 {
            let whole = unit.is_empty() || value >= 99.95 || (value - value.round()).abs() < 0.05;
            return format!("{}{unit}", text::decimals(value, usize::from(!whole)));
        }
        value /= 1_000.0;
    }
    format!("{value:.0}T")
}

/// From which share on the last but one and the last colour begin.
const LEVELS: [f64; 4] = [0.1, 0.4, 0.7, 0.9];

/// The colour of a share.
pub fn heat(share: f64) -> Role {
    const ROLES: [Role; 5] = [Role::Heat0, Role::Heat1, Role::Heat2, Role::Heat3, Role::Heat4];
    ROLES[LEVELS.iter().filter(|level| share >= **level).count()]
}

/// A share as one sign: its tenth, `!` for all of the limit and more, `-` for what nobody knows.
pub fn digit(share: Option<f64>) -> char {
    match share {
        None => '-',
        Some(share) if share >= 1.0 => '!',
        Some(share) => {
            let tenth = (0u8..10).rev().find(|tenth| share * 10.0 >= f64::from(*tenth)).unwrap_or(0);
            char::from(b'0' + tenth)
        }
    }
}

/// What is used where there is no limit of which it could be a share, in at most so many columns; `None` where there is one, where it
/// is unknown, and where there is no room.
pub fn unlimited(gauge: &Gauge, columns: usize, value: impl Fn(f64) -> String) -> Option<String> {
    let used = value(gauge.used.filter(|_| gauge.limit.is_none())?);
    if text::width(&used) <= columns {
        return Some(used);
    }
    // Rather without its fraction than not at all: `12.5k`, `12k`.
    let (whole, rest) = used.split_once('.')?;
    let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    Some(format!("{whole}{unit}")).filter(|short| text::width(short) <= columns)
}

/// How far a share has to move before the grid shows it: with a thousand cages at work every frame would be all new
/// otherwise, and cells that are sorted by it would dance.
const MOVES: f64 = 0.04;

/// After so many times at the same per cent a share is shown as it is, so that cells agree with figures beside them once
/// cages rest.
const RESTS: u8 = 10;

/// The share that is shown of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shown {
    /// What is shown; `None` where nothing is known.
    pub share: Option<f64>,
    /// What came last.
    last: Option<f64>,
    /// How often in a row that was the same, in whole per cent.
    rested: u8,
}

impl Shown {
    /// What to show of a cage in which nothing runs: what came.
    pub const fn at_rest(now: Option<f64>) -> Self {
        Self { share: now, last: now, rested: 0 }
    }

    /// What to show when `now` comes: the old share while the difference says nothing.
    #[must_use]
    pub fn next(self, now: Option<f64>) -> Self {
        let per_cent = |share: Option<f64>| share.map(|share| (share * 100.0).round());
        let rested = if per_cent(now) == per_cent(self.last) { self.rested.saturating_add(1) } else { 0 };
        let share = match (self.share, now) {
            (Some(old), Some(new)) => {
                let moved = (new - old).abs() >= MOVES;
                let alarming = (new >= LEVELS[3]) != (old >= LEVELS[3]) || (new >= 1.0) != (old >= 1.0);
                let zero = (new <= 0.0) != (old <= 0.0);
                Some(if moved || alarming || zero || rested >= RESTS { new } else { old })
            }
            (_, now) => now,
        };
        Self { share, last: now, rested }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_as_one_sign() {
        let found: String = [Some(0.0), Some(0.09), Some(0.1), Some(0.85), Some(0.999), Some(1.0), None]
            .map(digit)
            .into_iter()
            .collect();
        assert_eq!(found, "00189!-");
    }

    #[test]
    fn small_moves_are_shown_when_they_rest_and_alarming_ones_at_once() {
        let after = |shares: &[Option<f64>]| shares.iter().fold(Shown::default(), |shown, now| shown.next(*now)).share;
        assert_eq!(after(&[Some(0.50), Some(0.52)]), Some(0.50));
        assert_eq!(after(&[Some(0.50), Some(0.55)]), Some(0.55));
        assert_eq!(after(&[Some(0.89), Some(0.91)]), Some(0.91));
        assert_eq!(after(&[Some(0.99), Some(1.0)]), Some(1.0));
        assert_eq!(after(&[Some(0.01), Some(0.0)]), Some(0.0));
        assert_eq!(after(&[Some(0.5), None]), None);
        assert_eq!(after(&[None, Some(0.01)]), Some(0.01));
        let mut resting = vec![Some(0.50)];
        resting.extend([Some(0.521); RESTS as usize]);
        assert_eq!(after(&resting), Some(0.50));
        resting.push(Some(0.519));
        assert_eq!(after(&resting), Some(0.519), "to the per cent it has not moved");
    }

    #[test]
    fn unknown_is_not_zero() {
        let gauge = Gauge { used: None, granted: None, limit: Some(2.0) };
        assert_eq!(used_of(&gauge, cores), "- of 2.00");
        assert_eq!(used_of(&Gauge { used: Some(1.0), granted: None, limit: None }, cores), "1.00, no limit");
        assert_eq!(used_of(&Gauge::default(), cores), "-");
        assert_eq!(in_short(&Gauge { used: None, granted: None, limit: Some(2.0) }, cores), "-/2.00");
        let open = |used: f64| Gauge { used: Some(used), granted: None, limit: None };
        assert_eq!(unlimited(&open(12_500.0), 4, thousands).as_deref(), Some("12k"));
        assert_eq!(unlimited(&open(0.0), 4, thousands).as_deref(), Some("0"));
        assert_eq!(unlimited(&open(102_000.0), 3, thousands), None);
        assert_eq!(unlimited(&gauge, 4, thousands), None);
        assert_eq!(in_short(&Gauge { used: Some(1.0), granted: None, limit: Some(2.0) }, cores), "1.00/2.00 50%");
    }

    #[test]
    fn figures_are_short() {
        assert_eq!([cores(0.25), cores(12.5), cores(128.0)], ["0.25", "12.5", "128"]);
        assert_eq!(
            [thousands(812.0), thousands(12_500.0), thousands(200_000.0), thousands(1.2e6), thousands(3e12)],
            ["812", "12.5k", "200k", "1.2M", "3T"]
        );
    }
}
