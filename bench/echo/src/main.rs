//! The upstream of the benchmark: an MCP server that does as little as a correct one can.
//!
//! It reads the envelope, copies the id and sends prepared bytes, so that what is measured is the path to it. It
//! speaks both eras; with `--legacy` it knows no `server/discover`, as an older server. It checks nothing and must
//! never be reachable from elsewhere: it binds loopback only.

mod options;
mod replies;

use std::convert::Infallible;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use options::Options;
use replies::{Replies, Reply};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port))).await?;
    writeln!(std::io::stdout(), "listening on http://{}/mcp", listener.local_addr()?)?;
    let replies = Arc::new(Replies::new(options.tools, options.legacy));
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, Arc::clone(&replies)));
    }
}

/// One connection until its client leaves. A broken connection is the client's affair.
async fn serve(stream: TcpStream, replies: Arc<Replies>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| answer(request, Arc::clone(&replies)));
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    drop(connection.await);
}

async fn answer(
    request: Request<Incoming>,
    replies: Arc<Replies>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() != Method::POST {
        return Ok(response(StatusCode::METHOD_NOT_ALLOWED, Bytes::new()));
    }
    let modern =
        request.headers().get("mcp-protocol-version").is_some_and(|version| version == replies::MODERN);
    let Ok(body) = request.into_body().collect().await else {
        return Ok(response(StatusCode::BAD_REQUEST, Bytes::new()));
    };
    Ok(match replies.to(&body.to_bytes(), modern) {
        Reply::Accepted => response(StatusCode::ACCEPTED, Bytes::new()),
        // The modern revision says 404 for an unknown method, older ones a plain JSON-RPC error.
        Reply::UnknownMethod(body) if modern => response(StatusCode::NOT_FOUND, body),
        Reply::Result(body) | Reply::UnknownMethod(body) => response(StatusCode::OK, body),
        Reply::Malformed => response(StatusCode::BAD_REQUEST, Bytes::new()),
    })
}

fn response(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
