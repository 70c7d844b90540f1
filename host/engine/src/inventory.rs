//! What a backend finds in its cloud and the store does not know: what is left over is deleted, what was lost is taken in again.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use serde::Serialize;
use sockerless_agent_protocol::env;
use sockerless_agent_protocol::spec::ProcessSpec;
use sockerless_agent_protocol::token::AgentToken;
use sockerless_backend::Backend;
use sockerless_backend::types::{Container, InventoryItem, Recovered};
use sockerless_docker::VolumeCreate;
use sockerless_store::{Change, Kind};

use crate::actor::Actor;
use crate::backup;
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::ids;
use crate::record::{ContainerRecord, Intent, Status};

/// Containers that are removed or taken in at the same time.
const AT_ONCE: usize = 8;

/// Pages of a list at most: a backend that never comes to an end is at fault.
const MAX_PAGES: usize = 10_000;

/// A container in the cloud of which this daemon has no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Orphan {
    /// Docker's id.
    pub id: String,
    /// Its name when it was made, without the slash.
    pub name: String,
    /// Its image.
    pub image: String,
    /// What it is called in the cloud.
    pub place: String,
    /// The id of the daemon that made it, if it carries one.
    pub owner: Option<String>,
    /// Whether that is this daemon.
    pub own: bool,
}

/// What became of one orphan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct OrphanResult {
    /// Docker's id.
    pub id: String,
    /// The name that it has here, or had.
    pub name: String,
    /// What it is called in the cloud.
    pub place: String,
    /// Why nothing became of it.
    pub error: Option<String>,
}

impl Engine {
    /// The containers in the cloud of a backend that have no record here, whoever made them: those that `chosen` names by id, by the
    /// beginning of one, or by what they are called in the cloud; if it is empty, all.
    ///
    /// # Errors
    /// There is no such backend; it cannot tell; the cloud does not answer; a choice that names none, or more than one.
    pub async fn orphans(&self, backend: &str, chosen: &[String]) -> Result<Vec<Orphan>> {
        let inner = &self.inner;
        let unknown = inner.unknown(&*inner.backend(backend)?).await?;
        let chosen = if chosen.is_empty() { unknown } else { choose(unknown, chosen)? };
        Ok(chosen.into_iter().map(|item| inner.orphan(item)).collect())
    }

    /// Deletes orphans in the cloud: those that `chosen` names, as for [`Engine::orphans`], whoever made them; if it is empty, all those
    /// that this daemon made.
    ///
    /// # Errors
    /// As [`Engine::orphans`]. That one of them cannot be deleted is in its result.
    pub async fn remove_orphans(&self, backend: &str, chosen: &[String]) -> Result<Vec<OrphanResult>> {
        let inner = &self.inner;
        let backend = inner.backend(backend)?;
        let unknown = inner.unknown(&*backend).await?;
        let chosen = if chosen.is_empty() {
            unknown.into_iter().filter(|item| item.owner.as_deref() == Some(&inner.identity.id)).collect()
        } else {
            choose(unknown, chosen)?
        };
        let removals = chosen.into_iter().map(|item| {
            let backend = backend.clone();
            async move {
                let error = match ids::idempotency_key() {
                    Ok(key) => backend.remove(bare(&item), true, key).await.err().map(|error| error.to_string()),
                    Err(error) => Some(error.message),
                };
                tracing::info!(container = %item.id, place = %item.place, error, "an orphan was to be deleted");
                OrphanResult { id: item.id, name: item.name, place: item.place, error }
            }
        });
        Ok(stream::iter(removals).buffer_unordered(AT_ONCE).collect().await)
    }

