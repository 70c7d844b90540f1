//! How much memory an input makes the program hold.

#![allow(unsafe_code, reason = "an allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Constants without a destructor: they can be used wherever memory is got, even at a thread's end.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, which counts what each thread gets and gives back. A program that has it as its global allocator has its inputs
/// held to [`Target::memory`](crate::Target::memory).
#[derive(Debug)]
pub struct Counting;

/// Another `more` bytes are held by this thread. One that gives back what another got holds less than nothing, so only differences tell.
fn count(more: usize, less: usize) {
    let held = HELD.get().wrapping_add_unsigned(more).wrapping_sub_unsigned(less);
    HELD.set(held);
    if held > MOST.get() {
        MOST.set(held);
    }
}

// SAFETY: every call is handed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller's.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller's.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// The most bytes beyond what was held before that this thread holds while it does something. Nothing without [`Counting`].
pub(crate) fn most_held(action: impl FnOnce()) -> usize {
    let before = HELD.get();
    MOST.set(before);
    action();
    usize::try_from(MOST.get().saturating_sub(before)).unwrap_or(0)
}
