//! Finding the next byte of a kind, many at a time: most texts have few of the bytes that passes over them look for.

/// Bytes that are looked at together; a compiler makes few instructions of them.
const TOGETHER: usize = 32;

/// Where the next byte of a kind stands, from `at` on.
pub(crate) fn seek(bytes: &[u8], at: usize, which: impl Fn(u8) -> bool) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let mut from = at;
    for chunk in rest.chunks(TOGETHER) {
        // Without a way out in the middle, on purpose.
        if chunk.iter().fold(false, |any, byte| any | which(*byte)) {
            return chunk.iter().position(|byte| which(*byte)).map(|found| from + found);
        }
        from += chunk.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_finds_what_a_search_finds(text in "[a-c;]{0,200}", at in 0_usize..220) {
            let bytes = text.as_bytes();
            let expected = bytes.iter().enumerate().skip(at).find(|(_, b)| **b == b';').map(|(at, _)| at);
            proptest::prop_assert_eq!(seek(bytes, at, |b| b == b';'), expected);
        }
    }
}
