"""An admission webhook of a time before native sidecars: it knows no restartPolicy of containers, and drops it.

Asked by the path /real, it leaves dry runs alone, as its configuration allows one to.

Arguments: port, certificate, key.
"""

import base64
import http.server
import json
import ssl
import sys


class Webhook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        response = {"uid": request["uid"], "allowed": True}
        if not (self.path.startswith("/real") and request["dryRun"]):
            containers = enumerate(request["object"]["spec"].get("initContainers", []))
            patch = [
                {"op": "remove", "path": f"/spec/initContainers/{at}/restartPolicy"}
                for at, container in containers
                if "restartPolicy" in container
            ]
            response["patchType"] = "JSONPatch"
            response["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


port, certificate, key = sys.argv[1:]
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Webhook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
