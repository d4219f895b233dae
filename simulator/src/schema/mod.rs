//! Schema packs: what a notification's body looks like, as data.
