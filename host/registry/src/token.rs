//! Tokens: what a registry takes instead of a password, and where it is had.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method};
use serde::Deserialize;
use sockerless_docker::RegistryAuth;
use sockerless_engine::Error;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::challenge::Challenge;
use crate::refusal::Refusal;
use crate::transport::{Ask, Content, Transport};

/// As large as the answer of an endpoint of tokens may be, in bytes.
const TOKEN_LIMIT: usize = 1 << 20;
/// As whom the daemon asks for tokens that last: the Engine's name, as endpoints know that.
const CLIENT: &str = "docker";

/// What an endpoint of tokens has given.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) authorization: HeaderValue,
    /// One that lasts, if one was asked for and given.
    pub(crate) identity: Option<String>,
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Gets a token as a challenge says. `base`: the registry that asks; `scope`: what it is for; `lasting`: whether a token that
/// stands for the password is wanted.
pub(crate) async fn fetch(
    transport: &Transport,
    base: &Url,
    challenge: &Challenge,
    auth: Option<&RegistryAuth>,
    scope: Option<&str>,
    lasting: bool,
) -> Result<Token, Refusal> {
    let realm = challenge.get("realm").ok_or_else(|| Error::internal("no realm specified for token auth challenge"))?;
    let realm =
        Url::parse(realm).map_err(|error| Error::internal(format!("invalid token auth challenge realm: {error}")))?;
    if realm.scheme() == "http" && base.scheme() != "http" {
        return Err(
            Error::internal(format!("{realm} is not asked for a token: {base} is https, and that is not")).into()
        );
    }
    let ask = match auth.map(|auth| auth.identitytoken.as_str()).filter(|token| !token.is_empty()) {
        Some(identity) => by_identity(realm, challenge, identity, scope),
        None => by_password(realm, challenge, auth, scope, lasting)?,
    };
    let answer = transport.send(&ask).await?;
    if !answer.status.is_success() {
        return Err(Refusal::read(&answer));
    }
    let given: Given = serde_json::from_slice(&answer.body)
        .map_err(|error| Error::internal(format!("unable to decode token response: {error}")))?;
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let token = present(given.access_token)
        .or(present(given.token))
        .ok_or_else(|| Error::internal("authorization server did not include a token in the response"))?;
    Ok(Token { authorization: bearer(&token)?, identity: present(given.refresh_token).filter(|_| lasting) })
}

/// A token that lasts is exchanged for one of this scope.
fn by_identity(realm: Url, challenge: &Challenge, identity: &str, scope: Option<&str>) -> Ask {
    let form = Serializer::new(String::new())
        .append_pair("client_id", CLIENT)
        .append_pair("grant_type", "refresh_token")
        .append_pair("refresh_token", identity)
        .append_pair("scope", scope.unwrap_or_default())
        .append_pair("service", challenge.get("service").unwrap_or_default())
        .finish();
    Ask { method: Method::POST, body: Some(Content::form(form)), ..Ask::get(realm, TOKEN_LIMIT) }
}

fn by_password(
    mut realm: Url,
    challenge: &Challenge,
    auth: Option<&RegistryAuth>,
    scope: Option<&str>,
    lasting: bool,
) -> Result<Ask, Error> {
    let credentials = auth.and_then(RegistryAuth::basic);
    {
        let mut query = realm.query_pairs_mut();
        if let Some((user, _)) = &credentials {
            query.append_pair("account", user);
        }
        if lasting {
            query.append_pair("client_id", CLIENT).append_pair("offline_token", "true");
        }
        if let Some(scope) = scope {
            query.append_pair("scope", scope);
        }
        if let Some(service) = challenge.get("service") {
            query.append_pair("service", service);
        }
    }
    let authorization = credentials.map(|(user, password)| basic(&user, &password)).transpose()?;
    Ok(Ask { authorization, ..Ask::get(realm, TOKEN_LIMIT) })
}

/// The header that shows user and password.
pub(crate) fn basic(user: &str, password: &str) -> Result<HeaderValue, Error> {
    secret(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

/// The header that shows a token.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, Error> {
    secret(&format!("Bearer {token}"))
}

fn secret(text: &str) -> Result<HeaderValue, Error> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| Error::internal("the registry's token cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}
