//! Text from agents and names from anywhere, made harmless and made to fit.
//!
//! Nothing that came from outside is drawn before it went through [`clean`]: control characters become visible, marks
//! that turn the direction of writing or have no width go. Widths are those of the terminal's columns.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::domain::Timestamp;

/// What stands where something was cut off.
const ELLIPSIS: &str = "…";

/// Characters that are not seen but change how others are: directional marks, joiners at the edge, fillers.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// The most combining marks that a character may bear; more would climb into the neighbouring lines.
const MARKS_MAX: usize = 3;

/// The most characters that may be joined to one, such as a family of four with the joiners between them.
const JOINED_MAX: usize = 12;

/// Joins two characters to one sign.
const JOINER: char = '\u{200d}';

/// Makes `text` fit for one line: tabs and line ends become blanks, other control characters become visible, invisible
/// ones go, and piles of combining marks are cut.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for grapheme in text.graphemes(true) {
        let (mut chars, mut marks) = (0, 0);
        for c in grapheme.chars() {
            match c {
                '\t' | '\n' | '\r' => out.push(' '),
                '\0'..='\x1f' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('?')),
                '\x7f' => out.push('\u{2421}'),
                '\u{80}'..='\u{9f}' => out.push('\u{fffd}'),
                _ if is_invisible(c) => {}
                _ if marks >= MARKS_MAX && chars > 0 && c != JOINER && c.width() == Some(0) => {}
                _ if chars >= JOINED_MAX => {}
                _ => {
                    marks = if c != JOINER && c.width() == Some(0) { marks + 1 } else { 0 };
                    out.push(c);
                    chars += 1;
                }
            }
        }
        // A joiner with nothing behind it would take in what is drawn next.
        while out.ends_with(JOINER) {
            out.pop();
        }
    }
    Cow::Owned(out)
}

/// The end of an id: ids of the same time begin alike.
pub fn short_id(id: &str) -> String {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id).to_owned()
}

/// How many columns `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The longest beginning of `text` that fits into `columns`, with an ellipsis when something is missing. Whole
/// characters only, also wide and combined ones.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if text.len() <= columns && text.is_ascii() || text.width() <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let more = grapheme.width();
        if used + more > columns - 1 {
            break;
        }
        out.push_str(grapheme);
        used += more;
    }
    out.push_str(ELLIPSIS);
    Cow::Owned(out)
}

/// `text` in exactly `columns`: cut or followed by blanks.
pub fn pad(text: &str, columns: usize) -> String {
    let fitted = fit(text, columns);
    let missing = columns.saturating_sub(fitted.width());
    let mut out = fitted.into_owned();
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// `text` in exactly `columns`: cut or after blanks.
pub fn pad_left(text: &str, columns: usize) -> String {
    let fitted = fit(text, columns);
    let mut out = " ".repeat(columns.saturating_sub(fitted.width()));
    out.push_str(&fitted);
    out
}

/// A moment to the second, in UTC: `2026-03-04 10:00:00Z`.
pub fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{} {}Z", text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default())
}

/// A number of things with separators: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A figure with so many digits behind the point. What is rounded to nothing has no sign: less than nothing would be said by
/// one, and nothing is meant.
pub fn decimals(value: f64, places: usize) -> String {
    let written = format!("{value:.places$}");
    let nothing = written.strip_prefix('-').filter(|rest| rest.bytes().all(|byte| matches!(byte, b'0' | b'.')));
    nothing.map(str::to_owned).unwrap_or(written)
}

/// Bytes in at most five columns: `512B`, `1.5K`, `128M`, `24.0G`.
pub fn bytes(number: f64) -> String {
    let units = ["B", "K", "M", "G", "T", "P"];
    let mut value = number.max(0.0);
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let whole = unit == 0 || value >= 99.95;
    format!("{}{}", decimals(value, usize::from(!whole)), units[unit])
}

/// A share as per cent: `42%`. More than everything is said as it is.
pub fn percent(share: f64) -> String {
    format!("{}%", decimals((share * 100.0).clamp(0.0, 9999.0), 0))
}

