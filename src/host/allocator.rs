//! Where the program's memory comes from: a region of its own, handed out from front to back, and beyond it the system.
//!
//! A run that changes nothing needs a few hundred small pieces and is over a moment later, when the kernel takes all of
//! them back at once. To find each a place that fits, as an allocator for all purposes must, was a third of such a run. Only
//! the last piece handed out is taken back, which is enough for a value that grows and for one that is dropped at once.
//! What no longer fits comes from the system and goes back to it, so a run that lasts, or that reads much, takes no more
//! than the region on top of what it would take anyhow.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How large the region is. Pages that nobody touches take no memory.
const SIZE: usize = 128 << 10;

/// The region and how much of it is handed out.
#[derive(Debug)]
#[repr(C)]
pub struct Arena {
    /// Where its free part begins: every piece in use ends there or before. It is written first and lies first, so that
    /// it shares a page with what is handed out first.
    used: AtomicUsize,
    /// The region.
    region: UnsafeCell<[u8; SIZE]>,
}

// SAFETY: a part of the region belongs to whoever moved `used` over it, which only one thread can.
#[allow(unsafe_code)]
unsafe impl Sync for Arena {}

impl Arena {
    /// One of which nothing is handed out.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a static can't use Default")]
    pub const fn new() -> Self {
        Self {
            used: AtomicUsize::new(0),
            region: UnsafeCell::new([0; SIZE]),
        }
    }

    /// Where in the region a piece begins; none for the system's.
    fn offset(&self, piece: *mut u8) -> Option<usize> {
        let offset = piece.addr().checked_sub(self.region.get().addr())?;
        (offset < SIZE).then_some(offset)
    }

    /// Moves the end of what is handed out, if that is where it is.
    fn moves(&self, end: usize, to: usize) -> bool {
        to <= SIZE
            && self
                .used
                .compare_exchange(end, to, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }
}

// SAFETY: a piece lies in the region from its first octet to its last, or is the system's. Pieces do not overlap: each begins
// at or after the end of what was handed out, and moves this end behind itself; back it goes only over the last piece, by whoever
// gives that one up. A layout's size and its alignment are below isize::MAX, so no sum of two overflows.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let region = self.region.get().cast::<u8>();
        loop {
            let used = self.used.load(Ordering::Relaxed);
            let gap = region.wrapping_add(used).align_offset(layout.align());
            let start = used.saturating_add(gap);
            if start.saturating_add(layout.size()) > SIZE {
                // SAFETY: the caller's promises are the same.
                return unsafe { System.alloc(layout) };
            }
            if self.moves(used, start + layout.size()) {
                return region.wrapping_add(start);
            }
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match self.offset(piece) {
            Some(start) => drop(self.moves(start + layout.size(), start)),
            // SAFETY: it came from there.
            None => unsafe { System.dealloc(piece, layout) },
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(start) = self.offset(piece) else {
            // SAFETY: it came from there.
            return unsafe { System.realloc(piece, layout, size) };
        };
        let end = start + layout.size();
        if self.moves(end, start.saturating_add(size)) || size < layout.size() {
            return piece;
        }
        // SAFETY: the caller promises that the size is not 0 and, rounded up to the alignment, not too large.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the new piece, unless there is none, does not overlap the old one, and both have what is copied.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(piece, size.min(layout.size()));
                self.dealloc(piece, layout);
            }
            moved
        }
    }
}
