//! Who else could: the agents that tasks could be given to, the cages that agents could move to, each with its reasons
//! and with what would change.

mod draw;

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::api::triage::{Candidate, WhatIf};
use crate::api::types::WireCommand;
use crate::domain::CageId;
use crate::domain::preview::Standing;
use crate::ui::fuzzy::Matcher;
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::layers::confirm::Confirm;
use crate::ui::look::Look;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Noun, Out};
use crate::ui::step::{Order, Step};
use crate::ui::verb::quote;
use crate::ui::widgets::input::Input;

/// How many of several things are asked about; the what-if counts all of them.
const JUDGED_MAX: usize = 5;

/// Why Enter does nothing before what it would do is shown.
const UNKNOWN_YET: &str = "what it would change is still on its way";

/// What gets another place.
enum Subject {
    /// Tasks, by id: they get an agent.
    Tasks(Vec<String>),
    /// Agents, by name or id: they get a cage.
    Agents(Vec<String>),
    /// The agent that lives in a cage, not known yet.
    Cage(String),
}

/// What is known of the candidates.
enum Known {
    /// The engine has been asked: each ask with what came so far.
    Asked(Vec<(Ticket, Option<Vec<Candidate>>)>),
    /// The best first.
    Here(Vec<Candidate>),
    /// Why there are none to choose from.
    Failed(String),
}

/// The list to choose from.
pub struct Candidates {
    subject: Subject,
    title: String,
    known: Known,
    input: Input,
    cursor: usize,
    /// The first row that was drawn last, and how many were.
    drawn: Cell<(usize, usize)>,
    /// How many lines what is said of the choice was scrolled by.
    side_top: usize,
    /// How far that can go, and how many lines of it were in sight, as of the last drawing.
    side: Cell<(usize, usize)>,
    /// What each choice would change, by the candidate's name; `None` is the scheduler.
    effects: BTreeMap<Option<String>, Result<WhatIf, String>>,
    /// The what-if that is on its way.
    effect_asked: Option<(Ticket, Option<String>)>,
    cage_asked: Option<Ticket>,
    /// Why Enter did nothing.
    problem: Option<String>,
}

impl Candidates {
    /// Agents for one task.
    pub fn for_task(id: impl Into<String>) -> Self {
        Self::for_tasks(vec![id.into()])
    }

    /// Agents for several tasks.
    pub fn for_tasks(ids: Vec<String>) -> Self {
        let what = Noun::Task.counted(ids.len());
        Self::new(Subject::Tasks(ids), format!("reassign {what}"))
    }

    /// Cages for an agent, by name or id.
    pub fn for_agent(name: impl Into<String>) -> Self {
        let name = name.into();
        let title = format!("move agent {name}");
        Self::new(Subject::Agents(vec![name]), title)
    }

    /// Cages for several agents, by name or id.
    pub fn for_agents(names: Vec<String>) -> Self {
        let what = Noun::Agent.counted(names.len());
        Self::new(Subject::Agents(names), format!("move {what}"))
    }

    /// Other cages for the agent that lives in a cage.
    pub fn for_cage(id: impl Into<String>) -> Self {
        let id = id.into();
        let title = format!("move the agent of cage {id}");
        Self::new(Subject::Cage(id), title)
    }

    /// The same under another title.
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    fn new(subject: Subject, title: String) -> Self {
        Self {
            subject,
            title,
            known: Known::Asked(Vec::new()),
            input: Input::default(),
            cursor: 0,
            drawn: Cell::new((0, 0)),
            side_top: 0,
            side: Cell::new((0, 0)),
            effects: BTreeMap::new(),
            effect_asked: None,
            cage_asked: None,
            problem: None,
        }
    }

    /// Whether cages are chosen from.
    fn cages(&self) -> bool {
        !matches!(self.subject, Subject::Tasks(_))
    }

    /// Whether several things get another place together.
    const fn several(&self) -> bool {
        matches!(&self.subject, Subject::Tasks(ids) | Subject::Agents(ids) if ids.len() > 1)
    }

