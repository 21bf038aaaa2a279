"""The evidence of a promotion as one signed zip: JSON for machines, a page for people, signatures over both."""

import json
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from adapters.signing import SigningKey
from api.schemas.promotions import PromotionRead, ReplayRead
from api.svg import budget_bar, interval_plot
from domain.promotions.evidence import canonical

# The moment of every file in the zip: the same promotion gives the same bytes.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def evidence_pack(promotion: PromotionRead, replays: Sequence[ReplayRead], key: SigningKey) -> bytes:
    """A zip of `evidence.json`, `report.html` and `signature.json`.

    The signatures are over "NAME SHA-256", so that files cannot change places either.
    """
    plain = {
        "promotion": promotion.model_dump(mode="json"),
        "replays": [replay.model_dump(mode="json") for replay in replays],
    }
    files = {"evidence.json": canonical(plain), "report.html": _report(promotion, replays).encode()}
    signature = {
        "algorithm": "Ed25519",
        "public_key": key.public,
        "files": {
            name: {"sha256": digest, "signature": key.sign(f"{name} {digest}".encode())}
            for name, digest in ((name, sha256(content).hexdigest()) for name, content in files.items())
        },
    }
    files["signature.json"] = json.dumps(signature, indent=1, sort_keys=True).encode()
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name, _MOMENT), content, ZIP_DEFLATED)
    return out.getvalue()


def _report(promotion: PromotionRead, replays: Sequence[ReplayRead]) -> str:
    evidence = promotion.evidence
    comparison = evidence.comparison if evidence else None
    plots: dict[str, Any] = {"effect": None, "slices": None, "budget": None}
    if comparison is not None:
        bar = comparison.min_effect if comparison.hypothesis == "superiority" else -comparison.margin
        plots["effect"] = interval_plot([("all rows", comparison.low, comparison.effect, comparison.high)], bar=bar)
        judged = [
            (f"{one.label} ({one.rows})", one.low, one.effect, one.high)
            for one in comparison.slices
            if one.low is not None and one.effect is not None and one.high is not None
        ]
        plots["slices"] = interval_plot(judged, bar=-_slice_margin(promotion)) if judged else None
    if evidence is not None and evidence.alpha is not None and evidence.alpha.share is not None:
        left = evidence.alpha.alpha if evidence.alpha.left is None else evidence.alpha.left
        plots["budget"] = budget_bar(evidence.alpha.alpha, left=left, share=evidence.alpha.share)
    page = _TEMPLATES.get_template("evidence.html")
    return page.render(promotion=promotion, evidence=evidence, comparison=comparison, replays=replays, plots=plots)


def _slice_margin(promotion: PromotionRead) -> float:
    gate = promotion.policy.against_champion()
    return (gate.slice_margin or 0.0) if gate else 0.0
