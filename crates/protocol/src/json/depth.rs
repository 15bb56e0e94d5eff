//! Nesting depth in one pass over the bytes, so that no recursive parser ever meets a hostile document.
//!
//! Documents with few opening brackets, which is nearly all of them, are decided by counting alone.

/// The deepest nesting accepted, counting the outermost object or array as one.
pub const MAX_DEPTH: usize = 128;

/// Whether the text nests deeper than `limit`. Answers for malformed text too: it only counts brackets outside
/// strings and stops at the first one too many.
pub fn deeper_than(text: &[u8], limit: usize) -> bool {
    if text.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() <= limit {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}
