//! Where a request leads by what it asks for.

use std::rc::Rc;

use super::Protocol;
use super::target::{Found, Target};
use crate::config;
use crate::exchange::Head;
use crate::matcher::Mismatch;
use crate::matcher::host::Hosts;
use crate::matcher::request::RequestMatcher;
use crate::problem::{Path, Problem};

/// More routes of a port than this are a mistake; each is looked at for each request.
const MOST_ROUTES: usize = 1_000;

/// One route of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    hosts: Hosts,
    matcher: RequestMatcher,
    /// Where the requests lead that it is for.
    pub target: Rc<Target>,
}

impl Route {
    /// Whether the route is for this request; if not, why. Headers come last.
    pub fn matches(&self, head: Head<'_>) -> Result<(), Mismatch<'_>> {
        if !self.hosts.matches(head.get(":authority").unwrap_or_default()) {
            return Err(Mismatch::Host);
        }
        self.matcher.matches(head)
    }

    /// The names of headers that decide, in lower case.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        self.matcher.header_names()
    }
}

/// All routes of a port. One behind another that is for all requests can never be used.
pub(super) fn all(
    port: &config::Port,
    found: &Found<'_>,
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<Route> {
    let at = path.key("routes");
    if !port.routes.is_empty() && found.protocol == Protocol::Tcp {
        problems.push(
            Problem::new(&at, "routes are for http, and this is a tcp port")
                .hint("leave out protocol: tcp if HTTP is spoken on it"),
        );
    }
    if port.routes.len() > MOST_ROUTES {
        problems.push(Problem::new(&at, format!("more than {MOST_ROUTES} routes")));
        return Vec::new();
    }
    let mut routes = Vec::with_capacity(port.routes.len());
    let mut for_all = None;
    for (index, written) in port.routes.iter().enumerate() {
        let path = at.index(index);
        if let Some(before) = for_all {
            problems.push(unused(&path, before));
        }
        let hosts = written.hosts.as_deref().unwrap_or_default();
        let hosts = Hosts::new(hosts, &path.key("hosts"), problems);
        let matcher = RequestMatcher::new(
            written.methods.as_deref(),
            written.path.as_deref(),
            &written.query,
            &written.headers,
            &path,
            problems,
        );
        if for_all.is_none() && is_for_all(written) {
            for_all = Some(index);
        }
        if let Some(target) = found.target(&written.target.0, &path.key("target"), problems) {
            routes.push(Route { hosts, matcher, target });
        }
    }
    if let Some(before) = for_all.filter(|_| port.target.is_some()) {
        problems.push(unused(&path.key("target"), before));
    }
    routes
}

/// Whether nothing is said of the requests that it is for.
fn is_for_all(written: &config::Route) -> bool {
    *written == config::Route { target: written.target.clone(), ..config::Route::default() }
}

fn unused(path: &Path, before: usize) -> Problem {
    Problem::new(path, format!("this is never used: routes[{before}] is for all requests"))
        .hint("say what that one is for, by hosts, path, methods, query or headers, or put it last")
}
