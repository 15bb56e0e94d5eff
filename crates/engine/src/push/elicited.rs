//! What a principal's clients were asked to do at a URL, and is done after the call that it was for has ended.
//!
//! A server names it in the refusal of a call, and tells later in its session with that principal. Sessions with servers
//! are never shared between principals, but the clients of one principal may share one: each of them is told, and leaves
//! aside what it never heard of.

use domain::permission::grant::ServersUse;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use upstream::call::Elicited;

use crate::{engine::Engine, policy::Permit};

/// What is done from now on.
#[derive(Debug)]
pub struct Elicitations {
    receiver: Receiver<Elicited>,
    principal: String,
}

impl Elicitations {
    /// Those of the actor's clients.
    pub fn of(engine: &Engine, permit: &Permit<ServersUse>) -> Self {
        Self { receiver: engine.pool().elicited(), principal: permit.actor().email.clone() }
    }

    /// What servers call the next thing that is done.
    #[crate::boxed]
    pub async fn next(&mut self) -> String {
        loop {
            match self.receiver.recv().await {
                Ok(elicited) if *elicited.principal == *self.principal => return elicited.id,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
