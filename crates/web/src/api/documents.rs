//! Texts for readers: the OpenAPI document and a page that shows it. Both are made once, from the route table, and
//! hold no data of anybody; reading them takes a credential, because they say what there is to attack.

mod openapi;
mod page;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};

use crate::{
    guard::SignedIn,
    layers::frame_ancestors,
    routes::{self, Api},
    settings::Settings,
};

/// Texts that are the same for every caller.
#[derive(Debug)]
pub struct Documents {
    openapi: Bytes,
    page: Bytes,
    page_policy: HeaderValue,
}

impl Documents {
    pub(crate) fn new(settings: &Settings) -> Self {
        let table = routes::route_table(settings);
        let frames = frame_ancestors(&settings.answers.x_frame_options);
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors {frames}"
        );
        Self {
            openapi: openapi::document(settings, &table).to_string().into(),
            page: page::html(&table).into(),
            page_policy: HeaderValue::try_from(policy)
                .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'")),
        }
    }
}

/// The OpenAPI document of a gateway with these settings, for the checked-in copy.
pub fn openapi(settings: &Settings) -> serde_json::Value {
    openapi::document(settings, &routes::route_table(settings))
}

pub(crate) fn routes(api: Api) -> Api {
    api.plain(Method::GET, "/openapi.json", openapi_json).plain(Method::GET, "/docs", docs).plain(
        Method::GET,
        "/redoc",
        docs,
    )
}

async fn openapi_json(reader: SignedIn) -> ([(HeaderName, HeaderValue); 1], Bytes) {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], reader.app.documents().openapi.clone())
}

/// One page for both addresses. It has no script, and nothing from elsewhere.
async fn docs(reader: SignedIn) -> Response {
    let documents = reader.app.documents();
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, documents.page_policy.clone()),
    ];
    (headers, documents.page.clone()).into_response()
}
