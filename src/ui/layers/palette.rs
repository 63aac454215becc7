//! The palette: everything by name, with completion and history. Screens, actions, themes, settings, filters, and any
//! verb of the command line; the names of agents too; and what is none of these as words to look for.

use std::cmp::Reverse;

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::CageId;
use crate::ui::action::{self, Action};
use crate::ui::app::App;
use crate::ui::fuzzy::Matcher;
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::layers::search::Search;
use crate::ui::look::Look;
use crate::ui::names::Names;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::scrollbars::Scrolls;
use crate::ui::settings;
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::{Role, Theme};
use crate::ui::verb;
use crate::ui::verbs::{self, Verb};
use crate::ui::widgets;
use crate::ui::widgets::choice::Choice;
use crate::ui::widgets::input::Input;

/// The most proposals in sight.
const SHOWN_MAX: usize = 12;

/// What a proposal is, in the order in which they are offered: what only shows something comes before what changes
/// something, and what can be done here before what cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Screen,
    Looks,
    Setting,
    Changes,
    Verb,
    NotNow,
}

/// One proposal: what is completed to, and what it does. A text that ends with a blank needs more words.
#[derive(Clone)]
struct Proposal {
    text: String,
    /// What it is called in the line of keys, where that is another name; shown with the help.
    title: Option<&'static str>,
    /// What else it is called: in the line of keys, and elsewhere.
    also: Vec<&'static str>,
    help: String,
    kind: Kind,
}

impl Proposal {
    fn new(text: String, help: &str, kind: Kind) -> Self {
        Self { text, title: None, also: Vec::new(), help: help.to_owned(), kind }
    }

    /// Whether what was typed stands in what is seen of it, and not only in what it is called elsewhere.
    fn shows(&self, typed: &str) -> bool {
        self.text.contains(typed) || self.title.is_some_and(|title| title.contains(typed))
    }

    /// All that it is called.
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.text.trim_end()).chain(self.also.iter().copied())
    }
}

/// The verbs that take the names of agents behind them.
const OF_AGENTS: &[&str] = &[
    "diff", "drain", "history", "reassign", "remove", "rename", "report", "resume", "rollback", "set", "show", "tree",
];
/// The options that take the name of an agent, whatever the verb.
const AGENT_OPTIONS: &[&str] = &["--agent", "--reports-to", "--to"];
/// So many names of agents are asked for.
const NAMES_MAX: usize = 50;

/// What Enter leads to.
enum Enter {
    Do(Vec<Step>),
    /// Open the page of an agent, if there is one of that name or id.
    Agent(String),
    /// Stay, with this in the line and this to say.
    Stay(String, String),
}

