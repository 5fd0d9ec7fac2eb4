"""Encrypt the personal columns of CSV and Parquet files under your own keys."""
