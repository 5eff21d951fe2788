"""What the providers of these tests answer: one like GitHub, one like OpenAI, and a laboratory."""
import json
import queue

BLOCK = bytes(range(256)) * 256  # 64 KiB


def like_github(provider):
    url = provider.url
    provider.on("GET", "/user", lambda exchange: exchange.json({"login": "ann", "id": 1}))
    provider.on("GET", "/repos/([^/]+)/([^/]+)", lambda exchange, owner, repository:
                exchange.json({"full_name": f"{owner}/{repository}", "private": True}))

    def issues(exchange, owner, repository):
        query = exchange.request.target.partition("?")[2]
        page = next((int(pair[5:]) for pair in query.split("&") if pair.startswith("page=")), 1)
        links = [f'<{url}/repos/{owner}/{repository}/issues?per_page=2&page={to}>; rel="{how}"'
                 for to, how in ((page + 1, "next"), (3, "last"))] if page < 3 else []
        exchange.json([{"number": 2 * page - 1}, {"number": 2 * page}],
                      headers=[("Link", ", ".join(links))] if links else [])

    provider.on("GET", "/repos/([^/]+)/([^/]+)/issues", issues)
    provider.on("POST", "/repos/([^/]+)/([^/]+)/issues", lambda exchange, *_: exchange.json(
        {"number": 7, "title": json.loads(exchange.request.body)["title"]}, 201))
    provider.on("DELETE", "/repos/([^/]+)/([^/]+)", lambda exchange, *_: exchange.answer(204))
    return provider


def like_openai(provider):
    """Events of a streamed completion are handed over one by one through `provider.events`."""
    provider.events = queue.Queue()
    provider.on("GET", "/v1/models", lambda exchange: exchange.json(
        {"object": "list", "data": [{"id": "small", "object": "model"}]}))

    def piece(text):
        return {"id": "c1", "object": "chat.completion.chunk", "model": "small", "created": 1,
                "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}

    def completions(exchange):
        if not json.loads(exchange.request.body).get("stream"):
            exchange.json({"id": "c1", "object": "chat.completion", "model": "small", "created": 1,
                           "choices": [{"index": 0, "finish_reason": "stop", "message": {
                               "role": "assistant", "content": "forty-two"}}]})
            return
        exchange.chunks(
            (b"data: " + json.dumps(piece(text)).encode() + b"\n\n" if text else
             b"data: [DONE]\n\n" for text in until_done(provider.events)),
            [("Content-Type", "text/event-stream")])

    provider.on("POST", "/v1/chat/completions", completions)
    return provider


def until_done(events):
    """Texts from the queue; an empty one is the last."""
    while True:
        text = events.get(timeout=60)
        yield text
        if not text:
            return


def blocks(count):
    while count > 0:
        yield BLOCK[:count]
        count -= len(BLOCK)


def laboratory(provider):
    """Everything under /lab. Odd answers are given by the tests' own routes."""
    def asked(exchange, name):
        pairs = exchange.request.target.partition("?")[2].split("&")
        return next(pair.split("=")[1] for pair in pairs if pair.startswith(name + "="))

    def download(exchange):
        size = int(asked(exchange, "bytes"))
        exchange.start(200, [("Content-Length", str(size))])
        for block in blocks(size):
            exchange.raw(block)

    provider.on("*", "/lab/.*", lambda exchange: exchange.json({"fine": True}))
    provider.on("*", "/lab/upload", lambda exchange: exchange.json(
        {"bytes": exchange.request.body_bytes, "sha256": exchange.request.sha256}))
    provider.on("GET", "/lab/download", download)
    provider.on("GET", "/lab/download-chunked", lambda exchange: exchange.chunks(
        blocks(int(asked(exchange, "bytes"))), trailers=[("X-Trailer", "late")]))
    provider.on("HEAD", "/lab/head", lambda exchange: exchange.start(
        200, [("Content-Length", "12345"), ("ETag", '"e"')]))
    provider.on("GET", "/lab/empty", lambda exchange: exchange.start(204))
    provider.on("GET", "/lab/unchanged", lambda exchange: exchange.start(304, [("ETag", '"e"')]))
    provider.on("GET", "/lab/status/([0-9]+)", lambda exchange, status:
                exchange.json({"status": int(status)}, int(status)))
    provider.on("GET", "/lab/redirect/self", lambda exchange: exchange.answer(
        302, headers=[("Location", provider.url + "/lab/after?x=1"),
                      ("Content-Location", "/lab/here")]))
    provider.on("GET", "/lab/redirect/elsewhere", lambda exchange: exchange.answer(
        302, headers=[("Location", "https://elsewhere.example/lab/after")]))
    provider.on("GET", "/lab/state", lambda exchange: exchange.json({}, headers=[
        ("Set-Cookie", "session=1"), ("Alt-Svc", 'h3=":443"'), ("Clear-Site-Data", '"*"'),
        ("Strict-Transport-Security", "max-age=1"), ("Sallyport-Call-Id", "forged"),
        ("Proxy-Status", "sallyport; error=dns_error"), ("X-Kept", "kept"),
        ("Connection", "X-Named"), ("X-Named", "hop"), ("Keep-Alive", "timeout=5")]))

    def early_hints(exchange):
        exchange.raw(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        exchange.json({"fine": True})

    provider.on("GET", "/lab/hints", early_hints)
    return provider
