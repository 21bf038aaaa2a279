"""`StoreCredentials`: what opens the stores, as the settings have it; and `Scrubber`, which keeps it out of texts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, quote, unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

_NOTHING = SecretStr("")
_File = Annotated[Path | None, BeforeValidator(lambda value: value or None)]  # an empty variable is none


class StoreCredentials(BaseModel):
    """Empty means: as the store's own tools find them on this machine (environment, profile, instance role)."""

    model_config = ConfigDict(frozen=True)

    s3_endpoint_url: str = ""
    s3_region: str = ""
    s3_access_key_id: SecretStr = _NOTHING
    s3_secret_access_key: SecretStr = _NOTHING
    s3_session_token: SecretStr = _NOTHING

    gcs_endpoint_url: str = ""
    gcs_credentials_file: _File = None

    azure_account_name: str = ""
    azure_account_key: SecretStr = _NOTHING
    azure_sas_token: SecretStr = _NOTHING
    azure_connection_string: SecretStr = _NOTHING

    gdrive_endpoint_url: str = ""
    gdrive_credentials_file: _File = None
    gdrive_folder_id: str = ""


NO_CREDENTIALS = StoreCredentials()


class Scrubber:
    """Takes secrets out of what libraries say before a person, a row or a log gets to see it."""

    def __init__(self, credentials: StoreCredentials) -> None:
        found = {secret for each in _secrets(credentials) for secret in (each, quote(each, safe=""), unquote(each))}
        # The longest first: a secret may be part of another one.
        known = sorted((secret for secret in found if len(secret) >= 6), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def clean(self, text: str) -> str:
        return self._known.sub("***", text) if self._known else text


def _secrets(credentials: StoreCredentials) -> Iterator[str]:
    for name in type(credentials).model_fields:
        value = getattr(credentials, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
    # What their parts look like when a library takes them apart.
    sas = credentials.azure_sas_token.get_secret_value()
    for part in credentials.azure_connection_string.get_secret_value().split(";"):
        name, _, value = part.partition("=")
        if name.lower() in ("accountkey", "sharedaccesssignature"):
            yield value
        if name.lower() == "sharedaccesssignature":
            yield from parse_qs(value).get("sig", [])
    yield from parse_qs(sas.removeprefix("?")).get("sig", [])
    for path in (credentials.gcs_credentials_file, credentials.gdrive_credentials_file):
        if path is not None:
            yield from _in_file(path)


def _in_file(path: Path) -> Iterator[str]:
    try:
        held: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # whoever opens the store says what is wrong with it
    if isinstance(held, dict):
        for name in ("private_key", "private_key_id", "client_secret", "refresh_token", "token"):
            if isinstance(value := held.get(name), str):
                yield value
