//! One frame: a line of where and how, the screen in its panel, remarks, a line of keys.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::app::App;
use super::link::LinkState;
use super::look::{Look, Mark};
use super::step::Tone;
use super::text;
use super::theme::Role;
use super::widgets;

/// The smallest terminal on which the console makes sense.
const MIN: (u16, u16) = (60, 16);

/// Signs in titles and where something was cut off, and what stands for them in pure ASCII. Signs that mean something of their own have
/// theirs in `look`.
const PLAIN: &[(&str, &str)] = &[("·", "-"), ("…", "~")];

/// Lines above the inside of the screen's panel: the header and the panel's upper edge.
pub const BODY_TOP: u16 = 2;

/// Draws everything.
pub fn draw(app: &mut App, frame: &mut Frame<'_>) {
    let area = frame.area();
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, app.theme.style(Role::Text));
    app.too_small = area.width < MIN.0 || area.height < MIN.1;
    if app.too_small {
        too_small(app, frame, area);
        return;
    }
    let header = Rect { height: 1, ..area };
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    let body = Rect { y: 1, height: area.height - 2, ..area };
    let inner = Rect { x: body.x + 1, y: body.y + 1, width: body.width - 2, height: body.height - 2 };
    app.layout(inner);
    app.layout_layers(area);
    let app = &*app;
    let look = app.look();
    draw_header(app, frame, header, &look);
    if let Some(screen) = app.screen() {
        let block = widgets::panel(&screen.title(), app.layer().is_none(), &look);
        frame.render_widget(block, body);
        screen.draw(frame, inner, &look);
    }
    draw_toasts(app, frame, body, &look);
    draw_footer(app, frame, footer, &look);
    for layer in app.layers() {
        layer.draw(frame, area, &look);
    }
    if app.options.ascii {
        make_plain(frame);
    }
}

fn make_plain(frame: &mut Frame<'_>) {
    for cell in &mut frame.buffer_mut().content {
        if let Some((_, plain)) = PLAIN.iter().find(|(sign, _)| cell.symbol() == *sign) {
            cell.set_symbol(plain);
        }
    }
}

fn too_small(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let words = format!(
        "Menagerie needs {}x{}.\nThis is {}x{}.\nThe fleet goes on.\nq quits",
        MIN.0, MIN.1, area.width, area.height
    );
    widgets::center_text(frame, area, &words, app.theme.style(Role::Text));
}

fn draw_header(app: &App, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let ground = look.style(Role::Header);
    let style = |role: Role| look.theme.over(role, Role::Header);
    let mut left = vec![Span::styled(" menagerie", style(Role::Accent))];
    for place in app.history.trail() {
        left.push(Span::styled(look.sign(" › ", " > "), style(Role::Dim)));
        left.push(Span::raw(text::fit(&place.crumb(), 30).into_owned()));
    }
    if app.frozen {
        left.push(Span::styled("  FROZEN, F goes on", style(Role::Warn)));
    }
    if app.options.read_only {
        left.push(Span::styled("  read-only", style(Role::Info)));
    }
    let mut right = header_right(app, look);
    if app.traffic_shown {
        right.insert(0, Span::styled(format!(" {}  ", app.traffic.text()), style(Role::Dim)));
    }
    let right = Line::from(right);
    let right_width = u16::try_from(right.width()).unwrap_or(area.width).min(area.width);
    frame.render_widget(Paragraph::new(Line::from(left)).style(ground), area);
    let at = Rect { x: area.right() - right_width, width: right_width, ..area };
    frame.render_widget(Paragraph::new(right).style(ground), at);
}

