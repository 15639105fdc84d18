//! All frameworks over the files of one run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::eval::{Evaluator, Host, Repository};
use crate::finding::Problem;
use crate::frameworks::express;
use crate::model::Server;
use crate::source::{FileId, SourceSet};
use crate::syntax::program::{Language, Program};

/// The files that programs start from, with the trees that were made of them.
#[derive(Debug, Default)]
pub struct Input {
    /// Programs, in the order in which reports name them.
    pub programs: Vec<(PathBuf, FileId, Arc<Program>)>,
}

/// The servers that programs make, in the order of their places.
pub fn servers(sources: &Arc<SourceSet>, root: &Path, input: Input) -> (Vec<Server>, Vec<Problem>) {
    let repository = Repository::new(sources.clone(), root.to_owned());
    for (path, file, program) in &input.programs {
        repository.add(path, *file, program.clone());
    }
    let hosts: [&dyn Host; 1] = [&express::Express];
    let mut evaluator = Evaluator::new(&repository, &hosts);
    for (path, _, program) in &input.programs {
        if program.language == Language::JavaScript {
            evaluator.run_file(path);
        }
    }
    let mut servers = express::extract(&mut evaluator);
    servers.sort_by_key(|server| server.span);
    (servers, Vec::new())
}
