//! Methods of requests (RFC 9110, section 9).

use crate::problem::{Path, Problem};

/// The methods a rule is for; without any, all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Methods(Vec<String>);

impl Methods {
    pub(crate) fn new(written: &[String], path: &Path, problems: &mut Vec<Problem>) -> Self {
        for (index, method) in written.iter().enumerate() {
            let problem = if method.is_empty() || !method.bytes().all(super::content_type::is_token_byte) {
                Problem::new(&path.index(index), "not a method")
            } else if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
                let upper = method.to_ascii_uppercase();
                Problem::new(&path.index(index), "methods are case-sensitive").hint(format!("write {upper}"))
            } else {
                continue;
            };
            problems.push(problem);
        }
        Self(written.to_vec())
    }

    /// Whether a request with this method is meant.
    pub fn matches(&self, method: &[u8]) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| wanted.as_bytes() == method)
    }
}
