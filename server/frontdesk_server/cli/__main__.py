"""`python -m frontdesk_server.cli`: the `frontdesk` command."""

from frontdesk_server.cli import main

main()
