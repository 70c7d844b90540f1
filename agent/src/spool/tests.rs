use std::path::Path;

use bytes::BytesMut;
use sockerless_agent_protocol::frame::{frames, put};

use super::*;

/// Bytes of a frame, of which so many are in memory and in a slot.
const SIZE: usize = FRAME;
const IN_MEMORY: usize = 63;
const IN_SLOT: usize = 15;

fn no_disk() -> Disk {
    Disk::within(Vec::new(), 0)
}

fn disk(folder: &Path, slots: u32) -> Disk {
    Disk::within(vec![folder.to_owned()], slots)
}

/// A frame of [`SIZE`] bytes, whose payload is the number of each of its bytes.
fn frame(number: usize) -> Bytes {
    let mut bytes = BytesMut::new();
    let payload: Vec<u8> = (0..SIZE - 8).map(|byte| u8::try_from((number + byte) % 251).unwrap()).collect();
    put(&mut bytes, 1, &payload);
    bytes.freeze()
}

/// Writes until a writer would have to wait. Tells how many frames.
async fn fill(spool: &Arc<Spool>) -> usize {
    let mut count = 0;
    while !spool.is_full() {
        spool.push(frame(count)).await;
        count += 1;
    }
    count
}

fn offset(frames: usize) -> u64 {
    u64::try_from(frames * SIZE).unwrap()
}

/// Everything up to the end, which there must be.
async fn rest(reader: &mut Reader) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(whole) = reader.next().await.unwrap() {
        for frame in frames(whole) {
            all.extend_from_slice(&frame.payload);
        }
    }
    all
}

#[tokio::test]
async fn nothing_is_dropped_before_the_release_and_the_oldest_afterwards() {
    let spool = Spool::new(Unwanted::Goes, no_disk());
    assert_eq!(fill(&spool).await, IN_MEMORY);
    spool.release();
    spool.push(frame(IN_MEMORY)).await;
    assert_eq!(spool.read(From::Offset(0)).await.err(), Some(Refusal::Dropped));
    assert_eq!(spool.read(From::Oldest).await.unwrap().begin, offset(1));
}

#[tokio::test]
async fn a_reader_holds_the_writer_up_until_it_reads_or_leaves() {
    let spool = Spool::new(Unwanted::Goes, no_disk());
    spool.release();
    let mut reader = spool.read(From::Oldest).await.unwrap();
    assert_eq!(fill(&spool).await, IN_MEMORY);
    for _ in 0..40 {
        assert_eq!(reader.next().await.unwrap().unwrap().len(), SIZE);
    }
    assert!(fill(&spool).await > 0);
    // What it has read a moment ago is still there, for it to come back.
    assert!(spool.read(From::Offset(offset(33))).await.is_ok());
    let waiting = tokio::spawn({
        let spool = spool.clone();
        async move { spool.push(frame(0)).await }
    });
    spool.leave(reader.id);
    spool.leave(reader.id + 1);
    waiting.await.unwrap();
}

#[tokio::test]
async fn who_comes_back_takes_over_the_place_that_was_kept() {
    let spool = Spool::new(Unwanted::Goes, no_disk());
    spool.release();
    let mut lost = spool.read(From::Oldest).await.unwrap();
    fill(&spool).await;
    let sent = length(&lost.next().await.unwrap().unwrap());
    spool.absent(lost.id);
    assert!(spool.is_full(), "the place is kept");
    let mut back = spool.read(From::Offset(sent - offset(1))).await.unwrap();
    for _ in 0..30 {
        back.next().await.unwrap();
    }
    assert!(!spool.is_full(), "the place is held twice");
}

