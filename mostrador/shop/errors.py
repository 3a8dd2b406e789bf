"""Business facts that end a use case, as small classes.

ShopError
├── NotYours            the thing belongs to somebody else
├── Gone                the thing is no longer there (withdrawn, unknown id)
├── NothingToUndo       no change of this person is left that could be taken back
├── UndoTooLate         the last change is older than the time allowed
├── ImplausibleQuantity the number cannot be a stock
├── UnusableName        nobody can be addressed by what was written
├── NotASeller          the contact sells nothing here
└── InventoryUnavailable the inventory service did not answer; nothing was changed
"""


class ShopError(Exception):
    """A use case ended because of a fact of the business; its class says which."""


class NotYours(ShopError):
    pass


class Gone(ShopError):
    pass


class NothingToUndo(ShopError):
    pass


class UndoTooLate(ShopError):
    pass


class ImplausibleQuantity(ShopError):
    pass


class UnusableName(ShopError):
    pass


class NotASeller(ShopError):
    pass


class InventoryUnavailable(ShopError):
    pass
