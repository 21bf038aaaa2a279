"""An evidence pack, verified without a server: every file is the one that was signed, by the key one trusts."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

SIGNED = ("evidence.json", "report.html")


class NoPack(Exception):
    """The file is no evidence pack that can be read."""


def verify(pack: Path, trusted: str | None) -> dict[str, Any]:
    """What the pack says of itself, and `problems`: what is not as it was signed. Raises `NoPack`.

    Without a `trusted` key (PEM) the pack's own is taken, which shows that nothing was changed and not who signed.
    """
    try:
        with ZipFile(pack) as archive:
            files = {name: archive.read(name) for name in (*SIGNED, "signature.json")}
        signature = json.loads(files["signature.json"])
        own = signature["public_key"]
        promotion = json.loads(files["evidence.json"])["promotion"]
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise NoPack(f"{pack} is no evidence pack: {error}") from error
    problems = []
    if trusted is not None and trusted.strip() != own.strip():
        problems.append("It was signed by another key than the one you trust.")
    key = _public(own)
    for name in SIGNED:
        told = signature["files"].get(name, {})
        digest = sha256(files[name]).hexdigest()
        if told.get("sha256") != digest or not _signed(key, f"{name} {digest}".encode(), told):
            problems.append(f"{name} is not the one that was signed.")
    return {
        "promotion": promotion["id"],
        "model": f"{promotion['model']} version {promotion['version']}",
        "state": promotion["state"],
        "record_digest": promotion["record_digest"],
        "key": "trusted" if trusted is not None else "the pack's own: name the one you trust with --key",
        "problems": problems,
    }


def _public(pem: str) -> Ed25519PublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise NoPack("The pack's key is no Ed25519 key.")
    return key


def _signed(key: Ed25519PublicKey, content: bytes, told: dict[str, Any]) -> bool:
    try:
        key.verify(b64decode(told.get("signature", "")), content)
    except (InvalidSignature, ValueError):
        return False
    return True
