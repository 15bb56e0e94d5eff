//! The rounds of a call whose server needs input: what is asked, what was answered, and the request of the next round.
//!
//! A modern server answers `input_required` and is asked again with the answers. Towards a legacy client these are
//! requests of the server's, so somebody has to hold the call together: [`Rounds`] does, without sockets or clocks.
//! Invariant: the server is asked again only after every question of the round was answered, and at most [`MOST`] times.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    abilities::Abilities,
    json::{self, JsonError, RawObject},
    jsonrpc::Outcome,
};

/// How many rounds one call may take.
pub const MOST: u32 = 10;

const RESPONSES: &str = "inputResponses";
const STATE: &str = "requestState";

/// One question of a server's to the client.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the server calls it.
    pub key: String,
    /// One of the three methods that may be asked.
    pub method: String,
    /// Its parameters.
    pub params: Option<Box<RawValue>>,
}

/// What follows from a result.
#[derive(Debug)]
pub enum Step {
    /// It is the result of the call.
    Over,
    /// The client has to answer these first.
    Ask(Vec<Question>),
    /// The server wants to be asked again, later; this is the number of the round.
    Again(u32),
    /// The call cannot go on; says why.
    Stuck(String),
}

/// The rounds of one call of a legacy client to a modern server.
#[derive(Debug)]
pub struct Rounds {
    can: Abilities,
    round: u32,
    state: Option<Box<RawValue>>,
    open: Vec<(String, bool)>,
    answers: Vec<(String, Box<RawValue>)>,
}

impl Rounds {
    /// The rounds of a call whose client can be asked this.
    pub fn new(can: Abilities) -> Self {
        Self { can, round: 0, state: None, open: Vec::new(), answers: Vec::new() }
    }

    /// Takes the result of a round.
    pub fn result(&mut self, result: &RawValue) -> Result<Step, JsonError> {
        let object = RawObject::parse(result)?;
        if object.text("resultType").is_none_or(|kind| kind != "input_required") {
            return Ok(Step::Over);
        }
        self.round += 1;
        if self.round > MOST {
            return Ok(Step::Stuck(format!("the server asked for input more than {MOST} times")));
        }
        self.state = object.get(STATE).map(ToOwned::to_owned);
        self.answers.clear();
        self.open.clear();
        let questions = match questions(&object)? {
            None if self.state.is_none() => {
                return Ok(Step::Stuck("the server asks for input without saying which".to_owned()));
            }
            None => return Ok(Step::Again(self.round)),
            Some(questions) => questions,
        };
        let refused = questions.iter().find(|one| !self.can.allow(&one.method, one.params.as_deref()));
        if let Some(refused) = refused {
            let method: String = refused.method.chars().take(60).collect();
            return Ok(Step::Stuck(format!("the server asks for {method}, which the client cannot answer")));
        }
        let form = |one: &Question| (one.key.clone(), one.method == "elicitation/create");
        self.open = questions.iter().map(form).collect();
        Ok(Step::Ask(questions))
    }

    /// Takes an answer of the client's; gives whether the round is complete, or why the call cannot go on. An
    /// elicitation that failed counts as cancelled, because there is an answer that says so.
    pub fn answer(&mut self, key: &str, outcome: Outcome) -> Result<bool, String> {
        let Some(at) = self.open.iter().position(|(open, _)| open == key) else {
            return Ok(self.open.is_empty());
        };
        let (key, elicitation) = self.open.swap_remove(at);
        let answer = match outcome {
            Ok(answer) => answer,
            Err(_) if elicitation => cancelled(),
            Err(error) => {
                let message: String = error.message.chars().take(200).collect();
                return Err(format!("the client refused to answer (error {}: {message})", error.code));
            }
        };
        self.answers.push((key, answer));
        Ok(self.open.is_empty())
    }

