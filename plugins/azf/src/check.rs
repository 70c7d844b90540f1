//! Whether the configuration is whole and Azure answers.

use serde_json::Value;

use crate::arm::{Client, Failure, error_text, explain};
use crate::bindings::log::Level;
use crate::bindings::types::Error;
use crate::config::{self, Settings};
use crate::logs;
use crate::permissions;
use crate::world::World;

/// Tiers of plans that run no custom containers.
const UNFIT_TIERS: [&str; 4] = ["Dynamic", "FlexConsumption", "Free", "Shared"];

/// What containers need to be allowed on the resource group.
const SITE_ACTIONS: [&str; 3] =
    ["Microsoft.Web/sites/write", "Microsoft.Web/sites/delete", "Microsoft.Web/sites/config/list/action"];
/// What giving an app an identity needs to be allowed on that.
const ASSIGN_ACTION: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// Reads the configuration, and looks at the plan: that takes a token, the subscription, the group and the plan itself. Each step
/// that has passed is said in the log, and each that fails without being an error: whoever asks how things are sees all of them.
pub(crate) fn check(world: &dyn World) -> Result<(), Error> {
    let settings = Settings::read(world)?;
    passed(world, "the settings are whole");
    let client = Client::new(world, &settings, "");
    let id = settings.plan_id();
    let plan = client.get(&client.url(&id));
    // Where nothing answers, and without a token, the logs need not be asked for.
    let is_answered = matches!(plan, Ok(_) | Err(Failure::Refused(_)));
    let is_read = plan.is_ok();
    let plan = plan.map_err(|failure| plan_failure(failure, &id)).and_then(|plan| {
        passed(world, "Azure gives a token, and the resource group can be read with it");
        fit(&plan, &settings)
    });
    if plan.is_ok() {
        passed(world, "the App Service plan takes apps with containers");
    }
    if is_read {
        check_permissions(&client);
    }
    // Without its logs a backend is of use all the same.
    if is_answered {
        check_logs(&client, &settings);
    }
    plan
}

fn passed(world: &dyn World, step: &str) {
    world.log(Level::Info, step, &[]);
}

/// Whether the daemon's identity may do what containers need. It is a warning: roles take minutes to arrive, and who may not see
/// them may still have them.
fn check_permissions(client: &Client<'_>) {
    let settings = client.settings;
    let group = settings.group_id();
    granted(client, &group, &SITE_ACTIONS, "containers are made and removed", || {
        format!(
            "\"Website Contributor\" on the resource group: az role assignment create --role \"Website Contributor\" --scope {group}"
        )
    });
    if let Some(identity) = &settings.identity {
        let id = &identity.id;
        granted(client, id, &[ASSIGN_ACTION], "function apps are given their identity", || {
            format!(
                "\"Managed Identity Operator\" on the identity: az role assignment create --role \"Managed Identity Operator\" \
                 --scope {id}"
            )
        });
    }
}

/// Says whether all of the actions, by which something happens, are granted on a resource; if not, which role grants them.
fn granted(client: &Client<'_>, scope: &str, actions: &[&str], what: &str, role: impl Fn() -> String) {
    let warn = |text: String| client.world.log(Level::Warn, &text, &[]);
    match permissions::missing(client, scope, actions) {
        Ok(missing) if missing.is_empty() => passed(client.world, &format!("the daemon may do that by which {what}")),
        Ok(missing) => warn(format!(
            "the daemon may not do that by which {what}: {}. Give its identity the role {}.",
            missing.join(", "),
            role()
        )),
        Err(failure) => {
            let error = explain(failure, &format!("it cannot be seen whether the daemon may do that by which {what}"));
            warn(error_text(&error).to_owned());
        }
    }
}

fn check_logs(client: &Client<'_>, settings: &Settings) {
    let world = client.world;
    if settings.workspace.is_none() && settings.app_insights.is_none() {
        passed(world, &format!("docker logs is not set up, which is no error ({})", config::WORKSPACE));
        return;
    }
    match &settings.workspace {
        None => world.log(Level::Warn, &format!("docker logs will not work: {} is not set", config::WORKSPACE), &[]),
        Some(workspace) => match logs::probe(client, workspace) {
            Ok(()) => passed(world, "the Log Analytics workspace can be queried"),
            Err(error) => {
                let text = error_text(&error);
                world.log(Level::Warn, &format!("docker logs will not work: {text}"), &[("workspace", workspace)]);
            }
        },
    }
    if settings.app_insights.is_some() {
        passed(world, "the agents have somewhere to send the output to");
    } else {
        world.log(
            Level::Warn,
            &format!(
                "docker logs will show nothing: {} is not set. Show its value: az monitor app-insights component show \
                 --query connectionString.",
                config::APP_INSIGHTS
            ),
            &[],
        );
    }
}

