"use strict";

const byId = (id) => document.getElementById(id);
const state = { liked: [], disliked: [], token: "", asked: 0, searched: 0 };

function element(kind, text, className) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function nameOf(item, moved) {
  const made = element("span", item.title || item.id, "name");
  const small = element("small", item.title ? item.id : "");
  if (moved) small.append(" ", moved);
  made.append(small);
  return made;
}

function button(text, what, className, action) {
  const made = element("button", text, className);
  made.type = "button";
  made.setAttribute("aria-label", what);
  made.addEventListener("click", action);
  return made;
}

function say(text, wrong) {
  byId("notice").textContent = text;
  byId("notice").className = wrong ? "wrong" : "";
}

async function ask(path, body) {
  const headers = state.token ? { authorization: `Bearer ${state.token}` } : {};
  const options = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  const document_ = await response.json();
  byId("access").hidden = response.status !== 401;
  if (!response.ok) throw new Error(document_.error);
  return document_;
}

function put(kind, item) {
  for (const name of ["liked", "disliked"]) state[name] = state[name].filter((each) => each.id !== item.id);
  if (kind) state[kind].push(item);
  const parts = new URLSearchParams();
  for (const name of ["liked", "disliked"]) for (const each of state[name]) parts.append(name, each.id);
  history.replaceState(null, "", parts.size ? `#${parts}` : location.pathname);
  showHistory();
  rank();
}

function choices(item) {
  return [
    button("Like", `Like ${item.title || item.id}`, "like", () => put("liked", item)),
    button("Dislike", `Dislike ${item.title || item.id}`, "dislike", () => put("disliked", item)),
  ];
}

function fill(id, rows, none) {
  byId(id).replaceChildren(...(rows.length ? rows : none ? [element("li", none, "none")] : []));
}

function row(...parts) {
  const made = element("li");
  made.append(...parts);
  return made;
}

function showHistory() {
  for (const kind of ["liked", "disliked"]) {
    const rows = state[kind].map((item) =>
      row(nameOf(item), button("Remove", `Remove ${item.title || item.id}`, "", () => put(null, item)))
    );
    fill(kind, rows, "None yet.");
  }
}

function place(rank) {
  return rank === null ? "further down" : String(rank);
}

function change(before, after) {
  if (before === after) return null;
  const up = (after ?? 1e9) < (before ?? 1e9);
  const made = element("span", `${up ? "▲" : "▼"} ${place(before)} → ${place(after)}`, `change ${up ? "up" : "down"}`);
  return made;
}

function showLists(answer) {
  const told = state.disliked.length > 0;
  byId("version").textContent = `Version ${answer.version}`;
  byId("list-title").textContent = told ? "With the dislikes" : "List";
  byId("without-part").hidden = byId("moves-part").hidden = !told;
  fill("items", answer.items.map((item, index) =>
    row(element("span", String(index + 1), "rank"), nameOf(item, told && change(item.before, index + 1)), ...choices(item))
  ), "No item is left to recommend.");
  fill("without", answer.without.map((item, index) =>
    row(element("span", String(index + 1), "rank"), nameOf(item, change(index + 1, item.after)))
  ));
  byId("moves").replaceChildren(...answer.dislikes.map((dislike, index) => {
    const part = element("details");
    part.open = index === answer.dislikes.length - 1;
    const count = dislike.moved.length;
    part.append(element("summary", `${dislike.title || dislike.id}: ${count ? `${count} of the shown items moved` : "nothing shown moved"}`));
    const list = element("ol", undefined, "ranked");
    list.append(...dislike.moved.map((item) => row(nameOf(item, change(item.from, item.to)))));
    part.append(list);
    return part;
  }));
  say(answer.fallback ? "By popularity: the model knows nothing of this history." : "");
}

async function rank() {
  const asked = ++state.asked;
  try {
    const ids = (kind) => state[kind].map((each) => each.id);
    const answer = await ask("/page/lists", { liked: ids("liked"), disliked: ids("disliked") });
    if (asked === state.asked) showLists(answer);
  } catch (error) {
    if (asked === state.asked) say(error.message, true);
  }
}

async function search() {
  const searched = ++state.searched;
  const text = byId("search").value.trim();
  try {
    const found = text ? (await ask(`/page/items?${new URLSearchParams({ q: text })}`)).items : [];
    if (searched === state.searched) fill("found", found.map((item) => row(nameOf(item), ...choices(item))), text ? "Nothing found." : "");
  } catch (error) {
    if (searched === state.searched) say(error.message, true);
  }
}

async function begin() {
  const parts = new URLSearchParams(location.hash.slice(1));
  for (const kind of ["liked", "disliked"]) {
    const ids = parts.getAll(kind);
    if (!ids.length) continue;
    try {
      state[kind] = (await ask(`/page/items?${new URLSearchParams(ids.map((id) => ["id", id]))}`)).items;
    } catch (error) {
      say(error.message, true);
    }
  }
  showHistory();
  await rank();
}

let waiting;
byId("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, 150);
});
byId("access").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = byId("token").value;
  begin();
});
byId("without-part").hidden = byId("moves-part").hidden = true;
begin();
