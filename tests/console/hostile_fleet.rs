//! Names, outputs and artifacts that are made to break a console: none of it reaches the terminal as it is, and nothing is moved
//! out of its place.

use std::process::Stdio;

use menagerie::domain::TaskStatus;
use serde_json::json;

use super::desk::{SIZE, console, submit, task};
use super::site::Site;
use super::terminal::Terminal;

/// Names as nobody should choose them.
fn names() -> Vec<String> {
    let marks = "\u{301}\u{335}\u{334}\u{321}".repeat(30);
    vec![
        "\x1b[2J\x1b[31mred\x07".to_owned(),
        "\x1b]52;c;eA==\x07 copied".to_owned(),
        "\x1b]0;title\x1b\\ titled \x1b[?1049l\x1bc".to_owned(),
        "\u{9b}31m \u{90}q\u{9c} C1".to_owned(),
        "\u{202e}tfel ot thgir\u{202c} \u{2066}x\u{2069}".to_owned(),
        "שלום عالم mixed".to_owned(),
        format!("z{marks}a{marks}l{marks}go"),
        "👩‍👩‍👧‍👦 family 🏳️‍🌈 🇩🇪 👍🏽".to_owned(),
        "zero\u{200b}\u{200b}\u{2060}\u{feff}width".to_owned(),
        "名前がとても長いタスク".repeat(8),
        "x".repeat(100),
        "tab\there\nand\r\nthere\x08\x08\x7f".to_owned(),
    ]
}

/// Prints what a name says, with `printf` escapes, so that it passes through a shell.
fn octal(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "\\{byte:03o}");
        out
    })
}

/// A fleet whose every name is an attack, with output and artifacts to match.
fn fleet(site: &mut Site) -> String {
    site.start_engine();
    site.apply_fleet(2, 4);
    let names = names();
    // Of a task's type the engine refuses control characters; the rest of it is taken. It waits for an agent that is not there.
    assert!(site.command(&["agent", "drain", "a2"]).stdout(Stdio::null()).status().unwrap().success());
    for name in &names {
        let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
        submit(site, name.trim(), "true", &json!({"agent": "a2"}));
    }
    let said: String = names.iter().map(|name| octal(name) + "\\012").collect();
    let titles = [names[0].clone(), names[4].clone(), names[6].clone(), "long ".repeat(100)];
    let artifacts: String = titles
        .iter()
        .map(|title| {
            let title: String = title.chars().take(500).collect();
            let line = json!({"type": "artifact", "title": title, "kind": "doc", "content": format!("# {}\n{}\n", names[1], names.join("\n"))});
            octal(&line.to_string()) + "\\012"
        })
        .collect();
    let note = json!({"type": "progress", "percent": 40, "message": names[2]});
    let makes = submit(site, "makes", &format!("printf '{artifacts}'"), &json!({}));
    site.wait_for_status(&makes, TaskStatus::Completed);
    let said = format!("printf '{}\\012{said}'; printf '{said}' >&2", octal(&note.to_string()));
    let script = format!("{said}; while :; do sleep 1; done");
    let id = submit(site, "loud", &script, &json!({"priority": 9}));
    site.wait_for_status(&id, TaskStatus::Executing);
    // A failure whose words are an attack, too.
    let broken = submit(site, "breaks", &format!("printf '{}' >&2; exit 3", octal(&names[0])), &json!({}));
    site.wait_for_status(&broken, TaskStatus::Failed);
    id
}

/// The panel's sides stand where they belong on every line.
#[track_caller]
fn is_in_order(terminal: &mut Terminal, size: (u16, u16)) {
    let crooked = |terminal: &Terminal| {
        let straight = |line: u16| [0, size.0 - 1].iter().all(|column| terminal.cell((*column, line)) == "│");
        (2..size.1 - 2).filter(|line| !straight(*line)).collect::<Vec<_>>()
    };
    terminal.wait_for("the panel's sides to be straight", |terminal| crooked(terminal).is_empty());
}

#[test]
fn a_hostile_fleet_is_shown_and_obeyed_nowhere() {
    let mut site = Site::new();
    let loud = fleet(&mut site);
    site.wait_for("its artifacts", |site| site.status().is_some_and(|status| status.artifacts.pending >= 4));
    for size in [SIZE, (80, 24), (200, 60)] {
        let mut terminal = Terminal::start(size, || console(&site, &[]));
        terminal.sees("running");
        for (key, name) in [
            ("1", "overview"),
            ("2", "inbox"),
            ("3", "cages"),
            ("4", "agents"),
            ("5", "tasks"),
            ("6", "artifacts"),
            ("0", "events"),
        ] {
            terminal.types(key);
            terminal.sees(&format!("╭ {name}"));
            is_in_order(&mut terminal, size);
            // Down the list and into the first things on it, and back.
            for _ in 0..6 {
                terminal.presses("j");
                is_in_order(&mut terminal, size);
            }
            terminal.types("\r");
            terminal.all_is_read();
            is_in_order(&mut terminal, size);
            terminal.types("\x1b");
            terminal.all_is_read();
        }
        // The names of waiting tasks as reasons, and as titles of dialogs.
        terminal.types("5");
        terminal.sees("╭ tasks");
        terminal.types("/status:pending\r");
        terminal.sees("╭ tasks [12]");
        for key in ["w", "r", "p"] {
            terminal.types(key);
            terminal.all_is_read();
            terminal.types("\x1b");
            terminal.all_is_read();
        }
        terminal.types("\x1b");
        terminal.types("/\x15type:loud\r");
        terminal.sees("╭ tasks [1]");
        terminal.types("l");
        terminal.sees("╭ output of loud");
        terminal.sees("copied");
        is_in_order(&mut terminal, size);
        terminal.types("\x1b");
        terminal.sees_no_longer("╭ output of loud");
        assert!(terminal.is_taken(), "{:?}", terminal.scan.modes);
        assert!(terminal.scan.copied.is_empty(), "{:?}", terminal.scan.copied);
        terminal.quits();
        assert_eq!(terminal.scan.taken, 1);
    }
    assert_eq!(task(&site, &loud)["status"], "executing");
}
