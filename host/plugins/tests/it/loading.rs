//! Each step of a load, with its error. After each the old backend goes on serving.

use std::sync::Arc;

use sockerless_backend::{Backend, BackendError};
use sockerless_plugins::{LoadError, LoadRequest};

use crate::guest::{guest, guest_with, guest_without_logs};
use crate::support::{Setup, World, container};

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A world in which `guest` serves, and the error of loading something else.
async fn refused(setup: Setup, component: impl Into<bytes::Bytes>) -> (World, LoadError) {
    let world = setup.world();
    world.load(guest()).await.unwrap();
    let error = world.load(component).await.unwrap_err();
    world.still_serves().await;
    assert_eq!(world.host.backend("guest").unwrap().loaded().generation, 1);
    (world, error)
}

#[tokio::test]
async fn a_good_component_serves() {
    let world = Setup::default().world();
    let outcome = world.load(guest()).await.unwrap();
    assert_eq!(outcome.loaded.descriptor.name, "guest");
    assert_eq!(outcome.loaded.generation, 1);
    assert!(outcome.loaded.interfaces.logs);
    assert!(outcome.loaded.digest.starts_with("sha256:"));
    assert!(outcome.replaced.is_none());
    world.still_serves().await;
    let backend = world.host.default_backend().unwrap();
    let page = backend.logs(container("x", &[], &[]), Default::default(), None).await.unwrap();
    assert_eq!(page.entries[0].line, b"a line");
    assert_eq!(page.next.as_deref(), Some("2"));
    let findings = backend.plan("HostConfig.X".into()).await.unwrap();
    assert_eq!(findings[0].field, "HostConfig.X");
}

#[tokio::test]
async fn logs_are_optional() {
    let world = Setup::default().world();
    assert!(!world.load(guest_without_logs()).await.unwrap().loaded.interfaces.logs);
    let backend = world.host.default_backend().unwrap();
    let error = backend.logs(container("x", &[], &[]), Default::default(), None).await.unwrap_err();
    assert!(matches!(error, BackendError::NotSupported(_)), "{error:?}");
}

#[tokio::test]
async fn what_is_no_component_is_told_so() {
    let (world, error) = refused(Setup::default(), "#!/bin/sh\n").await;
    assert!(matches!(error, LoadError::NotWasm(_)), "{error}");
    let error = world.load(wat("(module (func))")).await.unwrap_err();
    assert!(matches!(error, LoadError::CoreModule), "{error}");
    assert!(error.to_string().contains("wasm32-wasip2"));
    let mut broken = guest().to_vec();
    broken.truncate(broken.len() / 2);
    let error = world.load(broken).await.unwrap_err();
    assert!(matches!(error, LoadError::Malformed(_)), "{error}");
    let mut wrong = wat("(component (core module (func (result i32) i32.const 1)))");
    let at = wrong.windows(2).rposition(|w| w == [0x41, 1]).unwrap();
    wrong[at] = 0x42; // i64.const
    let error = world.load(wrong).await.unwrap_err();
    assert!(matches!(error, LoadError::MissingExports(_) | LoadError::Compile(_)), "{error}");
    world.still_serves().await;
}

#[tokio::test]
async fn a_component_beyond_the_size_limit_is_refused() {
    let mut setup = Setup::default();
    setup.limits.component_bytes = guest().len();
    let world = setup.world();
    let mut settings = world.settings.clone();
    settings.limits.component_bytes = 100;
    let request = LoadRequest { component: guest(), name: Some("guest".into()), digest: None };
    let error = world.host.load(request, &settings, &vec![], &()).await.unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { limit: 100, .. }), "{error}");
}