    /// The parameters of the next round: those of the call with the answers and the server's state.
    pub fn next(&mut self, params: &RawValue) -> Result<Box<RawValue>, JsonError> {
        let mut object = without_input(params)?;
        let answers = std::mem::take(&mut self.answers);
        if !answers.is_empty() {
            let mut responses = RawObject::new();
            for (key, answer) in answers {
                responses.set(key, answer);
            }
            object.set(RESPONSES, responses.to_raw());
        }
        if let Some(state) = self.state.take() {
            object.set(STATE, state);
        }
        Ok(object.to_raw())
    }
}

/// The questions in a result; `None` where there are none.
pub fn questions(result: &RawObject<'_>) -> Result<Option<Vec<Question>>, JsonError> {
    let Some(requests) = result.get("inputRequests").filter(|requests| !json::is_null(requests)) else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for (key, request) in RawObject::parse(requests)?.iter() {
        let request = RawObject::parse(request)?;
        let method = request.text("method").unwrap_or_default().into_owned();
        let params = request.get("params").map(ToOwned::to_owned);
        found.push(Question { key: key.to_owned(), method, params });
    }
    Ok((!found.is_empty()).then_some(found))
}

/// A result that asks a modern client, with what it has to bring back.
pub fn input_required(questions: &[Question], state: &str) -> Box<RawValue> {
    let mut requests = RawObject::new();
    for question in questions {
        let mut request = RawObject::new();
        request.set_text("method", &question.method);
        match &question.params {
            Some(params) => request.set("params", &**params),
            None => request.set("params", RawObject::new().to_raw()),
        }
        requests.set(question.key.as_str(), request.to_raw());
    }
    let mut object = RawObject::new();
    object.set_text("resultType", "input_required");
    object.set("inputRequests", requests.to_raw());
    object.set_text(STATE, state);
    object.to_raw()
}

/// The state in a result that asks for input.
pub fn state_of(result: &RawValue) -> Option<String> {
    if !result.get().contains("input_required") {
        return None;
    }
    let object = RawObject::parse(result).ok()?;
    let asks = object.text("resultType").is_some_and(|kind| kind == "input_required");
    object.text(STATE).filter(|_| asks).map(Cow::into_owned)
}

/// The same result or parameters with another state.
pub fn with_state(text: &RawValue, state: &str) -> Result<Box<RawValue>, JsonError> {
    let mut object = RawObject::parse(text)?;
    object.set_text(STATE, state);
    Ok(object.to_raw())
}

/// Parameters without what belongs to rounds: for servers that have none.
pub fn without_input(params: &RawValue) -> Result<RawObject<'_>, JsonError> {
    let mut object = RawObject::parse(params)?;
    remove_input(&mut object);
    Ok(object)
}

/// Takes out of parameters what belongs to rounds.
pub fn remove_input(params: &mut RawObject<'_>) {
    params.remove(RESPONSES);
    params.remove(STATE);
}

/// Gives parameters a state.
pub fn set_state(params: &mut RawObject<'_>, state: &str) {
    params.set_text(STATE, state);
}

