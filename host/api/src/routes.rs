//! The table of everything that is answered.

use http::Method;

use crate::app::HandlerFn;
use crate::handlers::{
    archive, backends, containers, exec, images, networks, orphans, plugins, registry, streams, system, unsupported,
    volumes,
};
use crate::router::Route;

macro_rules! table {
    ($($method:ident $pattern:literal $handler:path;)*) => {
        vec![$(Route {
            method: Method::$method,
            pattern: $pattern,
            handler: |context| Box::pin($handler(context)),
        }),*]
    };
}

/// In the order in which they are tried.
pub(crate) fn routes() -> Vec<Route<HandlerFn>> {
    table! {
        HEAD   "/_ping"                       system::ping_head;
        GET    "/_ping"                       system::ping;
        GET    "/info"                        system::info;
        GET    "/version"                     system::version;
        GET    "/events"                      system::events;
        GET    "/system/df"                   system::disk_usage;
        POST   "/auth"                        registry::login;

        GET    "/containers/json"             containers::list;
        POST   "/containers/create"           containers::create;
        POST   "/containers/prune"            containers::prune;
        GET    "/containers/{}/json"          containers::inspect;
        GET    "/containers/{}/top"           containers::top;
        GET    "/containers/{}/logs"          streams::logs;
        GET    "/containers/{}/changes"       containers::changes;
        GET    "/containers/{}/stats"         streams::stats;
        GET    "/containers/{}/export"        archive::export;
        GET    "/containers/{}/attach/ws"     streams::attach_websocket;
        HEAD   "/containers/{}/archive"       archive::stat;
        GET    "/containers/{}/archive"       archive::get;
        PUT    "/containers/{}/archive"       archive::put;
        GET    "/containers/{}/checkpoints"   unsupported::checkpoints;
        POST   "/containers/{}/checkpoints"   unsupported::checkpoints;
        POST   "/containers/{}/exec"          exec::create;
        POST   "/containers/{}/attach"        streams::attach;
        POST   "/containers/{}/wait"          streams::wait;
        POST   "/containers/{}/resize"        containers::resize;
        POST   "/containers/{}/start"         containers::start;
        POST   "/containers/{}/stop"          containers::stop;
        POST   "/containers/{}/restart"       containers::restart;
        POST   "/containers/{}/kill"          containers::kill;
        POST   "/containers/{}/pause"         containers::pause;
        POST   "/containers/{}/unpause"       containers::unpause;
        POST   "/containers/{}/rename"        containers::rename;
        POST   "/containers/{}/update"        containers::update;
        DELETE "/containers/{}"               containers::remove;

        GET    "/exec/{}/json"                exec::inspect;
        POST   "/exec/{}/start"               exec::start;
        POST   "/exec/{}/resize"              exec::resize;

        GET    "/images/json"                 images::list;
        GET    "/images/search"               registry::search;
        GET    "/images/get"                  registry::save_several;
        POST   "/images/load"                 unsupported::load;
        POST   "/images/create"               images::create;
        POST   "/images/prune"                images::prune;
        GET    "/images/{}/get"               registry::save;
        GET    "/images/{}/history"           images::history;
        GET    "/images/{}/json"              images::inspect;
        POST   "/images/{}/push"              registry::push;
        POST   "/images/{}/tag"               images::tag;
        DELETE "/images/{}"                   images::remove;
        GET    "/distribution/{}/json"        registry::distribution;
        POST   "/commit"                      unsupported::commit;
        POST   "/build"                       unsupported::build;
        POST   "/build/prune"                 unsupported::build_prune;
        POST   "/build/cancel"                unsupported::build_cancel;
        POST   "/session"                     unsupported::buildkit;
        POST   "/grpc"                        unsupported::buildkit;

        GET    "/networks"                    networks::list;
        GET    "/networks/"                   networks::list;
        POST   "/networks/create"             networks::create;
        POST   "/networks/prune"              networks::prune;
        POST   "/networks/{}/connect"         networks::connect;
        POST   "/networks/{}/disconnect"      networks::disconnect;
        GET    "/networks/{}"                 networks::inspect;
        DELETE "/networks/{}"                 networks::remove;

        GET    "/volumes"                     volumes::list;
        POST   "/volumes/create"              volumes::create;
        POST   "/volumes/prune"               volumes::prune;
        GET    "/volumes/{}"                  volumes::inspect;
        PUT    "/volumes/{}"                  unsupported::no_cluster_volumes;
        DELETE "/volumes/{}"                  volumes::remove;

        GET    "/plugins"                     plugins::list;
        GET    "/plugins/privileges"          plugins::privileges;
        GET    "/plugins/{}/json"             plugins::inspect;
        DELETE "/plugins/{}"                  plugins::remove;
        POST   "/plugins/create"              plugins::create;
        POST   "/plugins/pull"                plugins::install;
        POST   "/plugins/{}/enable"           plugins::enable;
        POST   "/plugins/{}/disable"          plugins::disable;
        POST   "/plugins/{}/set"              plugins::set;
        POST   "/plugins/{}/upgrade"          plugins::upgrade;
        POST   "/plugins/{}/push"             plugins::push;

        POST   "/swarm/init"                  unsupported::swarm_init;
        POST   "/swarm/join"                  unsupported::swarm_init;
        POST   "/swarm/leave"                 unsupported::swarm_leave;
        GET    "/swarm"                       unsupported::no_swarm;
        GET    "/swarm/unlockkey"             unsupported::no_swarm;
        POST   "/swarm/update"                unsupported::no_swarm;
        POST   "/swarm/unlock"                unsupported::no_swarm;
        GET    "/nodes"                       unsupported::no_swarm;
        GET    "/nodes/{}"                    unsupported::no_swarm;
        POST   "/nodes/{}/update"             unsupported::no_swarm;
        DELETE "/nodes/{}"                    unsupported::no_swarm;
        GET    "/services"                    unsupported::no_swarm;
        GET    "/services/{}"                 unsupported::no_swarm;
        POST   "/services/create"             unsupported::no_swarm;
        POST   "/services/{}/update"          unsupported::no_swarm;
        DELETE "/services/{}"                 unsupported::no_swarm;
        GET    "/tasks"                       unsupported::no_swarm;
        GET    "/tasks/{}"                    unsupported::no_swarm;
        GET    "/secrets"                     unsupported::no_swarm;
        GET    "/secrets/{}"                  unsupported::no_swarm;
        POST   "/secrets/create"              unsupported::no_swarm;
        POST   "/secrets/{}/update"           unsupported::no_swarm;
        DELETE "/secrets/{}"                  unsupported::no_swarm;
        GET    "/configs"                     unsupported::no_swarm;
        GET    "/configs/{}"                  unsupported::no_swarm;
        POST   "/configs/create"              unsupported::no_swarm;
        POST   "/configs/{}/update"           unsupported::no_swarm;
        DELETE "/configs/{}"                  unsupported::no_swarm;

        GET    "/sockerless/backends"         backends::list;
        POST   "/sockerless/backends/load"    backends::load;
        POST   "/sockerless/backends/{}/rollback" backends::rollback;
        GET    "/sockerless/backends/{}/orphans" orphans::list;
        DELETE "/sockerless/backends/{}/orphans" orphans::remove;
        POST   "/sockerless/backends/{}/rebuild" orphans::rebuild;
        DELETE "/sockerless/backends/{}"      backends::unload;
    }
}

#[cfg(test)]
mod tests {
    use super::routes;
    use crate::router::find;
    use http::Method;

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
