//! A panic gives the terminal back before it speaks. The console has no key that panics, so this binary takes the terminal as the
//! console does and panics itself.

use std::process::Command;

use menagerie::ui::terminal::{ColorDepth, Manners, Taken};
use ratatui::widgets::Paragraph;

use super::desk::SIZE;
use super::terminal::Terminal;

/// What makes [`takes_a_terminal_and_panics`] do so: the thread that is to panic.
const PANICS: &str = "MENAGERIE_PANICS_IN";

#[test]
#[ignore = "run by the test below in a terminal of its own"]
fn takes_a_terminal_and_panics() {
    let Ok(place) = std::env::var(PANICS) else { return };
    let manners = Manners { depth: ColorDepth::True, synchronized: true, mouse: true };
    let mut taken = Taken::take(manners, || ()).unwrap();
    taken.draw(|frame| frame.render_widget(Paragraph::new("drawn"), frame.area())).unwrap();
    if place == "drawing" {
        taken.draw(|_| panic!("while drawing")).unwrap();
    }
    if place == "beside" {
        // What draws goes on as if nothing had happened, and must not be seen.
        std::thread::spawn(|| panic!("while beside")).join().unwrap_err();
        let drawn = taken.draw(|frame| frame.render_widget(Paragraph::new("drawn again"), frame.area()));
        assert!(drawn.is_err() && taken.send("sent again").is_err());
        std::process::exit(101);
    }
    panic!("while waiting");
}

#[test]
fn the_terminal_is_as_it_was_and_says_what_happened() {
    for place in ["drawing", "waiting", "beside"] {
        let mut terminal = Terminal::start(SIZE, || {
            let mut command = Command::new(std::env::current_exe().unwrap());
            let name = "panicking::takes_a_terminal_and_panics";
            command
                .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
                .env(PANICS, place)
                .env("RUST_BACKTRACE", "0");
            command
        });
        let status = terminal.ends();
        assert_eq!((status.code(), terminal.scan.taken), (Some(101), 1), "{status}: {}", terminal.screen());
        // The words come after the alternate screen was left: they stay.
        assert!(terminal.screen().contains(&format!("while {place}")), "{}", terminal.screen());
        assert!(!terminal.screen().contains("again"), "{}", terminal.screen());
    }
}
