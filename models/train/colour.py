"""Colour first: a linear map that gives a picture the painting's colours (design.md, 2). The program's twin is `src/paint/recolor.rs`.

With means m and covariances C of RGB, the Monge-Kantorovich map between two Gaussians is x -> m_s + T (x - m_x),
T = Cx^-1/2 (Cx^1/2 Cs Cx^1/2)^1/2 Cx^-1/2 (Pitie and Kokaram, "The linear Monge-Kantorovitch linear colour mapping", 2007).
"""

import dataclasses

import torch

# Added to the variances, so that a grey picture, whose chroma has none, gets no endless gain.
LEAST_VARIANCE = 4e-4
# A direction of colour is amplified at most so much: more would show the camera's noise.
MOST_GAIN = 3.0
# Variance of the luminance at which half of the map is applied: black, white or one-coloured frames, and
# fades to them, stay what they are.
HALF_VARIANCE = 1e-3
LUMINANCE = (0.3, 0.59, 0.11)
# A painting's mean is moved so far from black and white that so many deviations of its luminance have room beside it: a
# photo's face is far lighter than its mean, and in the colours of a print on white paper it would burn out.
ROOM = 1.5
# Share of its own lightness that a picture keeps: before a white wall a dark face would become a shadow in a dark painting.
OWN_LIGHT = 0.4
# Distance from 0 and 1 within which values are compressed: a linear map sends the lights of a photo beyond white where the
# painting is bright, and a face would burn out.
KNEE = 0.18


@dataclasses.dataclass
class ColourMap:
    """x -> bent(matrix x + offset), on RGB."""

    matrix: torch.Tensor  # [3,3]
    offset: torch.Tensor  # [3,1]
    knee: torch.Tensor  # []

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """[1,3,H,W] -> the same, within (0,1)."""
        return bent((self.matrix @ image[0].flatten(1) + self.offset).view_as(image), self.knee)


def bent(x: torch.Tensor, knee: torch.Tensor) -> torch.Tensor:
    """All numbers into [0,1]: unchanged from knee to 1 - knee, hyperbolas of slope one beyond."""
    bend = lambda over: knee * over / (knee + over + 1e-12)
    return x.clamp(knee, 1 - knee) + bend((x - 1 + knee).clamp_min(0)) - bend((knee - x).clamp_min(0))


def moments(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[1,3,H,W] -> mean [3,1] and covariance [3,3] of its colours."""
    pixels = image[0].flatten(1)
    mean = pixels.mean(1, keepdim=True)
    return mean, (pixels - mean) @ (pixels - mean).T / pixels.shape[1]


def power(matrix: torch.Tensor, exponent: float) -> torch.Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp_min(1e-8) ** exponent) @ vectors.T


def transport(photo: tuple[torch.Tensor, torch.Tensor], painting: tuple[torch.Tensor, torch.Tensor]) -> ColourMap:
    """From the moments of a picture to those of a painting."""
    (mean, covariance), (target_mean, target) = photo, painting
    identity = torch.eye(3)
    weights = torch.tensor(LUMINANCE)
    own, level = weights @ mean, weights @ target_mean
    room = (ROOM * (weights @ target @ weights).sqrt()).clamp_max(0.5)
    target_mean = target_mean + (level + OWN_LIGHT * (own - level)).clamp(room, 1 - room) - level
    spread = weights @ covariance @ weights
    share = spread / (spread + HALF_VARIANCE)
    floor = LEAST_VARIANCE * identity
    root, inverse = power(covariance + floor, 0.5), power(covariance + floor, -0.5)
    matrix = inverse @ power(root @ (target + floor) @ root, 0.5) @ inverse
    values, vectors = torch.linalg.eigh(matrix)
    matrix = vectors @ torch.diag(values.clamp_max(MOST_GAIN)) @ vectors.T
    matrix = torch.lerp(identity, matrix, share)
    return ColourMap(matrix, torch.lerp(mean, target_mean, share) - matrix @ mean, KNEE * share)


def recolour(photo: torch.Tensor, painting: torch.Tensor) -> torch.Tensor:
    """The photo [1,3,H,W] in the colours of the painting [1,3,h,w]."""
    return transport(moments(photo), moments(painting))(photo)
