"""`python -m service` is the `firstreply` command."""

from service.cli import main

main()
