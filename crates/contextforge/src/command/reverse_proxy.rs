//! `reverse-proxy`: publishes a local stdio server to a gateway that cannot reach this machine.
//!
//! The connection is opened from here, and with each one the server is started anew, so that a new connection is a new
//! conversation. What fails is said in one line and tried again with growing pauses; a credential that is refused, or a
//! gateway that has no such door, is not tried again.

mod dial;

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use protocol::json::RawObject;
use serde_json::{Value, json, value::RawValue};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_tungstenite::tungstenite::Message;
use upstream::stdio::{
    file::Launch,
    local::{Local, Messages},
};

use self::dial::{Dialed, Line};
use super::{advise, local};
use crate::cli::ReverseProxy;

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_mins(1);
/// A connection that lasted this long has not failed.
const LASTED: Duration = Duration::from_secs(30);

/// How a connection ended.
enum Ended {
    /// It is to be tried again; why.
    Lost(String),
    /// It makes no sense to try again; why.
    Refused(String),
    /// Somebody stopped this program.
    Stopped,
}

pub(super) async fn run(options: ReverseProxy) -> anyhow::Result<ExitCode> {
    let launch = local::launch(&options.local_stdio)?;
    anyhow::ensure!(
        options.reconnect_delay.is_finite() && options.reconnect_delay > 0.0,
        "--reconnect-delay must be more than 0"
    );
    let mut stop = Stop::new()?;
    let first = Duration::from_secs_f64(options.reconnect_delay).min(LONGEST);
    let (mut delay, mut failures) = (first, 0_u32);
    loop {
        let began = Instant::now();
        let ended = tokio::select! {
            ended = connection(&options, &launch) => ended?,
            () = stop.wanted() => Ended::Stopped,
        };
        let why = match ended {
            Ended::Stopped => return Ok(ExitCode::SUCCESS),
            Ended::Refused(why) => anyhow::bail!("{why}"),
            Ended::Lost(why) => why,
        };
        if began.elapsed() > LASTED {
            (delay, failures) = (first, 0);
        }
        failures += 1;
        anyhow::ensure!(
            options.max_retries == 0 || failures <= options.max_retries,
            "{why}; gave up after {failures} attempts"
        );
        advise(&format!("contextforge reverse-proxy: {why}; trying again in {:.1} s", delay.as_secs_f64()));
        tokio::select! { () = sleep(delay) => {} () = stop.wanted() => return Ok(ExitCode::SUCCESS) }
        delay = (delay * 2).min(LONGEST);
    }
}

/// SIGTERM and SIGINT.
struct Stop(Signal, Signal);

