"""A legacy program that speaks HTTP/2 without TLS, with trailers.

Prints its port, then answers each request with a body in DATA frames of the size that the path begins with, and trailers
if its query is `trailers`.
"""

import socket
import sys
import threading

import h2.config
import h2.connection
import h2.events

BODIES = {
    "json": ("application/json", b"[1,2,3]"),
    "cut": ("application/json", b"[1,2"),
    "lines": ("application/x-ndjson", b'{"n":1}\n{"n":2}\n'),
    "open": ("application/x-ndjson", b'{"n":1}\n{"n":2}'),
    "grpc": ("application/grpc", b"\0\0\0\0\2ab"),
}


def answer(connection, stream, path):
    """Answers `/SIZE/BODY` or `/SIZE/BODY?trailers`."""
    path, _, query = path.partition("?")
    _, size, name = path.split("/")
    media, body = BODIES[name]
    connection.send_headers(stream, [(":status", "200"), ("content-type", media)])
    for start in range(0, len(body), int(size)):
        connection.send_data(stream, body[start : start + int(size)])
    if query == "trailers":
        trailers = [("x-kept", "1"), ("digest", "sha-256=a"), ("grpc-status", "0")]
        connection.send_headers(stream, trailers, end_stream=True)
    elif query == "reset":
        connection.reset_stream(stream, 2)
    else:
        connection.end_stream(stream)


def serve(client):
    """Serves one connection until it ends, in whatever way."""
    try:
        exchange(client)
    except ConnectionError:
        pass


def exchange(client):
    """Answers what comes over one connection."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    client.sendall(connection.data_to_send())
    while data := client.recv(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                head = {bytes(name): bytes(value) for name, value in event.headers}
                answer(connection, event.stream_id, head[b":path"].decode())
        client.sendall(connection.data_to_send())


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
