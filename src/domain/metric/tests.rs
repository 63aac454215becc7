use proptest::prelude::*;

use super::*;
use crate::domain::{Span, Timestamp};

fn key(name: &str, labels: &[(&str, &str)]) -> Key {
    Key::new(name, labels.iter().copied())
}

#[test]
fn names_and_labels_follow_the_conventions() {
    for good in ["up", "menagerie_cage_memory_bytes", "job:rate", "_x9"] {
        assert_eq!(check_name(good), Ok(()), "{good}");
    }
    for bad in ["", "9lives", "with space", "dash-ed", "ümlaut", "a{b}", &"x".repeat(201)] {
        assert!(check_name(bad).is_err(), "{bad}");
    }
    assert!(check_name("Cage memory").unwrap_err().to_string().contains("Call it cage_memory"));
    assert_eq!(check_label("cage"), Ok(()));
    for bad in ["", "__name__", "1a", "a:b", "a b", "é"] {
        assert!(check_label(bad).is_err(), "{bad}");
    }
    let gauge = MetricKind::Gauge;
    assert_eq!(key("up", &[("a", "1"), ("b", "")]), key("up", &[("a", "1")]), "an empty label is none");
    assert!(key("up", &[("a", "\u{1b}[2J")]).check(gauge).unwrap_err().to_string().contains("label a"));
    assert!(key("up", &[("a", &"x".repeat(257))]).check(gauge).is_err());
    let many: Vec<String> = (0..17).map(|i| format!("l{i}")).collect();
    let error = Key::new("up", many.iter().map(|label| (label.as_str(), "x"))).check(gauge).unwrap_err();
    assert!(error.to_string().contains("at most 16"), "{error}");
    assert_eq!(key("up", &[("b", "x\"y"), ("a", "1")]).to_string(), "up{a=\"1\",b=\"x\\\"y\"}");
}

#[test]
fn the_kind_shows_in_the_name_and_in_the_bucket() {
    let meta = |kind| Meta::new(kind, "bytes", "What it is.");
    assert_eq!(meta(MetricKind::Counter).check("x_total"), Ok(()));
    assert!(meta(MetricKind::Counter).check("x").unwrap_err().to_string().contains("Call it x_total"));
    assert!(meta(MetricKind::Gauge).check("x_total").is_err());
    assert!(Meta::new(MetricKind::Gauge, "no unit", "").check("x").is_err());
    assert!(Meta::new(MetricKind::Gauge, "", "two\nlines").check("x").is_err());
    let histogram = MetricKind::Histogram;
    assert!(key("x", &[]).check(histogram).is_err());
    assert!(key("x", &[("le", "fast")]).check(histogram).is_err());
    assert!(key("x", &[("le", "NaN")]).check(histogram).is_err());
    assert_eq!(key("x", &[("le", "+Inf")]).check(histogram), Ok(()));
    assert!(key("x", &[("le", "1")]).check(MetricKind::Gauge).is_err());
}

fn fits(selector: &str, labels: &[(&str, &str)]) -> bool {
    let selector: Selector = selector.parse().unwrap();
    selector.fits(&key("x", labels).labels)
}

#[test]
fn selectors_pick_by_label() {
    let labels = [("cage", "001"), ("agent", "coder-7")];
    for yes in [
        "x",
        "x{}",
        "x{cage=\"001\"}",
        "x { cage = \"001\" , agent != \"coder-8\", }",
        "x{agent~\"tester|coder-*\"}",
        "x{agent~\"*der*7\"}",
        "x{agent!~\"test*\"}",
        "x{gone=\"\"}",
        "x{gone!=\"y\"}",
    ] {
        assert!(fits(yes, &labels), "{yes}");
    }
    for no in ["x{cage=\"01\"}", "x{agent~\"coder\"}", "x{agent~\"coder-7*7\"}", "x{gone~\"?\"}", "x{agent!~\"c*\"}"] {
        assert!(!fits(no, &labels), "{no}");
    }
    for bad in ["", "x{", "x}", "x{a}", "x{a=b}", "x{a=\"b}", "x{a==\"b\"}", "x{a=\"b\" c=\"d\"}", "9", "x{__a=\"b\"}"]
    {
        assert!(bad.parse::<Selector>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_selector_reads_what_it_writes(texts in proptest::collection::vec(("[a-z]{1,5}", 0..4_usize, "[ -~\n]{0,8}"), 0..4)) {
        let operators = [Operator::Is, Operator::IsNot, Operator::Like, Operator::NotLike];
        let matchers = texts.into_iter().map(|(label, place, text)| Matcher { label, operator: operators[place], text });
        let selector = Selector { name: "x".into(), matchers: matchers.collect() };
        prop_assert_eq!(selector.to_string().parse::<Selector>().unwrap(), selector);
    }

    #[test]
    fn a_pattern_fits_as_a_slow_one_does(pattern in "[ab*]{0,6}", text in "[ab]{0,6}") {
        fn slow(pattern: &[u8], text: &[u8]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some((b'*', rest)) => (0..=text.len()).any(|skip| slow(rest, &text[skip..])),
                Some((byte, rest)) => text.first() == Some(byte) && slow(rest, &text[1..]),
            }
        }
        let selector = Selector {
            name: "x".into(),
            matchers: vec![Matcher { label: "l".into(), operator: Operator::Like, text: pattern.clone() }],
        };
        let labels = key("x", &[("l", &text)]).labels;
        prop_assert_eq!(selector.fits(&labels), slow(pattern.as_bytes(), text.as_bytes()));
    }
}

#[test]
fn ranges_steps_and_functions_are_checked() {
    let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
    let query = |from, to, step| Query {
        selector: Selector::all("x"),
        from: at(from),
        to: at(to),
        step: Span::from_secs(step),
        function: Function::Avg,
        grouping: None,
    };
    assert_eq!(query(0, 60, 1).check(), Ok(()));
    assert!(query(60, 60, 1).check().unwrap_err().to_string().contains("later than from"));
    assert!(query(0, 60, 0).check().unwrap_err().to_string().contains("1ms or more"));
    assert!(query(0, 86_400, 1).check().unwrap_err().to_string().contains("86400"));
    assert!(Function::P95.check("x_total", MetricKind::Counter).unwrap_err().to_string().contains("rate"));
    assert!(Function::Rate.check("x", MetricKind::Gauge).is_err());
    assert!(Function::Avg.check("x", MetricKind::Histogram).is_err());
    assert_eq!(Function::Rate.check("x_total", MetricKind::Counter), Ok(()));
}
