//! Bodies of `POST` and `PUT /gateways`, in both spellings.
//!
//! What ContextForge has and this gateway has not is refused by name: a client whose certificate or OAuth settings
//! were dropped in silence would believe that they are in use.

use domain::{Error, Problem, Result, Secret, Visibility};
use engine::{
    gateways::{AuthInput, ChangeGateway, MASK, NewGateway},
    ownership::Wish,
};
use serde::Deserialize;
use serde_json::Value;

use crate::api::given::{Tags, Texts, secret};

/// A header as an object.
#[derive(Debug, Deserialize)]
struct Header {
    key: String,
    value: String,
}

/// Members that both bodies have. `*Create` and `*Update` differ in what they require only.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GatewayUpdate {
    name: Option<String>,
    url: Option<String>,
    description: Option<String>,
    transport: Option<String>,
    protocol: Option<String>,
    #[serde(alias = "passthroughHeaders")]
    passthrough_headers: Option<Texts>,
    #[serde(alias = "authType")]
    auth_type: Option<String>,
    #[serde(alias = "authUsername")]
    auth_username: Option<String>,
    #[serde(alias = "authPassword", deserialize_with = "secret")]
    auth_password: Option<Secret<String>>,
    #[serde(alias = "authToken", deserialize_with = "secret")]
    auth_token: Option<Secret<String>>,
    #[serde(alias = "authHeaderKey")]
    auth_header_key: Option<String>,
    #[serde(alias = "authHeaderValue", deserialize_with = "secret")]
    auth_header_value: Option<Secret<String>>,
    #[serde(alias = "authHeaders")]
    auth_headers: Option<Vec<Header>>,
    tags: Option<Tags>,
    #[serde(alias = "teamId")]
    team_id: Option<String>,
    visibility: Option<Visibility>,
    #[serde(alias = "refreshIntervalSeconds")]
    refresh_interval_seconds: Option<i64>,
    #[serde(alias = "gatewayMode")]
    gateway_mode: Option<String>,
    #[serde(alias = "oneTimeAuth")]
    one_time_auth: Option<bool>,
    #[serde(alias = "authValue")]
    auth_value: Option<Value>,
    #[serde(alias = "oauthConfig")]
    oauth_config: Option<Value>,
    #[serde(alias = "authQueryParamKey")]
    auth_query_param_key: Option<Value>,
    #[serde(alias = "authQueryParamValue")]
    auth_query_param_value: Option<Value>,
    #[serde(alias = "caCertificate")]
    ca_certificate: Option<Value>,
    #[serde(alias = "clientCert")]
    client_cert: Option<Value>,
    #[serde(alias = "clientKey")]
    client_key: Option<Value>,
    #[serde(alias = "identityPropagation")]
    identity_propagation: Option<Value>,
    command: Option<Value>,
    args: Option<Value>,
    env: Option<Value>,
    cwd: Option<Value>,
}

/// A gateway to be registered.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct GatewayCreate(GatewayUpdate);

impl GatewayCreate {
    /// The engine's input. A missing name or URL is reported together with everything else that is wrong.
    pub(super) fn into_new(self) -> Result<NewGateway> {
        let change = self.0.into_change()?;
        Ok(NewGateway {
            name: change.name.unwrap_or_default(),
            url: change.url.unwrap_or_default(),
            description: change.description,
            transport: change.transport,
            protocol: change.protocol,
            auth: change.auth,
            passthrough_headers: change.passthrough_headers.unwrap_or_default(),
            refresh_interval_seconds: change.refresh_interval_seconds,
            tags: change.tags.unwrap_or_default(),
            wish: change.wish,
        })
    }
}

