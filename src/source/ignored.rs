//! Walks that read ignore files only where that ends: the library that reads them would wait for a pipe for ever, and
//! take in a device without end.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder};

use super::{LARGEST_FILE, LoadError, read_text};

/// The files that tell of a folder what is left out below it.
const NAMES: [&str; 3] = [".gitignore", ".ignore", ".git/info/exclude"];

/// Walks `folders` by the builders that `set` has set up and `go` runs. A folder whose ignore file cannot be read as one
/// is told as a problem and walked at the end, without any ignore file, so that nothing in it is hidden; unless it is one
/// that is `left_out` anyway. Where no ignore file is read, `no_ignore`, none is looked at.
pub(super) fn rounds(
    folders: &[PathBuf],
    no_ignore: bool,
    set: impl Fn(&mut WalkBuilder),
    mut go: impl FnMut(&WalkBuilder),
    left_out: &dyn Fn(&Path) -> bool,
    told: &mut dyn FnMut(&Path, LoadError),
) {
    let mut tell = |file: &Path| {
        let why =
            format!("an ignore file is a regular file of at most {LARGEST_FILE} bytes: nothing is left out for it");
        told(file, LoadError::Io(why));
    };
    let unfit = move |folder: &Path| if no_ignore { None } else { unfit(folder) };
    let (mut fair, mut apart) = (Vec::new(), Vec::new());
    for folder in folders {
        // The library reads those of the folders above too, by their real names.
        let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        match real.ancestors().find_map(unfit) {
            Some(file) => apart.push((folder.clone(), file)),
            None => fair.push(folder),
        }
    }
    if let Some((first, rest)) = fair.split_first() {
        let mut builder = WalkBuilder::new(first);
        rest.iter().for_each(|folder| _ = builder.add(folder));
        set(&mut builder);
        let met = Arc::new(Mutex::new(Vec::new()));
        let meet = met.clone();
        builder.filter_entry(move |entry: &DirEntry| {
            let file = entry.file_type().filter(|kind| kind.is_dir()).and_then(|_| unfit(entry.path()));
            let fits = file.is_none();
            if let Some(file) = file {
                meet.lock().unwrap_or_else(PoisonError::into_inner).push((entry.path().to_owned(), file));
            }
            fits
        });
        go(&builder);
        let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
        met.retain(|(folder, _)| !left_out(folder));
        apart.append(&mut met);
    }
    apart.sort();
    let mut files: Vec<&PathBuf> = apart.iter().map(|(_, file)| file).collect();
    files.sort();
    files.dedup();
    files.into_iter().for_each(|file| tell(file));
    if let Some(((first, _), rest)) = apart.split_first() {
        let mut builder = WalkBuilder::new(first);
        rest.iter().for_each(|(folder, _)| _ = builder.add(folder));
        set(&mut builder);
        go(builder.parents(false).ignore(false).git_ignore(false).git_exclude(false));
    }
}

/// The ignore file of a folder that is none: a pipe, a device, or larger than any that people write.
fn unfit(folder: &Path) -> Option<PathBuf> {
    let is_unfit = |file: &Path| match std::fs::metadata(file) {
        Ok(metadata) => !(metadata.is_dir() || metadata.is_file() && metadata.len() <= LARGEST_FILE),
        Err(_) => false,
    };
    if let Some(name) = NAMES.iter().find(|name| is_unfit(&folder.join(name))) {
        return Some(folder.join(name));
    }
    // A linked work tree: `.git` is a file that names the repository, and a file there names the one that all share
    // (gitrepository-layout(5)).
    let link = folder.join(".git");
    let metadata = std::fs::metadata(&link).ok().filter(|metadata| !metadata.is_dir())?;
    if !metadata.is_file() {
        return None;
    }
    let Ok(text) = read_text(&link) else { return Some(link) };
    let repository = PathBuf::from(text.lines().next()?.strip_prefix("gitdir: ")?);
    let common = repository.join("commondir");
    if is_unfit(&common) {
        return Some(common);
    }
    let shared = repository.join(read_text(&common).ok()?.lines().next()?).join("info/exclude");
    is_unfit(&shared).then_some(shared)
}
