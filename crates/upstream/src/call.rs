//! The words in which the rest of the program talks to upstreams, whatever their transport and era.
//!
//! Payloads stay the bytes that the peer wrote. Request ids and progress tokens never leave this crate: a request
//! has no id here, and a progress notification comes back without its token.
//! Invariant: an [`EventStream`] ends with exactly one [`Event::Done`] and nothing after it.

use std::{
    borrow::Cow,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use domain::{
    gateway::{Dialect, ProtocolChoice, Transport, UpstreamAuth},
    id::GatewayId,
};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use http::{HeaderName, HeaderValue};
use protocol::abilities::Abilities;
use serde_json::value::RawValue;

use crate::ask::Ask;

pub use protocol::jsonrpc::{Outcome, RpcError};

/// An upstream, as far as speaking with it goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// The gateway's id; pooled state is kept under it.
    pub gateway: GatewayId,
    /// Its name, for messages.
    pub name: String,
    /// Its URL, or `stdio:NAME` or `builtin:NAME`.
    pub url: String,
    /// How it is spoken to.
    pub transport: Transport,
    /// Credentials to present.
    pub auth: UpstreamAuth,
    /// What the operator wants of the era probe.
    pub protocol: ProtocolChoice,
    /// What an earlier probe found.
    pub dialect: Option<Dialect>,
    /// Changes with every change of the above; another revision replaces the pooled state.
    pub revision: i64,
}

/// One request to an upstream.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: Cow<'static, str>,
    /// The parameters, an object, with the upstream's own names in it. What `_meta` says of the caller's hop is written
    /// anew by the link.
    pub params: Box<RawValue>,
    /// On whose behalf.
    pub context: CallContext,
    /// How long the whole answer may take.
    pub timeout: Duration,
}

/// On whose behalf a request is made, and what that client wants to see of it.
#[derive(Clone)]
pub struct CallContext {
    /// Who calls. Sessions of legacy upstreams are never shared between principals.
    pub principal: Arc<str>,
    /// Whether progress is wanted. A legacy upstream then gets a token, and the answer is a stream.
    pub progress: bool,
    /// The least severe log message that is wanted; none are passed on without it.
    pub log_level: Option<String>,
    /// The client's `clientInfo`.
    pub client_info: Option<Box<RawValue>>,
    /// What the client can do, as far as the gateway lets the upstream use it.
    pub capabilities: Box<RawValue>,
    /// The same as far as a legacy upstream may ask the client while it works on this call.
    pub abilities: Abilities,
    /// Headers to pass on.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// `Mcp-Param-*` headers, as `protocol::headers::param_values` gives them.
    pub param_headers: Vec<(String, String)>,
    /// W3C trace context of the gateway's own span.
    pub traceparent: Option<String>,
}

impl CallContext {
    /// A context for `principal` that asks for nothing special.
    pub fn plain(principal: impl Into<Arc<str>>) -> Self {
        Self {
            principal: principal.into(),
            progress: false,
            log_level: None,
            client_info: None,
            capabilities: empty_object(),
            abilities: Abilities::NONE,
            headers: Vec::new(),
            param_headers: Vec::new(),
            traceparent: None,
        }
    }

    /// Whose session with a legacy upstream this is: what a client can be asked is declared once in a session, so
    /// clients that can do different things have different ones. No principal has a line feed in its name.
    pub(crate) fn session_key(&self) -> Arc<str> {
        if self.abilities.is_empty() {
            return Arc::clone(&self.principal);
        }
        format!("{}\n{}", self.principal, self.abilities.bits()).into()
    }
}

/// Header values may be credentials, so only their names are printed.
impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("principal", &self.principal)
            .field("progress", &self.progress)
            .field("log_level", &self.log_level)
            .field("headers", &self.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// What an upstream says to a request.
#[derive(Debug)]
pub enum Answer {
    /// One reply.
    Done(Outcome),
    /// Notifications, then the reply.
    Stream(EventStream),
}

impl Answer {
    /// The reply, with the notifications before it left out.
    #[crate::boxed]
    pub async fn outcome(self) -> domain::Result<Outcome> {
        match self {
            Self::Done(outcome) => Ok(outcome),
            Self::Stream(mut events) => {
                while let Some(event) = events.next().await {
                    if let Event::Done(outcome) = event {
                        return Ok(outcome);
                    }
                }
                Err(domain::Error::upstream("the upstream closed the stream before it answered"))
            }
        }
    }
}

/// One message of a streamed answer.
#[derive(Debug)]
pub enum Event {
    /// A notification that belongs to the request.
    Notification {
        /// The method.
        method: String,
        /// The parameters, a progress token taken out.
        params: Option<Box<RawValue>>,
    },
    /// The upstream asks the client something before it goes on.
    Asked(Ask),
    /// The reply, the last event.
    Done(Outcome),
}

/// A streamed answer. Dropping it cancels the request upstream.
pub struct EventStream(BoxStream<'static, Event>);

impl EventStream {
    /// Takes a stream that ends with [`Event::Done`] and cancels the request when dropped before.
    pub fn new(events: impl Stream<Item = Event> + Send + 'static) -> Self {
        Self(events.boxed())
    }
}

impl Stream for EventStream {
    type Item = Event;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream")
    }
}

/// What an upstream says about itself.
#[derive(Debug, Clone)]
pub struct Connected {
    /// The revision that it speaks.
    pub dialect: Dialect,
    /// Its `capabilities`.
    pub capabilities: Box<RawValue>,
    /// Its `serverInfo`.
    pub server_info: Option<Box<RawValue>>,
    /// Its `instructions`.
    pub instructions: Option<String>,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    Templates,
}

impl ListKind {
    /// The method that lists it.
    pub fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Prompts => "prompts/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
        }
    }

    /// The member of the result that holds the items.
    pub fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    /// The capability without which there is nothing to list.
    pub fn capability(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources | Self::Templates => "resources",
        }
    }
}

/// Something happened to an upstream that nobody asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which upstream.
    pub gateway: GatewayId,
    /// What happened.
    pub change: Change,
}

/// A resource that somebody follows was updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Whose resource.
    pub gateway: GatewayId,
    /// Which one; `None` where any of them may have been.
    pub uri: Option<Arc<str>>,
}

/// What clients of a principal were asked to do at a URL is done, after the call that it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elicited {
    /// Whose clients.
    pub principal: Arc<str>,
    /// What the server calls it.
    pub id: String,
}

/// What happened to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Its tools changed.
    Tools,
    /// Its prompts changed.
    Prompts,
    /// Its resources or resource templates changed.
    Resources,
    /// It went away: the process ended or the stream of notices broke and does not come back.
    Lost,
}

impl Change {
    /// The change that a notification announces.
    pub fn of(method: &str) -> Option<Self> {
        match method {
            "notifications/tools/list_changed" => Some(Self::Tools),
            "notifications/prompts/list_changed" => Some(Self::Prompts),
            "notifications/resources/list_changed" => Some(Self::Resources),
            _ => None,
        }
    }
}

/// `{}`
pub(crate) fn empty_object() -> Box<RawValue> {
    protocol::json::RawObject::new().to_raw()
}