/// The palette.
pub struct Palette {
    input: Input,
    proposals: Vec<Proposal>,
    /// Every action and whether it has a key here; these first, and those that can be done now before others: of several
    /// with the same label the first is meant.
    actions: Vec<(bool, &'static Action)>,
    verbs: &'static Verb,
    history: Vec<String>,
    /// Place in the history, from its end; 0 is the line being typed.
    recalled: usize,
    choice: Choice,
    /// Whether somebody went to a proposal: else the line is meant as it stands.
    chosen: bool,
    /// Why the line was not done.
    problem: String,
    /// Agents whose names may be meant by the line's last word, as far as they are known.
    agents: Vec<String>,
    /// For which beginning of a name they were asked for last.
    agents_for: Option<String>,
    agents_asked: Option<Ticket>,
    /// The agent that is to be opened once it is known that there is one.
    opening: Option<Ticket>,
}

impl Palette {
    /// All that can be said now; `history` is what was said before, the oldest first.
    pub fn new(app: &App, history: &[String], start: &str) -> Self {
        let actions = action::ALL.iter().map(|action| of_action(app, action));
        let folder = app.options.config_dir.as_ref().map(|dir| dir.join("themes"));
        let setting = |text: String, help: &str| Proposal::new(text, help, Kind::Setting);
        let themes = Theme::names(folder.as_deref());
        let themes = themes.into_iter().map(|name| setting(format!("theme {name}"), "use this theme"));
        let sets = settings::ALL.iter().map(|it| setting(format!("set {} ", it.name), it.help));
        let filter = setting("filter ".to_owned(), "filter the list in sight");
        let search = setting("search ".to_owned(), "find agents, tasks, artifacts and events by their words");
        let at = setting("at ".to_owned(), "look at the fleet as it was: 14:03, -10m, seq:1234");
        let verbs = (app.options.verbs)();
        let known = |name: &str| action::named(name).is_some() || matches!(name, "filter" | "at");
        let said = verbs.verbs.iter().filter(|verb| !known(&verb.name)).map(|verb| {
            let text = if verb.verbs.is_empty() { verb.name.clone() } else { format!("{} ", verb.name) };
            Proposal::new(text, &verb.help, Kind::Verb)
        });
        let bound = app.keymap.in_scopes(&app.scopes());
        let here = |action: &Action| bound.iter().any(|binding| binding.action.name == action.name);
        let mut nearest: Vec<_> = action::ALL.iter().map(|action| (here(action), *action)).collect();
        nearest.sort_by_cached_key(|(here, action)| (!here, app.obstacle(action).is_some()));
        Self {
            actions: nearest,
            input: Input::new(start),
            proposals: actions.chain(themes).chain(sets).chain([filter, at, search]).chain(said).collect(),
            verbs,
            history: history.to_vec(),
            recalled: 0,
            choice: Choice::default(),
            chosen: false,
            problem: String::new(),
            agents: Vec::new(),
            agents_for: None,
            agents_asked: None,
            opening: None,
        }
    }

    /// The beginning of the name of an agent that the line ends with, and what stands before it; `None` where none belongs.
    fn agent_begun(line: &str) -> Option<(&str, &str)> {
        let start = line.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
        let (before, begun) = line.split_at(start);
        let words: Vec<&str> = before.split_whitespace().skip_while(|word| *word == "menagerie").collect();
        let belongs = match &words[..] {
            ["agent"] => true,
            [.., option] if AGENT_OPTIONS.contains(option) => true,
            ["agent", verb, ..] => OF_AGENTS.contains(verb),
            _ => false,
        };
        (belongs && !begun.starts_with('-')).then_some((before, begun))
    }

    /// Asks for the names of agents that the line may go on with.
    fn ask_agents(&mut self, out: &mut Out) {
        let begun = Self::agent_begun(self.input.text()).map(|(_, begun)| begun.to_owned());
        if begun == self.agents_for {
            return;
        }
        self.agents_for.clone_from(&begun);
        let Some(begun) = begun else { return };
        let mut query = vec![("limit".to_owned(), NAMES_MAX.to_string()), ("sort".to_owned(), "name".to_owned())];
        let begun = begun.replace(['"', '\'', '\\'], "");
        if !begun.is_empty() {
            query.push(("filter".to_owned(), format!("name:\"{begun}\"")));
        }
        self.agents_asked = Some(out.ask(Some("palette-agents"), Request::AgentRows(query)));
    }

    /// The lines that the one typed becomes by the name of an agent; those that begin as it was begun come first.
    fn named_agents(&self, line: &str) -> Vec<Proposal> {
        let Some((before, begun)) = Self::agent_begun(line) else { return vec![] };
        let begun = begun.trim_start_matches(['"', '\'']).to_lowercase();
        // Behind a verb more words may follow.
        let end = if before.split_whitespace().next_back() == Some("agent") { "" } else { " " };
        let mut names: Vec<&String> = self.agents.iter().filter(|name| name.to_lowercase().contains(&begun)).collect();
        names.sort_by_key(|name| !name.to_lowercase().starts_with(&begun));
        let line = |name: &String| format!("{before}{}{end}", verb::quote(name));
        names.into_iter().map(|name| Proposal::new(line(name), "this agent", Kind::Verb)).collect()
    }

    /// How many proposals there is room for.
    fn rows(found: usize, area: Rect) -> usize {
        found.min(SHOWN_MAX).min(usize::from(area.height.saturating_sub(8)))
    }

