//! All cages in short, as they came last, and the shares that are shown of them.

use super::measure::{Measure, Shown};
use crate::api::live::CageCell;
use crate::domain::CageId;

/// All cages, by number.
#[derive(Default)]
pub struct Cells {
    cells: Vec<CageCell>,
    /// For each cell and measure the share that is shown.
    shares: Vec<[Shown; Measure::ALL.len()]>,
}

impl Cells {
    /// Takes what came; shares that hardly moved stay as they were, until they rest. Of a cage in which nothing runs the share
    /// is shown as it is: often nothing comes after that, and what was left from work would stand there for good.
    pub fn take(&mut self, cells: &[CageCell]) {
        let share = |cell: &CageCell, measure: Measure| {
            let shown = self.find(cell.id).and_then(|place| self.shares.get(place));
            let shown = shown.map_or_else(Shown::default, |shares| shares[measure as usize]);
            let now = measure.of(cell).share();
            if cell.running == 0 { Shown::at_rest(now) } else { shown.next(now) }
        };
        let shares = cells.iter().map(|cell| Measure::ALL.map(|measure| share(cell, measure))).collect();
        self.shares = shares;
        self.cells = cells.to_vec();
    }

    /// All of them.
    pub fn all(&self) -> &[CageCell] {
        &self.cells
    }

    /// The place of a cage.
    pub fn find(&self, id: CageId) -> Option<usize> {
        self.cells.binary_search_by_key(&id, |cell| cell.id).ok()
    }

    /// The share of a limit that is shown for the cage at a place; `None` where it is not known.
    pub fn share(&self, place: usize, measure: Measure) -> Option<f64> {
        self.shares.get(place).and_then(|shares| shares[measure as usize].share)
    }

    /// The cage that uses most of its limit of a measure, as the cells show it; where nothing is limited, the one that uses
    /// most. `None` when nobody knows of any.
    pub fn fullest(&self, measure: Measure) -> Option<&CageCell> {
        let used = |place: usize| measure.of(&self.cells[place]).used.unwrap_or(-1.0);
        self.first(measure, |place| (self.share(place, measure).unwrap_or(-1.0), used(place)))
    }

    /// The cage that uses most of a measure, whatever its limit.
    pub fn most(&self, measure: Measure) -> Option<&CageCell> {
        self.first(measure, |place| (measure.of(&self.cells[place]).used.unwrap_or(-1.0), 0.0))
    }

    fn first(&self, measure: Measure, rank: impl Fn(usize) -> (f64, f64)) -> Option<&CageCell> {
        let known = (0..self.cells.len()).filter(|place| measure.of(&self.cells[*place]).used.is_some());
        let most = known.max_by(|one, other| {
            let (one, other) = (rank(*one), rank(*other));
            one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1))
        });
        most.and_then(|place| self.cells.get(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::live::Gauge;
    use crate::domain::CageStatus;

    #[test]
    fn a_cage_that_has_come_to_rest_shows_what_is_and_one_at_work_is_calm() {
        let mut cells = Cells::default();
        let mut shown = |used: f64, running: u32| {
            let empty = Gauge { used: None, granted: None, limit: None };
            let cell = CageCell {
                id: "014".parse().unwrap(),
                status: CageStatus::Occupied,
                state: if running > 0 {
                    crate::api::live::CellState::Running
                } else {
                    crate::api::live::CellState::Idle
                },
                node: None,
                agent: None,
                running,
                alerts: 0,
                cpu: empty,
                memory: Gauge { used: Some(used), granted: None, limit: Some(100.0) },
                memory_peak: empty,
                gpu: empty,
                tokens: empty,
                pids: empty,
            };
            cells.take(&[cell]);
            crate::ui::text::percent(cells.share(0, Measure::Memory).unwrap())
        };
        assert_eq!([shown(2.0, 1), shown(4.0, 1)], ["2%", "2%"], "a small move of one at work says nothing");
        assert_eq!(shown(4.0, 0), "4%", "nothing comes any more after this");
        assert_eq!(shown(1.0, 0), "1%");
        assert_eq!([shown(2.0, 1), shown(3.0, 1)], ["1%", "1%"], "at work again it is calm again");
    }
}
