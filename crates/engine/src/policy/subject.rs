//! Whose decision is explained: one's own credential, another token, or a person as a session of theirs would be.
//!
//! Everybody may ask about themselves; asking about somebody else needs `admin.security_audit`. A token that is
//! asked about is verified as any other, and is neither remembered nor written down.

use std::{net::IpAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Actor, Error, Outcome, Permission, PermissionSet, Result, Secret, Timestamp, TraceStep};

use super::{Question, Restriction, check};
use crate::{
    Engine,
    authn::{self, token::Claims},
    people,
};

/// Whose decision.
#[derive(Debug)]
pub enum Subject {
    /// The credential of whoever asks.
    Myself,
    /// A raw token.
    Token(Secret<String>),
    /// A person, as a new session of theirs would be.
    Person(String),
}

/// What is known of a subject.
pub(super) struct Known {
    /// The e-mail address, where the credential proves one.
    pub(super) email: Option<String>,
    /// Whether it is the one who asks.
    pub(super) own: bool,
    /// The credential as the policy sees it, and what of it stands against the request; or why it is none.
    pub(super) standing: Standing,
}

pub(super) enum Standing {
    Good(Arc<Actor>, Option<Restriction>),
    Refused(TraceStep),
}

/// Looks a subject up. `ip` is where the request in question comes from; without it, limits on addresses do not
/// stand against it.
pub(super) async fn look_up(
    engine: &Engine,
    asking: &Arc<Actor>,
    subject: &Subject,
    ip: Option<IpAddr>,
) -> Result<Known> {
    let known = match subject {
        Subject::Myself => {
            let standing = Standing::Good(Arc::clone(asking), None);
            return Ok(Known { email: Some(asking.email.clone()), own: true, standing });
        }
        Subject::Person(email) => {
            let email = email.trim().to_lowercase();
            let own = email == asking.email;
            if !own {
                may_ask(asking)?;
            }
            let standing = person(engine, &email).await?;
            return Ok(Known { email: Some(email), own, standing });
        }
        Subject::Token(token) => of_token(engine, token, ip).await?,
    };
    let own = known.email.as_ref() == Some(&asking.email);
    // Of a token that proves nobody there is nothing to tell.
    if !own && known.email.is_some() {
        may_ask(asking)?;
    }
    Ok(Known { own, ..known })
}

/// Refuses questions about somebody else to whoever has no business with them.
pub(super) fn may_ask(asking: &Actor) -> Result<()> {
    check(asking, &Question::of(Permission::AdminSecurityAudit))
}

async fn person(engine: &Engine, email: &str) -> Result<Standing> {
    let Some(user) = store::users::by_email(engine.db(), email).await? else {
        return Err(Error::not_found("User", email));
    };
    if !user.is_active {
        return Ok(refused("The account is switched off.", "Switch the account on again."));
    }
    let claims = Claims { token_use: Some("session".to_owned()), ..Claims::default() };
    let rights = people::rights_of(engine, &user).await?;
    let actor = authn::assemble(user, claims, rights, (PermissionSet::ALL, None))?;
    Ok(Standing::Good(Arc::new(actor), None))
}

async fn of_token(engine: &Engine, token: &Secret<String>, ip: Option<IpAddr>) -> Result<Known> {
    let now = engine.clock().now();
    let unknown = |standing| Known { email: None, own: false, standing };
    let (claims, untimely) = match engine.token_keys().verify(token.expose(), now) {
        Ok(claims) => (claims, None),
        Err(Error::Unauthenticated(_)) => match at_another_time(engine, token.expose(), now) {
            Some((claims, step)) => (claims, Some(step)),
            None => {
                return Ok(unknown(refused(
                    "This is no token that counts here: its signature, issuer, audience, environment or form is wrong.",
                    "Make a token with this gateway, or check JWT_ISSUER, JWT_AUDIENCE and the key that signed it.",
                )));
            }
        },
        Err(error) => return Err(error),
    };
    let email = people::user_of(engine, &claims).await?.map(|user| user.email);
    let known = |standing| Known { email, own: false, standing };
    if let Some(step) = untimely {
        return Ok(known(Standing::Refused(step)));
    }
    match authn::resolve(engine, claims, &authn::sha256(token.expose().as_bytes())).await {
        Ok(found) => {
            // Without an address, limits on addresses are not asked about.
            let against = found.restrictions.check(ip, now).err();
            let restriction = against.filter(|against| ip.is_some() || *against != Restriction::Network);
            Ok(known(Standing::Good(Arc::new(found.actor), restriction)))
        }
        Err(Error::Unauthenticated(why)) => Ok(known(why_not(why))),
        Err(Error::Decided(denial)) => {
            let step = denial.trace.into_iter().find(|step| step.outcome == Outcome::Denied);
            Ok(known(step.map_or_else(|| why_not(""), Standing::Refused)))
        }
        Err(Error::Forbidden { .. }) => Ok(known(why_not(""))),
        Err(error) => Err(error),
    }
}

/// The claims of a token that would be good at a time which it names itself, and why it is not good now.
fn at_another_time(engine: &Engine, token: &str, now: Timestamp) -> Option<(Claims, TraceStep)> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    let time = |name: &str| claims.get(name).and_then(serde_json::Value::as_i64).map(Timestamp::from_seconds);
    let at = |time: Timestamp| engine.token_keys().verify(token, time).ok();
    let step = |why: String, change: &'static str| TraceStep {
        step: "credential",
        outcome: Outcome::Denied,
        why: why.into(),
        change: Some(change.into()),
    };
    if let Some(end) = time("exp").filter(|end| *end <= now) {
        let claims = at(Timestamp(end.0.saturating_sub(1_000_000)))?;
        return Some((
            claims,
            step(format!("The token ended at {end}."), "Make a new token, or log in again."),
        ));
    }
    let begin = time("nbf").filter(|begin| *begin > now)?;
    let change = "Wait, or set the clock of whoever makes tokens.";
    Some((at(begin)?, step(format!("The token is not good before {begin}."), change)))
}

fn why_not(why: &str) -> Standing {
    match why {
        "Token has been revoked" => refused("The token was revoked.", "Make a new token, or log in again."),
        "Account disabled" => refused("The account is switched off.", "Switch the account on again."),
        "The token has a restriction that cannot be read" => refused(
            "The token has a restriction on addresses, times or uses that this gateway cannot read.",
            "Make a token whose restrictions have the forms that POST /tokens takes.",
        ),
        _ => refused(
            "The token is well signed, and its person or its limits do not count here.",
            "Make a token for an account that exists, with limits that this gateway enforces.",
        ),
    }
}

fn refused(why: &'static str, change: &'static str) -> Standing {
    Standing::Refused(TraceStep {
        step: "credential",
        outcome: Outcome::Denied,
        why: why.into(),
        change: Some(change.into()),
    })
}
