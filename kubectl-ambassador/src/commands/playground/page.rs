//! The page that this program carries, and what is put into it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::carried;
use crate::failure::{Failure, Result};

/// Where the module stands in the page.
const MODULE: &str = "<script type=\"text/plain\" id=\"module\">";
/// Where the page looks for what to begin with.
const STATE: &str = "<script type=\"application/json\" id=\"state\">null";

/// The page, whole but for what it begins with.
pub(super) struct Page(String);

/// Makes it of what this program carries.
pub(super) fn unpack() -> Result<Page> {
    if !carried::PAGE.is_there() || !carried::PAGE_MODULE.is_there() {
        return Err(Failure::unchanged("this build of kubectl-ambassador carries no playground").hint(
            "build it with `cargo xtask build`; or, without a cluster, `cargo xtask playground` serves the page alone",
        ));
    }
    let shell = String::from_utf8_lossy(&carried::PAGE.unpacked()).into_owned();
    let module = STANDARD.encode(carried::PAGE_MODULE.unpacked());
    Ok(Page(shell.replacen(MODULE, &format!("{MODULE}{module}"), 1)))
}

impl Page {
    /// The page that begins with this.
    pub(super) fn with(self, state: Option<&Value>) -> String {
        let Some(state) = state else { return self.0 };
        // In a script element nothing but `<` could end it.
        let state = state.to_string().replace('<', "\\u003c");
        self.0.replacen(STATE, &format!("{}{state}", STATE.trim_end_matches("null")), 1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_fetched_cannot_end_the_element_it_stands_in() {
        let page = Page(format!("{STATE}</script><p>"));
        let page = page.with(Some(&json!({"answer": "</script><script>alert(1)</script><!--"})));
        assert_eq!(page.matches("</script>").count(), 1, "{page}");
        let text = page.split_once("id=\"state\">").and_then(|(_, rest)| rest.split_once("</script>"));
        let state: Value = serde_json::from_str(text.expect("the element").0).expect("JSON");
        assert_eq!(state["answer"], "</script><script>alert(1)</script><!--");
    }
}
