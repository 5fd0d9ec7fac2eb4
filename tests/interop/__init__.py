"""Programs of others, which piienc delivers to and exchanges OpenPGP messages with."""
