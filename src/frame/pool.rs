//! Buffers that are used again: what one stage fills, another has done with, perhaps on another thread.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps the buffers that were dropped, for whoever needs one next. Clones are the same pool.
#[derive(Debug)]
pub struct Pool<T>(Arc<Mutex<Vec<Vec<T>>>>);

impl<T> Pool<T> {
    /// An empty buffer; it has room already if one came back.
    pub fn take(&self) -> Buffer<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { values: kept.unwrap_or_default(), home: Some(self.clone()) }
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// A vector that goes back to its pool when it is dropped, if it came from one.
#[derive(Debug)]
pub struct Buffer<T> {
    values: Vec<T>,
    home: Option<Pool<T>>,
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Some(Pool(kept)) = &self.home {
            let mut values = std::mem::take(&mut self.values);
            values.clear();
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(values);
        }
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        Self { values, home: None }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.values
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.values
    }
}

impl<T: Clone> Clone for Buffer<T> {
    /// The same values, of no pool.
    fn clone(&self) -> Self {
        self.values.clone().into()
    }

    fn clone_from(&mut self, other: &Self) {
        self.values.clone_from(&other.values);
    }
}

impl<T: PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_is_used_again_wherever_that_was() {
        let pool = Pool::default();
        let (mut first, second) = (pool.take(), pool.take());
        first.extend([1_u8, 2, 3]);
        let place = first.as_ptr();
        std::thread::scope(|scope| scope.spawn(move || drop(first)).join().expect("dropped"));
        let again = pool.clone().take();
        assert!(again.is_empty() && again.as_ptr() == place, "empty, with its room");
        drop((again, second));
        assert_eq!(pool.0.lock().expect("whole").len(), 2, "as many as were in use at once");
    }

    #[test]
    fn a_clone_and_what_came_from_a_vector_belong_to_no_pool() {
        let pool = Pool::default();
        let mut own = pool.take();
        own.push(7);
        drop((own.clone(), Buffer::from(vec![8])));
        assert!(pool.0.lock().expect("whole").is_empty());
        assert_eq!(own, Buffer::from(vec![7]));
    }
}
