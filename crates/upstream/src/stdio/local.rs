//! One program of whoever runs a command of ours, spoken to line by line: no gateway, no session, no restart.

use std::sync::Arc;

use domain::Result;
use tokio_util::task::TaskTracker;

use super::{
    file::Launch,
    lines::Line,
    process::{Output, Process, Ring, Supervision},
};

/// A running program. Dropping it ends the program, with all that it started, in the background.
pub struct Local {
    process: Process,
    ring: Arc<Ring>,
    tracker: TaskTracker,
}

/// What the program writes.
pub struct Messages {
    output: Output,
    ring: Arc<Ring>,
}

impl Local {
    /// Starts a program.
    pub fn start(launch: &Launch, supervision: &Supervision) -> Result<(Self, Messages)> {
        let (ring, tracker) = (Arc::<Ring>::default(), TaskTracker::new());
        let (process, output) = Process::spawn(launch, supervision, &ring, &tracker)?;
        let messages = Messages { output, ring: Arc::clone(&ring) };
        Ok((Self { process, ring, tracker }, messages))
    }

    /// Sends one message, which must be JSON; waits while the program does not read.
    pub async fn send(&self, message: Vec<u8>) -> Result<()> {
        self.process.send(message).await
    }

    /// The last lines that the program wrote besides its messages.
    pub fn stderr(&self) -> Vec<String> {
        self.ring.lines()
    }

    /// Waits until the program is gone; says how it ended.
    pub async fn ended(&self) -> String {
        self.process.ending().await
    }

    /// Ends the program, and waits until it and all that it started are gone.
    pub async fn end(&self) {
        self.process.stop();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl Messages {
    /// The next line; `None` at the end, or after a line that is too long. Loses nothing when it is dropped.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.output.next().await {
                Ok(Some(Line::Whole(line))) if line.trim_ascii().is_empty() => {}
                Ok(Some(Line::Whole(line))) => return Some(line),
                Ok(Some(Line::TooLong(start))) => {
                    self.ring.push(&start);
                    return None;
                }
                Ok(None) | Err(_) => return None,
            }
        }
    }
}
