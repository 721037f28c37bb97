//! A namespace of a real cluster that `kubectl ambassador` is led to by an API that fails. All else is asked past the
//! faults, and without a process for each question, so that many can be had at once.

use std::panic::AssertUnwindSafe;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::faults::FaultyApi;
use crate::process::{Output, end, run};
use crate::{keep, provided};

/// The namespace, deleted when dropped.
#[derive(Debug)]
pub struct Bench {
    /// The way that fails.
    pub api: FaultyApi,
    /// Its name.
    pub namespace: String,
    /// A home for the programs that the test runs.
    pub home: tempfile::TempDir,
}

impl Bench {
    /// Makes one, with its service account.
    ///
    /// # Panics
    ///
    /// If the cluster does not let it.
    pub fn new() -> Self {
        let (api, home) = (FaultyApi::start(), tempfile::tempdir().expect("a folder can be made"));
        std::fs::write(home.path().join("faulty.json"), api.kubeconfig()).expect("the home can be written");
        let bench = Self { namespace: crate::kube::unique_name(), api, home };
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": bench.namespace}});
        let (status, answer) = bench.api.server.ask("POST", "/api/v1/namespaces", Some(&object));
        assert_eq!(status, 201, "{answer}");
        bench.wait_until("its service account is there", || bench.get("serviceaccounts/default").is_some());
        bench
    }

    fn path(&self, resource: &str) -> String {
        let group = match resource.split(['/', '?']).next() {
            Some("deployments" | "statefulsets") => "apis/apps/v1",
            Some("endpointslices") => "apis/discovery.k8s.io/v1",
            _ => "api/v1",
        };
        format!("/{group}/namespaces/{}/{resource}", self.namespace)
    }

    /// Creates an object.
    ///
    /// # Panics
    ///
    /// If the server refuses it.
    #[track_caller]
    pub fn create(&self, object: &Value) {
        let resource = format!("{}s", object["kind"].as_str().expect("a kind").to_lowercase());
        let (status, answer) = self.api.server.ask("POST", &self.path(&resource), Some(object));
        assert_eq!(status, 201, "{answer}");
    }

    /// Whether the server would not let an object be created.
    ///
    /// # Panics
    ///
    /// If the object has no kind.
    pub fn would_refuse(&self, object: &Value) -> bool {
        let resource = format!("{}s?dryRun=All", object["kind"].as_str().expect("a kind").to_lowercase());
        self.api.server.ask("POST", &self.path(&resource), Some(object)).0 != 201
    }

    /// An object, such as `pods/web`, or the list of all of a kind.
    pub fn get(&self, resource: &str) -> Option<Value> {
        let (status, answer) = self.api.server.ask("GET", &self.path(resource), None);
        (status == 200).then_some(answer)
    }

    /// The field of an object at a JSON pointer; null if there is none.
    pub fn field(&self, resource: &str, pointer: &str) -> Value {
        self.get(resource).and_then(|object| object.pointer(pointer).cloned()).unwrap_or_default()
    }

    /// Changes an object by a merge patch.
    ///
    /// # Panics
    ///
    /// If the server refuses that.
    #[track_caller]
    pub fn patch(&self, resource: &str, patch: &Value) {
        let (status, answer) = self.api.server.ask("PATCH", &self.path(resource), Some(patch));
        assert_eq!(status, 200, "{answer}");
    }

    /// Deletes an object, if it is there; a pod without grace.
    pub fn delete(&self, resource: &str) {
        self.api.server.ask("DELETE", &format!("{}?gracePeriodSeconds=0", self.path(resource)), None);
    }

    /// Labels the namespace itself.
    pub fn label(&self, key: &str, value: &Value) {
        let patch = json!({"metadata": {"labels": {key: value}}});
        self.api.server.ask("PATCH", &format!("/api/v1/namespaces/{}", self.namespace), Some(&patch));
    }

