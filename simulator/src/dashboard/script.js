// Keeps a page as it would be if it were loaded again now: told that something happened, it fetches the page and takes over
// the parts marked `data-live`. Without it the pages do the same when they are loaded by hand.
"use strict";
(() => {
  const WAIT = 150; // ms: what comes together is fetched together
  const sign = document.getElementById("live");
  let source = null;
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
      if (answer.redirected) {
        location.reload(); // signed out meanwhile
        return;
      }
      if (!answer.ok) return; // what it showed is gone: it stays as it was
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
    if (!sign) return;
    sign.hidden = false;
    sign.textContent = text;
    sign.classList.toggle("lost", lost);
  };

  // A browser has few connections to one host: a page that nobody sees needs none.
  const listen = () => {
    if (document.hidden) {
      if (source) source.close();
      source = null;
      return;
    }
    if (source) return;
    source = new EventSource("/ui/events");
    source.addEventListener("open", () => {
      say("live", false);
      soon();
    });
    source.addEventListener("changed", soon);
    source.addEventListener("error", () => {
      say("not connected", true);
      // A refusal ends the stream for good; it is tried again all the same.
      if (source && source.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(listen, 5000);
      }
    });
  };

  // What was done is told once, not at every reload.
  const address = new URL(location.href);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
  }
  // An answer to a form is not there to be fetched again.
  if (sign && !("still" in document.body.dataset) && document.querySelector("[data-live]")) {
    document.addEventListener("visibilitychange", listen);
    listen();
  }
})();
