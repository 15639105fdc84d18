//! From applications and routers to servers.

use super::carried::Carried;
use super::paths::Routing;
use super::plain::{entered, listens, plain_servers};
use super::router::{Reader, flatten};
use super::unowned::{exported_policies, run_loose_handlers, run_what_nobody_ran};
use super::{APP, INCOMPLETE, ROUTER, cors, major_of};
use crate::eval::{Evaluator, ObjectId, Tag, Value};
use crate::model::{Guard, PathMatch, Remark, RemarkKind, Server, each_effect};
use crate::source::{FileId, Span};

/// Stands for the version of Express where there is none.
pub(super) const NO_EXPRESS: u32 = 0;

/// How many applications and routers of one run are read.
const MOST_APPLICATIONS: usize = 1_000;

/// The servers of every JavaScript file that was run, and whether there are more than are read.
pub fn extract(eval: &mut Evaluator) -> (Vec<Server>, bool) {
    let extra = run_what_nobody_ran(eval);
    let mut servers = plain_servers(eval);
    let mounted = mounted(eval);
    let mut apps: Vec<(ObjectId, &'static str)> = eval
        .objects()
        .filter_map(|(id, object)| match object.tag {
            Tag::Host(tag @ (APP | ROUTER)) if !mounted.contains(&id) && !object.calls.is_empty() => Some((id, tag)),
            _ => None,
        })
        .collect();
    // Each looks at all objects: hostile programs make more than anybody could.
    let more = apps.len() > MOST_APPLICATIONS;
    if more {
        // Those that listen are the servers; others may be their parts.
        apps.sort_by_key(|(id, _)| !eval.object(*id).calls.iter().any(|call| &*call.name == "listen"));
        apps.truncate(MOST_APPLICATIONS);
    }
    for (id, tag) in apps {
        servers.push(application(eval, id, tag == APP));
    }
    servers.extend(extra);
    servers.extend(run_loose_handlers(eval));
    servers.extend(exported_policies(eval));
    dead_policies(eval, &mut servers);
    (servers, more)
}

pub(super) fn application(eval: &mut Evaluator, id: ObjectId, is_app: bool) -> Server {
    let span = eval.object(id).span;
    let incomplete = eval.field(id, INCOMPLETE).is_some();
    let version = eval.package_version_at("express", span);
    let major = version.as_deref().and_then(major_of).unwrap_or(5);
    let listens = listens(eval, id);
    let mut reader = Reader {
        eval,
        major,
        startup_error: None,
        listens,
        open: Vec::new(),
        routing: Routing::default(),
        powered: true,
        parameters: Vec::new(),
        carried: Carried::default(),
    };
    let mut root = reader.group(id, PathMatch::Any, Guard::Always, span);
    if reader.eval.left_state() {
        // What one handler leaves behind, others find: they are read again, knowing that.
        (reader.startup_error, reader.routing, reader.powered) = (None, Routing::default(), true);
        reader.carried = Carried::default();
        root = reader.group(id, PathMatch::Any, Guard::Always, span);
        reader.eval.left_state();
    }
    let runtime = match &version {
        Some(version) => format!("express {version}"),
        None => "express 5 (assumed: no package.json names a version)".to_owned(),
    };
    let (startup_error, listens) = (reader.startup_error, reader.listens);
    let mut server = Server {
        framework: "express",
        runtime,
        span,
        complete: is_app && !incomplete,
        root,
        outgoing: Vec::new(),
        listens,
        startup_error,
        remarks: Vec::new(),
        files: Vec::new(),
    };
    server.files = files(&server);
    startup(eval, &mut server);
    server
}

/// What ends a program while it starts, always or in some environments.
pub(super) fn startup(eval: &Evaluator, server: &mut Server) {
    let here = |span: &Span| server.files.contains(&span.file);
    if server.startup_error.is_none() {
        server.startup_error = eval.failures.iter().find(|(_, span)| here(span)).cloned();
    }
    let conditional = eval.conditional_failures.iter().filter(|(_, _, span)| here(span));
    server.remarks.extend(conditional.map(|(when, error, span)| Remark {
        kind: RemarkKind::FailsAtStart { when: when.clone(), error: error.clone() },
        span: *span,
    }));
}

/// The files in which a server's steps stand.
pub(super) fn files(server: &Server) -> Vec<FileId> {
    let mut files = vec![server.span.file];
    each_effect(server, &mut |step, effect| {
        files.push(step.span.file);
        files.push(effect.span.file);
    });
    files.sort_unstable();
    files.dedup();
    files
}

/// Applications and routers that are used by others.
fn mounted(eval: &mut Evaluator) -> Vec<ObjectId> {
    let mut mounted = entered(eval);
    let calls: Vec<Vec<Value>> = eval
        .objects()
        .filter(|(_, object)| matches!(object.tag, Tag::Host(APP | ROUTER)))
        .flat_map(|(_, object)| {
            object.calls.iter().filter(|call| &*call.name == "use").map(|call| call.arguments.positional.clone())
        })
        .collect();
    for arguments in calls {
        for value in flatten(eval, &arguments) {
            for (_, value) in value.branches() {
                if matches!(eval.host_tag(&value), Some(APP | ROUTER)) {
                    mounted.extend(value.as_object());
                }
            }
        }
    }
    mounted
}

/// Policies that were made and never used.
fn dead_policies(eval: &mut Evaluator, servers: &mut [Server]) {
    let unused: Vec<Span> =
        eval.objects().filter(|(id, _)| cors::is_unused(eval, *id)).map(|(_, object)| object.span).collect();
    for span in unused {
        if eval.is_exported_from(span) {
            continue;
        }
        let Some(server) = servers.iter_mut().find(|server| server.files.contains(&span.file)) else { continue };
        server.remarks.push(Remark {
            kind: RemarkKind::Dead {
                why: "this policy is made and never used".into(),
                help: "register it with `app.use(…)`, or remove it".into(),
                consequence: None,
                severe: false,
            },
            span,
        });
    }
}
