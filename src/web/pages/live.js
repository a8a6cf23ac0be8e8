// Puts the newest live part of the page in the place of the one before. What is shown was made, and
// made safe, by the server; nothing is made here.
"use strict";
(() => {
  const EVERY = 2000;
  const PATIENCE = 10000;
  const gone = document.getElementById("gone");
  const goneSince = document.getElementById("gone-since");
  let timer;
  let looking = false;

  const live = () => document.getElementById("live");

  // Whoever is about to copy a command shall not lose it.
  const isInUse = () => {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && live().contains(selection.anchorNode);
  };

  const name = () => {
    document.title = live().dataset.title;
  };

  const show = (fresh) => {
    const focus = document.activeElement;
    const link = live().contains(focus) ? focus.getAttribute("href") : null;
    live().replaceWith(document.adoptNode(fresh));
    name();
    if (link !== null) {
      const again = [...live().querySelectorAll("a")].find((one) => one.getAttribute("href") === link);
      again?.focus({ preventScroll: true });
    }
  };

  const tell = (isGone) => {
    if (isGone && gone.hidden) {
      goneSince.textContent = new Date().toLocaleTimeString();
      document.title = "no answer · autoexec";
    }
    if (!isGone && !gone.hidden) {
      name();
    }
    gone.hidden = !isGone;
    live().classList.toggle("old", isGone);
  };

  const look = async () => {
    if (looking) {
      return;
    }
    looking = true;
    try {
      const answer = await fetch("/live", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      const text = await answer.text();
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
      if (answer.ok && fresh !== null) {
        if (!isInUse()) {
          show(fresh);
        }
        tell(false);
      } else {
        tell(true);
      }
    } catch {
      tell(true);
    }
    looking = false;
    later();
  };

  const later = () => {
    clearTimeout(timer);
    if (!document.hidden) {
      timer = setTimeout(look, EVERY);
    }
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) {
      look();
    }
  });
  name();
  later();
})();
