// What the keyboard does beyond what the browser gives: every key stands in the page as `data-key`, on the link, button, field or
// summary that it works. Pages do all of it without this file too.
"use strict";
(() => {
  const TYPED = "input:not([type=checkbox]):not([type=radio]), select, textarea, [contenteditable]";
  // Keys of a row follow each other within a second: `g` and then `p`.
  const ROW_MS = 1000;
  // A search asks once nobody has typed for so long.
  const REST_MS = 300;
  let before = "";
  let since = 0;

  const seen = (element) => element.getClientRects().length > 0;
  const named = (key) => [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(seen);
  const begins = (key) => document.querySelector(`[data-key^="${CSS.escape(key)} "]`) !== null;

  // A field is gone to, a summary opened and its first field gone to, all else clicked.
  function work(element) {
    if (element.matches(TYPED)) {
      element.focus();
      element.select?.();
    } else if (element.matches("summary")) {
      const details = element.parentElement;
      details.open = !details.open;
      const field = details.open && details.querySelector("input:not([type=hidden]), select, textarea, button");
      (field || element).focus();
    } else if (element.matches("form")) {
      element.requestSubmit();
    } else {
      element.click();
    }
  }

  // The rows of the page's list, each by what its link or its tick can be reached with.
  function rows() {
    return [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a.name") && seen(row));
  }

  function step(by) {
    const all = rows();
    if (all.length === 0) return false;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
    all[next].querySelector("a.name").focus();
    return true;
  }

  function tick() {
    const row = document.activeElement?.closest("tbody tr");
    const box = row?.querySelector("input[type=checkbox]");
    if (!box) return false;
    box.click();
    row.querySelector("a.name").focus();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const target = event.target;
    if (target instanceof Element && target.matches(TYPED)) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const chained = before && event.timeStamp - since < ROW_MS ? `${before} ${event.key}` : event.key;
    const element = named(chained);
    before = element === undefined && begins(chained) ? chained : "";
    since = event.timeStamp;
    if (element) work(element);
    else if (event.key === "j" ? !step(1) : event.key === "k" ? !step(-1) : event.key === "x" ? !tick() : true) return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button[data-shows], button[data-copies]");
    if (!button) return;
    if (button.dataset.shows) document.getElementById(button.dataset.shows)?.showModal();
    const text = button.dataset.copies && document.getElementById(button.dataset.copies)?.textContent;
    if (text) {
      navigator.clipboard?.writeText(text).then(() => {
        button.textContent = button.dataset.copied;
      }, () => {});
    }
  });

  // Lists follow their filters.
  let resting = 0;
  const filters = (target) => target instanceof Element && target.closest("form.filters");
  const send = (form) => form.isConnected && form.requestSubmit();
  document.addEventListener("change", (event) => {
    const form = filters(event.target);
    if (form && event.target.matches("select")) send(form);
  });
  document.addEventListener("input", (event) => {
    const form = filters(event.target);
    if (!form || !event.target.matches("input[type=search]")) return;
    clearTimeout(resting);
    resting = setTimeout(send, REST_MS, form);
  });

  // An answer that is no page of ours to put in the place of this one's content, a sign-in for example, is gone to as a whole.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status < 400 && /<main[^>]* id="main"/.test(xhr.responseText)) return;
    event.detail.shouldSwap = false;
    location.assign(xhr.responseURL || location.href);
  });
  document.addEventListener("htmx:sendError", (event) => location.assign(event.detail.requestConfig.path));

  // A moment says besides when it was by the reader's own clock; days are the sensors' own and stay as they are.
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "long" });
  function local(time) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title = `${clock.format(at)} (${time.dateTime})`;
  }

  const begin = () => {
    for (const element of document.querySelectorAll("[data-scripted][hidden]")) element.hidden = false;
    for (const time of document.querySelectorAll("time[title][datetime*=T]")) local(time);
  };
  document.addEventListener("htmx:load", begin);
  document.addEventListener("DOMContentLoaded", begin);
})();
