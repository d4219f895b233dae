//! Texts in the formats that JSON Schema names, and the two that every body needs fast: UUIDs and instants.

use pns_engine::Timestamp;

use super::draws::Draws;

/// A `format` that can be written. Others are annotations: any text will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    Time,
    Duration,
    Uuid,
    Email,
    Hostname,
    Ipv4,
    Ipv6,
    Uri,
    UriReference,
    UriTemplate,
    JsonPointer,
    RelativeJsonPointer,
    Regex,
}

const WORDS: [&str; 16] = [
    "harbour", "plaza", "summit", "garden", "lakeside", "grand", "river", "north", "meeting", "forum",
    "atrium", "terrace", "central", "station", "coast", "valley",
];

impl Format {
    /// The format of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "time" => Self::Time,
            "duration" => Self::Duration,
            "uuid" | "guid" => Self::Uuid,
            "email" | "idn-email" => Self::Email,
            "hostname" | "idn-hostname" | "host-name" => Self::Hostname,
            "ipv4" | "ip-address" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "uri" | "iri" | "url" => Self::Uri,
            "uri-reference" | "iri-reference" => Self::UriReference,
            "uri-template" => Self::UriTemplate,
            "json-pointer" => Self::JsonPointer,
            "relative-json-pointer" => Self::RelativeJsonPointer,
            "regex" => Self::Regex,
            _ => return None,
        })
    }

    /// Writes a text without quotes. None of the formats needs an escape.
    pub(super) fn write(self, draws: &mut Draws, published: Timestamp, out: &mut Vec<u8>) {
        match self {
            Self::Uuid => uuid(draws, out),
            Self::DateTime => instant(earlier(draws, published), true, out),
            Self::Date => out.extend_from_slice(&date(earlier(draws, published).as_millis() / DAY_MS)),
            Self::Time => {
                out.extend_from_slice(&time(draws.below(86_400)));
                out.push(b'Z');
            }
            Self::Regex => out.extend_from_slice(b"^[A-Z]{2,4}$"),
            _ => out.extend_from_slice(self.text(draws).as_bytes()),
        }
    }

    fn text(self, draws: &mut Draws) -> String {
        let mut word = || WORDS[draws.index(WORDS.len())];
        match self {
            Self::Email => format!("{}.{}@example.com", word(), word()),
            Self::Hostname => format!("{}.{}.example", word(), word()),
            Self::Uri => format!("https://{}.example/{}", word(), word()),
            Self::UriReference => format!("/{}/{}", word(), word()),
            Self::UriTemplate => format!("/{}/{{{}}}", word(), word()),
            Self::JsonPointer => format!("/{}/{}", word(), word()),
            Self::RelativeJsonPointer => format!("1/{}", word()),
            Self::Duration => format!("P{}DT{}H", 1 + draws.below(30), draws.below(24)),
            Self::Ipv4 => format!("192.0.2.{}", 1 + draws.below(254)),
            _ => format!("2001:db8::{:x}", 1 + draws.below(0xffff)),
        }
    }
}

const DAY_MS: u64 = 86_400_000;

/// An instant up to thirty days before `published`.
fn earlier(draws: &mut Draws, published: Timestamp) -> Timestamp {
    Timestamp::from_millis(published.as_millis().saturating_sub(draws.below(30 * DAY_MS)))
}

const HEX: [[u8; 2]; 256] = pairs(16);
const DECIMAL: [[u8; 2]; 256] = pairs(10);

/// The two digits of each byte, in a base of at most 16; beyond the base's square the entries mean nothing.
const fn pairs(base: usize) -> [[u8; 2]; 256] {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [digits[byte / base % base], digits[byte % base]];
        byte += 1;
    }
    table
}

