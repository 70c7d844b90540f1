//! The cloud: answers by the rules of the scenario, or in whichever way it is out of order.

use async_trait::async_trait;
use serde_json::Value;
use sockerless_backend::HttpError;
use sockerless_backend::types::Response;
use sockerless_plugins::{Transport, Transported, longest_exchange};
use url::Url;

use super::{Act, Shared, Trouble, World};
use crate::scenario::{Captures, Effect, Filling, Presence, Rule, Template, UrlPattern};

const NO_RULE: &str = r#"{"error":{"code":"NotFound","message":"no rule of the scenario fits"},"message":"no rule of the scenario fits"}"#;

#[async_trait]
impl Transport for Shared {
    fn dispatched(&self, url: &Url) {
        self.0.act(Act::Dispatched { url: url.to_string() });
        self.0.state().under_way += 1;
    }

    async fn perform(&self, request: Transported<'_>) -> Result<Response, HttpError> {
        let world = &*self.0;
        let url = request.url.as_str();
        let trouble = world.state().trouble;
        if !request.dispatched {
            world.act(Act::Sent { method: request.method.to_string(), url: url.to_owned() });
        }
        match trouble {
            None => world.answer(request.method.as_str(), url, request.body.map(|body| &**body)),
            Some(trouble) => {
                if trouble == Trouble::Silent && !request.dispatched {
                    world.pass(longest_exchange(request.timeout, world.rest())).await;
                }
                troubled(trouble)
            }
        }
    }
}

fn troubled(trouble: Trouble) -> Result<Response, HttpError> {
    let answer = |status, code: &str| {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"{code}"}},"message":"{code}"}}"#);
        Ok(response(status, vec![("content-type".to_owned(), "application/json".to_owned())], body))
    };
    match trouble {
        Trouble::Unreachable => Err(HttpError::Connect("connection refused".to_owned())),
        Trouble::Silent => Err(HttpError::Timeout("no full response in time".to_owned())),
        Trouble::Broken => Err(HttpError::Interrupted("connection reset".to_owned())),
        Trouble::Denying => answer(403, "AuthorizationFailed"),
        Trouble::Failing => answer(500, "InternalServerError"),
        Trouble::Unavailable => answer(503, "ServiceUnavailable"),
        Trouble::Throttling => {
            let mut response = answer(429, "TooManyRequests")?;
            response.headers.push(("retry-after".to_owned(), "3600".to_owned()));
            Ok(response)
        }
        Trouble::Babbling => {
            let page = "<!DOCTYPE html><html><body>Your app is up and running</body></html>".to_owned();
            Ok(response(200, vec![("content-type".to_owned(), "text/html".to_owned())], page))
        }
    }
}

fn response(status: u16, headers: Vec<(String, String)>, body: String) -> Response {
    Response { status, headers, body: body.into_bytes() }
}

