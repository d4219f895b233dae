//! UUIDs that are drawn: the same seed and number give the same one.

use pns_engine::rng;

/// UUID number `index` of a run, version 4.
pub(crate) fn uuid(seed: u64, index: u64) -> String {
    /// Keeps these draws apart from those for bodies and jitter.
    const STREAM: u64 = 0x7575_6964;
    let high = rng::draw(seed, STREAM, 2 * index) & !0xf000 | 0x4000;
    let low = rng::draw(seed, STREAM, 2 * index + 1) & !(0b11 << 62) | 0b10 << 62;
    pns_engine::SupplierId(u128::from(high) << 64 | u128::from(low)).to_string()
}
