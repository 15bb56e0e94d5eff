//! Finds out what an upstream over HTTP speaks.
//!
//! `server/discover` first, then the handshake, then HTTP+SSE; the operator's choice and an earlier verdict shorten
//! the way. The verdict over an answer is pure. Nothing is ever probed with `tools/list`, because some legacy
//! servers answer it without a handshake.

use std::{borrow::Cow, sync::Arc, time::Duration};

use domain::gateway::{ProtocolChoice, Transport};
use protocol::{
    json::{self, RawObject},
    jsonrpc::{Outcome, RpcError},
    ladder, version,
};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::{
    call::{Connected, Target},
    fault::Fault,
    hop,
    http::{Origin, herald::Herald, legacy::Legacy, modern::Modern, sse::Sse},
    link::Link,
};

/// How long a server may think about `server/discover`. Some legacy servers never answer it.
const PROBE: Duration = Duration::from_secs(5);

/// What an answer to `server/discover` says.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It speaks 2026-07-28.
    Modern(Connected),
    /// It wants a handshake.
    Legacy,
    /// There is no revision that both speak, or it dislikes what is right.
    Unusable(String),
}

/// Reads an answer to `server/discover`. `outcome` is absent where the answer is no JSON-RPC reply.
pub(crate) fn verdict(status: u16, outcome: Option<&Outcome>, session: bool) -> Verdict {
    match outcome {
        Some(Ok(result)) => {
            let Ok(object) = RawObject::parse(&**result) else { return Verdict::Legacy };
            match revisions(object.get("supportedVersions")) {
                Revisions::Modern => Verdict::Modern(hop::discovered(&object)),
                Revisions::Foreign(list) => Verdict::Unusable(foreign(&list)),
                Revisions::Legacy | Revisions::Unknown => Verdict::Legacy,
            }
        }
        // Only legacy servers hand out sessions.
        Some(Err(_)) if session => Verdict::Legacy,
        Some(Err(error)) => refused(status, error),
        None => Verdict::Legacy,
    }
}

fn refused(status: u16, error: &RpcError) -> Verdict {
    match error.code {
        ladder::UNSUPPORTED_VERSION => {
            let data = error.data.as_deref().and_then(|data| RawObject::parse(data).ok());
            match revisions(data.as_ref().and_then(|data| data.get("supported"))) {
                Revisions::Foreign(list) => Verdict::Unusable(foreign(&list)),
                Revisions::Modern => Verdict::Unusable(format!("refuses {}", version::MODERN)),
                Revisions::Legacy | Revisions::Unknown => Verdict::Legacy,
            }
        }
        ladder::HEADER_MISMATCH | ladder::MISSING_CAPABILITY => Verdict::Unusable(rejected(error)),
        ladder::INVALID_PARAMS if status == 400 && error.message.contains("_meta") => {
            Verdict::Unusable(rejected(error))
        }
        _ => Verdict::Legacy,
    }
}

fn rejected(error: &RpcError) -> String {
    format!("rejected server/discover (error {})", error.code)
}

fn foreign(list: &str) -> String {
    format!("speaks no protocol version of the gateway's, only {list}")
}

enum Revisions {
    Modern,
    Legacy,
    Foreign(String),
    Unknown,
}

fn revisions(list: Option<&RawValue>) -> Revisions {
    let Some(list) = list.and_then(json::elements) else { return Revisions::Unknown };
    let list: Vec<Cow<'_, str>> = list.into_iter().filter_map(json::as_text).collect();
    if list.iter().any(|listed| listed == version::MODERN) {
        Revisions::Modern
    } else if list.iter().any(|listed| version::legacy(listed).is_some()) {
        Revisions::Legacy
    } else if list.is_empty() {
        Revisions::Unknown
    } else {
        let shown = list.iter().take(5).map(|listed| listed.chars().filter(char::is_ascii_graphic).take(20));
        Revisions::Foreign(shown.map(Iterator::collect::<String>).collect::<Vec<_>>().join(", "))
    }
}

/// What is needed to make links to one upstream.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// Where it is.
    pub(crate) origin: Arc<Origin>,
    /// Who tells of its changes.
    pub(crate) herald: Herald,
}

impl Way {
    /// The link that an earlier verdict allows without asking anything.
    pub(crate) fn known(&self, target: &Target) -> Option<Link> {
        if target.transport == Transport::Sse {
            return Some(self.sse());
        }
        match (target.protocol, &target.dialect) {
            (ProtocolChoice::Modern, _) => Some(self.modern()),
            (ProtocolChoice::Auto, Some(dialect)) if dialect.modern => Some(self.modern()),
            // The oldest revision may need the HTTP+SSE transport.
            (_, Some(dialect)) if !dialect.modern && *dialect.version > *"2024-11-05" => Some(self.legacy()),
            _ => None,
        }
    }

    /// Asks the server what it speaks.
    pub(crate) async fn find(&self, target: &Target, deadline: Instant) -> Result<(Link, Connected), Fault> {
        if target.transport == Transport::Sse {
            return connected(self.sse(), deadline).await;
        }
        match (target.protocol, &target.dialect) {
            (ProtocolChoice::Modern, _) => connected(self.modern(), deadline).await,
            (ProtocolChoice::Legacy, _) => self.handshake(deadline).await,
            (ProtocolChoice::Auto, Some(dialect)) if !dialect.modern => {
                match self.handshake(deadline).await {
                    Err(Fault::Contradiction { .. }) => self.discover(deadline).await,
                    found => found,
                }
            }
            (ProtocolChoice::Auto, _) => self.discover(deadline).await,
        }
    }

    /// Asks without regard to what was known before.
    pub(crate) async fn discover(&self, deadline: Instant) -> Result<(Link, Connected), Fault> {
        let modern = Modern::new(Arc::clone(&self.origin), self.herald.child());
        match modern.probe(deadline.min(Instant::now() + PROBE)).await {
            Ok(Verdict::Modern(connected)) => {
                modern.listen(&connected);
                Ok((Link::Modern(modern), connected))
            }
            Ok(Verdict::Unusable(message)) => Err(Fault::Useless(message)),
            Ok(Verdict::Legacy) | Err(Fault::TimedOut | Fault::Broken) => self.handshake(deadline).await,
            Err(fault) => Err(fault),
        }
    }

    async fn handshake(&self, deadline: Instant) -> Result<(Link, Connected), Fault> {
        match connected(self.legacy(), deadline).await {
            Err(Fault::Contradiction { reply, status }) => {
                // What the older transport says is of interest only if it works.
                let found = connected(self.sse(), deadline).await;
                found.map_err(|_| Fault::Contradiction { reply, status })
            }
            found => found,
        }
    }

    fn modern(&self) -> Link {
        Link::Modern(Modern::new(Arc::clone(&self.origin), self.herald.child()))
    }

    fn legacy(&self) -> Link {
        Link::Legacy(Legacy::new(Arc::clone(&self.origin), self.herald.child()))
    }

    fn sse(&self) -> Link {
        Link::Sse(Sse::new(Arc::clone(&self.origin), self.herald.child()))
    }
}

async fn connected(link: Link, deadline: Instant) -> Result<(Link, Connected), Fault> {
    let connected = link.connect(deadline).await?;
    Ok((link, connected))
}

#[cfg(test)]
mod tests;
