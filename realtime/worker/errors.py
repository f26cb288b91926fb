"""Errors whose words are for the people who wait."""


class PublicError(Exception):
    """Raise this, or a class derived from it, for what a visitor may read.

    Its first argument is shown as it is, up to 300 characters, where an embed token lets somebody
    follow the task; every other exception is shown to them as a neutral sentence. A derived class
    has to be named in `HEADWAY_PUBLIC_ERRORS`, since events tell an exception's type by name alone.

        raise PublicError("The file has no header row.")
    """