    /// What the first choice says: that nobody in particular is chosen.
    fn nobody(&self) -> &'static str {
        if self.cages() { "no home: any vacant cage" } else { "no agent: the scheduler chooses" }
    }

    fn ask(&mut self, out: &mut Out) {
        let (ids, request): (_, fn(String) -> Request) = match &self.subject {
            Subject::Tasks(ids) => (ids, Request::TaskCandidates),
            Subject::Agents(ids) => (ids, Request::AgentCandidates),
            Subject::Cage(id) => {
                self.cage_asked = Some(out.ask(None, Request::Cage(id.clone())));
                return;
            }
        };
        let asked = ids.iter().take(JUDGED_MAX).map(|id| (out.ask(None, request(id.clone())), None));
        self.known = Known::Asked(asked.collect());
        self.moved(out);
    }

    /// The choices that match what was typed: the scheduler as `None`, then candidates.
    fn found(&self) -> Vec<Option<&Candidate>> {
        let mut matcher = Matcher::new(self.input.text());
        let mut found = Vec::new();
        if matcher.score(self.nobody()).is_some() {
            found.push(None);
        }
        if let Known::Here(candidates) = &self.known {
            // Names match fuzzily. In longer text nearly everything would, so there words have to occur.
            let typed = self.input.text().to_lowercase();
            let fits = |candidate: &&Candidate| {
                let words = format!("{} {}", draw::word(candidate), candidate.reasons.join(" ")).to_lowercase();
                matcher.score(&candidate.name).is_some() || typed.split_whitespace().all(|word| words.contains(word))
            };
            // A name or number that was typed comes before what only mentions it.
            let number = typed.trim().parse::<u64>().ok();
            let named = |candidate: &&Candidate| {
                let name = candidate.name.to_lowercase();
                let same = number.is_some() && name.parse::<u64>().ok() == number;
                !typed.is_empty() && (same || number.is_none() && name.contains(typed.trim()))
            };
            let (first, mut then): (Vec<_>, Vec<_>) = candidates.iter().filter(fits).partition(named);
            // So does a name like it, and before that the best.
            if !typed.is_empty() {
                then.sort_by_cached_key(|candidate| Reverse(matcher.score(&candidate.name)));
            }
            found.extend(first.iter().copied().map(Some));
            // Whoever typed a name means it, and not that nobody should be chosen.
            if !first.is_empty() && found.first().is_some_and(Option::is_none) {
                found.rotate_left(1);
            }
            found.extend(then.into_iter().map(Some));
            // To take a home away is seldom what is meant: it is not what a hasty Enter gets.
            if self.cages() && typed.is_empty() && found.len() > 1 && found.first().is_some_and(Option::is_none) {
                found.rotate_left(1);
            }
        }
        found
    }

    /// The change that a choice stands for; `None` when its name cannot be read.
    fn order(&self, name: Option<&str>) -> Option<Order> {
        let words = |ids: &[String]| ids.iter().map(|id| quote(id)).collect::<Vec<_>>().join(" ");
        Some(match &self.subject {
            Subject::Tasks(ids) => {
                let agent = name.map(str::to_owned);
                let option = agent.as_ref().map(|agent| format!(" --agent {}", quote(agent))).unwrap_or_default();
                Order {
                    line: format!("menagerie task reassign {}{option}", words(ids)),
                    title: format!("{} to {}", self.title, name.unwrap_or("whom the scheduler chooses")),
                    command: WireCommand::ReassignTasks { ids: ids.clone(), agent, cage: None },
                }
            }
            Subject::Agents(ids) => {
                let cage = match name {
                    Some(name) => Some(name.parse::<CageId>().ok()?),
                    None => None,
                };
                let option = cage.map(|cage| format!(" --cage {cage}")).unwrap_or_default();
                let place = cage.map_or("any vacant cage".to_owned(), |cage| format!("cage {cage}"));
                Order {
                    line: format!("menagerie agent reassign {}{option}", words(ids)),
                    title: format!("{} to {place}", self.title),
                    command: WireCommand::ReassignAgents { ids: ids.clone(), cage },
                }
            }
            Subject::Cage(_) => return None,
        })
    }

    /// Asks what the choice under the cursor would change, unless that is known.
    fn moved(&mut self, out: &mut Out) {
        self.problem = None;
        self.side_top = 0;
        self.cursor = self.cursor.min(self.found().len().saturating_sub(1));
        let Some(chosen) = self.found().get(self.cursor).map(|choice| choice.map(|candidate| candidate.name.clone()))
        else {
            return;
        };
        let waits = self.effect_asked.as_ref().is_some_and(|(_, name)| *name == chosen);
        if waits {
            return;
        }
        if matches!(self.effects.get(&chosen), Some(Ok(_))) {
            // What was asked for another choice is waited for no more: coming late, it would have what is known of this one
            // count as not yet seen.
            self.effect_asked = None;
            return;
        }
        if let Some(order) = self.order(chosen.as_deref()) {
            // Moving on quickly leaves only the last question in the lane.
            let ticket = out.ask(Some("what-if"), Request::WhatIf(Box::new(order.command)));
            self.effect_asked = Some((ticket, chosen));
        }
    }

    fn choose(&mut self, out: &mut Out) {
        if matches!(self.known, Known::Asked(_)) {
            self.problem = Some("the candidates are still on their way".to_owned());
            return;
        }
        let found = self.found();
        let Some(chosen) = found.get(self.cursor).copied() else { return };
        if let Some(candidate) = chosen.filter(|candidate| !candidate.able) {
            let why = candidate.reasons.first().map_or("it is not able to", String::as_str);
            self.problem = Some(format!("{} cannot: {why}", candidate.name));
            return;
        }
        let Some(order) = self.order(chosen.map(|candidate| candidate.name.as_str())) else {
            self.problem = Some("this is no cage's number".to_owned());
            return;
        };
        // Nobody agrees to what was not shown.
        let (reversible, loss) = match self.effect() {
            Some(Ok(effect)) => (effect.reversible, effect.loss()),
            Some(Err(why)) => {
                self.problem = Some(format!("nobody knows what it would change: {why}"));
                return;
            }
            None => {
                self.problem = Some(UNKNOWN_YET.to_owned());
                return;
            }
        };
        out.step(Step::Close);
        out.step(if reversible {
            Step::Order(order)
        } else {
            let loss = loss.map(|words| format!("{words}."));
            let words = loss.into_iter().chain(["This cannot be taken back.".to_owned()]).collect();
            Step::Open(Box::new(Confirm::new(format!("{}?", order.title), words, "", Step::Order(order))))
        });
    }

    /// Scrolls what is said of the choice.
    fn scroll_side(&mut self, by: isize) {
        let last = self.side.get().0;
        self.side_top = self.side_top.min(last).saturating_add_signed(by).min(last);
    }

    /// What the choice under the cursor would change, as far as that is known.
    fn effect(&self) -> Option<&Result<WhatIf, String>> {
        let chosen = self.found().get(self.cursor)?.map(|candidate| candidate.name.clone());
        self.effects.get(&chosen)
    }

    /// Whether the choice under the cursor is one that can be taken.
    fn can_choose(&self) -> bool {
        let found = self.found();
        let able = found.get(self.cursor).is_some_and(|choice| choice.is_none_or(|candidate| candidate.able));
        able && matches!(self.effect(), Some(Ok(_)))
    }

    fn take_candidates(&mut self, ticket: Ticket, answer: &Result<Answer, String>) -> bool {
        let Known::Asked(asked) = &mut self.known else { return false };
        let Some(place) = asked.iter().position(|(known, _)| *known == ticket) else { return false };
        match answer {
            Ok(Answer::Candidates(candidates)) => asked[place].1 = Some(candidates.clone()),
            Ok(_) => self.known = Known::Failed("the engine answered something else".to_owned()),
            Err(message) => self.known = Known::Failed(message.clone()),
        }
        if let Known::Asked(asked) = &self.known
            && asked.iter().all(|(_, candidates)| candidates.is_some())
        {
            let lists: Vec<_> = asked.iter().filter_map(|(_, candidates)| candidates.clone()).collect();
            let cages = self.cages();
            self.known = Known::Here(together(lists, cages));
        }
        true
    }

    fn take_cage(&mut self, answer: &Result<Answer, String>, out: &mut Out) {
        match answer {
            Ok(Answer::Cage(cage)) => {
                if let Some(agent) = cage.agent_id {
                    self.subject = Subject::Agents(vec![agent.to_string()]);
                    self.ask(out);
                } else {
                    let words = format!("nobody lives in cage {}, so there is nobody to move", cage.id);
                    self.known = Known::Failed(words);
                }
            }
            Ok(_) => self.known = Known::Failed("the engine answered something else".to_owned()),
            Err(message) => self.known = Known::Failed(message.clone()),
        }
    }
}