    /// Moves among the proposals; at first to the first one.
    fn go(&mut self, by: isize) {
        let by = if std::mem::replace(&mut self.chosen, true) { by } else { 0 };
        self.choice.go(by, self.found().len());
    }

    /// Another line stands there: none of its proposals is chosen yet, and there may be a problem with it.
    fn typed(&mut self, problem: String) {
        self.choice.restart();
        (self.chosen, self.problem) = (false, problem);
    }

    /// Whoever types on no longer waits for an agent's page.
    fn edited(&mut self) {
        self.opening = None;
        self.typed(String::new());
    }

    /// What the line may become: behind a noun of the command line its verbs and options, otherwise whatever matches. What
    /// begins with what was typed comes first.
    fn found(&self) -> Vec<Proposal> {
        let line = self.input.text();
        if self.is_command_line(line) {
            let proposal = |(text, help): (String, String)| Proposal::new(text, &help, Kind::Verb);
            let words = self.verbs.completions(line).into_iter().map(proposal);
            return words.chain(self.named_agents(line)).collect();
        }
        let typed = line.trim();
        let mut matcher = Matcher::new(line);
        let matching = |proposal: &Proposal| {
            let score = proposal.names().filter_map(|name| matcher.score(name)).max()?;
            Some((score, proposal.clone()))
        };
        let mut found: Vec<(u32, Proposal)> = self.proposals.iter().filter_map(matching).collect();
        found.sort_by_key(|(score, proposal)| {
            let begins = proposal.text.starts_with(typed);
            let kind = proposal.kind;
            let exact = proposal.names().any(|name| name == typed);
            (!exact, !begins, begins.then_some(kind), !proposal.shows(typed), Reverse(*score), kind)
        });
        let words = (!typed.is_empty() && !found.iter().any(|(_, it)| it.text.starts_with(typed)))
            .then(|| Proposal::new(format!("search {typed}"), &format!("search for: {typed}"), Kind::Looks));
        found.into_iter().map(|(_, proposal)| proposal).chain(words).collect()
    }

    /// What Enter leads to. Only what was chosen or written in full is done, and beyond that a word that a single thing
    /// begins with, if that thing changes nothing: whoever means another must not set off the first that fits.
    fn enter(&self) -> Enter {
        if let Some(chosen) = self.chosen.then(|| self.found().into_iter().nth(self.choice.cursor())).flatten() {
            return match self.agent(&chosen.text) {
                Some(name) => Enter::Agent(name),
                None if chosen.text.ends_with(' ') => Enter::Stay(chosen.text, String::new()),
                None => Enter::Do(steps(&chosen.text)),
            };
        }
        let line = self.input.text().trim();
        let line = line.strip_prefix("menagerie ").map_or(line, str::trim_start);
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        let alone = rest.is_empty();
        let stay = |problem: String| Enter::Stay(self.input.text().to_owned(), problem);
        if let Some((place, _)) = Place::MAIN.iter().find(|(_, name)| *name == word)
            && !alone
            && !self.goes_on(word, rest)
        {
            return match place.screen().list() {
                Some(_) => Enter::Do(vec![Step::Go(place.clone()), Step::Filter(rest.to_owned())]),
                None => stay(format!("{word} has no list to filter by {rest:?}")),
            };
        }
        if let Some(name) = self.agent(line) {
            return Enter::Agent(name);
        }
        if let Some(place) = self.named(word, rest) {
            return Enter::Do(vec![Step::Go(place)]);
        }
        // On its own it looks through the text in sight, where there is one.
        if word == "search" && (!alone || !self.actions.iter().any(|(here, action)| *here && action.name == word)) {
            return Enter::Do(search(rest));
        }
        // What the line of keys shows is meant before what has this name elsewhere.
        if let Some((true, action)) = self.labelled(line).filter(|_| !is_keyword(word)) {
            return Enter::Do(vec![Step::Run(action.name)]);
        }
        if line.is_empty() || self.is_called(word, alone) || (word, rest) == ("shutdown", "--all") {
            return Enter::Do(steps(line));
        }
        if let Some((_, action)) = self.labelled(line) {
            return Enter::Do(vec![Step::Run(action.name)]);
        }
        if self.verbs.verbs.is_empty() && !alone {
            return Enter::Do(steps(line));
        }
        if self.verbs.after(word).is_some() && !alone {
            return match self.verbs.unknown(line) {
                Some(problem) => stay(problem),
                None => Enter::Do(steps(line)),
            };
        }
        if action::named(&word.replace('-', "_")).is_some() {
            return stay(format!("{word} takes no words: it acts on what is selected"));
        }
        if let Some(action) = self.meant(line) {
            return if action.changes {
                Enter::Stay(action.name.replace('_', "-"), "it changes something: Enter again does it".to_owned())
            } else {
                Enter::Do(vec![Step::Run(action.name)])
            };
        }
        let begin: Vec<&Proposal> =
            self.proposals.iter().filter(|it| it.text.starts_with(line) && !it.text.contains(' ')).collect();
        match &begin[..] {
            [] if self.verbs.after(word).is_some_and(|verb| !verb.verbs.is_empty()) => {
                Enter::Stay(format!("{line} "), format!("{word} needs one more word"))
            }
            [] if self.verbs.verbs.is_empty() => Enter::Do(vec![Step::Verb(line.to_owned())]),
            [] => {
                let near = verbs::near(word, self.proposals.iter().flat_map(Proposal::names));
                let near = if near.is_empty() { near } else { format!("; did you mean {near}?") };
                stay(format!("nothing is called {word:?}{near}"))
            }
            [one] if is_harmless(one) => Enter::Do(steps(&one.text)),
            [one] => Enter::Stay(one.text.clone(), "it changes something: Enter again does it".to_owned()),
            some => stay(format!("{} begin with {line:?}: go to one with the arrows, or type on", some.len())),
        }
    }

