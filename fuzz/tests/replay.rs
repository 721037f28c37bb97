//! What the fuzzers have found to be interesting, once more.

use std::path::Path;

#[test]
fn the_corpora_pass() {
    for (name, target) in fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let files: Vec<_> = std::fs::read_dir(&folder).expect("a corpus").flatten().collect();
        assert!(files.len() > 20, "{name} has {} files", files.len());
        for file in files {
            target(&std::fs::read(file.path()).expect("a file"));
        }
    }
}
