//! Turns changed cells into as few bytes as can be, one write a frame.
//!
//! A frame is collected, put inside a synchronized update (DEC private mode 2026) and written at once; a frame without
//! changes writes nothing. Colours are brought down to what the terminal can show. Whatever a cell holds, no control
//! character leaves here: that is the last of the guards against hostile names and output.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use super::color::{ColorDepth, lower};

/// What the terminal was last told to write with.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// Each attribute with the code that sets it and the one that ends it.
const ATTRIBUTES: &[(Modifier, &str, &str)] = &[
    (Modifier::BOLD, "1", "22"),
    (Modifier::DIM, "2", "22"),
    (Modifier::ITALIC, "3", "23"),
    (Modifier::UNDERLINED, "4", "24"),
    (Modifier::REVERSED, "7", "27"),
    (Modifier::CROSSED_OUT, "9", "29"),
];

/// A ratatui backend that writes to `out`.
pub struct Encoder<W: Write> {
    out: W,
    frame: Vec<u8>,
    pen: Option<Pen>,
    /// Where the terminal's cursor is; `None` when it cannot be known.
    at: Option<(u16, u16)>,
    cursor_shown: Option<bool>,
    size: Size,
    depth: ColorDepth,
    synchronized: bool,
    written: u64,
    /// How long the last write took.
    took: Duration,
}

impl<W: Write> Encoder<W> {
    /// Makes an encoder for a screen of `size`.
    pub fn new(out: W, size: Size, depth: ColorDepth, synchronized: bool) -> Self {
        let frame = Vec::with_capacity(16 * 1024);
        Self {
            out,
            frame,
            pen: None,
            at: None,
            cursor_shown: None,
            size,
            depth,
            synchronized,
            written: 0,
            took: Duration::ZERO,
        }
    }

    /// Shows other colours, and puts frames into synchronized updates or not.
    pub const fn set_manners(&mut self, depth: ColorDepth, synchronized: bool) {
        (self.depth, self.synchronized) = (depth, synchronized);
    }

    /// Takes note that the screen has another size.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// How many bytes have been written since the start.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// How long writing the last frame that had something to write took: long when the terminal is slow to take it.
    pub const fn took(&self) -> Duration {
        self.took
    }

    /// Forgets what the terminal shows and how, after somebody else has written to it.
    pub fn forget(&mut self) {
        self.pen = None;
        self.at = None;
        self.cursor_shown = None;
    }

    /// Sends a sequence beside the frames, such as the clipboard's.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        self.out.write_all(sequence.as_bytes())?;
        self.written += sequence.len() as u64;
        self.out.flush()
    }

    fn go_to(&mut self, x: u16, y: u16) {
        match self.at {
            Some(at) if at == (x, y) => {}
            // Moving right by a count is shorter than naming the place.
            Some((from, row)) if row == y && x > from => {
                let steps = x - from;
                let _ = if steps == 1 { write!(self.frame, "\x1b[C") } else { write!(self.frame, "\x1b[{steps}C") };
            }
            Some((_, row)) if x == 0 && y == row + 1 => self.frame.extend_from_slice(b"\r\n"),
            _ => {
                let _ = write!(self.frame, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1);
            }
        }
        self.at = Some((x, y));
    }

    fn take_pen(&mut self, pen: Pen) {
        if self.pen == Some(pen) {
            return;
        }
        let mut codes: Vec<String> = Vec::with_capacity(4);
        let old = match self.pen {
            Some(old) if pen != PLAIN => old,
            _ => {
                codes.push("0".to_owned());
                PLAIN
            }
        };
        let ended = old.modifier - pen.modifier;
        // Bold and dim end with the same code, so ending one begins the other anew.
        let mut begun = pen.modifier - old.modifier;
        if ended.intersects(Modifier::BOLD | Modifier::DIM) {
            begun |= pen.modifier & (Modifier::BOLD | Modifier::DIM);
        }
        for (attribute, _, end) in ATTRIBUTES {
            if ended.contains(*attribute) && codes.last().is_none_or(|last| last != end) {
                codes.push((*end).to_owned());
            }
        }
        for (attribute, begin, _) in ATTRIBUTES {
            if begun.contains(*attribute) {
                codes.push((*begin).to_owned());
            }
        }
        if pen.fg != old.fg {
            codes.push(color_code(pen.fg, 30));
        }
        if pen.bg != old.bg {
            codes.push(color_code(pen.bg, 40));
        }
        if !codes.is_empty() {
            let _ = write!(self.frame, "\x1b[{}m", codes.join(";"));
        }
        self.pen = Some(pen);
    }
}

/// Whether every terminal puts this into the cell where it was sent and takes one column for it: a single character that
/// is not written from right to left, which some terminals rearrange.
fn one_for_all(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    let alone = chars.next().filter(|_| chars.next().is_none());
    alone.is_some_and(|c| {
        !matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    })
}

