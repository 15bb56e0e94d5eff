//! `wrapper`: an MCP server on standard input and output, for desktop clients, in front of a gateway far away.
//!
//! Lines in, lines out. A message goes to the gateway as it came and comes back as it was said; only line breaks
//! between its parts are taken out. Requests run side by side, but the handshake and notifications keep their place.
//! Nothing but messages is written to standard output, and the credential is written nowhere.

mod bridge;
mod far;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    sync::mpsc,
};

pub(super) use self::far::outbound;
use self::{bridge::Bridge, far::Far};
use crate::cli::Wrapper;

/// Messages that wait to be written.
pub(super) const QUEUE: usize = 256;
/// Bytes of the longest line.
pub(super) const LONGEST: u64 = 64 << 20;
/// How long requests under way may take after the client closed its end.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

pub(super) async fn run(options: Wrapper) -> anyhow::Result<ExitCode> {
    let (out, lines) = mpsc::channel(QUEUE);
    let writing = tokio::spawn(write(lines));
    let bridge = Arc::new(Bridge::new(Far::new(&options)?, out, &options));
    let mut input = BufReader::new(tokio::io::stdin());
    loop {
        let mut line = Vec::new();
        let read = (&mut input).take(LONGEST).read_until(b'\n', &mut line).await;
        if read.context("standard input")? == 0 {
            break;
        }
        if !line.trim_ascii().is_empty() {
            Arc::clone(&bridge).take(line).await;
        }
    }
    bridge.close(FAREWELL).await;
    drop(bridge);
    // The writer ends with the last one who could say something.
    drop(tokio::time::timeout(FAREWELL, writing).await);
    Ok(ExitCode::SUCCESS)
}

/// Writes messages to standard output, each on a line of its own.
pub(super) async fn write(mut lines: mpsc::Receiver<Vec<u8>>) {
    let mut output = tokio::io::stdout();
    while let Some(mut line) = lines.recv().await {
        // A string has no line breaks of its own, so those that are there mean nothing.
        line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        line.push(b'\n');
        if output.write_all(&line).await.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}
