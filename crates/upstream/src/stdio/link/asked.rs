//! What a legacy server asks its client, in one life of a process that serves every principal.
//!
//! Such a request does not say which call it is about, unless it names a task. It is relayed where there is no doubt:
//! one request is under way, its client can be asked this, and no call of anybody else's was left unanswered of late,
//! because the server may still be working on it. (What a server asks about a call it writes before the answer, so a call
//! that was answered raises no doubt.) Everything else is refused at once. Calls are not serialised for this: a person
//! who thinks about a question must not hold up everybody else. A progress token in a question names nothing either: it
//! is the server's own, and may be the same number as one of ours by chance.
//! Invariant: no principal is asked another's question.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use protocol::{
    abilities::Abilities,
    json::RawObject,
    jsonrpc::{Id, Outcome},
    tasks,
};
use serde_json::value::RawValue;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::session::Session;
use crate::{
    ask::{self, Ask, PATIENCE},
    call::{CallContext, Event},
    hear::Ear,
    hop,
};

/// Calls left unanswered that are remembered one by one; with more of them, every question is in doubt for a while.
const MOST_LEFT: usize = 4096;

const NOBODY: &str = "No client can be asked through this gateway";
const DOUBT: &str = "It is not certain which client this is for: other calls are under way";
const UNABLE: &str = "The client of this call cannot be asked this";

/// What is declared in the one handshake of a process: what some caller may be able to answer. Roots are not, because
/// servers ask for them once and keep them, and here they would be one principal's for everybody.
pub(super) fn declared() -> Abilities {
    Abilities::FORM.with(Abilities::URL).with(Abilities::SAMPLING).with(Abilities::SAMPLING_TOOLS)
}

/// The requests that a process has not answered.
#[derive(Default)]
pub(super) struct Table {
    pub(super) waiting: HashMap<i64, Waiter>,
    pub(super) gone: bool,
    /// Calls that nobody waits for any more, whose they were, and since when.
    left: BTreeMap<i64, (Arc<str>, Instant)>,
    /// Until when all is in doubt.
    doubtful: Option<Instant>,
}

/// Who waits for an answer.
pub(super) struct Waiter {
    pub(super) outcome: oneshot::Sender<Outcome>,
    pub(super) events: Option<mpsc::Sender<Event>>,
    pub(super) caller: Option<Caller>,
}

/// On whose behalf a request is made.
pub(super) struct Caller {
    pub(super) ear: Ear,
    principal: Arc<str>,
    /// The task that the request is about.
    task: Option<String>,
    /// What its client was asked to do at a URL, of which the server may say that it is done.
    elicited: Vec<String>,
}

impl Caller {
    /// The caller of request `id`. Servers of the modern era ask nobody.
    pub(super) fn new(
        id: i64,
        (context, modern): (&CallContext, bool),
        (method, params): (&str, &RawValue),
    ) -> Self {
        let mut ear = Ear::new(id, context);
        if modern {
            ear.abilities = Abilities::NONE;
        }
        let task = method.starts_with("tasks/").then(|| text_of(Some(params), "taskId")).flatten();
        Self { ear, principal: Arc::clone(&context.principal), task, elicited: Vec::new() }
    }

    /// Whether it wants to hear more than the answer.
    pub(super) fn hears(&self) -> bool {
        self.ear.progress || self.ear.level.is_some() || !self.ear.abilities.is_empty()
    }
}

impl Table {
    /// Takes out whoever waits for an answer that came.
    pub(super) fn answered(&mut self, id: i64) -> Option<Waiter> {
        let waiter = self.waiting.remove(&id);
        if waiter.is_none() {
            self.left.remove(&id);
        }
        waiter
    }

    /// Notes that nobody waits for an answer any more; gives whether it is still to come. `sent` says whether the
    /// server has the request.
    pub(super) fn left(&mut self, id: i64, sent: bool) -> bool {
        let Some(waiter) = self.waiting.remove(&id) else { return false };
        let Some(caller) = waiter.caller.filter(|_| sent) else { return true };
        let now = Instant::now();
        while let Some(first) = self.left.first_entry().filter(|first| first.get().1 + PATIENCE < now) {
            first.remove();
        }
        if self.left.len() >= MOST_LEFT {
            self.left.clear();
            self.doubtful = Some(now + PATIENCE);
        }
        self.left.insert(id, (caller.principal, now));
        true
    }

    /// The one caller that a question must be for, or why there is none.
    fn whom(
        &mut self,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<&mut mpsc::Sender<Event>, &'static str> {
        let task = tasks::related_to(params);
        let now = Instant::now();
        let doubtful = self.doubtful.is_some_and(|until| until > now);
        let mut for_it = self.waiting.values_mut().filter(|waiter| {
            let about = waiter.caller.as_ref().and_then(|caller| caller.task.as_ref());
            task.is_none() || about == task.as_ref()
        });
        let waiter = match (for_it.next(), for_it.next()) {
            (None, _) => return Err(NOBODY),
            (Some(only), None) => only,
            _ => return Err(DOUBT),
        };
        let caller = waiter.caller.as_mut().ok_or(NOBODY)?;
        let others =
            |(whose, since): &(Arc<str>, Instant)| *whose != caller.principal && *since + PATIENCE > now;
        if task.is_none() && (doubtful || self.left.values().any(others)) {
            return Err(DOUBT);
        }
        let events = waiter.events.as_mut().filter(|_| caller.ear.abilities.allow(method, params));
        let events = events.ok_or(UNABLE)?;
        caller.elicited.extend(text_of(params, "elicitationId"));
        Ok(events)
    }

