//! `ajq`: jq on this engine.
fn main() {
    use std::io::Read as _;
    // Test loop: lines `PROGRAM @@ INPUT`.
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let (p, i) = line.split_once(" @@ ").unwrap_or((line, "null"));
        match ambassador_jq::Program::compile(p) {
            Err(e) => println!("{p} !! {e}"),
            Ok(prog) => match prog.run(i.as_bytes(), &ambassador_jq::Run::default()) {
                Ok(o) => println!(
                    "{p} => {}",
                    o.iter().map(|o| String::from_utf8_lossy(o).into_owned()).collect::<Vec<_>>().join(" ⏎ ")
                ),
                Err(e) => println!("{p} !! {e}"),
            },
        }
    }
}
