//! Prometheus' text format by examples.

use super::*;

#[test]
fn prometheus_is_families() {
    check_write(
        "\"prometheus\"",
        &[
            r#"[{"name":"fruit_total","help":"Fruits\\ on\noffer","type":"gauge","samples":[{"value":1.10},{"value":true,"labels":{"kind":"a\"b\\c\nd","in":null,"n":1.0}},{"value":null,"labels":{"x":"y"}},{"value":"NaN","labels":{"z":""}},{"value":1E400,"labels":{"big":true}}]}]"#,
            r#"[{"name":"h","type":"histogram","samples":[{"suffix":"_bucket","labels":{"le":0.5},"value":1},{"suffix":"_bucket","labels":{"le":"+Inf"},"value":2},{"suffix":"_sum","value":3.5},{"suffix":"_count","value":2}]},{"name":"s","type":"summary","samples":[{"labels":{"quantile":"0.9"},"value":1},{"suffix":"_sum","value":3}]}]"#,
            r#"[{"name":"a","samples":[]}]"#,
            "[]",
            "{}",
            "[1]",
            r#"[{"name":"1a","samples":[]}]"#,
            r#"[{"samples":[]}]"#,
            r#"[{"name":"a","type":"info","samples":[]}]"#,
            r#"[{"name":"a"}]"#,
            r#"[{"name":"a","sample":[]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"label":{}}]}]"#,
            r#"[{"name":"a","samples":[{"value":"1x"}]}]"#,
            r#"[{"name":"a","samples":[{}]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"labels":{"b":"x","c":"y"}},{"value":2,"labels":{"c":"y","b":"x"}}]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"labels":{"__name__":"x"}}]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"labels":{"b":[]}}]}]"#,
            r#"[{"name":"a","samples":[{"value":1,"suffix":"_sum"}]}]"#,
            r#"[{"name":"a","type":"histogram","samples":[{"value":1}]}]"#,
            r#"[{"name":"a","type":"histogram","samples":[{"value":1,"suffix":"_bucket"}]}]"#,
            r#"[{"name":"a","samples":[]},{"name":"a","samples":[]}]"#,
            r#"[{"name":"a","type":"histogram","samples":[]},{"name":"a_sum","samples":[]}]"#,
        ],
        &expect![[r##"
            [{"name":"fruit_total","help":"Fruits\\ on\noffer","type":"gauge","samples":[{"value":1.10},{"value":true,"labels":{"kind":"a\"b\\c\nd","in":null,"n":1.0}},{"value":null,"labels":{"x":"y"}},{"value":"NaN","labels":{"z":""}},{"value":1E400,"labels":{"big":true}}]}] => "# HELP fruit_total Fruits\\\\ on\\noffer\n# TYPE fruit_total gauge\nfruit_total 1.10\nfruit_total{kind=\"a\\\"b\\\\c\\nd\",n=\"1.0\"} 1\nfruit_total{z=\"\"} NaN\nfruit_total{big=\"true\"} +Inf\n"
            [{"name":"h","type":"histogram","samples":[{"suffix":"_bucket","labels":{"le":0.5},"value":1},{"suffix":"_bucket","labels":{"le":"+Inf"},"value":2},{"suffix":"_sum","value":3.5},{"suffix":"_count","value":2}]},{"name":"s","type":"summary","samples":[{"labels":{"quantile":"0.9"},"value":1},{"suffix":"_sum","value":3}]}] => "# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n# TYPE s summary\ns{quantile=\"0.9\"} 1\ns_sum 3\n"
            [{"name":"a","samples":[]}] => "# TYPE a untyped\n"
            [] => ""
            {} => what the program gave cannot be written as prometheus: metrics are a list of families, each with `name` and `samples`
            [1] => what the program gave cannot be written as prometheus: family 1: it is not an object
            [{"name":"1a","samples":[]}] => what the program gave cannot be written as prometheus: family 1: its `name` is not one of a metric: letters, digits, `_` and `:`, no digit first
            [{"samples":[]}] => what the program gave cannot be written as prometheus: family 1: its `name` is not one of a metric: letters, digits, `_` and `:`, no digit first
            [{"name":"a","type":"info","samples":[]}] => what the program gave cannot be written as prometheus: family 1: its `type` is none of counter, gauge, histogram, summary and untyped
            [{"name":"a"}] => what the program gave cannot be written as prometheus: family 1: it has no `samples`
            [{"name":"a","sample":[]}] => what the program gave cannot be written as prometheus: family 1: it has a field beside `name`, `help`, `type` and `samples`
            [{"name":"a","samples":[{"value":1,"label":{}}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: it has a field beside `labels`, `value` and `suffix`
            [{"name":"a","samples":[{"value":"1x"}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: its `value` is neither a number, a boolean nor +Inf, -Inf or NaN
            [{"name":"a","samples":[{}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: it has no `value`
            [{"name":"a","samples":[{"value":1,"labels":{"b":"x","c":"y"}},{"value":2,"labels":{"c":"y","b":"x"}}]}] => what the program gave cannot be written as prometheus: sample 2 of family 1: there is a sample with these labels already
            [{"name":"a","samples":[{"value":1,"labels":{"__name__":"x"}}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: a label's name is letters, digits and `_`, no digit first, and not `__`
            [{"name":"a","samples":[{"value":1,"labels":{"b":[]}}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: the value of a label is neither a string nor a number
            [{"name":"a","samples":[{"value":1,"suffix":"_sum"}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: only samples of histograms and summaries have a `suffix`
            [{"name":"a","type":"histogram","samples":[{"value":1}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: the `suffix` of a sample of a histogram is _bucket, _sum or _count
            [{"name":"a","type":"histogram","samples":[{"value":1,"suffix":"_bucket"}]}] => what the program gave cannot be written as prometheus: sample 1 of family 1: a bucket has a label `le` with a number or +Inf
            [{"name":"a","samples":[]},{"name":"a","samples":[]}] => what the program gave cannot be written as prometheus: family 2: its name is taken by a family before it
            [{"name":"a","type":"histogram","samples":[]},{"name":"a_sum","samples":[]}] => what the program gave cannot be written as prometheus: family 2: its name is taken by a family before it
        "##]],
    );
    assert_eq!(writer("\"prometheus\"").content_type(), "text/plain; version=0.0.4; charset=utf-8");
}
