//! The configuration while the emulator runs: the control API changes what is not settled at the start.

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::{Map, Value};

use super::EmulatorConfig;
use crate::sync::lock;

/// What is read at the start only, as paths into the configuration.
const SETTLED: [&[&str]; 9] = [
    &["listen"],
    &["cloud"],
    &["container_init"],
    &["agent"],
    &["ca_file"],
    &["remembered_requests"],
    &["arm", "plans"],
    &["platform", "without_namespaces"],
    &["storage", "folder"],
];

/// The configuration that is in force.
#[derive(Debug)]
pub(crate) struct LiveConfig {
    current: ArcSwap<EmulatorConfig>,
    changing: std::sync::Mutex<()>,
}

impl LiveConfig {
    pub(crate) fn new(config: EmulatorConfig) -> Self {
        Self { current: ArcSwap::from_pointee(config), changing: std::sync::Mutex::default() }
    }

    pub(crate) fn get(&self) -> Arc<EmulatorConfig> {
        self.current.load_full()
    }

    /// Changes what a merge patch (RFC 7396) names; nothing at all when that is refused, with the reason.
    pub(crate) fn patch(&self, patch: &Value) -> Result<(), String> {
        let _alone = lock(&self.changing);
        let before = serde_json::to_value(&*self.get()).map_err(|error| error.to_string())?;
        let mut after = before.clone();
        merge(&mut after, patch);
        for path in SETTLED {
            let value = |of: &Value| path.iter().try_fold(of.clone(), |value, name| value.get(name).cloned());
            if value(&before) != value(&after) {
                return Err(format!("'{}' is read at the start only", path.join(".")));
            }
        }
        let config: EmulatorConfig = serde_json::from_value(after).map_err(|error| error.to_string())?;
        self.current.store(Arc::new(config));
        Ok(())
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(name);
            } else {
                merge(target.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(patch: &Value) -> Result<Arc<EmulatorConfig>, String> {
        let live = LiveConfig::new(EmulatorConfig::default());
        live.patch(patch).map(|()| live.get())
    }

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let config = patched(&json!({ "platform": { "overlap_ms": 7 }, "arm": { "put": { "form": "location" } } }));
        let mut expected = EmulatorConfig::default();
        expected.platform.overlap_ms = 7;
        expected.arm.put.form = crate::control::PutForm::Location;
        assert_eq!(*config.unwrap(), expected);
    }

    #[test]
    fn what_is_settled_or_unknown_or_no_object_is_refused() {
        for (patch, reason) in [
            (json!({ "listen": "127.0.0.1:1" }), "'listen'"),
            (json!({ "arm": { "plans": [] } }), "'arm.plans'"),
            (json!({ "arm": null }), "'arm.plans'"),
            (json!({ "arm": { "page_sizes": 1 } }), "page_sizes"),
            (json!({ "logs": { "delay_ms": "soon" } }), "soon"),
            (json!(7), "'listen'"),
        ] {
            let error = patched(&patch).unwrap_err();
            assert!(error.contains(reason), "{patch}: {error}");
        }
    }

    #[test]
    fn null_sets_the_default_again() {
        let live = LiveConfig::new(EmulatorConfig::default());
        live.patch(&json!({ "logs": { "delay_ms": 5 } })).unwrap();
        assert_eq!(live.get().logs.delay_ms, 5);
        live.patch(&json!({ "logs": { "delay_ms": null } })).unwrap();
        assert_eq!(*live.get(), EmulatorConfig::default());
    }
}
