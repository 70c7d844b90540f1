//! Mutations of inputs, for where there is no fuzzer that watches the program.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

/// An input becomes no longer than this, in bytes.
const LONGEST: usize = 64 << 10;

/// Bytes at which readers take another way.
const INTERESTING: [u8; 24] = *b"\0\x01\x7f\x80\xff\"\\/.,:;@%{}[]09-\n\r ";

/// Makes inputs out of others. The same seed makes the same ones.
pub(crate) struct Mutator {
    random: ChaCha8Rng,
}

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        self.random.random_range(0..limit)
    }

    /// One of the inputs, changed in one to eight places.
    pub(crate) fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let chosen = self.below(corpus.len());
        let mut input = corpus[chosen].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input, corpus);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let place = self.below(input.len() + 1);
        if place == input.len() {
            input.push(INTERESTING[place % INTERESTING.len()]);
            return;
        }
        let end = place + 1 + self.below((input.len() - place).min(64));
        match self.below(8) {
            0 => input[place] ^= 1 << self.below(8),
            1 => input[place] = INTERESTING[self.below(INTERESTING.len())],
            2 => input[place] = input[place].wrapping_add(if self.below(2) == 0 { 1 } else { u8::MAX }),
            3 => input.insert(place, INTERESTING[self.below(INTERESTING.len())]),
            4 => drop(input.drain(place..end)),
            5 => {
                let piece = input[place..end].to_vec();
                let times = 1 + self.below(4);
                input.splice(place..place, piece.repeat(times));
            }
            6 => input.truncate(end),
            _ => {
                // A piece of another input.
                let other = &corpus[self.below(corpus.len())];
                if !other.is_empty() {
                    let begin = self.below(other.len());
                    let length = 1 + self.below((other.len() - begin).min(256));
                    input.splice(place..end, other[begin..begin + length].iter().copied());
                }
            }
        }
    }
}
