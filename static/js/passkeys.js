// Passkeys: ask the browser for one, put its answer into the form, send it. Without this file a code is typed instead.
"use strict";

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0)).buffer;
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function named(credentials) {
  return (credentials || []).map((one) => ({ ...one, id: bytes(one.id) }));
}

async function make(asked) {
  const made = await navigator.credentials.create({ publicKey: {
    ...asked,
    challenge: bytes(asked.challenge),
    user: { ...asked.user, id: bytes(asked.user.id) },
    excludeCredentials: named(asked.excludeCredentials),
  } });
  return answer(made, {
    attestationObject: text(made.response.attestationObject),
    transports: made.response.getTransports ? made.response.getTransports() : [],
  });
}

async function prove(asked) {
  const proof = await navigator.credentials.get({ publicKey: {
    ...asked,
    challenge: bytes(asked.challenge),
    allowCredentials: named(asked.allowCredentials),
  } });
  const { authenticatorData, signature, userHandle } = proof.response;
  return answer(proof, {
    authenticatorData: text(authenticatorData),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : null,
  });
}

function answer(credential, response) {
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: { clientDataJSON: text(credential.response.clientDataJSON), ...response },
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-passkey]");
  if (!form || form.elements.answer.value) return;
  event.preventDefault();
  const said = form.querySelector("[data-passkey-said]");
  try {
    if (!window.PublicKeyCredential) throw new Error("no passkeys here");
    const asked = JSON.parse(form.dataset.question).publicKey;
    form.elements.answer.value = await (form.dataset.passkey === "make" ? make(asked) : prove(asked));
    form.submit();
  } catch (error) {
    said.textContent = form.dataset.failed;
    said.hidden = false;
  }
});
