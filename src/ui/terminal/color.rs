//! How many colours a terminal shows, and the nearest of them to a wanted one.

use ratatui::style::Color;

/// How many colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// None; bold, dim, underlined and reversed only.
    Mono,
    /// The 16 of ANSI, whose looks the terminal's owner chose.
    Ansi,
    /// 256: those, a cube of 216 and 24 greys.
    Indexed,
    /// 24 bits.
    True,
}

impl ColorDepth {
    /// Judges by the environment, as `NO_COLOR`, `COLORTERM` and `TERM` are commonly understood.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| variable(name).unwrap_or_default();
        if !value("NO_COLOR").is_empty() {
            return Self::Mono;
        }
        let (colorterm, term) = (value("COLORTERM"), value("TERM"));
        if colorterm == "truecolor" || colorterm == "24bit" || term.ends_with("-direct") {
            Self::True
        } else if term.contains("256color") {
            Self::Indexed
        } else if term.starts_with("vt1") || term.starts_with("vt2") || term.ends_with("-mono") || term.ends_with("-m")
        {
            Self::Mono
        } else {
            Self::Ansi
        }
    }
}

/// The nearest colour that `depth` can show.
pub fn lower(color: Color, depth: ColorDepth) -> Color {
    match (depth, color) {
        (ColorDepth::Mono, _) => Color::Reset,
        (ColorDepth::Indexed, Color::Rgb(red, green, blue)) => Color::Indexed(nearest_indexed([red, green, blue])),
        (ColorDepth::Ansi, Color::Rgb(red, green, blue)) => Color::Indexed(nearest_ansi([red, green, blue])),
        (ColorDepth::Ansi, Color::Indexed(index)) if index >= 16 => Color::Indexed(nearest_ansi(rgb_of_index(index))),
        _ => color,
    }
}

/// The 16 colours as xterm shows them; other terminals come near.
const ANSI: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// The six levels of the 256-colour cube.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn distance(left: [u8; 3], right: [u8; 3]) -> u32 {
    // The eye weighs green most and blue least.
    let weights = [2, 4, 1];
    (0..3).map(|i| weights[i] * u32::from(left[i].abs_diff(right[i])).pow(2)).sum()
}

/// The red, green and blue of a colour of the 256, as xterm shows it.
pub fn rgb_of_index(index: u8) -> [u8; 3] {
    match index {
        0..=15 => ANSI[usize::from(index)],
        16..=231 => {
            let place = index - 16;
            [place / 36, place / 6 % 6, place % 6].map(|level| LEVELS[usize::from(level)])
        }
        232..=255 => [8 + (index - 232) * 10; 3],
    }
}

fn nearest_indexed(rgb: [u8; 3]) -> u8 {
    (16..=255).min_by_key(|&index| distance(rgb, rgb_of_index(index))).unwrap_or(16)
}

fn nearest_ansi(rgb: [u8; 3]) -> u8 {
    (0..16).min_by_key(|&index| distance(rgb, ANSI[usize::from(index)])).unwrap_or(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_colours_are_found() {
        assert_eq!(lower(Color::Rgb(255, 0, 0), ColorDepth::Ansi), Color::Indexed(9));
        assert_eq!(lower(Color::Rgb(95, 135, 175), ColorDepth::Indexed), Color::Indexed(67));
        assert_eq!(lower(Color::Rgb(1, 2, 3), ColorDepth::True), Color::Rgb(1, 2, 3));
    }

    #[test]
    fn the_environment_decides() {
        let with = |pairs: &'static [(&str, &str)]| {
            ColorDepth::detect(|name| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned()))
        };
        assert_eq!(with(&[("TERM", "xterm-256color")]), ColorDepth::Indexed);
        assert_eq!(with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), ColorDepth::True);
        assert_eq!(with(&[("TERM", "xterm"), ("NO_COLOR", "1")]), ColorDepth::Mono);
        assert_eq!(with(&[("TERM", "linux")]), ColorDepth::Ansi);
        assert_eq!(with(&[("TERM", "vt100")]), ColorDepth::Mono);
    }
}
