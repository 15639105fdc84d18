//! What several integration tests share. Each test is its own crate and uses only a part of it.
#![allow(dead_code)]

pub mod compare;
pub mod observed;
pub mod program;
