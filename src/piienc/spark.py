"""DataFrames of Spark, encrypted and decrypted by its workers: `import piienc.spark`.

See `docs/spark.md`. Needs the extra: `pip install 'piienc[spark]'`.
"""

from piienc.api.spark import actions, decrypt, encrypt

__all__ = ["actions", "decrypt", "encrypt"]
