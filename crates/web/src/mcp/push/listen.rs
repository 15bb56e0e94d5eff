//! `subscriptions/listen`: the stream of a modern client, with what it asked for and nothing else.
//!
//! The first message says what is told. A resource that the client may not read, or whose server tells of no updates,
//! is left out there like one that does not exist.

use std::sync::Arc;

use domain::Error;
use engine::push::{
    Lists,
    updates::{self, Inbox, Subscription},
};
use protocol::{
    json::{self, RawObject},
    ladder::Refusal,
};
use serde_json::value::RawValue;

use super::feed::{Feed, Voice};
use crate::mcp::{dispatch::Incoming, endpoint::Request, reply::Reply};

/// Resources of one subscription.
const MOST: usize = 1000;

/// What a client wants to hear of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Filter {
    lists: Lists,
    resources: Vec<String>,
}

/// Opens the stream.
pub(crate) fn serve(request: &Request, incoming: Incoming<'_>) -> Reply {
    let (id, era) = (incoming.id, incoming.era);
    if !era.is_modern() {
        let refusal = Refusal::MethodNotFound(incoming.method.to_owned());
        return Reply::Refused { id: Some(id), refusal, era: Some(era) };
    }
    if !request.streams {
        return Reply::Refused { id: Some(id), refusal: Refusal::NotAcceptable, era: Some(era) };
    }
    let filter = match Filter::read(incoming.params.object().get("notifications")) {
        Ok(filter) => filter,
        Err(error) => return Reply::failed(id, error, era),
    };
    let app = request.auth.app.clone();
    let slot = match app.push().slots().take(&app, "subscription", &request.auth.actor().email) {
        Ok(slot) => slot,
        Err(error) => return Reply::failed(id, error, era),
    };
    let inbox = Arc::<Inbox>::default();
    let subscriptions = subscribe(request, &filter, &inbox);
    let accepted = acknowledgement(filter.lists, &subscriptions);
    let mut feed = Feed::new(request, Voice::Tagged(id), slot, inbox);
    feed.lists = filter.lists;
    feed.held = subscriptions;
    feed.say("notifications/subscriptions/acknowledged", accepted);
    Reply::Stream(feed.into_body())
}

fn subscribe(request: &Request, filter: &Filter, inbox: &Arc<Inbox>) -> Vec<Subscription> {
    let (engine, permit) = (request.auth.app.engine(), &request.auth);
    let uris = filter.resources.iter();
    uris.filter_map(|uri| updates::subscribe(engine, permit, &request.place, uri, inbox).ok()).collect()
}

fn acknowledgement(lists: Lists, subscriptions: &[Subscription]) -> RawObject<'static> {
    let mut told = RawObject::new();
    for (wanted, name) in [
        (lists.tools, "toolsListChanged"),
        (lists.prompts, "promptsListChanged"),
        (lists.resources, "resourcesListChanged"),
    ] {
        if wanted {
            told.set(name, RawValue::TRUE);
        }
    }
    let uris: Vec<&str> = subscriptions.iter().map(|subscription| &*subscription.uri).collect();
    if !uris.is_empty()
        && let Ok(uris) = serde_json::value::to_raw_value(&uris)
    {
        told.set("resourceSubscriptions", uris);
    }
    let mut params = RawObject::new();
    params.set("notifications", told.to_raw());
    params
}

impl Filter {
    fn read(given: Option<&RawValue>) -> Result<Self, Error> {
        let wrong = |what: &str| Error::invalid("notifications", what.to_owned());
        let given = given.ok_or_else(|| wrong("is required"))?;
        let object = RawObject::parse(given).map_err(|_| wrong("must be an object"))?;
        let flag = |name: &str| match object.get(name).map(RawValue::get) {
            None | Some("false" | "null") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::invalid(format!("notifications.{name}"), "must be true or false")),
        };
        let lists = Lists {
            tools: flag("toolsListChanged")?,
            prompts: flag("promptsListChanged")?,
            resources: flag("resourcesListChanged")?,
        };
        let field = "notifications.resourceSubscriptions";
        let mut resources = Vec::new();
        if let Some(uris) = object.get("resourceSubscriptions").filter(|uris| !json::is_null(uris)) {
            let uris = json::elements(uris).ok_or_else(|| Error::invalid(field, "must be a list"))?;
            if uris.len() > MOST {
                return Err(Error::invalid(field, format!("may have {MOST} entries at most")));
            }
            for uri in uris {
                let uri = json::as_text(uri).ok_or_else(|| Error::invalid(field, "must hold strings"))?;
                if !resources.iter().any(|known| *known == uri) {
                    resources.push(uri.into_owned());
                }
            }
        }
        Ok(Self { lists, resources })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Filter, Error> {
        Filter::read(Some(&RawValue::from_string(text.to_owned()).unwrap()))
    }

    #[test]
    fn a_filter_is_what_was_asked_for() {
        let filter =
            read(r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b","a:b","c:d"],"taskIds":["t"]}"#);
        let lists = Lists { tools: true, ..Lists::default() };
        assert_eq!(filter.unwrap(), Filter { lists, resources: vec!["a:b".to_owned(), "c:d".to_owned()] });
        assert_eq!(read("{}").unwrap(), Filter::default());
        for wrong in [
            "7",
            r#"{"toolsListChanged":1}"#,
            r#"{"resourceSubscriptions":"a"}"#,
            r#"{"resourceSubscriptions":[1]}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(Filter::read(None).is_err());
    }
}
