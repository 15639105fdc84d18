//! All frameworks over the files of one run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cors::headers;
use crate::eval::{Evaluator, Host, Repository};
use crate::finding::{Problem, ProblemKind};
use crate::frameworks::{express, flask, nginx};
use crate::model::{EffectKind, Guard, Remark, RemarkKind, Server, each_effect, steps};
use crate::source::{FileId, FileKind, SourceSet, Tree, scan};
use crate::syntax::program::{Language, Program};

/// The files to start from.
#[derive(Debug, Default)]
pub struct Input {
    /// Programs that speak of CORS, with the trees that were made of them.
    pub programs: Vec<(PathBuf, FileId, Arc<Program>)>,
    /// Programs that make a server and do not speak of CORS.
    pub makers: Vec<PathBuf>,
    /// Configurations of nginx.
    pub nginx: Vec<PathBuf>,
    /// The version of nginx that they are read for, as major, minor, patch; `None` for the newest.
    pub version: Option<[u16; 3]>,
    /// Names of variables of the environment that are said to be set.
    pub variables: Vec<String>,
}

/// The servers that programs and configurations make, in the order of their places. `tree` finds the files that
/// configurations include.
pub fn servers(sources: &Arc<SourceSet>, root: &Path, tree: &Tree, input: Input) -> (Vec<Server>, Vec<Problem>) {
    let repository = Repository::new(sources.clone(), root.to_owned()).with_variables(input.variables);
    for (path, file, program) in &input.programs {
        repository.add(path, *file, program.clone());
    }
    let hosts: [&dyn Host; 2] = [&express::Express, &flask::Flask];
    let mut evaluator = Evaluator::new(&repository, &hosts);
    // Whoever makes the server runs first, so that what it imports runs as its part.
    for path in &input.makers {
        if crate::syntax::language_of(path).is_some() {
            evaluator.run_program(path);
        }
    }
    let (makers, others): (Vec<_>, Vec<_>) = input.programs.iter().partition(|(path, file, _)| {
        FileKind::of_name(path).is_some_and(|kind| scan::makes_server(kind, sources.get(*file).text.as_bytes()))
    });
    for (path, ..) in makers.into_iter().chain(others) {
        evaluator.run_program(path);
    }
    evaluator.stand_in(Language::JavaScript);
    let (mut servers, more) = express::extract(&mut evaluator);
    evaluator.stand_in(Language::Python);
    servers.extend(flask::extract(&mut evaluator));
    let version = input.version.map(|[_, minor, patch]| nginx::Version { minor, patch }).unwrap_or_default();
    let (proxies, mut problems) = nginx::extract(sources, &input.nginx, &|name| tree.find(name), version);
    if evaluator.is_spent() || more {
        let message =
            "the programs are too many to be evaluated in one run: what is left of them is unknown".to_owned();
        problems.push(Problem { file: sources.name(root), line: None, kind: ProblemKind::BudgetSpent, message });
    }
    // Where the run was over as well, each module behind it has no steps left.
    let unfinished = evaluator.unfinished.iter().filter(|_| !evaluator.is_spent());
    problems.extend(unfinished.map(|file| Problem {
        file: sources.get(*file).name.clone(),
        line: None,
        kind: ProblemKind::BudgetSpent,
        message: "the module is too long to be evaluated to its end: what is left of it is unknown".to_owned(),
    }));
    problems.extend(repository.unread().into_iter().map(|(path, error)| Problem {
        file: sources.name(&path),
        line: None,
        kind: ProblemKind::from(&error),
        message: error.to_string(),
    }));
    servers.extend(proxies);
    servers.sort_by_key(|server| server.span);
    (servers, problems)
}

/// Whether a server writes a CORS header, or was meant to.
pub fn speaks_of_cors(server: &Server) -> bool {
    let fails = |remark: &Remark| matches!(remark.kind, RemarkKind::FailsAtStart { .. });
    let mut speaks = !server.remarks.iter().all(fails)
        || server.startup_error.is_some()
        || steps(server).iter().any(|step| step.kind == crate::model::StepKind::Cors);
    each_effect(server, &mut |_, effect| {
        let handed_on = match &effect.kind {
            EffectKind::Forward(forward) => {
                let named = forward.hides.iter().any(|(name, _)| name.starts_with("access-control-"));
                named
                    || forward
                        .request
                        .iter()
                        .any(|effect| matches!(&effect.kind, EffectKind::Write(write) if write.is(headers::ORIGIN)))
            }
            _ => false,
        };
        speaks |= handed_on
            || matches!(&effect.kind, EffectKind::Notice(RemarkKind::Dead { .. }))
            || matches!(&effect.kind, EffectKind::Write(write)
                if write.name.to_ascii_lowercase().starts_with("access-control-")
                    || headers::misspelt_cors_header(&write.name).is_some());
    });
    speaks
}

/// How many CORS headers a server writes whose value, or whose condition, is not known.
pub fn unknown_facts(server: &Server) -> usize {
    let mut unknown = 0;
    each_effect(server, &mut |_, effect| {
        if let EffectKind::Write(write) = &effect.kind
            && write.name.to_ascii_lowercase().starts_with("access-control-")
        {
            let mut open = write.values.iter().any(|value| value.reason().is_some());
            effect
                .when
                .each_atom(&mut |atom| open |= matches!(atom, Guard::Unknown(reason) if !reason.is_circumstance()));
            unknown += usize::from(open);
        }
    });
    unknown
}