/// One list from those of several things: able is who is able for all of them. The order is that of the first list,
/// with those behind who are not able for all. Cages are home to one agent each, and so to none of several.
fn together(lists: Vec<Vec<Candidate>>, cages: bool) -> Vec<Candidate> {
    let asked = lists.len();
    let mut lists = lists.into_iter();
    let Some(mut all) = lists.next() else { return Vec::new() };
    if asked == 1 {
        return all;
    }
    let others: Vec<BTreeMap<String, Candidate>> =
        lists.map(|list| list.into_iter().map(|candidate| (candidate.name.clone(), candidate)).collect()).collect();
    for candidate in &mut all {
        let mut able = usize::from(candidate.able);
        for list in &others {
            let Some(other) = list.get(&candidate.name) else { continue };
            able += usize::from(other.able);
            if candidate.free && !other.free {
                (candidate.free, candidate.standing) = (false, other.standing);
            }
            if !other.able && candidate.able {
                candidate.reasons.clone_from(&other.reasons);
                (candidate.able, candidate.standing) = (false, Standing::Cannot);
            }
        }
        if able < asked {
            (candidate.able, candidate.free, candidate.standing) = (false, false, Standing::Cannot);
            candidate.reasons.insert(0, format!("able for {able} of {asked}"));
        } else if cages {
            (candidate.able, candidate.free, candidate.standing) = (false, false, Standing::Cannot);
            candidate.reasons.insert(0, format!("able for 1 of {asked}: a cage is home to one agent"));
        }
    }
    all.sort_by_key(|candidate| !candidate.able);
    all
}

