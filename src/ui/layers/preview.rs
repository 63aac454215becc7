//! What a change would do, thing by thing, before it is made.

use std::cell::Cell;

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::api::triage::{Figure, Unit, WhatIf};
use crate::api::types::WireCommand;
use crate::domain;
use crate::ui::events_text::shortened;
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::{Look, Mark};
use crate::ui::orders::way_back;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::{Order, Step};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::verb;
use crate::ui::widgets;

/// The most columns of what something is called, and of whose it is, where there is room and where there is little.
const NAMES_MAX: [(usize, usize); 2] = [(36, 32), (26, 20)];

/// From so many columns within the dialog on there is room.
const WIDE_FROM: u16 = 93;

/// Of so many things the names are asked for, or those of whom they belong to; of more than that nobody reads each.
const NAMED_MAX: usize = 200;

/// A change that waits for a yes.
pub struct Preview {
    order: Order,
    ticket: Option<Ticket>,
    found: Option<Result<Box<WhatIf>, String>>,
    top: usize,
    /// How far down one can go, as of the last drawing.
    last: Cell<usize>,
    /// How many lines were in sight then.
    rows: Cell<usize>,
}

impl Preview {
    /// Asks the engine what the order would do.
    pub fn new(order: Order) -> Self {
        Self { order, ticket: None, found: None, top: 0, last: Cell::default(), rows: Cell::default() }
    }

    fn reversible(&self) -> bool {
        matches!(&self.found, Some(Ok(what_if)) if what_if.reversible)
    }

    fn go(&mut self, by: isize) {
        let last = self.last.get();
        self.top = self.top.min(last).saturating_add_signed(by).min(last);
    }

    /// How far a page key goes.
    fn page(&self) -> isize {
        isize::try_from(self.rows.get()).unwrap_or(1).max(2)
    }

    fn agree(&self, out: &mut Out) {
        let mut order = self.order.clone();
        if let WireCommand::CancelTasks { pending_only, .. } = &mut order.command
            && self.reversible()
        {
            // What was shown to stop nothing stops nothing, also if something has started since.
            *pending_only = true;
            order.line = verb::line_of(&order.command);
        }
        out.step(Step::Close);
        out.step(Step::Order(order));
    }

    fn lines(&self, width: u16, look: &Look<'_>) -> Vec<Line<'static>> {
        let plain = |role: Role, words: String| Line::styled(words, look.style(role));
        match &self.found {
            None => vec![plain(Role::Dim, " asking the engine what would change …".to_owned())],
            Some(Err(message)) => vec![plain(Role::Bad, format!(" {}", text::clean(message)))],
            Some(Ok(what_if)) => {
                let refused = what_if.items.iter().filter(|item| item.refusal.is_some()).count();
                let head = format!(" {} will change, {refused} cannot", what_if.items.len() - refused);
                let mut lines = vec![plain(if refused > 0 { Role::Warn } else { Role::Good }, head)];
                lines.extend(what_if.loss().map(|words| plain(Role::Bad, format!(" {words}"))));
                lines.extend(item_lines(&what_if.items, width, look));
                let (changing, same) = told_apart(&what_if.figures);
                lines.extend(changing.into_iter().map(|figure| figure_line(figure, look)));
                lines.extend(staying(same.len()).map(|words| plain(Role::Dim, format!("   {words}"))));
                lines
            }
        }
    }
}

/// A line or more for each thing: first what cannot, with the reason whole, for it is what one did not expect.
fn item_lines(items: &[domain::Preview], width: u16, look: &Look<'_>) -> Vec<Line<'static>> {
    let (cannot, can): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.refusal.is_some());
    // Cages and agents go by their names; an id says nothing to anybody.
    let called = |item: &str| {
        if uuid::Uuid::try_parse(item).is_ok() { look.names.title(item) } else { text::clean(item).into_owned() }
    };
    let (name_max, origin_max) = NAMES_MAX[usize::from(width < WIDE_FROM)];
    let columns = items.iter().map(|item| text::width(&called(&item.item))).max().unwrap_or(0).clamp(8, name_max);
    let origins = items.iter().map(|item| text::width(&look.names.origin(&item.item)));
    let origin_columns = origins.max().unwrap_or(0).min(origin_max);
    let before = 3 + columns + if origin_columns == 0 { 0 } else { origin_columns + 1 } + 1;
    let room = usize::from(width).saturating_sub(before).max(12);
    let mut lines = Vec::with_capacity(items.len());
    for item in cannot.into_iter().chain(can) {
        let (mark, role, words) = match &item.refusal {
            Some(refusal) => (Mark::Failed, Role::Bad, shortened(&refusal.to_string())),
            None => (Mark::Done, Role::Good, item.change.clone()),
        };
        let said = if item.refusal.is_some() { Role::Bad } else { Role::Text };
        let origin = match origin_columns {
            0 => String::new(),
            columns => format!(" {}", text::pad(&look.names.origin(&item.item), columns)),
        };
        let mut words = widgets::wrap(&words, room).into_iter();
        lines.push(Line::from(vec![
            Span::styled(format!(" {} ", look.mark(mark)), look.style(role)),
            Span::raw(text::pad(&called(&item.item), columns)),
            Span::styled(origin, look.style(Role::Info)),
            Span::styled(format!(" {}", words.next().unwrap_or_default()), look.style(said)),
        ]));
        let blank = " ".repeat(before);
        lines.extend(words.map(|words| Line::styled(format!("{blank}{words}"), look.style(said))));
    }
    lines
}

/// The figures that a change moves or that nobody knows, and those that stay as they are.
pub fn told_apart(figures: &[Figure]) -> (Vec<&Figure>, Vec<&Figure>) {
    figures.iter().partition(|figure| figure.before.is_none() || figure.before != figure.after)
}

/// How many figures stay as they are, if any do.
pub fn staying(same: usize) -> Option<String> {
    match same {
        0 => None,
        1 => Some("1 figure stays as it is".to_owned()),
        same => Some(format!("{same} figures stay as they are")),
    }
}

fn figure_line(figure: &Figure, look: &Look<'_>) -> Line<'static> {
    let show = |value: Option<f64>| value.map_or("?".to_owned(), |value| value_text(value, figure.unit));
    let words = format!(
        "   {}  {} {} {}",
        text::pad(&text::clean(&figure.what), 44),
        show(figure.before),
        look.sign("→", "->"),
        show(figure.after)
    );
    Line::styled(words, look.style(Role::Accent))
}

/// A figure with its unit.
pub fn value_text(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => text::decimals(value, 0),
        Unit::Share => text::percent(value),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "seconds of waiting are far below what i64 holds in microseconds"
        )]
        Unit::Seconds => text::duration((value * 1e6) as i64),
        Unit::Cores => format!("{} cores", text::decimals(value, 1)),
        Unit::Bytes => text::bytes(value),
        Unit::TaskHours => text::decimals(value, 1),
    }
}

