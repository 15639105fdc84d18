//! Breakage: the browser will refuse.

mod blocked_preflight;
mod conflicting_policies;
mod dead_policy;
mod duplicate_allow_origin;
mod header_not_allowed;
mod invalid_credentials_value;
mod invalid_header_list;
mod invalid_origin;
mod lost_header_inheritance;
mod method_not_allowed;
mod middleware_order;
mod missing_allow_origin;
mod missing_on_errors;
mod missing_preflight;
mod stripped_by_proxy;
mod unknown_option;
mod unstable_pattern;
mod wildcard_not_honoured;
mod wildcard_with_credentials;

use super::Rule;

/// The rules of this folder. What explains another fault stands before it.
pub static RULES: &[&dyn Rule] = &[
    &unknown_option::UnknownOption,
    &wildcard_with_credentials::WildcardWithCredentials,
    &invalid_origin::InvalidOrigin,
    &invalid_credentials_value::InvalidCredentialsValue,
    &invalid_header_list::InvalidHeaderList,
    &wildcard_not_honoured::WildcardNotHonoured,
    &unstable_pattern::UnstablePattern,
    &dead_policy::DeadPolicy,
    &duplicate_allow_origin::DuplicateAllowOrigin,
    &lost_header_inheritance::LostHeaderInheritance,
    &stripped_by_proxy::StrippedByProxy,
    &missing_on_errors::MissingOnErrors,
    &blocked_preflight::BlockedPreflight,
    &missing_preflight::MissingPreflight,
    &middleware_order::MiddlewareOrder,
    &missing_allow_origin::MissingAllowOrigin,
    &method_not_allowed::MethodNotAllowed,
    &header_not_allowed::HeaderNotAllowed,
    &conflicting_policies::ConflictingPolicies,
];
