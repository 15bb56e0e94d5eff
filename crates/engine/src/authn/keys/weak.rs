//! RSA moduli that are known to be weak although they look well.
//!
//! Keys made by one widespread library have primes `k * M + (65537^a mod M)`, and fall in hours ("The Return of
//! Coppersmith's Attack", 2017, CVE-2017-15361). Such a modulus lies in the group made by 65537 modulo every small
//! prime; another one does so once in about 2^27 times.

/// The odd primes below 168: those of the primorial M in keys of up to 960 bits, and the first of larger ones.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];
const GENERATOR: u32 = 65537;

/// Whether a modulus (big-endian) has the mark of such a key.
pub(super) fn is_roca(modulus: &[u8]) -> bool {
    PRIMES.into_iter().all(|prime| {
        let residue = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        in_group(residue, prime)
    })
}

/// Whether `residue` is a power of the generator modulo `prime`.
fn in_group(residue: u32, prime: u32) -> bool {
    let mut power = 1;
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power * (GENERATOR % prime) % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_the_generator_has_the_mark_and_its_neighbour_has_not() {
        let power = 65537_u128.pow(7);
        assert!(is_roca(&power.to_be_bytes()));
        assert!(!is_roca(&(power + 2).to_be_bytes()));
        assert!(!is_roca(&[0]));
        assert!(!is_roca(&(power + 256).to_be_bytes()), "the same last byte");
    }
}
