"""The paintings: which file each style comes from, and the part of it that carries the brushwork."""

import dataclasses
from pathlib import Path

import torch

import data

# Left of a painting's own sides, so that neither a frame nor the scan's edge counts as brushwork.
INSET = 0.02


@dataclasses.dataclass(frozen=True)
class Source:
    """A file of `styles/`; the part to learn from: left, top, right, bottom in fractions of its sides; and how much larger than
    the picture it is seen: strokes must be of a size that cells of 4x4 pixels can draw, but of shapes with quiet insides more
    must come into view; and how thick its paint lies, 0 for a print: how much of a colour the light on it adds and takes."""

    file: str
    part: tuple[float, float, float, float] = (INSET, INSET, 1 - INSET, 1 - INSET)
    larger: float = 1.6
    relief: float = 0.2


# Tuned in this order: those that most looks are made of first.
PAINTINGS = {
    "starry-night": Source("vangogh_starry_night.jpg"),
    "great-wave": Source("hokusai_great_wave.jpg", larger=1.1, relief=0.0),
    "scream": Source("munch_scream.jpg", (0.02, 0.02, 0.98, 0.85), relief=0.15),
    "sunflowers": Source("vangogh_sunflowers.jpg"),
    "self-portrait": Source("vangogh_self_portrait.jpg"),
    "woman-with-a-hat": Source("matisse_woman_hat.jpg", larger=1.2, relief=0.15),
    # Most of the canvas is flat gold; the ornament is on the robes and in the meadow.
    "the-kiss": Source("klimt_kiss.jpg", (0.26, 0.02, 0.8, 0.86), larger=1.0, relief=0.1),
    "kandinsky": Source("kandinsky_comp7.jpg", larger=1.0, relief=0.05),
    "udnie": Source("picabia_udnie.jpg", larger=0.8, relief=0.05),
    "grande-jatte": Source("seurat_grande_jatte.jpg", relief=0.12),
    "cafe-terrace": Source("vangogh_cafe_terrace.jpg"),
    "green-stripe": Source("matisse_green_stripe.jpg", larger=1.2, relief=0.15),
    "metzinger": Source("delaunay_metzinger.jpg", larger=1.2, relief=0.18),
    "reverie": Source("mucha_reverie.jpg", (0.02, 0.2, 0.98, 0.98), larger=1.1, relief=0.0),
    "water-lilies": Source("monet_water_lilies_1919.jpg"),
    "irises": Source("vangogh_irises.jpg"),
    "deer": Source("marc_deer_woods.jpg", larger=1.2, relief=0.1),
    "apples": Source("cezanne_apples_oranges.jpg"),
    "jack-pine": Source("thomson_jack_pine.jpg", (0.04, 0.04, 0.96, 0.96)),
    "nafea": Source("gauguin_nafea.jpg", larger=1.2, relief=0.1),
    "composition-4": Source("kandinsky_comp4.jpg", larger=1.0, relief=0.05),
    "shipwreck": Source("turner_shipwreck.jpg", larger=1.4, relief=0.15),
    "moulin": Source("renoir_moulin_galette.jpg", relief=0.15),
    "sunrise": Source("monet_impression_sunrise.jpg"),
    "almond-blossom": Source("vangogh_almond_blossom.jpg", relief=0.15),
    "parasol": Source("monet_parasol.jpg"),
    "zodiac": Source("mucha_zodiac.jpg", larger=1.1, relief=0.0),
    "composition-8": Source("kandinsky_comp8.jpg", larger=0.9, relief=0.0),
    "sleeping-gypsy": Source("rousseau_sleeping_gypsy.jpg", larger=1.2, relief=0.08),
    "skull": Source("cezanne_skull.jpg"),
    "girls-at-the-piano": Source("renoir_girls_piano.jpg", relief=0.15),
    "composition-5": Source("kandinsky_comp5.jpg", larger=1.0, relief=0.05),
    "composition-10": Source("kandinsky_comp10.jpg", larger=0.9, relief=0.05),
    "lilies": Source("monet_water_lilies_a.jpg"),
    "morris": Source("morris_pattern.jpg", larger=0.8, relief=0.0),
    "broadway": Source("mondrian_broadway.jpg", larger=0.8, relief=0.05),
    # The middle panel.
    "garden": Source("bosch_garden.jpg", (0.25, 0.03, 0.75, 0.97), larger=1.2, relief=0.05),
}


def painting(folder: Path, slug: str, lines: float) -> torch.Tensor:
    """The part of a painting that carries the brushwork, [1,3,H,W] in [0,1]; the whole canvas would have so many lines."""
    source = PAINTINGS[slug]
    canvas = data.read_rgb(folder / source.file)
    height, width = canvas.shape[:2]
    left, top, right, bottom = (round(share * side) for share, side in zip(source.part, (width, height, width, height), strict=True))
    scale = lines / min(height, width)
    part = canvas[top:bottom, left:right]
    return data.to_tensor(data.resize(part, max(16, round(part.shape[1] * scale)), max(16, round(part.shape[0] * scale))))
