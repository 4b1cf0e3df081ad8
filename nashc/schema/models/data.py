"""Data sets, of a search as of training."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from nashc.schema.fields import refuse
from nashc.schema.models.settings import Settings
from nashc.schema.values import Call, Word, describe


class Data(Settings):
    """A data set: `digits`, `cifar10("folder or tar")` or `folder("class folders or a tar")`."""

    kind: Literal["digits", "cifar10", "folder"]
    path: str | None = Field(None, description="under NASHC_DATA, else beside the spec")
    flip: bool = Field(False, description="mirror training images at random")
    crop: int = Field(
        0, ge=0, description="pixels of padding for a random crop in training; not of a `folder`"
    )


DATA_SETS = {"digits": ((1, 8, 8), 10), "cifar10": ((3, 32, 32), 10)}
"""Image (channels, height, width) and classes of the data sets that have one size."""


def _data(value: Any) -> Any:
    example = 'digits, cifar10("path") or folder("path")'
    if isinstance(value, Word) and value == "digits":
        return {"kind": "digits"}
    name = value if isinstance(value, Word) else getattr(value, "name", None)
    if not isinstance(value, Word | Call):
        refuse("NASH104", f"a data set is needed, and this is {describe(value)}", example)
    if name not in ("digits", "cifar10", "folder"):
        refuse("NASH107", f"`{name}` is no kind of data set", f"legal are {example}")
    named = dict(value.named) if isinstance(value, Call) else {}
    paths = [*(value.args if isinstance(value, Call) else ())]
    paths += [named.pop("path")] if "path" in named else []
    is_path = [isinstance(path, str) and not isinstance(path, Word) for path in paths]
    if name == "digits" and paths:
        refuse("NASH110", "`digits` comes with scikit-learn and has no path", "digits")
    if name != "digits" and is_path != [True]:
        refuse("NASH110", f"`{name}` needs the path of its files in quotes", f'{name}("path")')
    if name == "folder" and "crop" in named:
        text = "a `folder` has no `crop`: training cuts a random part of each picture anyway"
        refuse("NASH110", text, "leave `crop` out")
    if "kind" in named:
        refuse("NASH110", "there is no `kind` in these arguments", "known are: path, flip, crop")
    return {"kind": str(name), "path": paths[0] if paths else None, **named}


DataSet = Annotated[Data, BeforeValidator(_data)]
