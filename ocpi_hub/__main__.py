"""`python -m ocpi_hub` is `ocpi-hub`."""

from ocpi_hub.cli import main

main(prog_name="ocpi-hub")
