//! A hierarchy as lines that can be folded: who reports to whom.
//!
//! Whatever the reports say, every member stands in the tree exactly once: who reports to nobody known is a root, and of
//! those that report to each other in a circle the first by name is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::gather::Member;

/// A hierarchy.
#[derive(Default)]
pub struct Tree {
    /// By name.
    members: Vec<Member>,
    /// Who stands below each.
    below: Vec<Vec<usize>>,
    /// Who stands above each.
    above: Vec<Option<usize>>,
    roots: Vec<usize>,
    /// How many stand below each, however deep.
    size: Vec<usize>,
}

/// One line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeLine {
    /// The member's place in [`Tree::member`].
    pub member: usize,
    /// For each level above: whether more of that level follow further down.
    pub more: Vec<bool>,
    /// Whether it is the last below its superior.
    pub last: bool,
    /// How many stand below it, however deep.
    pub below: usize,
    /// Whether those below are shown.
    pub open: bool,
}

impl Tree {
    /// The hierarchy of these members.
    pub fn new(mut members: Vec<Member>) -> Self {
        members.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, member) in members.iter().enumerate() {
            places.entry(&member.name).or_insert(place);
        }
        let superior = |member: &Member| member.reports_to.as_deref().and_then(|name| places.get(name).copied());
        let mut above: Vec<Option<usize>> = members.iter().map(superior).collect();
        cut_circles(&mut above);
        let mut below = vec![Vec::new(); members.len()];
        for (place, superior) in above.iter().enumerate() {
            if let Some(superior) = superior {
                below[*superior].push(place);
            }
        }
        let roots: Vec<usize> = (0..members.len()).filter(|place| above[*place].is_none()).collect();
        let mut size = vec![0; members.len()];
        // The reverse of an order from the top down is one from the bottom up.
        let mut order = roots.clone();
        let mut at = 0;
        while let Some(place) = order.get(at).copied() {
            order.extend(&below[place]);
            at += 1;
        }
        for place in order.into_iter().rev() {
            if let Some(superior) = above[place] {
                size[superior] += size[place] + 1;
            }
        }
        Self { members, below, above, roots, size }
    }

    /// The member at a place.
    pub fn member(&self, place: usize) -> &Member {
        &self.members[place]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The place of the one above.
    pub fn superior(&self, place: usize) -> Option<usize> {
        self.above[place]
    }

    /// Everybody who has somebody below, with how deep they stand; roots stand at 0.
    pub fn branches(&self) -> BTreeMap<usize, usize> {
        let mut found = BTreeMap::new();
        let mut waiting: Vec<(usize, usize)> = self.roots.iter().map(|root| (*root, 0)).collect();
        while let Some((place, depth)) = waiting.pop() {
            if !self.below[place].is_empty() {
                found.insert(place, depth);
                waiting.extend(self.below[place].iter().map(|below| (*below, depth + 1)));
            }
        }
        found
    }

    /// The lines, without those below a folded member. With `only`, nobody is shown but those and their superiors, and
    /// nothing is folded.
    pub fn lines(&self, folded: &BTreeSet<String>, only: Option<&BTreeSet<String>>) -> Vec<TreeLine> {
        let kept = only.map(|only| {
            let mut kept = vec![false; self.members.len()];
            for (place, member) in self.members.iter().enumerate() {
                let mut at = only.contains(&member.id.to_string()).then_some(place);
                while let Some(place) = at.filter(|place| !kept[*place]) {
                    kept[place] = true;
                    at = self.above[place];
                }
            }
            kept
        });
        let shown = |places: &[usize]| -> Vec<usize> {
            let keep = |place: &&usize| kept.as_ref().is_none_or(|kept| kept[**place]);
            places.iter().filter(keep).copied().collect()
        };
        let mut lines = Vec::new();
        // What is still to come, the next at the end: place, whether it is the last of its level, and the levels above.
        let mut waiting: Vec<(usize, bool, Vec<bool>)> = Vec::new();
        let push = |waiting: &mut Vec<_>, places: Vec<usize>, more: &[bool]| {
            for (turn, place) in places.into_iter().rev().enumerate() {
                waiting.push((place, turn == 0, more.to_vec()));
            }
        };
        push(&mut waiting, shown(&self.roots), &[]);
        while let Some((place, last, more)) = waiting.pop() {
            let open = only.is_some() || !folded.contains(&self.members[place].id.to_string());
            if open {
                let mut deeper = more.clone();
                deeper.push(!last);
                push(&mut waiting, shown(&self.below[place]), &deeper);
            }
            lines.push(TreeLine { member: place, more, last, below: self.size[place], open });
        }
        lines
    }
}

