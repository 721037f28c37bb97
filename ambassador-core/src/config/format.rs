//! `from` and `to`: the name of a format, or a map of that name to the format's options.

use serde::Serialize;

/// A body format: `csv`, or with options `{csv: {delimiter: ";"}}`.
#[derive(Debug, Clone, PartialEq, Hash, Serialize)]
#[serde(untagged)]
pub enum Format {
    /// Its name alone: every option has its default.
    Name(String),
    /// A map with one key, the name.
    Options(Box<FormatOptions>),
}

impl Default for Format {
    fn default() -> Self {
        Self::Name(String::new())
    }
}

/// One of these, with its options.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FormatOptions {
    /// JSON (RFC 8259). It has no options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<NoOptions>,
    /// One JSON value a line. It has no options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ndjson: Option<NoOptions>,
    /// XML 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xml: Option<Xml>,
    /// Comma-separated values (RFC 4180).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<Csv>,
    /// Tab-separated values (IANA text/tab-separated-values).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tsv: Option<Tsv>,
    /// YAML 1.2 with the core schema. It has no options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yaml: Option<NoOptions>,
    /// Any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// application/x-www-form-urlencoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// Prometheus' text format, version 0.0.4; only for `to`. It has no options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<NoOptions>,
}

/// A format without options.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NoOptions {}

/// Options of XML.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Xml {
    /// What stands before the name of an attribute to make its key. Default: `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute_prefix: Option<String>,
    /// The key of the text of an element that has attributes or children. Default: `#text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_key: Option<String>,
    /// For `from`: elements that are a list even where there is but one, each by its name, as `item`, or its path, as
    /// `stock/item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_list: Option<Vec<String>>,
    /// For `from`: `keep` leaves names as they are written; `strip` removes prefixes, and the declarations of
    /// namespaces. Default: `keep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<String>,
    /// For `to`: the name of the root element, around the whole value. Default: the value's only key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// For `to`: the name of an item of a list that no key gives one. Default: `item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// Options of CSV.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Csv {
    /// What stands between two fields, one ASCII character. Default: `,`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// Whether the first row holds the names of the columns; without, rows are lists. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// For `from`: `strings`, or `infer`, which makes numbers, booleans and null of fields that JSON would read as
    /// such. Default: `strings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<String>,
    /// For `to`: the keys that are written, in order. Default: those of the first object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
}

/// Options of TSV.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tsv {
    /// Whether the first row holds the names of the columns; without, rows are lists. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// For `from`: `strings`, or `infer`, which makes numbers, booleans and null of fields that JSON would read as
    /// such. Default: `strings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<String>,
    /// For `to`: the keys that are written, in order. Default: those of the first object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Whether `\t`, `\n`, `\r` and `\\` in a field stand for a tab, line breaks and a backslash, as in jq's `@tsv`.
    /// Default: false, a field is as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escapes: Option<bool>,
}

/// Options of text.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Text {
    /// For `from`: a regular expression with named groups, as `(?P<name>...)`, that makes an object of each line.
    /// Default: the body is one string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<String>,
    /// For `from` with `lines`: `error` or `skip` for a line that the expression does not match. Default: `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmatched: Option<String>,
}

/// Options of forms.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize)]
#[cfg_attr(feature = "yaml", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Form {
    /// For `from`: which keys have a list of their values: `repeated`, those that come more than once; `always`;
    /// `never`, the last value counts. Default: `repeated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lists: Option<String>,
}

#[cfg(feature = "yaml")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator};
    use serde_json::Value;

    use super::{Format, FormatOptions};

    impl JsonSchema for Format {
        fn schema_name() -> Cow<'static, str> {
            "Format".into()
        }

        fn inline_schema() -> bool {
            true
        }

        /// That of the options, or a text.
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let mut schema = FormatOptions::json_schema(generator);
            schema.insert("type".to_owned(), Value::from(vec!["string", "object"]));
            schema.insert("minProperties".to_owned(), Value::from(1));
            schema.insert("maxProperties".to_owned(), Value::from(1));
            schema.remove("description");
            schema
        }
    }
}
