//! Records in the database, of this version, of another one, or damaged.

use std::sync::Arc;

use sockerless_docker::Filters;
use sockerless_engine::ListOptions;
use sockerless_store::{Change, Kind, MemoryStore, Store as _};

use crate::daemon;
use crate::runtime::block_on;

/// A record a line: the letter of its kind, its id, and what the engine wrote. An engine comes up with them, or says why not.
pub(super) fn records(input: &[u8]) {
    block_on(async {
        let store = Arc::new(MemoryStore::default());
        for line in String::from_utf8_lossy(input).lines().take(32) {
            let mut parts = line.splitn(3, ' ');
            let (Some(kind), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let kind = match kind {
                "c" => Kind::Container,
                "a" => Kind::Agent,
                "i" => Kind::Image,
                "n" => Kind::Network,
                "v" => Kind::Volume,
                _ => continue,
            };
            store.apply(vec![Change::put(kind, id, body)]).await.unwrap();
        }
        match daemon::engine(store).await {
            Ok(engine) => {
                show(&engine);
                engine.shutdown().await;
            }
            Err(error) => assert!(!error.message.is_empty()),
        }
    });
}

/// Everything that there is can be shown, or is said not to be there: what is damaged may be listed by an id that is none.
fn show(engine: &sockerless_engine::Engine) {
    let all = ListOptions { all: true, ..ListOptions::default() };
    for container in engine.containers(&all).unwrap() {
        // One that was being removed may be gone by now.
        let _ = engine.inspect_container(&container.id, true);
    }
    let none = Filters::default();
    for network in engine.networks(&none).unwrap() {
        let _ = engine.inspect_network(&network.id, None);
    }
    for volume in engine.volumes(&none).unwrap().volumes {
        let _ = engine.inspect_volume(&volume.name);
    }
    for image in engine.images(&none).unwrap() {
        let _ = engine.inspect_image(&image.id);
    }
    let _ = (engine.info(), engine.version());
}
