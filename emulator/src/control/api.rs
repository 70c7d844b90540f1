//! The routes of the control API.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::fault::Fault;
use crate::container::Order;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// Answers a request to the control API, on its host or below its path prefix.
pub(crate) fn handle(world: &World, exchange: &Exchange) -> Answer {
    let path = exchange.path.strip_prefix("/_control").unwrap_or(&exchange.path);
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match (&exchange.method, segments.as_slice()) {
        (&Method::GET, ["apps"]) => ok(&Value::Array(world.arm.apps())),
        (&Method::GET, ["apps", name]) => match world.arm.app(name) {
            Some(app) => ok(&app),
            None => unknown_app(name),
        },
        (&Method::POST, ["apps", name, "move"]) => match world.arm.handle_of(name) {
            Some(handle) => {
                handle.order(Order::Move);
                Answer::empty(StatusCode::NO_CONTENT)
            }
            None => unknown_app(name),
        },
        (&Method::POST, ["apps", name, "crash"]) => match world.arm.handle_of(name) {
            Some(handle) => {
                handle.order(Order::Crash);
                Answer::empty(StatusCode::NO_CONTENT)
            }
            None => unknown_app(name),
        },
        (&Method::GET, ["config"]) => ok(&json!(*world.config())),
        (&Method::PATCH, ["config"]) => match serde_json::from_slice(&exchange.body) {
            Ok(patch) => match world.live.patch(&patch) {
                Ok(()) => ok(&json!(*world.config())),
                Err(reason) => problem(StatusCode::BAD_REQUEST, &reason),
            },
            Err(error) => problem(StatusCode::BAD_REQUEST, &format!("this is no JSON: {error}")),
        },
        (&Method::GET, ["ca.pem"]) => Answer::text(StatusCode::OK, world.authority.pem()),
        (&Method::DELETE, ["tokens"]) => {
            world.tokens.expire();
            Answer::empty(StatusCode::NO_CONTENT)
        }
        (&Method::GET, ["plans"]) => ok(&Value::Array(world.arm.plans())),
        (&Method::GET, ["requests"]) => ok(&json!(world.requests.all())),
        (&Method::DELETE, ["requests"]) => {
            world.requests.clear();
            Answer::empty(StatusCode::NO_CONTENT)
        }
        (&Method::GET, ["faults"]) => ok(&json!(world.faults.all())),
        (&Method::POST, ["faults"]) => match serde_json::from_slice::<Fault>(&exchange.body) {
            Ok(fault) => {
                world.faults.add(fault);
                Answer::empty(StatusCode::NO_CONTENT)
            }
            Err(error) => problem(StatusCode::BAD_REQUEST, &format!("this is no fault: {error}")),
        },
        (&Method::DELETE, ["faults"]) => {
            world.faults.clear();
            Answer::empty(StatusCode::NO_CONTENT)
        }
        (method, _) => problem(StatusCode::NOT_FOUND, &format!("the control API has no {method} {path}")),
    }
}

fn ok(value: &Value) -> Answer {
    Answer::json(StatusCode::OK, value)
}

fn unknown_app(name: &str) -> Answer {
    problem(StatusCode::NOT_FOUND, &format!("there is no app '{name}'"))
}

fn problem(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({ "message": message }))
}
