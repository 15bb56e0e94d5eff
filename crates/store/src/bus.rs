//! Tells this process, and with Redis the others, that something changed.
//!
//! An accelerator: what it loses, the sequences in the database still say, so that Redis is never waited for long and
//! its absence is never an error. Messages are hints to look; after a broken subscription every topic is woken with an
//! empty message.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{Error, Result};
use futures_util::StreamExt;
use tokio::sync::{OnceCell, broadcast};

/// Messages that a slow reader may be behind before it misses some.
const BACKLOG: usize = 256;
/// Channels in Redis start with this.
const CHANNEL: &str = "contextforge:";
/// How long to wait before Redis is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The longest that a change waits for Redis to take its message.
const PATIENCE: Duration = Duration::from_millis(500);

/// Publishes and subscribes.
#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    topics: Mutex<HashMap<String, broadcast::Sender<String>>>,
    redis: Option<Remote>,
}

struct Remote {
    client: redis::Client,
    publisher: OnceCell<redis::aio::ConnectionManager>,
    listening: OnceCell<()>,
}

impl Bus {
    /// For one process.
    pub fn local() -> Self {
        Self(Arc::new(Inner { topics: Mutex::default(), redis: None }))
    }

    /// For several processes. Redis need not answer yet.
    pub fn redis(url: &str) -> Result<Self> {
        // The error would repeat the URL with its password.
        let client = redis::Client::open(url).map_err(|_| Error::invalid("REDIS_URL", "is no Redis URL"))?;
        let remote = Remote { client, publisher: OnceCell::new(), listening: OnceCell::new() };
        Ok(Self(Arc::new(Inner { topics: Mutex::default(), redis: Some(remote) })))
    }

    /// Tells everybody who subscribed. With Redis, this process hears it back from Redis like the others.
    #[crate::boxed]
    pub async fn publish(&self, topic: &str, payload: &str) {
        let Some(remote) = &self.0.redis else {
            self.deliver(topic, payload);
            return;
        };
        let problem = match tokio::time::timeout(PATIENCE, remote.publish(topic, payload)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(late) => late.to_string(),
        };
        tracing::warn!(
            problem,
            topic,
            "Redis does not answer; other replicas notice the change by themselves"
        );
        self.deliver(topic, payload);
    }

    /// What is published from now on. A message may be empty: then something may have been missed.
    #[crate::boxed]
    pub async fn subscribe(&self, topic: &str) -> broadcast::Receiver<String> {
        if let Some(remote) = &self.0.redis {
            remote
                .listening
                .get_or_init(|| async { drop(tokio::spawn(listen(Arc::downgrade(&self.0)))) })
                .await;
        }
        self.sender(topic).subscribe()
    }

    fn sender(&self, topic: &str) -> broadcast::Sender<String> {
        let mut topics = self.0.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.entry(topic.to_owned()).or_insert_with(|| broadcast::channel(BACKLOG).0).clone()
    }

    /// Makes every subscriber look, whatever it may have missed.
    fn wake_all(&self) {
        let topics = self.0.topics.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in topics.values() {
            drop(sender.send(String::new()));
        }
    }

    fn deliver(&self, topic: &str, payload: &str) {
        // Without subscribers there is nobody to tell.
        drop(self.sender(topic).send(payload.to_owned()));
    }
}

impl Remote {
    async fn publish(&self, topic: &str, payload: &str) -> redis::RedisResult<()> {
        let connect = || redis::aio::ConnectionManager::new(self.client.clone());
        let mut connection = self.publisher.get_or_try_init(connect).await?.clone();
        redis::cmd("PUBLISH").arg(format!("{CHANNEL}{topic}")).arg(payload).query_async(&mut connection).await
    }
}

/// Hands what Redis says to the subscribers of this process, as long as the bus is in use.
async fn listen(bus: std::sync::Weak<Inner>) {
    loop {
        let Some(inner) = bus.upgrade() else { return };
        let Some(remote) = &inner.redis else { return };
        let client = remote.client.clone();
        drop(inner);
        if let Err(error) = forward(&client, &bus).await {
            tracing::warn!(%error, "the subscription in Redis broke");
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn forward(client: &redis::Client, bus: &std::sync::Weak<Inner>) -> redis::RedisResult<()> {
    let mut pubsub = client.get_async_pubsub().await?;
    pubsub.psubscribe(format!("{CHANNEL}*")).await?;
    if let Some(inner) = bus.upgrade() {
        Bus(inner).wake_all();
    }
    let mut messages = pubsub.on_message();
    while let Some(message) = messages.next().await {
        let Some(inner) = bus.upgrade() else { return Ok(()) };
        let topic = message.get_channel_name().strip_prefix(CHANNEL).unwrap_or_default();
        let payload: String = message.get_payload()?;
        Bus(inner).deliver(topic, &payload);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn subscribers_of_a_topic_are_told() {
        let bus = Bus::local();
        let mut heard = bus.subscribe("catalogue").await;
        bus.publish("identity", "1").await;
        bus.publish("catalogue", "2").await;
        assert_eq!(heard.recv().await.unwrap(), "2");
    }

    #[tokio::test]
    async fn without_redis_this_process_is_still_told() {
        let Err(error) = Bus::redis("secret") else { panic!("that is no URL") };
        assert!(!error.to_string().contains("secret"));
        // A port that nobody listens on.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let bus = Bus::redis(&format!("redis://127.0.0.1:{port}")).unwrap();
        let mut heard = bus.subscribe("catalogue").await;
        bus.publish("catalogue", "2").await;
        assert_eq!(heard.recv().await.unwrap(), "2");
    }

    /// Runs where `TEST_REDIS_URL` names a server.
    #[tokio::test]
    async fn other_processes_are_told_through_redis() {
        let Some((_, url)) = std::env::vars_os().find(|(name, _)| name == "TEST_REDIS_URL") else { return };
        let url = url.into_string().unwrap();
        let (here, there) = (Bus::redis(&url).unwrap(), Bus::redis(&url).unwrap());
        let mut heard = there.subscribe("catalogue").await;
        // The subscription reaches Redis a moment after the call: publish until it is heard.
        let told = async {
            loop {
                here.publish("catalogue", "3").await;
                tokio::task::yield_now().await;
                if heard.try_recv().is_ok_and(|text| text == "3") {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), told).await.unwrap();
    }
}