/// A time that has passed, in at most four columns: `<1m`, `12m`, `3h`, `4d`. Minutes are fine enough for something that
/// waits, and do not make the screen change every second.
pub fn age(micros: i64) -> String {
    let seconds = micros.max(0) / 1_000_000;
    match seconds {
        0..60 => "<1m".to_owned(),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long there is still, as an age; what is overdue has a minus: `-12m`, and `-1m` within the first minute too.
pub fn left(micros: i64) -> String {
    if micros < 0 { format!("-{}", age(-micros).trim_start_matches('<')) } else { age(micros) }
}

/// How long something took or goes on, in at most six columns: `<1ms`, `12ms`, `4.2s`, `3m05s`, `2h07m`, `3d04h`.
pub fn duration(micros: i64) -> String {
    let micros = micros.max(0);
    // It took some time all the same.
    if (1..1_000).contains(&micros) {
        return "<1ms".to_owned();
    }
    // Rounded to what is said, as the command line does.
    if micros < 999_500 {
        return format!("{}ms", (micros + 500) / 1_000);
    }
    if micros < 9_950_000 {
        return format!("{:.1}s", micros as f64 / 1e6);
    }
    let seconds = micros.saturating_add(500_000) / 1_000_000;
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_has_no_sign() {
        let written = [-0.0, -0.04, -1e-17, 0.0, -0.05, -0.06, 2.1].map(|value| decimals(value, 1));
        assert_eq!(written, ["0.0", "0.0", "0.0", "0.0", "-0.1", "-0.1", "2.1"]);
        assert_eq!([decimals(-0.4, 0), decimals(-0.6, 0), decimals(-10.0, 0)], ["0", "-1", "-10"]);
        assert_eq!([percent(-0.0), bytes(-0.0)], ["0%", "0B"]);
        assert_eq!(decimals(f64::NEG_INFINITY, 1), "-inf");
    }

    #[test]
    fn controls_become_visible_and_directions_go() {
        assert_eq!(clean("a\x1b[31mb\u{202e}c\td\u{9b}e"), "a␛[31mbc d\u{fffd}e");
        assert_eq!(clean("e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}x").chars().count(), 5);
    }

    #[test]
    fn joined_signs_stay_whole_and_no_joiner_is_left_dangling() {
        let family = "👩\u{200d}👩\u{200d}👧\u{200d}👦";
        assert_eq!(clean(family), family);
        assert_eq!(clean("a\u{200d}"), "a");
        let many = "👩\u{200d}".repeat(40);
        assert!(!clean(&many).ends_with('\u{200d}') && clean(&many).chars().count() < 20);
        for columns in 0..4 {
            let fitted = fit(family, columns).into_owned();
            assert!(fitted == family || !fitted.contains('\u{200d}'), "{columns}: {fitted:?}");
        }
    }

    #[test]
    fn figures_read_well() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
        assert_eq!(bytes(1536.0), "1.5K");
        assert_eq!(bytes(128.0 * 1024.0 * 1024.0), "128M");
        assert_eq!(bytes(1023.9 * 1024.0), "1.0M");
        assert_eq!(age(59_000_000), "<1m");
        assert_eq!([left(-59_000_000), left(59_000_000), left(-7_200_000_000)], ["-1m", "<1m", "-2h"]);
        assert_eq!(age(3_600_000_000), "1h");
        assert_eq!(duration(185_000_000), "3m05s");
        assert_eq!(duration(12_400), "12ms");
        assert_eq!([0, 1, 999, 1_000, 1_500].map(duration), ["0ms", "<1ms", "<1ms", "1ms", "2ms"]);
        assert_eq!([999_499, 999_500, 9_949_999, 9_950_000].map(duration), ["999ms", "1.0s", "9.9s", "10s"]);
        assert_eq!([59_499_999, 59_500_000, 3_599_500_000].map(duration), ["59s", "1m00s", "1h00m"]);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_clean_and_fits(text in any::<String>(), columns in 0usize..40) {
            let cleaned = clean(&text);
            prop_assert!(!cleaned.chars().any(char::is_control));
            prop_assert!(width(&fit(&cleaned, columns)) <= columns);
            prop_assert_eq!(width(&pad(&cleaned, columns)), columns);
            prop_assert_eq!(width(&pad_left(&cleaned, columns)), columns);
        }
    }
}
