"""The command line's words: names, options, help. What commands do stands in `commands/`.

One file for each group of commands; `root` is the program itself and joins them.
"""

from ocpi_hub.cli.root import main

__all__ = ["main"]