    /// Tells the caller whose client was asked to do something at a URL that it is done.
    pub(super) fn done_at_url(&self, method: &str, params: Option<&RawValue>) {
        let Some(id) = text_of(params, "elicitationId") else { return };
        let asked =
            |waiter: &&Waiter| waiter.caller.as_ref().is_some_and(|caller| caller.elicited.contains(&id));
        if let Some(events) = self.waiting.values().find(asked).and_then(|waiter| waiter.events.as_ref()) {
            let params = params.map(ToOwned::to_owned);
            drop(events.try_send(Event::Notification { method: method.to_owned(), params }));
        }
    }
}

impl Session {
    /// Takes a request of the server's. An answer that does not fit into the queue is dropped: a server that asks without
    /// reading gets none.
    pub(super) fn asked(self: &Arc<Self>, id: &Id, method: &str, params: Option<&RawValue>) {
        if method == "ping" {
            self.process.offer(hop::response(id, true));
            return;
        }
        let events = self.table().whom(method, params).cloned();
        match events {
            Err(why) => drop(self.process.offer(hop::refusal(id, why))),
            Ok(events) => {
                let (session, asked) = (Arc::downgrade(self), id.clone());
                let respond = move |outcome: Outcome| {
                    if let Some(session) = session.upgrade() {
                        session.process.offer(hop::answer(&asked, &outcome));
                    }
                };
                // One that does not fit is dropped, and refused with that.
                drop(events.try_send(Event::Asked(Ask::new(ask::question(id, method, params), respond))));
            }
        }
    }
}

fn text_of(params: Option<&RawValue>, key: &str) -> Option<String> {
    let object = RawObject::parse(params?).ok()?;
    object.text(key).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    /// Tables with calls under way, by id.
    struct Calls {
        table: Table,
        heard: BTreeMap<i64, mpsc::Receiver<Event>>,
    }

    impl Calls {
        fn none() -> Self {
            Self { table: Table::default(), heard: BTreeMap::new() }
        }

        fn begin(&mut self, id: i64, who: &str, (method, params): (&str, &str)) {
            let mut context = CallContext::plain(who);
            context.abilities = Abilities::FORM;
            let caller = Caller::new(id, (&context, false), (method, &raw(params)));
            let (events, heard) = mpsc::channel(8);
            let waiter = Waiter { outcome: oneshot::channel().0, events: Some(events), caller: Some(caller) };
            self.table.waiting.insert(id, waiter);
            self.heard.insert(id, heard);
        }

        fn call(&mut self, id: i64, who: &str) {
            self.begin(id, who, ("tools/call", "{}"));
        }

        /// Whom a question reaches.
        fn ask(&mut self, params: &str) -> Result<i64, &'static str> {
            let events = self.table.whom("elicitation/create", Some(&raw(params)))?.clone();
            events.try_send(Event::Done(Ok(raw("{}")))).unwrap();
            Ok(self.heard.iter_mut().find_map(|(id, heard)| heard.try_recv().is_ok().then_some(*id)).unwrap())
        }
    }

    #[test]
    fn a_question_is_for_the_only_call_and_for_nobody_where_there_are_two() {
        let mut calls = Calls::none();
        assert_eq!(calls.ask("{}"), Err(NOBODY));
        calls.call(1, "ann");
        assert_eq!(calls.ask("{}"), Ok(1));
        assert_eq!(calls.ask(r#"{"mode":"url"}"#), Err(UNABLE));
        calls.call(2, "ann");
        assert_eq!(calls.ask("{}"), Err(DOUBT), "not even of one principal");
        // A token is the server's own, whatever number it is.
        assert_eq!(calls.ask(r#"{"_meta":{"progressToken":2}}"#), Err(DOUBT));
        calls.table.answered(1);
        assert_eq!(calls.ask("{}"), Ok(2));
    }

    #[test]
    fn what_somebody_else_left_unanswered_raises_a_doubt_until_it_is_answered() {
        let mut calls = Calls::none();
        calls.call(1, "ann");
        assert!(calls.table.left(1, true) && !calls.table.left(1, true));
        calls.call(2, "ann");
        assert_eq!(calls.ask("{}"), Ok(2), "her own");
        calls.table.answered(2);
        calls.call(3, "bob");
        assert_eq!(calls.ask("{}"), Err(DOUBT));
        calls.table.answered(1);
        assert_eq!(calls.ask("{}"), Ok(3));
        calls.call(4, "ann");
        calls.table.left(4, false);
        assert_eq!(calls.ask("{}"), Ok(3), "the server never got it");
    }

    #[test]
    fn a_question_that_names_a_task_is_for_whoever_waits_for_that() {
        let about = |task: &str| {
            format!(r#"{{"_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":"{task}"}}}}}}"#)
        };
        let mut calls = Calls::none();
        calls.call(1, "ann");
        calls.begin(2, "bob", ("tasks/result", r#"{"taskId":"t"}"#));
        assert_eq!(calls.ask(&about("t")), Ok(2));
        assert_eq!(calls.ask(&about("other")), Err(NOBODY), "never the next best");
        assert_eq!(calls.ask("{}"), Err(DOUBT));
    }

    #[test]
    fn with_too_many_unanswered_calls_everything_is_in_doubt() {
        let mut calls = Calls::none();
        for id in 0..=i64::try_from(MOST_LEFT).unwrap() {
            calls.call(id, "ann");
            calls.table.left(id, true);
        }
        assert!(calls.table.left.len() < MOST_LEFT);
        calls.call(10_000, "ann");
        assert_eq!(calls.ask("{}"), Err(DOUBT));
    }
}
