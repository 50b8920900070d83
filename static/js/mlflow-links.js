// MLflow's client prints addresses such as http://host/#/experiments/1/runs/…; here its pages are below /mlflow/.
"use strict";

(() => {
  if (!/^#\/(experiments|models)(\/|\?|$)/.test(location.hash)) return;
  const there = `/mlflow/${location.hash}`;
  const signIn = document.querySelector("main.alone");
  if (!signIn) {
    location.replace(there);
    return;
  }
  const asked = new URLSearchParams(location.search).get("next");
  if (asked && !["/", "/models/", "/mlflow/"].includes(asked)) return;
  const form = signIn.querySelector("form");
  if (form) {
    const next = form.elements.namedItem("next") || document.createElement("input");
    Object.assign(next, { type: "hidden", name: "next", value: there });
    form.append(next);
  }
  for (const link of signIn.querySelectorAll("a[href*='/single-sign-on/']")) {
    const address = new URL(link.href);
    address.searchParams.set("next", there);
    link.href = address.href;
  }
})();
