// Keeps a page as it would be if it were loaded again now: told that something happened, it fetches the page and takes over
// the parts marked `data-live`. Without it the pages do the same when they are loaded by hand.
"use strict";
(() => {
  const WAIT = 150; // ms: what comes together is fetched together
  const sign = document.getElementById("live");
  let source = null;
  let out = false; // signed out: nothing more is fetched until somebody comes back to the page
  let timer = null;
  let busy = false;
  let again = false;

  const attributes = (was, now) => {
    for (const { name } of [...was.attributes]) {
      // Whether details are open is up to the reader.
      if (!now.hasAttribute(name) && name !== "open") was.removeAttribute(name);
    }
    for (const { name, value } of now.attributes) {
      if (name !== "open" && was.getAttribute(name) !== value) was.setAttribute(name, value);
    }
  };

  // Makes `was` like `now` in place, so that focus, selection and open details stay.
  const become = (was, now) => {
    if (was.nodeType !== now.nodeType || was.nodeName !== now.nodeName) {
      was.replaceWith(document.importNode(now, true));
      return;
    }
    if (was.nodeType !== Node.ELEMENT_NODE) {
      if (was.nodeValue !== now.nodeValue) was.nodeValue = now.nodeValue;
      return;
    }
    attributes(was, now);
    let place = was.firstChild;
    for (const child of [...now.childNodes]) {
      if (child.id && !(place && place.id === child.id)) {
        const known = [...was.children].find((one) => one.id === child.id);
        if (known) {
          was.insertBefore(known, place);
          become(known, child);
        } else {
          was.insertBefore(document.importNode(child, true), place);
        }
        continue;
      }
      if (!place || (place.id && !child.id && place.nodeName === child.nodeName)) {
        was.insertBefore(document.importNode(child, true), place);
        continue;
      }
      const next = place.nextSibling;
      become(place, child);
      place = next;
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };

  const refresh = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname === "/ui/sign-in") {
        signedOut(answer.url);
        return;
      }
      if (!answer.ok) {
        // What it showed stays as it was, and does not look as if it were so now.
        const gone = answer.status === 404 || answer.status === 410;
        say(gone ? "this is no longer there" : `not up to date (status ${answer.status})`, true);
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = part.id && page.getElementById(part.id);
        if (fresh) become(part, fresh);
      }
      // After a restart of the service forms bring back another value.
      const fresh = page.querySelector("input[name=csrf]");
      if (fresh) {
        for (const field of document.querySelectorAll("input[name=csrf]")) field.value = fresh.value;
      }
      if (source && source.readyState === EventSource.OPEN) say("live", false);
    } catch {
      // Not reachable: the stream of events says when it is again.
    } finally {
      busy = false;
      if (again) {
        again = false;
        soon();
      }
    }
  };

  const soon = () => {
    if (timer === null) {
      timer = setTimeout(() => {
        timer = null;
        refresh();
      }, WAIT);
    }
  };

  const say = (text, lost) => {
    if (!sign || sign.textContent === text) return;
    sign.textContent = text;
    sign.classList.toggle("lost", lost);
  };

  // The page is not left by itself: somebody may be writing in a form. The link opens beside it; who comes back from
  // there finds the page live again.
  const signedOut = (address) => {
    out = true;
    if (source) source.close();
    source = null;
    say("signed out: ", true);
    const link = document.createElement("a");
    link.href = address;
    link.target = "_blank";
    link.textContent = "sign in again";
    if (sign && !sign.querySelector("a")) sign.append(link);
  };

  // A browser has few connections to one host: a page that nobody sees needs none.
  const listen = () => {
    if (document.hidden) {
      if (source) source.close();
      source = null;
      return;
    }
    if (source) return;
    out = false;
    source = new EventSource("/ui/events");
    source.addEventListener("open", soon);
    source.addEventListener("changed", soon);
    source.addEventListener("error", () => {
      if (out) return;
      say("not connected", true);
      // A refusal ends the stream for good. The page may know why; if not, it is tried again all the same.
      if (source && source.readyState === EventSource.CLOSED) {
        source = null;
        refresh().then(() => {
          if (!out) setTimeout(listen, 5000);
        });
      }
    });
  };

  // What lasts says so, and is not begun twice.
  document.addEventListener("submit", ({ target }) => {
    if (!target.dataset.lasts) return;
    for (const form of document.querySelectorAll("form[data-lasts]")) {
      for (const button of form.querySelectorAll("button")) {
        button.disabled = true;
        if (form === target) {
          button.dataset.label = button.textContent;
          button.textContent = form.dataset.lasts;
        }
      }
    }
  });
  // Who goes back finds the page as it was left.
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    for (const button of document.querySelectorAll("form[data-lasts] button")) {
      button.disabled = false;
      if (button.dataset.label) button.textContent = button.dataset.label;
    }
  });

  // What was done is told once, not at every reload.
  const address = new URL(location.href);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
  }
  // An answer to a form is not there to be fetched again.
  if (sign && !("still" in document.body.dataset) && document.querySelector("[data-live]")) {
    document.addEventListener("visibilitychange", listen);
    addEventListener("focus", listen);
    listen();
  }
})();
