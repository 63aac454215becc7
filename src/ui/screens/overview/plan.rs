//! Which panel gets how many lines: side by side where there is room, under one another where there is not, and the
//! most important ones at any size.

use ratatui::layout::Rect;

use crate::ui::widgets::stack::{Want, stack};

/// A panel. The order is that of importance: what comes first gets its lines first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Panel {
    /// How the parts are.
    Health,
    /// What waits for a human.
    Inbox,
    /// The fleet in counts.
    Fleet,
    /// Active alerts.
    Alerts,
    /// Deadlines at risk.
    Risk,
    /// The queue and what ended.
    Flow,
    /// The machines.
    Nodes,
    /// All cages in small.
    Cages,
}

/// From how many columns on there are two columns of panels.
pub const TWO_COLUMNS_FROM: u16 = 100;

/// Where each panel goes. `wants` is asked for the wishes of a panel within so many columns.
pub fn arrange(area: Rect, wants: impl Fn(Panel, u16) -> Want<Panel>) -> Vec<(Panel, Rect)> {
    use Panel::{Alerts, Cages, Fleet, Flow, Health, Inbox, Nodes, Risk};
    let all = |panels: &[Panel], width: u16| panels.iter().map(|panel| wants(*panel, width)).collect::<Vec<_>>();
    if area.width < TWO_COLUMNS_FROM {
        return stack(area, &all(&[Health, Fleet, Flow, Nodes, Inbox, Alerts, Risk, Cages], area.width), false);
    }
    let left = Rect { width: (area.width - 2) / 2, ..area };
    let right = Rect { x: left.right() + 2, width: area.width - left.width - 2, ..area };
    let figures = all(&[Health, Fleet, Flow, Nodes], left.width);
    let rows = all(&[Inbox, Alerts, Risk], right.width);
    let cages = wants(Cages, area.width);
    let best = |wants: &[Want<Panel>]| wants.iter().map(|want| want.best + 1).sum::<u16>();
    // The cages get what the others do not need, but a third in any case, if they need that.
    let kept = cages.best.min(area.height / 3).max(cages.least);
    let top = best(&figures).max(best(&rows)).min(area.height.saturating_sub(kept));
    let mut out = stack(Rect { height: top, ..left }, &figures, true);
    out.extend(stack(Rect { height: top, ..right }, &rows, true));
    let below = Rect { y: area.y + top, height: area.height - top, ..area };
    if below.height >= cages.least {
        out.push((Cages, below));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(panel: Panel, _: u16) -> Want<Panel> {
        let (least, best) = match panel {
            Panel::Health => (1, 5),
            Panel::Flow => (4, 8),
            Panel::Fleet | Panel::Nodes => (3, 3),
            Panel::Inbox => (3, 6),
            Panel::Alerts | Panel::Risk => (2, 6),
            Panel::Cages => (2, 30),
        };
        Want { panel, rank: panel as u8, least, best }
    }

    #[test]
    fn nothing_overlaps_and_nothing_leaves_the_area() {
        for width in [58, 78, 99, 100, 118, 198, 298] {
            for height in [4, 9, 14, 22, 34, 58, 98] {
                let area = Rect::new(1, 2, width, height);
                let panels = arrange(area, wishes);
                for (place, (panel, rect)) in panels.iter().enumerate() {
                    assert_eq!(rect.intersection(area), *rect, "{panel:?} at {width}x{height}");
                    for (other, taken) in &panels[place + 1..] {
                        assert!(rect.intersection(*taken).is_empty(), "{panel:?} and {other:?} at {width}x{height}");
                    }
                }
            }
        }
    }

    #[test]
    fn on_80x24_all_panels_are_there_and_on_smaller_ones_the_most_important() {
        assert_eq!(arrange(Rect::new(1, 2, 78, 22), wishes).len(), 8);
        let few: Vec<Panel> = arrange(Rect::new(1, 2, 78, 9), wishes).into_iter().map(|(panel, _)| panel).collect();
        assert_eq!(few, [Panel::Health, Panel::Fleet, Panel::Inbox, Panel::Alerts]);
    }
}
