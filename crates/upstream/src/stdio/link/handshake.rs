//! Finding out what a freshly started server speaks, and greeting it.
//!
//! The first line is `server/discover`. Old servers answer it with whatever error comes to their mind, or not at
//! all; in both cases `initialize` follows. A server that starts slowly may answer the probe after that, so both
//! answers are waited for and the first good one counts.

use domain::{
    Error, Result,
    gateway::{Dialect, ProtocolChoice},
};
use protocol::{
    json::{self, RawObject},
    jsonrpc::{Outcome, RpcError},
    ladder, meta, version,
};
use serde_json::value::RawValue;
use std::sync::Arc;
use tokio::time::timeout;

use super::{
    asked,
    session::{InFlight, Session},
    wire,
};
use crate::{
    call::{Connected, empty_object},
    hop,
    stdio::process::Supervision,
};

/// Probes and greets, as the operator's choice and what is known from before (`modern`) say.
pub(super) async fn greet(
    session: &Arc<Session>,
    choice: ProtocolChoice,
    modern: Option<bool>,
    supervision: &Supervision,
) -> Result<Connected> {
    match (choice, modern) {
        (ProtocolChoice::Legacy, _) => initialize(session).await,
        (ProtocolChoice::Modern, _) => {
            let outcome = discover(session).await?.outcome().await?;
            match verdict(&outcome) {
                Verdict::Modern(connected) => Ok(connected),
                Verdict::Legacy => Err(Error::upstream(format!("does not speak {}", version::MODERN))),
            }
        }
        (ProtocolChoice::Auto, Some(false)) => match initialize(session).await {
            Ok(connected) => Ok(connected),
            Err(error) if session.is_gone() => Err(error),
            Err(_) => probe(session, supervision).await,
        },
        (ProtocolChoice::Auto, _) => probe(session, supervision).await,
    }
}

async fn probe(session: &Arc<Session>, supervision: &Supervision) -> Result<Connected> {
    let mut discovered = discover(session).await?;
    match timeout(supervision.probe_timeout, discovered.outcome()).await {
        Ok(outcome) => match verdict(&outcome?) {
            Verdict::Modern(connected) => Ok(connected),
            Verdict::Legacy => initialize(session).await,
        },
        Err(_) => either(session, discovered).await,
    }
}

/// The probe is unanswered: shakes hands as well.
async fn either(session: &Arc<Session>, mut discovered: InFlight) -> Result<Connected> {
    let shaken = initialize(session);
    tokio::pin!(shaken);
    tokio::select! {
        biased;
        outcome = discovered.outcome() => match verdict(&outcome?) {
            Verdict::Modern(connected) => Ok(connected),
            Verdict::Legacy => shaken.await,
        },
        // A modern server refuses this, after it has answered the probe.
        shaken = &mut shaken => shaken,
    }
}

async fn discover(session: &Arc<Session>) -> Result<InFlight> {
    session.begin("server/discover", |_| wire::own(None), None).await
}

enum Verdict {
    Modern(Connected),
    Legacy,
}

/// What an answer to the probe says. Only a list of revisions with the modern one in it makes a server modern.
fn verdict(outcome: &Outcome) -> Verdict {
    let Ok(result) = outcome else { return Verdict::Legacy };
    let Ok(object) = RawObject::parse(&**result) else { return Verdict::Legacy };
    let versions = object.get("supportedVersions").and_then(json::elements).unwrap_or_default();
    if !versions.iter().any(|listed| json::as_text(listed).is_some_and(|listed| listed == version::MODERN)) {
        return Verdict::Legacy;
    }
    let about = object.get("_meta").and_then(|about| RawObject::parse(about).ok());
    let server_info = about.as_ref().and_then(|about| about.get(meta::SERVER_INFO)).map(ToOwned::to_owned);
    let dialect = Dialect { version: version::MODERN.to_owned(), modern: true };
    Verdict::Modern(connected(&object, dialect, server_info))
}

/// The handshake of revisions up to 2025-11-25.
pub(super) async fn initialize(session: &Arc<Session>) -> Result<Connected> {
    let outcome = session
        .begin("initialize", |_| Ok(hop::initialize(asked::declared())), None)
        .await?
        .outcome()
        .await?;
    let result = outcome.map_err(|error| refused(&error))?;
    let object =
        RawObject::parse(&*result).map_err(|_| Error::upstream("answered initialize with nonsense"))?;
    let spoken = object.text("protocolVersion").and_then(|text| version::legacy(&text)).ok_or_else(|| {
        Error::upstream("answered initialize with a protocol version that the gateway does not speak")
    })?;
    let server_info = object.get("serverInfo").map(ToOwned::to_owned);
    let connected = connected(&object, Dialect { version: spoken.to_owned(), modern: false }, server_info);
    session.notify("notifications/initialized").await?;
    Ok(connected)
}

fn refused(error: &RpcError) -> Error {
    let unsupported = error.code == ladder::UNSUPPORTED_VERSION;
    let why = if unsupported { "speaks no protocol version of the gateway's" } else { "refused initialize" };
    Error::upstream(format!("{why} (error {})", error.code))
}

fn connected(object: &RawObject<'_>, dialect: Dialect, server_info: Option<Box<RawValue>>) -> Connected {
    let capabilities = object.get("capabilities").filter(|given| json::is_object(given));
    Connected {
        dialect,
        capabilities: capabilities.map_or_else(empty_object, ToOwned::to_owned),
        server_info,
        instructions: object.text("instructions").map(std::borrow::Cow::into_owned),
    }
}

/// Asks a modern server to tell when its lists change; legacy servers tell unasked.
pub(super) fn subscribe(session: &Session, connected: &Connected) {
    if !connected.dialect.modern {
        return;
    }
    let Ok(capabilities) = RawObject::parse(&*connected.capabilities) else { return };
    let mut wanted = RawObject::new();
    for (capability, notification) in [
        ("tools", "toolsListChanged"),
        ("prompts", "promptsListChanged"),
        ("resources", "resourcesListChanged"),
    ] {
        let offered = capabilities.get(capability).and_then(|offered| RawObject::parse(offered).ok());
        if offered.is_some_and(|offered| offered.get("listChanged").is_some_and(|told| told.get() == "true"))
        {
            wanted.set(notification, RawValue::TRUE);
        }
    }
    if wanted.is_empty() {
        return;
    }
    let mut params = RawObject::new();
    params.set("notifications", wanted.to_raw());
    if let Ok(params) = wire::own(Some(&*params.to_raw())) {
        session.request_unheard("subscriptions/listen", &params);
    }
}
