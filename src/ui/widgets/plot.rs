//! Lines over time, drawn with the dots of braille or, in pure ASCII, with each line's letter. What nobody measured is a
//! gap: it is neither zero nor drawn over.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::axis::{self, Axis};
use crate::domain::metric::Point;
use crate::domain::{self, Timestamp};
use crate::ui::look::Look;
use crate::ui::text;
use crate::ui::theme::Role;

/// How lines are coloured, one after the other; their letters tell them apart where there are no colours.
const ROLES: [Role; 6] = [Role::Chart, Role::Literal, Role::Keyword, Role::Accent, Role::Heading, Role::Info];

/// Columns of the figures beside the axis.
const AXIS: u16 = 11;

/// Columns that a time below the axis has for itself.
const TIME_COLUMNS: i64 = 12;

/// So many names of moments that are near each other stand one below the other; what there are more have none.
const NAMES_MAX: u16 = 4;

/// Workers that nobody watches measure every 10 s, so what is nearer together than this belongs together.
const TOGETHER: domain::Span = domain::Span::from_secs(30);

/// The bits of a braille sign, by column and line of its dots.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// How the line of a place among the others is coloured.
pub const fn role(place: usize) -> Role {
    ROLES[place % ROLES.len()]
}

/// The letter of the line of a place among the others.
pub fn letter(place: usize) -> char {
    u32::try_from(place % 26).ok().and_then(|place| char::from_u32('a' as u32 + place)).unwrap_or('a')
}

/// How many dots lie beside each other on a chart of so many columns: more values than that cannot be seen.
pub fn dots(columns: u16) -> u16 {
    columns.saturating_sub(AXIS).max(1) * 2
}

/// The times below a canvas, in its last line.
pub fn times(frame: &mut Frame<'_>, canvas: Rect, (from, to): (Timestamp, Timestamp), look: &Look<'_>) {
    let range = to.since(from).as_micros().max(1);
    let least = range / (i64::from(canvas.width) / TIME_COLUMNS).max(1);
    let minutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880];
    let step = minutes.map(|minutes| minutes * 60_000_000).into_iter().find(|step| *step >= least);
    let step = step.unwrap_or(7 * 86_400_000_000);
    let mut words = " ".repeat(usize::from(canvas.width));
    let mut time = from.as_micros().div_euclid(step) * step;
    while time < to.as_micros() {
        let x = (time - from.as_micros()) * i64::from(canvas.width) / range;
        let written = Timestamp::from_micros(time).to_string();
        // Midnight is said as the day that begins.
        let label = if time % 86_400_000_000 == 0 { &written[5..10] } else { &written[11..16] };
        if let Ok(x) = usize::try_from(x)
            && x + label.len() <= words.len()
        {
            words.replace_range(x..x + label.len(), label);
        }
        time += step;
    }
    let at = Rect { y: canvas.bottom() - 1, height: 1, ..canvas };
    frame.render_widget(Line::styled(words, look.style(Role::Dim)), at);
}

/// One line.
pub struct Drawn<'a> {
    /// Its place among the others, which gives it its letter and colour; `None` for one that stands behind them, dim.
    pub place: Option<usize>,
    /// Its values, the earliest first.
    pub points: &'a [Point],
    /// How long a step is.
    pub step: domain::Span,
    /// By how much later than it was it is drawn.
    pub shift: domain::Span,
}

/// What lies between two lines, shaded behind them.
pub struct Band<'a> {
    /// The place of the line that it belongs to.
    pub place: usize,
    /// Its lower edge, the earliest first.
    pub low: &'a [Point],
    /// Its upper edge; where there is no value at the same time there is no band.
    pub high: &'a [Point],
    /// How long a step is.
    pub step: domain::Span,
    /// Whether its dots are close to each other.
    pub dense: bool,
}

/// A value that means something, as a line from left to right.
pub struct Threshold {
    /// The value.
    pub value: f64,
    /// What it means.
    pub name: String,
    /// How it is coloured.
    pub role: Role,
}

/// A moment at which something happened, as a line from top to bottom.
pub struct Moment {
    /// When.
    pub time: Timestamp,
    /// What happened.
    pub name: String,
    /// How it is coloured.
    pub role: Role,
}

