"""Reports of verifications: what was found, and how it is written for each reader."""
