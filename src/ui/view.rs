//! One frame: a line of where and how, the screen in its panel, remarks, a line of keys.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::action::Scope;
use super::app::App;
use super::arming;
use super::link::LinkState;
use super::look::{Look, Mark};
use super::orders::Undoable;
use super::place::Place;
use super::step::Tone;
use super::text;
use super::theme::Role;
use super::widgets;

/// The smallest terminal on which the console makes sense.
const MIN: (u16, u16) = (60, 16);

/// Lines above the inside of the screen's panel: the header and the panel's upper edge.
pub const BODY_TOP: u16 = 2;

/// The most columns of a step in the breadcrumb.
const STEP_MAX: usize = 30;

/// Draws everything.
pub fn draw(app: &mut App, frame: &mut Frame<'_>) {
    draw_all(app, frame);
    if app.options.ascii {
        make_plain(frame.buffer_mut());
    }
}

/// Whatever is left beyond ASCII, mostly in names, makes room for signs that every terminal has.
fn make_plain(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let plain = match cell.symbol() {
            symbol if symbol.is_ascii() => continue,
            "…" => "~",
            "·" | "─" | "—" | "–" => "-",
            "→" | "›" => ">",
            "×" => "x",
            // The marks on a letter go, the letter stays.
            symbol => match symbol.as_bytes().first() {
                Some(letter) if letter.is_ascii_graphic() => &symbol[..1],
                _ => "?",
            },
        }
        .to_owned();
        cell.set_symbol(&plain);
    }
}

fn draw_all(app: &mut App, frame: &mut Frame<'_>) {
    let area = frame.area();
    app.bars.forget();
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
        let past = if app.era.is_past() { " · PAST" } else { "" };
        // That it is not how things are now stays in sight, however long the rest is.
        let past = format!("{past}{}", old(app, screen));
        let room = usize::from(body.width).saturating_sub(4 + text::width(&past));
        let title = format!("{}{past}", text::fit(&text::clean(&screen.title()), room));
        let block = widgets::panel(&title, app.layer().is_none(), &look);
        frame.render_widget(block, body);
        // Between the corners, with a piece of the edge at each side.
        draw_screens(app, frame, body, usize::from(body.width).saturating_sub(text::width(&title) + 8), &look);
        match &app.link {
            // Whatever it asks for now will not come: better said than left empty.
            LinkState::Down { reason, .. } if app.as_of().is_none() => {
                let words = format!(
                    "Nothing is known here yet: no engine has answered since this was opened.\n{}\n\n:start starts one",
                    text::clean(reason)
                );
                widgets::center_text(frame, inner, &words, look.style(Role::Dim));
            }
            _ => screen.draw(frame, inner, &look),
        }
    }
    draw_toasts(app, frame, body, &look);
    draw_footer(app, frame, footer, &look);
    for layer in app.layers() {
        layer.draw(frame, area, &look);
    }
}

/// That what the screen shows is not how it is now, and why.
fn old(app: &App, screen: &dyn super::screen::Screen) -> String {
    match screen.unanswered() {
        _ if app.link.is_down() && app.as_of().is_some() => " · OLD: no engine answers".to_owned(),
        Some(why) if app.as_of().is_some() => format!(" · OLD: {}", text::clean(why)),
        _ => String::new(),
    }
}

fn too_small(app: &App, frame: &mut Frame<'_>, area: Rect) {
    // Whoever looks at it on a telephone at night learns at least whether it is worth getting up.
    let counts = app.fleet.pulse.as_ref().filter(|_| !app.link.is_down()).map(|pulse| {
        let tasks = &pulse.counts.tasks;
        let running = tasks.executing + tasks.scheduled;
        let review = pulse.counts.artifacts.pending;
        let alerts = if pulse.alerts == 1 { "1 alert".to_owned() } else { format!("{} alerts", pulse.alerts) };
        let (pending, failed) = (tasks.pending, tasks.failed);
        format!("\n{running} running, {pending} queued, {failed} failed\n{review} to review, {alerts}")
    });
    let words = format!(
        "Menagerie needs {}x{}.\nThis is {}x{}.\nThe fleet goes on.{}\nq quits",
        MIN.0,
        MIN.1,
        area.width,
        area.height,
        counts.unwrap_or_default()
    );
    widgets::center_text(frame, area, &words, app.theme.style(Role::Text));
}

