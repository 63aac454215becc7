//! How the candidates look: a table to choose from, and beside or below it everything about the one under the cursor.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Candidates, JUDGED_MAX, Known, Subject};
use crate::api::triage::{Candidate, Figure, WhatIf};
use crate::domain::learning::Prospect;
use crate::domain::preview::Standing;
use crate::domain::selection::{Factor, FactorScore, Learned};
use crate::ui::layers::preview::{staying, told_apart, value_text};
use crate::ui::look::{Look, Mark};
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// From this width on, what would change stands beside the list.
const BESIDE_FROM: u16 = 120;
/// How wide it then is.
const BESIDE_WIDTH: u16 = 52;
/// The lines that it gets in any case where there is room.
const BELOW_MIN: u16 = 11;
/// The least lines of the list, its heading with them, that are kept where there is little room.
const LIST_MIN: u16 = 6;
/// Below so many columns the list leaves what was achieved to the text, and says why instead.
const WHY_BEFORE_RECORD: usize = 100;

/// What the engine calls the deadlines that may be missed.
const AT_RISK: &str = "deadlines at risk";

/// The list has room for so many, also when there are fewer.
const ROWS_MIN: u16 = 10;

/// How a candidate stands, in a word.
pub(super) const fn word(candidate: &Candidate) -> &'static str {
    candidate.standing.as_str()
}

const fn mark(candidate: &Candidate) -> Mark {
    match candidate.standing {
        Standing::Free => Mark::Done,
        Standing::Busy => Mark::Running,
        Standing::Later => Mark::Queued,
        Standing::Paused => Mark::Warning,
        Standing::Drained => Mark::Withheld,
        Standing::Cannot => Mark::Failed,
    }
}

/// Draws everything over `area`, the whole screen.
pub(super) fn draw(layer: &Candidates, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let width = area.width.saturating_sub(4).min(170);
    let rows = match &layer.known {
        Known::Here(candidates) => u16::try_from(candidates.len()).unwrap_or(u16::MAX).saturating_add(1).max(ROWS_MIN),
        _ => ROWS_MIN,
    };
    let beside = width >= BESIDE_FROM + 2;
    // Without the frame, and a column or two beside it.
    let (list_room, side_room) = if beside {
        (width - 2 - BESIDE_WIDTH, BESIDE_WIDTH - 3)
    } else {
        (width.saturating_sub(2), width.saturating_sub(4))
    };
    let about = about(layer, usize::from(side_room), usize::from(list_room) < WHY_BEFORE_RECORD, look);
    // With the line between the list and the text; rather a few lines too many than another height for each choice.
    let needed = u16::try_from(about.len()).unwrap_or(u16::MAX).saturating_add(1).max(BELOW_MIN);
    let body = if beside { rows.max(needed) } else { rows.saturating_add(needed) };
    // All lines but the first and the last, which say how the fleet is and which keys there are.
    let at = widgets::middle(area, width, body.saturating_add(6).min(area.height.saturating_sub(2)));
    let inner = widgets::dialog(frame, at, &layer.title, look);
    layer.input.draw(frame, Rect { height: 1, ..inner }, " find: ", look);
    let below_all = Rect { y: inner.bottom() - 1, height: 1, ..inner };
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(2), ..inner };
    let (rows, side) = if beside {
        let rows = Rect { width: body.width - BESIDE_WIDTH, ..body };
        let gap = Rect { x: rows.right(), width: 1, ..body };
        for y in gap.y..gap.bottom() {
            let bar = Line::styled(look.sign("│", "|"), look.style(Role::Border));
            frame.render_widget(bar, Rect { y, height: 1, ..gap });
        }
        (rows, Rect { x: rows.right() + 2, width: BESIDE_WIDTH - 2, ..body })
    } else {
        let least = (body.height / 3).max(LIST_MIN);
        let list = body.height.saturating_sub(needed).max(least).min(rows + 1).min(body.height);
        let below = body.height - list;
        let rows = Rect { height: list, ..body };
        let rule = look.sign("─", "-").repeat(usize::from(body.width));
        let at = Rect { y: rows.bottom(), height: 1, ..body };
        frame.render_widget(Line::styled(rule, look.style(Role::Border)), at);
        let side = Rect { x: body.x + 1, y: rows.bottom() + 1, width: body.width - 1, height: below.saturating_sub(1) };
        (rows, side)
    };
    draw_list(layer, frame, rows, look);
    draw_about(layer, about, frame, side, look);
    draw_last(layer, frame, below_all, look);
}

