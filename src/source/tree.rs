//! The files of a tree by the last parts of their paths: for what names a file without saying where it lies.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::walk::list;

/// How many files of a tree are listed.
const MOST_LISTED: usize = 300_000;

/// The files of a tree, listed when the first one is looked for.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    listed: OnceCell<Listed>,
}

#[derive(Debug)]
struct Listed {
    /// Sorted.
    files: Vec<PathBuf>,
    /// Their numbers, sorted by their names and then by their paths.
    by_name: Vec<u32>,
}

impl Tree {
    /// The tree below `root`.
    pub fn new(root: PathBuf) -> Self {
        Self { root, listed: OnceCell::new() }
    }

    /// The files whose name matches `pattern`, in which `*`, `?` and classes may stand, sorted. What `.gitignore` leaves out is
    /// left out, and a pattern matches no hidden file.
    pub fn find(&self, pattern: &str) -> Vec<PathBuf> {
        let Listed { files, by_name } = self.listed.get_or_init(|| Listed::of(list(&self.root, MOST_LISTED)));
        let file = |number: &u32| &files[*number as usize];
        if let Some(glob) = pattern.contains(['*', '?', '[']).then(|| glob(pattern)).flatten() {
            let matches = |file: &&PathBuf| {
                let name = name(file);
                !name.starts_with(b".") && glob.is_match(Path::new(&*String::from_utf8_lossy(name)))
            };
            return files.iter().filter(matches).cloned().collect();
        }
        let start = by_name.partition_point(|number| name(file(number)) < pattern.as_bytes());
        let named = by_name[start..].iter().map(file).take_while(|file| name(file) == pattern.as_bytes());
        named.cloned().collect()
    }
}

impl Listed {
    fn of(files: Vec<PathBuf>) -> Self {
        let mut by_name: Vec<u32> = (0..files.len() as u32).collect();
        // Stable: those of one name stay in the order of their paths.
        by_name.sort_by_key(|number| name(&files[*number as usize]));
        Self { files, by_name }
    }
}

/// The last part of a file's path. [`Path::file_name`] looks at every part, which tells in trees of 100,000 files.
fn name(file: &Path) -> &[u8] {
    let path = file.as_os_str().as_encoded_bytes();
    let start = path.iter().rposition(|byte| std::path::is_separator(char::from(*byte))).map_or(0, |at| at + 1);
    &path[start..]
}

/// What matches a shell's pattern, as nginx's `include` has it: `*` and `?` match no `/`. `None` where it is none.
pub fn glob(pattern: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    glob.ok().map(|glob| glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_are_found_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/a.conf", "a/a.conf", "a/b.conf", "a/.hidden.conf", "a.conf.bak", "a.con", "c/a.conf/x"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let tree = Tree::new(folder.path().to_owned());
        let found = |pattern: &str| -> Vec<String> {
            let inside = |path: PathBuf| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
            tree.find(pattern).into_iter().map(inside).collect()
        };
        assert_eq!(found("a.conf"), ["a/a.conf", "b/a.conf"]);
        assert_eq!(found("*.conf"), ["a/a.conf", "a/b.conf", "b/a.conf"]);
        assert_eq!(found("[b].conf"), ["a/b.conf"]);
        assert_eq!(found("nowhere"), Vec::<String>::new());
        assert_eq!(found(""), Vec::<String>::new());
    }
}