    /// Takes in again what the daemon of the id `owner` made, this one if it is absent, and the store does not know: after the store
    /// was lost. A container comes back as it was made, with its name if that is free; whether its command runs, its agent tells as soon
    /// as it dials in.
    ///
    /// # Errors
    /// As [`Engine::orphans`]. That one of them cannot be taken in is in its result.
    pub async fn rebuild(&self, backend: &str, owner: Option<&str>) -> Result<Vec<OrphanResult>> {
        let inner = &self.inner;
        let owner = owner.unwrap_or(&inner.identity.id).to_owned();
        let plugin = inner.backend(backend)?;
        let lost: Vec<_> =
            inner.unknown(&*plugin).await?.into_iter().filter(|item| item.owner.as_ref() == Some(&owner)).collect();
        let taken = lost.into_iter().map(|item| {
            let (inner, plugin, backend) = (inner.clone(), plugin.clone(), backend.to_owned());
            async move {
                let taken = inner.take_in(&*plugin, &backend, &item).await;
                let (name, error) = match taken {
                    Ok(name) => (name, None),
                    Err(error) => (item.name, Some(error.message)),
                };
                OrphanResult { id: item.id, name, place: item.place, error }
            }
        });
        Ok(stream::iter(taken).buffer_unordered(AT_ONCE).collect().await)
    }
}

impl Inner {
    /// What the backend lists and the store does not have. The store is asked after the list: what is being made has its record before
    /// it is in the cloud.
    async fn unknown(&self, backend: &dyn Backend) -> Result<Vec<InventoryItem>> {
        let mut items = BTreeMap::new();
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = backend.inventory(cursor.clone()).await?;
            for item in page.items {
                if is_id(&item.id) {
                    items.insert(item.id.clone(), item);
                } else {
                    tracing::warn!(place = %item.place, "what carries our mark has no container's id: it is left alone");
                }
            }
            match page.next {
                None => {
                    let known = self.store.all(Kind::Container).await?;
                    let known: HashSet<String> = known.into_iter().map(|record| record.id).collect();
                    return Ok(items.into_values().filter(|item| !known.contains(&item.id)).collect());
                }
                next if next == cursor => break,
                next => cursor = next,
            }
        }
        Err(Error::fault("the backend's list of what there is in the cloud does not come to an end"))
    }

    fn orphan(&self, item: InventoryItem) -> Orphan {
        let own = item.owner.as_ref() == Some(&self.identity.id);
        let InventoryItem { id, owner, name, image, place, .. } = item;
        Orphan { id, name, image, place, owner, own }
    }

    /// Makes the record of a container again, and what belongs to it. Answers the name that it has now.
    async fn take_in(self: &Arc<Self>, plugin: &dyn Backend, backend: &str, item: &InventoryItem) -> Result<String> {
        let environment = plugin.agent_environment(item.id.clone(), item.handle.clone()).await?;
        let Carried { mut record, token, dialled } = carried(&item.id, &environment)?;
        record.backend = backend.to_owned();
        record.handle = Some(item.handle.clone());
        record.state.status = Status::Created;
        record.intent = Some(Intent::Adopt);
        // Of networks that were lost it is no member.
        record.endpoints.retain(|_, endpoint| self.networks.find(&endpoint.network_id).is_ok());
        if self.containers.reserve(&record.name, &record.id).is_err() {
            record.name = format!("{}_{}", item.id.get(..12).unwrap_or_default(), record.name);
            self.containers.reserve(&record.name, &record.id)?;
        }
        let name = record.name.clone();
        if let Err(error) = self.put_back(plugin, &mut record, &token, dialled).await {
            self.containers.release(&name, &item.id);
            self.services.forget(&item.id);
            let undone = self.store.apply(vec![Change::delete(Kind::Agent, item.id.clone())]).await;
            if let Err(error) = undone {
                tracing::warn!(container = %item.id, %error, "the agent of a container that is not taken in is still written down");
            }
            return Err(error);
        }
        self.networks.adopt(&record.endpoints);
        self.containers.insert(Actor::spawn(self, record));
        tracing::info!(container = %item.id, name, place = %item.place, "a container that was lost is taken in again");
        Ok(name)
    }

    /// Makes sure that it is there, and writes it down with what belongs to it.
    async fn put_back(
        &self,
        plugin: &dyn Backend,
        record: &mut ContainerRecord,
        token: &AgentToken,
        dialled: bool,
    ) -> Result<()> {
        self.services.expect(record);
        // Before the backend is asked, which then tells where the agent is.
        self.services.recognise(&record.id, token, dialled).await.map_err(Error::from)?;
        match plugin.recover(record.for_backend()).await? {
            Recovered::Present(Some(handle)) => record.handle = Some(handle),
            Recovered::Present(None) => {}
            Recovered::Absent => return Err(Error::not_found("it is gone from the cloud")),
        }
        let held = self.volumes.hold(&record.id);
        for mounted in record.mounts.iter().filter(|mounted| mounted.point.r#type == "volume") {
            let request = VolumeCreate { name: mounted.point.name.clone(), ..VolumeCreate::default() };
            self.make_volume(request, Some(&held)).await?;
        }
        self.save(record).await
    }
}

