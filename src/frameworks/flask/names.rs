//! Names of packages and of what is in them.

use crate::eval::{Kind, Value};
use crate::source::Span;

/// The package that a module belongs to.
pub(super) fn package(module: &str) -> Option<&'static str> {
    Some(match module {
        "flask.views" => "flask.views",
        "flask" | "flask.app" | "flask.blueprints" | "flask.globals" | "flask.helpers" | "flask.wrappers"
        | "flask.json" | "flask.templating" | "flask.ctx" | "flask.config" => "flask",
        "apiflask" | "flask_openapi3" | "quart" => "flask.like",
        "flask_cors" | "flask_cors.extension" | "flask_cors.decorator" | "flask_cors.core" | "flask.ext.cors" => {
            "flask_cors"
        }
        "flask_restful" | "flask_restful.utils" | "flask_restful.reqparse" | "flask.ext.restful" => "flask_restful",
        "flask_restful.utils.cors" => "flask_restful.cors",
        "flask_restx" | "flask_restx.resource" | "flask_restx.api" | "flask_restplus" => "flask_restx",
        "flask_restx.cors" | "flask_restplus.cors" => "flask_restful.cors",
        "werkzeug.exceptions" => "werkzeug.exceptions",
        "werkzeug.wrappers" | "werkzeug.utils" | "werkzeug.wrappers.response" => "werkzeug.wrappers",
        "werkzeug.datastructures" => "werkzeug.datastructures",
        "flask_login" | "flask_jwt_extended" | "flask_jwt" | "flask_security" | "flask_praetorian" => "auth",
        "http" => "http",
        "json" | "simplejson" | "ujson" => "json",
        _ => return None,
    })
}

/// A function or class of a package.
pub(super) fn member(package: &str, name: &str) -> Option<&'static str> {
    Some(match (package, name) {
        ("flask", "Flask") | ("flask.like", "APIFlask" | "OpenAPI" | "Quart") => "flask.Flask",
        ("flask", "Config") => "flask.Config",
        ("flask", "Blueprint") | ("flask.like", "APIBlueprint" | "Blueprint") => "flask.Blueprint",
        ("flask" | "flask.like", "request") => "flask.request",
        ("flask" | "flask.like", "Response") | ("werkzeug.wrappers", "Response" | "BaseResponse") => "flask.Response",
        ("flask" | "flask.like", "make_response") => "flask.make_response",
        ("flask" | "flask.like", "jsonify" | "render_template" | "render_template_string" | "stream_with_context") => {
            "flask.body"
        }
        ("flask" | "flask.like", "send_file" | "send_from_directory") => "flask.file",
        ("flask" | "flask.like", "redirect") | ("werkzeug.wrappers", "redirect") => "flask.redirect",
        ("flask" | "flask.like", "abort")
        | ("flask_restful" | "flask_restx", "abort")
        | ("werkzeug.exceptions", "abort") => "flask.abort",
        ("flask" | "flask.like", "current_app") => "flask.current_app",
        ("flask" | "flask.like", "session") => "flask.session",
        ("flask" | "flask.like", "g") => "flask.g",
        ("flask" | "flask.like", "after_this_request") => "flask.after_this_request",
        ("flask", "views") => "flask.views",
        ("flask" | "flask.views", "MethodView" | "View") => "flask.View",
        ("flask_cors", "CORS") => "flask_cors.CORS",
        ("flask_cors", "cross_origin") => "flask_cors.cross_origin",
        ("flask_cors", "extension" | "decorator") => "flask_cors",
        ("flask_restful", "Api") => "flask.Api",
        ("flask_restx", "Api") => "flask_restx.Api",
        ("flask_restx", "Namespace") => "flask.Namespace",
        ("flask_restful" | "flask_restx", "Resource") => "flask.Resource",
        ("flask_restful", "utils") => "flask_restful",
        ("flask_restful" | "flask_restx", "cors") => "flask_restful.cors",
        ("flask_restful.cors", "crossdomain") => "flask_restful.crossdomain",
        ("werkzeug.datastructures", "Headers") => "werkzeug.Headers",
        ("json", "dumps") => "flask.text",
        ("flask", "json") => "json",
        ("http", "HTTPStatus") => "http.HTTPStatus",
        (
            "auth",
            "login_required"
            | "fresh_login_required"
            | "jwt_required"
            | "fresh_jwt_required"
            | "auth_required"
            | "roles_required"
            | "auth_token_required",
        ) => "auth.required",
        ("auth", "current_user" | "get_jwt_identity" | "get_jwt" | "current_identity") => "auth.identity",
        _ => return None,
    })
}

