"""A security key in software: answers what a browser is asked, as a browser with a passkey would."""

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

SEEN, VERIFIED, NEW = 0x01, 0x04, 0x40  # flags of WebAuthn, section 6.1


class SoftKey:
    """One passkey for one host. `origin` is what the browser says where it is."""

    def __init__(self, host: str = "testserver", origin: str = "https://testserver", number: bytes = b"k" * 16) -> None:
        self.host, self.origin, self.number = host, origin, number
        self.key = ec.generate_private_key(ec.SECP256R1())

    def make(self, question: str) -> str:
        """Answer the question for a new passkey."""
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(b"\0" * 16, self.number, public)
        data = AuthenticatorData.create(self._host_hash(), SEEN | VERIFIED | NEW, 0, bytes(credential))
        said = self._said(question, "webauthn.create")
        return self._answer({"clientDataJSON": said, "attestationObject": AttestationObject.create("none", data, {})})

    def prove(self, question: str) -> str:
        """Answer the question whether it is there."""
        data = AuthenticatorData.create(self._host_hash(), SEEN | VERIFIED, 1)
        said = self._said(question, "webauthn.get")
        signature = self.key.sign(bytes(data) + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer({"clientDataJSON": said, "authenticatorData": data, "signature": signature})

    def _host_hash(self) -> bytes:
        return hashlib.sha256(self.host.encode()).digest()

    def _said(self, question: str, kind: str) -> bytes:
        challenge = json.loads(question)["publicKey"]["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        number = websafe_encode(self.number)
        encoded = {name: websafe_encode(bytes(value)) for name, value in response.items()}
        return json.dumps({"id": number, "rawId": number, "type": "public-key", "response": encoded,
                           "clientExtensionResults": {}})  # fmt: skip
