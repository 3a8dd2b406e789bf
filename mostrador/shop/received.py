"""What one webhook brought, in no provider's dialect."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import List, Sequence

from mostrador.shop.messages import DeliveryReport, IdentityChange, InboundMessage, Sender


@dataclass(frozen=True)
class MarketingPreference:
    """A person told the provider to stop or resume marketing messages from us."""

    business_number: str
    sender: Sender
    granted: bool
    at: datetime


@dataclass
class Batch:
    """Everything one webhook brought. ``problems`` are sentences for the log, without personal data."""

    messages: List[InboundMessage] = field(default_factory=list)
    reports: List[DeliveryReport] = field(default_factory=list)
    identity_changes: List[IdentityChange] = field(default_factory=list)
    preferences: List[MarketingPreference] = field(default_factory=list)
    problems: List[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.messages) + len(self.reports) + len(self.identity_changes) + len(self.preferences)

    @property
    def about_people(self) -> bool:
        """Whether it changes who somebody is or what they allow; the order among such batches matters."""
        return bool(self.identity_changes or self.preferences)

    @classmethod
    def together(cls, batches: "Sequence[Batch]") -> "Batch":
        """All items of ``batches``, in their order; the problems are not repeated."""
        return cls(
            messages=[message for batch in batches for message in batch.messages],
            reports=[report for batch in batches for report in batch.reports],
            identity_changes=[change for batch in batches for change in batch.identity_changes],
            preferences=[preference for batch in batches for preference in batch.preferences],
        )

    def singly(self) -> "List[Batch]":
        """The same items, each in a batch of its own; the problems are not repeated."""
        return [
            *(Batch(identity_changes=[change]) for change in self.identity_changes),
            *(Batch(preferences=[preference]) for preference in self.preferences),
            *(Batch(reports=[report]) for report in self.reports),
            *(Batch(messages=[message]) for message in self.messages),
        ]
