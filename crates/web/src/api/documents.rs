//! Texts for readers: the OpenAPI document and a page that shows it. Both are made once, from the route table, and
//! hold no data of anybody; reading them takes a credential, because they say what there is to attack.

mod openapi;
mod page;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header::CONTENT_TYPE};

use crate::{
    api::problem::Failure,
    guard::SignedIn,
    pages::{Page, PagePolicy},
    routes::{self, Api},
    settings::Settings,
};

/// Texts that are the same for every caller.
#[derive(Debug)]
pub struct Documents {
    openapi: Bytes,
    page: Page,
    policy: PagePolicy,
}

impl Documents {
    pub(crate) fn new(settings: &Settings) -> Self {
        let table = routes::route_table(settings);
        Self {
            openapi: openapi::document(settings, &table).to_string().into(),
            page: Page::new(&page::html(&table)),
            policy: PagePolicy::new(settings),
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
async fn docs(reader: SignedIn) -> Result<Response, Failure> {
    let documents = reader.app.documents();
    Ok(documents.policy.answer(&documents.page)?)
}
