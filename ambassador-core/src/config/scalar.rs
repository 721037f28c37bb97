//! Values that YAML's habits make a number here and a text there.

use std::fmt;

use serde::{Serialize, Serializer};

/// A text or a whole number, as its text: `5s`, `8775`, `"8775"`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Scalar(pub String);

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<u16> for Scalar {
    fn from(number: u16) -> Self {
        Self(number.to_string())
    }
}

/// One scalar or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct OneOrMany(pub Vec<Scalar>);

/// Names with their values, in order. A value is a text, or a number or a boolean as its text; none, if it is anything
/// else, which is refused where the value is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Texts(pub Vec<(String, Option<String>)>);

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(feature = "yaml")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{OneOrMany, Scalar, Texts};

    impl JsonSchema for Scalar {
        fn schema_name() -> Cow<'static, str> {
            "Scalar".into()
        }

        fn inline_schema() -> bool {
            true
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": ["string", "integer"]})
        }
    }

    impl JsonSchema for OneOrMany {
        fn schema_name() -> Cow<'static, str> {
            "OneOrMany".into()
        }

        fn inline_schema() -> bool {
            true
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": ["string", "integer", "array"], "items": {"type": ["string", "integer"]}})
        }
    }

    impl JsonSchema for Texts {
        fn schema_name() -> Cow<'static, str> {
            "Texts".into()
        }

        fn inline_schema() -> bool {
            true
        }

        /// Any value, so that what is no text is refused by those who know what it is for.
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "object", "additionalProperties": true})
        }
    }
}
