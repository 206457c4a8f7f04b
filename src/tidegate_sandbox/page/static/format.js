// Numbers, times and names as people read them. Times are the sandbox's, in UTC as CloudWatch's reasons have them.

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });

export const number = (value) => (value === null || value === undefined ? "–" : Math.abs(value) >= 1000 ? whole.format(value) : short.format(value));
export const percent = (share) => (share === null || share === undefined || Number.isNaN(share) ? "–" : `${short.format(share * 100)} %`);
export const milliseconds = (value) => (value === null || value === undefined ? "–" : `${number(value)} ms`);
export const bytes = (value) => (value >= 2 ** 30 ? `${short.format(value / 2 ** 30)} GB` : value >= 2 ** 20 ? `${whole.format(value / 2 ** 20)} MB` : `${whole.format(value / 2 ** 10)} KB`);

const two = (value) => String(value).padStart(2, "0");
const seconds = (at) => (typeof at === "string" ? Date.parse(at) / 1000 : at);

export function time(at) {
  if (!at) return "–";
  const date = new Date(seconds(at) * 1000);
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

export function minute(at) {
  return time(at).slice(0, 5);
}

export function moment(at) {
  return at ? new Date(seconds(at) * 1000).toISOString().replace("T", " ").slice(0, 19) : "–";
}

export function duration(length) {
  const rest = Math.max(0, Math.round(length));
  if (rest < 60) return `${rest} s`;
  if (rest < 3600) return rest % 60 ? `${Math.floor(rest / 60)} min ${rest % 60} s` : `${rest / 60} min`;
  const minutes = Math.floor((rest % 3600) / 60);
  return minutes ? `${Math.floor(rest / 3600)} h ${minutes} min` : `${Math.floor(rest / 3600)} h`;
}

export function ago(at, now) {
  const passed = now - seconds(at);
  if (passed < 60) return "just now";
  if (passed < 86400) return `${duration(passed - (passed % 60))} ago`;
  return `${Math.floor(passed / 86400)} d ago`;
}

export const lastPart = (text) => String(text ?? "").split("/").at(-1);
export const hash = (text) => String(text ?? "").slice(0, 8);
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

// CloudFormation's names are long; their ends are what tells them apart.
export const ending = (text, length = 28) => (text.length > length ? `…${text.slice(1 - length)}` : text);
