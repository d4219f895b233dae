//! Scenario files: from text to a checked [`Scenario`], with every error of a file at once.

pub mod model;

pub use model::Scenario;
//STUB
pub fn load(_: &[std::path::PathBuf]) -> Result<Vec<Scenario>, String> { Ok(vec![]) }
impl model::Template { pub fn fill(&self, _: &mut dyn FnMut(&str) -> Option<serde_json::Value>) -> Result<serde_json::Value, String> { Ok(self.0.clone()) } }
