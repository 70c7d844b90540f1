//! What registries are asked for beside images: logins, searches, what a name stands for. And what would move layers, which are
//! not here.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;
use sockerless_docker::{DistributionInspect, Filters, ImageReference, LoginAnswer, RegistryAuth, SearchResult};
use tokio_util::sync::CancellationToken;

use super::{named, repository};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::frames::ByteStream;
use crate::registries::Search;

/// For everything that one call wants of a registry.
const LIMIT: Duration = Duration::from_secs(120);
/// As many results as a search has when its client does not say.
const RESULTS: u8 = 25;

/// A search, as a client asks for it.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// The words; a host before a slash names another registry than Docker's.
    pub term: String,
    /// At most so many results; 0 and nothing are 25.
    pub limit: Option<i64>,
    /// `is-official`, `stars`, `is-automated`.
    pub filters: Filters,
    /// Who asks the registry.
    pub auth: Option<RegistryAuth>,
    /// Cancelled when nobody waits any more.
    pub gone: CancellationToken,
}

impl Engine {
    /// Waits for an answer from the network: not for longer than the daemon runs, and somebody waits for it.
    pub(super) async fn bounded<T>(&self, gone: &CancellationToken, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            done = tokio::time::timeout(LIMIT, work) => {
                done.map_err(|_| Error::internal("the registry takes too long: context deadline exceeded"))
            }
            () = gone.cancelled() => Err(Error::unavailable("context canceled")),
            () = self.inner.shutdown.cancelled() => Err(Error::unavailable("the daemon is stopping")),
        }
    }

    /// Whether a registry knows who these credentials speak of.
    ///
    /// # Errors
    /// It does not; it cannot be reached.
    pub async fn login(&self, auth: &RegistryAuth, gone: &CancellationToken) -> Result<LoginAnswer> {
        self.bounded(gone, self.inner.registry.registries.login(auth)).await?
    }

    /// What a name stands for in its registry.
    ///
    /// # Errors
    /// A malformed reference; the registry cannot be reached, or does not show it.
    pub async fn distribution(
        &self,
        name: &str,
        auth: Option<&RegistryAuth>,
        gone: &CancellationToken,
    ) -> Result<DistributionInspect> {
        let reference = match ImageReference::parse(name) {
            Ok(reference) => reference.or_latest(),
            Err(sockerless_docker::ReferenceError::Identifier) => {
                return Err(Error::internal("no manifest found for full image ID"));
            }
            Err(error) => return Err(Error::invalid(error.to_string())),
        };
        self.bounded(gone, self.inner.registry.registries.distribution(&reference, auth)).await?
    }

    /// Searches a registry.
    ///
    /// # Errors
    /// A filter or limit that is not one; the registry cannot be reached, or has no search.
    pub async fn search_images(&self, options: SearchOptions) -> Result<Vec<SearchResult>> {
        let SearchOptions { term, limit, filters, auth, gone } = options;
        filters.accept(&["is-automated", "is-official", "stars"])?;
        let automated = filters.boolean("is-automated", false)?;
        let official = filters.boolean("is-official", false)?;
        let mut stars = 0;
        for text in filters.get("stars") {
            let number = text.parse::<i64>().map_err(|_| {
                Error::invalid(format!("invalid filter 'stars={text}': strconv.Atoi: parsing {text:?}: invalid syntax"))
            })?;
            stars = stars.max(number);
        }
        let limit = limit.filter(|limit| *limit != 0).unwrap_or(RESULTS.into());
        let limit = u8::try_from(limit)
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .ok_or_else(|| Error::invalid(format!("limit {limit} is outside the range of [1, 100]")))?;
        if automated {
            // No registry tells any longer, so the Engine finds none.
            return Ok(Vec::new());
        }
        let (domain, term) = split(&term)?;
        let search = Search { domain, term, limit, auth };
        let mut results = self.bounded(&gone, self.inner.registry.registries.search(&search)).await??;
        results.retain(|result| {
            (!filters.contains("is-official") || result.is_official == official) && result.star_count >= stars
        });
        results.truncate(limit.into());
        for result in &mut results {
            result.is_automated = false;
        }
        Ok(results)
    }

    /// Says why an image is not pushed. Answers progress lines, the last of which is an error, where the Engine does.
    ///
    /// # Errors
    /// A malformed reference; the image is known, and its layers are not here.
    pub fn push_image(&self, name: &str, tag: Option<&str>) -> Result<ByteStream> {
        let reference = named(name, tag)?;
        let familiar = reference.familiar_name();
        let all = reference.tag().is_none() && reference.digest().is_none();
        let images = self.inner.images.all();
        let mut references = images.iter().flat_map(|image| &image.references);
        if references.any(|known| if all { repository(known) == familiar } else { *known == reference.familiar() }) {
            return Err(Error::not_implemented(format!(
                "pushing {} is not supported: this daemon holds no layers, only the names of images; push it from where it was \
                 built, or copy it from one registry to another with a tool for that",
                reference.familiar()
            )));
        }
        let line = json!({ "status": format!("The push refers to repository [{}]", reference.canonical_name()) });
        let error = Error::not_found(format!("An image does not exist locally with the tag: {familiar}"));
        Ok(stream::iter([Ok(Bytes::from(format!("{line}\r\n"))), Err(error)]).boxed())
    }

    /// Says why images are not saved.
    ///
    /// # Errors
    /// Always: an image is not known; or they all are, and their layers are not here.
    pub fn save_images<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<ByteStream> {
        for name in names {
            self.inner.images.find(name).map_err(|error| match error.kind {
                crate::ErrorKind::NotFound => Error::not_found(format!("No such image: {name}")),
                _ => error,
            })?;
        }
        Err(Error::not_implemented(
            "saving images is not supported: this daemon holds no layers, only the names of images; save the image where it was \
             built, or copy it from its registry with a tool for that",
        ))
    }
}

/// The registry that is searched, and the words that it is given.
fn split(term: &str) -> Result<(String, String)> {
    if term.contains("://") {
        return Err(Error::invalid(format!(
            "invalid repository name: repository name ({term}) should not have a scheme"
        )));
    }
    let (domain, rest) = match term.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", term),
    };
    if matches!(domain, "docker.io" | "index.docker.io") {
        return Ok(("docker.io".to_owned(), rest.strip_prefix("library/").unwrap_or(rest).to_owned()));
    }
    Ok((domain.to_owned(), rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_host_before_the_words_is_another_registry() {
        for (term, domain, words) in [
            ("busybox", "docker.io", "busybox"),
            ("library/busybox", "docker.io", "busybox"),
            ("docker.io/user/image", "docker.io", "user/image"),
            ("user/image", "docker.io", "user/image"),
            ("localhost:5000/a/b", "localhost:5000", "a/b"),
            ("", "docker.io", ""),
        ] {
            assert_eq!(split(term).unwrap(), (domain.to_owned(), words.to_owned()), "{term}");
        }
        assert!(split("https://x").is_err());
    }
}
