//! Rules that follow from what was judged here: a word in the title, and all about one when a key asks for it. Nothing opens
//! by itself, and nothing is armed but by a word that is typed.

use crate::api::types::WireCommand;
use crate::domain::approval_rule::Proposal;
use crate::ui::layers::confirm::Confirm;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::step::{Order, Step};
use crate::ui::{text, verb};

/// What has to be typed to arm a rule.
const WORD: &str = "arm";

/// What is proposed.
#[derive(Default)]
pub struct Proposing {
    /// How many alike judgements in a row make a proposal; 0 for none at all.
    pub after: u64,
    proposals: Vec<Proposal>,
    asked: Option<Ticket>,
}

impl Proposing {
    /// Asks for what is proposed.
    pub fn refresh(&mut self, out: &mut Out) {
        if self.after == 0 {
            self.proposals.clear();
        } else {
            self.asked = Some(out.ask(Some("proposals"), Request::Proposals(self.after)));
        }
    }

    /// Takes what it asked for. An engine that knows no proposals makes none.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>) -> bool {
        if self.asked != Some(ticket) {
            return false;
        }
        self.asked = None;
        self.proposals = match answer {
            Ok(Answer::Proposals(proposals)) => proposals.clone(),
            _ => vec![],
        };
        true
    }

    /// What the title says of it.
    pub fn notice(&self) -> Option<String> {
        match self.proposals.len() {
            0 => None,
            1 => Some("P: a rule is proposed".to_owned()),
            number => Some(format!("P: {number} rules are proposed")),
        }
    }

    /// Why there is nothing to show.
    pub fn obstacle(&self) -> Option<String> {
        self.proposals.is_empty().then(|| match self.after {
            0 => "rules are not proposed; `:set propose 5` has them be".to_owned(),
            after => format!("no rule is proposed: {after} alike ones judged the same way in a row make one"),
        })
    }

    /// Shows the first rule, how it would have done, and what arms it.
    pub fn open(&self, out: &mut Out) -> bool {
        let Some(Proposal { rule, streak, trial }) = self.proposals.first() else { return false };
        let more = match self.proposals.len() {
            1 => String::new(),
            number => format!(" ({} more after it)", number - 1),
        };
        let words = [
            format!("{}{more}", rule.sentence()),
            format!("The latest {} like these were all judged so.", text::count(*streak)),
            format!("Over the last 30 days it {}.", trial.sentence(rule.verdict)),
            "From now on it decides as they arrive. What is of high risk, what approval merges and what failed attempts \
             left stays with you. z takes the rule back, and what it decides can be taken back like any judgement."
                .to_owned(),
        ];
        let words = words.iter().map(|line| text::clean(line).into_owned()).collect();
        let command = WireCommand::AddApprovalRule { rule: Box::new(rule.clone()) };
        let (line, title) = (verb::line_of(&command), format!("arm rule {}", text::clean(&rule.name)));
        let order = Step::Order(Order { command, line, title: title.clone() });
        out.step(Step::Open(Box::new(Confirm::new(format!("{title}?"), words, WORD, order))));
        true
    }
}
