//! `GET /reverse-proxy/ws`: the connection over which a program serves a gateway.
//!
//! Messages are ContextForge's: `register {server}` first, answered with `register_ack {sessionId}`; then the gateway sends
//! `request {payload}` and the program `response {payload}` and `notification {payload}`, each payload a message of MCP.
//! `published {gatewayId}` says that the tools are there, `error {message}` why not. `heartbeat` is echoed, `unregister`
//! ends it. Session ids are made here; one that a program names is not read. Whoever connects registers gateways, so it
//! takes `gateways.create`.

use std::time::Duration;

use axum::response::Response;
use domain::{Error, Result, id::GatewayId, permission::grant::GatewaysCreate};
use engine::{
    gateways::{self, Published},
    ownership::Wish,
    reverse_proxy::{About, Registered},
};
use protocol::json::RawObject;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use crate::{
    app::App,
    guard::Authorized,
    socket::{End, Heard, Socket, Upgrade},
};

/// How long a program may take to say what it serves.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked for a sign of life.
const PING: Duration = Duration::from_secs(30);
/// Signs of life that may be missing.
const MISSING: u32 = 2;
/// Bytes of the largest message, as of any server that writes lines.
const LARGEST: usize = 16 << 20;
/// Bytes on the way between the connection and its link.
const BUFFER: usize = 64 << 10;

pub(super) async fn open(auth: Authorized<GatewaysCreate>, upgrade: Upgrade) -> Response {
    upgrade.at_most(LARGEST).then(move |socket| serve(auth, socket))
}