/// What a container carries of itself.
struct Carried {
    record: ContainerRecord,
    token: AgentToken,
    /// The agent does not dial.
    dialled: bool,
}

fn carried(id: &str, environment: &[(String, String)]) -> Result<Carried> {
    let value = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let (Some(text), Some(process), Some(token)) = (value(env::RECORD), value(env::SPEC), value(env::TOKEN)) else {
        return Err(Error::not_implemented(
            "it carries no record of itself: it was made without an agent, by an earlier version, or with more labels than a \
             setting holds. It can only be deleted",
        ));
    };
    let mut record = backup::decode(text)?;
    if record.id != id {
        return Err(Error::conflict(format!("the record that it carries is of another container, {}", record.id)));
    }
    let process = ProcessSpec::decode(process).map_err(|error| Error::internal(error.to_string()))?;
    record.config.env = Some(process.env);
    let dialled = value(env::LINK) == Some(env::LINK_DIAL);
    Ok(Carried { record, token: AgentToken::new(token), dialled })
}

/// An orphan as the backend is asked to remove it: of the rest nothing is known.
fn bare(item: &InventoryItem) -> Container {
    Container {
        id: item.id.clone(),
        name: item.name.clone(),
        image: item.image.clone(),
        command: Vec::new(),
        environment: Vec::new(),
        spec: "{}".to_owned(),
        handle: Some(item.handle.clone()),
    }
}

fn choose(unknown: Vec<InventoryItem>, chosen: &[String]) -> Result<Vec<InventoryItem>> {
    let mut found = BTreeMap::new();
    for choice in chosen.iter().filter(|choice| !choice.is_empty()) {
        let matching: Vec<_> =
            unknown.iter().filter(|item| item.id.starts_with(choice) || item.place == *choice).collect();
        match matching.as_slice() {
            [item] => drop(found.insert(item.id.clone(), (*item).clone())),
            [] => {
                return Err(Error::not_found(format!("no orphan is called {choice}: nothing was deleted")));
            }
            _ => return Err(Error::invalid(format!("more than one orphan begins with {choice}: nothing was deleted"))),
        }
    }
    Ok(found.into_values().collect())
}

fn is_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use sockerless_backend::types::Handle;

    use super::*;
    use crate::error::ErrorKind;

    fn item(digit: char, place: &str) -> InventoryItem {
        InventoryItem {
            id: digit.to_string().repeat(64),
            owner: None,
            name: "n".into(),
            image: "i".into(),
            labels: Vec::new(),
            place: place.into(),
            handle: Handle { version: 1, data: Vec::new() },
        }
    }

    #[test]
    fn a_choice_names_exactly_one() {
        let all = || vec![item('a', "skls-a"), item('b', "skls-b")];
        let names = |chosen: &[&str]| {
            let chosen: Vec<String> = chosen.iter().map(|choice| (*choice).to_owned()).collect();
            choose(all(), &chosen).map(|items| items.into_iter().map(|item| item.place).collect::<Vec<_>>())
        };
        assert_eq!(names(&["aaaa"]).unwrap(), ["skls-a"]);
        assert_eq!(names(&["skls-b", "bb", "a"]).unwrap(), ["skls-a", "skls-b"]);
        assert_eq!(names(&["c"]).unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(names(&["a", "skls-"]).unwrap_err().kind, ErrorKind::NotFound);
        let twins = choose(vec![item('a', "x"), item('a', "x")], &["a".to_owned()]);
        assert_eq!(twins.unwrap_err().kind, ErrorKind::InvalidParameter);
    }

    #[test]
    fn what_carries_no_record_or_another_ones_is_not_taken_in() {
        let environment = |record: &str| {
            [(env::RECORD, record), (env::SPEC, "e30"), (env::TOKEN, "t")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        assert!(carried("a", &[]).err().unwrap().message.contains("carries no record"));
        assert!(carried("a", &environment("bm9wZQ")).err().unwrap().message.contains("unreadable"));
    }
}