fn plan_failure(failure: Failure, id: &str) -> Error {
    let attempt = "the App Service plan cannot be read";
    match failure {
        Failure::Refused(refusal) if refusal.status == 404 && refusal.is("ResourceNotFound") => {
            Error::Configuration(format!(
                "there is no App Service plan {id}: check {}, or make the plan: az functionapp plan create --is-linux true \
                 --sku EP1.",
                config::APP_SERVICE_PLAN
            ))
        }
        failure => explain(failure, attempt),
    }
}

/// Whether function apps with containers can be made on the plan.
fn fit(plan: &Value, settings: &Settings) -> Result<(), Error> {
    let text = |pointer: &str| plan.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let unfit = |reason: String| Err(Error::Configuration(format!("{}: {reason}", config::APP_SERVICE_PLAN)));
    let (sku, tier) = (text("/sku/name"), text("/sku/tier"));
    // Flex Consumption and Consumption are told by their SKU where the tier is missing.
    let unfit_sku = tier.is_empty() && ["Y1", "FC1", "F1", "D1"].iter().any(|unfit| sku.eq_ignore_ascii_case(unfit));
    if unfit_sku || UNFIT_TIERS.iter().any(|unfit| tier.eq_ignore_ascii_case(unfit)) {
        return unfit(format!(
            "the plan is of the SKU {sku}, which runs no custom containers. Use an Elastic Premium (EP1 to EP3) or a \
             Dedicated plan (B1, S1, P1v3 and larger)."
        ));
    }
    if plan.pointer("/properties/reserved") == Some(&Value::Bool(false)) {
        return unfit(
            "the plan is for Windows. Use one for Linux: az functionapp plan create --is-linux true.".to_owned(),
        );
    }
    let location = text("/location");
    if !location.is_empty() && region(location) != region(&settings.location) {
        return Err(Error::Configuration(format!(
            "{} is {}, but the plan is in {location}: an app must be in the region of its plan.",
            config::LOCATION,
            settings.location
        )));
    }
    Ok(())
}