/// Appends a random (version 4) UUID in lower case.
pub(super) fn uuid(draws: &mut Draws, out: &mut Vec<u8>) {
    let high = (draws.next() & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (draws.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    let (high, low) = (high.to_be_bytes(), low.to_be_bytes());
    let mut text = [b'-'; 36];
    // The bytes of a UUID stand at these places of its text.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    for index in 0..8 {
        let pair = HEX[high[index] as usize];
        [text[PLACES[index]], text[PLACES[index] + 1]] = pair;
        let pair = HEX[low[index] as usize];
        [text[PLACES[index + 8]], text[PLACES[index + 8] + 1]] = pair;
    }
    out.extend_from_slice(&text);
}

/// Appends `at` as RFC 3339 in UTC, with milliseconds or without.
pub(super) fn instant(at: Timestamp, millis: bool, out: &mut Vec<u8>) {
    let ms = at.as_millis();
    let mut text = *b"____-__-__T__:__:__.___Z";
    text[..10].copy_from_slice(&date(ms / DAY_MS));
    text[11..19].copy_from_slice(&time(ms % DAY_MS / 1_000));
    let ms = ms % 1_000;
    text[20] = b'0' + (ms / 100) as u8;
    text[21..23].copy_from_slice(&DECIMAL[(ms % 100) as usize]);
    if millis {
        out.extend_from_slice(&text);
    } else {
        text[19] = b'Z';
        out.extend_from_slice(&text[..20]);
    }
}

/// The date so many days after 1970-01-01, by the civil-from-days algorithm (Hinnant 2013).
fn date(days: u64) -> [u8; 10] {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let mut text = *b"____-__-__";
    text[..2].copy_from_slice(&DECIMAL[(year / 100 % 100) as usize]);
    text[2..4].copy_from_slice(&DECIMAL[(year % 100) as usize]);
    text[5..7].copy_from_slice(&DECIMAL[month as usize]);
    text[8..].copy_from_slice(&DECIMAL[day as usize]);
    text
}

/// The time of day so many seconds after midnight.
fn time(seconds: u64) -> [u8; 8] {
    let mut text = *b"__:__:__";
    text[..2].copy_from_slice(&DECIMAL[(seconds / 3_600) as usize]);
    text[3..5].copy_from_slice(&DECIMAL[(seconds / 60 % 60) as usize]);
    text[6..].copy_from_slice(&DECIMAL[(seconds % 60) as usize]);
    text
}

/// Appends words of `min..=max` characters in all, without quotes; nothing in them needs an escape.
pub(super) fn words(min: usize, max: usize, draws: &mut Draws, out: &mut Vec<u8>) {
    /// Longer texts only where the schema asks for them.
    const USUAL: usize = 24;
    const ACCENTED: [&str; 4] = ["Zürich", "café", "São", "東京"];
    let wanted = draws.within(min, max.min(min.max(USUAL)));
    let mut written = 0;
    while written < wanted {
        if written > 0 {
            out.push(b' ');
            written += 1;
        }
        let word =
            if draws.below(8) == 0 { ACCENTED[draws.index(4)] } else { WORDS[draws.index(WORDS.len())] };
        for character in word.chars().take(wanted - written) {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            written += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_another_calendar_writes_them() {
        for ms in
            [0, 951_782_399_999, 951_782_400_000, 1_478_001_600_123, 4_107_542_399_000, 18_446_744_073_709]
        {
            let mut out = Vec::new();
            instant(Timestamp::from_millis(ms), true, &mut out);
            let jiff = jiff::Timestamp::from_millisecond(ms as i64).expect("in range");
            assert_eq!(String::from_utf8(out).expect("ASCII"), format!("{jiff:.3}"));
        }
    }

    #[test]
    fn words_keep_their_length() {
        let mut draws = Draws::new(1, 2, 0);
        for (min, max) in [(0, 0), (1, 1), (5, 9), (100, 100), (0, usize::MAX)] {
            let mut out = Vec::new();
            words(min, max, &mut draws, &mut out);
            let length = String::from_utf8(out).expect("UTF-8").chars().count();
            assert!((min..=max).contains(&length), "{length} of {min}..={max}");
        }
    }
}
