//! Under `--ascii` nothing beyond ASCII is drawn, whatever things are called.

use super::{Driver, options};
use crate::ui::Options;
use crate::ui::place::Place;
use crate::ui::terminal::ColorDepth;

#[test]
fn no_frame_of_any_screen_has_a_byte_beyond_ascii() {
    let more = [
        Place::Cage("042".into()),
        Place::Task(super::fleet::tasks_page(0, 10).rows[3].id.to_string()),
        Place::Alert(super::fleet::alerts::alert(0).id.to_string()),
        Place::AlertRules,
        Place::Silences,
    ];
    let places = Place::MAIN.iter().map(|(place, _)| place).chain(&more);
    for place in places {
        for size in [(80, 24), (120, 36), (200, 60)] {
            let options = Options { ascii: true, ..options(ColorDepth::True) };
            let mut driver = Driver::with(options, place, size);
            let mut look = |keys: &str| {
                if !keys.is_empty() {
                    driver.press(keys);
                }
                let frame = driver.draw();
                let odd = frame.lines().find(|line| !line.is_ascii());
                assert_eq!(odd, None, "{place:?} at {size:?} after {keys:?}");
                assert!(driver.draw_encoded().is_ascii(), "{place:?} at {size:?} after {keys:?}");
            };
            for keys in ["", "G", "?", "esc", ":"] {
                look(keys);
            }
        }
    }
}
