"""Settings from the environment, read once at start and frozen."""

import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, FilePath, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting is an environment variable `CRM_GRAPH_<NAME>`; `Settings()` reads them."""

    model_config = SettingsConfigDict(env_prefix="CRM_GRAPH_", frozen=True, env_ignore_empty=True, extra="forbid")

    database_url: str | None = Field(
        default=None, description="PostgreSQL ≥ 16 to use, `postgresql://…`; without it an embedded server is started."
    )
    migration_url: str | None = Field(
        default=None,
        description="Login that `crm-graph migrate` uses, which owns the tables; without it the one of database_url.",
    )
    read_isolation: Literal["off", "on"] = Field(
        default="off",
        description="Row-level security for compiled reads too: a second wall, at the price of some indexes.",
    )
    data_dir: Path = Field(default=Path(".crm-graph"), description="Where the embedded server and the secrets live.")
    host: str = Field(default="127.0.0.1", description="Address the HTTP server listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the HTTP server listens on; 0 takes a free one.")
    secret: SecretStr | None = Field(
        default=None,
        description="Signs cursors and sessions, ≥ 32 characters; without it one is kept in data_dir.",
    )
    sealing_keys: SecretStr | None = Field(
        default=None,
        description="Seal secrets in the database that are read again, ≥ 32 characters each, separated by commas: the"
        " first seals, all open; without it one is kept in data_dir.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#]+$",
        description="Where people reach the pages of an organisation, for links in mail: `https://{host}`, where"
        " `{host}` stands for its first host name.",
    )
    provider_ca_file: FilePath | None = Field(
        default=None,
        description="PEM file with certificates of authorities that OpenID providers may have theirs from, besides"
        " those that everybody trusts: a company's own.",
    )
    private_providers: bool = Field(
        default=False,
        description="OpenID providers of organisations may have private addresses, and on this machine plain http.",
    )
    fonts: Path | None = Field(
        default=None,
        description="A folder of fonts for papers (PDF) in scripts that ours lack: Chinese, Japanese, Korean, Thai.",
    )
    demo: bool = Field(default=False, description="Serve the demo organisation: shows personas in the explorer.")
    demo_rate_limit: int | None = Field(
        default=None,
        ge=0,
        description="With the demo: attempts a minute of one address to sign in, and to prove who an app is; 0: any"
        " number, for load tests.",
    )
    pool_size: int = Field(default=8, ge=1, le=100, description="Database connections per lane and for writes.")
    max_body_bytes: int = Field(default=1_000_000, ge=1_000, description="Largest request body, in bytes.")
    max_file_bytes: int = Field(
        default=10_000_000, ge=1_000, le=100_000_000, description="Largest file that is attached to a record, in bytes."
    )
    max_tokens: int = Field(default=10_000, ge=100, description="Most tokens in a GraphQL document.")
    max_depth: int = Field(default=12, ge=1, description="Deepest nesting of a selection.")
    max_aliases: int = Field(default=50, ge=0, description="Most aliases in an operation.")
    max_root_fields: int = Field(default=20, ge=1, description="Most root fields in an operation.")
    max_fields: int = Field(default=2_000, ge=10, description="Most fields in an operation, fragments expanded.")
    max_nodes: int = Field(
        default=200_000, ge=200, description="Most records an operation may answer: nested page sizes multiplied."
    )
    session_hours: int = Field(default=12, ge=1, description="How long a sign-in lasts, in hours.")
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server that the worker hands mail to: `smtp://user:password@host:587` (STARTTLS), `smtps://…`,"
        " `smtp+plain://…`; without it mail waits.",
    )
    mail_from: str = Field(default="crm-graph@localhost", description="Sender of the mail that is sent.")
    max_mail_bytes: int = Field(
        default=25_000_000, ge=10_000, description="Largest mail that is taken in, with its files, in bytes."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least level logged.")

    def secret_bytes(self) -> bytes:
        """The signing secret: `secret`, else the one kept in `<data_dir>/secret`, made on first use.

        Raises ValueError when the secret is too short to sign anything with.
        """
        if self.secret is not None:
            value = self.secret.get_secret_value().encode()
        else:
            value = _kept_secret(self.data_dir / "secret")
        if len(value) < 32:
            raise ValueError("the secret is shorter than 32 characters: set CRM_GRAPH_SECRET to a longer random text")
        return value

    def pages(self) -> str:
        """Where links in mail lead, with `{host}` for an organisation's first host name."""
        here = f"http://{{host}}:{self.port}" if self.demo else "https://{host}"
        return self.public_url or here

    def sealing_key_texts(self) -> tuple[bytes, ...]:
        """What `auth/sealing.py` makes its keys of: `sealing_keys`, else the one in `<data_dir>/sealing-key`, made on
        first use.

        Raises ValueError when one of them is too short.
        """
        if self.sealing_keys is not None:
            given = tuple(text.strip().encode() for text in self.sealing_keys.get_secret_value().split(","))
        else:
            given = (_kept_secret(self.data_dir / "sealing-key"),)
        if any(len(key) < 32 for key in given):
            raise ValueError("a sealing key is shorter than 32 characters: set CRM_GRAPH_SEALING_KEYS to longer ones")
        return given


def _kept_secret(path: Path) -> bytes:
    """Read the secret, or make it so that of several processes starting at once all read the same one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes().strip()
