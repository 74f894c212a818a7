//! What is written is read back, unfinished blobs leave nothing, and clearing and sweeping delete what they should.
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself does")]

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use nephos_blobs::{BlobError, BlobId, Blobs};

fn open() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path()).unwrap();
    (dir, blobs)
}

async fn write(blobs: &Blobs, chunks: &[&[u8]]) -> BlobId {
    let mut writer = blobs.writer().await.unwrap();
    for chunk in chunks {
        writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    let (id, bytes) = writer.finish().await.unwrap();
    assert_eq!(bytes, chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>());
    id
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i * 31 % 251) as u8).collect()
}

fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| if entry.file_type().unwrap().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

/// Background removal has no end to wait for, so this looks until it is done.
async fn becomes_empty(folder: &Path) {
    for _ in 0..500 {
        if files(folder) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} files are left in {}", files(folder), folder.display());
}

#[tokio::test]
async fn blobs_of_every_size_read_back() {
    let (_dir, blobs) = open();
    for size in [0, 1, 256 * 1024, 256 * 1024 + 1, 512 * 1024, 3_000_001] {
        let data = pattern(size);
        let chunks: Vec<&[u8]> = data.chunks(70_001).collect();
        let id = write(&blobs, &chunks).await;
        assert_eq!(blobs.read_all(&id, size as u64).await.unwrap(), data);
        assert_eq!(fs::read(blobs.path(&id)).unwrap(), data);
    }
}

#[tokio::test]
async fn a_range_is_read_in_chunks_and_must_lie_within() {
    let (_dir, blobs) = open();
    let data = pattern(1_000_000);
    let id = write(&blobs, &[&data]).await;
    for range in [0..0, 5..6, 999_999..1_000_000, 1_000_000..1_000_000, 100..900_000] {
        let mut reader = blobs.read(&id, Some(range.clone())).await.unwrap();
        assert_eq!(reader.bytes(), range.end - range.start);
        let mut read = Vec::new();
        while let Some(chunk) = reader.next().await {
            let chunk = chunk.unwrap();
            assert!((1..=256 * 1024).contains(&chunk.len()));
            read.extend_from_slice(&chunk);
        }
        assert!(reader.next().await.is_none());
        assert_eq!(read, data[range.start as usize..range.end as usize]);
    }
    #[allow(clippy::reversed_empty_ranges, reason = "that is the test")]
    for range in [0..1_000_001, 5..4, u64::MAX..u64::MAX] {
        let error = blobs.read(&id, Some(range)).await.unwrap_err();
        assert!(matches!(error, BlobError::OutOfRange { bytes: 1_000_000, .. }), "{error}");
    }
}

#[tokio::test]
async fn read_all_keeps_its_bound() {
    let (_dir, blobs) = open();
    let id = write(&blobs, &[b"12345"]).await;
    let error = blobs.read_all(&id, 4).await.unwrap_err();
    assert!(matches!(error, BlobError::TooLarge { bytes: 5, limit: 4 }), "{error}");
}

#[tokio::test]
async fn a_deleted_blob_is_not_found_and_deleting_twice_is_no_error() {
    let (_dir, blobs) = open();
    let id = write(&blobs, &[b"x"]).await;
    blobs.delete(&id).await.unwrap();
    blobs.delete(&id).await.unwrap();
    let error = blobs.read(&id, None).await.unwrap_err();
    assert!(matches!(&error, BlobError::NotFound(missing) if *missing == id), "{error}");
}

#[tokio::test]
async fn an_unfinished_blob_leaves_nothing() {
    let (dir, blobs) = open();
    for size in [10, 600_000, 2_000_000] {
        let mut writer = blobs.writer().await.unwrap();
        writer.write(pattern(size).into()).await.unwrap();
        drop(writer);
    }
    becomes_empty(dir.path()).await;
}

#[tokio::test]
async fn opening_again_removes_what_a_crash_left_and_keeps_the_rest() {
    let (dir, blobs) = open();
    let id = write(&blobs, &[b"kept"]).await;
    fs::write(dir.path().join("tmp/0123"), "half").unwrap();
    let blobs = Blobs::open(dir.path()).unwrap();
    assert_eq!(blobs.read_all(&id, 10).await.unwrap(), "kept");
    becomes_empty(&dir.path().join("tmp")).await;
    becomes_empty(&dir.path().join("trash")).await;
}

#[tokio::test]
async fn clearing_deletes_everything_and_writers_go_on() {
    let (dir, blobs) = open();
    let mut ids = Vec::new();
    for i in 0..20_u8 {
        ids.push(write(&blobs, &[&[i]]).await);
    }
    let mut open_writer = blobs.writer().await.unwrap();
    open_writer.write(pattern(600_000).into()).await.unwrap();
    blobs.clear().await.unwrap();
    for id in &ids {
        assert!(matches!(blobs.read(id, None).await, Err(BlobError::NotFound(_))));
    }
    let (id, _) = open_writer.finish().await.unwrap();
    assert_eq!(blobs.read_all(&id, 600_000).await.unwrap(), pattern(600_000));
    becomes_empty(&dir.path().join("trash")).await;
}

#[tokio::test]
async fn sweeping_deletes_old_orphans_only() {
    let (_dir, blobs) = open();
    let kept = write(&blobs, &[b"kept"]).await;
    let orphan = write(&blobs, &[b"orphan"]).await;
    let known = HashSet::from([kept.clone()]);
    let keep = |id: &BlobId| known.contains(id);
    assert_eq!(blobs.sweep(&keep, Duration::from_secs(60)).await.unwrap(), 0, "both are young");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(blobs.sweep(&keep, Duration::ZERO).await.unwrap(), 1);
    assert!(blobs.read(&kept, None).await.is_ok());
    assert!(blobs.read(&orphan, None).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_write_and_read_at_once() {
    let (_dir, blobs) = open();
    let tasks = (0..32_usize).map(|i| {
        let blobs = blobs.clone();
        tokio::spawn(async move {
            let data = pattern(i * 20_000);
            let id = write(&blobs, &data.chunks(8192).collect::<Vec<_>>()).await;
            assert_eq!(blobs.read_all(&id, 1 << 30).await.unwrap(), data);
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}
