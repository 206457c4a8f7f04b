// Asks the sandbox, and keeps what it answered last with its tag, so that nothing new costs nothing.

const API = "api/";
const kept = new Map();
let token = "";

export class Refused extends Error {
  constructor(status, { code = "", message = "" }) {
    super(message || `The sandbox answered ${status}.`);
    this.status = status;
    this.code = code;
  }
}

async function fetched(path, options) {
  let answer;
  try {
    answer = await fetch(API + path, options);
  } catch {
    throw new Refused(0, { message: "The sandbox does not answer. It may have ended: start it again with tidegate sandbox up." });
  }
  if (answer.ok || answer.status === 304) return answer;
  throw new Refused(answer.status, await answer.json().catch(() => ({})));
}

// The sandbox's time now, in epoch seconds; `speed` times as fast as this machine's.
let told = { at: 0, here: 0, speed: 1 };
export const now = () => told.at + ((performance.now() - told.here) / 1000) * told.speed;
export const setSpeed = (speed) => (told.speed = speed);

export async function ask(path) {
  const before = kept.get(path);
  const answer = await fetched(path, { headers: before ? { "If-None-Match": before.tag } : {} });
  const at = Number(answer.headers.get("x-tidegate-time"));
  if (at) told = { at, here: performance.now(), speed: told.speed };
  if (answer.status === 304) return before.value;
  const value = await answer.json();
  kept.set(path, { tag: answer.headers.get("etag"), value });
  if (kept.size > 40) kept.delete(kept.keys().next().value);
  if (value.token) token = value.token;
  return value;
}

export async function call(scope, service, operation, parameters) {
  const answer = await fetched(`${scope}/call/${service}/${operation}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Tidegate-Token": token },
    body: JSON.stringify(parameters),
  });
  return answer.json();
}

export const documentAddress = (scope, { bucket, key }) =>
  `${API}${scope}/document?${new URLSearchParams({ bucket, key })}`;
