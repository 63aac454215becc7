//! What can be done with figures over time: another range, another function, another moment, and GPUs instead.

use super::grid::{only_in, perform};
use crate::ui::action::{Action, Scope};

macro_rules! performed {
    ($($name:ident, $action:literal, $title:literal, $hint:literal, $scopes:expr, $help:literal;)+) => {$(
        #[doc = $help]
        pub static $name: Action = Action {
            name: $action,
            title: $title,
            help: $help,
            changes: false,
            hint: $hint,
            ready: |app| only_in(app, $scopes),
            run: |app| perform(app, $action),
        };
    )+};
}

performed! {
    EARLIER, "earlier", "earlier", 2, CHART, "look at what was before: half of the range further back";
    LATER, "later", "later", 2, CHART, "half of the range forward again, until now is reached and followed";
    RANGE_LONGER, "range_longer", "longer", 3, CHART, "show a longer time: 15m, 1h, 6h, 24h, 7d";
    RANGE_SHORTER, "range_shorter", "shorter", 3, CHART, "show a shorter time: 7d, 24h, 6h, 1h, 15m";
    FUNCTION, "function", "function", 3, CHART, "what is made of the values of each step: avg, min, max, p50, p95; of counters rate";
    COMPARE, "compare", "compare", 3, CHART, "show the same time span before it too, as dim lines";
    GPUS, "gpus", "GPUs", 3, BOTH, "show the GPUs of every machine with what runs on them, or the metrics again";
}

const CHART: &[Scope] = &[Scope::Metrics];
const BOTH: &[Scope] = &[Scope::Metrics, Scope::Gpus];
