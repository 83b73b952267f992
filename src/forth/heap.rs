//! What ALLOCATE gives away: blocks at the end of data space, the first at the very end. The list of blocks stands outside
//! of data space, so no program can damage it.

use crate::model::Cell;

/// Blocks in use.
#[derive(Clone, Default, Debug)]
pub(super) struct Heap {
    /// Address and size of each, highest address first.
    blocks: Vec<Block>,
    /// One past the last address of data space.
    end: Cell,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Block {
    addr: Cell,
    size: Cell,
}

/// Sizes and addresses are multiples of this.
const GRAIN: Cell = 8;

impl Heap {
    /// An empty heap below `end`.
    pub fn new(end: Cell) -> Self {
        Self { blocks: Vec::new(), end: end & !(GRAIN - 1) }
    }

    /// The lowest address in use; data space may grow up to here.
    pub fn floor(&self) -> Cell {
        self.blocks.last().map_or(self.end, |block| block.addr)
    }

    /// How many blocks are in use.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Forgets all blocks.
    pub fn clear(&mut self) {
        self.blocks.clear();
    }

    /// The highest gap above `here` that holds `n_bytes`.
    pub fn allocate(&mut self, n_bytes: Cell, here: Cell) -> Option<Cell> {
        let size = size_of_block(n_bytes)?;
        let mut top = self.end;
        for (at, block) in self.blocks.iter().enumerate() {
            if top - (block.addr + block.size) >= size {
                self.blocks.insert(at, Block { addr: top - size, size });
                return Some(top - size);
            }
            top = block.addr;
        }
        if top - here < size {
            return None;
        }
        self.blocks.push(Block { addr: top - size, size });
        Some(top - size)
    }

    /// Takes back the block at `addr`.
    pub fn free(&mut self, addr: Cell) -> bool {
        let found = self.find(addr);
        if let Some(at) = found {
            self.blocks.remove(at);
        }
        found.is_some()
    }

    /// The size of the block at `addr`.
    pub fn size(&self, addr: Cell) -> Option<Cell> {
        self.find(addr).map(|at| self.blocks[at].size)
    }

    /// Makes the block at `addr` smaller, or larger where nothing lies behind it.
    pub fn resize_here(&mut self, addr: Cell, n_bytes: Cell) -> bool {
        let (Some(at), Some(size)) = (self.find(addr), size_of_block(n_bytes)) else { return false };
        let next = at.checked_sub(1).map_or(self.end, |above| self.blocks[above].addr);
        let fits = next - addr >= size;
        if fits {
            self.blocks[at].size = size;
        }
        fits
    }

    fn find(&self, addr: Cell) -> Option<usize> {
        self.blocks.binary_search_by(|block| addr.cmp(&block.addr)).ok()
    }
}

/// What a block of `n_bytes` takes; `None` where no memory is that large.
fn size_of_block(n_bytes: Cell) -> Option<Cell> {
    (0..1 << 40).contains(&n_bytes).then(|| (n_bytes.max(1) + GRAIN - 1) & !(GRAIN - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_from_the_end_and_gaps_are_used_again() {
        let mut heap = Heap::new(1000);
        assert_eq!(heap.floor(), 1000);
        let a = heap.allocate(10, 500).unwrap();
        let b = heap.allocate(0, 500).unwrap();
        let c = heap.allocate(100, 500).unwrap();
        assert_eq!((a, b, c, heap.floor()), (984, 976, 872, 872));
        assert!(heap.free(a) && !heap.free(a) && !heap.free(b + 8));
        assert_eq!(heap.allocate(17, 500), Some(848));
        assert_eq!(heap.allocate(16, 500), Some(984));
        assert_eq!(heap.allocate(349, 500), None);
        assert_eq!(heap.allocate(-1, 500), None);
        assert_eq!(heap.allocate(Cell::MAX, 500), None);
        assert_eq!(heap.len(), 4);
    }

    #[test]
    fn blocks_grow_where_there_is_room() {
        let mut heap = Heap::new(1000);
        let a = heap.allocate(64, 0).unwrap();
        let b = heap.allocate(64, 0).unwrap();
        assert!(!heap.resize_here(b, 65));
        assert!(heap.resize_here(b, 8) && heap.resize_here(b, 64));
        assert!(heap.free(a) && heap.resize_here(b, 128) && !heap.resize_here(b, 129));
        assert_eq!(heap.size(b), Some(128));
        assert_eq!(heap.size(a), None);
    }
}
