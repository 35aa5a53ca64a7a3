"""Sartor: tailored image generation with structured prompts and exact replay."""

import os

# Before PyTorch is loaded: threads that wait for each other sleep. The usual ones spin, and where another process is
# busy on one of the cores they spin away the time that it would take to finish (docs/operations.md).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