/// Draws what is said of the choice under the cursor. Where it does not fit, the last line says how much more there is.
fn draw_about(layer: &Candidates, lines: Vec<Line<'static>>, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let height = usize::from(area.height);
    let rows = if lines.len() > height { height.saturating_sub(1) } else { height };
    let last = lines.len().saturating_sub(rows);
    layer.side.set((last, rows));
    let (top, total) = (layer.side_top.min(last), lines.len());
    for (y, line) in (area.y..area.bottom()).zip(lines.into_iter().skip(top).take(rows)) {
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
    if rows < height {
        let (above, below) = (top, total - top - rows);
        let more = |sign: &str, lines: usize| if lines == 0 { String::new() } else { format!("{sign} {lines} ") };
        let signs = more(look.sign("▲", "^"), above) + &more(look.sign("▼", "v"), below);
        let words = format!("{signs}more lines: shift-down shift-up, ctrl-d ctrl-b");
        let words = text::fit(&words, usize::from(area.width)).into_owned();
        let at = Rect { y: area.bottom() - 1, height: 1, ..area };
        frame.render_widget(Line::styled(words, look.style(Role::Warn)), at);
    }
}

fn draw_list(layer: &Candidates, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let room = usize::from(area.width);
    let cages = layer.cages();
    let shown = figures_shown(cages, room);
    // The best of those that are equally able and free comes first.
    let score = format!("SCORE{}", look.sign("▼", "v"));
    let head_of_figures = figure_columns(shown, &["RUNS", "QUEUE", "GOOD", "MEAN", "COST", &score, "LIKELY"]);
    let fixed = 13 + text::width(&head_of_figures);
    let found = layer.found();
    // Of all that there are, so that columns stay where they are while somebody types.
    let longest = match &layer.known {
        Known::Here(all) => all.iter().map(|candidate| text::width(&text::clean(&candidate.name))).max().unwrap_or(0),
        _ => 0,
    };
    let name_max = longest.clamp(10, if room < WHY_BEFORE_RECORD { 15 } else { 30 });
    let name_width = if cages { 6 } else { room.saturating_sub(fixed).clamp(10, name_max) };
    let why_width = room.saturating_sub(fixed + name_width);
    let place = text::pad(if cages { "CAGE" } else { "AGENT" }, name_width);
    let head = format!("            {place}{head_of_figures}{}", if why_width > 12 { "WHY" } else { "" });
    let columns = Line::styled(text::pad(&head, room), look.style(Role::Columns));
    frame.render_widget(columns, Rect { height: 1, ..area });
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let rows = usize::from(body.height).max(1);
    let top = (layer.cursor + 1).saturating_sub(rows);
    layer.drawn.set((top, rows));
    for (y, (place, choice)) in (body.y..body.bottom()).zip(found.iter().enumerate().skip(top)) {
        let ground = if place == layer.cursor { Role::Cursor } else { Role::Text };
        let style = |role: Role| look.theme.over(role, ground);
        let pointer = if place == layer.cursor { look.sign("▶ ", "> ") } else { "  " };
        let mut spans = vec![Span::raw(pointer)];
        match choice {
            None => {
                let words = format!("{} {}", look.sign("↺", "~"), layer.nobody());
                spans.push(Span::styled(words, style(Role::Accent)));
            }
            Some(candidate) => {
                let role = mark(candidate).role();
                spans
                    .push(Span::styled(format!("{} {:<7} ", look.mark(mark(candidate)), word(candidate)), style(role)));
                spans.push(Span::raw(text::pad(&text::clean(&candidate.name), name_width)));
                spans.push(Span::raw(figure_columns(shown, &figures(candidate))));
                if why_width > 12 {
                    let why = candidate.reasons.join(" · ");
                    spans.push(Span::styled(text::fit(&text::clean(&why), why_width).into_owned(), style(Role::Dim)));
                }
            }
        }
        let at = Rect { y, height: 1, ..body };
        frame.render_widget(Line::from(spans).style(look.style(ground)), at);
    }
    let below = Rect { y: body.y + 1, height: body.height.saturating_sub(1), ..body };
    let said = match &layer.known {
        Known::Asked(_) => Some("asking the engine who could …".to_owned()),
        Known::Failed(message) => Some(message.clone()),
        Known::Here(candidates) if candidates.is_empty() && layer.cages() => {
            Some("There is no other cage.\nmenagerie apply declares more of them.".to_owned())
        }
        Known::Here(candidates) if candidates.is_empty() => {
            Some("There is no agent yet.\nmenagerie agent add NAME -- COMMAND adds one.".to_owned())
        }
        Known::Here(_) if found.is_empty() => Some("nothing matches what was typed".to_owned()),
        Known::Here(_) => None,
    };
    if let Some(said) = said {
        widgets::center_text(frame, below, &said, look.style(Role::Dim));
    } else {
        widgets::scrollbar(frame, body, Scrolls::Layer, (top as u64, rows as u64, found.len() as u64), look);
    }
}

/// How many figures of a candidate there are.
const FIGURES: usize = 7;

/// Which figures of a candidate the list has, by place in [`figures`]. Of a cage nobody keeps a record, so it has the first
/// two only; where there is little room an agent has its score beside them.
const fn figures_shown(cages: bool, room: usize) -> &'static [usize] {
    match (cages, room < WHY_BEFORE_RECORD) {
        (true, _) => &[0, 1],
        (false, true) => &[0, 1, 5],
        (false, false) => &[0, 1, 2, 3, 4, 5, 6],
    }
}

