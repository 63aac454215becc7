//! Panels under one another: who gets how many lines when there are not enough, or more than enough.

use ratatui::layout::Rect;

/// How many lines a panel can do with, and how many it can use, its heading included.
#[derive(Clone, Copy, Debug)]
pub struct Want<P> {
    /// Whose.
    pub panel: P,
    /// The lower, the more important: what is important gets its lines first.
    pub rank: u8,
    /// Fewer make no sense; 0 for a panel that is not shown.
    pub least: u16,
    /// More are no use.
    pub best: u16,
}

/// Gives each panel its lines: first the least to each by rank, then more by rank. Those for which there is no room are
/// left out. The order is that of `wants`.
fn share<P: Copy + PartialEq>(height: u16, wants: &[Want<P>]) -> Vec<(P, u16)> {
    let mut by_rank: Vec<&Want<P>> = wants.iter().filter(|want| want.least > 0).collect();
    by_rank.sort_by_key(|want| want.rank);
    let mut left = height;
    let mut given: Vec<(P, u16)> = Vec::new();
    for want in &by_rank {
        if want.least <= left {
            left -= want.least;
            given.push((want.panel, want.least));
        }
    }
    for (panel, lines) in &mut given {
        let best = wants.iter().find(|want| want.panel == *panel).map_or(0, |want| want.best);
        let more = best.saturating_sub(*lines).min(left);
        *lines += more;
        left -= more;
    }
    let lines = |panel: P| given.iter().find(|(known, _)| *known == panel).map(|(_, lines)| *lines);
    wants.iter().filter_map(|want| Some((want.panel, lines(want.panel)?))).collect()
}

/// Puts panels under one another in the order of `wants`; when `airy`, with a line between them where there is room.
pub fn stack<P: Copy + PartialEq>(area: Rect, wants: &[Want<P>], airy: bool) -> Vec<(P, Rect)> {
    let shares = share(area.height, wants);
    let used: u16 = shares.iter().map(|(_, lines)| lines).sum();
    let gaps = u16::try_from(shares.len().saturating_sub(1)).unwrap_or(0);
    let gap = u16::from(airy && used + gaps <= area.height);
    let mut y = area.y;
    let mut out = Vec::new();
    for (panel, height) in shares {
        out.push((panel, Rect { y, height, ..area }));
        y += height + gap;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_important_first_and_nothing_twice() {
        let want = |panel, rank, least, best| Want { panel, rank, least, best };
        let wants = [want('a', 2, 2, 9), want('b', 0, 3, 4), want('c', 1, 2, 2), want('d', 3, 0, 5)];
        assert_eq!(share(20, &wants), [('a', 9), ('b', 4), ('c', 2)]);
        assert_eq!(share(8, &wants), [('a', 2), ('b', 4), ('c', 2)]);
        assert_eq!(share(5, &wants), [('b', 3), ('c', 2)]);
        assert_eq!(share(2, &wants), [('c', 2)]);
        assert_eq!(share(0, &wants), []);
    }
}
