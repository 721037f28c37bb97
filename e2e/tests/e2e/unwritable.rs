//! Output that cannot be written: what was done is done, and the exit code does not say otherwise.

use std::fs::File;

use e2e::bench::Bench;
use e2e::process::run;
use expect_test::{Expect, expect};

use crate::recreate::{bench, what_stands};

/// Runs a command whose output goes to a full disk.
#[track_caller]
fn check(bench: &Bench, args: &[&str], expected: &Expect) {
    let full = File::options().write(true).open("/dev/full").expect("a device");
    let output = bench.command(args).stdin(std::process::Stdio::null()).stdout(full).output().expect("run");
    let told = bench.told(&output.into());
    let said: Vec<&str> = told.lines().filter(|line| !line.contains("will be recreated")).collect();
    expected.assert_eq(&(said.join("\n") + "\n"));
}

#[test]
fn what_was_done_is_done_though_nobody_could_be_told() {
    let bench = bench();
    bench.wait_ready("p");
    let stands = |expected: &str| assert_eq!(what_stands(&bench), expected);
    check(
        &bench,
        &["inject", "p", "--port", "80:8775", "--dry-run"],
        &expect![[r#"
        exit 1
        error: cannot write to stdout: No space left on device (os error 28)
    "#]],
    );
    stands("original");
    check(
        &bench,
        &["inject", "p", "--port", "80:8775"],
        &expect![[r#"
        exit 4
        replacing pod/p ...
        error: pod/p is injected, but: cannot write to stdout: No space left on device (os error 28)
        hint: the same command again says how it is
    "#]],
    );
    stands("injected");
    check(
        &bench,
        &["inject", "p", "--port", "80:8775"],
        &expect![[r#"
        exit 1
        error: cannot write to stdout: No space left on device (os error 28)
    "#]],
    );
    check(
        &bench,
        &["diff", "p", "--port", "8080:8775"],
        &expect![[r#"
        exit 2
        error: cannot write to stdout: No space left on device (os error 28)
    "#]],
    );
    check(
        &bench,
        &["check", "p", "--port", "80:8775"],
        &expect![[r#"
        exit 2
        pod/p has the container envoy-ambassador already:
        error: cannot write to stdout: No space left on device (os error 28)
    "#]],
    );
    check(
        &bench,
        &["inject", "p", "--port", "8080:8775", "-o", "yaml"],
        &expect![[r#"
        exit 4
        replacing pod/p ...
        error: what was to be done is done, but: cannot write to stdout: No space left on device (os error 28)
        hint: the same command again says how it is
    "#]],
    );
    stands("injected");
    check(
        &bench,
        &["uninject", "p"],
        &expect![[r#"
        exit 4
        replacing pod/p ...
        error: pod/p is uninjected, but: cannot write to stdout: No space left on device (os error 28)
        hint: the same command again says how it is
    "#]],
    );
    stands("original");
    assert_eq!(run(&mut bench.command(&["uninject", "p"])).ok(), "pod/p unchanged\n");
    assert_eq!(bench.config_maps(), Vec::<String>::new());
}
