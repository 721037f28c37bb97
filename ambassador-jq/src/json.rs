//! Reading JSON texts without making values of them: for those who read the outputs of a program, to write them in
//! another format. [`Json`] proves a text and indexes it, [`View`] looks at a value of it without a copy.

pub use ambassador_jq_machine::json::string::escape;
pub use ambassador_jq_machine::json::view::{Entries, Items, Json, Value, View};

pub(crate) use ambassador_jq_machine::json::{Document, index, number, string};
