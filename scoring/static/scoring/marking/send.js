/* Posts the form. The response is the next state of the desk as HTML, or a message for a failure. */

export const words = document.getElementById("desk-words").dataset;

/* The token in the cookie: that in the form is stale once the marker signs in again in another tab. */
function token() {
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}

/* The headers for this body, from which the form's own token is taken. */
export function headers(body) {
  const own = body.get("csrfmiddlewaretoken");
  body.delete("csrfmiddlewaretoken");
  return { "X-Desk": "1", "X-CSRFToken": token() || own };
}

export async function post(form, command) {
  const body = new FormData(form);
  const tokens = headers(body);
  body.set("command", command);
  return fetch(form.action, { method: "POST", body, headers: tokens, redirect: "manual" });
}

/* {html} or {message}. Nothing is sent twice here: a lost response is shown as a failure, and when the
   marker submits again the server knows the mark and goes on. */
export async function send(form, command) {
  let response;
  try {
    response = await post(form, command);
    if (response.type === "opaqueredirect" || response.status === 403) return { message: words.out };
    if (![200, 409, 422].includes(response.status)) return { message: words.failed };
    return { html: await response.text() };
  } catch {
    return { message: words.away };
  }
}
