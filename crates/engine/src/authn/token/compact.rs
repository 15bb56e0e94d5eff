//! The compact form of a JSON Web Signature (RFC 7515): three texts in strict base64url, and a header that may
//! say little.
//!
//! Everything about a token that an attacker can write is read here before a key is touched, and nothing in it
//! chooses a key material, an address or an algorithm. The reasons are for the log; the caller is told none.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::json::{RawObject, as_text};

use crate::authn::keys::KeyRing;

/// Bytes of a token at most.
pub const MAX_TOKEN: usize = 8 * 1024;
/// Bytes of a decoded header at most.
const MAX_HEADER: usize = 1024;
/// Room for the signature of an RSA key of 8192 bits, as the decoder estimates it.
const MAX_SIGNATURE: usize = 1032;

/// Header parameters that name a key to use or change how the token is to be read (RFC 7515, section 4.1; RFC 7797).
const REFUSED: [&str; 7] = ["jku", "jwk", "x5u", "x5c", "crit", "zip", "b64"];

/// The payload of a token whose signature is one of the ring's, or why it is refused.
pub fn open(ring: &KeyRing, token: &str) -> Result<Vec<u8>, &'static str> {
    if token.len() > MAX_TOKEN {
        return Err("longer than 8 KB");
    }
    let (message, signature) = token.rsplit_once('.').ok_or("not three parts")?;
    let (header, payload) = message.split_once('.').ok_or("not three parts")?;
    if payload.contains('.') {
        return Err("more than three parts");
    }
    let key_id = check_header(ring, header)?;
    let mut buffer = [0_u8; MAX_SIGNATURE];
    let length =
        URL_SAFE_NO_PAD.decode_slice(signature, &mut buffer).map_err(|_| "signature is not base64url")?;
    let signature = buffer.get(..length).unwrap_or_default();
    if !ring.verifies(key_id.as_deref(), message.as_bytes(), signature) {
        return Err("no key of that name made the signature");
    }
    URL_SAFE_NO_PAD.decode(payload).map_err(|_| "payload is not base64url")
}

/// Checks the header and gives the `kid`, if it has one.
fn check_header(ring: &KeyRing, text: &str) -> Result<Option<String>, &'static str> {
    let mut buffer = [0_u8; MAX_HEADER];
    let length =
        URL_SAFE_NO_PAD.decode_slice(text, &mut buffer).map_err(|_| "header is not base64url or too long")?;
    let header = RawObject::parse(buffer.get(..length).unwrap_or_default())
        .map_err(|_| "header is not a JSON object with distinct names")?;
    if header.text("alg").as_deref() != Some(ring.algorithm().name()) {
        return Err("another algorithm");
    }
    if REFUSED.iter().any(|name| header.contains(name)) {
        return Err("header names its own key or an extension");
    }
    let kind = header.get("typ").map(|kind| as_text(kind).ok_or("typ is not a text")).transpose()?;
    let known = ["JWT", "at+jwt", "application/at+jwt"];
    if kind.is_some_and(|kind| !known.iter().any(|known| kind.eq_ignore_ascii_case(known))) {
        return Err("another kind of token");
    }
    let key_id = header.get("kid").map(|kid| as_text(kid).ok_or("kid is not a text")).transpose()?;
    Ok(key_id.map(std::borrow::Cow::into_owned))
}

/// Signs a payload under a header that is already JSON.
pub(crate) fn seal(
    header: &str,
    payload: &[u8],
    sign: impl FnOnce(&[u8]) -> domain::Result<Vec<u8>>,
) -> domain::Result<String> {
    let mut token = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 700);
    URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
