"use strict";

const KINDS = ["liked", "disliked"];
const state = { liked: [], disliked: [], token: "", answer: null, without: null, found: [], asked: 0, searched: 0 };

const byId = (id) => document.getElementById(id);
const nameOf = (item) => item.title || item.id;
const score = (value) => value.toFixed(Math.abs(value) < 1000 ? 3 : 0).replace("-", "−");

// Texts are always put in as texts, so that no title can become a part of the page.
function element(kind, className, ...parts) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  made.append(...parts.filter((part) => part !== null));
  return made;
}

function button(text, label, key, action, pressed) {
  const made = element("button", "", text);
  made.type = "button";
  made.dataset.key = key;
  made.setAttribute("aria-label", label);
  if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
  made.addEventListener("click", action);
  return made;
}

// Whoever works with the keyboard stays at the same button, or near it where it has gone.
function redraw(id, parts, otherwise) {
  const box = byId(id);
  const key = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  box.replaceChildren(...parts);
  if (key === undefined) return;
  const same = [...box.querySelectorAll("button")].find((each) => each.dataset.key === key);
  (same || byId(otherwise)).focus({ preventScroll: !same });
}

function say(text, wrong) {
  byId("notice").textContent = text;
  byId("notice").className = wrong ? "wrong" : "";
}

