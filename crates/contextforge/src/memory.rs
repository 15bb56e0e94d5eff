//! The allocator, and how what it keeps goes back to the system.

use std::{hint::black_box, time::Duration};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often freed memory is given back.
const PAUSE: Duration = Duration::from_secs(3);

/// More than mimalloc puts on a page together with others.
const PAGE: usize = 1 << 20;

/// Gives freed memory back to the system, for as long as it is polled.
///
/// mimalloc keeps what was freed for a second, and looks again only when it frees a page of its own. A quiet process
/// frees none: the 64 MiB that one password hash takes would stay. A page that was never written to costs nothing.
pub(crate) async fn give_back() {
    loop {
        tokio::time::sleep(PAUSE).await;
        drop(black_box(Vec::<u8>::with_capacity(PAGE)));
    }
}
