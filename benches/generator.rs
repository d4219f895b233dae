//! Bodies a second on one core, over all 33 event types, and what judging one costs.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use pns_engine::{EventType, Timestamp};
use pns_simulator::schema::{Key, Pack};

const PUBLISHED: Timestamp = Timestamp::from_millis(1_478_001_600_123);
/// Every event type a hundred times.
const BATCH: u64 = 3_300;

fn key(sequence: u64) -> Key {
    Key { seed: 7, sequence, published: PUBLISHED }
}

fn event_type(sequence: u64) -> EventType {
    EventType::ALL[usize::try_from(sequence).expect("small") % EventType::ALL.len()]
}

fn generate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("generate");
    group.throughput(Throughput::Elements(BATCH));
    for name in Pack::BUILTIN {
        let pack = Pack::builtin(name).expect("built in");
        let mut body = Vec::with_capacity(1_024);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for sequence in 0..BATCH {
                    body.clear();
                    pack.generate(event_type(sequence), key(sequence), &mut body).expect("built in");
                    black_box(&body);
                }
            });
        });
    }
    group.finish();
}

fn judge(criterion: &mut Criterion) {
    let pack = Pack::builtin(Pack::BUILTIN[0]).expect("built in");
    let bodies: Vec<Vec<u8>> = (0..BATCH)
        .map(|sequence| {
            let mut body = Vec::new();
            pack.generate(event_type(sequence), key(sequence), &mut body).expect("built in");
            body
        })
        .collect();
    let mut group = criterion.benchmark_group("judge");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("validate", |bencher| {
        bencher.iter(|| bodies.iter().all(|body| pack.validate(black_box(body)).is_ok()));
    });
    group.bench_function("supplier", |bencher| {
        bencher.iter(|| bodies.iter().filter_map(|body| pack.supplier(black_box(body))).count());
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    generate(&mut criterion);
    judge(&mut criterion);
    criterion.final_summary();
}
