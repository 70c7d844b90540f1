//! What the agent is told by its environment.

use anyhow::{Context, Result, bail};
use sockerless_agent_protocol::env;
use sockerless_agent_protocol::spec::ProcessSpec;
use sockerless_agent_protocol::token::AgentToken;
use std::time::Duration;
use url::Url;

use crate::telemetry::Target;

/// Before the front end would cut the response, at 230 s.
const RESPONSE_LIMIT: Duration = Duration::from_secs(200);

/// What the agent does.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) container: String,
    pub(crate) linking: Linking,
    pub(crate) invocation_key: String,
    /// The container's own process.
    pub(crate) spec: ProcessSpec,
    /// Where the front end expects it.
    pub(crate) port: u16,
    /// How long an invocation waits for the end of the command.
    pub(crate) response_limit: Duration,
    pub(crate) telemetry: Option<Target>,
    /// Whether the files are those of an image, so that what changes in them can be told.
    pub(crate) tells_changes: bool,
    /// Filter of its own log.
    pub(crate) log: String,
}

/// How the agent and the daemon find each other.
#[derive(Debug, Clone)]
pub(crate) enum Linking {
    /// The agent dials.
    Callback(Callback),
    /// The daemon dials, and proves that it knows this token.
    Dialled(AgentToken),
}

/// Where the daemon is, and how it recognises this agent.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    pub(crate) url: Url,
    pub(crate) token: AgentToken,
}

impl Config {
    /// Reads the environment, and takes the secrets out of it, so that no child of a careless library inherits them.
    ///
    /// To be called before there are threads.
    ///
    /// # Errors
    /// A variable is missing or malformed; the text names it.
    pub(crate) fn take_from_environment(words: Vec<String>) -> Result<Self> {
        let config = Self::read(words, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        for name in [env::TOKEN, env::SPEC, "APPLICATIONINSIGHTS_CONNECTION_STRING"] {
            // SAFETY: no other thread exists yet.
            unsafe { std::env::remove_var(name) };
        }
        config
    }

    fn read(words: Vec<String>, get: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let needed = |name: &str, what: &str| {
            get(name).with_context(|| {
                format!(
                    "{name} is not set: it is {what}, and the sockerless daemon sets it when it makes the container"
                )
            })
        };
        let token = AgentToken::new(needed(env::TOKEN, "the secret by which the daemon knows this agent")?);
        let linking = if get(env::LINK).as_deref() == Some(env::LINK_DIAL) {
            Linking::Dialled(token.clone())
        } else {
            let url = needed(env::CALLBACK_URL, "the address of the daemon, ws:// or wss://")?;
            let url: Url = url.parse().with_context(|| format!("{} is no URL: {url}", env::CALLBACK_URL))?;
            if !matches!(url.scheme(), "ws" | "wss") || url.host_str().is_none() {
                bail!("{} must begin with ws:// or wss:// and name a host: {url}", env::CALLBACK_URL);
            }
            Linking::Callback(Callback { url, token: token.clone() })
        };
        let spec = needed(env::SPEC, "the description of the process to run")?;
        let spec = ProcessSpec::decode(&spec).with_context(|| format!("{} is unreadable", env::SPEC))?;
        let port = ["PORT", "WEBSITES_PORT"].into_iter().find_map(|name| Some((name, get(name)?)));
        let port = match port {
            Some((name, port)) => port.parse().with_context(|| format!("{name} is no port: {port}"))?,
            None => 80,
        };
        let limit = get("SOCKERLESS_AGENT_RESPONSE_LIMIT");
        let response_limit = match limit {
            Some(seconds) => Duration::from_secs(
                seconds
                    .parse()
                    .with_context(|| format!("SOCKERLESS_AGENT_RESPONSE_LIMIT is no number of seconds: {seconds}"))?,
            ),
            None => RESPONSE_LIMIT,
        };
        let telemetry = match get("APPLICATIONINSIGHTS_CONNECTION_STRING") {
            Some(text) => Some(
                Target::parse(&text, get("WEBSITE_SITE_NAME").unwrap_or_default())
                    .context("APPLICATIONINSIGHTS_CONNECTION_STRING is not understood")?,
            ),
            None => None,
        };
        Ok(Self {
            container: needed(env::CONTAINER_ID, "Docker's id of this container")?,
            invocation_key: token.invocation_key(),
            linking,
            spec: ProcessSpec { argv: words, ..spec },
            port,
            response_limit,
            telemetry,
            tells_changes: get(env::CHANGES).is_none_or(|value| value != env::CHANGES_OFF),
            log: get("SOCKERLESS_AGENT_LOG").unwrap_or_else(|| "info".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read(more: &[(&str, &str)], without: &str) -> Result<Config> {
        let spec = ProcessSpec { tty: true, ..ProcessSpec::default() }.encode();
        let mut map: HashMap<&str, &str> = HashMap::from([
            (env::TOKEN, "secret"),
            (env::CONTAINER_ID, "c"),
            (env::CALLBACK_URL, "wss://d.example/base"),
            (env::SPEC, &*spec),
        ]);
        map.extend(more.iter().copied());
        map.remove(without);
        Config::read(vec!["sh".into()], &|name| map.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in [env::TOKEN, env::CONTAINER_ID, env::CALLBACK_URL, env::SPEC] {
            assert!(read(&[], name).unwrap_err().to_string().contains(name));
        }
    }

    #[test]
    fn the_words_come_from_the_command_line_and_the_port_from_the_platform() {
        let config = read(&[], "").unwrap();
        assert_eq!((config.spec.argv, config.spec.tty, config.port), (vec!["sh".to_owned()], true, 80));
        assert_eq!(read(&[("WEBSITES_PORT", "81"), ("PORT", "82")], "").unwrap().port, 82);
        assert!(read(&[("PORT", "x")], "").is_err());
        assert!(read(&[(env::CALLBACK_URL, "https://d.example")], "").is_err());
    }

    #[test]
    fn an_agent_that_is_dialled_needs_no_callback_url() {
        let dialled = read(&[(env::LINK, env::LINK_DIAL)], env::CALLBACK_URL).unwrap();
        assert!(matches!(dialled.linking, Linking::Dialled(token) if token.expose() == "secret"));
        assert!(matches!(read(&[(env::LINK, "callback")], "").unwrap().linking, Linking::Callback(_)));
    }

    #[test]
    fn the_token_does_not_show() {
        assert!(!format!("{:?}", read(&[], "").unwrap().linking).contains("secret"));
    }
}