#[tokio::test]
async fn the_end_comes_after_everything() {
    let spool = Spool::new(Unwanted::Goes, no_disk());
    let framed = |payload: &[u8]| {
        let mut bytes = BytesMut::new();
        put(&mut bytes, 2, payload);
        bytes.freeze()
    };
    spool.push(framed(b"one")).await;
    let mut reader = spool.read(From::Offset(0)).await.unwrap();
    let waiting = tokio::spawn(async move { rest(&mut reader).await });
    spool.push(framed(b"two")).await;
    spool.close();
    assert_eq!(waiting.await.unwrap(), b"onetwo");
    assert_eq!(spool.read(From::Offset(5)).await.err(), Some(Refusal::NoSuchOffset));
    assert_eq!(spool.read(From::Offset(23)).await.err(), Some(Refusal::NoSuchOffset));
    assert!(spool.read(From::Offset(22)).await.unwrap().next().await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_wanted_goes_to_the_disk_and_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(Unwanted::Goes, disk(folder.path(), 3));
    let mut written = Vec::new();
    // Of all sizes, so that frames stand across the ends of pieces.
    for count in 0.. {
        if spool.is_full() {
            break;
        }
        let mut bytes = BytesMut::new();
        let payload: Vec<u8> =
            (0..1 + (count * 7919) % 60_000).map(|byte| u8::try_from((count + byte) % 251).unwrap()).collect();
        put(&mut bytes, 1, &payload);
        spool.push(bytes.freeze()).await;
        written.extend(payload);
    }
    assert!(written.len() > 6 << 20, "{}", written.len());
    let mut first = spool.read(From::Offset(0)).await.unwrap();
    let begun = first.next().await.unwrap().unwrap();
    assert_eq!(spool.read(From::Offset(length(&begun) + 1)).await.err(), Some(Refusal::NoSuchOffset));
    let mut second = spool.read(From::Offset(length(&begun))).await.unwrap();
    spool.close();
    let begun: Vec<u8> = frames(begun).flat_map(|frame| frame.payload).collect();
    for reader in [&mut first, &mut second] {
        let rest = rest(reader).await;
        assert!(written == [&begun[..], &rest].concat());
    }
    drop((first, second, spool));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_stays_goes_when_the_disk_is_full_and_the_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let (stays, goes) = {
        let disk = disk(folder.path(), 2);
        (Spool::new(Unwanted::Stays, disk.clone()), Spool::new(Unwanted::Goes, disk))
    };
    for spool in [&stays, &goes] {
        spool.release();
        for number in 0..500 {
            spool.push(frame(number)).await;
        }
        spool.close();
    }
    let mut oldest = stays.read(From::Oldest).await.unwrap();
    // What is oldest goes by the slot, when the last frame has to fit.
    let dropped = (500 - IN_MEMORY - 2 * IN_SLOT).next_multiple_of(IN_SLOT);
    assert_eq!(oldest.begin, offset(dropped));
    assert_eq!(oldest.next().await.unwrap().unwrap().slice(..SIZE), frame(dropped));
    assert_eq!(stays.read(From::Offset(0)).await.err(), Some(Refusal::Dropped));
    assert_eq!(goes.read(From::Oldest).await.unwrap().begin, offset(500 - IN_MEMORY));
}

#[tokio::test]
async fn without_a_disk_that_can_be_written_the_memory_has_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(Unwanted::Stays, disk(&folder.path().join("missing"), 8));
    for number in 0..IN_MEMORY {
        spool.push(frame(number)).await;
    }
    let mut changes = spool.changes.subscribe();
    let waiting = tokio::spawn({
        let spool = spool.clone();
        async move { spool.push(frame(IN_MEMORY)).await }
    });
    // Only now is it known that the disk does not serve.
    changes.changed().await.unwrap();
    assert!(spool.is_full());
    spool.release();
    waiting.await.unwrap();
    assert_eq!(spool.read(From::Oldest).await.unwrap().begin, offset(1));
}

#[tokio::test]
async fn what_cannot_be_read_from_the_disk_is_dropped_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(folder.path(), 1);
    let spool = Spool::new(Unwanted::Goes, disk.clone());
    assert_eq!(fill(&spool).await, IN_MEMORY + IN_SLOT);
    let mut reader = spool.read(From::Offset(0)).await.unwrap();
    disk.damage();
    assert!(reader.next().await.is_err());
    assert_eq!(spool.read(From::Offset(0)).await.err(), Some(Refusal::Dropped));
    assert_eq!(spool.read(From::Oldest).await.unwrap().begin, offset(IN_SLOT));
}
