//! Answers that are too large, make no sense, or belong to somebody else.

use futures_util::TryStreamExt as _;
use http::HeaderValue;
use sockerless_agent_protocol::archive::PathStat;
use sockerless_agent_protocol::headers;

use super::{daemon, reply};
use crate::{AgentFailure, From, Wait};

#[tokio::test]
async fn an_agent_is_asked_of_its_own_container_only() {
    let daemon = daemon().await;
    let hostile = daemon.agent("a", &daemon.a, |_| reply(200, r#"{"status":"exited","code":66}"#)).await;
    let honest = daemon.agent("b", &daemon.b, |_| reply(200, r#"{"status":"exited","code":7}"#)).await;
    let told = daemon.client.state("b", "execofb", Wait::Exited).await.unwrap();
    assert_eq!(serde_json::to_value(told).unwrap()["code"], 7);
    daemon.client.forget("b", "execofb").await.unwrap();
    // It answers for whatever id it likes: the answer is one of its own container.
    let told = daemon.client.state("a", "execofb", Wait::No).await.unwrap();
    assert_eq!(serde_json::to_value(told).unwrap()["code"], 66);
    assert_eq!(*hostile.lock().unwrap(), ["GET /v1/processes/execofb"]);
    assert_eq!(*honest.lock().unwrap(), ["GET /v1/processes/execofb", "DELETE /v1/processes/execofb"]);
}

#[tokio::test]
async fn what_a_name_contains_leaves_its_place_in_no_path() {
    let daemon = daemon().await;
    let asked = daemon.agent("a", &daemon.a, |_| reply(404, "{}")).await;
    daemon.client.state("a", "../../run?x=1#", Wait::No).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["GET /v1/processes/%2E%2E%2F%2E%2E%2Frun%3Fx%3D1%23"]);
}

#[tokio::test]
async fn answers_that_are_no_answers_are_errors() {
    let daemon = daemon().await;
    daemon
        .agent("a", &daemon.a, |line| match line {
            "GET /v1/processes/deep" => reply(200, "[".repeat(1 << 20)),
            "GET /v1/processes/large" => reply(200, vec![b' '; 5 << 20]),
            "GET /v1/processes/code" => reply(200, r#"{"status":"exited","code":4294967296}"#),
            "GET /v1/processes/error" => reply(500, vec![b'x'; 5 << 20]),
            "GET /v1/processes/frames/output" => reply(200, vec![9; 1 << 16]),
            "GET /v1/processes/length/output" => reply(200, vec![1, 0, 0, 0, 255, 255, 255, 255]),
            _ => reply(200, ""),
        })
        .await;
    for process in ["deep", "large", "code", "none"] {
        let state = daemon.client.state("a", process, Wait::No).await;
        assert!(matches!(state, Err(AgentFailure::Broken(_))), "{process}: {state:?}");
    }
    let failure = daemon.client.state("a", "error", Wait::No).await.unwrap_err();
    assert!(matches!(&failure, AgentFailure::Refused { status: 500, message } if message.len() < 100), "{failure}");
    for process in ["frames", "length"] {
        let read = async {
            let mut output = daemon.client.output("a", process, From::Oldest).await?;
            while output.next().await?.is_some() {}
            crate::Result::Ok(())
        };
        assert!(matches!(read.await, Err(AgentFailure::Broken(_))), "{process}");
    }
    // All of it over one link, which is as good as before.
    assert!(daemon.registry.connected("a"));
    daemon.client.forget("a", "x").await.unwrap();
}

/// The daemon extracts no archive: what an agent puts into one is for whoever asked, byte for byte.
#[tokio::test]
async fn names_in_an_archive_are_only_passed_on() {
    let daemon = daemon().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("written-by-the-daemon");
    let mut archive = Vec::new();
    for name in [target.to_str().unwrap(), "../../../../../../tmp/../etc/x", "/etc/passwd"] {
        // As no library would make it.
        let mut head = [0; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        archive.extend_from_slice(&head);
    }
    let stat = PathStat {
        name: "../../etc/passwd".into(),
        size: -1,
        mode: u32::MAX,
        mtime: "never".into(),
        link_target: target.to_str().unwrap().into(),
    };
    let (sent, encoded) = (archive.clone(), stat.encode());
    daemon
        .agent("a", &daemon.a, move |_| {
            let mut reply = reply(200, sent.clone());
            reply.headers_mut().insert(headers::PATH_STAT, HeaderValue::from_str(&encoded).unwrap());
            reply
        })
        .await;
    let (told, download) = daemon.client.archive("a", "/x").await.unwrap();
    assert_eq!(told, stat);
    let passed: Vec<bytes::Bytes> = download.into_stream().try_collect().await.unwrap();
    assert!(passed.concat() == archive);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
