"""Google's credentials out of a file, for Cloud Storage and for Drive."""

import json
from pathlib import Path
from typing import Any

from google.oauth2 import credentials as user
from google.oauth2 import service_account


def read_credentials(file: Path, scope: str) -> Any:
    """A service account's key, or what `gcloud auth application-default login` leaves of a person's consent.

    Raises OSError or ValueError, neither with anything of what is in the file.
    """
    held = json.loads(file.read_text(encoding="utf-8"))
    loaders: dict[str, Any] = {  # without types
        "service_account": service_account.Credentials.from_service_account_info,
        "authorized_user": user.Credentials.from_authorized_user_info,
    }
    if not isinstance(held, dict) or held.get("type") not in loaders:
        raise ValueError("The file is neither a service account's key nor an authorized user's.")
    return loaders[held["type"]](held, scopes=[scope])
