"""Somebody without an account in a browser of their own, who waits: what they see and are sent."""

import base64
import json
from typing import Any

from playwright.sync_api import BrowserContext, Response, Route, WebSocket

TRANSPORTS = ("websocket", "stream", "polling")
PATIENCE_MS = 60_000
UNKNOWN = ("Status not available", "do not know", "Nothing is known", "not known right now")
"""What nobody is to read whose work is going on."""

SAMPLE_MS = 100
_SAMPLING = """
{
  let before = "";
  const look = %s;
  window.sampled = () => {
    const seen = look() ?? null;
    const sample = JSON.stringify(seen);
    if (seen === null || sample === before) return seen;
    before = sample;
    sessionStorage.setItem(`sample ${String(sessionStorage.length).padStart(6, "0")}`, sample);
    return seen;
  };
  setInterval(window.sampled, %d);
}
"""
"""What is seen, whenever it has changed, or somebody looks; it outlives the page."""

TAPPING = """
window.heard = [];
const real = window.fetch;
window.fetch = async (...given) => {
  const answer = await real(...given);
  const reader = answer.clone().body?.getReader();
  const read = async () => {
    for (const decoder = new TextDecoder(); ;) {
      const { done, value } = await reader.read();
      if (done) return;
      window.heard.push(decoder.decode(value, { stream: true }));
    }
  };
  if (reader) read().catch(() => {});
  return answer;
};
"""
"""What scripts fetch; also of an answer that does not end."""

Sample = dict[str, Any]


class Visitor:
    """Somebody whose browser lets through one transport, and keeps what the expression `look`
    tells of each page, ten times a second."""

    def __init__(self, context: BrowserContext, look: str, transport: str = "websocket") -> None:
        self.context = context
        self.transport = transport
        self.sockets: list[WebSocket] = []
        self.frames: list[str] = []
        self.answers: list[Response] = []
        context.add_init_script(_SAMPLING % (look, SAMPLE_MS))
        context.add_init_script(TAPPING)
        if transport != "websocket":
            context.route_web_socket("**/ws/**", lambda socket: socket.close())
        if transport == "polling":
            context.route("**/embed/v1/stream", _abort)
        self.page = context.new_page()
        self.page.on("websocket", self._note_socket)
        self.page.on("response", lambda answer: self.answers.append(answer))
        self.element = self.page.locator("headway-progress")
        self.box = self.page.locator("[part~=box]")

    @property
    def token(self) -> str:
        return self.element.get_attribute("token") or ""

    def samples(self) -> list[Sample]:
        """What was to be seen, in its order."""
        found = self.page.evaluate(
            "Object.keys(sessionStorage).filter((key) => key.startsWith('sample ')).sort()"
            ".map((key) => sessionStorage.getItem(key))"
        )
        return [json.loads(each) for each in found]

    def received(self) -> str:
        """All that came to this browser: frames, pages, what scripts fetched, and what is shown."""
        pages = [answer.text() for answer in self.answers if _is_page(answer)]
        heads = [json.dumps(answer.headers) for answer in self.answers]
        heard = self.page.evaluate("window.heard")
        seen = [self.page.content(), self.page.locator("html").inner_text(), *self._boxes()]
        return "\n".join([*self.frames, *pages, *heads, *heard, *seen])

    def asks_for(self, kind: str, id_: str, token: str) -> str:
        """Let the visitor's own element follow another task or group; the code that it is refused
        with."""
        script = """(element, [kind, id, token]) => new Promise((resolve) => {
          element.addEventListener("headway:error", ({ detail }) => resolve(detail.code));
          element.removeAttribute("refresh");
          for (const each of ["task", "group"]) element.removeAttribute(each);
          element.setAttribute(kind, id);
          element.setAttribute("token", token);
        })"""
        return str(self.element.first.evaluate(script, [kind, id_, token]))

    def _boxes(self) -> list[str]:
        return [box.inner_html() for box in self.box.all()]

    def _note_socket(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        socket.on("framereceived", lambda frame: self.frames.append(str(frame)))


ALTERATIONS = ("task", "signature", "algorithm", "none")


def altered(own: str, theirs: str, id_: str, how: str, kind: str = "tasks") -> str:
    """One's own token, made to look as one for another's task (`kind`: or group)."""
    head, body, signature = own.split(".")
    claims = json.loads(_decoded(body))
    claims = {**claims, "tasks": [], "groups": [], kind: [id_]}
    if how == "task":
        return f"{head}.{_encoded(json.dumps(claims))}.{signature}"
    if how == "signature":
        return theirs[:-6] + ("AAAAAA" if not theirs.endswith("AAAAAA") else "BBBBBB")
    if how == "algorithm":
        head = _encoded(json.dumps({"alg": "HS512"}))
        return f"{head}.{_encoded(json.dumps(claims))}.{signature}"
    return f"{_encoded(json.dumps({'alg': 'none'}))}.{_encoded(json.dumps(claims))}."


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _abort(route: Route) -> None:
    route.abort()


def _is_page(answer: Response) -> bool:
    return answer.request.resource_type == "document" and answer.status == 200
