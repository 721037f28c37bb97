//! Which words can be names: of objects, of namespaces, of images. What cannot is refused before it gets into the path of
//! a request, or into a manifest.

/// Whether objects can be called so: a DNS subdomain (RFC 1123), as pods, workloads and ConfigMaps are.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(|part| is_label(part, 253))
}

/// A name for `--config-map`.
pub(crate) fn config_map(text: &str) -> Result<String, String> {
    let message = "expected the name of a ConfigMap: lower case letters, digits, `-` and `.`";
    if is_name(text) { Ok(text.to_owned()) } else { Err(message.to_owned()) }
}

/// A namespace, which is a DNS label.
pub(crate) fn namespace(text: &str) -> Result<String, String> {
    let message = "expected the name of a namespace: at most 63 lower case letters, digits and `-`";
    if is_label(text, 63) { Ok(text.to_owned()) } else { Err(message.to_owned()) }
}

/// A reference to an image. What registries allow is theirs to say; what no reference has is refused.
pub(crate) fn image(text: &str) -> Result<String, String> {
    let is_plain = !text.is_empty() && text.chars().all(|char| char.is_ascii_graphic());
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err("expected an image, such as REGISTRY/NAME:TAG".to_owned())
    }
}

fn is_label(text: &str, longest: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    bytes.len() <= longest
        && ends.iter().all(|end| end.is_some_and(|&end| plain(end)))
        && bytes.iter().all(|&byte| plain(byte) || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_in_a_path_is_no_name() {
        let long = ["n".repeat(63), "n".repeat(64), "n".repeat(253), "n".repeat(254)];
        for (text, name, label) in [
            ("web", true, true),
            ("web-1", true, true),
            ("1", true, true),
            ("a.b", true, false),
            ("", false, false),
            (".", false, false),
            ("..", false, false),
            ("../x", false, false),
            ("a/b", false, false),
            ("a..b", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("A", false, false),
            ("a\nb", false, false),
            ("a%2fb", false, false),
            ("a?b", false, false),
            (&long[0], true, true),
            (&long[1], true, false),
            (&long[2], true, false),
            (&long[3], false, false),
        ] {
            assert_eq!((is_name(text), config_map(text).is_ok()), (name, name), "{text}");
            assert_eq!(namespace(text).is_ok(), label, "{text}");
        }
    }

    #[test]
    fn an_image_is_one_word() {
        assert!(image("registry.example:5000/a/b@sha256:00").is_ok());
        for text in ["", " ", "a b", "a\nb", "a\u{1b}[0m", "é"] {
            assert!(image(text).is_err(), "{text:?}");
        }
    }
}
