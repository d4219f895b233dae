//! Receivers and fronts shared by the tests and benches of this workspace.
