"""`Settings`: everything an installation can choose, read from `MILLRACE_*` variables or a `.env` file."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.object_store.credentials import StoreCredentials
from domain.jobs.usage import Prices


class Settings(BaseSettings, StoreCredentials):
    """Defaults suit one machine: all state under `home`. Urls move parts elsewhere, one by one."""

    model_config = SettingsConfigDict(env_prefix="MILLRACE_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Path(".millrace")
    database_url: str = ""
    redis_url: str = "redis://127.0.0.1:6379/0"
    store_url: str = ""
    model_store_url: str = ""
    mlflow_url: str = "http://127.0.0.1:5000/mlflow"
    dashboard_dir: Path = Path(__file__).parent.parent / "frontend" / "dist"
    admin_token: str = ""
    evidence_key_file: Path = Path()
    cache_dir: Path = Path()
    cache_bytes: int = Field(default=10 * 2**30, ge=0)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    tick_seconds: float = 2.0
    lease_seconds: float = 30.0
    heartbeat_seconds: float = 1.0
    renudge_seconds: float = 10.0
    mirror_look_seconds: float = Field(default=60.0, ge=0.0)

    max_body_bytes: int = 10 * 2**20
    max_upload_bytes: int = 50 * 2**30
    max_upload_files: int = 100_000

    memory_limit_bytes: int = 2 * 2**30
    spark_url: str = "local[*]"
    git_allow_local: str = ""
    git_allow_hosts: str = ""
    git_credentials: str = ""
    git_timeout_seconds: float = 600.0
    git_max_bytes: int = 5 * 2**30
    git_max_commits: int = 1_000
    gc_grace_hours: float = Field(default=72.0, ge=0.0)

    webhooks_private: bool = True

    registry_hosts: str = ""
    registry_auth_file: Path = Path()
    registry_timeout_seconds: float = Field(default=60.0, gt=0.0)
    serving_image: str = ""

    cpu_hour_price: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    gb_hour_price: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    currency: str = ""

    serving_grpc_address: str = ""
    serving_poll_seconds: float = 0.2
    serving_flush_seconds: float = 1.0
    serving_python_processes: int = Field(default=1, ge=1, le=64)
    serving_python_memory_bytes: int = Field(default=4 * 2**30, ge=0)
    serving_python_timeout_seconds: float = Field(default=30.0, gt=0.0)
    serving_body_seconds: float = Field(default=30.0, gt=0.0)
    serving_drain_seconds: float = Field(default=3.0, ge=0.0)
    serving_max_loaded: int = Field(default=64, ge=1)
    serving_max_model_bytes: int = Field(default=2 * 2**30, ge=1)
    serving_load_seconds: float = Field(default=60.0, gt=0.0)
    trusted_packages: str = Field(default="", pattern=r"^\s*([0-9a-f]{64}\s*(,\s*|$))*$")
    internal_networks: str = (
        "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10"
    )

    @field_validator("internal_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @model_validator(mode="after")
    def _everything_under_home(self) -> Self:
        home = self.home.absolute()
        defaults = {
            "home": home,
            "database_url": self.database_url or f"sqlite:///{home / 'millrace.db'}",
            "store_url": self.store_url or str(home / "store"),
            "evidence_key_file": home / "evidence-key.pem"
            if self.evidence_key_file == Path()
            else self.evidence_key_file.absolute(),
            "cache_dir": home / "cache" if self.cache_dir == Path() else self.cache_dir.absolute(),
            "model_store_url": self.model_store_url or str(home / "models"),
        }
        for name, value in defaults.items():
            object.__setattr__(self, name, value)
        return self

    @property
    def trusted(self) -> frozenset[str]:
        """Digests of packages whose code may run, whoever made them."""
        return frozenset(one.strip() for one in self.trusted_packages.split(",") if one.strip())

    @property
    def internal(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where the callers of internal endpoints are."""
        return _networks(self.internal_networks)

    @property
    def prices(self) -> Prices:
        """What work costs here."""
        return Prices(self.cpu_hour_price, self.gb_hour_price, self.currency)


def _networks(listed: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one.strip()) for one in listed.split(",") if one.strip())