/// Some figures of a candidate, under each other.
fn figure_columns<T: AsRef<str>>(shown: &[usize], figures: &[T; FIGURES]) -> String {
    let widths = [4, 5, 4, 6, 6, 6, 6];
    let padded = shown.iter().map(|place| format!(" {}", text::pad_left(figures[*place].as_ref(), widths[*place])));
    padded.collect::<String>() + "  "
}

/// What a candidate does, did, and is worth; what nobody knows is a dash.
fn figures(candidate: &Candidate) -> [String; FIGURES] {
    let known = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    #[allow(clippy::cast_possible_truncation, reason = "durations are far below what i64 holds in microseconds")]
    let mean = candidate.mean_duration_s.map(|seconds| text::duration((seconds * 1e6) as i64));
    let outlook = candidate.learned.as_ref().and_then(|learned| learned.outlook.as_ref());
    [
        candidate.running.to_string(),
        text::count(candidate.queued),
        known(candidate.success_rate.map(text::percent)),
        known(mean),
        known(candidate.mean_cost.map(|cost| format!("${}", text::decimals(cost, 2)))),
        known(candidate.score.map(|score| text::decimals(score, 3))),
        known(outlook.map(likely)),
    ]
}

/// Everything about the choice under the cursor: what it achieved, where the list does not say it (`record`), its reasons, and before and after.
fn about(layer: &Candidates, width: usize, record: bool, look: &Look<'_>) -> Vec<Line<'static>> {
    let found = layer.found();
    let Some(chosen) = found.get(layer.cursor).copied() else { return Vec::new() };
    let styled = |role: Role, words: String| Line::styled(words, look.style(role));
    let mut lines = Vec::new();
    match chosen {
        None => {
            lines.push(styled(Role::Title, layer.nobody().to_owned()));
        }
        Some(candidate) => {
            let name = text::clean(&candidate.name);
            let words = format!("{}{name}: {}", if layer.cages() { "cage " } else { "" }, word(candidate));
            lines.push(styled(Role::Title, text::fit(&words, width).into_owned()));
            if record && !layer.cages() {
                let [_, _, good, mean, cost, ..] = figures(candidate);
                lines.push(styled(Role::Dim, format!("good {good}, takes {mean}, costs {cost} in the mean")));
            }
            // What it achieved in all says little of one sort of task.
            let expertise = candidate.factors.iter().find(|factor| factor.factor == Factor::DomainExpertise);
            lines.extend(expertise.into_iter().filter(|factor| factor.value.is_some()).flat_map(|factor| {
                let words = widgets::wrap(&text::clean(&factor.evidence), width);
                words.into_iter().map(|line| styled(Role::Dim, line))
            }));
            for reason in &candidate.reasons {
                let dot = look.sign("· ", "- ");
                for (place, line) in widgets::wrap(reason, width.saturating_sub(2)).into_iter().enumerate() {
                    let before = if place == 0 { dot } else { "  " };
                    lines.push(styled(if candidate.able { Role::Text } else { Role::Warn }, format!("{before}{line}")));
                }
            }
        }
    }
    let name = chosen.map(|candidate| candidate.name.clone());
    match layer.effects.get(&name) {
        None if matches!(layer.subject, Subject::Cage(_)) => {}
        None => lines.push(styled(Role::Dim, "asking what would change …".to_owned())),
        Some(Err(message)) => {
            lines.extend(widgets::wrap(message, width).into_iter().map(|line| styled(Role::Bad, line)));
        }
        Some(Ok(what_if)) => {
            lines.push(styled(Role::Columns, "IF YOU DO IT".to_owned()));
            lines.extend(changes(what_if, width, look));
        }
    }
    if let Some((score, candidate)) = chosen.and_then(|candidate| Some((candidate.score?, candidate))) {
        let words = suits(score, candidate.learned.as_ref(), layer.several());
        lines.push(styled(Role::Columns, text::fit(&words, width).into_owned()));
        let outlook = candidate.learned.as_ref().and_then(|learned| learned.outlook.as_ref());
        lines.extend(outlook.iter().flat_map(|outlook| {
            let role = if outlook.bad { Role::Warn } else { Role::Dim };
            let words = widgets::wrap(&text::clean(&outlook.sentence("succeeds")), width);
            words.into_iter().map(move |line| styled(role, line))
        }));
        lines.extend(candidate.to_win.iter().flat_map(|to_win| {
            let words = widgets::wrap(&text::clean(&format!("to come first: {to_win}")), width);
            words.into_iter().map(|line| styled(Role::Accent, line))
        }));
        lines.extend(candidate.factors.iter().flat_map(|factor| factor_lines(factor, width, look)));
        lines.extend(candidate.learned.iter().flat_map(|learned| learned_lines(learned, width, look)));
    }
    lines
}

/// Before and after: how many cannot and what becomes of deadlines is always said, then the figures that change.
fn changes(what_if: &WhatIf, width: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let refused: Vec<_> = what_if.items.iter().filter_map(|item| item.refusal.as_ref()).collect();
    let loss = what_if.loss().map_or_else(Vec::new, |words| widgets::wrap(&words, width));
    let mut lines: Vec<_> = loss.into_iter().map(|words| Line::styled(words, look.style(Role::Bad))).collect();
    if let ([item], true) = (&what_if.items[..], refused.is_empty()) {
        lines.extend(widgets::wrap(&item.change, width).into_iter().map(Line::from));
    } else if what_if.items.len() > 1 {
        let words = format!("{} will change, {} cannot", what_if.items.len() - refused.len(), refused.len());
        let role = if refused.is_empty() { Role::Good } else { Role::Warn };
        lines.push(Line::styled(words, look.style(role)));
    }
    for refusal in refused.iter().take(3) {
        let words = widgets::wrap(&refusal.to_string(), width.saturating_sub(2));
        let mark = look.mark(Mark::Failed);
        for (place, line) in words.into_iter().enumerate() {
            let before = if place == 0 { mark } else { " " };
            lines.push(Line::styled(format!("{before} {line}"), look.style(Role::Bad)));
        }
    }
    let (changing, same) = told_apart(&what_if.figures);
    let (deadlines, same): (Vec<_>, Vec<_>) = same.into_iter().partition(|figure| figure.what == AT_RISK);
    let (at_risk, changing): (Vec<_>, Vec<_>) = changing.into_iter().partition(|figure| figure.what == AT_RISK);
    let shown = deadlines.into_iter().chain(at_risk).chain(changing);
    lines.extend(shown.map(|figure| figure_line(figure, width, look)));
    lines.extend(staying(same.len()).map(|words| Line::styled(words, look.style(Role::Dim))));
    lines
}

/// The score, what of it was learned, and how likely that makes a success; of `several` tasks that of the first.
fn suits(score: f64, learned: Option<&Learned>, several: bool) -> String {
    let part = learned.map_or_else(String::new, |learned| format!(", learned {:+.3}", learned.value));
    let chance = learned.and_then(|learned| learned.outlook.as_ref());
    let chance = chance.map_or_else(String::new, |outlook| format!(", {} likely", likely(outlook)));
    let what = if several { "SUITS THE FIRST" } else { "SUITS IT" };
    format!("{what} {}{part}{chance}", text::decimals(score, 3))
}

/// What that which was learned rests on.
fn learned_lines(learned: &Learned, width: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let words = format!("learned: {}", text::clean(&learned.evidence));
    widgets::wrap(&words, width).into_iter().map(|line| Line::styled(line, look.style(Role::Dim))).collect()
}

/// One factor: its value, how much it counts, and what it rests on.
fn factor_lines(factor: &FactorScore, width: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let value = factor.value.map_or_else(|| "   ?".to_owned(), |value| text::decimals(value, 2));
    let role = if factor.value.is_none() { Role::Dim } else { Role::Text };
    let head =
        Line::styled(format!("{value} x {} {}", text::decimals(factor.weight, 2), factor.factor), look.style(role));
    let evidence = widgets::wrap(&text::clean(&factor.evidence), width.saturating_sub(2));
    let below = evidence.into_iter().map(|line| Line::styled(format!("  {line}"), look.style(Role::Dim)));
    std::iter::once(head).chain(below).collect()
}

fn figure_line(figure: &Figure, width: usize, look: &Look<'_>) -> Line<'static> {
    let show = |value: Option<f64>| value.map_or("?".to_owned(), |value| value_text(value, figure.unit));
    let figures = format!("{} {} {}", show(figure.before), look.sign("→", "->"), show(figure.after));
    let what = text::pad(&text::clean(&figure.what), width.min(60).saturating_sub(text::width(&figures) + 1));
    let role = if figure.before == figure.after { Role::Dim } else { Role::Accent };
    Line::from(vec![Span::styled(what, look.style(Role::Text)), Span::styled(format!(" {figures}"), look.style(role))])
}

fn draw_last(layer: &Candidates, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let several = match &layer.subject {
        Subject::Tasks(ids) | Subject::Agents(ids) if ids.len() > JUDGED_MAX => {
            format!("   able and free judged by the first {JUDGED_MAX}")
        }
        _ => String::new(),
    };
    let back = match layer.effect() {
        Some(Ok(effect)) if effect.reversible => "z takes it back",
        Some(Ok(_)) => "this cannot be taken back",
        _ => "",
    };
    let line = if let Some(problem) = &layer.problem {
        let words = text::fit(&text::clean(problem), usize::from(area.width) - 2).into_owned();
        Line::styled(format!(" {words}"), look.style(Role::Bad))
    } else {
        // What is at stake stands before the keys, which are the same every time.
        let back = if back.is_empty() { String::new() } else { format!("   {back}") };
        let line = Line::from(vec![
            Span::styled(if layer.can_choose() { " Enter: do it" } else { "" }, look.style(Role::Key)),
            Span::styled(back, look.style(Role::Dim)),
            Span::styled("   Esc: leave it", look.style(Role::Key)),
            Span::styled(several, look.style(Role::Dim)),
            Span::styled("   Tab", look.style(Role::Key)),
            Span::styled(" moves, letters find", look.style(Role::Dim)),
        ]);
        widgets::fit_line(line, usize::from(area.width))
    };
    frame.render_widget(line, area);
}

/// `81%`, and with a question mark where little rests on it.
fn likely(outlook: &Prospect) -> String {
    format!("{}{}", text::percent(outlook.chance), if outlook.seldom { "?" } else { "" })
}