    /// Whether a word with others behind it begins a line of the command line.
    fn goes_on(&self, word: &str, rest: &str) -> bool {
        let first = rest.split_whitespace().next().unwrap_or_default();
        self.verbs.after(word).is_some_and(|verb| first.starts_with('-') || verb.after(first).is_some())
    }

    /// What stands behind a noun in place of a verb: a number, a name or an id.
    fn behind(&self, noun: &str, rest: &str) -> Option<String> {
        let mut words = verb::split(rest).ok()?;
        let name = words.pop().filter(|_| words.is_empty())?;
        let known = self.verbs.after(noun).is_some_and(|noun| noun.after(&name).is_some());
        (!known && name != "help" && !name.starts_with('-')).then_some(name)
    }

    /// The agent whose page a line asks for: `agent builder`. Any word may be the name of one; a word that is nearly a verb is
    /// rather that, misspelt, unless an agent is known by it.
    fn agent(&self, line: &str) -> Option<String> {
        let line = line.trim();
        let line = line.strip_prefix("menagerie ").map_or(line, str::trim_start);
        let name = self.behind("agent", line.strip_prefix("agent ")?)?;
        let verbs = self.verbs.after("agent").map(|noun| noun.verbs.as_slice()).unwrap_or_default();
        let near_a_verb = !verbs::near(&name, verbs.iter().map(|verb| verb.name.as_str())).is_empty();
        (!near_a_verb || self.agents.contains(&name)).then_some(name)
    }

    /// The screen of one thing, where a line is a noun and then a number or id in place of a verb: `cage 014`.
    fn named(&self, noun: &str, rest: &str) -> Option<Place> {
        let name = self.behind(noun, rest)?;
        let is_id = || name.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        match noun {
            "cage" => name.parse::<CageId>().ok().map(|id| Place::Cage(id.to_string())),
            "task" => is_id().then(|| Place::Task(name.clone())),
            "artifact" => is_id().then(|| Place::Artifact(name.clone(), name.clone())),
            "alert" => is_id().then(|| Place::Alert(name.clone())),
            _ => None,
        }
    }

    /// The action of this label, as the line of keys shows it.
    fn labelled(&self, line: &str) -> Option<(bool, &'static Action)> {
        self.actions.iter().find(|(_, action)| action.title.eq_ignore_ascii_case(line)).copied()
    }

