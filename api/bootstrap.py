"""`python -m api.bootstrap`: on the first start, make the admin token, show it once, keep it in the home."""

import os
import sys

from adapters.runtime import Runtime, open_runtime
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from domain.access.actor import Role
from domain.access.queries import any_token
from domain.access.service import create_token


def bootstrap(runtime: Runtime) -> str | None:
    """Create the admin token if there is no token at all; its secret, or None. Kept in `HOME/token`, mode 0600."""
    with runtime.transaction() as session:
        if any_token(session):
            return None
        _, secret = create_token(
            session, name="admin", owner="admin", role=Role.ADMIN, secret=runtime.settings.admin_token or None
        )
    path = runtime.settings.home / "token"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
    return secret


def main() -> None:
    settings = Settings()
    set_up_logging(settings)
    runtime = open_runtime(settings)
    secret = bootstrap(runtime)
    runtime.close()
    if secret is not None:
        sys.stdout.write(f"{secret}\n")


if __name__ == "__main__":
    main()
