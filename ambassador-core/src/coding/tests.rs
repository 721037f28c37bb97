//! Bodies as other programs encode them (gzip and zlib of Python, and the reference implementations of Brotli and
//! Zstandard made the files under `testdata/coding`), and damaged ones.

use proptest::prelude::*;

use super::*;

fn file(name: &str) -> Vec<u8> {
    let bytes: &[u8] = match name {
        "stock.json" => include_bytes!("../../testdata/coding/stock.json"),
        "stock.gz" => include_bytes!("../../testdata/coding/stock.gz"),
        "members.gz" => include_bytes!("../../testdata/coding/members.gz"),
        "stock.zlib" => include_bytes!("../../testdata/coding/stock.zlib"),
        "stock.deflate" => include_bytes!("../../testdata/coding/stock.deflate"),
        "stock.br" => include_bytes!("../../testdata/coding/stock.br"),
        "stock.zst" => include_bytes!("../../testdata/coding/stock.zst"),
        "frames.zst" => include_bytes!("../../testdata/coding/frames.zst"),
        "zeros.br" => include_bytes!("../../testdata/coding/zeros.br"),
        "zeros.zst" => include_bytes!("../../testdata/coding/zeros.zst"),
        "zeros-of-unknown-size.zst" => include_bytes!("../../testdata/coding/zeros-of-unknown-size.zst"),
        "window.zst" => include_bytes!("../../testdata/coding/window.zst"),
        _ => panic!("no file {name}"),
    };
    bytes.to_vec()
}

fn codings(value: &str) -> Codings {
    stack(std::iter::once(value.as_bytes())).expect(value)
}

/// Each kind of file with its coding.
const FILES: [(&str, &str); 7] = [
    ("gzip", "stock.gz"),
    ("x-gzip", "members.gz"),
    ("deflate", "stock.zlib"),
    ("deflate", "stock.deflate"),
    ("br", "stock.br"),
    ("zstd", "stock.zst"),
    ("ZSTD", "frames.zst"),
];

#[test]
fn reads_what_others_write() {
    let stock = file("stock.json");
    for (coding, name) in FILES {
        let decoded = codings(coding).decode(&file(name), stock.len());
        assert!(decoded.as_deref() == Ok(&stock), "{name}: {:?}", decoded.map(|body| body.len()));
    }
}

#[test]
fn the_limit_is_exact() {
    let limit = file("stock.json").len() - 1;
    for (coding, name) in FILES {
        let error = codings(coding).decode(&file(name), limit).expect_err(name);
        assert_eq!(error, CodingError::TooLarge { limit }, "{name}");
    }
    assert_eq!(codings("gzip").decode(&file("stock.gz"), 0), Err(CodingError::TooLarge { limit: 0 }));
}

#[test]
fn what_is_cut_off_or_goes_on_is_corrupt() {
    let limit = 1 << 20;
    for (coding, name) in FILES {
        let body = file(name);
        let corrupt = Err(CodingError::Corrupt { coding: codings(coding).0[0].name() });
        for length in 1..body.len() {
            // A member or a frame less is whole, as nothing says how many there are.
            let whole = codings(coding).decode(&body[..length], limit);
            let ends_a_part = name == "members.gz" || name == "frames.zst";
            assert!(whole == corrupt || (ends_a_part && whole.is_ok()), "{name} cut at {length}");
        }
        for garbage in [&b"\0"[..], b"garbage", b"\x1F\x8B", &[0xFF; 64]] {
            let decoded = codings(coding).decode(&[&body, garbage].concat(), limit);
            assert_eq!(decoded, corrupt, "{name} and {garbage:?}");
        }
    }
}

#[test]
fn checksums_are_compared() {
    for (coding, name) in [("gzip", "stock.gz"), ("deflate", "stock.zlib"), ("zstd", "stock.zst")] {
        let mut body = file(name);
        // The last four bytes hold it; in gzip the last eight do, with the length.
        let at = body.len() - if coding == "gzip" { 5 } else { 1 };
        body[at] ^= 1;
        let error = codings(coding).decode(&body, 1 << 20).expect_err(name);
        assert!(matches!(error, CodingError::Corrupt { .. }), "{name}");
    }
}

