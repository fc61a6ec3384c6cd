"""The program's styler (src/styler.rs) in PyTorch: the same steps on the same objective, twice as fast where the hardware has bfloat16.

It makes what the painters are measured against (evaluate_painter.py) and, begun with what they made, what they learn from
(teacher.py).
"""

import numpy as np
import torch

import data
from losses import STYLE_WEIGHT, Objective, smoothness

# At every scale from the photo, and in all from a painting.
STEPS, IMPROVING = 150, 30
RATE, MOMENTUM, SCALE = 0.02, 0.9, 0.99
# Share of the running mean that stays at each step, once there are enough.
MEMORY = 0.95
SMOOTH = 0.5


def scales_to(lines: int) -> list[int]:
    """Coarse to fine."""
    return [scale for scale in (64, 128, 256, 512, 1024) if scale < lines] + [lines]


def optimise(objective: Objective, photo: np.ndarray, painting: np.ndarray, lines: int, steps: int = STEPS) -> torch.Tensor:
    """The photo at so many lines as the painting, [1,3,H,W] in [0,1]; sides are cut to multiples of 8."""
    image = None
    for scale in scales_to(lines):
        picture = data.resize_shorter(photo, scale)
        picture = picture[: picture.shape[0] // 8 * 8, : picture.shape[1] // 8 * 8]
        content = objective.content_target(data.to_tensor(picture))
        style = objective.style_target(data.to_tensor(data.resize_shorter(painting, scale)))
        size = picture.shape[:2]
        start = data.to_tensor(picture) if image is None else torch.nn.functional.interpolate(image, size=size, mode="bicubic").clamp(0, 1)
        image = descend(objective, start, content, style, steps)
    return image


def descend(objective: Objective, image: torch.Tensor, content: torch.Tensor, style: list, steps: int) -> torch.Tensor:
    """The running mean of Adam's iterates, for images [N,3,H,W] side by side."""
    image = image.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([image], lr=RATE, betas=(MOMENTUM, SCALE), eps=1e-12)
    mean = image.detach().clone()
    for step in range(steps):
        content_term, style_term = objective(image, content, style)
        total = content_term.sum() + STYLE_WEIGHT * style_term.sum() + SMOOTH * smoothness(image)
        (image.grad,) = torch.autograd.grad(total, image)
        optimiser.step()
        with torch.no_grad():
            image.clamp_(0, 1)
            mean.lerp_(image, 1 - min(MEMORY, step / (step + 5)))
    return mean
