//! Searches, by the API of version 1: there is none in the specification that came after it.

use serde::Deserialize;
use sockerless_docker::{RegistryAuth, SearchResult};
use sockerless_engine::{Error, Search};

use crate::session::{first, join};
use crate::token;
use crate::transport::{Ask, Transport};

/// As large as the answer may be, in bytes.
const LIMIT: usize = 4 << 20;

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    results: Option<Vec<SearchResult>>,
}

pub(crate) async fn search(transport: &Transport, search: &Search) -> Result<Vec<SearchResult>, Error> {
    let bases = transport.hosts.of_index(&search.domain)?;
    let credentials = search.auth.as_ref().and_then(RegistryAuth::basic);
    let authorization = credentials.map(|(user, password)| token::basic(&user, &password)).transpose()?;
    let ask = |base: &url::Url| {
        let mut url = join(base, "v1/search")?;
        url.query_pairs_mut().append_pair("q", &search.term).append_pair("n", &search.limit.to_string());
        let authorization = authorization.clone();
        Ok(Ask { accept: Some("application/json"), authorization, ..Ask::get(url, LIMIT) })
    };
    let (_, answer) = first(transport, bases, ask).await?;
    if !answer.status.is_success() {
        return Err(Error::internal(format!("Unexpected status code {}", answer.status.as_u16())));
    }
    let found: Found = serde_json::from_slice(&answer.body)
        .map_err(|error| Error::internal(format!("the answer of {} cannot be read: {error}", search.domain)))?;
    Ok(found.results.unwrap_or_default())
}
