//! What an execution leaves: files in its artifact folder and artifacts that it announced, brought into the store.
//!
//! Everything that the execution started is gone by then, but not everybody who may hold a file of it open, and the working
//! folder is the whole cage's: so no link is followed, only regular files with one name are taken, and what is digested is
//! what is kept. The work is done in steps, so that a gigabyte of artifacts, or a million folders, does not keep other
//! executions waiting.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};

use super::artifact_type;
use super::folder::{FOLDER, open_up};
use super::runtime::said::Announced;
use super::{sys, workspace};
use crate::domain::ExecutionId;
use crate::domain::artifact::{FoundArtifact, TITLE_CHARS_MAX};

/// The most files that one execution may leave.
const FILES_MAX: usize = 1000;
/// The most bytes in all.
const BYTES_MAX: u64 = 256 << 20;
/// Content up to this size travels with the record instead of as a file.
const INLINE_BYTES_MAX: u64 = 16 << 10;
/// Of all contents of one execution so many bytes travel with the record; the rest lies in files.
const INLINE_SUM_MAX: u64 = 4 << 20;
/// How much of a file for the worker is read.
const NOTE_BYTES_MAX: u64 = 4 << 10;
/// How much of a large file is digested and copied in one step.
const STEP_BYTES: usize = 1 << 20;
/// How many entries of folders one step looks at or removes.
const STEP_ENTRIES: usize = 256;
/// How many entries of the artifact folder are looked at.
const ENTRIES_MAX: usize = 20 * FILES_MAX;
/// How deep folders may lie in each other.
const DEPTH_MAX: usize = 32;

/// The collection of one execution's artifacts.
pub(super) struct Collector {
    data_dir: PathBuf,
    id: ExecutionId,
    folder: PathBuf,
    work: PathBuf,
    phase: Phase,
    announced: Vec<Announced>,
    files: Vec<PathBuf>,
    entries: usize,
    found: Vec<FoundArtifact>,
    bytes: u64,
    inline_bytes: u64,
    left_out: usize,
    removed: Vec<PathBuf>,
}

/// What is being done.
enum Phase {
    /// Looking through the artifact folder: the folders on the way, each with its path in the first.
    Looking(Vec<(Dir, PathBuf)>),
    /// Taking what was found and announced, the last first; the one file may be under way that is too large for one step.
    Taking(Vec<Source>, Option<Box<Copying>>),
    /// Emptying the artifact folder.
    Emptying(Dir),
    /// All is done.
    Done,
}

enum Source {
    /// A file of the artifact folder, by its path within.
    File(PathBuf, Option<Announced>),
    /// Something announced that is not there: its text, or a file below the working folder.
    Announced(Announced),
}

/// A large file that is being digested, and copied unless it was moved.
struct Copying {
    file: File,
    hasher: blake3::Hasher,
    artifact: FoundArtifact,
    /// How much of it is still to be read.
    left: u64,
    copy: Option<File>,
}

/// What a collection has come to.
pub(super) struct Collected {
    /// What was found.
    pub(super) found: Vec<FoundArtifact>,
    /// How much had to be left out: links, devices, and what exceeds the bounds.
    pub(super) left_out: usize,
    /// What was moved out of the artifact folder and is still to be removed.
    pub(super) removed: Vec<PathBuf>,
    /// Whether there is nothing left in the artifact folder.
    pub(super) is_emptied: bool,
}

impl Collector {
    /// Starts with what is in `folder` and what was `announced`.
    pub(super) fn begin(
        data_dir: &Path,
        id: ExecutionId,
        folder: &Path,
        work: &Path,
        announced: Vec<Announced>,
    ) -> Self {
        let root = open_folder(folder).and_then(|root| Ok(Dir::new(root)?));
        Self {
            data_dir: data_dir.to_owned(),
            id,
            folder: folder.to_owned(),
            work: work.to_owned(),
            phase: Phase::Looking(root.into_iter().map(|root| (root, PathBuf::new())).collect()),
            announced,
            files: vec![],
            entries: 0,
            found: vec![],
            bytes: 0,
            inline_bytes: 0,
            left_out: 0,
            removed: vec![],
        }
    }

