//! Talks to what runs in a pod: a program's output by exec, an HTTP answer by port-forward.

use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::Cluster;
use super::error::attempting;
use crate::failure::{Failure, Result};

/// More than any table of sockets or short answer that we ask for.
const LARGEST: u64 = 1 << 20;

/// The beginning of an HTTP answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// What came of it, head included.
    pub(crate) text: String,
}

impl Cluster {
    /// The output of a command in a running container.
    pub(crate) async fn output_of(&self, pod: &str, container: &str, command: &[&str]) -> Result<String> {
        let params = AttachParams { stderr: false, ..AttachParams::default() }.container(container);
        let what = format!("cannot run `{}` in container {container}", command.join(" "));
        let mut process = self
            .running_pods()
            .exec(pod, command.iter().copied(), &params)
            .await
            .map_err(attempting(what.clone()))?;
        let mut output = String::new();
        if let Some(stdout) = process.stdout() {
            let _ = stdout.take(LARGEST).read_to_string(&mut output).await;
        }
        if let Some(status) = process.take_status()
            && let Some(status) = status.await.filter(|status| status.status.as_deref() == Some("Failure"))
        {
            let message = status.message.unwrap_or_default();
            return Err(Failure::unchanged(format!("{what}: {message}")));
        }
        Ok(output)
    }

    /// Asks a port of a pod for `GET /`. An error is one of the cluster; a port that does not answer is `None`.
    pub(crate) async fn ask(&self, pod: &str, port: u16) -> Result<Option<Answer>> {
        let mut forwarder = self
            .running_pods()
            .portforward(pod, &[port])
            .await
            .map_err(attempting(format!("cannot forward port {port} of pod/{pod}")))?;
        let Some(stream) = forwarder.take_stream(port) else { return Ok(None) };
        let answer = tokio::time::timeout(Duration::from_secs(10), ask(stream)).await;
        forwarder.abort();
        Ok(answer.ok().flatten())
    }

    /// Asks a port of a pod what `request` says, and gives head and body of its answer, up to so many bytes of it.
    pub(crate) async fn fetch(
        &self,
        pod: &str,
        port: u16,
        request: Request<String>,
        largest: usize,
    ) -> Result<Response<Bytes>> {
        let what = format!("cannot get an answer from port {port} of pod/{pod}");
        let mut forwarder =
            self.running_pods().portforward(pod, &[port]).await.map_err(attempting(what.clone()))?;
        let failed = |why: String| Failure::unchanged(format!("{what}: {why}"));
        let stream =
            forwarder.take_stream(port).ok_or_else(|| failed("the port is not forwarded".to_owned()))?;
        let exchange = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            // It ends with the stream.
            tokio::spawn(connection);
            sender.send_request(request).await
        };
        let whole = async {
            let (head, body) = exchange.await.map_err(|error| failed(error.to_string()))?.into_parts();
            let body =
                Limited::new(body, largest).collect().await.map_err(|error| failed(error.to_string()))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        let answer = tokio::time::timeout(Duration::from_secs(10), whole).await;
        forwarder.abort();
        answer.unwrap_or_else(|_| Err(failed("it took more than 10 s".to_owned())))
    }

    /// Connects to a port of a pod and says whether the connection is still there after `hold`, or has brought bytes by
    /// then. An error is one of the cluster.
    pub(crate) async fn holds(&self, pod: &str, port: u16, hold: Duration) -> Result<bool> {
        let mut forwarder = self
            .running_pods()
            .portforward(pod, &[port])
            .await
            .map_err(attempting(format!("cannot forward port {port} of pod/{pod}")))?;
        let (Some(mut stream), Some(refused)) = (forwarder.take_stream(port), forwarder.take_error(port))
        else {
            return Ok(false);
        };
        let mut byte = [0; 1];
        // A connection that is closed may be told as the end of its bytes, as an error of the port, or as both.
        let holds = tokio::select! {
            read = stream.read(&mut byte) => matches!(read, Ok(1..)),
            _ = refused => false,
            () = tokio::time::sleep(hold) => true,
        };
        forwarder.abort();
        Ok(holds)
    }

    fn running_pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

async fn ask(mut stream: impl AsyncRead + tokio::io::AsyncWrite + Unpin) -> Option<Answer> {
    let request = concat!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\nUser-Agent: kubectl-ambassador/",
        env!("CARGO_PKG_VERSION"),
        "\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    // What came before an error still counts: servers close as they like.
    let _ = stream.take(64 << 10).read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    Some(Answer { status, text })
}
