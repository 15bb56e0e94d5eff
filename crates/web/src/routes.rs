//! Which routes exist. A route is mounted with [`Api`], which accepts only handlers whose first argument is a
//! guard, and notes method, path and demand in a table. From the table come the route list in the documentation,
//! the security section of the OpenAPI document and the tests that every route is guarded.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{MethodFilter, on},
};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::{
    api,
    app::App,
    guard::{Access, Guard},
    layers::Stack,
    mcp,
    settings::Settings,
};

/// A mounted route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// The method.
    pub method: Method,
    /// The path, with `{name}` for its parameters.
    pub path: String,
    /// What it demands.
    pub access: Access,
    /// The handler: `teams::create`.
    pub handler: String,
    /// Whether it is an alias: the unversioned form of a `/v1` route, or the form with a slash at the end.
    pub alias: bool,
}

/// One line of the route list: `GET /v1/teams teams.read`.
impl std::fmt::Display for RouteInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.access)
    }
}

/// The argument lists that begin with a guard.
pub trait GuardFirst {
    /// What the guard demands.
    const ACCESS: Access;
}

macro_rules! guard_first { ($($t:ident),*) => {
    impl<M, G: Guard, $($t),*> GuardFirst for (M, G, $($t,)*) { const ACCESS: Access = G::ACCESS; }
} }
guard_first!();
guard_first!(A);
guard_first!(A, B);
guard_first!(A, B, C);
guard_first!(A, B, C, D);

/// Collects routes.
pub struct Api {
    router: Router<App>,
    table: Vec<RouteInfo>,
    legacy: Option<Deprecation>,
}

#[derive(Clone)]
struct Deprecation {
    sunset: Option<HeaderValue>,
}

impl Api {
    fn new(settings: &Settings) -> Self {
        let sunset = HeaderValue::from_str(&settings.features.legacy_api_sunset_date).ok();
        let legacy = settings.features.legacy_api_enabled.then_some(Deprecation { sunset });
        Self { router: Router::new(), table: Vec::new(), legacy }
    }

    /// Mounts a REST route under `/v1` and, as long as the unversioned API is switched on, without it.
    #[must_use]
    pub fn route<H, T>(self, method: Method, path: &str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: GuardFirst + 'static,
    {
        self.versioned(method, path, false, handler)
    }

    /// Mounts a REST route as [`Api::route`] does, with and without a slash at the end.
    #[must_use]
    pub fn collection<H, T>(self, method: Method, path: &str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: GuardFirst + 'static,
    {
        self.versioned(method.clone(), path, false, handler.clone()).versioned(
            method,
            &format!("{path}/"),
            true,
            handler,
        )
    }

    /// Mounts a route that has no version: MCP, health and the documents.
    #[must_use]
    pub fn plain<H, T>(mut self, method: Method, path: &str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: GuardFirst + 'static,
    {
        self.router = self.router.route(path, on(filter(&method), erased(handler)));
        self.note::<H, T>(method, path.to_owned(), path.len() > 1 && path.ends_with('/'));
        self
    }

    fn versioned<H, T>(mut self, method: Method, path: &str, alias: bool, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: GuardFirst + 'static,
    {
        let versioned = format!("/v1{path}");
        let handler = erased(handler);
        self.router = self.router.route(&versioned, on(filter(&method), handler.clone()));
        self.note::<H, T>(method.clone(), versioned, alias);
        if let Some(deprecation) = self.legacy.clone() {
            let route = on(filter(&method), handler).layer(from_fn_with_state(deprecation, mark_deprecated));
            self.router = self.router.route(path, route);
            self.note::<H, T>(method, path.to_owned(), true);
        }
        self
    }

    fn note<H, T: GuardFirst>(&mut self, method: Method, path: String, alias: bool) {
        let full = std::any::type_name::<H>();
        let mut words = full.rsplit("::");
        let name = words.next().unwrap_or_default();
        let handler = words.next().map_or_else(|| name.to_owned(), |module| format!("{module}::{name}"));
        self.table.push(RouteInfo { method, path, access: T::ACCESS, handler, alias });
    }
}

/// A handler whose type is forgotten: what the router needs for each type of handler is large, and so is compiled once.
#[derive(Clone)]
struct Erased(Arc<dyn Fn(Request, App) -> BoxFuture<'static, Response> + Send + Sync>);

impl Handler<(), App> for Erased {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, app: App) -> Self::Future {
        (self.0)(request, app)
    }
}

fn erased<H, T>(handler: H) -> Erased
where
    H: Handler<T, App>,
    T: 'static,
{
    Erased(Arc::new(move |request, app| Box::pin(handler.clone().call(request, app))))
}

/// `on` takes a filter, and every method that we route has one.
fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET)
}

fn collect(settings: &Settings) -> Api {
    mcp::routes(api::routes(Api::new(settings), settings), settings)
}

/// Every route there is, sorted by path and method.
pub fn route_table(settings: &Settings) -> Vec<RouteInfo> {
    let mut table = collect(settings).table;
    table.sort_by(|a, b| (&a.path, a.method.as_str()).cmp(&(&b.path, b.method.as_str())));
    table
}

/// The application with all its layers.
pub fn router(app: App) -> Router {
    let routes = collect(app.settings())
        .router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app.clone());
    Router::new().fallback_service(Stack::new(app, routes))
}

async fn not_found() -> Response {
    crate::api::problem::detail(StatusCode::NOT_FOUND, "Not Found")
}

async fn method_not_allowed() -> Response {
    crate::api::problem::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

/// Tells callers of the unversioned API where its successor is.
async fn mark_deprecated(
    axum::extract::State(deprecation): axum::extract::State<Deprecation>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if response.status().as_u16() >= 400 {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert("deprecation", HeaderValue::from_static("true"));
    if let Some(sunset) = deprecation.sunset {
        headers.insert("sunset", sunset);
    }
    let link = HeaderValue::try_from(format!("</v1{path}>; rel=\"successor-version\""));
    let old = HeaderValue::try_from(path);
    for (name, value) in [("link", link), ("x-deprecated-endpoint", old)] {
        if let Ok(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
