//! What can be done with figures over time: another range, another function, another moment, and GPUs instead.

use super::grid::{only_in, perform};
use crate::ui::action::{Action, Scope};

performed! {
    EARLIER, "earlier", "earlier", 2, RANGED, "look at what was before: half of the range further back";
    LATER, "later", "later", 2, RANGED, "half of the range forward again, until now is reached and followed";
    RANGE_LONGER, "range_longer", "longer", 3, RANGED, "show a longer time";
    RANGE_SHORTER, "range_shorter", "shorter", 3, RANGED, "show a shorter time";
    FUNCTION, "function", "function", 3, CHART, "what is made of the values of each step: avg, min, max, p50, p95; of counters rate";
    COMPARE, "compare", "compare", 3, CHART, "show the same time span before it too, as dim lines";
    WHOLE_CHART, "whole_chart", "whole chart", 0, CHART, "give the chart all the room, or show the list of metrics beside it again";
    GPUS, "gpus", "GPUs", 3, BOTH, "show the GPUs of every machine with what runs on them, or the metrics again";
}

const CHART: &[Scope] = &[Scope::Metrics];
const RANGED: &[Scope] = &[Scope::Metrics, Scope::Dashboards];
const BOTH: &[Scope] = &[Scope::Metrics, Scope::Gpus];
