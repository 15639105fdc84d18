//! Line and column of a byte offset.

use memchr::memchr_iter;

/// A line and a column, both counted from 1; the column counts Unicode code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in code points, from 1.
    pub column: u32,
}

/// The offsets at which a text's lines begin. A line ends at `\n`; a `\r` before it belongs to the line.
#[derive(Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Finds the lines of `text`.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1));
        Self { starts }
    }

    /// Where the byte `offset` of `text` stands. An offset past the end is the end.
    pub fn position(&self, text: &str, offset: u32) -> Position {
        let mut offset = (offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|&start| start as usize <= offset);
        let start = self.starts[line - 1] as usize;
        Position { line: line as u32, column: text[start..offset].chars().count() as u32 + 1 }
    }

    /// How many lines the text has.
    pub fn count(&self) -> u32 {
        self.starts.len() as u32
    }

    /// The byte range of `line` (from 1) in `text`, without its line ending.
    pub fn range(&self, text: &str, line: u32) -> std::ops::Range<usize> {
        let at = (line.max(1) - 1) as usize;
        let Some(&start) = self.starts.get(at) else { return text.len()..text.len() };
        let end = self.starts.get(at + 1).map_or(text.len(), |&next| next as usize - 1);
        let end = if text.as_bytes().get(end.wrapping_sub(1)) == Some(&b'\r') && end > start as usize {
            end - 1
        } else {
            end
        };
        start as usize..end
    }
}