/// A constant of a package: the status of an exception class, `HTTPStatus.OK`.
pub(super) fn constant(package: &str, name: &str, span: Span) -> Option<Value> {
    match package {
        "werkzeug.exceptions" => match name {
            "HTTPException" => Some(super::bound("werkzeug.exception", None, Vec::new(), span)),
            _ => {
                let code = exception_status(name)?;
                let code = Value::new(Kind::Number(f64::from(code)), span);
                Some(super::bound("werkzeug.exception", None, vec![code], span))
            }
        },
        "http.HTTPStatus" => Some(Value::new(Kind::Number(f64::from(status_of_name(name)?)), span)),
        _ => None,
    }
}

/// Statuses of `werkzeug.exceptions` (3.1).
fn exception_status(name: &str) -> Option<u16> {
    Some(match name {
        "BadRequest" | "BadRequestKeyError" | "SecurityError" | "BadHost" => 400,
        "Unauthorized" => 401,
        "Forbidden" => 403,
        "NotFound" => 404,
        "MethodNotAllowed" => 405,
        "NotAcceptable" => 406,
        "RequestTimeout" => 408,
        "Conflict" => 409,
        "Gone" => 410,
        "LengthRequired" => 411,
        "PreconditionFailed" => 412,
        "RequestEntityTooLarge" => 413,
        "RequestURITooLarge" => 414,
        "UnsupportedMediaType" => 415,
        "ImATeapot" => 418,
        "UnprocessableEntity" => 422,
        "Locked" => 423,
        "PreconditionRequired" => 428,
        "TooManyRequests" => 429,
        "InternalServerError" => 500,
        "NotImplemented" => 501,
        "BadGateway" => 502,
        "ServiceUnavailable" => 503,
        "GatewayTimeout" => 504,
        _ => return None,
    })
}

/// Python 3.12, `http.HTTPStatus`.
fn status_of_name(name: &str) -> Option<u16> {
    Some(match name {
        "OK" => 200,
        "CREATED" => 201,
        "ACCEPTED" => 202,
        "NO_CONTENT" => 204,
        "MOVED_PERMANENTLY" => 301,
        "FOUND" => 302,
        "SEE_OTHER" => 303,
        "NOT_MODIFIED" => 304,
        "TEMPORARY_REDIRECT" => 307,
        "PERMANENT_REDIRECT" => 308,
        "BAD_REQUEST" => 400,
        "UNAUTHORIZED" => 401,
        "PAYMENT_REQUIRED" => 402,
        "FORBIDDEN" => 403,
        "NOT_FOUND" => 404,
        "METHOD_NOT_ALLOWED" => 405,
        "CONFLICT" => 409,
        "GONE" => 410,
        "REQUEST_ENTITY_TOO_LARGE" => 413,
        "UNSUPPORTED_MEDIA_TYPE" => 415,
        "UNPROCESSABLE_ENTITY" => 422,
        "TOO_MANY_REQUESTS" => 429,
        "INTERNAL_SERVER_ERROR" => 500,
        "NOT_IMPLEMENTED" => 501,
        "BAD_GATEWAY" => 502,
        "SERVICE_UNAVAILABLE" => 503,
        _ => return None,
    })
}
