"""``python -m sartor.cli``, the same as ``sartor``."""

from sartor.cli import main

main()
