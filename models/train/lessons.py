"""What the painter learns from: which paintings, at how many lines, on which scenes."""

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from scenes import Scene

# Slug -> how often it is trained. Those seldom trained are there for the style encoder's sake.
STYLES = {
    "great-wave": ("hokusai_great_wave.jpg", 3),
    "starry-night": ("vangogh_starry_night.jpg", 3),
    "scream": ("munch_scream.jpg", 3),
    "udnie": ("picabia_udnie.jpg", 3),
    "kandinsky": ("kandinsky_comp7.jpg", 3),
    "woman-with-a-hat": ("matisse_woman_hat.jpg", 3),
    "grande-jatte": ("seurat_grande_jatte.jpg", 3),
    "metzinger": ("delaunay_metzinger.jpg", 3),
    "jack-pine": ("thomson_jack_pine.jpg", 3),
    "water-lilies": ("monet_water_lilies_1919.jpg", 3),
    "sunflowers": ("vangogh_sunflowers.jpg", 3),
    "reverie": ("mucha_reverie.jpg", 3),
    "the-kiss": ("klimt_kiss.jpg", 3),
    "shipwreck": ("turner_shipwreck.jpg", 3),
    "deer": ("marc_deer_woods.jpg", 3),
    "apples": ("cezanne_apples_oranges.jpg", 3),
    "irises": ("vangogh_irises.jpg", 1),
    "cafe-terrace": ("vangogh_cafe_terrace.jpg", 1),
    "almond-blossom": ("vangogh_almond_blossom.jpg", 1),
    "self-portrait": ("vangogh_self_portrait.jpg", 1),
    "skull": ("cezanne_skull.jpg", 1),
    "lilies": ("monet_water_lilies_a.jpg", 1),
    "sunrise": ("monet_impression_sunrise.jpg", 1),
    "parasol": ("monet_parasol.jpg", 1),
    "girls-at-the-piano": ("renoir_girls_piano.jpg", 1),
    "moulin": ("renoir_moulin_galette.jpg", 1),
    "garden": ("bosch_garden.jpg", 1),
    "green-stripe": ("matisse_green_stripe.jpg", 1),
    "composition-4": ("kandinsky_comp4.jpg", 1),
    "composition-5": ("kandinsky_comp5.jpg", 1),
    "composition-8": ("kandinsky_comp8.jpg", 1),
    "composition-10": ("kandinsky_comp10.jpg", 1),
    "morris": ("morris_pattern.jpg", 1),
    "zodiac": ("mucha_zodiac.jpg", 1),
    "broadway": ("mondrian_broadway.jpg", 1),
    "sleeping-gypsy": ("rousseau_sleeping_gypsy.jpg", 1),
    "nafea": ("gauguin_nafea.jpg", 1),
}
OFTEN = [slug for slug, (_, frequency) in STYLES.items() if frequency > 1]
# Lines (the shorter side) of the pictures, and how often each is trained.
LINES = {256: 0.45, 362: 0.25, 512: 0.2, 724: 0.1}
FINE, COARSE = min(LINES), max(LINES)
# Styles for one photo in one step: the photo's features are computed once for all of them.
EACH = 4
# Share of the steps that show scenes which the styler has finished, where there are any.
TAUGHT = 0.25


@dataclasses.dataclass
class Batch:
    """S scenes, each in EACH styles: N = S * EACH paintings, those of a scene beside each other."""

    patch: torch.Tensor  # [S,3,PATCH,PATCH]
    grain: torch.Tensor  # [S,OCTAVES,PATCH/4,PATCH/4]
    slugs: torch.Tensor  # [N], places in STYLES
    lines: torch.Tensor  # [N], places in LINES
    finished: torch.Tensor | None = None  # [N,3,PATCH,PATCH], what the styler made of them

    def tensors(self) -> list[torch.Tensor]:
        return [tensor for tensor in vars(self).values() if tensor is not None]


class Lessons(IterableDataset):
    """Batches of so many scenes without end: some of scenes that the styler has finished, all others of new ones."""

    def __init__(self, photos: list[Path], finished: Path | None, scenes: int):
        super().__init__()
        self.photos, self.folder, self.scenes = photos, finished, scenes
        self.names = sorted(path.stem for path in finished.glob("[0-9]*.pt")) if finished else []

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self.taught() if self.names and random.random() < TAUGHT else self.new()

    def new(self) -> Batch:
        scenes = [Scene.random(self.photos, random.choices(list(LINES), list(LINES.values()))[0]) for _ in range(self.scenes)]
        frequencies = [frequency for _, frequency in STYLES.values()]
        return self.batch(scenes, [random.choices(list(STYLES), frequencies, k=EACH) for _ in scenes])

    def taught(self) -> Batch:
        scenes = [Scene.read(self.folder, name) for name in random.choices(self.names, k=self.scenes)]
        scenes = [scene.mirrored() if random.random() < 0.5 else scene for scene in scenes]
        return self.batch(scenes, [random.sample(list(scene.finished), EACH) for scene in scenes])

    @staticmethod
    def batch(scenes: list[Scene], slugs: list[list[str]]) -> Batch:
        pairs = [(scene, slug) for scene, own in zip(scenes, slugs, strict=True) for slug in own]
        places = torch.tensor([(list(STYLES).index(slug), list(LINES).index(scene.lines)) for scene, slug in pairs])
        finished = torch.cat([scene.finished[slug] for scene, slug in pairs]) if scenes[0].finished else None
        patch, grain = (torch.cat(tensors) for tensors in zip(*((scene.patch, scene.grain) for scene in scenes), strict=True))
        return Batch(patch, grain, *places.unbind(1), finished)

    def by(self, workers: int) -> Iterator[Batch]:
        """Made beforehand by so many processes; 0: when they are asked for."""
        return iter(DataLoader(self, batch_size=None, num_workers=workers, worker_init_fn=begin_worker))


def begin_worker(_: int) -> None:
    seed = torch.initial_seed() % 2**32
    random.seed(seed)
    np.random.seed(seed)
    cv2.setNumThreads(0)
