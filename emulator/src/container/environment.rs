//! The environment of a container: the app's settings and what the platform adds, and nothing of the
//! emulator's own.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::runtime::LaunchSpec;
use crate::identity::APP_SERVICE_PATH;
use crate::image::ImageRun;

/// What Docker gives a container whose image sets no PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What remains of the name of an app setting on Linux. Azure drops the rest without a word.
pub(crate) fn strip_setting_name(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// Where a container runs.
pub(super) struct Place<'a> {
    pub(super) worker: &'a str,
    pub(super) hostname: &'a str,
    /// On which it is to listen.
    pub(super) port: u16,
    /// Where the emulator is.
    pub(super) emulator: SocketAddr,
}

/// The environment of one container.
pub(super) fn environment(spec: &LaunchSpec, image: Option<&ImageRun>, place: &Place<'_>) -> Vec<(String, String)> {
    let mut variables = BTreeMap::from([
        ("PATH".to_owned(), PATH.to_owned()),
        ("HOME".to_owned(), "/root".to_owned()),
        ("HOSTNAME".to_owned(), place.hostname.to_owned()),
    ]);
    let of_image = image.iter().flat_map(|image| image.env.iter().flatten());
    variables.extend(
        of_image.filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    for (name, value) in &spec.settings {
        let name = strip_setting_name(name);
        // A NUL would end the variable, and the start with it.
        if !name.is_empty() && !value.contains('\0') {
            variables.insert(name, value.clone());
        }
    }
    if image.is_none() {
        // An agent would list this machine's files to tell what changes in them.
        variables.insert("SOCKERLESS_AGENT_CHANGES".to_owned(), "off".to_owned());
    }
    variables.extend([
        ("WEBSITE_SITE_NAME".to_owned(), spec.site.clone()),
        ("WEBSITE_HOSTNAME".to_owned(), spec.host.clone()),
        ("WEBSITE_INSTANCE_ID".to_owned(), place.worker.to_owned()),
        ("PORT".to_owned(), place.port.to_string()),
    ]);
    if let Some(secret) = &spec.identity_secret {
        variables.extend([
            ("IDENTITY_ENDPOINT".to_owned(), format!("http://{}{APP_SERVICE_PATH}", place.emulator)),
            ("IDENTITY_HEADER".to_owned(), secret.clone()),
        ]);
    }
    variables.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_are_stripped_and_the_platform_has_the_last_word() {
        let mut spec = LaunchSpec {
            site: "App".to_owned(),
            host: "app.azurewebsites.net".to_owned(),
            image: "alpine".to_owned(),
            command: String::new(),
            settings: [("my-var.1", "a"), ("PORT", "1"), ("-", "x")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            identity_secret: None,
            start_limit: Duration::ZERO,
            always_on: false,
            mounts: Vec::new(),
        };
        let emulator = SocketAddr::from(([127, 0, 0, 1], 80));
        let place = Place { worker: "w", hostname: "h", port: 4321, emulator };
        let variables: BTreeMap<_, _> = environment(&spec, None, &place).into_iter().collect();
        assert_eq!(variables["myvar1"], "a");
        assert_eq!(variables["PORT"], "4321");
        assert_eq!(variables["WEBSITE_SITE_NAME"], "App");
        assert!(!variables.contains_key("CARGO_MANIFEST_DIR"));
        assert_eq!(variables["SOCKERLESS_AGENT_CHANGES"], "off");
        assert_eq!(variables.len(), 9);

        spec.identity_secret = Some("S".to_owned());
        spec.settings.insert("IDENTITY_HEADER".to_owned(), "own".to_owned());
        let variables: BTreeMap<_, _> = environment(&spec, None, &place).into_iter().collect();
        assert_eq!(variables["IDENTITY_ENDPOINT"], "http://127.0.0.1:80/msi/token");
        assert_eq!(variables["IDENTITY_HEADER"], "S");
    }
}