/// The code of a colour; `base` is 30 for the foreground and 40 for the background.
fn color_code(color: Color, base: u8) -> String {
    let basic = |index: u8| if index < 8 { (base + index).to_string() } else { (base + 60 + index - 8).to_string() };
    match color {
        Color::Reset => (base + 9).to_string(),
        Color::Black => basic(0),
        Color::Red => basic(1),
        Color::Green => basic(2),
        Color::Yellow => basic(3),
        Color::Blue => basic(4),
        Color::Magenta => basic(5),
        Color::Cyan => basic(6),
        Color::Gray => basic(7),
        Color::DarkGray => basic(8),
        Color::LightRed => basic(9),
        Color::LightGreen => basic(10),
        Color::LightYellow => basic(11),
        Color::LightBlue => basic(12),
        Color::LightMagenta => basic(13),
        Color::LightCyan => basic(14),
        Color::White => basic(15),
        Color::Indexed(index) if index < 16 => basic(index),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", base + 8),
    }
}

impl<W: Write> Backend for Encoder<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            self.go_to(x, y);
            let modifier = cell.modifier & ATTRIBUTES.iter().fold(Modifier::empty(), |all, entry| all | entry.0);
            self.take_pen(Pen { fg: lower(cell.fg, self.depth), bg: lower(cell.bg, self.depth), modifier });
            let symbol = cell.symbol();
            let symbol = if symbol.is_empty() || symbol.chars().any(char::is_control) { " " } else { symbol };
            self.frame.extend_from_slice(symbol.as_bytes());
            // Terminals disagree about the width of what is not plain, and in the last column about the cursor.
            let width = u16::try_from(symbol.width()).unwrap_or(1);
            let plain = symbol.len() == 1 || (width == 1 && one_for_all(symbol));
            self.at = (plain && x + 1 < self.size.width).then_some((x + 1, y));
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown != Some(false) {
            self.frame.extend_from_slice(b"\x1b[?25l");
            self.cursor_shown = Some(false);
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown != Some(true) {
            self.frame.extend_from_slice(b"\x1b[?25h");
            self.cursor_shown = Some(true);
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // The terminal is never asked: an answer may never come.
        Ok(self.at.map_or(Position::ORIGIN, Position::from))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        self.go_to(position.x, position.y);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.forget();
        self.take_pen(PLAIN);
        self.frame.extend_from_slice(b"\x1b[2J");
        Ok(())
    }

    fn clear_region(&mut self, _: ClearType) -> io::Result<()> {
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::new(0, 0) })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        if self.synchronized {
            self.frame.splice(0..0, *b"\x1b[?2026h");
            self.frame.extend_from_slice(b"\x1b[?2026l");
        }
        self.written += self.frame.len() as u64;
        let begun = Instant::now();
        let sent = self.out.write_all(&self.frame).and_then(|()| self.out.flush());
        self.took = begun.elapsed();
        self.frame.clear();
        sent
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::style::Style;
    use ratatui::text::{Line, Span};

    use super::*;

    fn terminal(depth: ColorDepth) -> Terminal<Encoder<Vec<u8>>> {
        Terminal::new(Encoder::new(Vec::new(), Size::new(20, 3), depth, true)).unwrap()
    }

    fn draw(terminal: &mut Terminal<Encoder<Vec<u8>>>, text: &str, style: Style) -> String {
        terminal.backend_mut().out.clear();
        terminal
            .draw(|frame| frame.render_widget(Line::from(Span::styled(text.to_owned(), style)), frame.area()))
            .unwrap();
        String::from_utf8(terminal.backend().out.clone()).unwrap()
    }

    #[test]
    fn the_same_frame_again_sends_nothing() {
        let mut terminal = terminal(ColorDepth::True);
        assert!(!draw(&mut terminal, "hello", Style::new().fg(Color::Rgb(1, 2, 3))).is_empty());
        assert_eq!(draw(&mut terminal, "hello", Style::new().fg(Color::Rgb(1, 2, 3))), "");
    }

    #[test]
    fn one_changed_cell_is_a_few_bytes_inside_a_synchronized_update() {
        let mut terminal = terminal(ColorDepth::True);
        draw(&mut terminal, "cpu 10", Style::new());
        let sent = draw(&mut terminal, "cpu 11", Style::new());
        assert_eq!(sent, "\x1b[?2026h\x1b[1;6H1\x1b[?2026l");
    }

    #[test]
    fn after_what_terminals_disagree_about_the_place_is_named_anew() {
        for odd in ["א", "漢", "👩\u{200d}👧", "a\u{301}\u{302}"] {
            let mut terminal = terminal(ColorDepth::True);
            let sent = draw(&mut terminal, &format!("{odd}z"), Style::new());
            let after = sent.split(odd).nth(1).unwrap();
            assert!(after.starts_with("\x1b[1;"), "{odd}: {sent:?}");
        }
    }

    #[test]
    fn control_characters_never_leave() {
        let mut terminal = terminal(ColorDepth::True);
        let mut cell = Cell::default();
        cell.set_symbol("\x1b]0;x\x07");
        terminal.backend_mut().draw([(0, 0, &cell)].into_iter()).unwrap();
        Backend::flush(terminal.backend_mut()).unwrap();
        let sent = String::from_utf8(terminal.backend().out.clone()).unwrap();
        assert!(!sent.contains("]0;x") && !sent.contains('\x07'), "{sent:?}");
    }

    #[test]
    fn monochrome_sends_no_colour_but_attributes() {
        let mut terminal = terminal(ColorDepth::Mono);
        let sent = draw(&mut terminal, "x", Style::new().fg(Color::Red).bg(Color::Blue).add_modifier(Modifier::BOLD));
        assert!(sent.contains("\x1b[0;1m") && !sent.contains("31") && !sent.contains("44"), "{sent:?}");
    }
}
