"""What is measured: subjects, how many chains, how many draws each; what a gradient cannot do without."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    subject: str
    chains: int
    draws: int  # per chain, of every engine

    @property
    def name(self):
        return f"{self.subject} x {self.chains}"


def draws_for(chains):
    """Fewer for more chains: what is measured is effective draws in all."""
    return 500 if chains < 16 else 200 if chains < 512 else 100 if chains < 8000 else 50


def item(subject, chains):
    return Item(subject, chains, draws_for(chains))


# In the order in which they are measured: what matters most comes first, since time may run out.
ITEMS = (
    [item("eight_schools", chains) for chains in (512, 8192, 100_000)]
    + [item("logistic_10000x50", chains) for chains in (512, 64)]
    + [item("logistic_581012x54", 512), item("radon", 512), item("irt_2pl", 512)]
    + [item("logistic_581012x54", 64), item("logistic_10000x50", 1), item("logistic_581012x54", 1)]
    + [item(subject, chains) for subject in ("radon", "irt_2pl") for chains in (64, 1)]
)
DRY_ITEMS = [Item("eight_schools", 16, 40), Item("eight_schools", 64, 40), Item("logistic_200x5", 16, 40), Item("radon", 8, 20),
             Item("irt_2pl", 8, 20)]

PEER_WARMUP = 200  # draws a chain: NumPyro's default is 1000; its step size and metric of each chain need some hundred


def multiply_adds(subject, rows, columns):
    """Of one gradient of one chain, counted by hand as in bench/subjects.hpp: an exponential or logarithm is taken as 14
    multiply-adds, a division as 8."""
    if subject.startswith("logistic"):
        return rows * (2 * columns + 6) + 14 * 2 * rows + 8 * rows
    return {"eight_schools": 8 * 8 + 10 + 14 * 2 + 8 * 2,
            "radon": 919 * 12 + 85 * 6 + 14 * 3 + 8 * 3,
            "irt_2pl": 2000 * 12 + 140 * 6 + 14 * (2 * 2000 + 20) + 8 * 2000}[subject]


def data_bytes(rows, columns):
    """That one tick reads at least once for all chains together: the matrix. Small data stay in the cache."""
    return 8 * rows * columns


def state_doubles_per_tick(steps_per_draw, resident):
    """Vectors (of as many doubles as the model has coordinates) that one chain's sampler reads or writes per leapfrog step.

    Counted from kernels/nuts.hpp for a trajectory of `steps_per_draw` steps, so about d = log2(steps + 1) doublings. What a
    phase reads again after another has just read it counts once; masks of neighbouring lanes, the metric (shared by all) and a
    lane's scalars (in registers during a launch) do not count. README.md says what this leaves out.
    """
    from math import log2

    steps = max(steps_per_draw, 1.0)
    doublings = log2(steps + 1)
    per_step = 0.0
    # The moving point: position, momentum and gradient are each read and written. None if it is in shared memory.
    per_step += 0 if resident else 6
    per_step += 2  # record_leaf: the subtree's sum of momenta, read and written
    per_step += 0.5 * 2  # even leaves: a checkpoint of momentum and sum
    per_step += 0.5 * 1  # odd leaves: the checkpoint `previous`
    # Odd leaves check the subtrees that end there: always one of two leaves (one checkpoint), and one larger one on average
    # (five checkpoints), none of them in a trajectory of one doubling.
    per_step += 0.5 * (1 + (5 if doublings > 1.5 else 0))
    # choose_leaf: the k-th leaf of a subtree becomes its candidate with a probability of about 1/k: position and gradient are
    # written. A subtree of 2^j leaves takes H(2^j), about 0.58 + 0.69 j.
    takes = sum(1 if j == 0 else 0.58 + 0.69 * j for j in range(max(1, round(doublings))))
    per_step += 2 * takes / steps
    # close_subtree: sum of momenta (2), both ends' momenta and a checkpoint (3), subtree's sum (1), the moving point to its end
    # (3), and, about every other time, the candidate to the chosen point (4). start_subtree: the sum cleared (1), and every
    # other time the other end to the moving point (3).
    per_step += (2 + 3 + 1 + 3 + 0.5 * 4 + 1 + 0.5 * 3) * doublings / steps
    # finish_draw and start_trajectory: the chosen point is read and the draw written (2), position and gradient are read
    # again (2), both ends (6), sum of momenta and subtree's sum (2).
    per_step += 12 / steps
    return per_step
