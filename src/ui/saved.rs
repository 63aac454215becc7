//! Notices when themes or keys are saved, through inotify, on a thread that sleeps until then.
//!
//! Folders are watched, not files, because editors write a new file and put it in the place of the old one. A folder that
//! is not there yet is waited for in the one above it.

use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

use super::message::{Message, Post};

/// A file was written or put in its place, or a folder made, moved or removed.
const WATCHED: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::CREATE);

/// Sends [`Message::SettingsChanged`] whenever a theme or the keys in `config_dir` were saved, until nobody listens.
///
/// # Errors
/// When the kernel grants no more watches, or the thread cannot be started. The console then goes on without.
pub fn watch(config_dir: &Path, post: Post) -> io::Result<()> {
    let notices = inotify::init(CreateFlags::CLOEXEC)?;
    let folder = config_dir.to_owned();
    add(&notices, &folder);
    thread::Builder::new().name("saved".to_owned()).spawn(move || {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        loop {
            let Ok(relevant) = next(&notices, &folder, &mut buffer) else { return };
            // What was made just now may be a folder that was waited for.
            add(&notices, &folder);
            if relevant && !post.send(Message::SettingsChanged) {
                return;
            }
        }
    })?;
    Ok(())
}

/// Watches what is there of the folder, its themes and the folder above. Watching twice is watching once.
fn add(notices: &OwnedFd, folder: &Path) {
    for path in [folder.parent(), Some(folder), Some(&folder.join("themes"))].into_iter().flatten() {
        // What is not there is waited for in the folder above.
        let _ = inotify::add_watch(notices, path, WATCHED | WatchFlags::ONLYDIR);
    }
}

/// Waits for notices; whether one of those that came together is about themes or keys.
fn next(notices: &OwnedFd, folder: &Path, buffer: &mut [MaybeUninit<u8>]) -> io::Result<bool> {
    let mut reader = Reader::new(notices, buffer);
    let mut relevant = false;
    loop {
        let event = match reader.next() {
            Ok(event) => event,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
        // A file that was only made has nothing in it yet.
        let made = event.events().contains(ReadFlags::CREATE) && !event.events().contains(ReadFlags::ISDIR);
        relevant |= !made && name.is_some_and(|name| is_ours(name, folder));
        if reader.is_buffer_empty() {
            return Ok(relevant);
        }
    }
}

/// Whether a name may be that of the keys, a theme, or a folder of them.
fn is_ours(name: &OsStr, folder: &Path) -> bool {
    name == "keys.toml" || name == "themes" || Some(name) == folder.file_name() || {
        let path = Path::new(name);
        path.extension() == Some(OsStr::new("toml")) && name != "config.toml"
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    use super::*;

    /// Whether a notice comes; the time is for when it does not.
    fn noticed(queue: &Receiver<Message>) -> bool {
        matches!(queue.recv_timeout(Duration::from_secs(20)), Ok(Message::SettingsChanged))
    }

    #[test]
    fn saving_keys_and_themes_is_noticed_also_in_folders_that_come_later() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("menagerie");
        let (sender, queue) = mpsc::channel();
        watch(&folder, Post::new(sender)).unwrap();
        std::fs::create_dir(&folder).unwrap();
        assert!(noticed(&queue), "the folder came");
        // As editors do: another file takes the place of the old one.
        std::fs::write(folder.join("keys.new"), "").unwrap();
        std::fs::rename(folder.join("keys.new"), folder.join("keys.toml")).unwrap();
        assert!(noticed(&queue), "keys put in place");
        std::fs::create_dir(folder.join("themes")).unwrap();
        assert!(noticed(&queue), "the folder of themes came");
        std::fs::write(folder.join("themes").join("mine.toml"), "base = \"dark\"").unwrap();
        assert!(noticed(&queue), "a theme was written");
        std::fs::remove_file(folder.join("themes").join("mine.toml")).unwrap();
        assert!(noticed(&queue), "a theme was removed");
    }

    #[test]
    fn other_files_are_left_alone() {
        let folder = Path::new("/home/someone/.config/menagerie");
        for (name, ours) in [
            ("keys.toml", true),
            ("mine.toml", true),
            ("themes", true),
            ("menagerie", true),
            ("config.toml", false),
            ("keys.toml~", false),
            (".mine.toml.swp", false),
            ("other", false),
        ] {
            assert_eq!(is_ours(OsStr::new(name), folder), ours, "{name}");
        }
    }
}
