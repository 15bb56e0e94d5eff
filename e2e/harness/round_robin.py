"""A proxy without affinity: each request goes to the next gateway, whatever connection or session it belongs to."""

import http.client
import itertools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Longer than the suite waits for anything.
PATIENCE = 120
OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer", "upgrade"}


class RoundRobin(ThreadingHTTPServer):
    """Listens on a free port of this machine until it is closed."""

    daemon_threads = True

    def __init__(self, ports: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.turns = itertools.cycle(ports)
        self.turn = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_who: object) -> None:
        """A client that went away is no news."""

    def next_port(self) -> int:
        with self.turn:
            return next(self.turns)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        far = http.client.HTTPConnection("127.0.0.1", self.server.next_port(), timeout=PATIENCE)
        try:
            far.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in OF_A_CONNECTION:
                    far.putheader(name, value)
            if body:
                far.putheader("Content-Length", str(len(body)))
            far.endheaders(body)
            self.answer(far.getresponse())
        except OSError:
            self.close_connection = True
        finally:
            far.close()

    def answer(self, reply: http.client.HTTPResponse) -> None:
        self.send_response_only(reply.status, reply.reason)
        for name, value in reply.getheaders():
            if name.lower() not in OF_A_CONNECTION:
                self.send_header(name, value)
        bodiless = reply.status in (204, 304)
        if not bodiless:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if bodiless:
            return
        while piece := reply.read1(65536):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_DELETE = do_PUT = do_OPTIONS = relay

    def log_message(self, *_words: object) -> None:
        pass
