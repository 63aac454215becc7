//! The mounts of the calling process's namespace, and where in them a folder can be seen: what is mounted in two places is
//! seen in both, by different names.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A mount, as the text of the list has it: a copy of each name would cost a new process, in which nothing can be written
/// without copying a page first, more than all the rest of looking.
#[derive(Debug)]
pub(super) struct Mount<'a> {
    id: u64,
    parent: u64,
    /// The file system, by its device.
    device: &'a [u8],
    /// Which folder or file of the file system is mounted.
    root: Cow<'a, Path>,
    /// Where.
    place: Cow<'a, Path>,
}

/// What is seen of a folder below some place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Where it is seen itself.
    pub(super) whole: Vec<PathBuf>,
    /// Where something in it is mounted by itself, outside those.
    pub(super) parts: Vec<PathBuf>,
}

/// The kernel's list of the mounts of the calling process's namespace.
pub(super) const LIST: &str = "/proc/self/mountinfo";

/// The mounts of the list.
pub(super) fn list(text: &[u8]) -> Vec<Mount<'_>> {
    text.split(|byte| *byte == b'\n').filter_map(parse).collect()
}

/// Where `folder` is seen below `top`, both by their paths in the namespace; `None` when no mount holds it.
pub(super) fn seen(mounts: &[Mount<'_>], folder: &Path, top: &Path) -> Option<Seen> {
    let home = holding(mounts, folder)?;
    let inner = home.root.join(folder.strip_prefix(&home.place).ok()?);
    let same = || mounts.iter().filter(|mount| mount.device == home.device && mount.place.starts_with(top));
    // A place that another mount lies over shows that one.
    let shows = |mount: &Mount<'_>, place: &Path| holding(mounts, place).is_some_and(|other| other.id == mount.id);
    let whole: Vec<PathBuf> = same()
        .filter_map(|mount| Some((mount, mount.place.join(inner.strip_prefix(&mount.root).ok()?))))
        .filter(|(mount, place)| shows(mount, place))
        .map(|(_, place)| place)
        .collect();
    let parts = same()
        .filter(|mount| mount.root != inner && mount.root.starts_with(&inner) && shows(mount, &mount.place))
        .map(|mount| mount.place.to_path_buf())
        .filter(|place| !whole.iter().any(|covered| place.starts_with(covered)))
        .collect();
    Some(Seen { whole, parts })
}

/// The mount in which a path ends, followed from the root as the kernel does.
fn holding<'a, 'text>(mounts: &'a [Mount<'text>], path: &Path) -> Option<&'a Mount<'text>> {
    let is_child = |child: &Mount<'_>, parent: &Mount<'_>| child.parent == parent.id && child.id != parent.id;
    let mut at = mounts.iter().find(|mount| !mounts.iter().any(|other| is_child(mount, other)))?;
    // Each step goes to a mount further up, of which there are no more than all.
    for _ in mounts {
        let below = mounts.iter().filter(|mount| is_child(mount, at) && path.starts_with(&mount.place));
        let Some(next) = below.min_by_key(|mount| mount.place.as_os_str().len()) else { break };
        at = next;
    }
    Some(at)
}

/// A line such as `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`.
fn parse(line: &[u8]) -> Option<Mount<'_>> {
    let mut words = line.split(|byte| *byte == b' ');
    let mut number = || std::str::from_utf8(words.next()?).ok()?.parse().ok();
    let (id, parent) = (number()?, number()?);
    let device = words.next()?;
    let (root, place) = (plain(words.next()?), plain(words.next()?));
    Some(Mount { id, parent, device, root, place })
}

/// A path as it is, where the list has blanks and the like as `\040`.
fn plain(written: &[u8]) -> Cow<'_, Path> {
    if !written.contains(&b'\\') {
        return Cow::Borrowed(Path::new(OsStr::from_bytes(written)));
    }
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some((first, others)) = rest.split_first() {
        let digits = others.get(..3).filter(|_| *first == b'\\').and_then(|three| std::str::from_utf8(three).ok());
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = &others[3..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    Cow::Owned(OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a host whose `/home` is a disk that is mounted at `/srv/home` as well, with a folder of it at `/mnt/a b`; and of a
    /// root under construction at `/new` that was given `/srv` and more.
    const HOST: &str = "\
22 1 8:1 / / rw - ext4 /dev/a rw
30 22 8:2 / /home rw - ext4 /dev/b rw
31 22 8:2 / /srv/home rw - ext4 /dev/b rw
32 22 8:2 /u/data/cages /mnt/a\\040b rw - ext4 /dev/b rw
33 22 8:1 /usr /opt rw - ext4 /dev/a rw
40 22 0:50 / /new rw - tmpfs none rw
41 40 8:1 /srv /new/srv rw - ext4 /dev/a rw
42 41 8:2 / /new/srv/home rw - ext4 /dev/b rw
";

    fn seen_with(more: &str, folder: &str, top: &str) -> (Vec<String>, Vec<String>) {
        let text = format!("{HOST}{more}");
        let seen = seen(&list(text.as_bytes()), Path::new(folder), Path::new(top)).unwrap();
        let strings = |paths: Vec<PathBuf>| paths.iter().map(|path| path.display().to_string()).collect();
        (strings(seen.whole), strings(seen.parts))
    }

    fn places(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_folder_is_seen_in_every_place_where_its_file_system_is_mounted() {
        let everywhere = seen_with("", "/home/u/data", "/");
        let whole = places(&["/home/u/data", "/srv/home/u/data", "/new/srv/home/u/data"]);
        assert_eq!(everywhere, (whole, places(&["/mnt/a b"])));
        assert_eq!(seen_with("", "/home/u/data", "/new").0, places(&["/new/srv/home/u/data"]));
        assert_eq!(seen_with("", "/etc/data", "/new"), (vec![], vec![]));
    }

    #[test]
    fn what_another_mount_lies_over_is_not_seen() {
        let over = "43 42 0:60 / /new/srv/home/u rw - tmpfs none rw\n";
        assert_eq!(seen_with(over, "/home/u/data", "/new"), (vec![], vec![]));
        let over = "43 41 0:60 / /new/srv rw - tmpfs none rw\n";
        assert_eq!(seen_with(over, "/home/u/data", "/new"), (vec![], vec![]));
        let beside = "43 41 0:60 / /new/srv/homes rw - tmpfs none rw\n";
        assert_eq!(seen_with(beside, "/home/u/data", "/new").0, places(&["/new/srv/home/u/data"]));
    }

    #[test]
    fn a_part_that_is_mounted_by_itself_is_told_apart() {
        let part = "43 40 8:2 /u/data/artifacts /new/x rw - ext4 /dev/b rw\n";
        assert_eq!(seen_with(part, "/home/u/data", "/new/x"), (vec![], places(&["/new/x"])));
        let inside = "43 42 8:2 /u/data/artifacts /new/srv/home/u/data/y rw - ext4 /dev/b rw\n";
        assert_eq!(seen_with(inside, "/home/u/data", "/new"), (places(&["/new/srv/home/u/data"]), vec![]));
    }
}