    /// The action that a word from elsewhere means.
    fn meant(&self, word: &str) -> Option<&'static Action> {
        self.actions.iter().map(|(_, action)| *action).find(|action| action.synonyms().contains(&word))
    }

    /// Whether a line goes on after a noun or verb of the command line.
    fn is_command_line(&self, line: &str) -> bool {
        let line = line.trim_start();
        let line = line.strip_prefix("menagerie ").unwrap_or(line);
        // Of the two filters the one of the list in sight is meant.
        line.split_once(' ').is_some_and(|(word, _)| word != "filter" && self.verbs.after(word).is_some())
    }

    /// Whether something is called by a word, in full. A noun that needs a verb behind it is nothing when it stands alone,
    /// and of what acts on what is selected only what stands alone is meant.
    fn is_called(&self, word: &str, alone: bool) -> bool {
        match word {
            _ if is_keyword(word) => true,
            "help" if !alone => !self.verbs.verbs.is_empty(),
            _ if alone => {
                let verb = self.verbs.after(word).is_some_and(|verb| verb.verbs.is_empty());
                verb || action::named(&word.replace('-', "_")).is_some()
            }
            _ => false,
        }
    }
}

/// Whether the palette itself knows what to do with a word and with what stands behind it.
fn is_keyword(word: &str) -> bool {
    matches!(word, "theme" | "set" | "filter" | "q" | "at")
}

/// Whether doing it changes nothing.
fn is_harmless(proposal: &Proposal) -> bool {
    match action::named(&proposal.text.replace('-', "_")) {
        Some(action) => !action.changes,
        None => verb::is_harmless(&proposal.text),
    }
}

/// Looks for words in the fleet. What only the command line can read it is left to, and so it is to say what is wrong.
fn search(words: &str) -> Vec<Step> {
    vec![match Search::new(words) {
        Ok(search) => Step::Open(Box::new(search)),
        Err(_) => Step::Verb(format!("search {words}")),
    }]
}

/// What a line leads to.
fn steps(line: &str) -> Vec<Step> {
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
        ("search", words) if !words.is_empty() => search(words),
        // The same question, whichever way one came.
        ("stop", "") => vec![Step::Run("shutdown")],
        ("stop" | "shutdown", "--all") => vec![Step::Run("shutdown_all")],
        ("q", "") => vec![Step::Quit],
        _ => match action::named(&line.replace('-', "_")) {
            Some(action) => vec![Step::Run(action.name)],
            None => vec![Step::Verb(line.to_owned())],
        },
    }
}

fn of_action(app: &App, action: &'static Action) -> Proposal {
    let (help, kind) = match app.obstacle(action) {
        Some(why) => (format!("not now: {why}"), Kind::NotNow),
        None if action.changes => (action.help.to_owned(), Kind::Changes),
        None => (action.help.to_owned(), Kind::Looks),
    };
    let screen = kind == Kind::Looks && Place::MAIN.iter().any(|(_, name)| *name == action.name);
    let text = action.name.replace('_', "-");
    let title = Some(action.title).filter(|title| *title != text);
    // What matches by another word says by which it is known here.
    let help = title.map_or_else(|| help.clone(), |title| format!("{title}: {help}"));
    let also = title.into_iter().chain(action.synonyms().iter().copied()).collect();
    Proposal { text, title, also, help, kind: if screen { Kind::Screen } else { kind } }
}

