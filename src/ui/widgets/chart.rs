//! Bars and small charts, of block elements or, in pure ASCII, of ordinary signs.

use ratatui::text::Span;

use crate::ui::look::Look;
use crate::ui::theme::Role;

/// Eighths of a cell from below, nothing first.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The same in ASCII: by how much ink a sign has.
const INK: [&str; 9] = [" ", ".", ".", ":", ":", "=", "=", "#", "#"];

/// How many of `steps` a share takes: none only when it is zero or less, all only when it is one or more.
pub fn steps(share: f64, steps: usize) -> usize {
    if share.is_nan() || share <= 0.0 || steps == 0 {
        return 0;
    }
    if share >= 1.0 {
        return steps;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share below one of some hundred steps"
    )]
    let whole = (share * steps as f64).round() as usize;
    whole.clamp(1, steps.saturating_sub(1).max(1))
}

/// How many of `steps` a share takes in a bar beside which it stands as per cent: what is said to be 0 % is drawn as
/// nothing.
pub fn steps_said(share: f64, steps: usize) -> usize {
    if share < 0.005 { 0 } else { self::steps(share, steps) }
}

/// A bar of `width` columns: what is used, what is granted beyond that, and what is left. Shares are of the whole. Where
/// nobody knows what is used, nothing is drawn as left: see [`unknown`].
pub fn bar(used: Option<f64>, granted: Option<f64>, width: usize, role: Role, look: &Look<'_>) -> Vec<Span<'static>> {
    let full = steps(used.unwrap_or(0.0), width);
    let granted = steps(granted.unwrap_or(0.0), width).max(full);
    let rest = width - granted;
    vec![
        Span::styled(look.sign("█", "#").repeat(full), look.style(role)),
        Span::styled(look.sign("▒", "=").repeat(granted - full), look.style(role)),
        match used {
            Some(_) => Span::styled(look.sign("░", ".").repeat(rest), look.style(Role::Border)),
            None => Span::styled(unknown(rest, look), look.style(Role::Dim)),
        },
    ]
}

/// The place of a bar of which nobody knows how far it reaches.
pub fn unknown(width: usize, look: &Look<'_>) -> String {
    look.sign("·", "-").repeat(width)
}

/// Adds neighbours together until there are at most `columns` of them, the last group being the newest. Gives the sums
/// and how many values went into each.
pub fn squeeze(values: &[u64], columns: usize) -> (Vec<u64>, usize) {
    let each = values.len().div_ceil(columns.max(1)).max(1);
    let mut sums: Vec<u64> = values.rchunks(each).map(|group| group.iter().sum()).collect();
    sums.reverse();
    (sums, each)
}

/// Columns of `height` lines that grow with the values; `max` takes the whole height. Lines from above.
pub fn columns(values: &[u64], max: u64, height: usize, look: &Look<'_>) -> Vec<String> {
    let signs = if look.options.ascii { INK } else { EIGHTHS };
    let eighths: Vec<usize> = values.iter().map(|value| steps(*value as f64 / max.max(1) as f64, height * 8)).collect();
    let line = |above: usize| eighths.iter().map(|high| signs[high.saturating_sub(above * 8).min(8)]).collect();
    (0..height).rev().map(line).collect()
}

/// The values of a time as one line of signs, `max` the highest. What is known is never blank, what nobody measured always.
pub fn spark(values: &[Option<f64>], max: f64, look: &Look<'_>) -> String {
    let signs = if look.options.ascii { INK } else { EIGHTHS };
    let sign = |value: &Option<f64>| value.map_or(" ", |value| signs[steps(value / max, 8).max(1)]);
    values.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_never_drawn_as_nothing_and_almost_full_never_as_full() {
        assert_eq!(
            [steps(0.0, 10), steps(0.001, 10), steps(0.5, 10), steps(0.999, 10), steps(1.2, 10)],
            [0, 1, 5, 9, 10]
        );
        assert_eq!(steps(f64::NAN, 10), 0);
        assert_eq!(steps(0.5, 1), 1);
        assert_eq!([steps_said(0.0049, 10), steps_said(0.005, 10), steps_said(1.0, 10)], [0, 1, 10]);
    }

    #[test]
    fn squeezed_columns_keep_the_sum_and_end_with_the_newest() {
        assert_eq!(squeeze(&[1, 2, 3, 4, 5], 2), (vec![3, 12], 3));
        assert_eq!(squeeze(&[1, 2, 3], 5), (vec![1, 2, 3], 1));
        assert_eq!(squeeze(&[], 5), (vec![], 1));
    }
}
