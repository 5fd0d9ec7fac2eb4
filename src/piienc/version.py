"""The version of piienc, which the package's own metadata is made of."""

__version__ = "0.1.0"
