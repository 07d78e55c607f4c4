// Keeps a page up to date without loading it again: asks once a second whether anything has
// changed, and then changes only what has. What is focused, open, typed or scrolled stays.
// Everything on the page works without this.

const live = document.getElementById("live");
const clock = document.getElementById("clock");
const link = document.getElementById("link");
const said = document.getElementById("said");
const EVERY_MS = 1000;
const SAID_MS = 12_000;

let tag = "";
let shown = { at: performance.now(), time: Number(clock.dataset.now) };

// --- the part that changes -------------------------------------------------------------------

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "";
}

function patchAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    // Opened by the reader, not by the server.
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function patch(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  patchAttributes(old, fresh);
  // Somebody is about to choose.
  if (old.contains(document.activeElement) && old.localName === "select") return;
  const keyed = new Map();
  for (const child of old.children) if (keyOf(child)) keyed.set(keyOf(child), child);
  const wanted = new Set([...fresh.children].map(keyOf));
  let place = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    // What has a key and is gone makes room first, so that what stays need not move.
    while (place && keyOf(place) && !wanted.has(keyOf(place))) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    const key = keyOf(next);
    let same = null;
    if (key) same = keyed.get(key) ?? null;
    else if (place && !keyOf(place) && place.nodeName === next.nodeName) same = place;
    if (!same || same.nodeName !== next.nodeName) {
      old.insertBefore(document.importNode(next, true), place);
      continue;
    }
    if (same === place) place = place.nextSibling;
    else old.insertBefore(same, place);
    patch(same, next);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

async function refresh() {
  const url = new URL(location.href);
  url.searchParams.set("part", "live");
  const headers = tag ? { "if-none-match": tag } : {};
  const answer = await fetch(url, { headers, cache: "no-store" });
  if (answer.status !== 200 && answer.status !== 304) {
    // The payment was forgotten.
    if (answer.status === 404) location.reload();
    throw new Error(`answered ${answer.status}`);
  }
  shown = { at: performance.now(), time: Number(answer.headers.get("till-now")) };
  if (answer.status === 304) return;
  tag = answer.headers.get("etag") ?? "";
  const fresh = document.createElement("main");
  fresh.innerHTML = await answer.text();
  for (const { name, value } of live.attributes) fresh.setAttribute(name, value);
  patch(live, fresh);
}

let timer = 0;
let running = false;

async function look() {
  clearTimeout(timer);
  if (running) return;
  running = true;
  try {
    await refresh();
    if (link.textContent) link.textContent = "";
  } catch {
    link.textContent = link.dataset.lost;
  }
  running = false;
  // Nobody looks at a hidden page.
  if (!document.hidden) timer = setTimeout(look, EVERY_MS);
}

// --- the clock ---------------------------------------------------------------------------------

const parts = new Intl.DateTimeFormat("en-GB", {
  timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

function tick() {
  const moved = clock.dataset.moves === "yes" ? performance.now() - shown.at : 0;
  const now = new Date(shown.time + moved);
  const of = Object.fromEntries(parts.formatToParts(now).map(({ type, value }) => [type, value]));
  const text = `${of.weekday} ${of.day} ${of.month.slice(0, 3)} ${of.year}, `
    + `${of.hour}:${of.minute}:${of.second} UTC`;
  if (clock.textContent === text) return;
  clock.textContent = text;
  clock.dateTime = now.toISOString();
}

// --- orders ------------------------------------------------------------------------------------

let fading = 0;

function fade() {
  clearTimeout(fading);
  fading = setTimeout(() => said.replaceChildren(), SAID_MS);
}

function say(text, good) {
  const line = document.createElement("p");
  line.className = good ? "good" : "bad";
  line.textContent = text;
  said.replaceChildren(line);
  fade();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form.order")) return;
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  try {
    const body = new URLSearchParams(new FormData(form));
    const headers = { accept: "application/json" };
    const answer = await fetch(form.action, { method: "POST", body, headers });
    const { ok, text } = await answer.json();
    say(text, ok);
    if (ok) {
      // What was typed is done; the next order starts from what the page then offers.
      form.reset();
      if (form.matches(":popover-open")) form.hidePopover();
    }
  } catch {
    say("Not done: the simulator does not answer.", false);
  }
  delete form.dataset.sent;
  await look();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});
setInterval(tick, 250);
fade();
look();
