//! The rules. Each is a file here and a page in `rules/`.

pub mod page;

pub use page::{Page, find_page, pages};
