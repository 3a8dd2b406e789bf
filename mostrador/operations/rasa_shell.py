"""``rasa shell`` that ends at the end of its input (Rasa's own then hangs) and can be fed from a pipe.

``python -m mostrador.operations.rasa_shell --model … --conversation-id …`` takes the options of ``rasa shell``.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Dict, Optional

from rasa.__main__ import main
from rasa.core.channels import console

_ask = console._get_user_input


async def _read(previous: Optional[Dict[str, Any]]) -> Optional[str]:
    """What the person types after seeing ``previous``; None at the end."""
    if sys.stdin.isatty():
        try:
            return await _ask(previous)
        except EOFError:
            return None
    if previous is not None:
        console._print_bot_output(previous)
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print(f"Your input -> {line.strip()}", flush=True)
    return line.strip() if line else None


if __name__ == "__main__":
    console._get_user_input = _read
    sys.argv[1:1] = ["shell"]
    main()
