//! What is said of labels that a question about metrics names and that there are not, and of an answer that is empty.

use std::collections::BTreeMap;

use super::context::Context;
use super::failure::Failure;
use super::items;
use crate::api::client::{Client, encode};
use crate::domain::metric::{Matcher, Selector};
use crate::domain::refusal::nearest;
use crate::domain::{Refusal, Timestamp};

/// So many values of a label are named when none of them was asked for.
const VALUES_SHOWN: usize = 8;
/// So many values of a label the engine lists at most; of one that has so many there may be others.
const VALUES_LISTED: usize = 1000;

/// The labels of a metric's series, each with its values.
#[derive(Debug)]
pub struct Labels(BTreeMap<String, Vec<String>>);

impl Labels {
    /// Asks for those of a metric. Refused when there is no such metric, with the one that was likely meant.
    pub fn of(client: &Client, metric: &str) -> Result<Self, Failure> {
        Ok(Self(client.get(&format!("/v1/metrics/{}/labels", encode(metric)), &vec![])?))
    }

    /// Refuses labels that no series of the metric has: those that a selector compares, and those that series are put together
    /// by.
    pub fn check(&self, selector: &Selector, by: &[String]) -> Result<(), Refusal> {
        let compared = selector.matchers.iter().map(|matcher| &matcher.label);
        let Some(unknown) = compared.chain(by).find(|label| !self.0.contains_key(*label)) else { return Ok(()) };
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let all = if names.is_empty() { "none, it has no labels".to_owned() } else { names.join(", ") };
        let refusal = Refusal::invalid(format!("label of {}", selector.name), unknown, all);
        Err(refusal.hint_nearest(unknown, names, ""))
    }

    /// Why nothing answers to a selector: a label that no series has with such a value, with those that there are, or else that
    /// nothing was measured within the time.
    fn why_empty(&self, selector: &Selector, (from, to): (Timestamp, Timestamp)) -> String {
        let unheard = selector.matchers.iter().find_map(|matcher| {
            let values = self.0.get(&matcher.label).filter(|values| values.len() < VALUES_LISTED)?;
            let fits = values.iter().any(|value| matcher.admits(value)) || matcher.admits("");
            (!fits).then(|| unheard(&selector.name, matcher, values))
        });
        unheard.unwrap_or_else(|| format!("nothing was measured of {selector} from {from} to {to}"))
    }

    /// Says why an answer is empty, on standard error: whoever reads the answer may be a program.
    pub fn say_empty(&self, context: &Context, selector: &Selector, range: (Timestamp, Timestamp)) {
        items::warn(context, &[self.why_empty(selector, range)]);
    }
}

fn unheard(metric: &str, matcher: &Matcher, values: &[String]) -> String {
    let Matcher { label, text, .. } = matcher;
    let near = nearest(text, values.iter().map(String::as_str));
    let meant = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
    let shown: Vec<&str> = values.iter().take(VALUES_SHOWN).map(String::as_str).collect();
    let more =
        if values.len() > shown.len() { format!(" and {} more", values.len() - shown.len()) } else { String::new() };
    format!("no series of {metric} has \"{text}\" for {label}; there are {}{more}{meant}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        let values = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let cages: Vec<String> = (1..=12).map(|number| format!("{number:03}")).collect();
        Labels([("cage".to_owned(), cages), ("node".to_owned(), values(&["big"]))].into())
    }

    fn selector(text: &str) -> Selector {
        format!("menagerie_cage_pids{{{text}}}").parse().unwrap()
    }

    #[test]
    fn a_label_that_no_series_has_is_refused_with_those_that_there_are() {
        assert_eq!(labels().check(&selector("cage=\"99\",node~\"*\""), &["cage".to_owned()]), Ok(()));
        let refused = |text: &str, by: &[String]| labels().check(&selector(text), by).unwrap_err().to_string();
        assert_eq!(
            refused("cages=\"001\"", &[]),
            "label of menagerie_cage_pids: \"cages\" is not allowed; allowed: cage, node. did you mean \"cage\"?"
        );
        assert!(refused("cage=\"001\"", &["nod".to_owned()]).ends_with("did you mean \"node\"?"));
        assert!(refused("zebra=\"1\"", &[]).ends_with("allowed: cage, node"));
    }

    #[test]
    fn an_empty_answer_is_explained() {
        let at = Timestamp::from_micros;
        let why = |text: &str| labels().why_empty(&selector(text), (at(0), at(1_000_000)));
        assert_eq!(
            why("node=\"big\",cage=\"01\""),
            "no series of menagerie_cage_pids has \"01\" for cage; there are 001, 002, 003, 004, 005, 006, 007, 008 and 4 \
             more; did you mean \"001\"?"
        );
        assert_eq!(why("node~\"far*\""), "no series of menagerie_cage_pids has \"far*\" for node; there are big");
        // What is there, or is only not to be something, is measured at another time.
        for text in ["cage=\"003\"", "cage!=\"999\"", "cage=\"\""] {
            assert!(why(text).starts_with("nothing was measured of menagerie_cage_pids{"), "{}", why(text));
        }
    }
}
