"""The webhook that is told of what somebody should know."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from cdc.config.values import Number, ReadableFile, Settings, text_of

SECRET_BYTES: Final = 16

Event = Literal["schema_change", "dead_letter", "halt", "lag", "job"]


class NotifyConfig(Settings):
    """Where notices go, of what, and by which secret they are signed."""

    url: SecretStr  # a webhook's path is often all that keeps others from using it
    secret_file: ReadableFile | None = None
    events: Annotated[tuple[Event, ...], Field(min_length=1)] = get_args(Event)
    lag_seconds: Annotated[Number, Field(gt=0)] = 300.0

    @field_validator("url")
    @classmethod
    def _http(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        try:
            named = bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            named = False
        if parts.scheme not in {"http", "https"} or not named:
            raise ValueError("must begin with https:// or http:// and name a host")
        if parts.username is not None:
            raise ValueError("a name and password in it would not be sent: leave them out")
        return url

    @field_validator("secret_file")
    @classmethod
    def _hard_to_guess(cls, file: ReadableFile | None) -> ReadableFile | None:
        if file and len(_secret(file)) < SECRET_BYTES:
            raise ValueError(f"is shorter than {SECRET_BYTES} bytes: whoever guesses it can sign")
        return file

    @property
    def host(self) -> str:
        """The host of the address, which may be told; with its port, if one is written."""
        return urlsplit(self.url.get_secret_value()).netloc

    def read_secret(self) -> bytes:
        """Return the current secret, empty without one: the file is read each time."""
        return _secret(self.secret_file) if self.secret_file else b""


def _secret(file: ReadableFile) -> bytes:
    return text_of(file, "notify.secret_file").removesuffix("\n").encode()
