"""A small part of GitHub's API on the loopback address: pull requests, their comments, and whatever goes wrong."""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BOT, PERSON = {"login": "github-actions[bot]", "type": "Bot"}, {"login": "somebody", "type": "User"}
SLOW = 1.0  # seconds of an answer that comes too late


class Api(ThreadingHTTPServer):
    """One pull request with its comments.

    `failures` are answered first, each (code, headers, whether the request takes effect all the same); code 0 is an
    answer that comes too late.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pulls: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.failures: list[tuple[int, dict[str, str], bool]] = []
        self.requests: list[str] = []
        self.tokens: set[str | None] = set()
        self.moves = ""  # the head that the pull request has as soon as its comments were read
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, body: str, user: dict[str, str] | None = None) -> None:
        self.comments.append({"id": 100 + len(self.comments), "body": body, "user": user or PERSON})


class Handler(BaseHTTPRequestHandler):
    server: Api

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, content: Any, code: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def handle_all(self) -> None:
        api, url = self.server, urllib.parse.urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        api.requests.append(f"{self.command} {url.path}")
        api.tokens.add(self.headers["Authorization"])
        code, headers, works = api.failures.pop(0) if api.failures else (200, {}, True)
        content, more = self.content(url, body) if works else ({"message": "no"}, {})
        if code == 0:
            threading.Event().wait(SLOW)
        else:
            self.answer(content, code, headers | more)

    do_GET = do_POST = do_PATCH = handle_all  # noqa: N815

    def content(self, url: urllib.parse.SplitResult, body: Any) -> tuple[Any, dict[str, str]]:
        api, query = self.server, urllib.parse.parse_qs(url.query)
        if self.command == "POST":
            api.add(body["body"], BOT)
        if self.command == "PATCH":
            (comment,) = (item for item in api.comments if url.path.endswith(f"/issues/comments/{item['id']}"))
            comment["body"] = body["body"]
        if url.path.endswith("/pulls"):
            return [pull for pull in api.pulls if [pull["head"]["label"]] == query["head"]], {}
        if "/pulls/" in url.path:
            return api.pulls[0], {}
        return self.page(query) if self.command == "GET" else ({}, {})

    def page(self, query: dict[str, list[str]]) -> tuple[Any, dict[str, str]]:
        api, number, size = self.server, int(query.get("page", ["1"])[0]), int(query["per_page"][0])
        if api.moves:
            api.pulls[0]["head"]["sha"] = api.moves
        path = f"{api.url}{self.path.partition('?')[0]}?per_page={size}&page={number + 1}"
        more = {"Link": f'<{path}>; rel="next", <{path}>; rel="last"'} if number * size < len(api.comments) else {}
        return api.comments[(number - 1) * size : number * size], more
