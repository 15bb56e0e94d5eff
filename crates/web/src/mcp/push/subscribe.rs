//! `resources/subscribe` and `resources/unsubscribe`, which only legacy clients have.

use std::sync::Arc;

use domain::{Error, Result, permission::grant::ResourcesRead};
use engine::{policy, push::updates};
use protocol::json::RawObject;

use crate::mcp::{dispatch::Incoming, endpoint::Request, reply::Reply};

/// Serves both.
pub(crate) fn serve(request: &Request, incoming: Incoming<'_>) -> Reply {
    let uri = match incoming.params.required_text("uri") {
        Ok(uri) => uri.into_owned(),
        Err(refusal) => {
            return Reply::Refused { id: Some(incoming.id), refusal, era: Some(incoming.era) };
        }
    };
    let done = match incoming.method {
        "resources/subscribe" => subscribe(request, &uri),
        _ => unsubscribe(request, &uri),
    };
    match done {
        Ok(()) => Reply::done(incoming.id, Ok(RawObject::new().to_raw())),
        Err(error) => Reply::failed(incoming.id, error, incoming.era),
    }
}

fn subscribe(request: &Request, uri: &str) -> Result<()> {
    let auth = &request.auth;
    // Permission before everything else: whoever may not read learns nothing of what there is.
    policy::narrow::<ResourcesRead, _>(auth)?;
    let session = request.session.as_ref().ok_or_else(|| {
        Error::Refused("A subscription needs a session: send the Mcp-Session-Id of initialize".to_owned())
    })?;
    let state = auth.app.push().states().of(&session.key);
    if state.has(uri) {
        return Ok(());
    }
    let (engine, inbox) = (auth.app.engine(), Arc::clone(&state.inbox));
    state.add(updates::subscribe(engine, auth, &request.place, uri, &inbox)?);
    Ok(())
}

fn unsubscribe(request: &Request, uri: &str) -> Result<()> {
    let auth = &request.auth;
    policy::narrow::<ResourcesRead, _>(auth)?;
    if let Some(session) = &request.session
        && let Some(state) = auth.app.push().states().known(&session.key)
    {
        state.remove(uri);
    }
    Ok(())
}
