"""`python -m piienc`."""

from piienc.cli import main

main()