impl Layer for Candidates {
    fn name(&self) -> &'static str {
        "candidates"
    }

    fn confirms(&self, key: Key) -> bool {
        key.code == KeyCode::Enter
    }

    fn opened(&mut self, out: &mut Out) {
        self.ask(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.cage_asked == Some(ticket) {
            self.cage_asked = None;
            self.take_cage(answer, out);
            return true;
        }
        if let Some((_, name)) = self.effect_asked.take_if(|(asked, _)| *asked == ticket) {
            let effect = match answer {
                Ok(Answer::WhatIf(what_if)) => Ok((**what_if).clone()),
                Ok(_) => Err("the engine answered something else".to_owned()),
                Err(message) => Err(message.clone()),
            };
            self.effects.insert(name, effect);
            self.problem.take_if(|problem| problem == UNKNOWN_YET);
            return true;
        }
        let taken = self.take_candidates(ticket, answer);
        if taken {
            self.moved(out);
        }
        taken
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        let last = self.found().len().saturating_sub(1);
        let page = isize::try_from(self.side.get().1).unwrap_or(1).saturating_sub(1).max(1);
        let to = match key.code {
            // Letters find and plain arrows choose; so what scrolls the text is held with a key.
            KeyCode::Down | KeyCode::Up if key.ctrl || key.shift => {
                self.scroll_side(if key.code == KeyCode::Down { 1 } else { -1 });
                return;
            }
            KeyCode::PageDown | KeyCode::PageUp if key.ctrl || key.shift => {
                self.scroll_side(if key.code == KeyCode::PageDown { page } else { -page });
                return;
            }
            KeyCode::Char(way @ ('d' | 'b')) if key.ctrl => {
                self.scroll_side(if way == 'd' { page } else { -page });
                return;
            }
            KeyCode::Esc => {
                out.step(Step::Close);
                return;
            }
            KeyCode::Enter => {
                self.choose(out);
                return;
            }
            // Letters find; so what moves is no letter.
            KeyCode::Tab if key.shift => self.cursor.saturating_sub(1),
            KeyCode::Down | KeyCode::Tab => (self.cursor + 1).min(last),
            KeyCode::Up => self.cursor.saturating_sub(1),
            KeyCode::PageDown => (self.cursor + 10).min(last),
            KeyCode::PageUp => self.cursor.saturating_sub(10),
            _ if self.input.key(key) => 0,
            _ => return,
        };
        self.cursor = to;
        self.moved(out);
    }

    fn scroll(&mut self, rows: i64, out: &mut Out) {
        let last = self.found().len().saturating_sub(1);
        let (top, height) = self.drawn.get();
        let by = |place: usize| place.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last);
        // The rows in sight end with the cursor's once there are some above them.
        self.cursor =
            if height > 0 && last >= height { by(top).saturating_add(height - 1).min(last) } else { by(self.cursor) };
        self.moved(out);
    }

    fn paste(&mut self, text: &str, out: &mut Out) {
        self.input.insert(text);
        self.cursor = 0;
        self.moved(out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        draw::draw(self, frame, area, look);
    }

    fn hints(&self) -> Vec<(String, String)> {
        let mut hints =
            vec![("esc".into(), "leave it".into()), ("tab".into(), "move".into()), ("letters".into(), "find".into())];
        if self.can_choose() {
            hints.insert(0, ("enter".into(), "do it".into()));
        }
        hints
    }
}
