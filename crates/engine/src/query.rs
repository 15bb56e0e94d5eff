//! How lists of registered things are narrowed and paged, in the words that `web` may use.

pub use store::query::{Cursor, Query};