    /// Does a bounded piece of the work; whether it is complete.
    pub(super) fn step(&mut self) -> bool {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Looking(way) => self.look(way),
            Phase::Taking(sources, Some(copying)) => Phase::Taking(sources, self.copy(copying)),
            Phase::Taking(sources, None) => self.take_some(sources),
            Phase::Emptying(folder) => self.empty(folder),
            Phase::Done => Phase::Done,
        };
        matches!(self.phase, Phase::Done)
    }

    /// What was found, once all is done.
    pub(super) fn finish(self) -> Collected {
        let is_emptied = open_folder(&self.folder).is_ok_and(|folder| !has_entries(&folder));
        Collected { found: self.found, left_out: self.left_out, removed: self.removed, is_emptied }
    }

    /// Looks at some entries: regular files are listed by their paths.
    fn look(&mut self, mut way: Vec<(Dir, PathBuf)>) -> Phase {
        for _ in 0..STEP_ENTRIES {
            let depth = way.len();
            let Some((folder, path)) = way.last_mut() else { return self.arrange() };
            let Some(Ok(entry)) = folder.read() else {
                way.pop();
                continue;
            };
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                self.left_out += 1;
                return self.arrange();
            }
            let below = path.join(std::ffi::OsStr::new(&*name.to_string_lossy()));
            let Ok(stat) = folder.fd().and_then(|fd| rustix::fs::statat(fd, name, AtFlags::SYMLINK_NOFOLLOW)) else {
                continue;
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile if self.files.len() < FILES_MAX && stat.st_nlink == 1 => self.files.push(below),
                FileType::Directory if depth <= DEPTH_MAX => {
                    let next = folder.fd().and_then(|fd| rustix::fs::openat(fd, name, FOLDER, Mode::empty()));
                    way.extend(next.and_then(Dir::new).map(|next| (next, below)));
                }
                _ => self.left_out += 1,
            }
        }
        Phase::Looking(way)
    }

    /// Puts what was found and what was announced together and in order.
    fn arrange(&mut self) -> Phase {
        self.files.sort();
        let mut announced = std::mem::take(&mut self.announced);
        let mut sources: Vec<Source> = std::mem::take(&mut self.files)
            .into_iter()
            .map(|path| {
                let means =
                    |one: &Announced| one.path.as_deref().is_some_and(|said| within(&self.folder, said) == path);
                let mine = announced.iter().position(means);
                Source::File(path, mine.map(|at| announced.remove(at)))
            })
            .collect();
        sources.extend(announced.into_iter().map(Source::Announced));
        sources.reverse();
        // What it changed comes first, whatever else there is too much of.
        sources
            .sort_by_key(|source| matches!(source, Source::File(_, Some(announced)) if announced.difference.is_some()));
        Phase::Taking(sources, None)
    }

    /// Takes some of what there is.
    fn take_some(&mut self, mut sources: Vec<Source>) -> Phase {
        for _ in 0..16 {
            let Some(source) = sources.pop() else {
                let folder = open_folder(&self.folder).and_then(|folder| Ok(Dir::new(folder)?));
                return folder.map_or(Phase::Done, Phase::Emptying);
            };
            match self.take(source) {
                Ok(None) => {}
                Ok(Some(copying)) => return Phase::Taking(sources, Some(Box::new(copying))),
                Err(_) => self.left_out += 1,
            }
        }
        Phase::Taking(sources, None)
    }

    /// Digests and copies a piece of a file, in one go, so that what is kept is what was digested; `None` when it is done.
    fn copy(&mut self, mut copying: Box<Copying>) -> Option<Box<Copying>> {
        let mut buffer = vec![0; usize::try_from(copying.left).unwrap_or(STEP_BYTES).min(STEP_BYTES)];
        let read = copying.file.read(&mut buffer).and_then(|count| {
            copying.copy.as_mut().map_or(Ok(()), |copy| copy.write_all(&buffer[..count]))?;
            Ok(count)
        });
        match read {
            Ok(0) => {
                let Copying { hasher, mut artifact, .. } = *copying;
                artifact.digest = hasher.finalize().to_hex().to_string();
                self.found.push(artifact);
                None
            }
            Ok(count) => {
                copying.hasher.update(&buffer[..count]);
                copying.left -= count as u64;
                copying.artifact.size += count as u64;
                Some(copying)
            }
            Err(_) => {
                let kept = copying.artifact.path.iter().map(|path| self.data_dir.join(path));
                self.removed.extend(kept);
                self.left_out += 1;
                None
            }
        }
    }

    /// Removes some of what is left in the artifact folder. What may take long to remove is moved away for that: folders,
    /// whatever may be in them, and large files.
    fn empty(&mut self, mut folder: Dir) -> Phase {
        for _ in 0..STEP_ENTRIES {
            let Some(Ok(entry)) = folder.read() else { return Phase::Done };
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let Ok(fd) = folder.fd() else { return Phase::Done };
            let Ok(stat) = rustix::fs::statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
            let is_small = is_folder || stat.st_size.unsigned_abs() <= STEP_BYTES as u64;
            if is_small && rustix::fs::unlinkat(fd, name, flags).is_ok() {
                continue;
            }
            if is_folder {
                // A folder is moved only by who may write to it.
                let _ = open_up(fd, name);
            }
            let away = format!("{}-{}.left", self.id, self.removed.len());
            let away = self.data_dir.join(workspace::FOLDER).join(away);
            if rustix::fs::renameat(fd, name, CWD, &away).is_ok() {
                self.removed.push(away);
            }
        }
        Phase::Emptying(folder)
    }

    /// Takes one of them; what is left to be done about it when it is too large for one step.
    fn take(&mut self, source: Source) -> io::Result<Option<Copying>> {
        if self.found.len() >= FILES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        match source {
            Source::File(path, announced) => {
                let (parent, file) = open_beneath(open_folder(&self.folder)?, &path)?;
                self.file(file, &path, announced, Some(&parent))
            }
            Source::Announced(Announced { content: Some(content), title, kind, metadata, quality, .. }) => {
                let title = clean_title(title.as_deref().unwrap_or("untitled"));
                let bytes = content.as_bytes();
                self.account(bytes.len() as u64)?;
                let kind =
                    kind.and_then(|kind| kind.parse().ok()).unwrap_or_else(|| artifact_type::judge(&title, bytes));
                let digest = blake3::hash(bytes).to_hex().to_string();
                let size = bytes.len() as u64;
                let (path, difference) = (None, None);
                let mut artifact =
                    FoundArtifact { kind, title, content: None, path, size, digest, metadata, quality, difference };
                if size <= INLINE_BYTES_MAX && self.takes_inline(size) {
                    artifact.content = Some(content);
                } else {
                    let name = PathBuf::from(format!("announced-{}", self.found.len()));
                    let (target, shown) = self.target(&name)?;
                    fs::write(target, content)?;
                    artifact.path = Some(shown);
                }
                self.found.push(artifact);
                Ok(None)
            }
            Source::Announced(announced) => {
                let Some(path) = announced.path.as_deref() else { return Err(io::ErrorKind::InvalidInput.into()) };
                let path = within(&self.work, path);
                let (_, file) = open_beneath(open_folder(&self.work)?, &path)?;
                self.file(file, &path, Some(announced), None)
            }
        }
    }

    /// Takes a file: small text into the record, everything else into the store. One of the artifact folder is taken out of
    /// it; `own` is the folder that it lies in.
    fn file(
        &mut self,
        file: OwnedFd,
        path: &Path,
        announced: Option<Announced>,
        own: Option<&OwnedFd>,
    ) -> io::Result<Option<Copying>> {
        let mut file = File::from(file);
        let size = file.metadata()?.len();
        self.account(size)?;
        let announced = announced.unwrap_or_default();
        let name = path.to_string_lossy();
        let title = clean_title(announced.title.as_deref().unwrap_or(&name));
        let mut head = vec![];
        Read::by_ref(&mut file).take(INLINE_BYTES_MAX + 1).read_to_end(&mut head)?;
        let kind =
            announced.kind.and_then(|kind| kind.parse().ok()).unwrap_or_else(|| artifact_type::judge(&name, &head));
        let Announced { metadata, quality, difference, .. } = announced;
        let digest = String::new();
        let size_read = head.len() as u64;
        let mut artifact = FoundArtifact {
            kind,
            title,
            content: None,
            path: None,
            size: size_read,
            digest,
            metadata,
            quality,
            difference,
        };
        if size_read <= INLINE_BYTES_MAX {
            artifact.digest = blake3::hash(&head).to_hex().to_string();
            match String::from_utf8(head) {
                Ok(text) if self.takes_inline(size_read) => artifact.content = Some(text),
                Ok(text) => artifact.path = Some(self.keep(&file, text.as_bytes(), path, own)?.0),
                Err(bytes) => artifact.path = Some(self.keep(&file, bytes.as_bytes(), path, own)?.0),
            }
            if let (Some(parent), Some(name), None) = (own, path.file_name(), &artifact.path) {
                let _ = rustix::fs::unlinkat(parent, name, AtFlags::empty());
            }
            self.found.push(artifact);
            return Ok(None);
        }
        let (kept, copy) = self.keep(&file, &head, path, own)?;
        artifact.path = Some(kept);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head);
        // As much as was accounted for, however much somebody goes on adding to it.
        let left = size.saturating_sub(size_read);
        Ok(Some(Copying { file, hasher, artifact, left, copy }))
    }

    /// Whether there is room for so much content in the record; it is taken if there is.
    fn takes_inline(&mut self, size: u64) -> bool {
        let fits = self.inline_bytes + size <= INLINE_SUM_MAX;
        self.inline_bytes += if fits { size } else { 0 };
        fits
    }

    fn account(&mut self, size: u64) -> io::Result<()> {
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > BYTES_MAX { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
    }

    /// Brings a file into the store: its path relative to the data directory. The artifact folder's own are moved, unless
    /// somebody who lives on may still write to them; of others a copy is begun with `head`, which is to be gone on with.
    fn keep(&self, file: &File, head: &[u8], path: &Path, own: Option<&OwnedFd>) -> io::Result<(String, Option<File>)> {
        let (target, shown) = self.target(path)?;
        if let (Some(parent), Some(name)) = (own, path.file_name())
            && !sys::may_be_written(file.as_fd())
        {
            rustix::fs::renameat(parent, name, CWD, &target)?;
            let (moved, meant) = (fs::symlink_metadata(&target)?, file.metadata()?);
            if (moved.dev(), moved.ino()) != (meant.dev(), meant.ino()) {
                let _ = fs::remove_file(&target);
                return Err(io::ErrorKind::InvalidInput.into());
            }
            rustix::fs::fchmod(file, Mode::from(0o600))?;
            return Ok((shown, None));
        }
        let mut copy = File::options().write(true).create_new(true).mode(0o600).open(&target)?;
        if let Err(error) = copy.write_all(head) {
            let _ = fs::remove_file(&target);
            return Err(error);
        }
        Ok((shown, Some(copy)))
    }

    /// A free place in the store for a file of this name.
    fn target(&self, path: &Path) -> io::Result<(PathBuf, String)> {
        let name: String = path.to_string_lossy().chars().map(|c| if c.is_control() { '_' } else { c }).collect();
        let mut shown = format!("artifacts/{}/{name}", self.id);
        if self.data_dir.join(&shown).exists() {
            shown = format!("artifacts/{}/{}-{name}", self.id, self.found.len());
        }
        let target = self.data_dir.join(&shown);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok((target, shown))
    }
}

