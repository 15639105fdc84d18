//! Exposure: somebody may read who should not.

mod development_origin;
mod insecure_origin;
mod loose_origin_pattern;
mod null_origin;
mod private_network_access;
mod reflected_origin;
mod shared_host_origin;
mod untrusted_origin;
mod wildcard_origin;

use super::Rule;

/// The rules of this folder.
pub static RULES: &[&dyn Rule] = &[
    &reflected_origin::WithCredentials,
    &reflected_origin::Plain,
    &null_origin::NullOrigin,
    &loose_origin_pattern::LooseOriginPattern,
    &shared_host_origin::SharedHostOrigin,
    &insecure_origin::InsecureOrigin,
    &development_origin::DevelopmentOrigin,
    &wildcard_origin::WildcardOrigin,
    &wildcard_origin::WildcardFallback,
    &private_network_access::PrivateNetworkAccess,
    &untrusted_origin::UntrustedOrigin,
];