impl World {
    /// What the first rule that fits says. Has its effect.
    fn answer(&self, method: &str, url: &str, body: Option<&[u8]>) -> Result<Response, HttpError> {
        let request = body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        let mut filling = Filling { request, ..Filling::default() };
        let Some((rule, resource)) = self.rule(method, url, &mut filling) else {
            return Ok(response(
                404,
                vec![("content-type".to_owned(), "application/json".to_owned())],
                NO_RULE.to_owned(),
            ));
        };
        if let (Some(resource), Some(effect)) = (resource, rule.effect) {
            self.effect(effect, &resource, &mut filling);
            let mut state = self.state();
            if std::mem::take(&mut state.loses_answer) {
                return Err(HttpError::Interrupted("connection reset".to_owned()));
            }
        }
        if let (Some(each), Some(item)) = (&rule.each, &rule.item) {
            let items = self.items(each, item, &filling);
            filling.listed = items;
        }
        let headers = rule.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.fill(&filling)));
        Ok(response(rule.status, headers.collect(), rule.body.fill(&filling)))
    }

    fn rule(&self, method: &str, url: &str, filling: &mut Filling) -> Option<(&Rule, Option<String>)> {
        self.rules.iter().filter(|rule| rule.method == method).find_map(|rule| {
            let captures: Captures = rule.url.matches(url)?;
            filling.captures = captures;
            let resource = rule.resource.as_ref().map(|resource| resource.fill(filling));
            let made = resource.as_ref().and_then(|resource| self.state().resources.get(resource).cloned());
            let fits = match rule.when {
                None => true,
                Some(Presence::Present) => made.is_some(),
                Some(Presence::Absent) => made.is_none(),
            };
            filling.made = made.unwrap_or_default();
            fits.then_some((rule, resource))
        })
    }

    /// The resources whose names fit, each as an item.
    fn items(&self, each: &UrlPattern, item: &Template, filling: &Filling) -> String {
        let state = self.state();
        let items = state.resources.iter().filter_map(|(resource, made)| {
            let mut captures = filling.captures.clone();
            captures.extend(each.matches(resource)?);
            Some(item.fill(&Filling { captures, made: made.clone(), ..Filling::default() }))
        });
        items.collect::<Vec<_>>().join(",")
    }

    fn effect(&self, effect: Effect, resource: &str, filling: &mut Filling) {
        let mut state = self.state();
        match effect {
            Effect::Make => {
                filling.made = filling.request.clone();
                let made: Value = filling.request.clone();
                if state.resources.insert(resource.to_owned(), made).is_none() {
                    state.acts.push(Act::Made(resource.to_owned()));
                }
            }
            Effect::Remove => {
                if state.resources.remove(resource).is_some() {
                    state.acts.push(Act::Removed(resource.to_owned()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    const RULES: &str = r#"
        [[http]]
        method = "PUT"
        url = "https://cloud.example/things/${name}"
        resource = "thing ${name}"
        effect = "make"
        status = 201
        body = '{"name":"${name}","tag":"${made:/tag}"}'
        [[http]]
        method = "GET"
        url = "https://cloud.example/things/${name}"
        resource = "thing ${name}"
        when = "present"
        status = 200
        body = '{"tag":"${made:/tag}"}'
        [[http]]
        method = "GET"
        url = "https://cloud.example/things"
        status = 200
        each = "thing ${name}"
        item = '{"name":"${name}","tag":"${made:/tag}"}'
        body = '[${items}]'
        [[http]]
        method = "DELETE"
        url = "https://cloud.example/things/${name}"
        resource = "thing ${name}"
        effect = "remove"
        status = 204
    "#;

    fn ask(world: &World, method: &str, body: Option<&[u8]>) -> (u16, String) {
        let answer = world.answer(method, "https://cloud.example/things/one?v=1", body).unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    #[test]
    fn what_is_made_is_there_until_it_is_removed() {
        let world = World::new(&Scenario::from_toml(RULES).unwrap());
        assert_eq!(ask(&world, "GET", None).0, 404);
        let made = ask(&world, "PUT", Some(br#"{"tag":"x"}"#));
        assert_eq!(made, (201, r#"{"name":"one","tag":"x"}"#.to_owned()));
        assert_eq!(ask(&world, "GET", None), (200, r#"{"tag":"x"}"#.to_owned()));
        assert_eq!(world.resources(), ["thing one"]);
        assert_eq!(ask(&world, "DELETE", None).0, 204);
        assert!(world.resources().is_empty());
        assert_eq!(world.acts(), [Act::Made("thing one".into()), Act::Removed("thing one".into())]);
    }

    #[test]
    fn what_is_there_is_listed() {
        let world = World::new(&Scenario::from_toml(RULES).unwrap());
        let list =
            || String::from_utf8(world.answer("GET", "https://cloud.example/things", None).unwrap().body).unwrap();
        assert_eq!(list(), "[]");
        for name in ["one", "two"] {
            let url = format!("https://cloud.example/things/{name}");
            world.answer("PUT", &url, Some(br#"{"tag":"x"}"#)).unwrap();
        }
        assert_eq!(list(), r#"[{"name":"one","tag":"x"},{"name":"two","tag":"x"}]"#);
    }

    #[test]
    fn a_lost_answer_is_lost_after_its_effect_and_once() {
        let world = World::new(&Scenario::from_toml(RULES).unwrap());
        world.lose_an_answer();
        let lost = world.answer("PUT", "https://cloud.example/things/one", Some(b"{}"));
        assert!(matches!(lost, Err(HttpError::Interrupted(_))));
        assert_eq!(world.resources(), ["thing one"]);
        assert_eq!(ask(&world, "PUT", Some(b"{}")).0, 201);
    }
}
