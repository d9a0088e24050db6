"""The README that travels in a bundle."""

from __future__ import annotations

from typing import Any

TEMPLATE = """# {name}

An image classifier made by Netwright. {what}: {labels}.

{figures}

## Use it

    pip install onnxruntime=={onnxruntime} numpy=={numpy} pillow=={pillow}
    python infer.py sample.jpg
    python infer.py --help

`infer.py` takes files and folders and prints one JSON object a line. {answers}`sample.jpg` should come out as
in `model.json` under `sample`.

## Files

| file | what it is |
| --- | --- |
| `model.onnx` | the network, ONNX opset {opset}; any onnxruntime from 1.18 on runs it |
| `labels.json` | the labels, in the order of the outputs |
| `model.json` | every figure: test, validation, architecture, split sizes, versions |
| `infer.py` | decodes pictures and runs the network; needs onnxruntime, numpy and Pillow |
| `sample.jpg` | a picture to try |

## From your own code

The input `pixels` is uint8, N x height x width x 3, RGB, any size: resizing, scaling and {squash} are inside
the graph. The output `probabilities` is float32, N x {count}. {output}What is
left to you is decoding: turn the picture upright by its EXIF orientation, and put transparent pictures on
white.

```python
import numpy as np, onnxruntime
from PIL import Image, ImageOps
session = onnxruntime.InferenceSession("model.onnx")
picture = ImageOps.exif_transpose(Image.open("sample.jpg")).convert("RGB")
print(session.run(None, {{"pixels": np.asarray(picture)[None]}}))
```

At export this file was compared with the network it was made from, on {parity_n} real pictures: the largest
difference of a probability was {parity:.1e}.
"""


def bundle_readme(card: dict[str, Any]) -> str:
    """The text for a bundle's ``model.json``."""
    test, several = card["test"], "thresholds" in card
    if test:
        low, high = test["interval"]
        what = f"{test['decisions']} labels of " if several else ""
        figures = (
            f"On {what}{test['n']} pictures that it had never seen it was right on {test['accuracy']:.1%} "
            f"(95 % interval {low:.1%} to {high:.1%}).{_several_figures(test)}{_opened_again(test['opened'])}"
        )
    else:
        validation = card["validation"]
        crossed = validation.get("folds", 1) > 1
        what = "pictures, each before it had learned from it" if crossed else "validation pictures"
        figures = (
            f"This is the best so far of a search that was still going on: right on "
            f"{validation['accuracy']:.1%} of {'the labels of ' if several else ''}{validation['n']} {what}. "
            f"The sealed test pictures were not looked at yet."
        )
    labels = ", ".join(card["labels"][:20]) + (", ..." if len(card["labels"]) > 20 else "")
    return TEMPLATE.format(
        name=card["name"],
        count=len(card["labels"]),
        labels=labels,
        **_words(len(card["labels"]), several=several),
        figures=figures,
        opset=card["versions"]["onnx_opset"],
        parity=card["parity"]["max_abs_diff"],
        parity_n=card["parity"]["n"],
        **{name: card["versions"][name] for name in ("onnxruntime", "numpy", "pillow")},
    )


def _words(count: int, *, several: bool) -> dict[str, str]:
    """What differs where pictures may have several labels."""
    if not several:
        return {"what": f"It tells {count} labels apart", "answers": "", "squash": "softmax", "output": ""}
    return {
        "what": f"It says of {count} labels which are on a picture",
        "answers": (
            "Every label has a probability of its own, and\n`chosen` says whether the picture has it: "
            "whether that is at least the label's threshold, which `model.json`\ngives under `thresholds`. "
        ),
        "squash": "sigmoid",
        "output": "They do not sum to 1:\na picture may have several labels, or none. ",
    }


def _several_figures(test: dict[str, Any]) -> str:
    """More on a test where pictures may have several labels."""
    if "subset_accuracy" not in test:
        return ""
    precision = test["mean_average_precision"]
    said = "" if precision is None else f" Mean average precision: {precision:.3f}."
    return f" On {test['subset_accuracy']:.1%} of the pictures every label was right.{said}"


def _opened_again(times: int) -> str:
    """What a reader must know when the search was continued after its first test."""
    if times < 2:
        return ""
    return (
        f" The search was continued after a test: these test pictures have been opened {times} times, and "
        "after the first time their figures are a little less trustworthy."
    )
