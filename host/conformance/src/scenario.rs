//! The script of a world: what a backend is told, and how its cloud answers.

mod pattern;
mod template;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sockerless_plugins::{Limits, Policy};

pub(crate) use pattern::Captures;
pub use pattern::UrlPattern;
pub(crate) use template::Filling;
pub use template::Template;

/// A world by script. The default one has no configuration, and a cloud that answers 404 to everything.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Values of the keys that the backend declares.
    pub config: BTreeMap<String, String>,
    /// What an operator grants it.
    pub policy: Policy,
    /// What it may use.
    pub limits: Limits,
    /// Whether the host has a callback URL, so that containers have agents.
    pub agents: bool,
    /// The image of the containers that are made.
    pub image: String,
    /// Their command: one that runs until it is stopped.
    pub command: Vec<String>,
    /// How the cloud answers: the first rule that fits. 404 where none does.
    pub http: Vec<Rule>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            config: BTreeMap::new(),
            policy: Policy::default(),
            limits: Limits::default(),
            agents: true,
            image: "alpine".to_owned(),
            command: ["tail", "-f", "/dev/null"].map(str::to_owned).to_vec(),
            http: Vec::new(),
        }
    }
}

/// What stands for the list in a body.
pub(crate) const ITEMS: &str = "items";

/// How the cloud answers requests of one kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// `GET`, `PUT`, …
    pub method: String,
    /// Which URLs.
    pub url: UrlPattern,
    /// The thing in the cloud that the request is about, such as `site/${name}`. It is there once a rule has made it.
    pub resource: Option<Template>,
    /// Whether the rule is for a resource that is there, or for one that is not. Absent: for both.
    pub when: Option<Presence>,
    /// What becomes of the resource.
    pub effect: Option<Effect>,
    /// The status of the answer.
    pub status: u16,
    /// Headers of the answer.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// Its body. `${items}` in it stands for a list, see `each`.
    #[serde(default)]
    pub body: Template,
    /// A list of the resources whose names fit this pattern: each is an `item`, with commas between them.
    pub each: Option<UrlPattern>,
    /// One of them, with the names of `each`, and `${made:/a/b}` of the request that made it.
    pub item: Option<Template>,
}

/// Whether a resource is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

/// What a request does to its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It is there from now on, made by this request.
    Make,
    /// It is gone.
    Remove,
}

/// The text is no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScenario {
    /// It is not of the form.
    #[error("the scenario is not understood: {0}")]
    Form(String),
    /// A rule contradicts itself.
    #[error("rule {number} of the scenario ({method} {url}) {problem}")]
    Rule {
        /// Counted from 1.
        number: usize,
        /// Its method.
        method: String,
        /// Its URLs.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Scenario {
    /// Reads a scenario in TOML.
    ///
    /// # Errors
    /// It is not of the form, or a rule contradicts itself.
    pub fn from_toml(text: &str) -> Result<Self, InvalidScenario> {
        let scenario: Self = toml::from_str(text).map_err(|error| InvalidScenario::Form(error.to_string()))?;
        for (index, rule) in scenario.http.iter().enumerate() {
            rule.valid().map_err(|problem| InvalidScenario::Rule {
                number: index + 1,
                method: rule.method.clone(),
                url: rule.url.to_string(),
                problem,
            })?;
        }
        if scenario.command.is_empty() {
            return Err(InvalidScenario::Form("`command` has no words".to_owned()));
        }
        Ok(scenario)
    }
}

impl Rule {
    fn valid(&self) -> Result<(), String> {
        if self.resource.is_none() && (self.when.is_some() || self.effect.is_some()) {
            return Err("has `when` or `effect`, but no `resource` that they could speak of".to_owned());
        }
        // 101: what follows is the body, whatever the backend sends.
        if self.status != 101 && !(200..=599).contains(&self.status) {
            return Err(format!("has the status {}: write one from 200 to 599, or 101 for a connection", self.status));
        }
        if self.each.is_some() != self.item.is_some() {
            return Err("has one of `each` and `item`, which need each other".to_owned());
        }
        let mut known: BTreeSet<&str> = self.url.names().collect();
        let unknown = |known: &BTreeSet<&str>, template: &Template| {
            let name = template.captures().find(|name| !known.contains(name));
            name.map_or(Ok(()), |name| Err(format!("uses ${{{name}}}, which is not in its `url`")))
        };
        self.resource.iter().chain(self.headers.values()).try_for_each(|template| unknown(&known, template))?;
        if let (Some(each), Some(item)) = (&self.each, &self.item) {
            known.extend(each.names());
            unknown(&known, item)?;
            known.insert(ITEMS);
        }
        unknown(&known, &self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<Scenario, InvalidScenario> {
        Scenario::from_toml(&format!("[[http]]\nmethod = 'PUT'\nurl = 'https://a.example/${{name}}'\n{text}"))
    }

    #[test]
    fn a_scenario_is_read_whole() {
        let text = "agents = false\n[config]\nSOCKERLESS_X = 'y'\n[[http]]\nmethod = 'GET'\nurl = 'https://a.example/*'\n\
                    resource = 'x'\nwhen = 'absent'\neffect = 'make'\nstatus = 200\nheaders = { a = 'b' }\nbody = '{}'\n";
        let scenario = Scenario::from_toml(text).unwrap();
        assert!(!scenario.agents);
        assert_eq!(scenario.http[0].when, Some(Presence::Absent));
        assert_eq!(scenario.command, Scenario::default().command);
    }

    #[test]
    fn what_contradicts_itself_is_refused_by_name() {
        for (text, problem) in [
            ("status = 200\neffect = 'make'", "no `resource`"),
            ("status = 99", "the status 99"),
            ("status = 200\nbody = '${other}'", "${other}"),
            ("status = 200\nbody = '${items}'", "${items}"),
            ("status = 200\neach = 'x'", "need each other"),
        ] {
            let error = rule(text).unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("rule 1"), "{error}");
        }
        assert!(Scenario::from_toml("[[http]]\nmethd = 'GET'").unwrap_err().to_string().contains("methd"));
        assert!(Scenario::from_toml("command = []").is_err());
        assert!(rule("status = 200\nbody = '${name}'").is_ok());
    }
}
