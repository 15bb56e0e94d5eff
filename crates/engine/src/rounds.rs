//! Calls whose upstream needs input from the client: the rounds of a modern upstream, as questions on one stream.
//!
//! A legacy client is asked on the stream of its call and answers while it waits, so the gateway holds such a call
//! together: it asks the upstream again with the answers. A modern client makes the request again itself; what the
//! upstream wants to have back (`requestState`) then goes through the client, and carries the upstream's id here so that
//! no other upstream is ever given it. Sealing is up to the front door. Invariant: nothing here starts a call anew.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use domain::{Error, Result, id::GatewayId, permission::grant::ServersUse};
use futures_util::{StreamExt, stream};
use protocol::{
    abilities::{self, Abilities},
    json::RawObject,
    jsonrpc::{Outcome, RpcError},
    ladder,
    rounds::{self, Rounds, Step},
    version,
};
use serde_json::value::RawValue;
use tokio::{sync::mpsc, time::timeout};
use upstream::{
    Pool, Target,
    ask::{self, Ask},
    call::{Answer, Call, Event, EventStream},
};

use crate::{engine::Engine, policy::Permit};

/// How long to wait before a busy upstream is asked again, for each round.
const BUSY: Duration = Duration::from_millis(200);

/// How the client of a call can be asked for input.
#[derive(Debug, Clone)]
pub enum Asking {
    /// On the stream of its call, where it waits for the answer. Legacy clients; [`Abilities::NONE`] is never asked.
    OnStream(Abilities),
    /// It makes the request again with the answers. Modern clients.
    ByRetry {
        /// Its `ClientCapabilities`, as it declared them.
        declared: Box<RawValue>,
        /// Whether this request brings a state along, which the front door has opened.
        resumes: bool,
    },
}

impl Default for Asking {
    fn default() -> Self {
        Self::OnStream(Abilities::NONE)
    }
}

impl Asking {
    /// What legacy upstreams may ask, and what modern ones are told; with `tasks`, that the client has that extension.
    pub(crate) fn declared(&self, tasks: bool) -> (Abilities, Box<RawValue>) {
        match self {
            Self::OnStream(can) => (*can, can.to_raw()),
            Self::ByRetry { declared, .. } => {
                let told = if tasks { declared.clone() } else { abilities::forwarded(declared) };
                (Abilities::read(declared, version::MODERN), told)
            }
        }
    }

    /// Whether it is a modern client.
    pub(crate) fn is_modern(&self) -> bool {
        matches!(self, Self::ByRetry { .. })
    }
}

/// The state in a result, with the upstream that it is for.
pub(crate) fn address_state(outcome: Outcome, gateway: &GatewayId) -> Outcome {
    let result = outcome?;
    let Some(state) = rounds::state_of(&result) else { return Ok(result) };
    let addressed = rounds::with_state(&result, &format!("{gateway}:{state}"));
    Ok(addressed.unwrap_or(result))
}

/// Puts the state into parameters as the upstream gave it, if it was this one.
pub(crate) fn deliver_state(params: &mut RawObject<'_>, gateway: &GatewayId) -> Result<()> {
    let state = params.text("requestState").unwrap_or_default();
    let own = state.strip_prefix(gateway.as_str()).and_then(|rest| rest.strip_prefix(':'));
    let own = own.ok_or_else(|| Error::invalid("requestState", "is not valid for this request"))?.to_owned();
    rounds::set_state(params, &own);
    Ok(())
}

/// An answer for a client that is asked on its stream: one that asks for input becomes questions, then the answer.
pub(crate) fn hold_together(
    pool: Pool,
    target: Arc<Target>,
    call: Call,
    (can, answer): (Abilities, Answer),
) -> Answer {
    let first = match answer {
        Answer::Done(Ok(result)) if protocol::result::asks_for_input(&result) => {
            EventStream::new(stream::iter([Event::Done(Ok(result))]))
        }
        Answer::Done(outcome) => return Answer::Done(outcome),
        Answer::Stream(events) => events,
    };
    let (sender, answers) = mpsc::unbounded_channel();
    let talk = Talk {
        pool,
        target,
        call,
        rounds: Rounds::new(can),
        ready: VecDeque::new(),
        stage: Stage::Reading(first),
        answers,
        sender,
    };
    let events = stream::unfold(talk, |mut talk| async move { talk.next().await.map(|event| (event, talk)) });
    Answer::Stream(EventStream::new(events))
}

enum Stage {
    /// Reading what the upstream says.
    Reading(EventStream),
    /// Waiting for the client's answers.
    Waiting,
    /// The last event was given out.
    Over,
}

