"""Why an upload is not taken: sentences for the visitor."""


class Refused(Exception):
    """The request cannot be granted. `status` is the answer's; the message is for the visitor."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


class Gone(Exception):
    """There is no such upload, or it is another visitor's: nobody learns which."""


class BadFile(Exception):
    """The file itself is why the work cannot be done: trying again does not help. The message is a
    sentence for the visitor."""
