"""What sells, how long the stock lasts, and what its absence costs."""

from __future__ import annotations

from typing import Optional

WINDOW_DAYS = 28  # sales this old still say something about demand
HORIZON_DAYS = 7  # the loss is stated for the coming week


def daily_demand(sold: int, days_in_stock: int) -> float:
    """Pieces wanted a day. Days without stock are not counted: nothing could be sold on them, whatever was wanted."""
    return sold / days_in_stock if days_in_stock > 0 else 0.0


def days_on_hand(stock: int, demand: float) -> Optional[int]:
    """Whole days the stock lasts; None when nothing is asked for."""
    return int(stock / demand) if demand > 0 else None


def estimated_order_loss(demand: float, horizon_days: int = HORIZON_DAYS) -> int:
    """Orders that will not be taken during the horizon while nothing is in stock."""
    return round(demand * horizon_days)
