"""Every setting of the service, read from the environment with the prefix FIRSTREPLY_."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.errors import SettingsNotUsable
from service.understand.build import DEFAULT_MODEL

MIB = 1024 * 1024


class Settings(BaseSettings):
    """All of it has a default that works on a laptop with no network; each field says why that one."""

    model_config = SettingsConfigDict(env_prefix="FIRSTREPLY_", frozen=True)

    data_dir: Path = Field(
        default=Path(".firstreply"),
        description="folder of all state: database, model builds, refitted heads; a fresh folder is a fresh installation",
    )
    models_dir: Path | None = Field(
        default=None, description="folder of model builds; default DATA_DIR/models; several installations may share one"
    )
    knowledge_dir: Path | None = Field(
        default=None, description="folder with a folder for each of your brands; the demo brand ships with the service"
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy async URL; default SQLite in DATA_DIR, one file and nothing to install"
    )
    demo: bool = Field(default=True, description="false starts without the demo brand")
    embedder: str = Field(default=DEFAULT_MODEL, description="name of a build under the models folder (models list)")
    runtime: Literal["openvino", "sentence-transformers"] = Field(
        default="openvino", description="openvino: 3 to 5 times faster on a CPU, no torch; sentence-transformers: for a GPU"
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=64,
        description="inference threads a process; scale by --workers: with 2, a busy neighbour stalls both",
    )
    host: str = Field(default="127.0.0.1", description="address to listen on; beyond loopback an API key is required")
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port to listen on")
    workers: int = Field(default=1, ge=1, le=64, description="processes; each holds the model (about 500 MB)")
    max_body_bytes: int = Field(
        default=MIB,
        ge=1024,
        description="largest request body in bytes; a message of 10,000 characters with a thread fits in 1 MiB",
    )
    max_import_bytes: int = Field(
        default=16 * MIB,
        ge=1024,
        description="largest body of an import over HTTP in bytes; 16 MiB are 30,000 orders, and it is held in memory whole",
    )
    follow_seconds: float = Field(
        default=0.5, gt=0, le=60, description="how often, in seconds, a process looks for knowledge that another one changed"
    )
    retrieval_limit: int = Field(default=4, ge=1, le=20, description="most passages in a context; agents rarely read more")

    @property
    def models(self) -> Path:
        """Folder of model builds."""
        return self.models_dir or self.data_dir / "models"

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'firstreply.db').resolve()}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_settings(**given: object) -> Settings:
    """Settings from the environment, overridden by `given`; raises SettingsNotUsable naming the variable."""
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "FIRSTREPLY_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsNotUsable(f"{name}: {first['msg']} (got {first['input']!r})") from None
