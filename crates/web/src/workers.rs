//! Threads that serve connections, each with a runtime of its own.
//!
//! A connection stays on its thread with everything that its requests wait for, the pooled connections to upstreams
//! included, so that answering a call wakes no other thread. Whatever a request leaves running in the background runs
//! on these threads too: they have to be dropped last.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tokio::{runtime, sync::mpsc};

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The threads. They end when this is dropped, with what still runs on them.
pub struct Workers {
    threads: Vec<mpsc::UnboundedSender<Work>>,
    next: AtomicUsize,
}

impl Workers {
    /// Starts `count` threads, one at least.
    pub fn start(count: usize) -> io::Result<Self> {
        let threads = (0..count.max(1)).map(start).collect::<io::Result<_>>()?;
        Ok(Self { threads, next: AtomicUsize::new(0) })
    }

    /// Runs `work` to its end on one of the threads; they take turns.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.threads.len().max(1);
        if let Some(thread) = self.threads.get(turn)
            && thread.send(Box::pin(work)).is_err()
        {
            tracing::error!("a thread that serves connections has ended");
        }
    }
}

fn start(number: usize) -> io::Result<mpsc::UnboundedSender<Work>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, mut receiver) = mpsc::unbounded_channel::<Work>();
    let serve = async move {
        while let Some(work) = receiver.recv().await {
            tokio::spawn(work);
        }
    };
    thread::Builder::new().name(format!("serve-{number}")).spawn(move || runtime.block_on(serve))?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_spread_over_the_threads() {
        let workers = Workers::start(2).unwrap();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for _ in 0..4 {
            let sender = sender.clone();
            workers.spawn(async move { drop(sender.send(thread::current().name().map(str::to_owned))) });
        }
        drop(sender);
        let mut names = Vec::new();
        while let Some(name) = receiver.recv().await {
            names.push(name.unwrap());
        }
        names.sort();
        assert_eq!(names, ["serve-0", "serve-0", "serve-1", "serve-1"]);
    }
}
