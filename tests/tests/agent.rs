//! The agent's file: it must run in any image, and there is one in each container.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::path::Path;

use sockerless_tests::{built, optional};

/// Of a program for this processor, in the header of ELF.
const X86_64: u16 = 62;
const AARCH64: u16 = 183;
/// A part of the program that names the interpreter of a dynamically linked one.
const PT_INTERP: u32 = 3;
/// Bytes of the file at most.
const MOST: usize = 8 << 20;

fn number<const N: usize>(file: &[u8], offset: usize) -> [u8; N] {
    file[offset..offset + N].try_into().unwrap()
}

/// A program of 64 bits, little-endian, for this processor, static and not large.
fn is_for(file: &Path, machine: u16) {
    let file = std::fs::read(file).unwrap();
    assert!(file.len() < MOST, "{} bytes", file.len());
    assert_eq!(file[..6], *b"\x7fELF\x02\x01");
    assert_eq!(u16::from_le_bytes(number(&file, 18)), machine);
    let (table, size, count) = (
        usize::try_from(u64::from_le_bytes(number(&file, 32))).unwrap(),
        usize::from(u16::from_le_bytes(number(&file, 54))),
        usize::from(u16::from_le_bytes(number(&file, 56))),
    );
    assert!(count > 0);
    for part in 0..count {
        assert_ne!(u32::from_le_bytes(number(&file, table + part * size)), PT_INTERP, "it is dynamically linked");
    }
}

#[test]
fn for_this_machines_processor() {
    is_for(&built("SOCKERLESS_TEST_AGENT"), X86_64);
}

#[test]
fn for_64_bit_arm_where_it_was_built() {
    if let Some(file) = optional("SOCKERLESS_TEST_AGENT_AARCH64") {
        is_for(&file, AARCH64);
    }
}