struct Talk {
    pool: Pool,
    target: Arc<Target>,
    call: Call,
    rounds: Rounds,
    ready: VecDeque<Event>,
    stage: Stage,
    answers: mpsc::UnboundedReceiver<(String, Outcome)>,
    sender: mpsc::UnboundedSender<(String, Outcome)>,
}

impl Talk {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            match &mut self.stage {
                Stage::Over => return None,
                Stage::Waiting => self.wait().await,
                Stage::Reading(events) => match events.next().await {
                    Some(Event::Done(outcome)) => self.ended(outcome).await,
                    event => return event,
                },
            }
        }
    }

    /// A round ended.
    async fn ended(&mut self, outcome: Outcome) {
        let result = match outcome {
            Ok(result) => result,
            Err(error) => return self.finish(Err(error)),
        };
        match self.rounds.result(&result) {
            Ok(Step::Over) => self.finish(Ok(result)),
            Ok(Step::Stuck(why)) => {
                let outcome = self.stuck(why);
                self.finish(outcome);
            }
            Ok(Step::Again(round)) => {
                tokio::time::sleep(BUSY * round).await;
                self.again().await;
            }
            Ok(Step::Ask(questions)) => {
                self.stage = Stage::Waiting;
                for question in questions {
                    let (sender, key) = (self.sender.clone(), question.key.clone());
                    // Nobody listens any more where the call has ended.
                    let respond = move |outcome| drop(sender.send((key, outcome)));
                    self.ready.push_back(Event::Asked(Ask::new(question, respond)));
                }
            }
            Err(error) => self.finish(Err(failed(format!("the upstream's result is malformed: {error}")))),
        }
    }

    async fn wait(&mut self) {
        // The sender is held here, so the channel does not end.
        let Ok(Some((key, outcome))) = timeout(ask::PATIENCE, self.answers.recv()).await else {
            return self.finish(Err(failed("the client did not answer in time".to_owned())));
        };
        match self.rounds.answer(&key, outcome) {
            Ok(true) => self.again().await,
            Ok(false) => {}
            Err(why) => self.finish(Err(failed(why))),
        }
    }

    /// Begins the next round.
    async fn again(&mut self) {
        let params = match self.rounds.next(&self.call.params) {
            Ok(params) => params,
            Err(error) => return self.finish(Err(failed(error.to_string()))),
        };
        let call = Call { params, ..self.call.clone() };
        match self.pool.call(&self.target, call).await {
            Ok(Answer::Stream(events)) => self.stage = Stage::Reading(events),
            Ok(Answer::Done(outcome)) => {
                self.stage = Stage::Reading(EventStream::new(stream::iter([Event::Done(outcome)])));
            }
            Err(error) => self.finish(Err(failed(error.to_string()))),
        }
    }

    /// A call that cannot go on. Of a tool, the model should read why.
    fn stuck(&self, why: String) -> Outcome {
        if self.call.method == "tools/call" { Ok(tool_error(&why)) } else { Err(failed(why)) }
    }

    fn finish(&mut self, outcome: Outcome) {
        self.stage = Stage::Over;
        self.ready.push_back(Event::Done(outcome));
    }
}

/// Tells the upstreams which may ask this client for its roots that these changed.
pub fn roots_changed(engine: &Engine, permit: &Permit<ServersUse>) {
    engine.pool().roots_changed(&permit.actor().email);
}

/// The result of a tool that failed.
pub fn tool_error(text: &str) -> Box<RawValue> {
    let result = serde_json::json!({ "content": [{ "type": "text", "text": text }], "isError": true });
    serde_json::value::to_raw_value(&result).unwrap_or_else(|_| RawObject::new().to_raw())
}

fn failed(why: String) -> RpcError {
    RpcError::new(ladder::INTERNAL_ERROR, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_goes_back_to_the_upstream_that_it_is_from() {
        let (ours, theirs) = (GatewayId::random(), GatewayId::random());
        let result = r#"{"resultType":"input_required","requestState":"a:b"}"#;
        let result: Box<RawValue> = serde_json::from_str(result).unwrap();
        let result = address_state(Ok(result), &ours).unwrap();
        let state = rounds::state_of(&result).unwrap();
        assert_ne!(state, "a:b");
        let mut params = RawObject::parse(r#"{"name":"t"}"#).unwrap();
        rounds::set_state(&mut params, &state);
        assert!(deliver_state(&mut params, &theirs).is_err());
        deliver_state(&mut params, &ours).unwrap();
        assert_eq!(params.to_raw().get(), r#"{"name":"t","requestState":"a:b"}"#);
    }
}
