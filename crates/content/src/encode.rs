//! Output encoding, layer 5.
