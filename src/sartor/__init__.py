"""Sartor: tailored image generation with structured prompts and exact replay."""

import os

# Before PyTorch is loaded: threads that wait for each other look a moment, then sleep. The usual ones go on looking,
# and where another process is busy on one of the cores they take the time that it would need (docs/operations.md).
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
