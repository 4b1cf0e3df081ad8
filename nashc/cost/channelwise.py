"""Sliding windows that leave channel by channel, as pools read them: when the buffer holds up what arrives.

Source: finn-rtllib/swg/swg_template_default.sv of finn-plus 1.6.1 and its constants (prepare_codegen_default). A window is
fetched once for each group of channels; only when a group has begun may its first word be overwritten, and behind the last
group all up to the first word of the next window. With a stride, that is too late for the next window to follow at once.
"""

from __future__ import annotations

import numpy as np

from nashc.cost.fold import Ints


def fetched(
    arrival: Ints, corners: Ints, reach: int, pixels: int, fold: int, room: int
) -> tuple[Ints, Ints]:
    """The cycle in which the last word of each window is fetched, and the one in which each word of the image is read.

    arrival: when each word is there, [words of the image]. corners: the first pixel of each window. reach: pixels of the image from
    there to its last. pixels: of a window. fold: words of a pixel. room: words in the buffer.
    """
    read: list[int] = []
    there = arrival.tolist()
    free = time = -1  # the cycle in which the last word was read

    def take(until: int, allowed: int) -> None:
        nonlocal time
        for number in range(len(read), min(until, len(there))):
            time = max(time + 1, allowed, there[number])
            read.append(time)

    take(room, 0)
    done = []
    starts = [*corners.tolist(), len(there)]
    for window, corner in enumerate(starts[:-1]):
        for group in range(fold):
            begins = free + 1
            first = corner * fold + group + 1 if group < fold - 1 else starts[window + 1] * fold
            # The first word of a group has long been there; its last is the last to come.
            needed = read[(corner + reach) * fold + group]
            begins = max(begins, read[corner * fold + group] + 1)
            free = max(begins + pixels - 1, needed + 1)
            take(first + room, begins + 1)
        done.append(free)
    take(len(there), 0)
    return np.array(done), np.array(read)
