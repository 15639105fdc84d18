//! The files of one run, each read once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, RwLock};

use rustc_hash::FxHashMap;

use super::{FileId, LineIndex, Position, Span};

/// The largest file that is read, in bytes. What is larger is generated, and a parser's seconds go there.
pub const LARGEST_FILE: u64 = 2 << 20;

/// One file's text. Bytes that are not UTF-8 were replaced before, so offsets fit `text`.
#[derive(Debug)]
pub struct SourceFile {
    /// Its number in the set.
    pub id: FileId,
    /// Where it lies on disk.
    pub path: PathBuf,
    /// How reports name it: relative to the working directory, with `/`.
    pub name: String,
    /// Its whole text.
    pub text: String,
    lines: OnceLock<LineIndex>,
}

impl SourceFile {
    /// Its lines.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// Line and column of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        self.lines().position(&self.text, offset)
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// There is no such file.
    Missing,
    /// It is larger than [`LARGEST_FILE`]; its size in bytes.
    TooLarge(u64),
    /// It holds NUL bytes: not a text.
    Binary,
    /// It is UTF-16 by its byte-order mark. Node.js, Python and nginx read UTF-8 and refuse it.
    Utf16,
    /// It is a program whose lines are too long to be anybody's own.
    Minified,
    /// The system's own words.
    Io(String),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Missing => f.write_str("no such file"),
            LoadError::TooLarge(size) => {
                write!(f, "the file has {size} bytes, more than the {LARGEST_FILE} that are read")
            }
            LoadError::Binary => f.write_str("the file is not text: it holds NUL bytes"),
            LoadError::Utf16 => {
                f.write_str("the file is UTF-16, which no server reads as a program or configuration; save it as UTF-8")
            }
            LoadError::Minified => {
                f.write_str("the program is minified and was not read; name the file itself to read it")
            }
            LoadError::Io(words) => f.write_str(words),
        }
    }
}

/// All files that a run has read. Adding is safe from any thread; a file is never changed or removed.
#[derive(Debug, Default)]
pub struct SourceSet {
    base: PathBuf,
    repository: Option<PathBuf>,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    files: Vec<Arc<SourceFile>>,
    by_path: FxHashMap<PathBuf, FileId>,
}

impl SourceSet {
    /// An empty set whose files are named relative to `base`.
    pub fn new(base: PathBuf) -> Self {
        Self { base, repository: None, inner: RwLock::default() }
    }

    /// The set, whose files lie in the repository at a path (absolute).
    pub fn in_repository(self, repository: PathBuf) -> Self {
        Self { repository: Some(repository), ..self }
    }

    /// A file's name in reports as code hosts know the file: relative to the repository instead of the working directory.
    pub fn hosted_name(&self, name: &str) -> String {
        let hosted = self.repository.as_ref().and_then(|repository| {
            let path = super::absolute(&self.base, Path::new(name));
            Some(path.strip_prefix(repository).ok()?.to_string_lossy().replace('\\', "/"))
        });
        hosted.unwrap_or_else(|| name.to_owned())
    }

    /// Adds a text under `path`, or finds the one that is already there.
    pub fn add(&self, path: &Path, text: String) -> Arc<SourceFile> {
        let mut inner = self.inner.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(&id) = inner.by_path.get(path) {
            return inner.files[id.0 as usize].clone();
        }
        let id = FileId(inner.files.len() as u32);
        let file =
            Arc::new(SourceFile { id, path: path.to_owned(), name: self.name(path), text, lines: OnceLock::new() });
        inner.files.push(file.clone());
        inner.by_path.insert(path.to_owned(), id);
        file
    }

    /// The file at `path`, read now if it was not before.
    ///
    /// # Errors
    /// [`LoadError`], when it is not there, too large, binary or unreadable.
    pub fn load(&self, path: &Path) -> Result<Arc<SourceFile>, LoadError> {
        if let Some(file) = self.find(path) {
            return Ok(file);
        }
        let text = read_text(path)?;
        Ok(self.add(path, text))
    }

    /// The file at `path`, if it was read already.
    pub fn find(&self, path: &Path) -> Option<Arc<SourceFile>> {
        let inner = self.inner.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        inner.by_path.get(path).map(|id| inner.files[id.0 as usize].clone())
    }

    /// The file with this number. Numbers come from this set only.
    pub fn get(&self, id: FileId) -> Arc<SourceFile> {
        let inner = self.inner.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        inner.files[id.0 as usize].clone()
    }

    /// Every file read so far, in the order of their numbers.
    pub fn files(&self) -> Vec<Arc<SourceFile>> {
        self.inner.read().unwrap_or_else(|poisoned| poisoned.into_inner()).files.clone()
    }

    /// The text at a place; empty when the place is not one of this set's.
    pub fn text(&self, span: Span) -> String {
        self.get(span.file).text.get(span.start as usize..span.end as usize).unwrap_or_default().to_owned()
    }

    /// How a report names `path`: relative to the base where it lies below it, with `/`.
    pub fn name(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.base).unwrap_or(path);
        let name = path.to_string_lossy();
        let name = name.strip_prefix("./").unwrap_or(&name);
        if std::path::MAIN_SEPARATOR == '/' { name.to_owned() } else { name.replace(std::path::MAIN_SEPARATOR, "/") }
    }
}

/// Reads a text file: a byte-order mark is kept, bytes that are not UTF-8 become U+FFFD.
///
/// # Errors
/// As [`SourceSet::load`].
pub fn read_text(path: &Path) -> Result<String, LoadError> {
    read_bytes(path).and_then(text_of)
}

/// Reads the bytes of a file.
///
/// # Errors
/// [`LoadError`], when it is not there, too large or unreadable.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, LoadError> {
    use std::io::Read;
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => LoadError::Missing,
        _ => LoadError::Io(error.to_string()),
    };
    // Asked before it is opened: opening a pipe waits for whoever writes to it.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(LoadError::Missing);
    }
    let file = std::fs::File::open(path).map_err(failed)?;
    if metadata.len() > LARGEST_FILE {
        return Err(LoadError::TooLarge(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // A file that grows while it is read stays within the bound.
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(LoadError::TooLarge(bytes.len() as u64));
    }
    Ok(bytes)
}

/// The text of some bytes, as [`read_text`] reads them.
///
/// # Errors
/// [`LoadError::Utf16`] where they begin with its byte-order mark, [`LoadError::Binary`] where they hold a NUL byte.
pub fn text_of(bytes: Vec<u8>) -> Result<String, LoadError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(LoadError::Utf16);
    }
    if memchr::memchr(0, &bytes).is_some() {
        return Err(LoadError::Binary);
    }
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The text of bytes that begin with the byte-order mark of UTF-16, without the mark. What is no UTF-16 becomes U+FFFD.
pub fn decoded_utf16(bytes: &[u8]) -> Option<String> {
    let (unit, rest): (fn([u8; 2]) -> u16, _) = match bytes {
        [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
        _ => return None,
    };
    let (pairs, _) = rest.as_chunks::<2>();
    Some(
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    )
}
