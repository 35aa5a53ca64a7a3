"""Rows of figures, saved as they come: JSON to compare, a markdown table to read."""

import json
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch


@dataclass
class Report:
    """What was measured, where, and by which command; `save` may be called after every row."""

    path: Path
    command: str
    device: str
    facts: dict[str, object] = field(default_factory=dict)
    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, part: str, what: str, value: float | str, unit: str = "") -> None:
        """One figure; it is printed and saved at once."""
        self.rows.append({"part": part, "what": what, "value": value, "unit": unit})
        print(f"{part:12} {what:58} {shown(value)} {unit}", flush=True)
        self.save()

    def save(self) -> None:
        """Writes PATH.json and PATH.md."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        about = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": self.command,
            "device": self.device,
            "machine": platform.machine(),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            **self.facts,
        }
        content = {**about, "rows": self.rows}
        self.path.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")
        lines = [f"`{self.command}`, {about['at']}, {self.device}, torch {about['torch']}", ""]
        lines += ["| part | what | value |", "|---|---|---|"]
        lines += [f"| {row['part']} | {row['what']} | {shown(row['value'])} {row['unit']} |" for row in self.rows]
        self.path.with_suffix(".md").write_text("\n".join(lines) + "\n")


def shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