impl Layer for Palette {
    fn name(&self) -> &'static str {
        "palette"
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        match key.code {
            KeyCode::Esc => out.step(Step::Close),
            KeyCode::Tab => {
                let place = if self.chosen { self.choice.cursor() } else { 0 };
                if let Some(proposal) = self.found().into_iter().nth(place) {
                    self.input = Input::new(proposal.text);
                    self.edited();
                }
            }
            KeyCode::Down => self.go(1),
            KeyCode::Up => match self.chosen {
                true if self.choice.cursor() == 0 => self.chosen = false,
                true => self.go(-1),
                false => {
                    if let Some(line) = self.history.iter().rev().nth(self.recalled) {
                        self.input = Input::new(line.clone());
                        self.recalled += 1;
                    }
                }
            },
            KeyCode::Enter => match self.enter() {
                Enter::Do(steps) => {
                    out.step(Step::Close);
                    out.step(Step::Remember(self.input.text().trim().to_owned()));
                    out.steps.extend(steps);
                }
                Enter::Agent(name) => {
                    self.opening = Some(out.ask(None, Request::Agent(name)));
                    self.typed("looking for that agent …".to_owned());
                }
                Enter::Stay(line, problem) => {
                    self.input = Input::new(line);
                    self.typed(problem);
                }
            },
            _ => {
                if self.input.key(key) {
                    self.recalled = 0;
                    self.edited();
                }
            }
        }
        self.ask_agents(out);
    }

    fn paste(&mut self, text: &str, out: &mut Out) {
        self.input.insert(text);
        self.edited();
        self.ask_agents(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.opening.take_if(|asked| *asked == ticket).is_some() {
            match answer {
                Ok(Answer::Agent(agent)) => {
                    out.step(Step::Close);
                    out.step(Step::Remember(self.input.text().trim().to_owned()));
                    out.step(Step::Go(Place::Agent(agent.id.to_string(), agent.spec.name.clone())));
                }
                Ok(_) => "the engine answered something else".clone_into(&mut self.problem),
                Err(why) => self.problem.clone_from(why),
            }
            return true;
        }
        if self.agents_asked.take_if(|asked| *asked == ticket).is_none() {
            return false;
        }
        match answer {
            Ok(Answer::AgentRows(page)) => {
                self.agents = page.rows.iter().map(|row| row.agent.spec.name.clone()).collect();
            }
            // Nobody could be proposed, and what is typed can be done all the same.
            _ => self.agents_for = None,
        }
        true
    }

    fn scroll(&mut self, rows: i64, _: &mut Out) {
        if self.chosen {
            self.choice.scroll(rows, self.found().len());
        } else if rows > 0 {
            self.go(0);
        }
    }

    fn layout(&mut self, area: Rect, _: &Names) {
        let found = self.found().len();
        self.choice.layout(Self::rows(found, area), found);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let found = self.found();
        let rows = Self::rows(found.len(), area);
        let top = self.choice.top();
        let said = u16::from(!self.problem.is_empty());
        let height = u16::try_from(rows).unwrap_or(12) + 3 + said;
        let inner = widgets::dialog(
            frame,
            widgets::middle(area, area.width.saturating_sub(4).min(140), height),
            "command",
            look,
        );
        self.input.draw(frame, Rect { height: 1, ..inner }, " : ", look);
        if said > 0 {
            let words =
                format!("   {}", text::fit(&text::clean(&self.problem), usize::from(inner.width.saturating_sub(3))));
            let at = Rect { y: inner.y + 1, height: 1, ..inner };
            frame.render_widget(Line::styled(words, look.style(Role::Warn)), at);
        }
        for (line, (place, proposal)) in (1 + said..).zip(found.iter().enumerate().skip(top).take(rows)) {
            let ground = if self.chosen && self.choice.cursor() == place { Role::Cursor } else { Role::Text };
            let room = usize::from(inner.width).saturating_sub(34);
            let spans = vec![
                Span::styled(format!("   {} ", text::pad(&proposal.text, 28)), look.theme.over(Role::Accent, ground)),
                Span::styled(text::pad(&proposal.help, room), look.theme.over(Role::Dim, ground)),
            ];
            let at = Rect { y: inner.y + line, height: 1, ..inner };
            frame.render_widget(Line::from(spans).style(look.style(ground)), at);
        }
        let list = Rect { y: inner.y + 1 + said, height: u16::try_from(rows).unwrap_or(0), ..inner };
        widgets::scrollbar(frame, list, Scrolls::Layer, (top as u64, rows as u64, found.len() as u64), look);
    }

    fn hints(&self) -> Vec<(String, String)> {
        let hint = |key: &str, title: &str| (key.to_owned(), title.to_owned());
        vec![hint("enter", "do it"), hint("tab", "complete"), hint("up", "earlier lines"), hint("esc", "close")]
    }
}
