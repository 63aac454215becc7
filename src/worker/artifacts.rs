//! What an execution leaves: files in its artifact folder and artifacts that it announced, brought into the store.
//!
//! Everything that the execution started is gone by then, so that nothing changes under the hands of this code; still
//! no link is followed, and only regular files with one name are taken. The work is done in steps, so that a gigabyte
//! of artifacts does not keep other executions waiting.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};

use super::runtime::said::Announced;
use crate::domain::artifact::{FoundArtifact, TITLE_CHARS_MAX};
use crate::domain::{ArtifactType, ExecutionId};

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
/// How much of a large file is digested in one step.
const STEP_BYTES: usize = 1 << 20;

/// The collection of one execution's artifacts.
pub(super) struct Collector {
    data_dir: PathBuf,
    id: ExecutionId,
    folder: PathBuf,
    work: PathBuf,
    waiting: Vec<Source>,
    current: Option<Hashing>,
    found: Vec<FoundArtifact>,
    bytes: u64,
    inline_bytes: u64,
    left_out: usize,
}

enum Source {
    /// A file of the artifact folder, by its path within.
    File(PathBuf, Option<Announced>),
    /// Something announced that is not there: its text, or a file below the working folder.
    Announced(Announced),
}

/// A large file that is being digested.
struct Hashing {
    file: File,
    hasher: blake3::Hasher,
    artifact: FoundArtifact,
}

impl Collector {
    /// Looks through `folder` and starts with what is there and what was `announced`; `None` when there is nothing.
    pub(super) fn begin(
        data_dir: &Path,
        id: ExecutionId,
        folder: &Path,
        work: &Path,
        announced: Vec<Announced>,
    ) -> Option<Self> {
        let mut files = vec![];
        let mut left_out = 0;
        if let Ok(root) = open_folder(folder) {
            walk(&root, Path::new(""), &mut files, &mut left_out, 0);
        }
        files.sort();
        let mut announced = announced;
        let mut waiting: Vec<Source> = files
            .into_iter()
            .map(|path| {
                let mine = announced.iter().position(|one| one.path.as_deref().map(Path::new) == Some(&path));
                Source::File(path, mine.map(|at| announced.remove(at)))
            })
            .collect();
        waiting.extend(announced.into_iter().map(Source::Announced));
        waiting.reverse();
        // What it changed comes first, whatever else there is too much of.
        waiting
            .sort_by_key(|source| matches!(source, Source::File(_, Some(announced)) if announced.difference.is_some()));
        if waiting.is_empty() && left_out == 0 {
            return None;
        }
        Some(Self {
            data_dir: data_dir.to_owned(),
            id,
            folder: folder.to_owned(),
            work: work.to_owned(),
            waiting,
            current: None,
            found: vec![],
            bytes: 0,
            inline_bytes: 0,
            left_out,
        })
    }

    /// Does a bounded piece of the work; whether it is complete.
    pub(super) fn step(&mut self) -> bool {
        if let Some(hashing) = &mut self.current {
            let mut buffer = vec![0; STEP_BYTES];
            match hashing.file.read(&mut buffer) {
                Ok(count) if count > 0 => {
                    hashing.hasher.update(&buffer[..count]);
                }
                _ => {
                    if let Some(Hashing { hasher, mut artifact, .. }) = self.current.take() {
                        artifact.digest = hasher.finalize().to_hex().to_string();
                        self.found.push(artifact);
                    }
                }
            }
            return false;
        }
        for _ in 0..16 {
            let Some(source) = self.waiting.pop() else { return true };
            if self.take(source).is_err() {
                self.left_out += 1;
            }
            if self.current.is_some() {
                return false;
            }
        }
        false
    }

