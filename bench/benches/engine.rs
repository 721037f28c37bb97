//! Ours and jaq, native. `cargo bench -p bench`.

use std::hint::black_box;
use std::time::Duration;

use bench::{Engine, PROGRAMS, SIZES, body};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn engines(criterion: &mut Criterion) {
    for (number, program) in PROGRAMS.iter().enumerate() {
        let mut group = criterion.benchmark_group(format!("program {number}"));
        group
            .measurement_time(Duration::from_secs(1))
            .warm_up_time(Duration::from_millis(300))
            .sample_size(10);
        for size in SIZES {
            let body = body::records(size);
            group.throughput(Throughput::Bytes(body.len() as u64));
            for (engine, name) in ["ambassador", "jaq"].iter().enumerate() {
                let engine = Engine::new(engine, program);
                group.bench_function(BenchmarkId::new(*name, size), |bencher| {
                    bencher.iter(|| engine.run(black_box(&body)));
                });
            }
        }
        group.finish();
    }
}

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    for (engine, name) in ["ambassador", "jaq"].iter().enumerate() {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| Engine::new(engine, black_box(PROGRAMS[1])));
        });
    }
    group.finish();
}

criterion_group!(benches, engines, compile);
criterion_main!(benches);
