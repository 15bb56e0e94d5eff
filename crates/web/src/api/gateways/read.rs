//! A gateway in replies: `GatewayRead`, with every secret masked, and `GatewayRefreshResponse`.

use domain::gateway::{Gateway, ProtocolChoice, UpstreamAuth};
use engine::gateways::{MASK, Offer, Refreshed};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api::wire::{At, Provenance, TagList, Teams};

/// A header whose value is masked.
#[derive(Debug, Serialize)]
struct MaskedHeader<'a> {
    key: &'a str,
    value: &'a str,
}

/// A gateway in a reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GatewayRead<'a> {
    id: &'a str,
    name: &'a str,
    url: &'a str,
    description: Option<&'a str>,
    transport: &'a str,
    protocol: ProtocolChoice,
    protocol_version: Option<&'a str>,
    capabilities: Option<Box<RawValue>>,
    created_at: At,
    updated_at: At,
    status: &'a str,
    status_message: Option<&'a str>,
    registration_attempts: u64,
    next_retry_at: Option<&'a str>,
    last_error: Option<&'a str>,
    lifecycle_claimed_by: Option<&'a str>,
    lifecycle_claimed_at: Option<&'a str>,
    lifecycle_claim_expires_at: Option<&'a str>,
    enabled: bool,
    reachable: bool,
    last_seen: Option<At>,
    passthrough_headers: Option<&'a [String]>,
    ca_certificate: Option<&'a str>,
    ca_certificate_sig: Option<&'a str>,
    signing_algorithm: &'a str,
    client_cert: Option<&'a str>,
    client_key: Option<&'a str>,
    #[serde(flatten)]
    auth: Credentials<'a>,
    tags: TagList<'a>,
    #[serde(flatten)]
    provenance: Provenance<'a>,
    slug: &'a str,
    refresh_interval_seconds: Option<i64>,
    last_refresh_at: Option<At>,
    gateway_mode: &'a str,
    identity_propagation: Option<&'a str>,
    tool_count: usize,
    prompt_count: usize,
    resource_count: usize,
    skipped_tools: &'a [String],
}

/// Credentials in a reply. The `*Unmasked` members exist for ContextForge's clients and are always null.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    auth_type: Option<&'a str>,
    auth_value: Option<&'a str>,
    auth_headers: Option<Vec<MaskedHeader<'a>>>,
    auth_headers_unmasked: Option<&'a str>,
    oauth_config: Option<&'a str>,
    auth_query_param_key: Option<&'a str>,
    auth_query_param_value_masked: Option<&'a str>,
    auth_username: Option<&'a str>,
    auth_password: Option<&'a str>,
    auth_token: Option<&'a str>,
    auth_header_key: Option<&'a str>,
    auth_header_value: Option<&'a str>,
    auth_password_unmasked: Option<&'a str>,
    auth_token_unmasked: Option<&'a str>,
    auth_header_value_unmasked: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    fn of(auth: &'a UpstreamAuth) -> Self {
        let masked = Self { auth_type: auth.kind(), auth_value: Some(MASK), ..Self::default() };
        match auth {
            UpstreamAuth::None => Self::default(),
            UpstreamAuth::Basic { username, .. } => {
                Self { auth_username: Some(username), auth_password: Some(MASK), ..masked }
            }
            UpstreamAuth::Bearer { .. } => Self { auth_token: Some(MASK), ..masked },
            UpstreamAuth::Headers(headers) => {
                let all = headers.iter().map(|(name, _)| MaskedHeader { key: name, value: MASK }).collect();
                Self {
                    auth_headers: Some(all),
                    auth_header_key: headers.first().map(|(name, _)| name.as_str()),
                    auth_header_value: Some(MASK),
                    ..masked
                }
            }
        }
    }
}

