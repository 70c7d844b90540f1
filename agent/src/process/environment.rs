//! The environment of a process: what it was given, and what Docker adds. Nothing of the agent's own.

use sockerless_agent_protocol::spec::ProcessSpec;

/// Docker's own.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Names and values. The last of two of one name counts; a pair without `=` or a name is none.
pub(super) fn of(spec: &ProcessSpec, home: &str) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = vec![("PATH".into(), PATH.into())];
    if let Some(hostname) = &spec.hostname {
        variables.push(("HOSTNAME".into(), hostname.clone()));
    }
    if spec.tty {
        variables.push(("TERM".into(), "xterm".into()));
    }
    for pair in &spec.env {
        match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => set(&mut variables, name, value),
            _ => {}
        }
    }
    if !variables.iter().any(|(name, _)| name == "HOME") {
        variables.push(("HOME".into(), home.into()));
    }
    variables
}

fn set(variables: &mut Vec<(String, String)>, name: &str, value: &str) {
    match variables.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => value.clone_into(old),
        None => variables.push((name.to_owned(), value.to_owned())),
    }
}

/// The value of a variable.
pub(super) fn get<'a>(variables: &'a [(String, String)], name: &str) -> &'a str {
    variables.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(spec: &ProcessSpec) -> Vec<String> {
        of(spec, "/root").into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn docker_adds_what_is_not_given() {
        let spec = ProcessSpec { tty: true, hostname: Some("h".into()), ..ProcessSpec::default() };
        assert_eq!(texts(&spec), [&format!("PATH={PATH}"), "HOSTNAME=h", "TERM=xterm", "HOME=/root"]);
        let env = ["PATH=/x", "HOME=/y", "A=1", "A=2=3", "odd.name-ü=\n", "none", "=z"].map(str::to_owned).to_vec();
        let spec = ProcessSpec { env, ..ProcessSpec::default() };
        assert_eq!(texts(&spec), ["PATH=/x", "HOME=/y", "A=2=3", "odd.name-ü=\n"]);
    }
}
