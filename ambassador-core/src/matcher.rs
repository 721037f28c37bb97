//! What a rule is matched by, one file a kind.

pub mod content_type;
pub mod method;
pub mod path;
pub mod status;