impl<'a> GatewayRead<'a> {
    /// The reply's form of a gateway.
    pub(super) fn of(gateway: &'a Gateway, offer: Offer, teams: &'a Teams) -> Self {
        Self {
            id: gateway.id.as_str(),
            name: &gateway.name,
            url: &gateway.url,
            description: gateway.description.as_deref(),
            transport: gateway.transport.as_str(),
            protocol: gateway.protocol,
            protocol_version: gateway.dialect.as_ref().map(|dialect| dialect.version.as_str()),
            capabilities: RawValue::from_string(gateway.capabilities.clone()).ok(),
            created_at: At(gateway.record.created_at),
            updated_at: At(gateway.record.updated_at),
            status: "active",
            status_message: None,
            registration_attempts: 0,
            next_retry_at: None,
            last_error: gateway.last_error.as_deref(),
            lifecycle_claimed_by: None,
            lifecycle_claimed_at: None,
            lifecycle_claim_expires_at: None,
            enabled: gateway.enabled,
            reachable: gateway.reachable,
            last_seen: gateway.last_seen.map(At),
            passthrough_headers: Some(gateway.passthrough_headers.as_slice())
                .filter(|names| !names.is_empty()),
            ca_certificate: None,
            ca_certificate_sig: None,
            signing_algorithm: "ed25519",
            client_cert: None,
            client_key: None,
            auth: Credentials::of(&gateway.auth),
            tags: &gateway.tags,
            provenance: Provenance::of(&gateway.record, &gateway.owned, teams, None),
            slug: &gateway.slug,
            refresh_interval_seconds: gateway.refresh_interval_seconds,
            last_refresh_at: gateway.last_refresh_at.map(At),
            gateway_mode: "cache",
            identity_propagation: None,
            tool_count: offer.tools,
            prompt_count: offer.prompts,
            resource_count: offer.resources,
            skipped_tools: &gateway.skipped_tools,
        }
    }
}

/// What a refresh did, in a reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefreshResponse<'a> {
    gateway_id: &'a str,
    success: bool,
    error: Option<&'a str>,
    tools_added: usize,
    tools_updated: usize,
    tools_removed: usize,
    resources_added: usize,
    resources_updated: usize,
    resources_removed: usize,
    prompts_added: usize,
    prompts_updated: usize,
    prompts_removed: usize,
    validation_errors: &'a [String],
    duration_ms: f64,
    refreshed_at: At,
}

impl<'a> RefreshResponse<'a> {
    /// The reply's form of what a refresh did.
    pub(super) fn of(done: &'a Refreshed) -> Self {
        Self {
            gateway_id: done.gateway_id.as_str(),
            success: done.error.is_none(),
            error: done.error.as_deref(),
            tools_added: done.tools.added,
            tools_updated: done.tools.updated,
            tools_removed: done.tools.removed,
            resources_added: done.resources.added,
            resources_updated: done.resources.updated,
            resources_removed: done.resources.removed,
            prompts_added: done.prompts.added,
            prompts_updated: done.prompts.updated,
            prompts_removed: done.prompts.removed,
            validation_errors: &done.notes,
            duration_ms: done.duration.as_secs_f64() * 1000.0,
            refreshed_at: At(done.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Secret;

    use super::*;

    #[test]
    fn no_secret_is_in_a_reply() {
        let secret = || Secret::new("t0ps3cret".to_owned());
        let all = [
            UpstreamAuth::Bearer { token: secret() },
            UpstreamAuth::Basic { username: "bob".to_owned(), password: secret() },
            UpstreamAuth::Headers(vec![("X-Key".to_owned(), secret())]),
        ];
        for auth in &all {
            let text = serde_json::to_string(&Credentials::of(auth)).unwrap();
            assert!(!text.contains("t0ps3cret") && text.contains(r#""authValue":"*****""#), "{text}");
        }
        let headers = serde_json::to_value(Credentials::of(&all[2])).unwrap();
        assert_eq!(headers["authHeaders"][0], serde_json::json!({ "key": "X-Key", "value": "*****" }));
        assert!(serde_json::to_value(Credentials::of(&UpstreamAuth::None)).unwrap()["authType"].is_null());
    }
}
