"""Search the cells of the network (NASH, Algorithm 1), bit widths or numbers of channels, and derive one architecture.

Each step updates the architecture on a random validation batch with the weights frozen, then the weights on a training batch
with the architecture frozen; one op runs on each edge, in one of the widths of its place. Training and validation are halves
of the training images. A hardware budget plays no part here: derive.py finds the network within it from what this program ends
with.
Writes genotype.json, found.nash (to paste into the spec), search.jsonl and, with matplotlib, pictures of the probabilities
and of the search's stability. A checkpoint is saved at intervals and on Ctrl-C; --resume goes on from it and finds what a
search that was not interrupted finds. With --seeds N, N searches run one after the other, each in a folder of its own; the
one with the best validation accuracy is kept, and the result and seeds.png say how far they agree.
"""

from __future__ import annotations

if __name__ == "__main__":
    from support.beginning import end_at_once

    end_at_once()

    from support.heap import large_blocks_apart, without_caches

    without_caches()
    large_blocks_apart()

    from support.deferred_imports import import_brevitas

    import_brevitas()

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from supernet import NAME, SuperNetwork
from torch import Tensor

from support.data.batches import Batch, search_batches, steps_per_epoch
from support.data.datasets import data_settings, halves, open_dataset
from support.derivation.cells import derive
from support.derivation.findings import SCORES, Found, best_of, seeds_words, spread, warnings
from support.derivation.found import provenance_of, write_found
from support.derivation.places import BITS, CHANNELS, Place, counted, most_probable
from support.files import read_settings, write_text
from support.heap import large_blocks_inside
from support.progress import Diverged, Progress, StageError
from support.search.bits import bit_choices
from support.search.channels import channel_choices
from support.search.history import entry_of, epoch_words
from support.search.pictures import can_draw, draw_search
from support.search.place_pictures import draw_places
from support.search.priced import priced
from support.search.space import edge_ops, edges
from support.search.stability import draw_seeds, draw_stability
from support.search.updates import Updates
from support.stage import main
from support.training import checkpoint
from support.training.arguments import add_loop_arguments, at_least_1
from support.training.batch_norm import synchronise
from support.training.belonging import Option, with_options
from support.training.classification import Score, prepare, to_device
from support.training.distributed import computed_on, joined, rank, share
from support.training.loop import Loop
from support.training.optimisation import learning_rate

HERE = Path(__file__).resolve().parent
OPTIONS = (
    Option("--lr", "weights.optimiser.lr", "the learning rate of the weights at its highest"),
    Option("--alpha-lr", "alphas.lr", "that of the architecture"),
    Option("--clip", "clip", "the largest norm of all gradients of the weights in a step"),
)
COSTS = HERE / "settings" / "search_costs.json"  # if the spec gives the search a cost


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings = read_settings(HERE, "search")
    add_loop_arguments(parser, settings, HERE / "results" / "search", OPTIONS)
    parser.add_argument(
        "--seeds",
        type=at_least_1,
        default=settings["seeds"],
        metavar="N",
        help=f"searches from N seeds, --seed and those after it (default: {settings['seeds']})",
    )
    parser.add_argument(
        "--training-data",
        metavar="PATH",
        help="the images of the training that follows: look before the search whether they can be trained and tested on",
    )


