"""What the fake server answers to actions: whatever the test told it to, after as long as it said.

Messages of `POST /control`: `api`, by path below `/api/v1/` an answer `{"status", "body", "after"}`
(seconds, 0 by default), or a list of them of which the last one stays.
"""

import asyncio
import json
from typing import Any

PREFIX = "/api/v1/"
Answer = dict[str, Any]


class Api:
    """Answers by path, and what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}

    def tell(self, answers: dict[str, Answer | list[Answer]]) -> None:
        """Answer so from now on."""
        for path, answer in answers.items():
            self.answers[path] = list(answer) if isinstance(answer, list) else [answer]

    def takes(self, path: str) -> bool:
        """Whether the test said what is answered there."""
        return path.removeprefix(PREFIX) in self.answers

    async def answer(self, path: str, body: bytes, token: str) -> tuple[Answer, Answer]:
        """What is to be logged, and the answer; `token` is the one against forged requests."""
        told = self.answers[path.removeprefix(PREFIX)]
        answer = told.pop(0) if len(told) > 1 else told[0]
        asked = {
            "op": "ask",
            "path": path.removeprefix(PREFIX),
            "body": json.loads(body) if body else None,
            "has_token": bool(token),
        }
        await asyncio.sleep(answer.get("after", 0))
        return asked, answer
