//! How the gateway is: for load balancers, operators and monitoring.

use axum::response::Response;
use domain::permission::grant::{AdminSystemConfig, MetricsRead};
use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::{json::Json, problem};
use crate::{
    guard::{Authorized, Public},
    routes::Api,
    settings::Settings,
};

pub(crate) fn routes(api: Api, settings: &Settings) -> Api {
    let api = api
        .plain(Method::GET, "/", root)
        .plain(Method::GET, "/health", health)
        .plain(Method::GET, "/ready", ready)
        .route(Method::GET, "/version", version);
    if settings.features.metrics_enabled {
        api.plain(Method::GET, "/metrics/prometheus", metrics)
    } else {
        api
    }
}

async fn root(_: Public) -> Json<Value> {
    Json(json!({
        "name": "ContextForge",
        "description": "Gateway for Model Context Protocol servers. MCP endpoint: /mcp",
    }))
}

/// The process answers. Says nothing about what it depends on.
async fn health(_: Public) -> Json<Value> {
    Json(json!({ "status": "healthy" }))
}

/// Whether requests can be served.
async fn ready(public: Public) -> Response {
    let database = public.app.engine().ready().await;
    if let Err(error) = &database {
        tracing::warn!(%error, "not ready");
    }
    let (status, word, message) = match database {
        Ok(()) => (StatusCode::OK, "ready", "Database Connection Successful"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unready", "Database Connection Failed"),
    };
    let items = json!([{ "name": "Database", "status_code": status.as_u16(), "message": message }]);
    problem::body(status, &json!({ "status": word, "status_items": items }))
}

async fn version(admin: Authorized<AdminSystemConfig>) -> Json<Value> {
    let settings = admin.app.settings();
    let reachable = admin.app.engine().ready().await.is_ok();
    let features = &settings.features;
    Json(json!({
        "app": { "name": "ContextForge", "version": env!("CARGO_PKG_VERSION"), "mcp_protocol_version": protocol::version::MODERN },
        "platform": { "os": std::env::consts::OS, "architecture": std::env::consts::ARCH },
        "database": { "reachable": reachable },
        "environment": settings.environment.as_str(),
        "settings": {
            "mcpgateway_ui_enabled": features.ui_enabled,
            "mcpgateway_admin_api_enabled": features.admin_api_enabled,
            "mcpgateway_bulk_import_enabled": features.bulk_import_enabled,
            "mcpgateway_a2a_enabled": features.a2a_enabled,
        },
    }))
}

/// The text format of Prometheus.
async fn metrics(reader: Authorized<MetricsRead>) -> ([(http::HeaderName, HeaderValue); 1], String) {
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let stats = reader.app.engine().stats();
    stats.held("sessions", reader.app.push().states().count());
    stats.held("questions", reader.app.questions().count());
    stats.held("parked_calls", reader.app.parking().count());
    ([(CONTENT_TYPE, text)], stats.render())
}
