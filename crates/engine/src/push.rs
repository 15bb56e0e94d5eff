//! What is told to clients unasked: that lists changed, and that resources they subscribed to were updated.
//!
//! A [`Listener`] stands for one open stream. It asks the policy anew before everything that it tells, with the same
//! credential, whenever identities have changed since it last did: nobody hears of what they could not see in a
//! request. What counts as a change of a list is a change of what that list shows to this listener, whatever caused it.
//! A listener whose credential is no token cannot be asked again, so it ends when identities change.

pub mod elicited;
pub mod updates;

use std::{
    hash::{DefaultHasher, Hasher},
    net::IpAddr,
};

use domain::{Error, Owned, Result, Secret, permission::grant::ServersUse};

use crate::{
    authn::{self, ANONYMOUS, Credentials},
    catalogue::Kind,
    engine::Engine,
    listing,
    policy::{self, Act, Permit, Question, decide, methods::word},
    resolve::{self, Place},
};

/// Lists, by what clients are told of them: templates count as resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lists {
    /// `tools/list`
    pub tools: bool,
    /// `prompts/list`
    pub prompts: bool,
    /// `resources/list` and `resources/templates/list`
    pub resources: bool,
}

impl Lists {
    /// All of them.
    pub const ALL: Self = Self { tools: true, prompts: true, resources: true };

    /// Those that are in both.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        Self {
            tools: self.tools && other.tools,
            prompts: self.prompts && other.prompts,
            resources: self.resources && other.resources,
        }
    }

    /// The methods of the notifications that tell of them.
    pub fn methods(self) -> impl Iterator<Item = &'static str> {
        [
            (self.tools, "notifications/tools/list_changed"),
            (self.prompts, "notifications/prompts/list_changed"),
            (self.resources, "notifications/resources/list_changed"),
        ]
        .into_iter()
        .filter_map(|(told, method)| told.then_some(method))
    }
}

/// How a listener proves again who it is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// With its token.
    Token(Secret<String>),
    /// It cannot.
    None,
}

/// An open stream, as far as the rules go.
#[derive(Debug)]
pub struct Listener {
    engine: Engine,
    permit: Permit<ServersUse>,
    server: Option<String>,
    proof: Proof,
    ip: Option<IpAddr>,
    /// How things stood when the permit was made.
    standing: (i64, i64),
    prints: [u64; 3],
}

impl Listener {
    /// Listens in a place, from what its lists show now.
    pub fn new(
        engine: &Engine,
        permit: &Permit<ServersUse>,
        place: &Place,
        (proof, ip): (Proof, Option<IpAddr>),
    ) -> Self {
        let server = place.server().map(|server| server.id.as_str().to_owned());
        // The permit may be older than this stream; whoever can is asked anew before the first thing is told.
        let standing = if matches!(proof, Proof::Token(_)) { (-1, -1) } else { engine.standing() };
        let prints = prints(permit, place);
        Self { engine: engine.clone(), permit: permit.clone(), server, proof, ip, standing, prints }
    }

    /// Who is listening.
    pub fn actor(&self) -> &domain::Actor {
        self.permit.actor()
    }

    /// Which lists show something else than when they were last looked at. An error ends the stream: the credential,
    /// the permission or the place is gone.
    #[crate::boxed]
    pub async fn changes(&mut self) -> Result<Lists> {
        let place = self.place().await?;
        let now = prints(&self.permit, &place);
        let before = std::mem::replace(&mut self.prints, now);
        let [tools, prompts, resources] = [0, 1, 2].map(|list| before.get(list) != now.get(list));
        Ok(Lists { tools, prompts, resources })
    }

    /// Whether the listener could read this resource now.
    #[crate::boxed]
    pub async fn may_read(&mut self, uri: &str) -> Result<bool> {
        let place = self.place().await?;
        let permit = policy::narrow::<domain::permission::grant::ResourcesRead, _>(&self.permit);
        Ok(permit.is_ok_and(|permit| resolve::resource(&permit, &place, uri).is_ok()))
    }

    /// The permit and the place as they are now.
    #[crate::boxed]
    pub async fn current(&mut self) -> Result<(Permit<ServersUse>, Place)> {
        let place = self.place().await?;
        Ok((self.permit.clone(), place))
    }

    /// The place as it is now, for who the listener is now.
    async fn place(&mut self) -> Result<Place> {
        let standing = self.engine.standing();
        if standing != self.standing {
            self.permit = self.renewed().await?;
            self.standing = standing;
        }
        resolve::place(&self.engine, &self.permit, self.server.as_deref())
    }

    async fn renewed(&self) -> Result<Permit<ServersUse>> {
        let bearer = match &self.proof {
            Proof::Token(token) => Some(token.expose().as_str()),
            Proof::None if self.permit.actor().email == ANONYMOUS => None,
            Proof::None => return Err(Error::Unauthenticated("Invalid authentication credentials")),
        };
        let admitted =
            authn::authenticate(&self.engine, Credentials { bearer, ip: self.ip, mcp: true }).await?;
        policy::authorize(&admitted.actor)
    }
}

/// What the three lists show, each as a number.
fn prints(permit: &Permit<ServersUse>, place: &Place) -> [u64; 3] {
    [&[Kind::Tool][..], &[Kind::Prompt], &[Kind::Resource, Kind::Template]].map(|kinds| {
        let mut hasher = DefaultHasher::new();
        for kind in kinds {
            print(permit, place, *kind, &mut hasher);
        }
        hasher.finish()
    })
}

fn print(permit: &Permit<ServersUse>, place: &Place, kind: Kind, hasher: &mut DefaultHasher) {
    let question = Question::of(listing::permission(kind));
    if decide(permit.actor(), &question).is_err() {
        return;
    }
    let reaches = |row: &Owned| decide(permit.actor(), &question.about(word(kind), Act::Use, row)).is_ok();
    let prefix = place.server().map(|server| server.prefix).unwrap_or_default();
    for item in place.snapshot.list(place.server(), kind).iter().filter(|item| reaches(&item.owned)) {
        hasher.write(item.exposed(prefix).as_bytes());
        hasher.write_u64(item.digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_told() {
        let changed = Lists { tools: true, resources: true, ..Lists::default() };
        let wanted = Lists { tools: true, prompts: true, ..Lists::default() };
        let told: Vec<_> = changed.within(wanted).methods().collect();
        assert_eq!(told, ["notifications/tools/list_changed"]);
        assert_eq!(Lists::ALL.methods().count(), 3);
    }
}
