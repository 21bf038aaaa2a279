"""`python -m migrations upgrade|downgrade|check|revise -m MESSAGE`, on the database of the settings; or `chain`."""

import argparse
import sys

from adapters.database import Database
from adapters.settings import Settings
from adapters.telemetry import set_up_logging
from migrations import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m migrations")
    parser.add_argument("verb", choices=["upgrade", "downgrade", "check", "revise", "chain"])
    parser.add_argument("-m", "--message", default="change")
    chosen = parser.parse_args()
    if chosen.verb == "chain":
        sys.stdout.write("\n".join(run.revisions()) + "\n")
        return
    settings = Settings()
    set_up_logging(settings)
    database = Database(settings.database_url)
    match chosen.verb:
        case "upgrade":
            run.upgrade(database.writes)
        case "downgrade":
            run.downgrade(database.writes)
        case "check":
            run.check(database.writes)
        case _:
            run.revise(database.writes, chosen.message)
    database.dispose()


if __name__ == "__main__":
    main()
