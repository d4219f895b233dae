//! The style sheet's colours can be read by those who see contrasts less, and what is embedded asks for nothing from
//! elsewhere.

use std::collections::BTreeMap;

use super::assets::{ICON, SCRIPT, STYLE};

/// Text, and what it stands on: WCAG 2 AA wants 4.5.
const TEXTS: [(&str, &[&str]); 17] = [
    ("ink", &["ground", "card", "code", "grey-soft", "green-soft", "red-soft", "amber-soft"]),
    ("muted", &["ground", "card", "code"]),
    ("blue", &["ground", "card", "blue-soft", "green-soft", "amber-soft", "red-soft"]),
    ("red", &["ground", "card", "red-soft"]),
    ("green", &["card", "green-soft"]),
    ("amber", &["card", "amber-soft"]),
    ("violet", &["card", "violet-soft"]),
    ("grey", &["card"]),
    ("act-ink", &["act"]),
    ("top-ink", &["top"]),
    ("top-muted", &["top"]),
    ("ink", &["blue-soft"]),
    ("ink", &["violet-soft"]),
    ("muted", &["grey-soft"]),
    ("green", &["ground"]),
    ("amber", &["ground"]),
    ("violet", &["ground"]),
];
/// Edges of controls and parts of pictures, and what they stand on: 3.
const EDGES: [(&str, &[&str]); 8] = [
    ("edge", &["card"]),
    ("act", &["card", "ground"]),
    ("bar-good", &["card"]),
    ("bar-bad", &["card"]),
    ("bar-line", &["card", "grey-soft"]),
    ("amber", &["card"]),
    ("blue", &["card", "ground"]),
    ("top-ink", &["top"]),
];

/// The colours of the first `:root` of `css`.
fn colours(css: &str) -> BTreeMap<String, String> {
    let block = css.split_once(":root {").unwrap().1.split_once('}').unwrap().0;
    let declarations = block.split(';').filter_map(|one| one.trim().strip_prefix("--")?.split_once(':'));
    declarations.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

/// Relative luminance, as WCAG 2 defines it.
fn luminance(colour: &str) -> f64 {
    let digits = colour.strip_prefix('#').unwrap();
    assert_eq!(digits.len(), 6, "{colour}");
    let part = |place: usize| {
        let value = f64::from(u8::from_str_radix(&digits[place..place + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_pair_of_colours_has_the_contrast_that_wcag_aa_wants() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.01);
    let light = colours(STYLE);
    let dark = colours(STYLE.split_once("prefers-color-scheme: dark").unwrap().1);
    assert_eq!(
        light.keys().collect::<Vec<_>>(),
        dark.keys().collect::<Vec<_>>(),
        "light and dark have the same names"
    );
    let mut poor = Vec::new();
    for (scheme, colours) in [("light", &light), ("dark", &dark)] {
        for (pairs, least) in [(&TEXTS[..], 4.5), (&EDGES[..], 3.0)] {
            for (front, backs) in pairs {
                for back in *backs {
                    let found = contrast(&colours[*front], &colours[*back]);
                    if found < least {
                        poor.push(format!("{scheme}: {front} on {back} has {found:.2}, not {least}"));
                    }
                }
            }
        }
    }
    assert!(poor.is_empty(), "{}", poor.join("\n"));
}

#[test]
fn what_is_embedded_asks_for_nothing_from_elsewhere() {
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    for text in [STYLE, SCRIPT] {
        assert!(!text.contains("//fonts") && !text.contains("http:") && !text.contains("https:"));
    }
    // The only address in the icon is the name of its language.
    assert_eq!(ICON.matches("http").count(), 1);
    for word in ["innerHTML", "eval(", "document.write", "new Function"] {
        assert!(!SCRIPT.contains(word), "{word}");
    }
}
