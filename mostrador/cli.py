"""The ``mostrador`` command. A subcommand's module is imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import Any, List, Mapping, Optional, Tuple

import click

COMMANDS: Mapping[str, Tuple[str, str]] = {
    "up": ("mostrador.operations.processes:up", "Bring everything up: database, model, all processes."),
    "down": ("mostrador.operations.processes:down", "Stop all processes, the embedded database last."),
    "status": ("mostrador.operations.processes:status", "Show each process; exit 1 unless all of them work."),
    "doctor": ("mostrador.operations.doctor:doctor", "What is configured, what is missing, is it reachable."),
    "train": ("mostrador.operations.training:train", "Train the model if anything it depends on changed."),
    "model": ("mostrador.operations.model_command:model", "Which model serves: list, promote, rollback."),
    "review": ("mostrador.operations.review_command:review", "Label what was not understood for certain."),
    "backup": ("mostrador.operations.backup:backup", "Write the whole database into one file."),
    "restore": ("mostrador.operations.backup:restore", "Replace the database by what a backup holds."),
    "shell": ("mostrador.operations.shell:shell", "Chat in this terminal as a demo contact."),
    "demo": ("mostrador.operations.demo:command", "Load the demo's marketplace."),
    "feed": ("mostrador.operations.feed_command:feed", "Load the recommendation feed."),
    "report": ("mostrador.operations.report_command:report", "Figures: why recommendations are rejected."),
    "handover": ("mostrador.operations.handover_command:handover", "Conversations that a human owns or waits for."),
    "explain": ("mostrador.operations.explain_command:explain", "Why did it say that: everything about one turn."),
    "export": ("mostrador.operations.export_command:export", "Write a recorded talk as a conversation to play."),
    "evaluate": (
        "mostrador.operations.evaluate_command:evaluate",
        "How well people are understood, on your files.",
    ),
    "converse": ("mostrador.operations.converse:command", "Play YAML conversations through the whole stack."),
}
"""Name → (module:command, the line that --help shows without importing it)."""
OWN_ENVIRONMENT = {
    "up",
    "down",
    "status",
    "doctor",
    "shell",
    "backup",
    "restore",
}  # these decide themselves which installation they see


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own."""

    def list_commands(self, context: click.Context) -> List[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> Optional[click.Command]:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        if name not in OWN_ENVIRONMENT:
            from mostrador.operations.installation import Installation

            Installation()  # so that the command sees what the running processes see
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(context)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def mostrador() -> None:
    """Mostrador, the shop counter on WhatsApp."""


def main(arguments: Optional[List[str]] = None) -> Any:
    """Run the command line; what is wrong with the settings is said in a sentence."""
    try:
        return mostrador.main(arguments, prog_name="mostrador")
    except Exception as why:
        from mostrador.settings import SettingsError  # not before: it costs half of what --help may take

        if not isinstance(why, SettingsError):
            raise
        click.echo(f"Error: {why}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