async fn serve(auth: Authorized<GatewaysCreate>, mut socket: Socket) {
    let registered = match timeout(PATIENCE, register(&auth, &mut socket)).await {
        Ok(Ok(registered)) => registered,
        Ok(Err(error)) => {
            complain(&mut socket, &error).await;
            return socket.end(End::Policy).await;
        }
        Err(_) => return socket.end(End::Policy).await,
    };
    let (registered, published) = registered;
    let (near, far) = duplex(BUFFER);
    let (output, input) = split(far);
    let mut ticks = interval(PING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut program = Program {
        app: auth.app.clone(),
        socket,
        registered,
        output: BufReader::new(output),
        line: Vec::new(),
        input,
        ticks,
        silent: 0,
    };
    let end = program.run(&auth, (published, near)).await;
    let Program { app, socket, registered, .. } = program;
    let gateway = registered.served().cloned();
    drop(registered);
    if let Some(gateway) = gateway {
        gateways::withdraw(app.engine(), &gateway).await;
    }
    if let Some(end) = end {
        socket.end(end).await;
    }
}

/// Waits for the first message, and takes the program in.
async fn register(auth: &Authorized<GatewaysCreate>, socket: &mut Socket) -> Result<(Registered, Published)> {
    let text = loop {
        match socket.hear().await {
            Heard::Text(text) => break text,
            Heard::Alive => {}
            Heard::Binary | Heard::Over => {
                return Err(Error::invalid("", "the first message must be register"));
            }
        }
    };
    let message: Value = serde_json::from_str(&text).map_err(|_| Error::invalid("", "is no JSON"))?;
    if message.get("type").and_then(Value::as_str) != Some("register") {
        return Err(Error::invalid("type", "must be register at first"));
    }
    let of = |name: &str| message.get("server").and_then(|server| server.get(name)).and_then(Value::as_str);
    let name = of("name").ok_or_else(|| Error::invalid("server.name", "is required"))?.to_owned();
    let description = of("description").map(str::to_owned);
    let visibility = of("visibility").map(str::parse).transpose();
    let visibility = visibility.map_err(|problem| Error::invalid("server.visibility", problem))?;
    let wish = Wish { visibility, team_id: of("team_id").map(str::to_owned) };
    let about = About {
        name: name.clone(),
        description: description.clone(),
        protocol: of("protocol").map(str::to_owned),
    };
    let engine = auth.app.engine();
    let registry = engine.reverse_sessions();
    let registered = registry.register(auth.actor(), &auth.caller, about, engine.clock().now())?;
    let ack = json!({ "type": "register_ack", "status": "success", "sessionId": registered.id() });
    socket.say(ack.to_string()).await;
    Ok((registered, Published { name, description, wish }))
}

async fn complain(socket: &mut Socket, error: &Error) {
    let message = match error {
        Error::Internal(cause) | Error::Unavailable(cause) => {
            tracing::error!(cause, "a program could not be taken in");
            "The gateway could not take it in".to_owned()
        }
        error => error.to_string(),
    };
    socket.say(json!({ "type": "error", "message": message }).to_string()).await;
}

/// A connected program.
struct Program {
    app: App,
    socket: Socket,
    registered: Registered,
    /// What the link says to it.
    output: BufReader<ReadHalf<DuplexStream>>,
    line: Vec<u8>,
    /// What it says to the link.
    input: WriteHalf<DuplexStream>,
    ticks: Interval,
    silent: u32,
}

impl Program {
    /// Until one side ends it; says why, where that is this side.
    #[expect(clippy::cognitive_complexity, reason = "it is the select macro that branches")]
    async fn run(
        &mut self,
        auth: &Authorized<GatewaysCreate>,
        what: (Published, DuplexStream),
    ) -> Option<End> {
        let engine = auth.app.engine().clone();
        let publishing = gateways::publish(&engine, auth, &auth.caller, what, self.registered.mark());
        let mut publishing = Some(Box::pin(publishing));
        let ended = self.registered.ended().clone();
        loop {
            tokio::select! {
                _ = auth.credential.ended(&engine) => return Some(End::Policy),
                () = ended.cancelled() => return Some(End::Policy),
                () = engine.draining().cancelled() => return Some(End::Stopping),
                outcome = async { match &mut publishing {
                    Some(publishing) => publishing.await,
                    None => std::future::pending().await,
                } } => {
                    publishing = None;
                    match outcome {
                        Ok(gateway) => self.published(&gateway.id, &gateway.name).await,
                        Err(error) => {
                            complain(&mut self.socket, &error).await;
                            return Some(End::Policy);
                        }
                    }
                }
                read = self.output.read_until(b'\n', &mut self.line) => {
                    // The link ended: the gateway was switched off, removed, or taken over by a newer connection.
                    if !matches!(read, Ok(read) if read > 0) || !self.ask().await {
                        return Some(End::Policy);
                    }
                }
                heard = self.socket.hear() => {
                    if let Some(end) = self.take(heard).await {
                        return end;
                    }
                }
                _ = self.ticks.tick() => {
                    self.silent += 1;
                    if self.silent > MISSING + 1 || !self.socket.ping().await {
                        return None;
                    }
                }
            }
        }
    }

    async fn published(&mut self, gateway: &GatewayId, name: &str) {
        let message = json!({ "type": "published", "gatewayId": gateway.as_str(), "name": name });
        self.socket.say(message.to_string()).await;
    }

    /// Passes a message of the link's on.
    async fn ask(&mut self) -> bool {
        let line = std::mem::take(&mut self.line);
        let Ok(payload) = serde_json::from_slice::<&serde_json::value::RawValue>(line.trim_ascii()) else {
            return true;
        };
        let mut message = RawObject::new();
        message.set_text("type", "request");
        message.set_text("sessionId", self.registered.id());
        message.set("payload", payload);
        self.socket.say(message.to_raw().get().to_owned()).await
    }

    /// Takes what the program says; `Some` where that is the end.
    async fn take(&mut self, heard: Heard) -> Option<Option<End>> {
        self.silent = 0;
        let now = self.app.engine().clock().now();
        self.registered.heard(now);
        let text = match heard {
            Heard::Text(text) => text,
            Heard::Alive => return None,
            Heard::Binary => return Some(Some(End::NoText)),
            Heard::Over => return Some(None),
        };
        let Ok(message) = RawObject::parse(text.as_str()) else {
            complain(&mut self.socket, &Error::invalid("", "is no JSON object")).await;
            return None;
        };
        match message.text("type").as_deref() {
            Some("response" | "notification" | "request") => {
                let mut line = message.get("payload")?.get().as_bytes().to_vec();
                line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
                line.push(b'\n');
                self.input.write_all(&line).await.is_err().then_some(Some(End::Policy))
            }
            Some("heartbeat") => {
                let echo = json!({ "type": "heartbeat", "timestamp": now.to_string() });
                (!self.socket.say(echo.to_string()).await).then_some(None)
            }
            Some("unregister") => Some(None),
            _ => {
                complain(&mut self.socket, &Error::invalid("type", "is not known")).await;
                None
            }
        }
    }
}
