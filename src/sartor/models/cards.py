"""Model cards: what a downloaded adapter is, how it is loaded, and the schema that its prompts are merged with."""

from __future__ import annotations

import json

from sartor.models.base import ServedBase
from sartor.models.schemas import active_version
from sartor.models.tables import Model


def model_card(model: Model, base: ServedBase, *, score: float | None) -> str:
    """Markdown."""
    schema = json.dumps(model.visual_schema, ensure_ascii=False, indent=2)
    shown = {name: value for name, value in model.training_parameters.items() if value is not None}
    parameters = "\n".join(f"| {name} | {_cell(value)} |" for name, value in shown.items())
    how = "Imported: how it was trained is not known here."
    if parameters:
        how = f"| parameter | value |\n|---|---|\n{parameters}"
    if score is not None:
        how += (
            f"\n\nIts score is {score:.4f}: how far samples of things that no caption names are from the brand's "
            "pictures in look. Checkpoints are compared by it; lower is better."
        )
    digest = (
        f"\n- SHA-256 of the base's transformer, text encoder and tokenizer: `{model.base_sha256}`"
        if model.base_sha256
        else ""
    )
    return f"""# {_line(model.name)}

{model.description or "A tailored model."}

- Base model: {base.name}{digest}
- Version: {active_version(model)}
- SHA-256 of the adapter: `{model.adapter_sha256}`

## Use

The file is a LoRA in diffusers' format. With the base model's pipeline:

```python
pipe.load_lora_weights("pytorch_lora_weights.safetensors")
```

The model draws structured prompts (VGL, JSON). Merge every prompt with this visual schema first:

```json
{schema}
```

## Training

{how}
"""


def base_card(base: ServedBase) -> str:
    """Markdown about a base model that has no page on a hub."""
    config = base.blank.config.to_dict()
    rows = "\n".join(f"| {name} | {_cell(value)} |" for name, value in config.items())
    digest = f"\n\nSHA-256 of its transformer, text encoder and tokenizer: `{base.sha256}`" if base.sha256 else ""
    kind = (
        "The model that Sartor brings: FIBO's architecture, small enough to draw on a laptop's CPU."
        if base.embedded
        else "A checkpoint of FIBO's architecture in diffusers' folder format."
    )
    return f"""# {_line(base.name)}

{kind} It is trained at {base.training_area:,} pixels a picture.{digest}

## Transformer

| field | value |
|---|---|
{rows}
"""


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(value: object) -> str:
    return _line(str(value)).replace("|", "\\|")
