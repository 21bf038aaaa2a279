"""The key that signs evidence: Ed25519 (RFC 8032), in a file of its own that is made when it is first needed."""

import os
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from domain.errors import Unavailable


class KeyUnreadable(Unavailable):
    code = "evidence_key_unreadable"


@dataclass(frozen=True)
class SigningKey:
    """Signs bytes; `public` is the public key in PEM, for whoever wants to verify them."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, content: bytes) -> str:
        """The signature in base64."""
        return b64encode(self.private.sign(content)).decode()


def signing_key(path: Path) -> SigningKey:
    """The key in this file, made (readable by its owner only) when there is none. Raises `KeyUnreadable`.

    Two processes that make it at once agree on the one that was linked first.
    """
    try:
        if not path.exists():
            _make(path)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(path, "it is no Ed25519 key")
    return SigningKey(key)


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(pem)
    try:
        os.link(draft, path)
    except FileExistsError:  # another process was faster
        pass
    finally:
        draft.unlink()


def _unreadable(path: Path, why: str) -> KeyUnreadable:
    fix = "Name another file in MILLRACE_EVIDENCE_KEY_FILE, or remove it: the next pack is signed by a new key."
    return KeyUnreadable(f"The key that signs evidence cannot be read: {why}.", where=str(path.name), fix=fix)