/// Takes the superior of one member of each circle away, so that going up always ends.
fn cut_circles(above: &mut [Option<usize>]) {
    let mut ends = vec![false; above.len()];
    for start in 0..above.len() {
        let mut path = Vec::new();
        let mut on_path = BTreeSet::new();
        let mut at = Some(start);
        while let Some(place) = at.filter(|place| !ends[*place]) {
            if !on_path.insert(place) {
                // The circle is the path's part from here on; the first of it by name becomes a root.
                let circle = path.iter().position(|known| *known == place).map_or(&path[..], |begin| &path[begin..]);
                if let Some(first) = circle.iter().min() {
                    above[*first] = None;
                }
                break;
            }
            path.push(place);
            at = above[place];
        }
        for place in path {
            ends[place] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{AgentId, Timestamp};

    fn member(number: usize, reports_to: Option<usize>) -> Member {
        Member {
            id: AgentId::new(Timestamp::from_micros(1_000_000), number as u128),
            name: format!("a{number:03}"),
            reports_to: reports_to.map(|number| format!("a{number:03}")),
        }
    }

    fn names(tree: &Tree, lines: &[TreeLine]) -> Vec<String> {
        let line = |line: &TreeLine| format!("{}{}", "-".repeat(line.more.len()), tree.member(line.member).name);
        lines.iter().map(line).collect()
    }

    #[test]
    fn those_below_follow_their_superior_and_can_be_folded() {
        let tree = Tree::new(vec![
            member(4, Some(2)),
            member(1, None),
            member(2, Some(1)),
            member(3, Some(1)),
            member(5, Some(9)),
            member(6, None),
        ]);
        let lines = tree.lines(&BTreeSet::new(), None);
        assert_eq!(names(&tree, &lines), ["a001", "-a002", "--a004", "-a003", "a005", "a006"]);
        assert_eq!(lines[0].below, 3);
        assert_eq!((lines[1].more.clone(), lines[1].last), (vec![true], false));
        assert_eq!(lines[2].more, [true, true]);
        let folded = BTreeSet::from([tree.member(1).id.to_string()]);
        assert_eq!(names(&tree, &tree.lines(&folded, None)), ["a001", "-a002", "-a003", "a005", "a006"]);
        // Who is looked for is shown with all superiors, folded or not.
        let only = BTreeSet::from([tree.member(3).id.to_string()]);
        assert_eq!(names(&tree, &tree.lines(&folded, Some(&only))), ["a001", "-a002", "--a004"]);
    }

    #[test]
    fn a_circle_gets_a_root() {
        let tree = Tree::new(vec![member(1, Some(2)), member(2, Some(3)), member(3, Some(1)), member(4, Some(4))]);
        let lines = tree.lines(&BTreeSet::new(), None);
        assert_eq!(names(&tree, &lines), ["a001", "-a003", "--a002", "a004"]);
    }

    proptest! {
        #[test]
        fn everybody_stands_in_the_tree_once(reports in prop::collection::vec(prop::option::of(0usize..40), 0..40)) {
            let members = reports.iter().enumerate().map(|(number, above)| member(number, *above)).collect();
            let tree = Tree::new(members);
            let lines = tree.lines(&BTreeSet::new(), None);
            let mut places: Vec<usize> = lines.iter().map(|line| line.member).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..reports.len()).collect::<Vec<_>>());
            let roots = lines.iter().filter(|line| line.more.is_empty());
            prop_assert_eq!(roots.map(|line| line.below + 1).sum::<usize>(), reports.len());
        }
    }
}
