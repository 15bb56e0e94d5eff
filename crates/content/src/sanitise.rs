//! Sanitising on render paths, layer 4.
