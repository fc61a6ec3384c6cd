"""What PyTorch's autograd makes of the styler's objectives, for the test of the graphs that spell their gradients out."""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from vgg import Vgg16

NEIGHBOURS = ("relu2_2", "relu3_3", "relu4_3")
GRAM = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0, "relu5_1": 0.25}
CONTENT = "relu4_2"


def rows(features: torch.Tensor) -> torch.Tensor:
    """[1,C,h,w] -> [N,C]."""
    return features[0].flatten(1).T.contiguous()


def neighbours(vgg: Vgg16, image: torch.Tensor, tone: torch.Tensor, means: list, targets: list) -> torch.Tensor:
    found = vgg(image.clamp(-0.2, 1.2), set(NEIGHBOURS))
    pairs = zip(NEIGHBOURS, means, targets, strict=True)
    match = sum((1 - F.cosine_similarity(rows(found[layer]) - mean, target)).mean() for layer, mean, target in pairs) / len(NEIGHBOURS)
    excess = (image - image.clamp(0, 1)).pow(2).mean()
    return torch.stack([match, excess, (F.avg_pool2d(image, 16) - tone).abs().mean()])


def gram(vgg: Vgg16, image: torch.Tensor, photo: torch.Tensor, painting: torch.Tensor) -> torch.Tensor:
    layers = {*GRAM, CONTENT}
    own, wanted, styles = (vgg(x, layers) for x in (image, photo, painting))
    relative = lambda a, b: (a - b).pow(2).sum() / b.pow(2).sum()
    matrix = lambda f: rows(f).T @ rows(f) / (f.shape[2] * f.shape[3])
    style = sum(w * relative(matrix(own[layer]), matrix(styles[layer])) for layer, w in GRAM.items()) / sum(GRAM.values())
    edged = F.pad(image, (1, 0, 1, 0), mode="replicate")
    smooth = (edged.diff(dim=2)[..., 1:].pow(2).sum() + edged.diff(dim=3)[..., 1:, :].pow(2).sum()) / image.numel()
    return torch.stack([relative(own[CONTENT], wanted[CONTENT]), style, smooth])


def write(data: Path, path: Path) -> None:
    """A picture of 48x32 that leaves [0,1] here and there, and what it is compared with."""
    torch.manual_seed(1)
    vgg = Vgg16(data)
    image = torch.rand(1, 3, 48, 32) * 1.6 - 0.3
    photo, painting = torch.rand(1, 3, 48, 32), torch.rand(1, 3, 64, 48) ** 2
    bank = vgg(painting, set(NEIGHBOURS))
    means = [rows(bank[layer]).mean(0) for layer in NEIGHBOURS]
    targets, counts = [], [len(rows(f)) for f in vgg(image, set(NEIGHBOURS)).values()]
    for layer, mean, count in zip(NEIGHBOURS, means, counts, strict=True):
        centred = F.normalize(rows(bank[layer]) - mean, dim=1)
        targets.append(centred[torch.randint(len(centred), (count,))].contiguous())
    found = {"image": image, "photo": photo, "painting": painting, "tone": torch.rand(1, 3, 3, 2)}
    found |= {f"mean{k}": m for k, m in enumerate(means, 1)} | {f"target{k}": t for k, t in enumerate(targets, 1)}
    objectives = {
        "neighbours": (torch.tensor([1.0, 5.0, 2.0]), lambda x: neighbours(vgg, x, found["tone"], means, targets)),
        "gram": (torch.tensor([1.0, 10.0, 100.0]), lambda x: gram(vgg, x, photo, painting)),
    }
    for name, (weights, objective) in objectives.items():
        x = image.clone().requires_grad_()
        terms = objective(x)
        (weights @ terms).backward()
        found |= {f"{name}.weights": weights, f"{name}.terms": terms.detach(), f"{name}.gradient": x.grad}
    save_file(found, path)