/// What is drawn.
pub struct Plot<'a> {
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// The unit of all values.
    pub unit: &'a str,
    /// The lines; the first one lies on top.
    pub lines: Vec<Drawn<'a>>,
    /// What is shaded behind them.
    pub bands: Vec<Band<'a>>,
    /// Values that are marked, where no line is.
    pub thresholds: Vec<Threshold>,
    /// Moments that are marked, where no line is.
    pub moments: Vec<Moment>,
    /// What is said instead when they have no value at all.
    pub empty: &'a str,
}

/// A cell of the canvas.
#[derive(Clone, Copy, Default)]
struct Dotted {
    bits: u32,
    of: Option<(Role, char)>,
}

/// Dots in cells.
struct Canvas {
    columns: usize,
    rows: usize,
    cells: Vec<Dotted>,
}

impl Canvas {
    fn dot(&mut self, (x, y): (i64, i64), of: (Role, char)) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.columns * 2 || y >= self.rows * 4 {
            return;
        }
        let cell = &mut self.cells[y / 4 * self.columns + x / 2];
        cell.bits |= DOTS[x % 2][y % 4];
        cell.of = Some(of);
    }

    /// All dots between two, by the algorithm of Bresenham.
    fn line(&mut self, (mut x, mut y): (i64, i64), to: (i64, i64), of: (Role, char)) {
        let (dx, dy) = ((to.0 - x).abs(), -(to.1 - y).abs());
        let (sx, sy) = ((to.0 - x).signum(), (to.1 - y).signum());
        let mut error = dx + dy;
        loop {
            self.dot((x, y), of);
            if (x, y) == to {
                return;
            }
            let doubled = 2 * error;
            if doubled >= dy {
                error += dy;
                x += sx;
            }
            if doubled <= dx {
                error += dx;
                y += sy;
            }
        }
    }
}

/// What is marked between lines. No name is written over a line or another name.
struct Marks<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    columns: usize,
    /// Cells of the canvas in which a line is.
    drawn: Vec<bool>,
    /// Those in which a name is.
    named: Vec<bool>,
    look: &'a Look<'a>,
}

impl Marks<'_> {
    const fn place(&self, (x, y): (u16, u16)) -> usize {
        y as usize * self.columns + x as usize
    }

    fn is_free(&self, at: (u16, u16)) -> bool {
        let inside = at.0 < self.area.width && at.1 < self.area.height;
        inside && !self.drawn[self.place(at)] && !self.named[self.place(at)]
    }

    /// Whether so many cells beside each other are free.
    fn has_room(&self, (x, y): (u16, u16), width: u16) -> bool {
        (x..x.saturating_add(width)).all(|x| self.is_free((x, y)))
    }

    /// Whether a name stands there already.
    fn is_named(&self, (x, y): (u16, u16), width: u16) -> bool {
        (x..x.saturating_add(width).min(self.area.width)).any(|x| self.named[self.place((x, y))])
    }

    fn put(&mut self, (x, y): (u16, u16), sign: &str, role: Role) {
        if self.is_free((x, y)) {
            let style = self.look.style(role);
            self.buffer[(self.area.x + x, self.area.y + y)].set_symbol(sign).set_style(style);
        }
    }

    /// Writes a name, as far as no line and no other name is in its way.
    fn write(&mut self, (x, y): (u16, u16), name: &str, role: Role) {
        for (x, letter) in (x..self.area.width).zip(name.chars()) {
            if self.is_free((x, y)) {
                self.put((x, y), letter.encode_utf8(&mut [0; 4]), role);
                let place = self.place((x, y));
                self.named[place] = true;
            }
        }
    }
}

