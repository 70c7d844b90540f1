//! The table of everything that is answered, and of what role it takes.
//!
//! What shows the content of containers, their files for example, takes more than to look at them: it may be secret, as what a client
//! gives to a container is. What `inspect` shows is for whoever may look; so are logs.

use http::Method;

use crate::access::Role;
use crate::app::HandlerFn;
use crate::handlers::{
    archive, backends, containers, exec, images, networks, orphans, plugins, registry, streams, system, unsupported,
    volumes,
};
use crate::router::Route;

macro_rules! table {
    ($($method:ident $pattern:literal $role:ident $handler:path;)*) => {
        vec![$(Route {
            method: Method::$method,
            pattern: $pattern,
            role: Role::$role,
            handler: |context| Box::pin($handler(context)),
        }),*]
    };
}

/// In the order in which they are tried.
pub(crate) fn routes() -> Vec<Route<HandlerFn>> {
    table! {
        HEAD   "/_ping"                       ReadOnly system::ping_head;
        GET    "/_ping"                       ReadOnly system::ping;
        GET    "/info"                        ReadOnly system::info;
        GET    "/version"                     ReadOnly system::version;
        GET    "/events"                      ReadOnly system::events;
        GET    "/system/df"                   ReadOnly system::disk_usage;
        POST   "/auth"                        User     registry::login;

        GET    "/containers/json"             ReadOnly containers::list;
        POST   "/containers/create"           User     containers::create;
        POST   "/containers/prune"            User     containers::prune;
        GET    "/containers/{}/json"          ReadOnly containers::inspect;
        GET    "/containers/{}/top"           ReadOnly containers::top;
        GET    "/containers/{}/logs"          ReadOnly streams::logs;
        GET    "/containers/{}/changes"       ReadOnly containers::changes;
        GET    "/containers/{}/stats"         ReadOnly streams::stats;
        GET    "/containers/{}/export"        User     archive::export;
        GET    "/containers/{}/attach/ws"     User     streams::attach_websocket;
        HEAD   "/containers/{}/archive"       User     archive::stat;
        GET    "/containers/{}/archive"       User     archive::get;
        PUT    "/containers/{}/archive"       User     archive::put;
        GET    "/containers/{}/checkpoints"   ReadOnly unsupported::checkpoints;
        POST   "/containers/{}/checkpoints"   User     unsupported::checkpoints;
        POST   "/containers/{}/exec"          User     exec::create;
        POST   "/containers/{}/attach"        User     streams::attach;
        POST   "/containers/{}/wait"          ReadOnly streams::wait;
        POST   "/containers/{}/resize"        User     containers::resize;
        POST   "/containers/{}/start"         User     containers::start;
        POST   "/containers/{}/stop"          User     containers::stop;
        POST   "/containers/{}/restart"       User     containers::restart;
        POST   "/containers/{}/kill"          User     containers::kill;
        POST   "/containers/{}/pause"         User     containers::pause;
        POST   "/containers/{}/unpause"       User     containers::unpause;
        POST   "/containers/{}/rename"        User     containers::rename;
        POST   "/containers/{}/update"        User     containers::update;
        DELETE "/containers/{}"               User     containers::remove;

        GET    "/exec/{}/json"                ReadOnly exec::inspect;
        POST   "/exec/{}/start"               User     exec::start;
        POST   "/exec/{}/resize"              User     exec::resize;

        GET    "/images/json"                 ReadOnly images::list;
        GET    "/images/search"               User     registry::search;
        GET    "/images/get"                  User     registry::save_several;
        POST   "/images/load"                 User     unsupported::load;
        POST   "/images/create"               User     images::create;
        POST   "/images/prune"                User     images::prune;
        GET    "/images/{}/get"               User     registry::save;
        GET    "/images/{}/history"           ReadOnly images::history;
        GET    "/images/{}/json"              ReadOnly images::inspect;
        POST   "/images/{}/push"              User     registry::push;
        POST   "/images/{}/tag"               User     images::tag;
        DELETE "/images/{}"                   User     images::remove;
        GET    "/distribution/{}/json"        User     registry::distribution;
        POST   "/commit"                      User     unsupported::commit;
        POST   "/build"                       User     unsupported::build;
        POST   "/build/prune"                 User     unsupported::build_prune;
        POST   "/build/cancel"                User     unsupported::build_cancel;
        POST   "/session"                     User     unsupported::buildkit;
        POST   "/grpc"                        User     unsupported::buildkit;

        GET    "/networks"                    ReadOnly networks::list;
        GET    "/networks/"                   ReadOnly networks::list;
        POST   "/networks/create"             User     networks::create;
        POST   "/networks/prune"              User     networks::prune;
        POST   "/networks/{}/connect"         User     networks::connect;
        POST   "/networks/{}/disconnect"      User     networks::disconnect;
        GET    "/networks/{}"                 ReadOnly networks::inspect;
        DELETE "/networks/{}"                 User     networks::remove;

        GET    "/volumes"                     ReadOnly volumes::list;
        POST   "/volumes/create"              User     volumes::create;
        POST   "/volumes/prune"               User     volumes::prune;
        GET    "/volumes/{}"                  ReadOnly volumes::inspect;
        PUT    "/volumes/{}"                  User     unsupported::no_cluster_volumes;
        DELETE "/volumes/{}"                  User     volumes::remove;

        GET    "/plugins"                     ReadOnly plugins::list;
        GET    "/plugins/privileges"          Admin    plugins::privileges;
        GET    "/plugins/{}/json"             ReadOnly plugins::inspect;
        DELETE "/plugins/{}"                  Admin    plugins::remove;
        POST   "/plugins/create"              Admin    plugins::create;
        POST   "/plugins/pull"                Admin    plugins::install;
        POST   "/plugins/{}/enable"           Admin    plugins::enable;
        POST   "/plugins/{}/disable"          Admin    plugins::disable;
        POST   "/plugins/{}/set"              Admin    plugins::set;
        POST   "/plugins/{}/upgrade"          Admin    plugins::upgrade;
        POST   "/plugins/{}/push"             Admin    plugins::push;

        POST   "/swarm/init"                  Admin    unsupported::swarm_init;
        POST   "/swarm/join"                  Admin    unsupported::swarm_init;
        POST   "/swarm/leave"                 Admin    unsupported::swarm_leave;
        GET    "/swarm"                       ReadOnly unsupported::no_swarm;
        GET    "/swarm/unlockkey"             ReadOnly unsupported::no_swarm;
        POST   "/swarm/update"                Admin    unsupported::no_swarm;
        POST   "/swarm/unlock"                Admin    unsupported::no_swarm;
        GET    "/nodes"                       ReadOnly unsupported::no_swarm;
        GET    "/nodes/{}"                    ReadOnly unsupported::no_swarm;
        POST   "/nodes/{}/update"             Admin    unsupported::no_swarm;
        DELETE "/nodes/{}"                    Admin    unsupported::no_swarm;
        GET    "/services"                    ReadOnly unsupported::no_swarm;
        GET    "/services/{}"                 ReadOnly unsupported::no_swarm;
        POST   "/services/create"             Admin    unsupported::no_swarm;
        POST   "/services/{}/update"          Admin    unsupported::no_swarm;
        DELETE "/services/{}"                 Admin    unsupported::no_swarm;
        GET    "/tasks"                       ReadOnly unsupported::no_swarm;
        GET    "/tasks/{}"                    ReadOnly unsupported::no_swarm;
        GET    "/secrets"                     ReadOnly unsupported::no_swarm;
        GET    "/secrets/{}"                  ReadOnly unsupported::no_swarm;
        POST   "/secrets/create"              Admin    unsupported::no_swarm;
        POST   "/secrets/{}/update"           Admin    unsupported::no_swarm;
        DELETE "/secrets/{}"                  Admin    unsupported::no_swarm;
        GET    "/configs"                     ReadOnly unsupported::no_swarm;
        GET    "/configs/{}"                  ReadOnly unsupported::no_swarm;
        POST   "/configs/create"              Admin    unsupported::no_swarm;
        POST   "/configs/{}/update"           Admin    unsupported::no_swarm;
        DELETE "/configs/{}"                  Admin    unsupported::no_swarm;

        GET    "/sockerless/backends"         Admin    backends::list;
        POST   "/sockerless/backends/load"    Admin    backends::load;
        POST   "/sockerless/backends/{}/rollback" Admin    backends::rollback;
        GET    "/sockerless/backends/{}/orphans" Admin    orphans::list;
        DELETE "/sockerless/backends/{}/orphans" Admin    orphans::remove;
        POST   "/sockerless/backends/{}/rebuild" Admin    orphans::rebuild;
        DELETE "/sockerless/backends/{}"      Admin    backends::unload;
    }
}

