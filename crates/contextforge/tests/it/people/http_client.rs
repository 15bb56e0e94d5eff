//! Requests with headers of their own, as browsers and reverse proxies send them.

use http::Request;
use http_body_util::Full;

use crate::app::{App, Reply, raw};

/// A request as it is.
pub(crate) async fn send(
    app: &App,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Reply {
    let mut request = Request::builder().method(method).uri(format!("{}{path}", app.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    raw(request.body(Full::from(body.unwrap_or_default().to_owned())).unwrap()).await
}

/// A `GET` with headers; gives the status.
pub(crate) async fn get(app: &App, path: &str, headers: &[(&str, &str)]) -> u16 {
    send(app, ("GET", path), headers, None).await.status.as_u16()
}
