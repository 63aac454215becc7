//! The palette: everything by name, with completion and history. Screens, actions, themes, settings, filters, and any
//! verb of the command line.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::ui::action;
use crate::ui::app::App;
use crate::ui::fuzzy::Matcher;
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::screen::Out;
use crate::ui::settings;
use crate::ui::step::{Step, Tone};
use crate::ui::text;
use crate::ui::theme::{Role, Theme};
use crate::ui::widgets;
use crate::ui::widgets::input::Input;

/// The most proposals in sight.
const SHOWN_MAX: usize = 12;

/// One proposal: what is completed to, and what it does.
#[derive(Clone)]
struct Proposal {
    text: String,
    help: String,
}

/// The palette.
pub struct Palette {
    input: Input,
    proposals: Vec<Proposal>,
    history: Vec<String>,
    /// Place in the history, from its end; 0 is the line being typed.
    recalled: usize,
    cursor: Option<usize>,
}

impl Palette {
    /// All that can be said now; `history` is what was said before, the oldest first.
    pub fn new(app: &App, history: &[String], start: &str) -> Self {
        let actions = action::ALL.iter().map(|action| Proposal {
            text: action.name.replace('_', "-"),
            help: app.obstacle(action).map_or_else(|| action.help.to_owned(), |why| format!("not now: {why}")),
        });
        let folder = app.options.config_dir.as_ref().map(|dir| dir.join("themes"));
        let themes = Theme::names(folder.as_deref())
            .into_iter()
            .map(|name| Proposal { text: format!("theme {name}"), help: "use this theme".to_owned() });
        let sets = settings::ALL
            .iter()
            .map(|setting| Proposal { text: format!("set {} ", setting.name), help: setting.help.to_owned() });
        let at =
            Proposal { text: "at ".to_owned(), help: "look at the fleet as it was: 14:03, -10m, seq:1234".to_owned() };
        let filter = Proposal { text: "filter ".to_owned(), help: "filter the list in sight".to_owned() };
        Self {
            input: Input::new(start),
            proposals: actions.chain(themes).chain(sets).chain([filter, at]).collect(),
            history: history.to_vec(),
            recalled: 0,
            cursor: None,
        }
    }

    fn found(&self) -> Vec<&Proposal> {
        let mut matcher = Matcher::new(self.input.text());
        let mut found: Vec<(u32, &Proposal)> =
            self.proposals.iter().filter_map(|proposal| Some((matcher.score(&proposal.text)?, proposal))).collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, proposal)| proposal).collect()
    }

    /// What the line leads to.
    fn steps(&self) -> Vec<Step> {
        let chosen = self.cursor.and_then(|cursor| self.found().get(cursor).map(|proposal| proposal.text.clone()));
        let line = chosen.unwrap_or_else(|| self.input.text().to_owned());
        let line = line.trim();
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        match (word, rest) {
            ("", _) => vec![],
            ("theme", "") => vec![Step::Run("theme")],
            ("theme", name) => vec![Step::Theme(name.to_owned())],
            ("set", rest) => {
                let (name, value) = rest.split_once([' ', '=']).unwrap_or((rest, ""));
                vec![Step::Set(name.to_owned(), value.trim().to_owned())]
            }
            ("at", moment) if !moment.is_empty() => vec![Step::Travel(moment.to_owned())],
            ("filter", filter) => vec![Step::Filter(filter.to_owned())],
            ("shutdown", "--all") => vec![Step::Run("shutdown_all")],
            ("q", "") => vec![Step::Quit],
            _ => {
                let name = line.replace('-', "_");
                match action::named(&name) {
                    Some(action) => vec![Step::Run(action.name)],
                    None => match self.found().first() {
                        // A word that only one thing begins with means that thing.
                        Some(first) if rest.is_empty() && first.text.starts_with(word) => {
                            match action::named(&first.text.replace('-', "_")) {
                                Some(action) => vec![Step::Run(action.name)],
                                None => vec![Step::Verb(line.to_owned())],
                            }
                        }
                        _ => vec![Step::Verb(line.to_owned())],
                    },
                }
            }
        }
    }
}

impl Layer for Palette {
    fn name(&self) -> &'static str {
        "palette"
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        match key.code {
            KeyCode::Esc => out.step(Step::Close),
            KeyCode::Tab => {
                let place = self.cursor.unwrap_or(0);
                if let Some(text) = self.found().get(place).map(|proposal| proposal.text.clone()) {
                    self.input = Input::new(text);
                    self.cursor = None;
                }
            }
            KeyCode::Down => {
                let last = self.found().len().min(SHOWN_MAX).saturating_sub(1);
                self.cursor = Some(self.cursor.map_or(0, |cursor| (cursor + 1).min(last)));
            }
            KeyCode::Up => match self.cursor {
                Some(0) => self.cursor = None,
                Some(cursor) => self.cursor = Some(cursor - 1),
                None => {
                    if let Some(line) = self.history.iter().rev().nth(self.recalled) {
                        self.input = Input::new(line.clone());
                        self.recalled += 1;
                    }
                }
            },
            KeyCode::Enter => {
                let steps = self.steps();
                let said = self.input.text().trim().to_owned();
                out.step(Step::Close);
                if steps.is_empty() && !said.is_empty() {
                    out.step(Step::Say(Tone::Info, format!("nothing is called {said:?}")));
                }
                out.step(Step::Remember(said));
                out.steps.extend(steps);
            }
            _ => {
                if self.input.key(key) {
                    (self.cursor, self.recalled) = (None, 0);
                }
            }
        }
    }

    fn paste(&mut self, text: &str, _: &mut Out) {
        self.input.insert(text);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let found = self.found();
        let rows = found.len().min(SHOWN_MAX).min(usize::from(area.height.saturating_sub(8)));
        let height = u16::try_from(rows).unwrap_or(12) + 3;
        let inner = widgets::dialog(
            frame,
            widgets::middle(area, area.width.saturating_sub(4).min(140), height),
            "command",
            look,
        );
        self.input.draw(frame, Rect { height: 1, ..inner }, " : ", look);
        for (line, (place, proposal)) in (1u16..).zip(found.iter().enumerate().take(rows)) {
            let ground = if self.cursor == Some(place) { Role::Cursor } else { Role::Text };
            let room = usize::from(inner.width).saturating_sub(33);
            let spans = vec![
                Span::styled(format!("   {} ", text::pad(&proposal.text, 28)), look.theme.over(Role::Accent, ground)),
                Span::styled(text::pad(&proposal.help, room), look.theme.over(Role::Dim, ground)),
            ];
            let at = Rect { y: inner.y + line, height: 1, ..inner };
            frame.render_widget(Line::from(spans).style(look.style(ground)), at);
        }
    }

    fn hints(&self) -> Vec<(String, String)> {
        let hint = |key: &str, title: &str| (key.to_owned(), title.to_owned());
        vec![hint("enter", "do it"), hint("tab", "complete"), hint("up", "earlier lines"), hint("esc", "close")]
    }
}