impl Plot<'_> {
    /// The lowest and the highest value; thresholds are in sight as well, if there is any value.
    fn bounds(&self) -> Option<(f64, f64)> {
        let lines = self.lines.iter().flat_map(|line| line.points);
        let edges = self.bands.iter().flat_map(|band| band.low.iter().chain(band.high));
        let values = lines.chain(edges).map(|point| point.value).filter(|value| value.is_finite());
        let measured = values.clone().next().is_some();
        let values = values.chain(self.thresholds.iter().filter(|_| measured).map(|threshold| threshold.value));
        values.fold(None, |bounds, value| {
            Some(bounds.map_or((value, value), |(low, high): (f64, f64)| (low.min(value), high.max(value))))
        })
    }

    /// Draws it with its axes; says so when there is no value at all.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        if area.height < 3 || area.width <= AXIS + 4 {
            return;
        }
        let canvas = Rect { x: area.x + AXIS, width: area.width - AXIS, height: area.height - 1, ..area };
        let Some((low, high)) = self.bounds() else {
            super::center_text(frame, area, self.empty, look.style(Role::Dim));
            return;
        };
        let axis = Axis::new(low, high, self.unit, usize::from(canvas.height / 4).clamp(2, 6));
        self.draw_values(frame, area, canvas, &axis, look);
        times(frame, Rect { height: area.height, ..canvas }, (self.from, self.to), look);
        self.draw_lines(frame, canvas, &axis, look);
    }

    /// The line of the canvas on which a value lies, from above.
    fn row(axis: &Axis, value: f64, rows: u16) -> u16 {
        let down = (1.0 - axis.share(value)) * f64::from(rows.saturating_sub(1));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the screen's lines")]
        let row = down.round().clamp(0.0, f64::from(rows.saturating_sub(1))) as u16;
        row
    }

    fn draw_values(&self, frame: &mut Frame<'_>, area: Rect, canvas: Rect, axis: &Axis, look: &Look<'_>) {
        let mut taken = None;
        for tick in axis.ticks.iter().rev() {
            let row = Self::row(axis, *tick, canvas.height);
            // Two figures cannot stand in one line.
            if taken == Some(row) {
                continue;
            }
            taken = Some(row);
            let at = Rect { y: area.y + row, height: 1, width: AXIS, ..area };
            let words = text::pad_left(&axis::words(*tick, self.unit), usize::from(AXIS) - 2);
            let spans = vec![
                Span::styled(words, look.style(Role::Dim)),
                Span::styled(look.sign(" ┤", " |"), look.style(Role::Border)),
            ];
            frame.render_widget(Line::from(spans), at);
        }
    }

    fn draw_lines(&self, frame: &mut Frame<'_>, area: Rect, axis: &Axis, look: &Look<'_>) {
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        let mut canvas = Canvas { columns, rows, cells: vec![Dotted::default(); columns * rows] };
        let mut ends = Vec::new();
        for band in &self.bands {
            self.shade(&mut canvas, band, axis);
        }
        for line in self.lines.iter().rev() {
            let of = line.place.map_or((Role::Dim, '.'), |place| (role(place), letter(place)));
            let end = self.trace(&mut canvas, line, axis, of);
            ends.extend(end.filter(|_| line.place.is_some()).map(|at| (at, of)));
        }
        let buffer = frame.buffer_mut();
        for (place, cell) in canvas.cells.iter().enumerate() {
            let Some((role, letter)) = cell.of else { continue };
            let sign = if look.options.ascii { letter } else { char::from_u32(0x2800 + cell.bits).unwrap_or('?') };
            let (x, y) = (place % columns, place / columns);
            if let (Ok(x), Ok(y)) = (u16::try_from(x), u16::try_from(y)) {
                buffer[(area.x + x, area.y + y)].set_char(sign).set_style(look.style(role));
            }
        }
        self.mark(buffer, area, &canvas, axis, look);
        // A letter at each line's end tells which it is; one line needs none.
        let several = self.lines.iter().filter(|line| line.place.is_some()).count() > 1;
        for ((x, y), (role, letter)) in ends.into_iter().filter(|_| several) {
            let (x, y) = (u16::try_from(x / 2).unwrap_or(0), u16::try_from(y / 4).unwrap_or(0));
            let (x, y) = (x.min(area.width - 1), y.min(area.height - 1));
            buffer[(area.x + x, area.y + y)].set_char(letter).set_style(look.style(role));
        }
    }

    /// The dot of a value at a time, at most one beyond either end.
    fn dot(&self, canvas: &Canvas, axis: &Axis, time: f64, value: f64) -> (i64, i64) {
        let range = self.to.since(self.from).as_micros().max(1);
        let (wide, high) = (canvas.columns as f64 * 2.0, (canvas.rows * 4) as f64);
        // A cell's middle line of dots is where a figure beside the axis stands.
        let middle = 2.0;
        let across = (time - self.from.as_micros() as f64) / range as f64 * wide;
        let down = (1.0 - axis.share(value)) * (high - 4.0) + middle;
        #[expect(clippy::cast_possible_truncation, reason = "places on a screen")]
        let at = (across.floor().clamp(-1.0, wide) as i64, down.floor().clamp(0.0, high - 1.0) as i64);
        at
    }

    /// Shades a band with scattered dots.
    fn shade(&self, canvas: &mut Canvas, band: &Band<'_>, axis: &Axis) {
        let of = (role(band.place), '.');
        let mut high = band.high.iter().peekable();
        for low in band.low {
            while high.next_if(|point| point.time < low.time).is_some() {}
            let Some(above) = high.peek().filter(|point| point.time == low.time) else { continue };
            if !low.value.is_finite() || !above.value.is_finite() {
                continue;
            }
            let begins = low.time.as_micros() as f64;
            let (left, bottom) = self.dot(canvas, axis, begins, low.value);
            let (right, top) = self.dot(canvas, axis, begins + band.step.as_micros() as f64, above.value);
            for x in left..right.max(left + 1) {
                for y in top..=bottom {
                    let here = if band.dense { (x + y) % 2 == 0 } else { x % 2 == 0 && (x / 2 + y) % 3 == 0 };
                    if here {
                        canvas.dot((x, y), of);
                    }
                }
            }
        }
    }

    /// Draws thresholds and moments where no line is, each with its name where there is room for that.
    fn mark(&self, buffer: &mut Buffer, area: Rect, canvas: &Canvas, axis: &Axis, look: &Look<'_>) {
        let drawn: Vec<bool> = canvas.cells.iter().map(|cell| cell.of.is_some()).collect();
        let named = vec![false; drawn.len()];
        let mut marks = Marks { buffer, area, columns: canvas.columns, drawn, named, look };
        for threshold in &self.thresholds {
            let y = Self::row(axis, threshold.value, area.height);
            for x in 0..area.width {
                marks.put((x, y), look.sign("╌", "-"), threshold.role);
            }
            // Where no line is, the nearest to the left.
            let name = format!(" {} ", threshold.name);
            let width = u16::try_from(text::width(&name)).unwrap_or(u16::MAX);
            if let Some(from) = (1..area.width.saturating_sub(width)).find(|from| marks.has_room((*from, y), width)) {
                marks.write((from, y), &name, threshold.role);
            }
        }
        // Below what a threshold in the first line is called.
        let top = u16::from(self.thresholds.iter().any(|it| Self::row(axis, it.value, area.height) == 0));
        for moment in &self.moments {
            let (x, _) = self.dot(canvas, axis, moment.time.as_micros() as f64, axis.low);
            let Ok(x) = u16::try_from(x / 2) else { continue };
            for y in 0..area.height {
                marks.put((x, y), look.sign("┊", ":"), moment.role);
            }
            // Its name to the right of it, or to the left where there is no room; one line lower for each that is in its way.
            let width = u16::try_from(text::width(&moment.name)).unwrap_or(u16::MAX);
            let at = if x.saturating_add(width + 2) <= area.width { x + 1 } else { x.saturating_sub(width + 1) };
            let rows = top..area.height.min(top + NAMES_MAX);
            if let Some(y) = rows.into_iter().find(|y| !marks.is_named((at, *y), width)) {
                marks.write((at, y), &moment.name, moment.role);
            }
        }
    }

    /// Draws one line; gives the dot of its last value.
    fn trace(&self, canvas: &mut Canvas, line: &Drawn<'_>, axis: &Axis, of: (Role, char)) -> Option<(i64, i64)> {
        let gap = TOGETHER.as_micros().max(line.step.as_micros() * 3 / 2);
        let mut last: Option<(Timestamp, (i64, i64))> = None;
        for point in line.points.iter().filter(|point| point.value.is_finite()) {
            let middle = point.time.as_micros() as f64 + line.step.as_micros() as f64 / 2.0;
            let at = self.dot(canvas, axis, middle + line.shift.as_micros() as f64, point.value);
            match last {
                Some((time, before)) if point.time.since(time).as_micros() <= gap => canvas.line(before, at, of),
                _ => canvas.dot(at, of),
            }
            last = Some((point.time, at));
        }
        last.map(|(_, at)| at)
    }
}