async function ask(path, body) {
  const headers = state.token ? { authorization: `Bearer ${state.token}` } : {};
  const options = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  let response, answer;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  try {
    answer = await response.json();
  } catch {
    throw new Error(`The answer of the server cannot be read (status ${response.status}).`);
  }
  const refused = response.status === 401;
  if (refused && byId("access").hidden) setTimeout(() => byId("token").focus());
  byId("access").hidden = !refused;
  if (refused) throw new Error(state.token ? "The server does not know this token." : "Give the server's token first.");
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

const has = (kind, item) => state[kind].some((each) => each.id === item.id);

function put(kind, item) {
  const taken = kind !== null && has(kind, item);
  for (const name of KINDS) state[name] = state[name].filter((each) => each.id !== item.id);
  if (kind && !taken) state[kind].push({ id: item.id, title: item.title });
  state.without = null;
  const parts = new URLSearchParams();
  for (const name of KINDS) for (const each of state[name]) parts.append(name, each.id);
  history.replaceState(null, "", parts.size ? `#${parts}` : location.pathname);
  showFound();
  showHistory();
  rank();
}

function choices(item, where) {
  const choice = (kind, text) =>
    button(text, `${text} ${nameOf(item)}`, `${where} ${kind} ${item.id}`, () => put(kind, item), has(kind, item));
  return element("span", "choices", choice("liked", "Like"), choice("disliked", "Dislike"));
}

// An item by its title and id, with a line for what else is told of it; what is null is not told.
function named(item, more, ...lines) {
  const told = [item.title ? item.id : null, more].filter((part) => part !== null).join(" · ");
  const small = [told, ...lines].filter(Boolean).map((line) => element("small", "", line));
  return element("span", "name", element("span", "title", nameOf(item)), ...small);
}

const none = (text) => element("li", "none", text);

function showFound(note) {
  redraw("found", state.found.map((item) => element("li", "", named(item, null), choices(item, "found"))), "search");
  if (note !== undefined) byId("found-note").textContent = note;
}

function showHistory() {
  for (const kind of KINDS) {
    const rows = state[kind].map((item, index) => {
      const remove = button("Remove", `Remove ${nameOf(item)}`, `remove ${item.id}`, () => put(null, item));
      const number = element("span", "rank", String(index + 1));
      if (kind === "liked") return element("li", "", number, named(item, null), remove);
      const pressed = state.without === item.id;
      const without = button("Without it", `Show the lists without disliking ${nameOf(item)}`, `without ${item.id}`,
        () => leaveOut(pressed ? null : item.id), pressed);
      return element("li", "", number, named(item, null, ...moved(item)), element("span", "choices", without, remove));
    });
    redraw(kind, rows.length ? rows : [none("None yet.")], `${kind}-title`);
  }
}

const headingOf = (list) => (list.labels.length ? list.labels.join(" and ") : "Served");

// How much a dislike moves, of each version.
function moved(item) {
  if (state.answer === null) return [];
  return state.answer.lists.flatMap((list) => {
    const found = (list.dislikes || []).find((each) => each.id === item.id);
    if (!found) return [];
    const count = found.items.filter((each, index) => each.after !== index + 1).length;
    const text = count ? `moves ${count} of ${found.items.length} shown` : "moves nothing shown";
    return [state.answer.lists.length > 1 ? `${headingOf(list)}: ${text}` : text];
  });
}

function leaveOut(id) {
  state.without = id;
  showHistory();
  showLists();
}

const place = (number) => (number === null ? `beyond ${state.answer.deep}` : String(number));

// From which place to which an item is moved; null where it stays.
function change(from, to, comment) {
  if (from === to) return null;
  const up = (to ?? Infinity) < (from ?? Infinity);
  const mark = element("span", "", `${up ? "▲" : "▼"} ${place(from)} → ${place(to)}`);
  mark.ariaHidden = "true";
  const said = element("span", "unseen", `moved ${up ? "up" : "down"} from place ${place(from)} to ${place(to)}`);
  return element("span", `change ${up ? "up" : "down"}`, mark, said, comment ? `, ${comment}` : "");
}

function row(number, item, where, scores, moves) {
  const what = element("div", "what", named(item, scores), moves);
  return element("li", "", element("span", "rank", number), what, choices(item, where));
}

function scoresOf(item) {
  const before = item.score_before === null ? "" : score(item.score_before);
  const after = score(item.score);
  // Spaces that break no line.
  return (before && before !== after ? `score ${before} → ${after}` : `score ${after}`).replaceAll(" ", "\u00a0");
}

function ranked(list, where) {
  const shown = list.items.length;
  return list.items.map((item, index) => row(String(index + 1), item, where, scoresOf(item),
    change(item.before, index + 1, (item.before ?? Infinity) > shown ? "came in" : "")));
}

function rankedWithout(dislike, where) {
  const shown = dislike.items.length;
  return dislike.items.map((item, index) => row(String(index + 1), item, where, `score ${score(item.score)}`,
    change(index + 1, item.after, (item.after ?? Infinity) > shown ? "falls out" : "")));
}

function others(title, items, where) {
  if (!items.length) return [];
  const rows = items.map((item) => row("", item, where, null, change(item.from, item.to)));
  return [element("h3", "", title), element("ol", "ranked", ...rows)];
}

function column(list) {
  const where = headingOf(list);
  const title = element("h2", "", where);
  if (list.version) title.append(element("span", "soft", ` version ${list.version}`));
  const made = element("section", "", title);
  made.setAttribute("aria-label", `List of ${where}`);
  if (list.error) {
    made.append(element("p", "wrong", list.error));
    return made;
  }
  const note = (text) => made.append(element("p", "soft", text));
  if (list.fallback) note("By popularity: the model knows nothing of this history.");
  if (!list.reads_dislikes && state.disliked.length) note("This model does not read dislikes: they are only left out.");
  const left = list.dislikes.find((each) => each.id === state.without);
  const rows = left ? rankedWithout(left, where) : ranked(list, where);
  made.append(element("ol", "ranked", ...(rows.length ? rows : [none("No item is left to recommend.")])));
  made.append(...(left ? others("Comes in by this dislike", left.came, where) : others("Fell out", list.fell, where)));
  return made;
}

function showLists() {
  const { answer } = state;
  byId("model").textContent = answer.model;
  const left = state.disliked.find((each) => each.id === state.without);
  byId("view").hidden = !left;
  if (left) {
    byId("view").replaceChildren(
      `Without your dislike of ${nameOf(left)}. ▲ and ▼ say where that dislike moves each item. `,
      button("Back to all dislikes", "Back to all dislikes", "back", () => {
        leaveOut(null);
        byId("disliked-title").focus();
      }));
  }
  byId("lists").className = answer.lists.length > 1 ? "two" : "";
  redraw("lists", answer.lists.map(column), "search");
  const differs = (list) => list.items.some((item, index) => item.before !== index + 1);
  const shifted = answer.lists.some((list) => !list.error && differs(list));
  say(shifted && !left ? "▲ and ▼ say from which place to which the rule of dislikes moved an item." : "");
}

async function rank() {
  const asked = ++state.asked;
  const ids = (kind) => state[kind].map((each) => each.id);
  byId("lists").setAttribute("aria-busy", "true");
  try {
    const answer = await ask("/page/lists", { liked: ids("liked"), disliked: ids("disliked") });
    if (asked !== state.asked) return;
    state.answer = answer;
    showHistory();
    showLists();
  } catch (error) {
    if (asked === state.asked) say(error.message, true);
  }
  if (asked === state.asked) byId("lists").removeAttribute("aria-busy");
}

async function search() {
  const searched = ++state.searched;
  const text = byId("search").value.trim();
  try {
    const answer = text ? await ask(`/page/items?${new URLSearchParams({ q: text })}`) : { items: [] };
    if (searched !== state.searched) return;
    state.found = answer.items;
    const count = answer.items.length;
    const told = answer.more ? `The ${count} most frequent. Type more to see others.` : `${count} found.`;
    showFound(text ? (count ? told : "Nothing found.") : "");
  } catch (error) {
    if (searched === state.searched) say(error.message, true);
  }
}

// The address holds the history, so that it can be handed on.
async function begin() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const unknown = [];
  let failed = "";
  state.without = null;
  for (const kind of KINDS) {
    const ids = parts.getAll(kind);
    state[kind] = [];
    if (!ids.length) continue;
    try {
      state[kind] = (await ask(`/page/items?${new URLSearchParams(ids.map((id) => ["id", id]))}`)).items;
      unknown.push(...ids.filter((id) => !has(kind, { id })));
    } catch (error) {
      // Kept, so that the next mark does not take it out of the address.
      state[kind] = ids.map((id) => ({ id, title: "" }));
      failed = error.message;
    }
  }
  showHistory();
  await rank();
  if (failed) say(failed, true);
  if (unknown.length) say(`Left out of the history, since the model does not know it: ${unknown.join(", ")}`, true);
}

// With the arrows from what was typed to what was found, and back.
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...byId("found").querySelectorAll("button")].filter((_, index) => index % 2 === 0);
  const at = rows.findIndex((each) => each.closest("li").contains(event.target));
  const next = at + step < 0 ? byId("search") : rows[Math.min(at + step, rows.length - 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

let waiting;
byId("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, 150);
});
byId("search").addEventListener("keydown", walk);
byId("found").addEventListener("keydown", walk);
byId("access").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = byId("token").value.trim();
  begin();
});
addEventListener("hashchange", begin);
showHistory();
begin();
