//! A stdio server in front of an HTTP+SSE server: lines go out as posts, events come in as lines.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full};
use protocol::{
    jsonrpc::{self, Message, RpcError},
    ladder,
    sse::{Decoder, Event},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    sync::mpsc,
};
use upstream::egress::{Client, Incoming};

use crate::{
    cli::Wrapper,
    command::wrapper::{self, FAREWELL, LONGEST, QUEUE},
};

/// How long the server may take to take a message.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) async fn run(options: &Wrapper) -> anyhow::Result<ExitCode> {
    let (client, auth) = wrapper::outbound(options)?;
    let uri: Uri = options.url.trim().parse().context("--connect-sse is no URL")?;
    let get = Request::get(uri.clone()).header(header::ACCEPT, "text/event-stream");
    let get = auth.iter().fold(get, |get, auth| get.header(header::AUTHORIZATION, auth));
    let answer = client.send(get.body(Full::default())?, PATIENCE).await?;
    anyhow::ensure!(answer.status().is_success(), "{uri} answered with HTTP {}", answer.status().as_u16());
    let mut events = Events { body: answer.into_body(), decoder: Decoder::new(64 << 20), ready: Vec::new() };
    let endpoint = events.next().await.filter(|event| event.event.as_deref() == Some("endpoint"));
    let endpoint = endpoint.context("the server did not say where messages go")?;
    let far = Arc::new(Far { client, auth, endpoint: resolve(&uri, endpoint.data.trim())? });
    let (out, lines) = mpsc::channel(QUEUE);
    let writing = tokio::spawn(wrapper::write(lines));
    let mut input = BufReader::new(tokio::io::stdin());
    let mut line = Vec::new();
    let ended = loop {
        tokio::select! {
            event = events.next() => match event {
                Some(event) if !event.data.is_empty() => drop(out.send(event.data.into_bytes()).await),
                Some(_) => {}
                None => break Err(anyhow::anyhow!("the server closed its stream")),
            },
            read = async { (&mut input).take(LONGEST).read_until(b'\n', &mut line).await } => {
                if read.context("standard input")? == 0 {
                    break Ok(ExitCode::SUCCESS);
                }
                let message = std::mem::take(&mut line);
                if !message.trim_ascii().is_empty() {
                    far.post(Bytes::from(message), &out).await;
                }
            }
        }
    };
    drop(out);
    drop(tokio::time::timeout(FAREWELL, writing).await);
    ended
}

struct Far {
    client: Client,
    auth: Option<http::HeaderValue>,
    endpoint: Uri,
}

impl Far {
    /// Sends a message; what cannot be sent is answered here.
    async fn post(&self, body: Bytes, out: &mpsc::Sender<Vec<u8>>) {
        let post = Request::post(self.endpoint.clone()).header(header::CONTENT_TYPE, "application/json");
        let post = self.auth.iter().fold(post, |post, auth| post.header(header::AUTHORIZATION, auth));
        let Ok(request) = post.body(Full::new(body.clone())) else { return };
        let why = match self.client.send(request, PATIENCE).await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => format!("The server answered with HTTP {}", answer.status().as_u16()),
            Err(error) => error.to_string(),
        };
        if let Ok(Message::Request { id, .. }) = jsonrpc::parse(&body) {
            let error = RpcError::new(ladder::INTERNAL_ERROR, why);
            drop(out.send(jsonrpc::write_error(Some(&id), &error)).await);
        }
    }
}

/// Where messages go: on the server that the stream is from, and nowhere else, for they carry the credential.
fn resolve(stream: &Uri, endpoint: &str) -> anyhow::Result<Uri> {
    let origin = |uri: &Uri| (uri.scheme_str().map(str::to_owned), uri.authority().map(ToString::to_string));
    let given: Uri = endpoint.parse().context("the address for messages is no URL")?;
    if given.authority().is_some() {
        anyhow::ensure!(origin(&given) == origin(stream), "the server sends messages elsewhere: {endpoint}");
        return Ok(given);
    }
    let (Some(scheme), Some(authority)) = origin(stream) else {
        anyhow::bail!("the URL needs a scheme and a host")
    };
    let slash = if endpoint.starts_with('/') { "" } else { "/" };
    format!("{scheme}://{authority}{slash}{endpoint}").parse().context("the address for messages is no URL")
}

struct Events {
    body: Incoming,
    decoder: Decoder,
    ready: Vec<Event>,
}

impl Events {
    /// The next event. Loses nothing when it is dropped.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if !self.ready.is_empty() {
                return Some(self.ready.remove(0));
            }
            let frame = self.body.frame().await?.ok()?;
            if let Some(data) = frame.data_ref() {
                self.ready.extend(self.decoder.push(data).ok()?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_on_the_server_of_the_stream() {
        let stream: Uri = "http://h:1/sse".parse().unwrap();
        assert_eq!(resolve(&stream, "/m?id=1").unwrap(), "http://h:1/m?id=1");
        assert_eq!(resolve(&stream, "http://h:1/m").unwrap(), "http://h:1/m");
        assert!(resolve(&stream, "http://other/m").is_err() && resolve(&stream, "https://h:1/m").is_err());
    }
}
