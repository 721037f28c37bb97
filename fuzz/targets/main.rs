//! The fuzzer: the target is named by the environment variable `FUZZ_TARGET`, since the arguments are libFuzzer's.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static TARGET: std::sync::OnceLock<fn(&[u8])> = std::sync::OnceLock::new();
    let target = TARGET.get_or_init(|| {
        let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let known = fuzz::TARGETS.iter().find(|(name, _)| *name == wanted);
        known.map_or_else(|| panic!("no target {wanted}"), |(_, target)| *target)
    });
    target(data);
});
