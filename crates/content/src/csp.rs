//! The Content-Security-Policy header, layer 6.