/// What an announced path means within a folder.
fn within(folder: &Path, said: &str) -> PathBuf {
    let said = Path::new(said);
    let said = said.strip_prefix(folder).unwrap_or(said);
    said.components().filter(|part| *part != Component::CurDir).collect()
}

fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, FOLDER, Mode::empty())?)
}

/// Opens a regular file that has one name, following no link on the way: the folder that it lies in, and itself.
fn open_beneath(root: OwnedFd, path: &Path) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut folder = root;
    let mut names = path.components().peekable();
    while let Some(name) = names.next() {
        let Component::Normal(name) = name else { break };
        let last = names.peek().is_none();
        let kind = if last { OFlags::NONBLOCK } else { OFlags::DIRECTORY };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | kind;
        let next = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
        if last {
            let stat = rustix::fs::fstat(&next)?;
            let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_nlink == 1;
            return if is_file { Ok((folder, next)) } else { Err(io::ErrorKind::InvalidInput.into()) };
        }
        folder = next;
    }
    Err(io::ErrorKind::InvalidInput.into())
}

/// Whether a folder, given by a descriptor that is kept for the purpose, has anything in it.
pub(super) fn has_entries(folder: &OwnedFd) -> bool {
    if rustix::fs::seek(folder, rustix::fs::SeekFrom::Start(0)).is_err() {
        return true;
    }
    let mut space = [std::mem::MaybeUninit::uninit(); 1024];
    let mut entries = rustix::fs::RawDir::new(folder.as_fd(), &mut space);
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) if entry.file_name() == c"." || entry.file_name() == c".." => {}
            _ => return true,
        }
    }
    false
}

