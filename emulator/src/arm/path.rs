//! Resource paths, whose names and types have no case.

use percent_encoding::percent_decode_str;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The subscription.
    Subscription,
    /// A resource group.
    Group { group: String },
    /// The sites of the subscription, or of one group.
    Sites { group: Option<String> },
    /// A site, or what is below it, in lower case (`start`, `config/appsettings`, …).
    Site { group: String, name: String, rest: String },
    /// The plans of the subscription, or of one group.
    Plans { group: Option<String> },
    /// A plan.
    Plan { group: String, name: String },
    /// The check whether a name is free.
    CheckName,
    /// What became of a long-running operation. `result` is the form of a `Location`.
    Operation { id: String, result: bool },
    /// A Log Analytics workspace.
    Workspace { group: String, name: String },
    /// What the client may do with a resource group, or with something in it.
    Permissions { group: String },
}

/// A path: a subscription, and something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) subscription: String,
    pub(crate) target: Target,
}

impl ResourcePath {
    /// Takes a path apart. `None` when it names nothing that the emulator has.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8().map(std::borrow::Cow::into_owned))
            .collect::<Result<_, _>>()
            .ok()?;
        let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let words: Vec<&str> = lower.iter().map(String::as_str).collect();
        let as_sent = |index: usize| segments[index].clone();
        let target = match words.as_slice() {
            ["subscriptions", _] => Target::Subscription,
            ["subscriptions", _, "providers", "microsoft.web", "sites"] => Target::Sites { group: None },
            ["subscriptions", _, "providers", "microsoft.web", "serverfarms"] => Target::Plans { group: None },
            ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.web", "serverfarms"] => {
                Target::Plans { group: Some(as_sent(3)) }
            }
            ["subscriptions", _, "providers", "microsoft.web", "checknameavailability"] => Target::CheckName,
            ["subscriptions", _, "providers", "microsoft.web", "locations", _, kind, _]
                if matches!(*kind, "operations" | "operationresults") =>
            {
                Target::Operation { id: as_sent(7), result: *kind == "operationresults" }
            }
            ["subscriptions", _, "resourcegroups", _] => Target::Group { group: as_sent(3) },
            ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.web", "sites"] => {
                Target::Sites { group: Some(as_sent(3)) }
            }
            ["subscriptions", _, "resourcegroups", _, .., "providers", "microsoft.authorization", "permissions"] => {
                Target::Permissions { group: as_sent(3) }
            }
            ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.web", "sites", _, rest @ ..] => {
                Target::Site { group: as_sent(3), name: as_sent(7), rest: rest.join("/") }
            }
            ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.web", "serverfarms", _] => {
                Target::Plan { group: as_sent(3), name: as_sent(7) }
            }
            [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.operationalinsights",
                "workspaces",
                _,
            ] => Target::Workspace { group: as_sent(3), name: as_sent(7) },
            _ => return None,
        };
        Some(Self { subscription: as_sent(1), target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_no_case_and_names_keep_theirs() {
        let path = "/SUBSCRIPTIONS/s/resourcegroups/G/Providers/microsoft.WEB/Sites/App/Config/AppSettings/list";
        assert_eq!(
            ResourcePath::parse(path).unwrap().target,
            Target::Site { group: "G".to_owned(), name: "App".to_owned(), rest: "config/appsettings/list".to_owned() }
        );
    }

    #[test]
    fn names_are_decoded() {
        let path = ResourcePath::parse("/subscriptions/s/resourceGroups/a%20b").unwrap();
        assert_eq!(path.target, Target::Group { group: "a b".to_owned() });
    }

    #[test]
    fn permissions_are_those_of_a_group_or_of_what_is_in_it() {
        let group = "/subscriptions/s/resourceGroups/g";
        for scope in
            ["", "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i", "/providers/Microsoft.Web/sites/x"]
        {
            let path = format!("{group}{scope}/providers/Microsoft.Authorization/permissions");
            let target = ResourcePath::parse(&path).unwrap().target;
            assert_eq!(target, Target::Permissions { group: "g".to_owned() }, "{path}");
        }
    }

    #[test]
    fn what_is_not_there_is_nothing() {
        for path in ["/", "/subscriptions", "/subscriptions/s/providers/Microsoft.Compute/virtualMachines", "/x/%ff"] {
            assert_eq!(ResourcePath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn both_forms_of_an_operation() {
        let base = "/subscriptions/s/providers/Microsoft.Web/locations/eastus";
        let target = |kind: &str| ResourcePath::parse(&format!("{base}/{kind}/Id")).unwrap().target;
        assert_eq!(target("operations"), Target::Operation { id: "Id".to_owned(), result: false });
        assert_eq!(target("operationResults"), Target::Operation { id: "Id".to_owned(), result: true });
    }
}
