//! The OpenAPI 3.1 document, from the route table.
//!
//! What a route demands is exact: it is what the guard enforces. Bodies of requests are described in
//! `schemas.json`, under the handler's name; replies are not described beyond their status.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{guard::Access, routes::RouteInfo, settings::Settings};

/// Schemas of request bodies by handler.
const SCHEMAS: &str = include_str!("schemas.json");

pub(super) fn document(settings: &Settings, table: &[RouteInfo]) -> Value {
    let schemas: BTreeMap<String, Value> = serde_json::from_str(SCHEMAS).unwrap_or_default();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in table.iter().filter(|route| !route.alias) {
        let operation = operation(route, schemas.get(&route.handler));
        paths.entry(&route.path).or_default().insert(route.method.as_str().to_ascii_lowercase(), operation);
    }
    let root = settings.listen.root_path.as_deref().unwrap_or("/");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ContextForge",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Gateway for Model Context Protocol servers. Every `/v1` route also answers without \
                            `/v1` while LEGACY_API_ENABLED is on. MCP itself is spoken at `/mcp` and \
                            `/servers/{id}/mcp`.",
        },
        "servers": [{ "url": root }],
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
            "responses": {
                "Unauthenticated": failure("No valid credential."),
                "Forbidden": failure("The permission is missing, or the token does not reach this."),
                "NotFound": failure("No such thing, or none that the caller may know of."),
                "Invalid": failure("The input is wrong; every wrong field is named."),
            },
        },
    })
}

fn failure(description: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { "detail": {} } });
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn operation(route: &RouteInfo, schema: Option<&Value>) -> Value {
    let (family, name) = route.handler.split_once("::").unwrap_or(("gateway", &route.handler));
    let refer = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    let mut responses = Map::new();
    let mut operation = Map::new();
    let mut say = |key: &str, value: Value| operation.insert(key.to_owned(), value);
    say("operationId", operation_id(route).into());
    say("tags", json!([family]));
    say("summary", summary(family, name).into());
    responses.insert("default".to_owned(), json!({ "description": "The answer." }));
    if route.access == Access::Public {
        say("security", json!([]));
    } else {
        say("security", json!([{ "bearer": [] }]));
        responses.insert("401".to_owned(), refer("Unauthenticated"));
        responses.insert("403".to_owned(), refer("Forbidden"));
    }
    if let Access::Requires(permission) = route.access {
        say("x-permission", permission.as_str().into());
        say("description", format!("Needs the permission `{permission}`.").into());
    }
    let parameters = parameters(&route.path);
    if !parameters.is_empty() {
        responses.insert("404".to_owned(), refer("NotFound"));
        say("parameters", parameters.into());
    }
    if let Some(schema) = schema {
        responses.insert("422".to_owned(), refer("Invalid"));
        say(
            "requestBody",
            json!({ "required": true, "content": { "application/json": { "schema": schema } } }),
        );
    }
    say("responses", responses.into());
    operation.into()
}

/// Method and path: what tells operations apart. `GET /v1/teams/{team_id}` is `get_v1_teams_team_id`.
fn operation_id(route: &RouteInfo) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(route.method.as_str().to_ascii_lowercase().as_str())
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}

fn parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect()
}

/// `teams::add_member` is "Teams: add member".
fn summary(family: &str, name: &str) -> String {
    let mut words = family.replace('_', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    format!("{words}: {}", name.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use domain::Env;

    use super::*;

    fn sample() -> (Value, Vec<RouteInfo>) {
        let settings = Settings::read(&mut Env::new([])).unwrap();
        let table = crate::route_table(&settings);
        (document(&settings, &table), table)
    }

    #[test]
    fn every_route_is_described_with_what_it_demands() {
        let (document, table) = sample();
        for route in table.iter().filter(|route| !route.alias) {
            let operation = &document["paths"][&route.path][route.method.as_str().to_ascii_lowercase()];
            assert_eq!(operation["security"] == json!([]), route.access == Access::Public, "{route:?}");
            if let Access::Requires(permission) = route.access {
                assert_eq!(operation["x-permission"], permission.as_str());
            }
        }
        assert_eq!(document["paths"]["/v1/teams/{team_id}"]["get"]["parameters"][0]["name"], "team_id");
    }

    #[test]
    fn schemas_belong_to_handlers_that_exist() {
        let schemas: BTreeMap<String, Value> = serde_json::from_str(SCHEMAS).unwrap();
        let (_, table) = sample();
        for handler in schemas.keys() {
            assert!(table.iter().any(|route| route.handler == *handler), "{handler}");
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let (document, _) = sample();
        let mut seen = std::collections::BTreeSet::new();
        for operation in document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
        {
            let id = operation["operationId"].as_str().unwrap();
            assert!(seen.insert(id.to_owned()), "{id}");
        }
    }
}