#[cfg(test)]
mod tests {
    use super::routes;
    use crate::access::Role;
    use crate::router::find;
    use http::Method;

    /// What a request changes, or shows of the content of containers, nobody may who may only look; what concerns the daemon itself only
    /// an admin.
    #[test]
    fn each_row_takes_the_role_that_fits_what_it_does() {
        let reads = |row: &str| row.starts_with("GET ") || row.starts_with("HEAD ");
        let content = ["/archive", "/export", "/attach", "/get", "/search", "/distribution"];
        for route in routes() {
            let row = format!("{} {}", route.method, route.pattern);
            let shows_content = content.iter().any(|part| row.contains(part));
            let of_the_daemon = row.contains("/sockerless/") || row.contains(" /plugins") && !reads(&row);
            match route.role {
                Role::None => panic!("{row} is for everybody"),
                Role::ReadOnly => {
                    assert!(reads(&row) || row == "POST /containers/{}/wait", "{row} changes something");
                    assert!(!shows_content && !of_the_daemon, "{row}");
                }
                Role::User => assert!(!of_the_daemon, "{row} is the daemon's own matter"),
                Role::Admin => assert!(!row.contains("/containers") && !row.contains("/images"), "{row}"),
            }
        }
        for (method, path) in [(Method::GET, "/plugins/privileges"), (Method::POST, "/sockerless/backends/load")] {
            assert_eq!(find(&routes(), &method, path).unwrap().0.role, Role::Admin, "{path}");
        }
    }

