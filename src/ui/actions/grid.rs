//! What can be done with cages and agents beside changing the fleet: moving about and choosing what is shown.

use crate::ui::action::{Action, Scope};
use crate::ui::app::App;

performed! {
    CELL_LEFT, "cell_left", "left", 0, GRID, "one cage to the left";
    CELL_RIGHT, "cell_right", "right", 0, GRID, "one cage to the right";
    NEXT_CELL, "next_cell", "next match", 0, GRID, "to the next cage that the filter lets through";
    PREVIOUS_CELL, "previous_cell", "previous match", 0, GRID, "to the cage before that the filter lets through";
    MEASURE, "measure", "measure", 3, MEASURED, "show another measure of cages: memory, cpu, gpu, tokens, memory peak";
    FULLEST_FIRST, "fullest_first", "fullest first", 3, CAGES, "those that use most of their limit first, or by number again";
    GRID_OR_LIST, "grid_or_list", "grid/list", 2, CAGES, "show the cages as a list with all figures, or as a grid again";
    NEXT_ROW, "next_row", "down", 0, ROWS, "one row down, from panel to panel";
    PREVIOUS_ROW, "previous_row", "up", 0, ROWS, "one row up, from panel to panel";
    FIRST_ROW, "first_row", "top", 0, ROWS, "to the first row";
    LAST_ROW, "last_row", "bottom", 0, ROWS, "to the last row";
    NEXT_PANEL, "next_panel", "next panel", 2, CAGE, "to the next panel, which then gets the room there is";
    CAGE_OUTPUT, "cage_output", "output", 2, CAGE, "the whole output of the execution under the cursor, or of the one that runs";
    ATTEMPT_OUTPUT, "attempt_output", "output", 2, AGENT, "the whole output of the attempt under the cursor";
    FACTS_DOWN, "facts_down", "more of it", 2, AGENT, "scroll down in what is known of the agent";
    FACTS_UP, "facts_up", "back", 0, AGENT, "scroll up in what is known of the agent";
}

const GRID: &[Scope] = &[Scope::Grid];
const CAGES: &[Scope] = &[Scope::Cages];
const CAGE: &[Scope] = &[Scope::Cage];
const AGENT: &[Scope] = &[Scope::Agent];
const MEASURED: &[Scope] = &[Scope::Cages, Scope::Overview];
const ROWS: &[Scope] = &[Scope::Cage, Scope::Overview, Scope::Gpus, Scope::Alert, Scope::Dashboards];

/// The palette offers every action everywhere; some mean something only on some screens.
pub(super) fn only_in(app: &App, scopes: &[Scope]) -> Result<(), String> {
    if app.scopes().iter().any(|scope| scopes.contains(scope)) {
        return Ok(());
    }
    let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    Err(format!("only on the screen {}", names.join(" or ")))
}

pub(super) fn perform(app: &mut App, action: &'static str) {
    app.with_screen(|screen, out| screen.perform(action, out));
}
