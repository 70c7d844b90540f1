//! An app in an emulator without a daemon.

use serde_json::{Value, json};

use crate::{Emulator, Reply, SUBSCRIPTION, eventually};

/// Its command: a server that tells what it sees. The container has it as an argument, since it does not see the repository.
const PROGRAM: &str = include_str!("../clients/python/site.py");

/// The body of a PUT of an app with this command and these settings.
#[must_use]
pub fn site_body(command: &str, settings: &[(&str, &str)]) -> Value {
    let settings: Vec<_> = settings.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({
        "location": "eastus",
        "kind": "functionapp,linux,container",
        "properties": {
            "serverFarmId": format!(
                "{SUBSCRIPTION}/resourceGroups/sockerless/providers/Microsoft.Web/serverfarms/sockerless-plan"
            ),
            "reserved": true,
            "siteConfig": {
                "linuxFxVersion": "DOCKER|alpine:3", "appCommandLine": command, "alwaysOn": true, "appSettings": settings,
            },
        },
    })
}

/// An app.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    azure: &'a Emulator,
    name: &'a str,
}

impl<'a> Site<'a> {
    /// The app of this name, whether or not it is there.
    #[must_use]
    pub fn of(azure: &'a Emulator, name: &'a str) -> Self {
        Self { azure, name }
    }

    /// The command of an app that tells what it sees.
    #[must_use]
    pub fn command() -> String {
        shell_words::join(["python3", "-c", PROGRAM])
    }

    /// Makes an app that tells what it sees, with these settings.
    pub fn create(azure: &'a Emulator, name: &'a str, settings: &[(&str, &str)]) -> Self {
        let site = Self::of(azure, name);
        let reply = site.arm("PUT", "", Some(&site_body(&Self::command(), settings)));
        assert_eq!(reply.status, 200, "{}", reply.text());
        site
    }

    /// What the resource manager answers about what is below the app.
    pub fn arm(&self, method: &str, below: &str, body: Option<&Value>) -> Reply {
        let path = format!("/resourceGroups/sockerless/providers/Microsoft.Web/sites/{}{below}", self.name);
        self.azure.arm(method, &path, body)
    }

    /// What the app answers at its host.
    pub fn get(&self, path: &str) -> Reply {
        self.azure.ask(&self.host(), &format!("GET {path}"), &[], b"")
    }

    /// Its host.
    #[must_use]
    pub fn host(&self) -> String {
        format!("{}.azurewebsites.net", self.name)
    }

    /// What the app sees: environment, headers, files.
    #[must_use]
    pub fn look(&self) -> Value {
        let reply = self.get("/look");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The app as the control API shows it.
    #[must_use]
    pub fn view(&self) -> Value {
        self.azure.control("GET", &format!("/apps/{}", self.name), None)
    }

    /// Waits until the control API shows what is wanted.
    #[track_caller]
    pub fn becomes(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || Some(self.view()).filter(&is))
    }

    /// Has the control API do something to it.
    pub fn order(&self, what: &str) {
        let _ = self.azure.control("POST", &format!("/apps/{}/{what}", self.name), None);
    }
}
