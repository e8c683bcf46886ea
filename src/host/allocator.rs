//! Where the program's memory comes from: a region of its own, handed out from front to back, and beyond it the system.
//!
//! A run that changes nothing needs a few hundred small pieces and is over a moment later, when the kernel takes all of
//! them back at once. To find each a place that fits, as an allocator for all purposes must, was a third of such a run. Only
//! the last piece handed out is taken back, which is enough for a value that grows and for one that is dropped at once.
//! What no longer fits comes from the system and goes back to it, so a run that lasts, or that reads much, takes no more
//! than the region on top of what it would take anyhow.

#![allow(unsafe_code)]
#![allow(clippy::large_stack_arrays, reason = "it is a static")]
#![allow(clippy::must_use_candidate, clippy::new_without_default)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};

/// How large the region is. Pages that nobody touches take no memory.
const SIZE: usize = 128 << 10;

/// The region and how much of it is handed out.
#[repr(C)]
pub struct Arena {
    /// Where its free part begins: every piece in use ends there or before. It is written first and lies first, so that
    /// it shares a page with what is handed out first.
    used: AtomicUsize,
    /// The region.
    region: UnsafeCell<[u8; SIZE]>,
}

// SAFETY: a part of the region belongs to whoever moved `used` over it, which only one thread can.
unsafe impl Sync for Arena {}

impl Arena {
    /// One of which nothing is handed out.
    #[allow(
        clippy::large_stack_arrays,
        reason = "it is a static, never on a stack"
    )]
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

    /// Moves the end of what is handed out, if it is where it is thought to be and the region reaches as far.
    fn moves(&self, from: usize, to: usize) -> bool {
        to <= SIZE && self.used.compare_exchange(from, to, AcqRel, Relaxed) == Ok(from)
    }
}