/// `East US` and `eastus` are the same.
fn region(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::http::HttpError;
    use crate::testing::Script;
    use crate::world::SendError;

    fn plan(sku: &str, tier: &str) -> String {
        format!(r#"{{"location":"East US","sku":{{"name":"{sku}","tier":"{tier}"}},"properties":{{"reserved":true}}}}"#)
    }

    const ALL: &str = r#"{"value":[{"actions":["*"],"notActions":[]}]}"#;

    #[test]
    fn a_whole_configuration_and_a_fitting_plan_pass() {
        for (sku, tier) in [("EP1", "ElasticPremium"), ("P1v3", "PremiumV3"), ("B1", "Basic"), ("X9", "")] {
            let script = Script::new().answer(200, &plan(sku, tier)).answer(200, ALL);
            assert_eq!(check(&script), Ok(()));
            let sent = script.sent();
            assert_eq!(sent.len(), 2);
            assert!(sent[0].url.contains("/serverfarms/sockerless-plan?"), "{}", sent[0].url);
        }
    }

    #[test]
    fn a_missing_key_is_named_before_anything_is_sent() {
        let script = Script::new().without(config::SUBSCRIPTION_ID);
        assert!(matches!(check(&script), Err(Error::Configuration(text)) if text.contains(config::SUBSCRIPTION_ID)));
        assert!(script.sent().is_empty());
    }

    #[test]
    fn a_plan_without_containers_is_refused_with_those_that_have_them() {
        for (sku, tier) in [("Y1", "Dynamic"), ("FC1", "FlexConsumption"), ("Y1", ""), ("F1", "Free")] {
            let error = check(&Script::new().answer(200, &plan(sku, tier)).answer(200, ALL));
            let Err(Error::Configuration(text)) = error else { panic!("{sku}: {error:?}") };
            assert!(text.contains(sku) && text.contains("EP1") && text.contains(config::APP_SERVICE_PLAN), "{text}");
        }
    }

    #[test]
    fn a_plan_for_windows_or_elsewhere_is_refused() {
        let windows = r#"{"sku":{"name":"EP1","tier":"ElasticPremium"},"properties":{"reserved":false}}"#;
        assert!(
            matches!(check(&Script::new().answer(200, windows).answer(200, ALL)), Err(Error::Configuration(t)) if t.contains("Windows"))
        );
        let script = Script::new()
            .with(config::LOCATION, "westeurope")
            .answer(200, &plan("EP1", "ElasticPremium"))
            .answer(200, ALL);
        assert!(matches!(check(&script), Err(Error::Configuration(text)) if text.starts_with(config::LOCATION)));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let missing = r#"{"error":{"code":"ResourceNotFound","message":"no"}}"#;
        let error = check(&Script::new().answer(404, missing));
        assert!(matches!(error, Err(Error::Configuration(text)) if text.contains("/serverfarms/sockerless-plan")));
        let group = r#"{"error":{"code":"ResourceGroupNotFound","message":"no"}}"#;
        let error = check(&Script::new().answer(404, group));
        assert!(matches!(error, Err(Error::Configuration(text)) if text.contains(config::RESOURCE_GROUP)));
    }

    #[test]
    fn no_token_and_no_network() {
        let error = check(&Script::new().refuse(SendError::Unsigned("tried: nothing".into())));
        assert!(matches!(error, Err(Error::Denied(text)) if text.contains("AZURE_CLIENT_ID")));
        let script = (0..9).fold(Script::new(), |script, _| script.fail(HttpError::Connect("no route".into())));
        assert!(matches!(check(&script), Err(Error::Unavailable(text)) if text.contains("no route")));
    }

    #[test]
    fn a_workspace_that_cannot_be_read_is_a_warning() {
        let workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w";
        let script = Script::new()
            .with(config::WORKSPACE, workspace)
            .answer(200, &plan("EP1", "ElasticPremium"))
            .answer(200, ALL)
            .answer(403, r#"{"error":{"code":"AuthorizationFailed","message":"no"}}"#);
        assert_eq!(check(&script), Ok(()));
        assert!(script.logged().iter().any(|line| line.contains("docker logs")), "{:?}", script.logged());
    }

    const GUID: &str = "33333333-3333-3333-3333-333333333333";

    #[test]
    fn each_step_is_said() {
        let script = Script::new()
            .with(config::WORKSPACE, GUID)
            .with(config::APP_INSIGHTS, "InstrumentationKey=k")
            .answer(200, &plan("EP1", "ElasticPremium"))
            .answer(200, ALL)
            .answer(204, "");
        assert_eq!(check(&script), Ok(()));
        assert_eq!(script.logged().len(), 6, "{:?}", script.logged());
        assert!(script.sent()[2].url.ends_with(&format!("/v1/workspaces/{GUID}/query")));
    }

    #[test]
    fn a_missing_role_is_a_warning_that_names_it() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
        let script = || {
            let script = Script::new().with(config::IDENTITY, id).with(config::IDENTITY_CLIENT_ID, GUID);
            script.answer(200, &plan("EP1", "ElasticPremium"))
        };
        let warned = |script: Script, words: &str| {
            assert_eq!(check(&script), Ok(()));
            assert!(script.logged().iter().any(|line| line.contains(words)), "{words}: {:?}", script.logged());
            let of_identity = "/userAssignedIdentities/i/providers/Microsoft.Authorization/permissions?";
            assert!(script.sent()[2].url.contains(of_identity), "{}", script.sent()[2].url);
        };
        let reader = r#"{"value":[{"actions":["*/read","Microsoft.Web/sites/config/list/action"]}]}"#;
        warned(
            script().answer(200, reader).answer(200, ALL),
            "removed: Microsoft.Web/sites/write, Microsoft.Web/sites/delete. Give",
        );
        warned(script().answer(200, ALL).answer(200, reader), "Managed Identity Operator");
        let refused = r#"{"error":{"code":"AuthorizationFailed","message":"no"}}"#;
        warned(script().answer(403, refused).answer(200, ALL), "it cannot be seen");
    }

    #[test]
    fn the_logs_are_looked_at_although_the_plan_is_not_there() {
        let script = Script::new()
            .with(config::WORKSPACE, GUID)
            .answer(404, r#"{"error":{"code":"ResourceNotFound","message":"no"}}"#)
            .answer(403, r#"{"error":{"code":"InsufficientAccessError","message":"no"}}"#);
        assert!(matches!(check(&script), Err(Error::Configuration(_))));
        assert!(script.logged().iter().any(|line| line.contains("Log Analytics Reader")), "{:?}", script.logged());
    }
}