    /// What was found, and how much had to be left out: links, devices, and what exceeds the bounds. Empties the folder.
    pub(super) fn finish(self) -> (Vec<FoundArtifact>, usize) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
        (self.found, self.left_out)
    }

    fn take(&mut self, source: Source) -> io::Result<()> {
        if self.found.len() >= FILES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let root = open_folder(&self.folder)?;
        match source {
            Source::File(path, announced) => {
                let file = open_beneath(&root, &path)?;
                self.file(file, &path, announced, true)
            }
            Source::Announced(Announced { content: Some(content), title, kind, metadata, .. }) => {
                let title = clean_title(title.as_deref().unwrap_or("untitled"));
                let bytes = content.as_bytes();
                self.account(bytes.len() as u64)?;
                let kind = kind.and_then(|kind| kind.parse().ok()).unwrap_or_else(|| judge(&title, bytes));
                let digest = blake3::hash(bytes).to_hex().to_string();
                let size = bytes.len() as u64;
                let (path, difference) = (None, None);
                let mut artifact =
                    FoundArtifact { kind, title, content: None, path, size, digest, metadata, difference };
                if size <= INLINE_BYTES_MAX && self.takes_inline(size) {
                    artifact.content = Some(content);
                } else {
                    let name = PathBuf::from(format!("announced-{}", self.found.len()));
                    let (target, shown) = self.target(&name)?;
                    fs::write(target, content)?;
                    artifact.path = Some(shown);
                }
                self.found.push(artifact);
                Ok(())
            }
            Source::Announced(announced) => {
                let Some(path) = announced.path.clone() else { return Err(io::ErrorKind::InvalidInput.into()) };
                let path = PathBuf::from(path);
                let path = path.strip_prefix(&self.work).unwrap_or(&path).to_owned();
                let file = open_beneath(&open_folder(&self.work)?, &path)?;
                self.file(file, &path, Some(announced), false)
            }
        }
    }

    /// Takes a file: small text into the record, everything else into the store. With `own` it is moved, else copied.
    fn file(&mut self, file: OwnedFd, path: &Path, announced: Option<Announced>, own: bool) -> io::Result<()> {
        let mut file = File::from(file);
        let size = file.metadata()?.len();
        self.account(size)?;
        let announced = announced.unwrap_or(Announced {
            kind: None,
            title: None,
            content: None,
            path: None,
            metadata: serde_json::Map::new(),
            difference: None,
        });
        let name = path.to_string_lossy();
        let title = clean_title(announced.title.as_deref().unwrap_or(&name));
        let mut head = vec![];
        file.by_ref().take(INLINE_BYTES_MAX + 1).read_to_end(&mut head)?;
        let kind = announced.kind.and_then(|kind| kind.parse().ok()).unwrap_or_else(|| judge(&name, &head));
        let (metadata, difference, digest) = (announced.metadata, announced.difference, String::new());
        let mut artifact = FoundArtifact { kind, title, content: None, path: None, size, digest, metadata, difference };
        if head.len() as u64 <= INLINE_BYTES_MAX {
            artifact.size = head.len() as u64;
            artifact.digest = blake3::hash(&head).to_hex().to_string();
            match String::from_utf8(head) {
                Ok(text) if self.takes_inline(artifact.size) => artifact.content = Some(text),
                _ => artifact.path = Some(self.keep(&file, path, own)?),
            }
            self.found.push(artifact);
            return Ok(());
        }
        artifact.path = Some(self.keep(&file, path, own)?);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head);
        self.current = Some(Hashing { file, hasher, artifact });
        Ok(())
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

    /// Brings a file into the store; its path relative to the data directory.
    fn keep(&self, file: &File, path: &Path, own: bool) -> io::Result<String> {
        let (target, shown) = self.target(path)?;
        if own {
            fs::rename(self.folder.join(path), &target)?;
            rustix::fs::fchmod(file, Mode::from(0o600))?;
        } else {
            // Read from the start through the descriptor that was checked, not by a name that could lead elsewhere.
            use std::os::unix::fs::FileExt;
            let mut copy = File::create_new(&target)?;
            let (mut at, mut buffer) = (0, vec![0; 1 << 16]);
            loop {
                let count = file.read_at(&mut buffer, at)?;
                if count == 0 {
                    break;
                }
                io::Write::write_all(&mut copy, &buffer[..count])?;
                at += count as u64;
            }
        }
        Ok(shown)
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

fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Opens a regular file that has one name, following no link on the way.
fn open_beneath(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let mut folder = rustix::io::fcntl_dupfd_cloexec(root, 0)?;
    let mut names = path.components().peekable();
    while let Some(name) = names.next() {
        let Component::Normal(name) = name else { return Err(io::ErrorKind::InvalidInput.into()) };
        let last = names.peek().is_none();
        let kind = if last { OFlags::NONBLOCK } else { OFlags::DIRECTORY };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | kind;
        folder = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
    }
    let stat = rustix::fs::fstat(&folder)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(folder)
}

/// Lists regular files below a folder, by paths relative to it.
fn walk(folder: &OwnedFd, path: &Path, files: &mut Vec<PathBuf>, left_out: &mut usize, depth: usize) {
    let Ok(mut entries) = rustix::fs::Dir::read_from(folder) else { return };
    while let Some(Ok(entry)) = entries.read() {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let below = path.join(std::ffi::OsStr::new(&*name.to_string_lossy()));
        let Ok(stat) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if files.len() < FILES_MAX && stat.st_nlink == 1 => files.push(below),
            FileType::Directory if depth < 32 => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                if let Ok(next) = rustix::fs::openat(folder, name, flags, Mode::empty()) {
                    walk(&next, &below, files, left_out, depth + 1);
                }
            }
            _ => *left_out += 1,
        }
        if *left_out > 100 * FILES_MAX {
            return;
        }
    }
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
    let file = File::from(open_beneath(&open_folder(folder).ok()?, Path::new(name)).ok()?);
    let mut text = String::new();
    let read = file.take(NOTE_BYTES_MAX).read_to_string(&mut text);
    let _ = fs::remove_file(folder.join(name));
    read.ok().map(|_| text)
}