// SAFETY: a piece lies in the region from its first octet to its last, or is the system's. Pieces do not overlap: each begins
// at or after the end of what was handed out, and moves this end behind itself; back it goes only over the last piece, by
// whoever gives that one up. Sizes and alignments are below isize::MAX, so no sum of two of them overflows.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let region = self.region.get().cast::<u8>();
        let start =
            |used: usize| (region.addr() + used).next_multiple_of(layout.align()) - region.addr();
        let end = |used| Some(start(used) + layout.size()).filter(|end| *end <= SIZE);
        let taken = self.used.try_update(AcqRel, Relaxed, end);
        // SAFETY: what the caller promises is the same.
        taken.map_or_else(
            |_| unsafe { System.alloc(layout) },
            |used| region.wrapping_add(start(used)),
        )
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match self.offset(piece) {
            Some(start) => _ = self.moves(start + layout.size(), start),
            // SAFETY: it came from there.
            None => unsafe { System.dealloc(piece, layout) },
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(start) = self.offset(piece) else {
            // SAFETY: it came from there.
            return unsafe { System.realloc(piece, layout, size) };
        };
        if self.moves(start + layout.size(), start.saturating_add(size)) || size < layout.size() {
            return piece;
        }
        // SAFETY: the caller promises that this makes a layout. The new piece, unless there is none, does not overlap the
        // old one, and both have what is copied.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(piece, layout.size());
                self.dealloc(piece, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// A piece in use, full of one octet.
    struct Piece<'a> {
        /// Where it comes from.
        arena: &'a Arena,
        /// Where it begins.
        at: *mut u8,
        /// Its size and alignment.
        layout: Layout,
        /// What it is full of.
        mark: u8,
    }

    #[allow(unsafe_code)]
    impl<'a> Piece<'a> {
        /// A new one.
        fn new(arena: &'a Arena, size: usize, align: usize, mark: u8) -> Self {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: no size here is 0.
            let at = unsafe { arena.alloc(layout) };
            assert!(!at.is_null() && at.addr().is_multiple_of(align));
            let piece = Self {
                arena,
                at,
                layout,
                mark,
            };
            piece.fill();
            piece
        }

        /// Fills it with its mark.
        fn fill(&self) {
            // SAFETY: it is so large, and ours.
            unsafe { self.at.write_bytes(self.mark, self.layout.size()) };
        }

        /// Sees that nobody else wrote into its first octets.
        fn check(&self, octets: usize) {
            // SAFETY: it is so large, was filled, and is ours.
            let content = unsafe { std::slice::from_raw_parts(self.at, octets) };
            assert!(content == vec![self.mark; octets]);
        }

        /// Gives it another size.
        fn resize(&mut self, size: usize) {
            // SAFETY: it came from this arena with this layout, and the size is not 0.
            self.at = unsafe { self.arena.realloc(self.at, self.layout, size) };
            assert!(!self.at.is_null());
            self.check(size.min(self.layout.size()));
            self.layout = Layout::from_size_align(size, self.layout.align()).unwrap();
            self.fill();
        }

        /// Where in the region it begins.
        fn offset(&self) -> Option<usize> {
            self.arena.offset(self.at)
        }
    }

    #[allow(unsafe_code)]
    impl Drop for Piece<'_> {
        fn drop(&mut self) {
            self.check(self.layout.size());
            // SAFETY: it came from this arena with this layout, and nobody uses it any more.
            unsafe { self.arena.dealloc(self.at, self.layout) };
        }
    }

    /// Takes, resizes and gives back pieces of all sizes in an order that only chance knows.
    fn exercise(arena: &Arena, mut seed: u32, steps: u32) {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            seed as usize % below
        };
        for step in 0..steps {
            let bits = 1 + random(13);
            let size = 1 + random(1 << bits);
            match random(4) {
                0 if !pieces.is_empty() => {
                    let index = random(pieces.len());
                    pieces.swap_remove(index);
                }
                1 if !pieces.is_empty() => drop(pieces.pop()),
                2 if !pieces.is_empty() => {
                    let index = random(pieces.len());
                    pieces[index].resize(size);
                }
                _ => pieces.push(Piece::new(
                    arena,
                    size,
                    1 << random(7),
                    step.to_le_bytes()[0],
                )),
            }
        }
    }

    #[test]
    fn pieces_never_overlap() {
        exercise(&Arena::new(), 1, if cfg!(miri) { 300 } else { 30_000 });
    }

    #[test]
    fn threads_never_get_the_same_piece() {
        let arena = &Arena::new();
        let steps = if cfg!(miri) { 50 } else { 10_000 };
        thread::scope(|scope| {
            for seed in 1..5 {
                scope.spawn(move || exercise(arena, seed, steps));
            }
        });
    }

    #[test]
    fn the_last_piece_grows_in_place_and_is_taken_back() {
        let arena = Arena::new();
        let first = Piece::new(&arena, 100, 1, 1);
        let mut last = Piece::new(&arena, 100, 1, 2);
        let offset = last.offset();
        last.resize(1000);
        last.resize(10);
        assert_eq!(last.offset(), offset);
        drop(last);
        let mut other = Piece::new(&arena, 5, 1, 3);
        assert_eq!(other.offset(), offset);
        drop(first);
        other.resize(6);
        assert_eq!(other.offset(), offset);
    }

    #[test]
    fn a_piece_in_between_shrinks_in_place_and_moves_to_grow() {
        let arena = Arena::new();
        let mut first = Piece::new(&arena, 100, 1, 1);
        let last = Piece::new(&arena, 100, 1, 2);
        first.resize(50);
        assert_eq!(first.offset(), Some(0));
        first.resize(51);
        assert!(first.offset() > last.offset());
    }

    #[test]
    fn what_does_not_fit_is_the_systems() {
        let arena = Arena::new();
        let whole = Piece::new(&arena, SIZE, 1, 1);
        assert_eq!(whole.offset(), Some(0));
        let mut beyond = Piece::new(&arena, 1, 1, 2);
        assert_eq!(beyond.offset(), None);
        beyond.resize(2 * SIZE);
        drop(whole);
        let mut part = Piece::new(&arena, 10, 64, 3);
        assert!(part.offset().is_some());
        part.resize(2 * SIZE);
        assert_eq!(part.offset(), None);
    }
}
