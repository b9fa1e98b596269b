// The playground while it is answered: the form's own request, with its answer read as it comes.
// Without this script the form is sent as any form is, and the page comes back with the whole answer.

const form = document.getElementById("ask");
const stop = document.getElementById("stop");
const result = document.getElementById("result");
const part = Object.fromEntries(
  ["status", "failed", "reasoning", "answer", "settled", "attempts", "decision"].map((id) => [id, document.getElementById(id)]),
);
let asking = null;

/** Markup comes from the console alone, which has escaped all that is not its own. */
function show(id, html) {
  part[id].innerHTML = html;
}

function append(element, text) {
  const follows = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
  element.append(text);
  if (follows) element.scrollTop = element.scrollHeight;
}

const on = {
  decided: ({ html }) => {
    show("decision", html);
    part.status.textContent = "Decided.";
  },
  attempts: ({ html }) => show("attempts", html),
  text: ({ text }) => append(part.answer, text),
  reasoning: ({ text }) => {
    part.reasoning.hidden = false;
    append(part.reasoning.querySelector("pre"), text);
  },
  restarted: () => {
    part.answer.textContent = "";
    part.reasoning.querySelector("pre").textContent = "";
    part.status.textContent = "Another model answers.";
  },
  completed: ({ html }) => {
    show("settled", html);
    part.status.textContent = "Answered.";
  },
  failed: ({ html }) => {
    show("failed", html);
    part.status.textContent = "Failed.";
  },
};

/** No attempt goes on when its stream has ended: those of which no end was told ended as the call did. */
function settleAttempts(outcome) {
  for (const open of part.attempts.querySelectorAll(".running")) {
    open.textContent = outcome;
    open.className = `state ${outcome}`;
  }
}

/** Server-sent events of a response's body, each as its name and data. */
async function* eventsOf(body) {
  let pending = "";
  for await (const piece of chunksOf(body.pipeThrough(new TextDecoderStream()))) {
    pending += piece;
    const whole = pending.split("\n\n");
    pending = whole.pop();
    for (const event of whole) {
      const fields = Object.fromEntries(event.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (fields.data) yield [fields.event, JSON.parse(fields.data)];
    }
  }
}

async function* chunksOf(stream) {
  const reader = stream.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
}

function clear() {
  result.hidden = false;
  part.reasoning.hidden = true;
  part.reasoning.querySelector("pre").textContent = "";
  for (const id of ["failed", "answer", "settled", "attempts", "decision"]) part[id].replaceChildren();
}

function busy(yes) {
  result.setAttribute("aria-busy", yes);
  stop.hidden = !yes;
  form.querySelector("button.main").disabled = yes;
}

async function ask() {
  asking = new AbortController();
  clear();
  busy(true);
  part.status.textContent = "Deciding …";
  let ended = false;
  let outcome = "failed";
  try {
    const response = await fetch(form.action, {
      method: "POST",
      headers: { accept: "text/event-stream" },
      body: new URLSearchParams(new FormData(form)),
      signal: asking.signal,
    });
    for await (const [name, data] of eventsOf(response.body)) {
      on[name]?.(data);
      ended ||= name === "completed" || name === "failed";
    }
    if (!ended) part.status.textContent = "The answer was cut off.";
  } catch (error) {
    const stopped = error.name === "AbortError";
    if (stopped) outcome = "cancelled";
    part.status.textContent = stopped ? "Stopped." : "The connection was lost.";
  } finally {
    settleAttempts(outcome);
    busy(false);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (form.querySelector("button.main").disabled) return;
  ask();
});
stop.addEventListener("click", () => asking?.abort());
form.elements.query.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