#[tokio::test]
async fn another_version_of_the_interface_is_named() {
    let component = wat(r#"(component (import "sockerless:backend/http@0.2.0" (instance)))"#);
    let (_, error) = refused(Setup::default(), component).await;
    assert!(matches!(error, LoadError::Version { .. }));
    let text = error.to_string();
    assert!(text.contains("needs sockerless:backend 0.2.0, this host speaks 0.1"), "{text}");
}

#[tokio::test]
async fn unknown_imports_are_named() {
    let component = wat(r#"(component (import "wasi:http/types@0.2.0" (instance)) (import "magic" (func)))"#);
    let (_, error) = refused(Setup::default(), component).await;
    let LoadError::UnknownImports(names) = &error else { panic!("{error}") };
    assert_eq!(names, &["wasi:http/types@0.2.0", "magic"]);
}

#[tokio::test]
async fn missing_functions_are_named() {
    let component = wat(r#"(component
            (component $empty)
            (instance $i (instantiate $empty))
            (export "sockerless:backend/backend@0.1.0" (instance $i))
            (export "sockerless:backend/lifecycle@0.1.0" (instance $i)))"#);
    let (_, error) = refused(Setup::default(), component).await;
    let LoadError::MissingExports(names) = &error else { panic!("{error}") };
    assert_eq!(names.len(), 11);
    assert!(names.contains(&"sockerless:backend/lifecycle.create".to_owned()), "{names:?}");
}

#[tokio::test]
async fn missing_interfaces_are_named() {
    let (_, error) = refused(Setup::default(), wat("(component)")).await;
    let LoadError::MissingExports(names) = &error else { panic!("{error}") };
    assert_eq!(names, &["sockerless:backend/backend", "sockerless:backend/lifecycle"]);
}

/// A component with every export by its name, but with no parameters or results.
fn shell(imports: &str) -> Vec<u8> {
    shell_around(imports, "")
}

/// The same around a core module with more in it.
pub(crate) fn shell_around(before: &str, module: &str) -> Vec<u8> {
    let functions = |names: &[&str]| {
        let exports: Vec<_> = names.iter().map(|name| format!(r#"(export "{name}" (func $f))"#)).collect();
        exports.join(" ")
    };
    let text = format!(
        r#"(component {before}
            (core module $m {module} (func (export "f")))
            (core instance $c (instantiate $m))
            (func $f (canon lift (core func $c "f")))
            (instance $backend {})
            (instance $lifecycle {})
            (export "sockerless:backend/backend@0.1.0" (instance $backend))
            (export "sockerless:backend/lifecycle@0.1.0" (instance $lifecycle)))"#,
        functions(&["describe", "check", "plan"]),
        functions(&["create", "start", "finished", "stop", "kill", "restart", "remove", "recover"]),
    );
    wat(&text)
}

#[tokio::test]
async fn exports_of_another_type_are_refused() {
    let (_, error) = refused(Setup::default(), shell("")).await;
    assert!(matches!(error, LoadError::Signature(_)), "{error:?}");
    assert!(error.to_string().contains("does not fit the WIT package"), "{error}");
}

#[tokio::test]
async fn an_unknown_function_of_a_known_import_is_named() {
    let import = r#"(import "sockerless:backend/clock@0.1.0" (instance (export "travel" (func))))"#;
    let (_, error) = refused(Setup::default(), shell(import)).await;
    assert!(matches!(error, LoadError::Signature(_)), "{error:?}");
    assert!(error.to_string().contains("travel"), "{error}");
}

#[tokio::test]
async fn a_malformed_descriptor_is_refused() {
    let (_, error) = refused(Setup::default(), guest_with("mode=malformed")).await;
    let LoadError::Descriptor(problems) = &error else { panic!("{error}") };
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[tokio::test]
async fn name_and_digest_must_be_those_that_were_asked_for() {
    let world = Setup::default().world();
    let request = |name: Option<&str>, digest: Option<&str>| LoadRequest {
        component: guest(),
        name: name.map(Into::into),
        digest: digest.map(Into::into),
    };
    let error = world.host.load(request(Some("azf"), None), &world.settings, &vec![], &()).await.unwrap_err();
    assert_eq!(error.to_string(), "the component calls itself `guest`, but it was to be loaded as `azf`");
    let error = world.host.load(request(None, Some("sha256:00")), &world.settings, &vec![], &()).await.unwrap_err();
    assert!(matches!(error, LoadError::Digest { .. }), "{error}");
    assert!(world.host.default_backend().is_none());
}

#[tokio::test]
async fn missing_configuration_names_each_key_and_its_help() {
    let (_, error) = refused(Setup::default(), guest_with("mode=required")).await;
    let text = error.to_string();
    assert!(text.contains("SOCKERLESS_TEST_REQUIRED is not set (Help of SOCKERLESS_TEST_REQUIRED.)"), "{text}");
    assert!(matches!(BackendError::from(error), BackendError::Configuration(_)));
}

#[tokio::test]
async fn wishes_beyond_the_policy_are_named() {
    let world = Setup::default().hosts("allowed.example,evil.example", &["allowed.example"]).world();
    let error = world.load(guest()).await.unwrap_err();
    let LoadError::Policy { wants, .. } = &error else { panic!("{error}") };
    assert_eq!(wants.len(), 1);
    assert!(wants[0].contains("`evil.example`"), "{wants:?}");
}

#[tokio::test]
async fn a_check_that_fails_refuses() {
    let mut setup = Setup::default();
    setup.config.insert("SOCKERLESS_TEST_CHECK".into(), "the cloud does not answer".into());
    let error = setup.world().load(guest()).await.unwrap_err();
    assert!(matches!(error, LoadError::Check { .. }), "{error}");
    assert!(error.to_string().contains("the cloud does not answer"), "{error}");
}

#[tokio::test]
async fn several_backends_by_name() {
    let world = Setup::default().world();
    world.load(guest_with("name=second")).await.unwrap();
    world.load(guest()).await.unwrap();
    let names: Vec<_> = world.host.backends().iter().map(|b| b.loaded().descriptor.name.clone()).collect();
    assert_eq!(names, ["second", "guest"]);
    let default: Arc<dyn Backend> = world.host.default_backend().unwrap();
    assert_eq!(default.loaded().descriptor.name, "second");
}
