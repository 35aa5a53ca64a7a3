"""What a text may hold that is written down: checked as fast for megabytes of base64 as for a name."""

from pydantic import BeforeValidator


def check_writable(value: object) -> object:
    """The value; raises ValueError for a text with what no database and no file can hold."""
    if isinstance(value, str) and ("\x00" in value or not _encodable(value)):
        raise ValueError("holds a character that no text can hold (NUL or half a surrogate)")
    return value


def _encodable(text: str) -> bool:
    """Whether there is no surrogate in it, the only thing that UTF-8 cannot hold."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


Writable = BeforeValidator(check_writable)