impl Layer for Preview {
    fn name(&self) -> &'static str {
        "preview"
    }

    fn confirms(&self, key: Key) -> bool {
        key.code == KeyCode::Enter || key.typed() == Some('y')
    }

    fn opened(&mut self, out: &mut Out) {
        self.ticket = Some(out.ask(None, Request::WhatIf(Box::new(self.order.command.clone()))));
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.ticket != Some(ticket) {
            return false;
        }
        self.found = match answer {
            Ok(Answer::WhatIf(what_if)) => {
                let ids = what_if.items.iter().map(|item| &item.item).filter(|id| uuid::Uuid::try_parse(id).is_ok());
                out.name(ids.take(NAMED_MAX));
                Some(Ok(what_if.clone()))
            }
            Ok(_) => Some(Err("the engine answered something else".to_owned())),
            Err(message) => Some(Err(message.clone())),
        };
        true
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        match (key.code, key.typed()) {
            (KeyCode::Esc, _) | (_, Some('n' | 'q')) => out.step(Step::Close),
            (KeyCode::Down, _) | (_, Some('j')) => self.go(1),
            (KeyCode::Up, _) | (_, Some('k')) => self.go(-1),
            (KeyCode::Char('d'), _) if key.ctrl => self.go(self.page() / 2),
            (KeyCode::Char('u'), _) if key.ctrl => self.go(-(self.page() / 2)),
            (KeyCode::PageDown, _) => self.go(self.page()),
            (KeyCode::PageUp, _) => self.go(-self.page()),
            (KeyCode::Home, _) | (_, Some('g')) => self.top = 0,
            (KeyCode::End, _) | (_, Some('G')) => self.top = self.last.get(),
            (_, Some('y')) if matches!(self.found, Some(Ok(_))) => self.agree(out),
            // What cannot be taken back is not agreed to by the key that says yes to everything.
            (KeyCode::Enter, _) if self.reversible() => self.agree(out),
            _ => {}
        }
    }

    fn scroll(&mut self, rows: i64, _: &mut Out) {
        self.go(isize::try_from(rows).unwrap_or(0));
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let width = area.width.saturating_sub(4).min(110);
        // One column at the right is the scrollbar's.
        let lines = self.lines(width.saturating_sub(3), look);
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4).min(area.height - 4).max(7);
        let at = widgets::middle(area, width, height);
        let inner = widgets::dialog(frame, at, &format!("{}?", self.order.title), look);
        let rows = inner.height - 2;
        let total = lines.len();
        self.rows.set(usize::from(rows));
        self.last.set(total.saturating_sub(usize::from(rows)));
        let top = self.top.min(self.last.get());
        let below = total.saturating_sub(top + usize::from(rows));
        let body = Rect { height: rows, ..inner };
        for (place, line) in (0..rows).zip(lines.into_iter().skip(top)) {
            let line = widgets::fit_line(line, usize::from(inner.width) - 1);
            frame.render_widget(line, Rect { y: inner.y + place, height: 1, ..inner });
        }
        widgets::scrollbar(frame, body, Scrolls::Layer, (top as u64, u64::from(rows), total as u64), look);
        let (yes, back) = match &self.found {
            Some(Ok(what_if)) if what_if.reversible => (" y, Enter: do it", way_back(&self.order.command)),
            Some(Ok(_)) => (" y: do it", "this cannot be taken back"),
            _ => (" y: do it", ""),
        };
        let more = |words: &str| match below {
            0 => String::new(),
            1 => format!("   1 more line below{words}"),
            below => format!("   {below} more lines below{words}"),
        };
        let long = format!("{yes}   n, Esc: leave it   {back}{}", more(": j G"));
        // Where there is little room it goes to what is at stake.
        let (leave, more) = if text::width(&long) <= usize::from(inner.width) {
            ("   n, Esc: leave it   ", more(": j G"))
        } else {
            ("  n: leave it  ", more("").replacen("   ", "  ", 1).replace(" lines", "").replace(" line", ""))
        };
        let words = Line::from(vec![
            Span::styled(format!("{yes}{leave}"), look.style(Role::Key)),
            Span::styled(back, look.style(Role::Dim)),
            Span::styled(more, look.style(Role::Warn)),
        ]);
        let words = widgets::fit_line(words, usize::from(inner.width));
        frame.render_widget(words, Rect { y: inner.bottom() - 1, height: 1, ..inner });
    }

    fn hints(&self) -> Vec<(String, String)> {
        vec![("y".into(), "do it".into()), ("esc".into(), "leave it".into()), ("j k g G".into(), "scroll".into())]
    }
}
