"""The loader of packs: read, check, plan, install, sample data, checks. The packs themselves are the top-level folder `packs/`."""
