// Elements. What a file or the server says gets into the page through here, and only as text.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
  return node;
}

/// `make("p", {class: "note"}, "text", node)`: strings become text nodes.
export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/// In the place of what is in it; as above.
export function refill(node, ...children) {
  node.replaceChildren();
  return fill(node, {}, children);
}

export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

export const by = (id) => document.getElementById(id);

/// A button that does not send a form.
export function button(text, does, attributes = {}) {
  return make("button", { type: "button", ...attributes, on: { click: does } }, text);
}

/// Says it to whoever hears the page, and not again what was said last.
export function say(text) {
  const place = by("said");
  if (place.textContent !== text) place.textContent = text;
}

/// Writes a text only where it is another: what is read aloud or selected stays as it is.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