fn header_right(app: &App, look: &Look<'_>) -> Vec<Span<'static>> {
    let style = |role: Role| look.theme.over(role, Role::Header);
    let heard = app.fleet.heard.map(|heard| app.instant().saturating_duration_since(heard).as_secs());
    match (&app.link, &app.fleet.pulse) {
        (LinkState::Down { next, .. }, pulse) => {
            let wait = next.saturating_duration_since(app.instant()).as_secs();
            let old = match (pulse, heard) {
                (Some(_), Some(age)) => format!(", what you see is {age} s old"),
                _ => String::new(),
            };
            let text = format!(" {} NO ENGINE{old}; next try in {wait} s ", look.mark(Mark::Failed));
            vec![Span::styled(text, style(Role::Bad))]
        }
        (LinkState::Starting { progress }, _) => {
            vec![Span::styled(format!(" the engine starts: {progress} "), style(Role::Info))]
        }
        (_, None) => vec![Span::styled(" connecting … ", style(Role::Dim))],
        (_, Some(pulse)) => {
            let tasks = &pulse.counts.tasks;
            let mut spans = Vec::new();
            let mut add = |mark: Mark, number: u64, what: &str, always: bool| {
                if number > 0 || always {
                    spans.push(Span::styled(format!("{} ", look.mark(mark)), style(mark.role())));
                    spans.push(Span::raw(format!("{} {what}  ", text::count(number))));
                }
            };
            add(Mark::Running, tasks.executing + tasks.scheduled, "running", true);
            add(Mark::Queued, tasks.pending, "queued", true);
            add(Mark::Failed, tasks.failed, "failed", false);
            add(Mark::Human, pulse.counts.artifacts.pending, "to review", false);
            add(Mark::Warning, pulse.alerts, "alerts", false);
            if pulse.read_only {
                spans.push(Span::styled("STORE FAILED: no changes ", style(Role::Bad)));
            }
            spans
        }
    }
}

fn draw_toasts(app: &App, frame: &mut Frame<'_>, body: Rect, look: &Look<'_>) {
    const SHOWN_MAX: usize = 3;
    let mut y = body.bottom().saturating_sub(1);
    for toast in app.toasts.iter().rev().take(SHOWN_MAX) {
        let (mark, role) = match toast.tone {
            Tone::Done => (Mark::Done, Role::Good),
            Tone::Info => (Mark::Idle, Role::Info),
            Tone::Bad => (Mark::Failed, Role::Bad),
        };
        let first = toast.text.lines().next().unwrap_or_default();
        let more = if toast.tone == Tone::Bad { "   Esc: read · ! in full" } else { "" };
        let room = usize::from(body.width).saturating_sub(6 + text::width(more));
        let said = format!(" {} {}{more} ", look.mark(mark), text::fit(&text::clean(first), room));
        let width = u16::try_from(text::width(&said)).unwrap_or(body.width).min(body.width.saturating_sub(2));
        y = y.saturating_sub(1);
        if y <= body.y {
            return;
        }
        let at = Rect { x: body.right() - 1 - width, y, width, height: 1 };
        frame.render_widget(Clear, at);
        frame.render_widget(Paragraph::new(said).style(look.theme.over(role, Role::Header)), at);
    }
}

fn draw_footer(app: &App, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let hints = app.layer().map_or_else(|| screen_hints(app), super::layer::Layer::hints);
    let mut spans = Vec::new();
    let mut used = 1;
    for (key, title) in hints {
        let width = text::width(&key) + text::width(&title) + 3;
        if used + width > usize::from(area.width) {
            break;
        }
        used += width;
        spans.push(Span::styled(format!(" {key}"), look.style(Role::Key)));
        spans.push(Span::styled(format!(" {title} "), look.style(Role::Hint)));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)).style(look.style(Role::Text)), area);
}

/// The keys that work on the screen, the most fitting first.
fn screen_hints(app: &App) -> Vec<(String, String)> {
    let mut bindings = app.keymap.in_scopes(&app.scopes());
    // What this screen can never do would only take room; what the thing under the cursor cannot do keeps its place.
    let possible = |action: &super::action::Action| app.screen().is_none_or(|one| one.obstacle(action.name).is_none());
    bindings.retain(|binding| binding.action.hint > 0 && possible(binding.action));
    // The sort keeps the order of the table among equals, and that has those of this very place first.
    bindings.sort_by_key(|binding| std::cmp::Reverse(binding.action.hint));
    bindings.iter().map(|binding| (binding.key.to_string(), binding.action.title.to_owned())).collect()
}
