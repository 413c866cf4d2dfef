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
DRY_ITEMS = [
    Item("eight_schools", 16, 40),
    Item("eight_schools", 64, 40),
    Item("logistic_200x5", 16, 40),
    Item("radon", 8, 20),
    Item("irt_2pl", 8, 20),
]

# Once more in other precisions than doubles. Both are among those above.
PRECISION_ITEMS = [item("logistic_10000x50", 512), item("logistic_581012x54", 512)]
DRY_PRECISION_ITEMS = [Item("logistic_200x5", 16, 40)]

# Draws a chain. NumPyro's default is 1000; step size and metric of each chain need some hundred. BlackJAX's is 1000 too; its
# trajectory length, which all chains share, some hundred.
PEER_WARMUP = {"numpyro": 200, "chees": 500}


def multiply_adds(subject, rows, columns):
    """Of one gradient of one chain, counted by hand as in bench/subjects.hpp: an exponential or logarithm is taken as 14
    multiply-adds, a division as 8."""
    if subject.startswith("logistic"):
        return rows * (2 * columns + 6) + 14 * 2 * rows + 8 * rows
    return {
        "eight_schools": 8 * 8 + 10 + 14 * 2 + 8 * 2,
        "radon": 919 * 12 + 85 * 6 + 14 * 3 + 8 * 3,
        "irt_2pl": 2000 * 12 + 140 * 6 + 14 * (2 * 2000 + 20) + 8 * 2000,
    }[subject]


def data_bytes(rows, columns):
    """That one tick reads at least once for all chains together: the matrix. Small data stay in the cache."""
    return 8 * rows * columns
