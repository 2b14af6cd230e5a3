/* Posts the form; the answer is the next state of the desk as HTML, or words for what went wrong. */

export const words = document.getElementById("desk-words").dataset;

/* The cookie's token, for the form's own grows stale when one signs in again elsewhere. */
function token() {
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}

export async function post(form, deed) {
  const body = new FormData(form);
  const own = body.get("csrfmiddlewaretoken");
  body.delete("csrfmiddlewaretoken");
  body.set("deed", deed);
  const headers = { "X-Desk": "1", "X-CSRFToken": token() || own };
  return fetch(form.action, { method: "POST", body, headers, redirect: "manual" });
}

export async function send(form, deed) {
  let response;
  try {
    response = await post(form, deed);
    if (response.type === "opaqueredirect" || response.status === 403) return { fault: words.out };
    if (![200, 409, 422].includes(response.status)) return { fault: words.failed };
    return { html: await response.text() };
  } catch {
    return { fault: words.away };
  }
}