/// Reads a short file of the artifact folder that is meant for the worker alone, and removes it.
pub(super) fn take_note(folder: &Path, name: &str) -> Option<String> {
    let file = File::from(open_beneath(open_folder(folder).ok()?, Path::new(name)).ok()?.1);
    let mut text = String::new();
    let read = file.take(NOTE_BYTES_MAX).read_to_string(&mut text);
    let _ = fs::remove_file(folder.join(name));
    read.ok().map(|_| text)
}

fn clean_title(title: &str) -> String {
    let title: String = title.chars().map(|c| if c.is_control() { '?' } else { c }).take(TITLE_CHARS_MAX).collect();
    if title.is_empty() { "untitled".to_owned() } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ArtifactType, Timestamp};

    #[test]
    fn links_are_left_out_and_files_are_taken() {
        let data = tempfile::tempdir().unwrap();
        let (folder, work) = (data.path().join("slot"), data.path().join("work"));
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::create_dir_all(&work).unwrap();
        let secret = data.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        std::os::unix::fs::symlink(&secret, folder.join("link")).unwrap();
        std::os::unix::fs::symlink(data.path(), folder.join("links")).unwrap();
        fs::hard_link(&secret, folder.join("hard")).unwrap();
        std::os::unix::fs::symlink(&secret, work.join("out.txt")).unwrap();
        fs::write(folder.join("small.txt"), "text").unwrap();
        fs::write(folder.join("sub/big.bin"), vec![7; 3 << 20]).unwrap();
        let announce = |json: &str| serde_json::from_str::<Announced>(json).unwrap();
        let announced = vec![
            announce(r#"{"path": "small.txt", "title": "A title", "kind": "report"}"#),
            announce(r#"{"path": "out.txt"}"#),
            announce(r#"{"path": "../secret"}"#),
            announce(r#"{"content": "inline", "title": "I"}"#),
        ];
        let id = ExecutionId::new(Timestamp::EPOCH, 1);
        let mut collector = Collector::begin(data.path(), id, &folder, &work, announced);
        while !collector.step() {}
        let Collected { found, left_out, removed, is_emptied } = collector.finish();
        let titles: Vec<_> = found.iter().map(|one| one.title.as_str()).collect();
        assert_eq!(titles, ["A title", "sub/big.bin", "I"]);
        assert_eq!(left_out, 5);
        assert_eq!(found[0].kind, ArtifactType::Report);
        let big = &found[1];
        assert_eq!(big.digest, blake3::hash(&vec![7; 3 << 20]).to_hex().to_string());
        assert_eq!(fs::read(data.path().join(big.path.as_ref().unwrap())).unwrap().len(), 3 << 20);
        assert!(is_emptied && removed.is_empty(), "{removed:?}");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    }
    /// A data directory with the folders of one slot and its cage.
    struct Ground {
        data: tempfile::TempDir,
        folder: PathBuf,
        work: PathBuf,
    }

    impl Ground {
        fn new() -> Self {
            let data = tempfile::tempdir().unwrap();
            let (folder, work) = (data.path().join("slot"), data.path().join("work"));
            for folder in [&folder, &work, &data.path().join(workspace::FOLDER)] {
                fs::create_dir(folder).unwrap();
            }
            Self { data, folder, work }
        }

        fn collector(&self, announced: &[&str]) -> Collector {
            let announced = announced.iter().map(|json| serde_json::from_str(json).unwrap()).collect();
            let id = ExecutionId::new(Timestamp::EPOCH, 1);
            Collector::begin(self.data.path(), id, &self.folder, &self.work, announced)
        }

        fn collect(&self, announced: &[&str]) -> Collected {
            let mut collector = self.collector(announced);
            while !collector.step() {}
            collector.finish()
        }

        fn stored(&self, artifact: &FoundArtifact) -> Vec<u8> {
            fs::read(self.data.path().join(artifact.path.as_ref().unwrap())).unwrap()
        }
    }

    #[test]
    fn a_path_is_announced_in_any_of_the_ways_in_which_people_write_it() {
        let ground = Ground::new();
        fs::write(ground.folder.join("one.md"), "1").unwrap();
        fs::write(ground.folder.join("two.md"), "2").unwrap();
        fs::write(ground.work.join("three.md"), "3").unwrap();
        let absolute = format!(r#"{{"path": "{}", "title": "Two"}}"#, ground.folder.join("two.md").display());
        let collected = ground.collect(&[
            r#"{"path": "./one.md", "title": "One"}"#,
            &absolute,
            r#"{"path": "./three.md", "title": "Three"}"#,
        ]);
        let titles: Vec<_> = collected.found.iter().map(|one| one.title.as_str()).collect();
        assert_eq!((titles, collected.left_out), (vec!["One", "Two", "Three"], 0));
    }

    #[test]
    fn what_is_kept_is_what_was_digested_and_was_accounted_for() {
        let ground = Ground::new();
        let path = ground.work.join("log.txt");
        fs::write(&path, vec![b'a'; 3 << 20]).unwrap();
        let mut collector = ground.collector(&[r#"{"path": "log.txt"}"#]);
        // Another slot of the cage goes on with the file meanwhile, and changes what was read already.
        let mut rounds = 0;
        while !collector.step() {
            let mut file = File::options().append(true).open(&path).unwrap();
            file.write_all(&vec![b'b'; 2 << 20]).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&File::options().write(true).open(&path).unwrap(), b"c", 0)
                .unwrap();
            rounds += 1;
        }
        let Collected { found, left_out, .. } = collector.finish();
        assert!(left_out == 0 && rounds > 2);
        let stored = ground.stored(&found[0]);
        assert_eq!(stored.len() as u64, found[0].size);
        assert!(found[0].size >= 3 << 20 && found[0].size < fs::metadata(&path).unwrap().len());
        assert_eq!(found[0].digest, blake3::hash(&stored).to_hex().to_string());
    }

    #[test]
    fn a_file_that_somebody_may_still_write_to_is_copied() {
        let ground = Ground::new();
        for name in ["big", "small"] {
            let size = if name == "big" { 3 << 20 } else { 100 };
            fs::write(ground.folder.join(name), vec![0xff; size]).unwrap();
        }
        let open = |name: &str| File::options().write(true).open(ground.folder.join(name)).unwrap();
        let writers = [open("big"), open("small")];
        let collected = ground.collect(&[]);
        for writer in &writers {
            std::os::unix::fs::FileExt::write_all_at(writer, b"changed", 0).unwrap();
        }
        assert_eq!((collected.found.len(), collected.left_out), (2, 0));
        for artifact in &collected.found {
            let stored = ground.stored(artifact);
            assert!(
                stored.iter().all(|byte| *byte == 0xff) && stored.len() as u64 == artifact.size,
                "{}",
                artifact.title
            );
            assert_eq!(artifact.digest, blake3::hash(&stored).to_hex().to_string());
        }
    }

    #[test]
    fn whatever_folders_are_left_the_artifact_folder_is_empty_afterwards() {
        let ground = Ground::new();
        fs::create_dir_all(ground.folder.join("shut/in")).unwrap();
        fs::write(ground.folder.join("shut/in/file"), "text").unwrap();
        fs::set_permissions(ground.folder.join("shut/in"), std::os::unix::fs::PermissionsExt::from_mode(0o500))
            .unwrap();
        fs::create_dir_all(ground.folder.join("many")).unwrap();
        for number in 0..ENTRIES_MAX {
            fs::create_dir(ground.folder.join(format!("many/{number}"))).unwrap();
        }
        let mut at = open_folder(&ground.folder).unwrap();
        for _ in 0..5000 {
            rustix::fs::mkdirat(&at, "deep", Mode::RWXU).unwrap();
            at = rustix::fs::openat(&at, "deep", FOLDER, Mode::empty()).unwrap();
        }
        let mut steps = 0;
        let mut collector = ground.collector(&[]);
        while !collector.step() {
            steps += 1;
        }
        let Collected { left_out, removed, is_emptied, .. } = collector.finish();
        assert!(is_emptied && left_out > 0 && steps >= ENTRIES_MAX / STEP_ENTRIES, "{left_out} {steps}");
        for path in &removed {
            crate::worker::folder::remove(path);
        }
        assert_eq!(fs::read_dir(ground.data.path().join(workspace::FOLDER)).unwrap().count(), 0);
    }
}