    /// The names of the ConfigMaps in it but Kubernetes' own.
    pub fn config_maps(&self) -> Vec<String> {
        let maps = self.field("configmaps", "/items");
        let names = maps.as_array().into_iter().flatten().filter_map(|map| map["metadata"]["name"].as_str());
        names.filter(|name| !name.starts_with("kube-root-ca")).map(str::to_owned).collect()
    }

    /// Waits until a pod is ready.
    #[track_caller]
    pub fn wait_ready(&self, pod: &str) {
        self.wait_until("the pod is ready", || {
            let conditions = self.field(&format!("pods/{pod}"), "/status/conditions");
            let mut conditions = conditions.as_array().into_iter().flatten();
            conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        });
    }

    /// Tries for a minute.
    ///
    /// # Panics
    ///
    /// If it is not done by then.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut done: impl FnMut() -> bool) {
        for _ in 0..600 {
            if done() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("{what}: not within a minute in namespace {}", self.namespace);
    }

    /// `kubectl ambassador`, led to the API that fails.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(provided("AMBASSADOR_CLI"));
        command
            .args(args)
            .args(["--namespace", &self.namespace])
            .env("KUBECONFIG", self.home.path().join("faulty.json"))
            .env("HOME", self.home.path())
            .env_remove("XDG_STATE_HOME");
        command
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        run(&mut self.command(args))
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started")
    }

    /// Lets it run until it is held, gives it to `then` there, and waits for its end.
    ///
    /// # Panics
    ///
    /// If it ends before it is held.
    pub fn held(&self, args: &[&str], then: impl FnOnce(&mut Child)) -> Output {
        let mut child = self.start(args);
        let Some(held) = self.api.held() else {
            let _ = child.kill();
            panic!("nothing was held: {:?}", end(child));
        };
        then(&mut child);
        // What has ended by then must not be heard of any more.
        if matches!(child.try_wait(), Ok(None)) {
            let _ = held.send(());
        } else {
            drop(held);
        }
        end(child)
    }

    /// Lets it run until it is held, and kills it there.
    ///
    /// # Panics
    ///
    /// If it ends before it is held.
    pub fn killed(&self, args: &[&str]) -> Output {
        self.held(args, |child| {
            child.kill().expect("killed");
            child.wait().expect("an end");
        })
    }

    /// How a command ended and what it said, without what differs from time to time.
    pub fn told(&self, output: &Output) -> String {
        let text = format!("exit {}\n{}{}", output.code, output.stdout, output.stderr);
        let home = self.home.path().to_string_lossy().into_owned();
        let mut lines = Vec::new();
        for line in text.replace(&self.namespace, "NAMESPACE").replace(&home, "HOME").lines() {
            // The file's name has a hash of the server's port.
            let line = match (line.find("/p-"), line.find(".json")) {
                (Some(start), Some(end)) if start < end => {
                    format!("{}/p-HASH{}", &line[..start], &line[end..])
                }
                _ => line.to_owned(),
            };
            lines.push(line.replace(&format!("127.0.0.1:{}", self.api.port), "SERVER"));
        }
        lines.retain(|line| {
            !(line.contains("configmaps ") || line.starts_with("  ") || line.contains("aiting for "))
        });
        lines.join("\n") + "\n"
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !keep() {
            self.delete("pods");
            self.api.server.ask("DELETE", &format!("/api/v1/namespaces/{}", self.namespace), None);
        }
    }
}

/// How many a small machine does at a time: they wait for pods most of the time.
const AT_A_TIME: usize = 12;

/// Does the same to all, several at a time, and fails with all that fail.
///
/// # Panics
///
/// If one does.
pub fn side_by_side<T: Send>(all: impl IntoIterator<Item = T, IntoIter: Send>, check: impl Fn(T) + Sync) {
    let (rest, failed) = (Mutex::new(all.into_iter()), AtomicUsize::new(0));
    let next = || rest.lock().expect("a lock").next();
    let work = || {
        while let Some(one) = next() {
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| check(one)));
            failed.fetch_add(usize::from(result.is_err()), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(work);
        }
    });
    assert_eq!(failed.into_inner(), 0, "the number of those that failed");
}
