"""The `target` section: for which board, how fast, with which folding."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, ValidationInfo, field_validator

from nashc.schema.fields import INTERNAL, Clock, call, refuse
from nashc.schema.models.settings import Settings
from nashc.schema.values import Call, Quantity, Word, describe
from nashc.vocab.boards import Board, find_board, other_boards


def known_board(value: Any) -> Any:
    """The board of this name, or one that was read from a file already. Errors: NASH104, NASH115."""
    if isinstance(value, Board):
        return value
    if not isinstance(value, str):
        refuse("NASH104", f"a board is needed, and this is {describe(value)}", "board = U250")
    board = find_board(value)
    if board is None:
        refuse("NASH115", f"there is no board `{value}`", other_boards(value))
    return board


def _most(value: Any) -> Any:
    """A count, or a part of the board as the command line writes it: `80%`."""
    example = "optimal(lut = 200k, bram18 = 80 %)"
    is_share = isinstance(value, Quantity) and value.unit == "%"
    amount = value.value if is_share else value
    if isinstance(amount, bool) or not isinstance(amount, int | float if is_share else int):
        text = f"a count or a part of the board is needed, and this is {describe(value)}"
        refuse("NASH104", text, example)
    if amount < 0 or (is_share and amount > 100):
        refuse("NASH105", "a budget is a count, or 0 % to 100 % of the board", example)
    return f"{amount}%" if is_share else amount


Limit = Annotated[int | str | None, BeforeValidator(_most)]


class FoldingFrom(Settings):
    """Where the folding comes from: the solver within a budget, or a file."""

    kind: Literal["optimal", "file"] = Field(json_schema_extra=INTERNAL)
    content: dict[str, dict[str, Any]] | None = Field(
        None, description="of the file: attributes by layer", json_schema_extra=INTERNAL
    )
    lut: Limit = Field(None, description="most LUTs; per cent are of the board")
    bram18: Limit = Field(None, description="most blocks of 18 kbit")
    uram: Limit = Field(None, description="most URAM blocks")
    dsp: Limit = Field(None, description="most DSP slices")

    @property
    def budget(self) -> str | None:
        """As the command line writes it."""
        named = self.model_dump(include={"lut", "bram18", "uram", "dsp"}, exclude_none=True)
        return ",".join(f"{name}={limit}" for name, limit in named.items()) or None


def _folding(value: Any) -> Any:
    example = 'optimal, optimal(lut = 200k, bram18 = 80 %) or a file: "folding.json"'
    if isinstance(value, dict):  # the file was read where it was named
        return {"kind": "file", "content": value}
    name = value if isinstance(value, Word) else getattr(value, "name", None)
    if name != "optimal":
        code = "NASH107" if isinstance(value, Word | Call) else "NASH104"
        refuse(code, f"{describe(value)} is no folding", f"legal are {example}")
    arguments = call(value) if isinstance(value, Call) else {}
    for word in ("kind", "content"):
        if word in arguments:
            refuse("NASH110", f"there is no `{word}` in these arguments", f"for example {example}")
    return {"kind": "optimal", **{k: v for k, v in arguments.items() if k != "name"}}


class Target(Settings):
    """The hardware: nothing here changes the trained network."""

    board: Annotated[Board, BeforeValidator(known_board)] = Field(
        description="a name of `nashc boards`, or the path of a board file in quotes"
    )
    clock: Clock = Field(5.0, validate_default=True, description="frequency or period")
    fps: PositiveInt | None = Field(None, description="frames a second that the folding aims at")
    mvau_wwidth_max: PositiveInt = Field(
        10000, description="widest weight stream of a matrix unit in bits, FINN's folding limit"
    )
    folding: Annotated[FoldingFrom | None, BeforeValidator(_folding)] = Field(
        None,
        description="FINN's own when left out; `optimal`: the best there is; or a folding file",
    )

    @field_validator("clock")
    @classmethod
    def _in_range(cls, period_ns: float, info: ValidationInfo) -> float:
        """The clock that the board's shell can give."""
        board: Board | None = info.data.get("board")
        wrong = board.wrong_clock(period_ns) if board else None
        if wrong:
            refuse("NASH105", *wrong)
        return period_ns
