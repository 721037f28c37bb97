//! Peak memory of a run, counted by the allocator: of the first two programs, on bodies of each size. One line each:
//! program, bytes of the body, bytes at the peak on top of the body.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use bench::{Engine, PROGRAMS, SIZES, body};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counting. Growing in place counts as what `realloc` is where it copies: both at a time.
struct Counting;

#[expect(unsafe_code, reason = "that is what an allocator's interface is")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: handed on as it came.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: handed on as it came.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    for (number, program) in PROGRAMS.iter().enumerate().take(2) {
        let engine = Engine::new(0, program);
        for size in SIZES {
            let body = body::records(size);
            let before = LIVE.load(Ordering::Relaxed);
            PEAK.store(before, Ordering::Relaxed);
            let written = engine.run(&body);
            let peak = PEAK.load(Ordering::Relaxed) - before;
            assert!(written > 0, "it gave something");
            println!("{number} {} {peak}", body.len());
        }
    }
}
