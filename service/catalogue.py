"""A brand's products: products/catalogue.yaml, with their titles and texts in products/<language>.yaml."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from service.errors import KnowledgeNotUsable
from service.retrieve.named_products import kind_words
from service.yaml_files import read_text, read_yaml

CATALOGUE = "catalogue.yaml"
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Product(_Strict):
    """One product; `goes_with` names what its buyer needs next, `help` FAQ entries for an owner; prices by currency."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    sku: str | None = None
    name: str
    kind: str
    warranty: Literal["gear", "home"] | None = None
    price: dict[Currency, Annotated[float, Field(ge=0)]] = {}
    goes_with: tuple[str, ...] = ()
    help: tuple[str, ...] = ()


class ProductText(_Strict):
    """A product in one language; `words` are what customers call this kind of thing."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=1_000)]
    words: tuple[str, ...] = ()


class _Products(RootModel[tuple[Product, ...]]):
    pass


class _Titles(RootModel[dict[str, ProductText]]):
    pass


def read_catalogue(folder: Path) -> tuple[Product, ...]:
    """The products of a brand's folder, none where it has no catalogue; raises KnowledgeNotUsable naming file and line."""
    path = folder / "products" / CATALOGUE
    if not path.exists():
        return ()
    products = read_yaml(path, _Products).root
    known = {product.id for product in products}
    for product in products:
        for other in product.goes_with:
            if other not in known:
                near = difflib.get_close_matches(other, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else "no product has this id"
                raise KnowledgeNotUsable(f"{path}:{_line(path, other)}: {product.id} goes with {other!r}; {hint}")
    if len(known) < len(products):
        twice = next(p.id for at, p in enumerate(products) if p.id in {q.id for q in products[:at]})
        raise KnowledgeNotUsable(f"{path}: the id {twice} stands twice")
    return products


def read_titles(path: Path) -> dict[str, ProductText]:
    """One language's titles and texts by product id."""
    return read_yaml(path, _Titles).root


def read_kinds(folder: Path, catalogue: Iterable[Product]) -> dict[str, frozenset[str]]:
    """By sku, the nouns that customers of any language have for the folder's products, from their titles and words."""
    found: dict[str, frozenset[str]] = {}
    skus = {product.id: product.sku for product in catalogue if product.sku}
    for path in sorted((folder / "products").glob("??.yaml")):
        for product, text in read_titles(path).items():
            if sku := skus.get(product):
                title = text.title.partition(",")[2]  # "Linnet Down, light down sleeping bag": the name comes first
                found[sku] = found.get(sku, frozenset()) | kind_words((title, *text.words), path.stem)
    return found


def _line(path: Path, word: str) -> int:
    return next((number for number, line in enumerate(read_text(path).splitlines(), 1) if word in line), 1)
