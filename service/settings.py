"""Every setting of the service, read from the environment with the prefix FIRSTREPLY_."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.errors import SettingsNotUsable
from service.understand.build import DEFAULT_MODEL

MIB = 1024 * 1024


def _well_formed(url: str) -> bool:
    try:
        parsed = urlsplit(url)
        return bool(parsed.scheme in ("http", "https") and parsed.hostname and parsed.port != 0 and not parsed.username)
    except ValueError:  # a port that is no number
        return False


def _server(url: str) -> str:
    if not _well_formed(url):
        raise ValueError("write it as http://host:6333 or https://host:6333, the key in FIRSTREPLY_QDRANT_API_KEY")
    return url


def _model_server(url: str) -> str:
    if not _well_formed(url) or urlsplit(url).query or urlsplit(url).fragment:
        raise ValueError("write it as https://host/v1 or http://host:8080/v1, the key in FIRSTREPLY_LLM_API_KEY")
    return url


def _key(key: SecretStr) -> SecretStr:
    """Without the line break that a file of secrets ends with; what else can't be in a header is refused."""
    bare = key.get_secret_value().strip()
    if not bare or not all("!" <= letter <= "~" for letter in bare):
        raise ValueError("it is empty, or holds a space or a letter that no key has: copy it again")
    return SecretStr(bare)


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
    desk: bool = Field(default=True, description="false leaves out the agents' pages under /desk; the API stays as it is")
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
        default=None, description="http(s)://host:6333 of a Qdrant server or cluster; default none: an index in this process"
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
    llm_base_url: Annotated[str, AfterValidator(_model_server)] | None = Field(
        default=None,
        description="https://host/v1 of an OpenAI-compatible server that words drafts; default none: the composer writes alone",
    )
    llm_model: str | None = Field(
        default=None, min_length=1, description="the model's name there; on Azure the name of its deployment"
    )
    llm_api_key: Annotated[SecretStr, AfterValidator(_key)] | None = Field(
        default=None, description="API key of the model's server; servers of your own often need none"
    )
    llm_api_version: str | None = Field(
        default=None,
        min_length=1,
        description="only for Azure OpenAI, such as 2024-10-21: the base URL is then https://NAME.openai.azure.com",
    )
    llm_deadline_seconds: float = Field(
        default=8.0, gt=0, le=600, description="longest wait for a draft by the model; the composer's draft is answered then"
    )
    llm_concurrency: int = Field(
        default=32, ge=1, le=1024, description="most calls at once of a process; one more waits a quarter of its deadline"
    )
    llm_output: Literal["auto", "json_schema", "json_object", "text"] = Field(
        default="auto",
        description="how the server is told the schema of an answer; auto begins with json_schema and remembers what works",
    )
    llm_daily_tokens: int | None = Field(
        default=None, ge=1, description="most tokens a brand may use in a day (UTC), read and written together; default any"
    )
    llm_daily_cost: float | None = Field(
        default=None, gt=0, description="most a brand may spend in a day (UTC), in the currency of the two prices; default any"
    )
    llm_price_in: float | None = Field(default=None, ge=0, description="price of a million tokens read, for LLM_DAILY_COST")
    llm_price_out: float | None = Field(default=None, ge=0, description="price of a million tokens written, for LLM_DAILY_COST")
    llm_audio_model: str | None = Field(
        default=None, min_length=1, description="model on the same server that transcribes voice notes; default none: we ask"
    )
    llm_vision: bool = Field(default=False, description="true where the model sees images, which are shown to it then")
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
    rate_limit_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="most requests of an API key in any minute, counted by each process; default any; a key may have its own",
    )
    follow_seconds: float = Field(
        default=0.5, gt=0, le=60, description="how often, in seconds, a process looks for knowledge that another one changed"
    )
    media_hosts: tuple[str, ...] = Field(
        default=(),
        description="JSON list of hosts in your own network that voice notes may be fetched from, by http as well, such as "
        '["media.lan"]; '
        "others are fetched from public addresses and by https only, since anybody can write an address",
    )
    webhook_hosts: tuple[str, ...] = Field(
        default=(),
        description="JSON list of hosts in your own network that webhooks of finished triages may be sent to, by http as well, "
        'such as ["crm.lan"]; others are sent to public addresses and by https only',
    )
    worker: bool = Field(
        default=True,
        description="false leaves accepted messages to `firstreply worker` processes; a server then only accepts and answers",
    )
    worker_concurrency: int = Field(
        default=8,
        ge=1,
        le=256,
        description="accepted messages a process has under way at once; more only helps where a model words the drafts, "
        "and holds up those who wait for a triage",
    )
    worker_silent_seconds: float = Field(
        default=60.0,
        ge=1,
        le=3_600,
        description="how long a process says nothing before others take over its work; shorter than a pause of its machine, "
        "and messages are triaged twice, though recorded once",
    )
    debounce: bool = Field(
        default=True,
        description="false triages each accepted message at once, without waiting for more of its conversation; for senders that "
        "hand over whole conversations or past ones",
    )
    max_concurrent: int = Field(
        default=128,
        ge=1,
        le=10_000,
        description="most messages a process triages at once, streams too; one more is refused at once with 503 and Retry-After, "
        "since all of them share one core for what is computed",
    )
    drain_seconds: float = Field(
        default=3.0,
        ge=0,
        le=300,
        description="how long a process goes on after SIGTERM with /readyz failing and connections closed one by one, before it "
        "stops listening: longer than a load balancer takes to notice",
    )
    retrieval_limit: int = Field(default=4, ge=1, le=20, description="most passages in a context; agents rarely read more")

    @model_validator(mode="after")
    def _whole_llm(self) -> Settings:
        """What belongs together of the model's settings."""
        if (self.llm_base_url is None) != (self.llm_model is None):
            given, missing = "LLM_BASE_URL", "LLM_MODEL"
            if self.llm_base_url is None:
                given, missing = missing, given
            raise ValueError(
                f"FIRSTREPLY_{given} is set without FIRSTREPLY_{missing}: set both, or neither to do without a model"
            )
        if self.llm_audio_model is not None and self.llm_base_url is None:
            raise ValueError("FIRSTREPLY_LLM_AUDIO_MODEL needs FIRSTREPLY_LLM_BASE_URL and FIRSTREPLY_LLM_MODEL")
        if self.llm_daily_cost is not None and not (self.llm_price_in or self.llm_price_out):
            raise ValueError("FIRSTREPLY_LLM_DAILY_COST needs FIRSTREPLY_LLM_PRICE_IN and FIRSTREPLY_LLM_PRICE_OUT")
        return self

    @property
    def llm_key_in_the_open(self) -> bool:
        """Whether the key of the model's server, and every prompt, would cross a network unencrypted."""
        url = urlsplit(self.llm_base_url or "")
        return self.llm_api_key is not None and url.scheme == "http" and not _is_loopback(url.hostname or "")

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
        return _is_loopback(self.host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(**given: object) -> Settings:
    """Settings from the environment, overridden by `given`; raises SettingsNotUsable naming the variable."""
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        advice = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # several settings together; the input would be all of them, keys too
            raise SettingsNotUsable(advice) from None
        name = "FIRSTREPLY_" + "_".join(str(part) for part in first["loc"]).upper()
        secret = "KEY" in name or set("@?") & set(str(first["input"]))  # a key, or a URL that may hold one
        got = "" if secret else f" (got {first['input']!r})"
        raise SettingsNotUsable(f"{name}: {advice}{got}") from None