    /// What each request is taken for: the pattern and what stands for `{}` are told apart by the name.
    #[test]
    fn requests_find_their_rows() {
        let routes = routes();
        for (method, path, want) in [
            (Method::HEAD, "/_ping", Some("")),
            (Method::GET, "/_ping", Some("")),
            (Method::POST, "/_ping", None),
            (Method::GET, "/info", Some("")),
            (Method::HEAD, "/info", None),
            (Method::DELETE, "/info", None),
            (Method::GET, "/", None),
            (Method::GET, "/nope", None),
            (Method::GET, "/containers/json", Some("")),
            (Method::HEAD, "/containers/json", None),
            (Method::GET, "/containers/json/", None),
            (Method::GET, "/containers/json/json", Some("json")),
            (Method::GET, "/containers/a/b/json", Some("a/b")),
            (Method::POST, "/containers/create", Some("")),
            (Method::POST, "/containers/prune", Some("")),
            (Method::POST, "/containers/a/attach", Some("a")),
            (Method::GET, "/containers/a/attach/ws", Some("a")),
            (Method::HEAD, "/containers/a/archive", Some("a")),
            (Method::PUT, "/containers/a/archive", Some("a")),
            (Method::DELETE, "/containers/a", Some("a")),
            (Method::POST, "/exec/a/start", Some("a")),
            (Method::GET, "/images/json", Some("")),
            (Method::GET, "/images/json/json", Some("json")),
            (Method::GET, "/images/r.io:5000/a/b:c/json", Some("r.io:5000/a/b:c")),
            (Method::GET, "/images/a/b/history", Some("a/b")),
            (Method::DELETE, "/images/r.io/a", Some("r.io/a")),
            (Method::POST, "/images/a/b/tag", Some("a/b")),
            (Method::GET, "/images/get", Some("")),
            (Method::GET, "/images/a/get", Some("a")),
            (Method::POST, "/images/r.io:5000/a/push", Some("r.io:5000/a")),
            (Method::GET, "/distribution/r.io/a:b/json", Some("r.io/a:b")),
            (Method::GET, "/networks", Some("")),
            (Method::GET, "/networks/a", Some("a")),
            (Method::POST, "/networks/a/connect", Some("a")),
            (Method::GET, "/volumes/a", Some("a")),
            (Method::GET, "/services/a/logs", Some("a/logs")),
            (Method::POST, "/plugins/a/enable", Some("a")),
            (Method::POST, "/plugins/r.io/a:1/set", Some("r.io/a:1")),
            (Method::POST, "/plugins/create", Some("")),
            (Method::POST, "/session", Some("")),
            (Method::GET, "/sockerless/backends", Some("")),
            (Method::POST, "/sockerless/backends/a/rollback", Some("a")),
            (Method::DELETE, "/sockerless/backends/a", Some("a")),
            (Method::DELETE, "/sockerless/backends/a/orphans", Some("a")),
            (Method::POST, "/sockerless/backends/a/rebuild", Some("a")),
        ] {
            let found = find(&routes, &method, path).map(|(_, name)| name);
            assert_eq!(found.as_deref(), want, "{method} {path}");
        }
    }
}
