//! `gateway` and `tool`: a client of a running gateway, over its REST and MCP endpoints.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use bytes::Bytes;
use domain::Secret;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::{Value, json};
use upstream::egress::Resolver;

use super::{say, token};
use crate::{
    cli::{Gateway, Remote, Tool},
    config,
};

/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_mins(2);
/// Bytes of the largest answer.
const LARGEST: usize = 64 << 20;

pub(super) struct Client {
    egress: upstream::egress::Client,
    base: String,
    token: Secret<String>,
}

impl Client {
    pub(super) fn new(data_dir: &Path, remote: &Remote) -> anyhow::Result<Self> {
        // The operator named the address; on this machine that may be loopback or a private network.
        let vars = [("SSRF_ALLOW_LOCALHOST", "true"), ("SSRF_ALLOW_PRIVATE_NETWORKS", "true")];
        let mut env = domain::Env::new(vars.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let settings = upstream::egress::EgressSettings::read(&mut env).context("outbound settings")?;
        let token = match &remote.token {
            Some(token) => Secret::new(token.clone()),
            None => token::administrators(&config::load(data_dir, vec![], true)?.engine, 5)?,
        };
        let base = remote.url.trim_end_matches('/').to_owned();
        Ok(Self { egress: upstream::egress::Client::new(&settings, Resolver::System)?, base, token })
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose()))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .body(Full::new(body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()))))?;
        let response = self.egress.send(request, PATIENCE).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer could not be read: {error}"))?.to_bytes();
        let value: Value = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).context("the answer is not JSON")?
        };
        if !status.is_success() {
            let text = value.get("detail").or_else(|| value.get("message")).unwrap_or(&value);
            bail!(
                "{} {path}: {status}: {}",
                self.base,
                text.as_str().map_or_else(|| text.to_string(), str::to_owned)
            );
        }
        Ok(value)
    }

    async fn gateway_id(&self, name: &str) -> anyhow::Result<String> {
        let all = self.send(Method::GET, "/v1/gateways?limit=0&include_inactive=true", None).await?;
        let matches = |gateway: &&Value| {
            [field(gateway, "id"), field(gateway, "name"), field(gateway, "slug")].contains(&name)
        };
        let found = all.as_array().into_iter().flatten().find(matches);
        found
            .map(|gateway| field(gateway, "id").to_owned())
            .with_context(|| format!("no gateway is called {name:?}"))
    }
}

pub(super) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

pub(super) async fn gateway(data_dir: &Path, command: Gateway) -> anyhow::Result<ExitCode> {
    match command {
        Gateway::Add { name, target, transport, bearer, remote } => {
            let client = Client::new(data_dir, &remote)?;
            let mut body = json!({ "name": name, "url": target, "transport": transport });
            if let (Some(token), Some(object)) = (bearer, body.as_object_mut()) {
                object.insert("auth_type".to_owned(), json!("bearer"));
                object.insert("auth_token".to_owned(), json!(token));
            }
            let added = client.send(Method::POST, "/v1/gateways", Some(body)).await?;
            let count = |kind: &str| added.get(kind).and_then(Value::as_i64).unwrap_or(0);
            let text = format!(
                "Added {} ({}): {} tools, {} prompts, {} resources.",
                field(&added, "name"),
                field(&added, "id"),
                count("toolCount"),
                count("promptCount"),
                count("resourceCount")
            );
            print(&remote, &added, &text);
        }
        Gateway::List { remote } => {
            let all = Client::new(data_dir, &remote)?
                .send(Method::GET, "/v1/gateways?limit=0&include_inactive=true", None)
                .await?;
            let line = |gateway: &Value| {
                let up = gateway.get("reachable").and_then(Value::as_bool).unwrap_or(false);
                let state = if up { "up" } else { "down" };
                format!(
                    "{}  {state:4}  {:24}  {}",
                    field(gateway, "id"),
                    field(gateway, "name"),
                    field(gateway, "url")
                )
            };
            let lines: Vec<String> = all.as_array().into_iter().flatten().map(line).collect();
            print(&remote, &all, &lines.join("\n"));
        }
        Gateway::Refresh { gateway, remote } => {
            let client = Client::new(data_dir, &remote)?;
            let id = client.gateway_id(&gateway).await?;
            let path = format!("/v1/gateways/{id}/tools/refresh?include_resources=true&include_prompts=true");
            let done = client.send(Method::POST, &path, None).await?;
            print(&remote, &done, &format!("Refreshed {gateway}."));
        }
        Gateway::Remove { gateway, remote } => {
            let client = Client::new(data_dir, &remote)?;
            let id = client.gateway_id(&gateway).await?;
            let done = client.send(Method::DELETE, &format!("/v1/gateways/{id}"), None).await?;
            print(&remote, &done, &format!("Removed {gateway}."));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn tool(data_dir: &Path, command: Tool) -> anyhow::Result<ExitCode> {
    let (method, params, server, remote) = match &command {
        Tool::List { server, remote } => ("tools/list", json!({}), server, remote),
        Tool::Call { name, arguments, server, remote } => {
            let arguments: Value =
                serde_json::from_str(arguments).context("the arguments are not a JSON object")?;
            ("tools/call", json!({ "name": name, "arguments": arguments }), server, remote)
        }
    };
    let path = server.as_ref().map_or_else(|| "/mcp".to_owned(), |id| format!("/servers/{id}/mcp"));
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let answer = Client::new(data_dir, remote)?.send(Method::POST, &path, Some(message)).await?;
    if let Some(error) = answer.get("error") {
        bail!("{method}: {}", field(error, "message"));
    }
    let result = answer.get("result").cloned().unwrap_or_default();
    let texts = |key: &str, line: fn(&Value) -> String| -> String {
        let items = result.get(key).and_then(Value::as_array);
        items.into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
    };
    let text = match command {
        Tool::List { .. } => {
            texts("tools", |tool| format!("{:40}  {}", field(tool, "name"), field(tool, "description")))
        }
        Tool::Call { .. } => texts("content", |part| match field(part, "type") {
            "text" => field(part, "text").to_owned(),
            kind => format!("[{kind} content; use --json to see it]"),
        }),
    };
    print(remote, &result, &text);
    let failed = result.get("isError").and_then(Value::as_bool).unwrap_or(false);
    Ok(ExitCode::from(u8::from(failed)))
}

fn print(remote: &Remote, value: &Value, text: &str) {
    if remote.output.json { say(&value.to_string()) } else { say(text) }
}
