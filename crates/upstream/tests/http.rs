//! Links over HTTP to real servers: rmcp in both eras where servers behave, raw hyper where they do not.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows tests by their attribute, not what they share"
)]

#[path = "http/aside.rs"]
mod aside;
#[path = "http/egress.rs"]
mod egress;
#[path = "http/eras.rs"]
mod eras;
#[path = "http/hostile.rs"]
mod hostile;
#[path = "http/legacy.rs"]
mod legacy;
#[path = "http/modern.rs"]
mod modern;
#[path = "http/peer.rs"]
mod peer;
#[path = "http/raw.rs"]
mod raw;
#[path = "http/sse.rs"]
mod sse;

use std::{sync::Arc, time::Duration};

use domain::{
    Clock, Env, Secret,
    gateway::{ProtocolChoice, Transport, UpstreamAuth},
    id::GatewayId,
};
use futures_util::StreamExt;
use serde_json::{Value, json, value::to_raw_value};
use upstream::{
    Answer, Call, CallContext, Event, Outcome, Pool, PoolConfig, Target,
    egress::{Client, EgressSettings, Resolver},
};

/// Far beyond what anything here takes.
const PATIENT: Duration = Duration::from_mins(1);

/// A credential that must not turn up in any error.
const TOKEN: &str = "t0p-s3cret";

fn egress(vars: &[(&str, &str)], resolver: Resolver) -> Client {
    let mut env = Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Client::new(&EgressSettings::read(&mut env).unwrap(), resolver).unwrap()
}

fn pool_with(vars: &[(&str, &str)]) -> Pool {
    let vars = [&[("SSRF_ALLOW_LOCALHOST", "true")], vars].concat();
    Pool::new(PoolConfig::new(egress(&vars, Resolver::System), Clock::System))
}

fn pool() -> Pool {
    pool_with(&[])
}

fn target(url: &str) -> Target {
    Target {
        gateway: GatewayId::from_stored("g"),
        name: "Peer".to_owned(),
        url: url.to_owned(),
        transport: Transport::StreamableHttp,
        auth: UpstreamAuth::Bearer { token: Secret::new(TOKEN.to_owned()) },
        protocol: ProtocolChoice::Auto,
        dialect: None,
        revision: 1,
    }
}

fn tool(name: &str, arguments: &Value) -> Call {
    request("tools/call", &json!({"name": name, "arguments": arguments}))
}

fn request(method: &'static str, params: &Value) -> Call {
    Call {
        method: method.into(),
        params: to_raw_value(params).unwrap(),
        context: CallContext::plain("ann"),
        timeout: PATIENT,
    }
}

fn by(principal: &str, mut call: Call) -> Call {
    call.context.principal = Arc::from(principal);
    call
}

fn result(outcome: Outcome) -> Value {
    serde_json::from_str(outcome.unwrap().get()).unwrap()
}

async fn done(answer: upstream::pool::Pool, target: &Target, call: Call) -> Outcome {
    answer.call(&Arc::new(target.clone()), call).await.unwrap().outcome().await.unwrap()
}

/// The text of an error, which must not hold the credential.
async fn fails(pool: &Pool, target: &Target, call: Call) -> String {
    match pool.call(&Arc::new(target.clone()), call).await {
        Err(error) => {
            let text = format!("{error} {error:?}");
            assert!(!text.contains(TOKEN), "{text}");
            error.to_string()
        }
        Ok(answer) => panic!("answered {answer:?}"),
    }
}

/// All events of a stream: the notifications as texts, and the outcome.
async fn events(answer: Answer) -> (Vec<String>, Outcome) {
    let Answer::Stream(mut stream) = answer else { panic!("no stream: {answer:?}") };
    let mut notes = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Event::Notification { method, params } => {
                notes.push(format!("{method} {}", params.map_or_else(String::new, |p| p.get().to_owned())));
            }
            Event::Asked(ask) => panic!("{ask:?}"),
            Event::Done(outcome) => {
                assert!(stream.next().await.is_none(), "nothing follows the reply");
                return (notes, outcome);
            }
        }
    }
    panic!("the stream ended without a reply")
}
