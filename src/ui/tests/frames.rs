//! Every screen as a picture, compared with the one that was looked at last. `MENAGERIE_UPDATE=1` rewrites them; then
//! look at what changed (`cat` shows colours).

use std::path::{Path, PathBuf};

use super::{Driver, options};
use crate::ui::place::Place;
use crate::ui::terminal::ColorDepth;

pub const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

pub fn check(name: &str, found: &str) -> Result<(), String> {
    let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui/tests/frames").join(name);
    if std::env::var_os("MENAGERIE_UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, found).unwrap();
        return Ok(());
    }
    match std::fs::read_to_string(&file) {
        Ok(expected) if expected == found => Ok(()),
        Ok(_) => Err(format!("{name} looks different now:\n{found}")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// Compares the frame as it is now with `NAME-SIZE-color.ans` or `-mono.ans`.
pub fn check_encoded(name: &str, size: (u16, u16), depth: ColorDepth, driver: &mut Driver) -> Result<(), String> {
    let suffix = if depth == ColorDepth::Mono { "mono" } else { "color" };
    check(&format!("{name}-{}x{}-{suffix}.ans", size.0, size.1), &driver.draw_encoded())
}

#[test]
fn every_screen_at_three_sizes_in_colour_and_without() {
    let mut problems = Vec::new();
    for (place, name) in Place::MAIN {
        for size in SIZES {
            for depth in [ColorDepth::True, ColorDepth::Mono] {
                let mut driver = Driver::with(options(depth), place, size);
                problems.extend(check_encoded(name, size, depth, &mut driver).err());
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Details and layers, each reached by keys from a main screen.
const REACHED: &[(&str, Place, &str)] = &[
    ("inbox-decision", Place::Inbox, ""),
    ("inbox-group", Place::Inbox, "j j j j"),
    ("inbox-reject", Place::Inbox, "j j x"),
    ("inbox-changes", Place::Inbox, "j j ="),
    ("inbox-failed", Place::Inbox, "j"),
    ("inbox-alert", Place::Inbox, "G"),
    ("artifact-code", Place::Inbox, "j j enter"),
    ("artifact-report", Place::Inbox, "enter"),
];

#[test]
fn what_is_reached_by_keys_looks_as_it_did() {
    let mut problems = Vec::new();
    for (name, place, keys) in REACHED {
        for (size, depth) in
            [((80, 24), ColorDepth::Mono), ((120, 36), ColorDepth::True), ((200, 60), ColorDepth::True)]
        {
            let mut driver = Driver::with(options(depth), place, size);
            driver.later(std::time::Duration::from_secs(5));
            if !keys.is_empty() {
                driver.press(keys);
            }
            let suffix = if depth == ColorDepth::Mono { "mono" } else { "color" };
            let file = format!("{name}-{}x{}-{suffix}.ans", size.0, size.1);
            problems.extend(check(&file, &driver.draw_encoded()).err());
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_details_of_cages() {
    let mut problems = Vec::new();
    let mut look = |name: &str, place: &Place, keys: &str, size: (u16, u16), ascii: bool| {
        for depth in [ColorDepth::True, ColorDepth::Mono] {
            let mut driver = Driver::with(crate::ui::Options { ascii, ..options(depth) }, place, size);
            if !keys.is_empty() {
                driver.press(keys);
            }
            let suffix = if depth == ColorDepth::Mono { "mono" } else { "color" };
            let file = format!("{name}-{}x{}-{suffix}.ans", size.0, size.1);
            problems.extend(check(&file, &driver.draw_encoded()).err());
        }
    };
    for size in SIZES {
        look("cage", &Place::Cage("042".into()), "", size, false);
        look("cage-alerts", &Place::Cage("404".into()), "g", size, false);
        look("cages-list", &Place::Cages, "L o", size, false);
    }
    look("cages-worst", &Place::Cages, "m o j l", SIZES[1], false);
    look("cages-filtered", &Place::Cages, "/ 4 0 enter space v j", SIZES[2], false);
    look("cages-ascii", &Place::Cages, "", SIZES[2], true);
    look("overview-ascii", &Place::Overview, "", SIZES[0], true);
    look("cage-ascii", &Place::Cage("042".into()), "k k", SIZES[0], true);
    // Small fleets are drawn larger.
    for (count, size) in [(11, SIZES[0]), (100, SIZES[1])] {
        let mut driver = super::cages::with_cells(size, &super::fleet::cages::grid(count));
        let file = format!("cages-{count}-{}x{}-color.ans", size.0, size.1);
        problems.extend(check(&file, &driver.draw_encoded()).err());
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_terminal_that_is_too_small_is_told_kindly() {
    for size in [(40, 10), (10, 3), (1, 1)] {
        let mut driver = Driver::new(&Place::Tasks, size);
        let frame = driver.draw();
        if size == (40, 10) {
            assert!(frame.contains("The fleet goes on.") && frame.contains("q quits"), "{frame}");
            assert!(
                frame.contains("12 running, 340 queued, 8 failed") && frame.contains("27 to review, 2 alerts"),
                "{frame}"
            );
        }
    }
}