/// The answer to an elicitation that nobody could or would give.
pub fn cancelled() -> Box<RawValue> {
    let mut object = RawObject::new();
    object.set_text("action", "cancel");
    object.to_raw()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jsonrpc::RpcError;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    fn all() -> Abilities {
        Abilities::from_bits(u8::MAX)
    }

    const ASKS: &str = r#"{"resultType":"input_required","inputRequests":{
        "name":{"method":"elicitation/create","params":{"message":"?","x":1e400}},
        "dirs":{"method":"roots/list"}},"requestState":"s1"}"#;

    #[test]
    fn a_round_ends_with_the_last_answer_and_goes_back_as_it_came() {
        let mut rounds = Rounds::new(all());
        let Step::Ask(questions) = rounds.result(&raw(ASKS)).unwrap() else { panic!("questions") };
        assert_eq!(questions.len(), 2);
        assert_eq!(questions[0].params.as_ref().unwrap().get(), r#"{"message":"?","x":1e400}"#);
        assert_eq!(rounds.answer("dirs", Ok(raw(r#"{"roots":[ ]}"#))), Ok(false));
        assert_eq!(rounds.answer("unknown", Ok(raw("{}"))), Ok(false));
        assert_eq!(rounds.answer("name", Ok(raw(r#"{"action":"accept"}"#))), Ok(true));
        let params = raw(r#"{"name":"t","arguments":{"n":1e400},"inputResponses":{"old":1}}"#);
        let next = rounds.next(&params).unwrap();
        assert_eq!(
            next.get(),
            r#"{"name":"t","arguments":{"n":1e400},"inputResponses":{"dirs":{"roots":[ ]},"name":{"action":"accept"}},"requestState":"s1"}"#
        );
        assert!(matches!(rounds.result(&raw(r#"{"content":[]}"#)).unwrap(), Step::Over));
    }

    #[test]
    fn a_refused_elicitation_is_cancelled_and_another_refusal_ends_the_call() {
        let mut rounds = Rounds::new(all());
        rounds.result(&raw(ASKS)).unwrap();
        assert_eq!(rounds.answer("name", Err(RpcError::new(-1, "no"))), Ok(false));
        let why = rounds.answer("dirs", Err(RpcError::new(-32601, "none"))).unwrap_err();
        assert!(why.contains("-32601") && why.contains("none"), "{why}");
    }

    #[test]
    fn what_the_client_cannot_answer_is_not_asked() {
        let mut rounds = Rounds::new(Abilities::FORM);
        let Step::Stuck(why) = rounds.result(&raw(ASKS)).unwrap() else { panic!("stuck") };
        assert!(why.contains("roots/list"), "{why}");
        let nothing = raw(r#"{"resultType":"input_required"}"#);
        assert!(matches!(rounds.result(&nothing).unwrap(), Step::Stuck(_)));
    }

    #[test]
    fn a_server_cannot_ask_for_ever() {
        let mut rounds = Rounds::new(all());
        let later = raw(r#"{"resultType":"input_required","requestState":"busy"}"#);
        for round in 1..=MOST {
            assert!(matches!(rounds.result(&later).unwrap(), Step::Again(number) if number == round));
            assert_eq!(rounds.next(&raw("{}")).unwrap().get(), r#"{"requestState":"busy"}"#);
        }
        assert!(matches!(rounds.result(&later).unwrap(), Step::Stuck(_)));
    }

    #[test]
    fn states_are_found_and_replaced() {
        let asks = raw(ASKS);
        assert_eq!(state_of(&asks).as_deref(), Some("s1"));
        assert_eq!(state_of(&with_state(&asks, "sealed").unwrap()).as_deref(), Some("sealed"));
        let imitated = raw(r#"{"content":["input_required"],"requestState":"s"}"#);
        assert_eq!(state_of(&imitated), None);
        let params = raw(r#"{"name":"t","requestState":"s","inputResponses":null}"#);
        assert_eq!(without_input(&params).unwrap().to_raw().get(), r#"{"name":"t"}"#);
    }

    proptest! {
        /// What the gateway asks a modern client is what it read from a server, whatever the names are.
        #[test]
        fn questions_survive_the_way_through(keys in prop::collection::btree_set(".{1,8}", 1..5), state in ".{0,20}") {
            let asked: Vec<Question> = keys
                .iter()
                .map(|key| Question { key: key.clone(), method: "roots/list".to_owned(), params: Some(raw("{}")) })
                .collect();
            let result = input_required(&asked, &state);
            prop_assert_eq!(state_of(&result), Some(state));
            let mut rounds = Rounds::new(all());
            let Step::Ask(read) = rounds.result(&result).unwrap() else { return Err(TestCaseError::fail("asks")) };
            prop_assert_eq!(read.len(), asked.len());
            let mut complete = false;
            for question in &read {
                prop_assert!(!complete, "complete before the last answer");
                prop_assert!(keys.contains(&question.key));
                complete = rounds.answer(&question.key, Ok(raw("{}"))).unwrap();
            }
            prop_assert!(complete);
        }
    }
}
