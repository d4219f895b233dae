//! Deterministic numbers without state: a keyed mix of what identifies the draw.
//!
//! Jitter must not depend on the order in which deliveries fail, so each draw is a function of
//! (seed, delivery, attempt) alone. The mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014).

/// One step of SplitMix64's output function: a bijection on 64 bits with good avalanche.
#[must_use]
pub const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number that depends on all three arguments and on nothing else.
#[must_use]
pub const fn draw(seed: u64, stream: u64, index: u64) -> u64 {
    mix(mix(mix(seed) ^ stream) ^ index)
}
