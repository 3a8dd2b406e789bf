"""The composition root: the one place where the shop's ports meet what fills them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Callable

from sqlalchemy.engine import Engine

from mostrador.settings import Settings, settings
from mostrador.shop.clock import Clock, clock_from
from mostrador.shop.inventory import InventoryService
from mostrador.shop.unit_of_work import UnitOfWork
from mostrador.storage.engine import connect
from mostrador.storage.stock import OwnTablesInventory
from mostrador.storage.unit_of_work import SqlUnitOfWork


@dataclass(frozen=True)
class Services:
    """What an adapter needs to call a use case."""

    settings: Settings
    clock: Clock
    engine: Engine
    uow: Callable[[], UnitOfWork]
    inventory: InventoryService


def build(config: Settings, pool_size: int = 5) -> Services:
    """Wire everything for ``config``; opens no connection yet."""
    engine = connect(database_url(config), pool_size)
    clock = clock_from(config.clock)
    return Services(
        config, clock, engine, lambda: SqlUnitOfWork(engine, own_stock=not config.inventory_url), _inventory(config)
    )


def database_url(config: Settings) -> str:
    """The database that ``config`` names, or the embedded one below its var directory."""
    if config.database_url:
        return config.database_url
    from mostrador.operations.embedded_postgres import EmbeddedPostgres, default_home  # not for a database of one's own

    return EmbeddedPostgres(default_home(config.var_dir)).url()


def _inventory(config: Settings) -> InventoryService:
    if not config.inventory_url:
        return OwnTablesInventory()
    from mostrador.gateways.inventory_rest import RestInventory

    return RestInventory(config.inventory_url, config.inventory_secret.get_secret_value())


@lru_cache(maxsize=1)
def services() -> Services:
    """The services of this process, made once."""
    return build(settings())