impl Stop {
    fn new() -> anyhow::Result<Self> {
        Ok(Self(signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
    }

    async fn wanted(&mut self) {
        tokio::select! { _ = self.0.recv() => {} _ = self.1.recv() => {} }
    }
}

/// One connection, from its opening to its end.
async fn connection(options: &ReverseProxy, launch: &Launch) -> anyhow::Result<Ended> {
    let mut line = match dial::dial(options).await? {
        Dialed::Open(line) => *line,
        Dialed::Ended(ended) => return Ok(ended),
    };
    let (program, mut messages) = local::start(launch)?;
    let name = options.name.clone().unwrap_or_else(|| local::name_of(launch));
    let about = json!({ "name": name, "description": options.description, "visibility": options.visibility });
    let register = json!({ "type": "register", "server": about }).to_string();
    let ended = match line.send(Message::text(register)).await {
        Ok(()) => talk(options, &mut line, (&program, &mut messages)).await,
        Err(error) => Ended::Lost(format!("the connection broke: {error}")),
    };
    program.end().await;
    // It is over either way.
    drop(line.close(None).await);
    Ok(ended)
}

async fn talk(
    options: &ReverseProxy,
    line: &mut Line,
    (program, messages): (&Local, &mut Messages),
) -> Ended {
    let every = Duration::from_secs(options.keepalive.clamp(1, 3600));
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let mut complaint = None;
    loop {
        let out = tokio::select! {
            message = messages.next() => {
                let Some(message) = message else {
                    let how = program.ended().await;
                    local::last_words(program);
                    return Ended::Lost(format!("the server {how}"));
                };
                said(&message)
            }
            frame = line.next() => {
                heard = Instant::now();
                match frame {
                    Some(Ok(Message::Text(text))) => match take(program, text.as_str()).await {
                        Taken::Nothing => None,
                        Taken::Complaint(text) => { complaint = Some(text); None }
                    },
                    Some(Ok(Message::Close(frame))) => return closed(complaint, frame.map(|frame| frame.reason.as_str().to_owned())),
                    Some(Ok(_)) => None,
                    Some(Err(error)) => return Ended::Lost(complaint.unwrap_or_else(|| format!("the connection broke: {error}"))),
                    None => return closed(complaint, None),
                }
            }
            _ = ticks.tick() => {
                if heard.elapsed() > every * 3 {
                    return Ended::Lost("the gateway has fallen silent".to_owned());
                }
                Some(json!({ "type": "heartbeat" }).to_string())
            }
        };
        if let Some(text) = out
            && let Err(error) = line.send(Message::text(text)).await
        {
            return Ended::Lost(format!("the connection broke: {error}"));
        }
    }
}

fn closed(complaint: Option<String>, reason: Option<String>) -> Ended {
    let why = complaint.or(reason.filter(|reason| !reason.is_empty()));
    Ended::Lost(why.map_or_else(
        || "the gateway closed the connection".to_owned(),
        |why| format!("the gateway closed the connection: {why}"),
    ))
}

/// A message of the server's, for the gateway; `None` where the line is no message.
fn said(line: &[u8]) -> Option<String> {
    let payload: &RawValue = serde_json::from_slice(line.trim_ascii()).ok()?;
    let object = RawObject::parse(payload).ok()?;
    let kind = match (object.contains("method"), object.contains("id")) {
        (true, false) => "notification",
        (true, true) => "request",
        (false, _) => "response",
    };
    let mut message = RawObject::new();
    message.set_text("type", kind);
    message.set("payload", payload);
    Some(message.to_raw().get().to_owned())
}

enum Taken {
    Nothing,
    Complaint(String),
}

/// What the gateway says.
async fn take(program: &Local, text: &str) -> Taken {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return Taken::Nothing };
    let word = |name: &str| message.get(name).and_then(Value::as_str);
    match word("type") {
        Some("request") => {
            let raw = RawObject::parse(text).ok();
            if let Some(payload) = raw.as_ref().and_then(|raw| raw.get("payload")) {
                // A server that is gone is noticed by what it writes.
                drop(program.send(payload.get().as_bytes().to_vec()).await);
            }
            Taken::Nothing
        }
        Some("published") => {
            let (name, id) = (word("name").unwrap_or_default(), word("gatewayId").unwrap_or_default());
            advise(&format!("contextforge reverse-proxy: published as gateway {name} ({id})"));
            Taken::Nothing
        }
        Some("error") => Taken::Complaint(word("message").unwrap_or("it said error").to_owned()),
        _ => Taken::Nothing,
    }
}

/// Whatever an operator writes as the gateway's address, as the address of its door.
fn door(gateway: &str) -> anyhow::Result<String> {
    let text = gateway.trim().trim_end_matches('/');
    let text = text.strip_suffix("/reverse-proxy/ws").unwrap_or(text);
    let http = match text.split_once("://") {
        Some(("ws" | "http", rest)) => format!("http://{rest}"),
        Some(("wss" | "https", rest)) => format!("https://{rest}"),
        Some(_) => anyhow::bail!("--gateway must begin with http://, https://, ws:// or wss://"),
        None => format!("https://{text}"),
    };
    http.parse::<http::Uri>().context("--gateway is no URL")?;
    Ok(format!("{http}/reverse-proxy/ws"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        let door = |text: &str| super::door(text).unwrap();
        assert_eq!(door("wss://gw.example/"), "https://gw.example/reverse-proxy/ws");
        assert_eq!(door("http://h:1/x"), "http://h:1/x/reverse-proxy/ws");
        assert_eq!(door("ws://h:1/reverse-proxy/ws"), "http://h:1/reverse-proxy/ws");
        assert!(super::door("ftp://h").is_err());
    }

    #[test]
    fn messages_are_put_by_what_they_are() {
        let kind = |line: &str| {
            said(line.as_bytes()).map(|text| serde_json::from_str::<Value>(&text).unwrap()["type"].clone())
        };
        assert_eq!(kind(r#"{"id":1,"result":{}}"#), Some(json!("response")));
        assert_eq!(kind(r#"{"method":"a"}"#), Some(json!("notification")));
        assert_eq!(kind(r#"{"id":1,"method":"a"}"#), Some(json!("request")));
        assert_eq!(kind("Server started"), None);
    }
}
