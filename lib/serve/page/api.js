// What is asked of the server: docs/service.md has the calls.

import { askForToken, forgetToken, token } from "./token.js";

const root = new URL("v1/", document.baseURI);

/// A refusal: its text is for people.
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || `The server answered with ${status}.`);
    this.status = status;
    this.body = body ?? {};
  }
}

/// The server could not be reached, or the line was cut.
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached.");
  }
}

export const addressOf = (path, query = {}) => {
  const address = new URL(path, root);
  for (const [name, value] of Array.isArray(query) ? query : Object.entries(query)) {
    if (value !== undefined && value !== "") address.searchParams.append(name, value);
  }
  return address;
};

export const part = (text) => encodeURIComponent(text);

export function authorization() {
  return token() === "" ? {} : { Authorization: `Bearer ${token()}` };
}

/// What a refusal of an upload or a question says, if it says something.
export function problemOf(status, text) {
  try {
    return new Problem(status, JSON.parse(text));
  } catch {
    return new Problem(status);
  }
}

/// An answer that is none of an error. Where a token is wanted it asks for one, and then again.
export async function ask(path, { query, signal, headers = {}, ...options } = {}) {
  for (;;) {
    const used = token();
    let answer;
    try {
      answer = await fetch(addressOf(path, query), {
        ...options, signal, headers: { ...headers, ...authorization() }, cache: "no-store", credentials: "omit",
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Unreachable();
    }
    if (answer.ok) return answer;
    const problem = problemOf(answer.status, await answer.text());
    if (answer.status !== 401 || !(await hasOtherToken(used, problem.message))) throw problem;
  }
}

export const askJson = async (path, options) => (await ask(path, options)).json();

/// Whether there is another token than the one that was refused: somebody may have given it meanwhile.
export async function hasOtherToken(used, why) {
  if (token() !== used) return true;
  if (used !== "") forgetToken();
  return askForToken(used === "" ? "Whoever runs it gives one out." : `${why[0].toUpperCase()}${why.slice(1)}.`);
}

/// Server-sent events of an answer: EventSource would send no Authorization.
export async function* eventsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const event = eventOf(text.slice(0, end));
        text = text.slice(end + 2);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/// Comments keep the line open, and are none.
function eventOf(lines) {
  const fields = {};
  for (const line of lines.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
  }
  return fields.event && { name: fields.event, data: JSON.parse(fields.data) };
}

/// Hands over what a browser's user keeps as a file: a link would send no Authorization.
export async function download(path, name) {
  const answer = await ask(path);
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