fn draw_header(app: &App, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let ground = look.style(Role::Header);
    let style = |role: Role| look.theme.over(role, Role::Header);
    let mut how = Vec::new();
    if app.frozen {
        how.push(Span::styled("  FROZEN, F goes on", style(Role::Warn)));
    }
    if let Some(words) = app.era_words() {
        how.push(Span::styled(format!("  {words}"), style(Role::Warn)));
    }
    if app.options.read_only {
        how.push(Span::styled("  read-only", style(Role::Info)));
    }
    let wide = |spans: &[Span<'_>]| spans.iter().map(Span::width).sum::<usize>();
    let room = usize::from(area.width);
    let mut right = header_right(app, true, look);
    if app.options.traffic_shown {
        right.insert(0, Span::styled(format!(" {}{}  ", app.traffic.text(), app.round_trip.text()), style(Role::Dim)));
    }
    // Where both do not fit, the counters do without their words: their signs say the same.
    let steps = app.history.trail().iter().map(|place| text::width(&text::fit(&place.crumb(), STEP_MAX)) + 3);
    if steps.sum::<usize>() + wide(&how) + wide(&right) > room {
        right = header_right(app, false, look);
    }
    let right = Line::from(right);
    let right_width = u16::try_from(right.width()).unwrap_or(area.width).min(area.width);
    let mut left = breadcrumb(app, room.saturating_sub(usize::from(right_width) + wide(&how)), look);
    left.append(&mut how);
    frame.render_widget(Paragraph::new(Line::from(left)).style(ground), area);
    let at = Rect { x: area.right() - right_width, width: right_width, ..area };
    frame.render_widget(Paragraph::new(right).style(ground), at);
}

/// The way to where one is, in `room` columns. What does not fit goes from its beginning, first of all the program's
/// name: the last step matters most.
fn breadcrumb(app: &App, room: usize, look: &Look<'_>) -> Vec<Span<'static>> {
    let style = |role: Role| look.theme.over(role, Role::Header);
    let arrow = look.sign(" › ", " > ");
    let trail = app.history.trail().iter().map(|place| text::fit(&place.crumb(), STEP_MAX).into_owned());
    let mut steps: Vec<String> = std::iter::once("menagerie".to_owned()).chain(trail).collect();
    let width = |steps: &[String]| steps.iter().map(|step| text::width(step) + text::width(arrow)).sum::<usize>();
    // How many there are without the name, which nobody misses.
    let whole = steps.len() - 1;
    while steps.len() > 1 && width(&steps) > room {
        steps.remove(0);
    }
    let mut spans = Vec::new();
    if steps.len() < whole {
        spans.push(Span::styled(look.sign(" …", " ."), style(Role::Dim)));
    }
    let named = steps.len() > whole;
    for (place, step) in steps.iter().enumerate() {
        // A blank before it, or the sign and the arrow; and one after it.
        let around = if spans.is_empty() { 2 } else { text::width(arrow) + 3 };
        let step = text::fit(step, room.saturating_sub(around)).into_owned();
        match (place, spans.is_empty()) {
            (0, true) if named => spans.push(Span::styled(format!(" {step}"), style(Role::Accent))),
            (0, true) => spans.push(Span::raw(format!(" {step}"))),
            _ => {
                spans.push(Span::styled(arrow, style(Role::Dim)));
                spans.push(Span::raw(step));
            }
        }
    }
    spans
}

/// The fleet in a few counters, with `words` or by their signs alone; or what is wrong with the link.
fn header_right(app: &App, words: bool, look: &Look<'_>) -> Vec<Span<'static>> {
    let style = |role: Role| look.theme.over(role, Role::Header);
    match (&app.link, &app.fleet.pulse) {
        (LinkState::Down { .. }, _) if app.era.is_past() => {
            vec![Span::styled(" the past answers no more; :now goes back ", style(Role::Bad))]
        }
        (LinkState::Starting { progress }, _) if app.era.is_past() => {
            vec![Span::styled(format!(" on the way: {progress} "), style(Role::Info))]
        }
        (LinkState::Down { next, .. }, _) => {
            let wait = next.saturating_duration_since(app.instant()).as_secs();
            let age = app.as_of().map(|as_of| app.instant().saturating_duration_since(as_of).as_secs());
            let old = age.map(|age| format!(", what you see is {age} s old")).unwrap_or_default();
            let text = format!(" {} NO ENGINE{old}; :start starts one; next try in {wait} s ", look.mark(Mark::Failed));
            vec![Span::styled(text, style(Role::Bad))]
        }
        (LinkState::Starting { progress }, _) => {
            vec![Span::styled(format!(" the engine starts: {progress} "), style(Role::Info))]
        }
        (_, None) => vec![Span::styled(look.sign(" connecting … ", " connecting ... "), style(Role::Dim))],
        (_, Some(pulse)) => {
            let tasks = &pulse.counts.tasks;
            let mut spans = Vec::new();
            let mut add = |mark: Mark, number: u64, what: &str, always: bool| {
                if number > 0 || always {
                    spans.push(Span::styled(format!("{} ", look.mark(mark)), style(mark.role())));
                    let what = if words { format!(" {what}  ") } else { "  ".to_owned() };
                    spans.push(Span::raw(text::count(number) + &what));
                }
            };
            // Those that are being started come and go too fast for a counter of their own.
            add(Mark::Running, tasks.executing + tasks.scheduled, "running", true);
            add(Mark::Queued, tasks.pending, "queued", true);
            add(Mark::Failed, tasks.failed, "failed", false);
            add(Mark::Human, pulse.counts.artifacts.pending, "to review", false);
            // The sign of a warning is for all of them; that one is worse has to be seen without colours too.
            let alerts = match (pulse.alerts, app.notifier.is_bad()) {
                (1, false) => "alert",
                (1, true) => "alert!",
                (_, false) => "alerts",
                (_, true) => "alerts!",
            };
            add(Mark::Warning, pulse.alerts, alerts, false);
            if pulse.read_only {
                spans.push(Span::styled("STORE FAILED: no changes ", style(Role::Bad)));
            }
            spans
        }
    }
}

/// The screens by their keys and names on the panel's upper edge, at the right; by their keys and the name of the one that is
/// shown where there is no room for more in `room` columns beside the title.
fn draw_screens(app: &App, frame: &mut Frame<'_>, body: Rect, room: usize, look: &Look<'_>) {
    let here = app.history.trail().first();
    let bindings = app.keymap.in_scopes(&[Scope::Global]);
    let named = |all: bool| {
        let mut spans = Vec::new();
        for (place, action) in Place::MAIN {
            let Some(binding) = bindings.iter().find(|binding| binding.action.name == *action) else { continue };
            let name = if here == Some(place) { Role::Title } else { Role::Dim };
            spans.push(Span::styled(format!(" {}", binding.key), look.style(Role::Key)));
            if all || here == Some(place) {
                spans.push(Span::styled(format!(" {}", place.crumb()), look.style(name)));
            }
        }
        spans.push(Span::raw(" "));
        Line::from(spans)
    };
    let fits = |line: &Line<'_>| line.width() <= room;
    let Some(line) = [true, false].map(named).into_iter().find(fits) else { return };
    let width = u16::try_from(line.width()).unwrap_or(0);
    frame.render_widget(line, Rect { x: body.right() - 2 - width, width, height: 1, ..body });
}

fn draw_toasts(app: &App, frame: &mut Frame<'_>, body: Rect, look: &Look<'_>) {
    // On the frame's lower edge, where it covers nothing: the newest, and how many more are to be read.
    let y = body.bottom().saturating_sub(1);
    let others = app.toasts.hidden();
    if let Some(toast) = app.toasts.iter().next_back() {
        let (mark, role) = match toast.tone {
            Tone::Done => (Mark::Done, Role::Good),
            Tone::Info => (Mark::Idle, Role::Info),
            Tone::Bad => (Mark::Failed, Role::Bad),
        };
        let first = toast.text.lines().next().unwrap_or_default();
        let more = if toast.stays() { "   Esc: read, ! in full" } else { "" };
        let more = if others > 0 { format!("{more}   and {others} more") } else { more.to_owned() };
        let room = usize::from(body.width).saturating_sub(6 + text::width(&more));
        let said = app.names.speak(first);
        // However long the names in it are, how it is taken back stays.
        let (said, back) = match said.rsplit_once(" · ") {
            Some((said, back)) if back.starts_with("z takes ") => (said, format!(" · {back}")),
            _ => (said.as_str(), String::new()),
        };
        let said = text::clean(said);
        let said = text::fit(&said, room.saturating_sub(text::width(&back)));
        let said = format!(" {} {said}{back}{more} ", look.mark(mark));
        let width = u16::try_from(text::width(&said)).unwrap_or(body.width).min(body.width.saturating_sub(2));
        let at = Rect { x: body.right() - 1 - width, y, width, height: 1 };
        frame.render_widget(Clear, at);
        frame.render_widget(Paragraph::new(said).style(look.theme.over(role, Role::Header)), at);
    }
}

fn draw_footer(app: &App, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let hints = match app.layer() {
        Some(layer) => layer.hints().into_iter().map(|(key, title)| Hint { key, title, possible: true }).collect(),
        None => screen_hints(app),
    };
    // What holds everywhere keeps its place at the right end, whatever the screen is.
    let everywhere = if app.layer().is_some() { Vec::new() } else { everywhere(app) };
    let right = hint_line(everywhere, usize::from(area.width), look);
    let right_width = u16::try_from(right.width()).unwrap_or(0);
    let left = hint_line(hints, usize::from(area.width - right_width), look);
    frame.render_widget(Paragraph::new(left).style(look.style(Role::Text)), area);
    frame.render_widget(right, Rect { x: area.right() - right_width, width: right_width, ..area });
}

/// As many hints as there is room for.
fn hint_line(hints: Vec<Hint>, room: usize, look: &Look<'_>) -> Line<'static> {
    let mut spans = Vec::new();
    let mut used = 0;
    for Hint { key, title, possible } in hints {
        let width = text::width(&key) + text::width(&title) + 3;
        if used + width > room {
            break;
        }
        used += width;
        let (of_key, of_title) = if possible { (Role::Key, Role::Hint) } else { (Role::Dim, Role::Dim) };
        spans.push(Span::styled(format!(" {key}"), look.style(of_key)));
        spans.push(Span::styled(format!(" {title} "), look.style(of_title)));
    }
    Line::from(spans)
}

/// The ways to everything else: the screens, help, the palette.
fn everywhere(app: &App) -> Vec<Hint> {
    let bindings = app.keymap.in_scopes(&app.scopes());
    let key = |name: &str| bindings.iter().find(|binding| binding.action.name == name).map(|binding| binding.key);
    // As they come from left to right on a keyboard: 1-0, not what the last screen of all has.
    let digits = Place::MAIN.iter().filter_map(|(_, action)| key(action)?.typed()).filter(char::is_ascii_digit);
    let digits: Vec<char> = digits.collect();
    let screens = match (digits.first(), digits.last()) {
        (Some(first), Some(last)) if first != last => Some(format!("{first}-{last}")),
        _ => key("next_screen").map(|key| key.to_string()),
    };
    let keys = [(screens, "screens"), (key("help").map(|key| key.to_string()), "help")];
    let keys = keys.into_iter().chain([(key("palette").map(|key| key.to_string()), "command")]);
    let hint = |(key, title): (Option<String>, &str)| Some(Hint { key: key?, title: title.to_owned(), possible: true });
    keys.filter_map(hint).collect()
}

/// The actions that stand at the right end of the line of keys.
const EVERYWHERE: [&str; 2] = ["help", "palette"];

/// A key, what it does in two or three words, and whether it can do that now.
struct Hint {
    key: String,
    title: String,
    possible: bool,
}

/// The keys of the screen, the most fitting first. Those that the fleet as a whole does not take now, because this console
/// only reads or no engine answers, and those that wait until the thing under the cursor could be read, keep their place and
/// are dimmed; `?` says why.
fn screen_hints(app: &App) -> Vec<Hint> {
    let mut bindings = app.keymap.in_scopes(&app.scopes());
    // What this screen can never do would only take room; what the thing under the cursor cannot do, or not in this very
    // moment, keeps its place, so that the line stays as it is.
    let obstacle = |action: &super::action::Action| app.screen().and_then(|one| one.obstacle(action.name));
    let never = |action| obstacle(action).is_some_and(|why| !arming::is_for_a_moment(&why));
    bindings.retain(|binding| binding.action.hint > 0 && !never(binding.action));
    bindings.retain(|binding| !EVERYWHERE.contains(&binding.action.name));
    // In a past one wants to know the ways through it and out of it; elsewhere there are none.
    bindings.retain(|binding| app.era.is_past() || !super::actions::past::is_of_a_past(binding.action));
    // Of what there is to take back nothing on the screen tells, so the hint does.
    bindings.retain(|binding| binding.action.name != "undo" || app.orders.undoable() != Undoable::Nothing);
    // The sort keeps the order of the table among equals, and that has those of this very place first.
    bindings.sort_by_key(|binding| std::cmp::Reverse(binding.action.hint));
    let hint = |binding: &super::keymap::Binding| Hint {
        key: binding.key.to_string(),
        title: binding.action.title.to_owned(),
        possible: binding.action.taken(app).is_ok() && obstacle(binding.action).is_none(),
    };
    bindings.iter().map(hint).collect()
}
