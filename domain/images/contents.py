"""What a version's image has beyond its base: the routes, the settings of its process, its labels. Pure."""

from typing import Final

from domain.deployments.specs import EndpointSettings, Routes, Target

STORE: Final = "/models"
HOME: Final = "/var/lib/millrace"
PORT: Final = 8001
USER: Final = 10001
COMMAND: Final = ["millrace", "serve", "--host", "0.0.0.0", "--port", str(PORT)]  # noqa: S104 - inside a container


def routes_for(*, endpoint: str, model: str, number: int, package: str) -> Routes:
    """The version alone answers, to whoever reaches the container: its network says who does. Nothing is recorded."""
    settings = EndpointSettings(visibility="public", requests_per_second=1_000_000, record=False)
    target = Target(version=number, package=package, role="live")
    return Routes(endpoint=endpoint, revision=1, model=model, targets=[target], settings=settings)


def environment() -> dict[str, str]:
    return {"MILLRACE_MODEL_STORE_URL": STORE, "MILLRACE_HOME": HOME}


def labels_for(*, model: str, number: int, package: str, data: str, base: str) -> dict[str, str]:
    """`data` is the dataset version as name@number, `base` the base image by digest."""
    return {
        "org.opencontainers.image.title": model,
        "org.opencontainers.image.version": str(number),
        "org.opencontainers.image.base.name": base,
        "io.millrace.model": model,
        "io.millrace.version": str(number),
        "io.millrace.package": f"sha256:{package}",
        "io.millrace.data": data,
    }


def dockerfile(*, base: str, labels: dict[str, str]) -> str:
    """Builds the same image with Docker, from the folder that has `models/` beside this file."""
    lines = [
        f"FROM {base}",
        f"COPY --chown={USER}:{USER} models {STORE}",
        "ENV " + " ".join(f'{name}="{value}"' for name, value in environment().items()),
        *(f'LABEL {name}="{value}"' for name, value in labels.items()),
        f"EXPOSE {PORT}",
        f"USER {USER}:{USER}",
        "CMD [" + ", ".join(f'"{word}"' for word in COMMAND) + "]",
    ]
    return "\n".join(lines) + "\n"
