//! Manifests to measure injection with: the ConfigMaps, Deployments and Services of one small program after the other, as
//! repositories have them.

use std::fmt::Write as _;

const NAMES: [&str; 8] = ["cart", "catalog", "checkout", "fruit", "orders", "payments", "search", "users"];
const TEAMS: [&str; 3] = ["shop", "platform", "data"];

/// So many documents, always the same.
pub(super) fn documents(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let program = Program::new(number / 3);
        text.push_str(if number == 0 { "" } else { "---\n" });
        // Deployments first: a file of one document is one that is injected.
        match number % 3 {
            0 => program.deployment(&mut text),
            1 => program.service(&mut text),
            _ => program.config_map(&mut text),
        }
    }
    text
}

/// What the objects of one program share.
struct Program {
    name: String,
    team: &'static str,
    port: usize,
    number: usize,
}

impl Program {
    fn new(number: usize) -> Self {
        let pick = |from: &[&'static str], at: usize| from.get(at % from.len()).copied().unwrap_or_default();
        Self {
            name: format!("{}-{number}", pick(&NAMES, number)),
            team: pick(&TEAMS, number / NAMES.len()),
            port: 8000 + number % 7,
            number,
        }
    }

    fn deployment(&self, text: &mut String) {
        let Self { name, team, port, number } = self;
        let replicas = 1 + number % 4;
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            r#"# {name}: owned by team {team}.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/part-of: {team}
spec:
  replicas: {replicas}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  template:
    metadata:
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "{port}"
      labels:
        app.kubernetes.io/name: {name}
        app.kubernetes.io/part-of: {team}
    spec:
      serviceAccountName: {name}
      securityContext:
        runAsNonRoot: true
        fsGroup: 1000
      containers:
        - name: {name}
          image: registry.example.com/{team}/{name}:1.{number}.0
          imagePullPolicy: IfNotPresent
          args: ["--port={port}", "--log-format=json"]
          ports:
            - name: http
              containerPort: {port}
          env:
            - name: LOG_LEVEL
              value: "info"
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: DATABASE_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: {name}
                  key: database-password
          envFrom:
            - configMapRef:
                name: {name}
          # Slow to start: it reads its tables first.
          startupProbe:
            httpGet:
              path: /healthz
              port: http
            failureThreshold: 30
            periodSeconds: 2
          readinessProbe:
            httpGet:
              path: /readyz
              port: http
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
            periodSeconds: 20
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
          volumeMounts:
            - name: config
              mountPath: /etc/{name}
              readOnly: true
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: config
          configMap:
            name: {name}
        - name: tmp
          emptyDir: {{}}
      terminationGracePeriodSeconds: 45
"#
        );
    }

    fn service(&self, text: &mut String) {
        let Self { name, team, .. } = self;
        let _ = write!(
            text,
            r"apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/part-of: {team}
spec:
  type: ClusterIP
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: http # by name: it moves
      protocol: TCP
"
        );
    }

    fn config_map(&self, text: &mut String) {
        let Self { name, team, number, .. } = self;
        let _ = write!(
            text,
            r"apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/part-of: {team}
data:
  CACHE_SIZE: '{number}'
  FEATURES: search,history
  application.yaml: |
    server:
      # Behind a load balancer.
      forward-headers: native
      shutdown: graceful
    database:
      url: postgres://{name}.{team}.svc:5432/{name}
      pool: 10
"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::documents;

    #[test]
    fn makes_as_many_documents_as_asked_for() {
        for count in [1, 2, 100] {
            let text = documents(count);
            assert_eq!(text.lines().filter(|line| *line == "---").count() + 1, count);
            assert_eq!(text.matches("kind: Deployment").count(), count.div_ceil(3));
        }
    }
}
