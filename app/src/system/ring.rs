//! The last N samples, oldest first.

use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub struct Ring<T> {
    items: VecDeque<T>,
    items_max: usize,
}

impl<T> Ring<T> {
    pub fn new(items_max: usize) -> Self {
        Self { items: VecDeque::with_capacity(items_max), items_max }
    }

    pub fn push(&mut self, item: T) {
        if self.items.len() == self.items_max {
            self.items.pop_front();
        }
        self.items.push_back(item);
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.items.iter()
    }

    pub fn last(&self) -> Option<&T> {
        self.items.back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut ring = Ring::new(3);
        (0..5).for_each(|i| ring.push(i));
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(ring.last(), Some(&4));
    }
}
