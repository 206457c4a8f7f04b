// Elements from values, and one tree brought to be like another. Text only ever becomes text.

const SVG = "http://www.w3.org/2000/svg";
const HANDLERS = ["onclick", "onchange", "onsubmit", "oninput", "onpointermove", "onpointerleave", "ontoggle"];

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element[name] = value;
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

// h("div.card", {id: "a"}, "text", h("p")): a function as an attribute is a handler, an object named style a style.
export function h(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  return fill(element, attributes, children);
}

export function s(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElementNS(SVG, tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  return fill(element, attributes, children);
}

// What a person or a script does to an element, and no view: it stays as it is.
const KEPT = { DETAILS: "open", BUTTON: "aria-disabled", PROGRESS: "value" };

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);
const alike = (a, b) => a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

// Bring `from` to look like `to`, keeping its elements where they are alike: focus, selection, scroll and what a
// person opened survive, and so does what a script put into an element with data-own.
export function morph(from, to) {
  if (!alike(from, to)) return void from.replaceWith(to);
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  // By its object: a style attribute is what the page's policy forbids.
  if (from.style.cssText !== to.style.cssText) from.style.cssText = to.style.cssText;
  for (const { name, value } of [...to.attributes]) {
    if (name === "style" || name === KEPT[from.nodeName]) continue;
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (name !== "style" && name !== KEPT[from.nodeName] && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const name of HANDLERS) from[name] = to[name];
  if (!to.hasAttribute("data-own")) children(from, to);
}

function children(from, to) {
  const keyed = new Map();
  for (const node of from.childNodes) if (keyOf(node)) keyed.set(keyOf(node), node);
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = keyOf(wanted) && keyed.get(keyOf(wanted));
    if (known && known !== at) from.insertBefore(known, at);
    const here = known ?? at;
    if (here && alike(here, wanted)) {
      at = here.nextSibling;
      morph(here, wanted);
    } else from.insertBefore(wanted, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
