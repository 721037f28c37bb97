//! Asks the API server again where only the moment was bad: it was busy, it failed, or its answer was not heard.
//!
//! Every call of this program may be made twice: it reads, it applies, it tests what it patches, or it names exactly what
//! it deletes. Only the creation and the deletion of a pod are left to those who look at what became of the pod.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, Request, Response};
use kube::client::Body;
use tower::BoxError;
use tower::retry::Policy;

use super::error::is_passing;
use crate::output::say;

/// How long a server is asked again that gives no good answer at all.
const PATIENCE: Duration = Duration::from_secs(8);
/// The first pause; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause, whatever the server wishes.
const LONGEST: Duration = Duration::from_secs(30);
/// How often for a status that is also the server's for trouble that stays, such as a webhook that is down.
const TRIES_OF_500: u32 = 3;
/// From here on a person wonders what is going on.
const NOTICED: Duration = Duration::from_secs(2);

/// Decides about one request, by what is known of the server from all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Retry {
    tries: u32,
    health: Arc<Mutex<Health>>,
}

/// Whether the server is well.
#[derive(Debug, Default)]
struct Health {
    /// Whether it ever answered: the address may be wrong.
    has_answered: bool,
    failing_since: Option<Instant>,
}

impl Retry {
    /// How long to wait before the next try; `None` if the answer stands.
    fn pause(
        &mut self,
        request: &Request<Body>,
        answer: Result<(http::StatusCode, &HeaderMap), &BoxError>,
    ) -> Option<Duration> {
        let mut health = self.health.lock().ok()?;
        let passing = match answer {
            Ok((status, _)) => is_passing(status.as_u16()),
            Err(_) => health.has_answered,
        };
        health.has_answered |= answer.is_ok();
        if !passing {
            if answer.is_ok() {
                health.failing_since = None;
            }
            return None;
        }
        let (now, is_first) = (Instant::now(), health.failing_since.is_none());
        let since = *health.failing_since.get_or_insert(now);
        let is_given_up = matches!(answer, Ok((status, _)) if status.as_u16() == 500 && self.tries >= TRIES_OF_500)
            || !is_first && now.duration_since(since) > PATIENCE;
        // What is refused for being too much was not done, whatever it is.
        let is_refused = matches!(answer, Ok((status, _)) if status.as_u16() == 429);
        if is_given_up || !(is_refused || is_repeatable(request)) {
            return None;
        }
        let wished = answer.ok().and_then(|(_, headers)| retry_after(headers)).unwrap_or_default();
        let pause = wished.max(PAUSE * (1 << self.tries.min(4))).min(LONGEST);
        self.tries += 1;
        if pause >= NOTICED {
            let what = match answer {
                Ok((status, _)) => format!("answers {}", status.as_u16()),
                Err(_) => "does not answer".to_owned(),
            };
            say(&format!("the API server {what}, asking again in {} s", pause.as_secs()));
        }
        Some(pause)
    }
}

impl<B> Policy<Request<Body>, Response<B>, BoxError> for Retry {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Self::Future> {
        let answer = result.as_ref().map(|response| (response.status(), response.headers()));
        self.pause(request, answer).map(tokio::time::sleep)
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        let mut again = Request::new(request.body().try_clone()?);
        *again.method_mut() = request.method().clone();
        *again.uri_mut() = request.uri().clone();
        *again.version_mut() = request.version();
        *again.headers_mut() = request.headers().clone();
        *again.extensions_mut() = request.extensions().clone();
        Some(again)
    }
}

/// Whether it does no harm if the server hears of it twice.
fn is_repeatable(request: &Request<Body>) -> bool {
    let uri = request.uri();
    let is_dry_run = uri.query().is_some_and(|query| query.contains("dryRun=All"));
    let changes = *request.method() == Method::POST || *request.method() == Method::DELETE;
    is_dry_run || !changes || !uri.path().contains("/pods")
}

/// In seconds; the other form, a date, Kubernetes does not use.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, uri: &str) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().unwrap();
        request
    }

    /// What becomes of the first bad answer of a server that has answered before.
    fn check(method: Method, uri: &str, status: u16, headers: &HeaderMap, expected: Option<u64>) {
        let mut retry = Retry::default();
        let request = request(method, uri);
        assert_eq!(retry.pause(&request, Ok((http::StatusCode::OK, headers))), None);
        let pause = retry.pause(&request, Ok((status.try_into().unwrap(), headers)));
        assert_eq!(pause, expected.map(Duration::from_millis), "{request:?} {status}");
    }

    #[test]
    fn asks_again_what_may_be_asked_twice() {
        let none = HeaderMap::new();
        let (pods, dry) = ("/api/v1/namespaces/a/pods?", "/api/v1/namespaces/a/pods?dryRun=All");
        check(Method::GET, pods, 500, &none, Some(250));
        check(Method::GET, pods, 404, &none, None);
        check(Method::PATCH, "/apis/apps/v1/namespaces/a/deployments/pods", 409, &none, None);
        check(Method::POST, pods, 500, &none, None);
        check(Method::POST, dry, 500, &none, Some(250));
        check(Method::DELETE, "/api/v1/namespaces/a/pods/a", 503, &none, None);
        check(Method::DELETE, "/api/v1/namespaces/a/configmaps/a", 503, &none, Some(250));
        check(Method::POST, pods, 429, &none, Some(250));
        for (wish, pause) in [("3", 3000), ("4000", 30_000), ("0", 250), ("soon", 250)] {
            check(
                Method::POST,
                pods,
                429,
                &[(RETRY_AFTER, wish.parse().unwrap())].into_iter().collect(),
                Some(pause),
            );
        }
    }

    #[test]
    fn gives_up_on_a_server_not_on_a_call() {
        let (mut first, none) = (Retry::default(), HeaderMap::new());
        let (get, error) = (request(Method::GET, "/"), BoxError::from("nobody there"));
        assert_eq!(first.pause(&get, Err(&error)), None, "the address may be wrong");
        let bad = || Ok((http::StatusCode::BAD_GATEWAY, &none));
        assert!(first.pause(&get, bad()).is_some());
        assert!(first.pause(&get, Err(&error)).is_some());
        let mut second = Retry { tries: 0, ..first.clone() };
        first.health.lock().unwrap().failing_since = Instant::now().checked_sub(PATIENCE * 2);
        assert_eq!(first.pause(&get, bad()), None);
        assert_eq!(second.pause(&get, bad()), None, "it is the same server");
        assert_eq!(second.pause(&get, Ok((http::StatusCode::OK, &none))), None);
        assert!(second.pause(&get, bad()).is_some(), "it was well in between");
    }
}