fn clean_title(title: &str) -> String {
    let title: String = title.chars().map(|c| if c.is_control() { '?' } else { c }).take(TITLE_CHARS_MAX).collect();
    if title.is_empty() { "untitled".to_owned() } else { title }
}

const CODE: &[&str] = &[
    "rs", "py", "js", "ts", "tsx", "jsx", "c", "h", "cc", "cpp", "hpp", "go", "java", "kt", "rb", "php", "pl", "sh",
    "bash", "zig", "hs", "ml", "lua", "r", "sql", "patch", "diff", "toml", "yaml", "yml", "nix", "css", "scss",
    "swift", "cs", "awk", "sed", "ps1", "mk", "cmake", "proto", "tf", "vue", "ex", "exs", "erl", "scala", "clj",
    "dart",
];
const TEXT: &[&str] = &["md", "txt", "rst", "adoc", "html", "htm", "pdf", "tex", "org", "docx", "odt"];
const DATA: &[&str] =
    &["csv", "tsv", "json", "jsonl", "ndjson", "parquet", "xml", "png", "svg", "jpg", "log", "ipynb", "xlsx", "dat"];

/// What an artifact is, by its name and the beginning of its content.
pub(super) fn judge(name: &str, content: &[u8]) -> ArtifactType {
    let lower = name.to_lowercase();
    let file = lower.rsplit('/').next().unwrap_or(&lower);
    let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
    let head = String::from_utf8_lossy(&content[..content.len().min(400)]).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| stem.contains(word));
    let begins = |words: &[&str]| words.iter().any(|word| head.trim_start().starts_with(word));
    if CODE.contains(&extension)
        || matches!(file, "makefile" | "dockerfile" | "justfile" | "rakefile")
        || begins(&["#!", "diff --git", "--- a/"])
    {
        return ArtifactType::Code;
    }
    let structured = DATA.contains(&extension);
    if !structured && (says(&["decision", "adr-"]) || begins(&["# decision", "# adr"])) {
        return ArtifactType::Decision;
    }
    if !structured && (says(&["report", "summary"]) || begins(&["# report", "# summary"])) {
        return ArtifactType::Report;
    }
    if structured || says(&["analysis", "findings", "metrics", "benchmark"]) || begins(&["# analysis", "# findings"]) {
        return ArtifactType::Analysis;
    }
    if TEXT.contains(&extension) || std::str::from_utf8(content).is_ok() || !head.contains('\u{fffd}') {
        return ArtifactType::Doc;
    }
    ArtifactType::Analysis
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn types_follow_name_and_content() {
        let judged = [
            ("src/main.rs", "", ArtifactType::Code),
            ("run", "#!/bin/sh\n", ArtifactType::Code),
            ("fix.patch", "", ArtifactType::Code),
            ("README.md", "# Hello", ArtifactType::Doc),
            ("hot-spots.csv", "a,b", ArtifactType::Analysis),
            ("summary.md", "", ArtifactType::Report),
            ("notes.md", "# Decision: use it", ArtifactType::Decision),
        ];
        for (name, content, kind) in judged {
            assert_eq!(judge(name, content.as_bytes()), kind, "{name}");
        }
    }

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
        let mut collector = Collector::begin(data.path(), id, &folder, &work, announced).unwrap();
        while !collector.step() {}
        let (found, left_out) = collector.finish();
        let titles: Vec<_> = found.iter().map(|one| one.title.as_str()).collect();
        assert_eq!(titles, ["A title", "sub/big.bin", "I"]);
        assert_eq!(left_out, 5);
        assert_eq!(found[0].kind, ArtifactType::Report);
        let big = &found[1];
        assert_eq!(big.digest, blake3::hash(&vec![7; 3 << 20]).to_hex().to_string());
        assert_eq!(fs::read(data.path().join(big.path.as_ref().unwrap())).unwrap().len(), 3 << 20);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    }
}
