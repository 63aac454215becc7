//! Cycles among things of which each names at most one other: a task the next that it waits for, an agent its superior.

use std::fmt::Write;

/// What is known of a place.
#[derive(Clone, Copy)]
enum Seen {
    Not,
    /// On the present walk.
    On,
    /// It leads to a cycle that this place is part of, or to none.
    Leads(Option<usize>),
}

/// For each place one of the cycle that it is part of or leads to, the same for all of them. Each place is visited once.
pub(super) fn led_to(next: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut seen = vec![Seen::Not; next.len()];
    for from in 0..next.len() {
        let (mut walk, mut at) = (vec![], Some(from));
        let leads = loop {
            let Some(place) = at else { break None };
            match seen[place] {
                Seen::Not => {
                    seen[place] = Seen::On;
                    walk.push(place);
                    at = next[place];
                }
                Seen::On => break Some(place),
                Seen::Leads(known) => break known,
            }
        };
        for place in walk {
            seen[place] = Seen::Leads(leads);
        }
    }
    let known = |seen| if let Seen::Leads(place) = seen { place } else { None };
    seen.into_iter().map(known).collect()
}

/// The most names of a cycle that are shown.
const NAMES_MAX: usize = 10;

/// A cycle in words, `a -> b -> a`, from one of its places on; of a long one the beginning.
pub(super) fn shown<'a>(next: &[Option<usize>], first: usize, name: impl Fn(usize) -> &'a str) -> String {
    let (mut text, mut length, mut at) = (name(first).to_owned(), 1, next[first]);
    while let Some(place) = at.filter(|place| *place != first) {
        length += 1;
        if length <= NAMES_MAX {
            text.push_str(" -> ");
            text.push_str(name(place));
        }
        at = next[place];
    }
    if length > NAMES_MAX {
        let more = length - NAMES_MAX;
        // Writing to a string cannot fail.
        let _ = write!(text, " -> … ({more} more)");
    }
    text + " -> " + name(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_cycle_is_shown_by_its_beginning() {
        let names: Vec<String> = (0..50).map(|place| format!("n{place}")).collect();
        let next: Vec<_> = (0..50).map(|place| Some((place + 1) % 50)).collect();
        let text = shown(&next, 3, |place| &names[place]);
        assert!(text.starts_with("n3 -> n4 -> ") && text.ends_with("n12 -> … (40 more) -> n3"), "{text}");
        assert_eq!(shown(&[Some(0)], 0, |_| "a"), "a -> a");
    }

    proptest! {
        #[test]
        fn whoever_comes_back_to_a_place_is_led_to_it(next in prop::collection::vec(prop::option::of(0_usize..12), 12)) {
            let led = led_to(&next);
            for (from, found) in led.iter().enumerate() {
                // After as many steps as there are places one is in the cycle or at an end.
                let after = (0..next.len()).try_fold(from, |at, _| next[at]);
                prop_assert_eq!(found.is_some(), after.is_some());
                if let (Some(found), Some(mut at)) = (*found, after) {
                    let round: Vec<usize> = next.iter().map(|_| { at = next[at].unwrap(); at }).collect();
                    prop_assert!(round.contains(&found), "{} is not on the cycle {:?}", found, round);
                    prop_assert!(round.iter().all(|place| led[*place] == Some(found)));
                }
            }
        }
    }
}
