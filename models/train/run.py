"""What every training run shares: budget, seed, device, checkpoints."""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn


def common_arguments(description: str | None) -> argparse.ArgumentParser:
    """The flags that all trainers understand."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data folder (photos/, pairs/, styles/, weights/)")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, logs, samples and ONNX files")
    parser.add_argument("--budget", type=budget, required=True, help="iterations (5000) or minutes (30m)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 = PyTorch's default")
    parser.add_argument("--start", type=Path, help="begin with the weights of this exported ONNX file")
    return parser


def budget(text: str) -> tuple[str, float]:
    """'5000' -> ("iterations", 5000), '30m' -> ("minutes", 30)."""
    return ("minutes", float(text[:-1])) if text.endswith("m") else ("iterations", float(text))


def cosine(fraction: float, first: float, last: float) -> float:
    """From `first` at 0 to `last` at 1 along half a cosine."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * fraction))


def prepare(args: argparse.Namespace) -> None:
    """Seeds the generators, sets threads, makes the output folder."""
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    if args.threads:
        torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)


def half_precision(device: str, wanted: bool = True) -> torch.autocast:
    """Convolutions in bfloat16, all else in float32, where the hardware has them: a CPU that has to emulate them takes twenty times as long as for float32."""
    return torch.autocast(device, torch.bfloat16, enabled=wanted and (device != "cpu" or torch.cpu._is_avx512_bf16_supported()))


class Progress:
    """How much of the budget is used (0 to 1), over all resumed runs together."""

    def __init__(self, limit: tuple[str, float]):
        self.unit, self.limit = limit
        self.iteration = 0
        self.seconds = 0.0
        self._tick = time.monotonic()

    def fraction(self) -> float:
        used = self.iteration if self.unit == "iterations" else self.seconds / 60
        return min(1.0, used / self.limit)

    def step(self) -> None:
        now = time.monotonic()
        self.seconds += now - self._tick
        self._tick = now
        self.iteration += 1

    def state(self) -> dict:
        return {"iteration": self.iteration, "seconds": self.seconds}

    def restore(self, state: dict) -> None:
        self.iteration, self.seconds = state["iteration"], state["seconds"]


class Log:
    """One line for every so many iterations: means of what was trained on since, and held-out figures."""

    def __init__(self, path: Path):
        self.file = path.open("a")
        self.recent: dict[str, list[float | torch.Tensor]] = {}

    def add(self, terms: dict[str, float | torch.Tensor]) -> None:
        """Tensors are read when a line is written, so that no step waits for a GPU."""
        for name, value in terms.items():
            self.recent.setdefault(name, []).append(value)

    def write(self, progress: Progress, held_out: dict[str, float]) -> None:
        means = {name: round(sum(float(x) for x in v) / len(v), 3) for name, v in self.recent.items()}
        print(progress.iteration, f"{progress.seconds:.0f}s", means, "held out", held_out, file=self.file, flush=True)
        self.recent.clear()


class Average:
    """Exponential average of a network's parameters; it, not the last iterate, is exported."""

    def __init__(self, network: nn.Module, decay: float):
        self.decay = decay
        self.steps = 0
        self.values = {name: p.detach().clone() for name, p in network.named_parameters()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.steps += 1
        # Short memory at first, so that the random start is soon forgotten.
        decay = min(self.decay, self.steps / (self.steps + 10))
        torch._foreach_lerp_(list(self.values.values()), [p.detach() for p in network.parameters()], 1 - decay)

    @torch.no_grad()
    def swap(self, network: nn.Module) -> None:
        """Exchanges the network's parameters with the averages; call twice to undo."""
        for name, parameter in network.named_parameters():
            kept = parameter.detach().clone()
            parameter.copy_(self.values[name])
            self.values[name] = kept


def random_state() -> dict:
    return {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state()}


def save_checkpoint(path: Path, network: nn.Module, average: Average, optimiser: torch.optim.Optimizer, progress: Progress, **more: dict) -> None:
    """Written beside and renamed, so that an interrupted run never leaves half a file. The random state is in it: a run that
    goes on sees what it would have seen."""
    partial = path.with_suffix(".partial")
    torch.save(
        {
            "network": network.state_dict(),
            "average": average.values,
            "average_steps": average.steps,
            "optimiser": optimiser.state_dict(),
            "progress": progress.state(),
            "random": random_state(),
            **more,
        },
        partial,
    )
    partial.replace(path)


def load_checkpoint(path: Path, network: nn.Module, average: Average, optimiser: torch.optim.Optimizer, progress: Progress) -> dict:
    """Gives all that was saved."""
    state = torch.load(path, map_location="cpu", weights_only=False)
    network.load_state_dict(state["network"])
    for name, value in state["average"].items():
        average.values[name].copy_(value)
    average.steps = state["average_steps"]
    optimiser.load_state_dict(state["optimiser"])
    progress.restore(state["progress"])
    if "random" in state:
        random.setstate(state["random"]["python"])
        np.random.set_state(state["random"]["numpy"])
        torch.set_rng_state(state["random"]["torch"])
    return state
