//! Keys at random: whatever is typed, the console neither panics nor leaves the terminal in disorder.
//!
//! A number of keys from a seed that is printed; with `MENAGERIE_KEYS=60` keys for a minute.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::desk::Desk;
use super::terminal::Terminal;

/// How many keys are pressed when no time is given.
const KEYS: usize = 1_500;

/// How many are sent before the screen is looked at.
const BURST: usize = 25;

/// Keys that are more than one byte, a mouse's doings, half a sequence, bytes that are no text.
const SEQUENCES: &[&[u8]] = &[
    b"\x1b[A",
    b"\x1b[B",
    b"\x1b[C",
    b"\x1b[D",
    b"\x1b[H",
    b"\x1b[F",
    b"\x1b[5~",
    b"\x1b[6~",
    b"\x1b[3~",
    b"\x1b[Z",
    b"\x1bOP",
    b"\x1b[15~",
    b"\x1b[<0;10;10M",
    b"\x1b[<0;10;10m",
    b"\x1b[<64;30;12M",
    b"\x1b[<65;30;12M",
    b"\x1b[<32;119;20M",
    b"\x1b[I",
    b"\x1b[O",
    b"\x1b[200~q\x1b[201~",
    b"\x1b[200~name:\xff\xfe\x1b[201~",
    b"\x1bx",
    b"\x1b",
    b"\xff",
    b"\xc3",
    "é".as_bytes(),
    "名".as_bytes(),
    "\u{301}".as_bytes(),
    "👩‍👩‍👧".as_bytes(),
    b"\x1b[1;5C",
    b"\x1b[99;99R",
];

/// A generator of Marsaglia's family (xorshift64*), so that a seed gives the same keys for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % limit
    }

    fn key(&mut self, out: &mut Vec<u8>) {
        match self.below(10) {
            0 | 1 => out.extend(SEQUENCES[self.below(SEQUENCES.len())]),
            2 => out.push(u8::try_from(self.below(32)).unwrap()),
            3 => out.extend(b"1234567890"[self.below(10)..][..1].iter()),
            4 => out.extend(b"\r\x1bjk/:?y"[self.below(8)..][..1].iter()),
            _ => {
                // Leaving is tried by the other tests, and would be all that this one does.
                let byte = u8::try_from(0x20 + self.below(0x5f)).unwrap();
                out.push(if byte == b'q' { b'z' } else { byte });
            }
        }
    }
}

/// The console has left: as it should, or it fails the test.
#[track_caller]
fn left_well(terminal: &mut Terminal) {
    let status = terminal.ends();
    let screen = terminal.screen();
    assert!(status.success() && !screen.contains("panicked"), "{status}:\n{screen}");
}

#[test]
fn keys_at_random_neither_break_it_nor_the_terminal() {
    let desk = Desk::new();
    let mut dice = Dice(desk.site.seed() | 1);
    let until = std::env::var("MENAGERIE_KEYS").ok().map(|seconds| {
        let seconds = seconds.parse().expect("MENAGERIE_KEYS is a number of seconds, such as 60");
        Instant::now() + Duration::from_secs(seconds)
    });
    let mut terminal = desk.console(&[]);
    let mut pressed = 0;
    while until.map_or(pressed < KEYS, |until| Instant::now() < until) {
        let mut keys = Vec::new();
        for _ in 0..BURST {
            dice.key(&mut keys);
        }
        pressed += BURST;
        terminal.writes(&keys);
        terminal.wait_for("the keys to be read", |terminal| terminal.has_ended() || terminal.unread() == 0);
        if dice.below(10) == 0 {
            terminal.resizes((u16::try_from(dice.below(200)).unwrap() + 1, u16::try_from(dice.below(60)).unwrap() + 1));
        }
        if terminal.has_ended() {
            left_well(&mut terminal);
            terminal = desk.console(&[]);
        }
    }
    eprintln!("{pressed} keys");
    // It still draws, and leaves when it is told to.
    terminal.resizes((100, 30));
    terminal.sees("menagerie");
    terminal.signals(Signal::TERM);
    left_well(&mut terminal);
}