@main("search", arguments=add_arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    settings = read_settings(HERE, "search")
    settings |= {"epochs": args.epochs, "batch": args.batch, "seed": args.seed}
    settings = with_options(settings, args, OPTIONS)
    settings.pop("amp", None)
    if args.amp:  # said where it is so
        settings["amp"] = True
    data = data_settings(HERE, settings, args.data)
    progress.log(f"reading {data['kind']}" + (f" from {data['path']}" if data.get("path") else ""))
    if args.training_data:
        _check_training_data(args.training_data, has_own_data=bool(settings.get("data")))
    del settings["seeds"]  # a search belongs to its seed, however many there are
    with joined(args.device) as device:
        if args.seeds <= 1:
            search = Search(args, settings, data, device)
            found = _search(search, progress)
            return search.result(found, progress) if rank() == 0 else {}
        return _search_seeds(args, settings, data, device, progress)


def _check_training_data(path: str, *, has_own_data: bool) -> None:
    """Errors: StageError that the training would end with, hours later. has_own_data: the search reads other images."""
    data = data_settings(HERE, read_settings(HERE, "train"), path)
    try:
        for split in ("train", "test") if has_own_data else ("test",):
            open_dataset(data, split)
    except StageError as error:
        raise StageError(f"training cannot follow: {error.message}", error.help) from error


def _search(search: Search, progress: Progress) -> Found:
    progress.log(
        f"searching {NAME} on {search.device}: {_choices(search)}, "
        f"{search.length()}, seed {search.settings['seed']}"
    )
    search.run(progress)
    return search.finish(progress)


def _search_seeds(
    args: argparse.Namespace,
    settings: dict[str, Any],
    data: dict[str, Any],
    device: torch.device,
    progress: Progress,
) -> dict[str, Any]:
    """One search after the other, each in out/seed-N; the best one's result, and what the seeds agree on."""
    searches: list[tuple[Search, Found]] = []
    for seed in range(args.seed, args.seed + args.seeds):
        own = argparse.Namespace(**{**vars(args), "out": args.out / f"seed-{seed}"})
        search = Search(own, settings | {"seed": seed}, data, device)
        search.epochs_before = search.epochs * len(searches)
        search.epochs_in_all = search.epochs * args.seeds
        searches.append((search, _search(search, progress)))
    if rank() != 0:
        return {}
    every = [found for _, found in searches]
    best, agreed = best_of(every), spread(every)
    for found in every:
        accuracy = found.scores["validation_top1"]
        progress.log(f"seed {found.seed}: validation {accuracy:.2%}{' *' if found is best else ''}")
    progress.log(f"{seeds_words(agreed)}; seed {best.seed} is kept")
    histories = {found.seed: search.history for search, found in searches}
    if can_draw(progress):
        draw_seeds(histories, every, args.out)
    [search] = [search for search, found in searches if found is best]
    search.out = args.out
    return search.result(best, progress, agreed)


def _choices(search: Search) -> str:
    """`12 edges`, `3 bit widths` or both."""
    edges = sum(map(len, search.cells.values()))
    return " and ".join([f"{edges} edges"] * bool(edges) + counted(search.places))


class Search(Loop):
    """In each step the architecture learns from validation images, then the weights from training images."""

    options = OPTIONS

    def __init__(
        self,
        args: argparse.Namespace,
        settings: dict[str, Any],
        data: dict[str, Any],
        device: torch.device,
    ) -> None:
        seed, images = settings["seed"], open_dataset(data, "train")
        super().__init__(args, settings, data, device, HERE / "supernet.py", train=images)
        self.images, self.validation = halves(images, seed)
        self.steps_per_epoch = steps_per_epoch(self.images, self.batch)
        torch.manual_seed(seed)
        self.network = prepare(SuperNetwork(), device)
        synchronise(self.network)
        self.cells = self.network.cells()
        self.places = bit_choices(self.network) | channel_choices(self.network)
        self.expected, self.price = None, None
        if COSTS.is_file():
            table = read_settings(HERE, "search_costs")
            self.expected, self.price = priced(table, edge_ops(self.cells), settings)
        cost = self.expected if settings.get("cost") else None
        self.updates = Updates(self.network, settings, cost, self.places.values())
        self.training_score, self.validation_score = Score(), Score()
        self.history: list[dict[str, Any]] = []

    def batches(self) -> Iterator[tuple[Batch, Batch]]:
        return search_batches(
            self.images,
            self.validation,
            self.batch,
            seed=self.settings["seed"],
            epoch=self.epoch,
            start=self.step,
            share=share(),
        )

    def take_step(self, batch: tuple[Batch, Batch]) -> None:
        training, validation = batch
        images, labels = to_device(validation, self.device)
        self.validation_score.add(len(labels), *self._update_architecture(images, labels))
        images, labels = to_device(training, self.device)
        found = self.updates.update_weights(images, labels, self._rate(), self.where())
        self.training_score.add(len(labels), *found)
        large_blocks_inside()

    def _update_architecture(self, images: Tensor, labels: Tensor) -> list[float]:
        """Errors: Diverged; no op could be drawn by an alpha that is no number."""
        try:
            found = self.updates.update_architecture(images, labels, self.where())
        except Diverged as error:  # alphas only choose: it was the weights of what they chose
            help = f"lower the learning rate of the weights (it is {self._rate():g})"
            raise Diverged(error.message, help) from error
        if not torch.cat(list(self.updates.on_cpu())).isfinite().all():
            raise Diverged(
                f"an alpha is infinite or no number at {self.where()}",
                f"lower the learning rate of the alphas (it is {self.updates.alpha_rate:g})",
            )
        return found

    def close_epoch(self, progress: Progress) -> None:
        entry = entry_of(
            self.epoch + 1,
            self.training_score.of_all(),
            self.validation_score.of_all(),
            self._rate(self.step - 1),  # of the last step
            self.cells,
            self.places,
            self.expected and self.expected.figures(self.updates.shares()),
        )
        self.history.append(entry)
        progress.log(epoch_words(entry, [it.entropy_nats() for it in self.updates.mixed]))
        self.training_score, self.validation_score = Score(), Score()
        for mixed in self.updates.mixed:
            mixed.sampled_counts = [0] * len(mixed.ops)

    def metrics(self) -> dict[str, float]:
        return {
            "loss": self.training_score.loss,
            "top1": self.training_score.top1,
            "validation_loss": self.validation_score.loss,
            "validation_top1": self.validation_score.top1,
        }

    def _rate(self, step: int | None = None) -> float:
        """Of the weights."""
        weights = self.settings["weights"]
        step = self.step if step is None else step
        epoch = self.epoch + step / self.steps_per_epoch
        return learning_rate(
            weights["optimiser"]["lr"], weights.get("schedule"), epoch, self.epochs
        )

    def state(self) -> dict[str, Any]:
        return {
            "updates": self.updates.state(),
            "training_score": asdict(self.training_score.of_all()),
            "validation_score": asdict(self.validation_score.of_all()),
            "history": self.history,
        }

    def load(self, path: Path, state: dict[str, Any]) -> None:
        checkpoint.load_state(path, self.network, state["updates"]["network"])
        self.updates.load(state["updates"])
        self.training_score = Score.resumed(state["training_score"])
        self.validation_score = Score.resumed(state["validation_score"])
        self.history = state["history"]

    def finish(self, progress: Progress) -> Found:
        """What was found, with the history and its pictures written to `out`."""
        found_edges = edges(self.cells)
        cells = derive(found_edges, self.settings["policy"]) if found_edges else {}
        places = [
            Place(name, it.ops, tuple(it.probabilities().tolist()), tuple(it.trained_counts))
            for name, it in self.places.items()
        ]
        chosen = most_probable(places)
        last = self.history[-1]
        scores = {name: last[name] for name in SCORES}
        found = Found(self.settings["seed"], cells, found_edges, scores, places, chosen)
        if rank() == 0:
            lines = [json.dumps(entry, sort_keys=True) for entry in self.history]
            write_text(self.out / "search.jsonl", "".join(line + "\n" for line in lines))
            if can_draw(progress):
                self._draw(found)
            for warning in warnings(found):
                progress.note(warning)
        return found

    def _draw(self, found: Found) -> None:
        draw_stability(self.history, found, self.out)
        if found.edges:
            draw_search(self.history, found.edges, found.cells, self.out)
        for kind, name in ((BITS, "bits"), (CHANNELS, "channels")):
            places = [place for place in found.places if place.kind == kind]
            if places:
                draw_places(self.history, places, found.chosen, self.out / name)

    def result(
        self,
        found: Found,
        progress: Progress,
        agreed: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """genotype.json and found.nash with where they come from. agreed: of several seeds."""
        settings = self.settings
        cost = self.price(found) if self.price else None
        about = {
            "network": NAME,
            "policy": settings["policy"],
            "estimator": settings["estimator"],
            "precision": settings["precision"],
            **({"amp": True} if settings.get("amp") else {}),
            "data": self.data["kind"],
            "epochs": self.epoch,
            "batch": settings["batch"],
            "changes": self.changes,
            "computed_on": computed_on(self.device),
            "supernet_digest": checkpoint.code_digest(HERE / "supernet.py"),
            **({"cost": cost} if cost else {}),
            **({"spread": agreed} if agreed else {}),
            **_lists(settings, found),
        }
        genotype, text = write_found(self.out, found, provenance_of(found, about))
        for line in text.splitlines():
            progress.log(line)
        if (HERE / "derive.py").is_file():
            progress.log("derive.py goes on from here: it finds the network within the budget")
        ops = sum(len(choices) for choices in found.cells.values())
        chosen = " and ".join([f"{ops} ops"] * bool(ops) + counted(found.chosen))
        return genotype | {
            "out": str(self.out),
            "summary": f"{chosen} chosen, the genotype is in {self.out / 'found.nash'}",
        }


def _lists(settings: dict[str, Any], found: Found) -> dict[str, Any]:
    """Where the spec has the lists of the places."""
    if not found.places:
        return {}
    return {"bit_lists": settings.get("bits", []), "backbone": settings.get("channels")}


if __name__ == "__main__":
    sys.exit(run())
