// What a person sees: who are you, and what may it do? Plain forms, for harness/browser.py.

import { formOf } from "./forms.js";

export const interactionUrl = (_, { uid }) => `/interaction/${uid}`;

const page = (title, form) =>
  `<!DOCTYPE html><title>${title}</title><body><h1>${title}</h1>${form}</body>`;

const loginForm = (path) => `<form method="post" action="${path}">
  <input type="hidden" name="step" value="login"><input name="account">
  <button name="decision" value="allow">Sign in</button></form>`;

const consentForm = (path, account, scopes) => `<form method="post" action="${path}">
  <input type="hidden" name="step" value="consent"><p>${account}</p>
  ${scopes.map((scope) => `<input type="checkbox" name="scope" value="${scope}" checked>`).join("")}
  <button name="decision" value="allow">Allow</button>
  <button name="decision" value="deny">Deny</button></form>`;

// The grant that the consent amounts to: what was not ticked is refused for good, so that the
// server does not ask again.
async function grantOf(provider, details, ticked) {
  const { params, session, grantId } = details;
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  for (const scope of details.prompt.details.missingOIDCScope ?? []) {
    if (ticked.includes(scope)) {
      grant.addOIDCScope(scope);
    } else {
      grant.rejectOIDCScope(scope);
    }
  }
  return grant.save();
}

async function decide(provider, details, form) {
  if (form.get("decision") !== "allow") {
    return { error: "access_denied", error_description: "the person said no" };
  }
  if (details.prompt.name === "login") {
    return { login: { accountId: form.get("account") } };
  }
  return { consent: { grantId: await grantOf(provider, details, form.getAll("scope")) } };
}

export function interaction(provider) {
  return async (request, response) => {
    const details = await provider.interactionDetails(request, response);
    if (request.method === "POST") {
      const result = await decide(provider, details, await formOf(request));
      await provider.interactionFinished(request, response, result, {
        mergeWithLastSubmission: true,
      });
      return;
    }
    const form =
      details.prompt.name === "login"
        ? loginForm(request.url)
        : consentForm(
            request.url,
            details.session.accountId,
            details.prompt.details.missingOIDCScope ?? [],
          );
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end(page(details.prompt.name, form));
  };
}

// The pages of the device flow, with the server's own forms in them.
export const leastForms = {
  userCodeInputSource: (ctx, form, out, error) => {
    ctx.body = page("code", error ? "" : form);
  },
  userCodeConfirmSource: (ctx, form) => {
    ctx.body = page("confirm", `${form}<button type="submit" form="op.deviceConfirmForm"
      name="confirm" value="yes">Continue</button>`);
  },
  successSource: (ctx) => {
    ctx.body = page("done", "");
  },
};
