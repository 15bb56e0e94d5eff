//! Tool definitions: fingerprints, differences and hidden text.
