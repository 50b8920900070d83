// What is typed into a card is kept as a draft every few seconds. The page works without this file.
"use strict";

(() => {
  const form = document.getElementById("card-form");
  if (!form || !form.querySelector("[data-kept]")) return;
  const status = form.querySelector("[data-kept]");
  const PAUSE = 2000; // milliseconds without a key before something is kept
  const LONGEST = 60000; // between two attempts while the server is away
  const MOST = 2 * 1024 * 1024 - 65536; // bytes of a form, as the server takes it
  let changed = false; // since it was kept last
  let sending = false;
  let failures = 0;
  let timer = 0;
  let leaving = false;

  const say = (text) => { if (status.textContent !== text) status.textContent = text; };
  const size = (data) => [...data].reduce((sum, [name, text]) => sum + new Blob([name, String(text)]).size + 120, 0);

  function later(wait) {
    clearTimeout(timer);
    timer = setTimeout(keep, wait);
  }

  async function keep() {
    if (!changed || sending || leaving) return;
    const data = new FormData(form);
    if (size(data) > MOST) { say(form.dataset.large); return; }
    sending = true;
    changed = false;
    say(form.dataset.keeping);
    try {
      const answer = await fetch(form.dataset.keep, { method: "POST", body: data, redirect: "manual" });
      if (answer.ok) {
        failures = 0;
        say(await answer.text());
      } else if (answer.type === "opaqueredirect" || answer.status === 401) {
        failed(form.dataset.out);
      } else if (answer.status === 413) {
        changed = true;
        say(form.dataset.large);
      } else if (answer.status >= 500 || answer.status === 429) {
        failed(form.dataset.away);
      } else {
        changed = true; // a refusal: trying again by itself changes nothing
        say(form.dataset.refused);
      }
    } catch {
      failed(form.dataset.away);
    } finally {
      sending = false;
      if (changed && failures === 0 && !timer) later(PAUSE);
    }
  }

  function failed(text) {
    changed = true;
    failures += 1;
    say(text);
    later(Math.min(LONGEST, PAUSE * 2 ** failures));
  }

  form.addEventListener("input", (event) => {
    changed = true;
    if (failures === 0) {
      say(form.dataset.unsaved);
      later(PAUSE);
    }
    // Whoever changes a confirmed text confirms it anew, or leaves it to be confirmed.
    const group = event.target.closest(".card-field");
    const box = group && group.querySelector("input[type=checkbox][name$='-confirm']");
    if (box && box !== event.target && box.value !== "1") {
      box.checked = false;
      box.value = "1";
    }
  });

  form.addEventListener("submit", (event) => {
    if (size(new FormData(form)) > MOST) {
      event.preventDefault();
      say(form.dataset.large);
      status.scrollIntoView({ block: "nearest" });
      return;
    }
    leaving = true;
    clearTimeout(timer);
  });
  addEventListener("pageshow", () => { leaving = false; });

  // A tab that is closed or put aside: what was typed since is sent along.
  addEventListener("pagehide", () => {
    if (!changed || leaving) return;
    const data = new FormData(form);
    if (size(data) < 60000) fetch(form.dataset.keep, { method: "POST", body: data, keepalive: true, redirect: "manual" });
  });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden" && failures === 0) keep(); });
  addEventListener("online", () => { if (changed) keep(); });

  form.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button.button-primary[value=save]"));
    }
  });
})();
