"""Every setting of the service, read from the environment with the prefix FIRSTREPLY_."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.errors import SettingsNotUsable
from service.understand.build import DEFAULT_MODEL

MIB = 1024 * 1024


def _server(url: str) -> str:
    try:
        parsed = urlsplit(url)
        well = parsed.scheme in ("http", "https") and parsed.hostname and parsed.port != 0 and not parsed.username
    except ValueError:  # a port that is no number
        well = False
    if not well:
        raise ValueError("write it as http://host:6333 or https://host:6333, the key in FIRSTREPLY_QDRANT_API_KEY")
    return url


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
    heads: Path | None = Field(
        default=None,
        description="heads file to use; default the refitted ones in DATA_DIR, else the shipped ones; to try a candidate",
    )
    runtime: Literal["openvino", "sentence-transformers"] = Field(
        default="openvino", description="openvino: 3 to 5 times faster on a CPU, no torch; sentence-transformers: for a GPU"
    )
    reranker: str | None = Field(
        default=None,
        description="name or folder of a sentence-transformers CrossEncoder that reads the ten best passages of a search anew; "
        "default none: it takes 0.1 s (two layers) to 1.2 s (six) of a core a question, and the extra `models`",
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=64,
        description="inference threads a process; scale by --workers: with 2, a busy neighbour stalls both; "
        "an import takes all cores unless this is set",
    )
    qdrant_url: Annotated[str, AfterValidator(_server)] | None = Field(
        default=None, description="http(s)://host:6333 of a Qdrant server or cluster; default none: its engine in this process"
    )
    qdrant_api_key: SecretStr | None = Field(default=None, description="API key of the Qdrant server; it needs to write, too")
    qdrant_grpc: bool = Field(
        default=True,
        description="false speaks REST, for where only that port can be reached; gRPC sends vectors as bytes, not as text",
    )
    qdrant_grpc_port: int = Field(default=6334, ge=1, le=65535, description="the server's gRPC port; 6334 is Qdrant's default")
    qdrant_timeout_seconds: float = Field(
        default=1.0, gt=0, le=60, description="how long a triage waits for a search, then it goes on without passages"
    )
    qdrant_collection: str = Field(
        default="firstreply",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$",
        description="how names of collections begin; another one for each installation that shares a server",
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
        raise SettingsNotUsable(f"{name}: {first['msg'].removeprefix('Value error, ')} (got {first['input']!r})") from None
