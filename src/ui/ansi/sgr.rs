//! Colours and attributes as SGR sequences set them.

use ratatui::style::{Color, Modifier, Style};

/// The style after the parameters of an SGR sequence.
pub(super) fn apply(mut style: Style, parameters: &str) -> Style {
    // Private sequences that end alike, such as xterm's `>4;2m`, are none of ours.
    if !parameters.bytes().all(|byte| byte.is_ascii_digit() || byte == b';' || byte == b':') {
        return style;
    }
    let mut groups = parameters.split(';');
    while let Some(group) = groups.next() {
        let mut parts = group.split(':');
        let code: u16 = match parts.next().unwrap_or_default() {
            "" => 0,
            digits => digits.parse().unwrap_or(u16::MAX),
        };
        match code {
            0 => style = Style::new(),
            1 => style.add_modifier |= Modifier::BOLD,
            2 => style.add_modifier |= Modifier::DIM,
            3 => style.add_modifier |= Modifier::ITALIC,
            // `4:0` ends what `4` begins.
            4 if parts.next() == Some("0") => style.add_modifier -= Modifier::UNDERLINED,
            4 | 21 => style.add_modifier |= Modifier::UNDERLINED,
            7 => style.add_modifier |= Modifier::REVERSED,
            9 => style.add_modifier |= Modifier::CROSSED_OUT,
            22 => style.add_modifier -= Modifier::BOLD | Modifier::DIM,
            23 => style.add_modifier -= Modifier::ITALIC,
            24 => style.add_modifier -= Modifier::UNDERLINED,
            27 => style.add_modifier -= Modifier::REVERSED,
            29 => style.add_modifier -= Modifier::CROSSED_OUT,
            30..=37 => style.fg = indexed(code - 30),
            40..=47 => style.bg = indexed(code - 40),
            90..=97 => style.fg = indexed(code - 90 + 8),
            100..=107 => style.bg = indexed(code - 100 + 8),
            39 => style.fg = None,
            49 => style.bg = None,
            38 | 48 | 58 => {
                // Written with colons it is complete in itself, else what follows belongs to it.
                let inner: Vec<&str> = parts.collect();
                let color = if inner.is_empty() { color_after(&mut groups) } else { color_within(&inner) };
                match code {
                    38 => style.fg = color.or(style.fg),
                    48 => style.bg = color.or(style.bg),
                    // The colour of underlines is not shown, but its parameters are not codes of their own.
                    _ => {}
                }
            }
            // Concealed, blinking and what nobody knows.
            _ => {}
        }
    }
    style
}

fn indexed(index: u16) -> Option<Color> {
    u8::try_from(index).ok().map(Color::Indexed)
}

/// `5;N` or `2;R;G;B` out of the parameters that follow.
fn color_after<'a>(groups: &mut impl Iterator<Item = &'a str>) -> Option<Color> {
    match groups.next()? {
        "5" => groups.next()?.parse().ok().map(Color::Indexed),
        "2" => {
            let mut channel =
                || groups.next().and_then(|part| if part.is_empty() { Some(0) } else { part.parse().ok() });
            let (red, green, blue) = (channel(), channel(), channel());
            Some(Color::Rgb(red?, green?, blue?))
        }
        _ => None,
    }
}

/// `5:N`, `2:R:G:B` or `2:SPACE:R:G:B`.
fn color_within(parts: &[&str]) -> Option<Color> {
    let channel = |part: &str| if part.is_empty() { Some(0) } else { part.parse().ok() };
    match parts {
        ["5", index] => index.parse().ok().map(Color::Indexed),
        ["2", red, green, blue] | ["2", _, red, green, blue, ..] => {
            Some(Color::Rgb(channel(red)?, channel(green)?, channel(blue)?))
        }
        _ => None,
    }
}