impl GatewayUpdate {
    /// The engine's input.
    pub(super) fn into_change(self) -> Result<ChangeGateway> {
        let problems = self.unsupported();
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        Ok(ChangeGateway {
            name: self.name,
            url: self.url,
            description: self.description,
            transport: self.transport,
            protocol: self.protocol,
            auth: AuthInput {
                kind: self.auth_type,
                username: self.auth_username,
                password: self.auth_password,
                token: self.auth_token,
                header_key: self.auth_header_key,
                header_value: self.auth_header_value,
                headers: self.auth_headers.map(|headers| {
                    headers.into_iter().map(|header| (header.key, header.value.into())).collect()
                }),
            },
            passthrough_headers: self.passthrough_headers.map(|texts| texts.0),
            refresh_interval_seconds: self.refresh_interval_seconds,
            tags: self.tags.map(|tags| tags.0),
            wish: Wish { visibility: self.visibility, team_id: self.team_id },
        })
    }

    fn unsupported(&self) -> Vec<Problem> {
        let given = |value: &Option<Value>| match value {
            None | Some(Value::Null) => false,
            // What a client read here and sends back unchanged.
            Some(Value::String(text)) => !text.is_empty() && text != MASK,
            Some(Value::Object(object)) => !object.is_empty(),
            Some(_) => true,
        };
        let instead = "is not supported here; use auth_type basic, bearer or authheaders";
        let program = "is not taken over the API; a program can only stand in the operator's servers file";
        let members = [
            ("command", given(&self.command), program),
            ("args", given(&self.args), program),
            ("env", given(&self.env), program),
            ("cwd", given(&self.cwd), program),
            ("auth_value", given(&self.auth_value), instead),
            ("oauth_config", given(&self.oauth_config), instead),
            ("auth_query_param_key", given(&self.auth_query_param_key), instead),
            ("auth_query_param_value", given(&self.auth_query_param_value), instead),
            ("ca_certificate", given(&self.ca_certificate), "is not supported here"),
            ("client_cert", given(&self.client_cert), "is not supported here"),
            ("client_key", given(&self.client_key), "is not supported here"),
            ("identity_propagation", given(&self.identity_propagation), "is not supported here"),
            ("one_time_auth", self.one_time_auth == Some(true), "is not supported here"),
            (
                "gateway_mode",
                self.gateway_mode.as_deref().is_some_and(|mode| mode != "cache"),
                "must be cache; other modes are not supported here",
            ),
        ];
        let wrong = members.into_iter().filter(|(_, given, _)| *given);
        wrong
            .map(|(field, _, message)| Problem { field: field.to_owned(), message: message.to_owned() })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: &str) -> Result<ChangeGateway> {
        serde_json::from_str::<GatewayUpdate>(text).unwrap().into_change()
    }

    #[test]
    fn both_spellings_are_read() {
        let camel =
            change(r#"{"authType":"bearer","authToken":"s","teamId":"t","passthroughHeaders":"A, B"}"#)
                .unwrap();
        let snake = change(
            r#"{"auth_type":"bearer","auth_token":"s","team_id":"t","passthrough_headers":["A","B"]}"#,
        )
        .unwrap();
        assert_eq!(format!("{camel:?}"), format!("{snake:?}"));
        assert_eq!(camel.auth.token.as_ref().map(|token| token.expose().as_str()), Some("s"));
        assert!(!format!("{camel:?}").contains("\"s\""));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let text =
            r#"{"oauth_config":{"a":1},"clientKey":"k","gateway_mode":"direct_proxy","one_time_auth":true}"#;
        let Err(Error::Invalid(problems)) = change(text) else { panic!("refused") };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["oauth_config", "client_key", "one_time_auth", "gateway_mode"]);
        let program = r#"{"command":"sh","args":["-c"],"env":{"A":"b"}}"#;
        let Err(Error::Invalid(problems)) = change(program) else { panic!("refused") };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["command", "args", "env"]);
        let harmless =
            r#"{"oauth_config":null,"auth_value":"*****","gateway_mode":"cache","caCertificate":""}"#;
        assert!(change(harmless).is_ok(), "a reply that is sent back is no change");
    }
}