#[test]
fn bombs_end_at_the_limit() {
    let zeros = vec![0_u8; 1 << 20];
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        std::io::Write::write_all(&mut encoder, &zeros).expect("memory");
    }
    let gzip = encoder.finish().expect("memory");
    let limit = 1 << 20;
    let twice = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &gzip).expect("memory");
        encoder.finish().expect("memory")
    };
    for (coding, body) in [
        ("gzip", gzip),
        ("gzip, gzip", twice),
        ("br", file("zeros.br")),
        ("zstd", file("zeros.zst")),
        ("zstd", file("zeros-of-unknown-size.zst")),
    ] {
        assert_eq!(codings(coding).decode(&body, limit), Err(CodingError::TooLarge { limit }), "{coding}");
    }
}

#[test]
fn windows_beyond_those_of_the_web_are_refused() {
    let limit = 1 << 20;
    // 128 MiB, by Zstandard's largest ordinary setting, and 1 GiB, by Brotli's setting that is not for the web.
    assert_eq!(codings("zstd").decode(&file("window.zst"), limit), Err(CodingError::TooLarge { limit }));
    let large = codings("br").decode(&[0x11, 0x9E, 0x00, 0x00, 0x03], limit);
    assert_eq!(large, Err(CodingError::Corrupt { coding: "br" }));
    // A frame that says of itself that it holds 2^63 bytes.
    let huge =
        [&0xFD2F_B528_u32.to_le_bytes()[..], &[0xE0], &(1_u64 << 63).to_le_bytes(), &[1, 0, 0]].concat();
    assert_eq!(codings("zstd").decode(&huge, limit), Err(CodingError::TooLarge { limit }));
}

#[test]
fn stacks_are_taken_off_in_order() {
    let stock = file("stock.json");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &file("stock.br")).expect("memory");
    let body = encoder.finish().expect("memory");
    let two_headers = stack([&b"br"[..], b" , identity,GZIP "].into_iter()).expect("known");
    assert_eq!(two_headers, codings("br, gzip"));
    assert!(two_headers.decode(&body, stock.len()).as_deref() == Ok(&stock));
    let error = codings("gzip, br").decode(&body, stock.len());
    assert_eq!(error, Err(CodingError::Corrupt { coding: "br" }));
}

#[test]
fn knows_what_it_cannot_decode() {
    for unknown in ["compress", "gzip2", "gzip, dcb", "gzip,gzip,gzip,gzip,gzip", "aes128gcm", "g\u{fc}zip"] {
        assert_eq!(stack(std::iter::once(unknown.as_bytes())), None, "{unknown}");
    }
    for none in ["", "identity", " , identity,", "Identity"] {
        assert!(codings(none).is_empty(), "{none}");
    }
    assert!(stack(std::iter::empty()).expect("none").is_empty());
    assert_eq!(Codings::default().decode(b"as it is", 3), Ok(b"as it is".to_vec()));
    assert_eq!(codings("gzip").decode(b"", 3), Ok(Vec::new()));
    for coding in ACCEPTED.split(", ") {
        assert!(!codings(coding).is_empty(), "{coding}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damage may go unseen where there is no checksum; it does no harm.
    #[test]
    fn damage_does_no_harm(which in 0..FILES.len(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let (coding, name) = FILES[which];
        let mut body = file(name);
        for (at, byte) in edits {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let limit = 1 << 20;
        if let Ok(decoded) = codings(coding).decode(&body, limit) {
            prop_assert!(decoded.len() <= limit);
        }
    }

    #[test]
    fn noise_does_no_harm(which in 0..FILES.len(), head in 0..20_usize, noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let (coding, name) = FILES[which];
        let body = [&file(name)[..head], &noise].concat();
        let _ = codings(coding).decode(&body, 1 << 16);
    }
}
