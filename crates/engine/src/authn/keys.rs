//! The keys that sign and verify tokens.
//!
//! One algorithm is configured, and every key is made for it: a key's type says its family, so an RSA public key
//! cannot be used as an HMAC secret. Private parts are only ever inside [`signer::Signer`]; what is published is
//! the text that [`jwk`] makes of a verifier.

pub mod algorithm;
pub mod folder;
pub mod generate;
mod jwk;
mod load;
mod pem;
mod ring;
pub(crate) mod signer;
mod verifier;
mod weak;

pub use algorithm::Algorithm;

pub use load::{Loaded, load};
pub use ring::KeyRing;
pub(crate) use ring::Signing;

#[cfg(test)]
mod tests;
