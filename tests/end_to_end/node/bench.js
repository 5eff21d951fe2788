// What stands beside the authorisation server: the API that its access tokens are good for, and
// the bench, where a test registers clients, turns knobs, ends grants and reads what happened.

import { createHash } from "node:crypto";

import { jsonOf } from "./forms.js";

// What is known of a token that reached the API: whether it is alive, and whose.
async function judge(provider, token) {
  const found =
    (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
  return found && found.isValid ? found : undefined;
}

export function bench(provider, knobs, accounts) {
  const state = {
    granted: {}, // grant_type -> token requests that were answered with tokens
    refused: {}, // grant_type -> those that were not
    burned: 0, // grants that ended, for whatever reason
    calls: [], // what reached the API
  };
  const count = (into) => (ctx) => {
    const grant = ctx.oidc.params?.grant_type ?? "unknown";
    into[grant] = (into[grant] ?? 0) + 1;
  };
  provider.on("grant.success", count(state.granted));
  provider.on("grant.error", count(state.refused));
  provider.on("grant.revoked", () => {
    state.burned += 1;
  });

  const say = (response, status, value, headers = {}) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };

  async function api(request, response) {
    const [, token = ""] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
    const known = token ? await judge(provider, token) : undefined;
    let bytes = 0;
    const sum = createHash("sha256");
    for await (const piece of request) {
      bytes += piece.length;
      sum.update(piece);
    }
    state.calls.push({
      method: request.method,
      path: request.url,
      bytes,
      sha256: sum.digest("hex"),
      token,
      alive: Boolean(known),
      at: Date.now(),
    });
    if (!known) {
      say(response, 401, { error: "invalid_token" }, {
        "WWW-Authenticate": 'Bearer error="invalid_token"',
      });
      return;
    }
    say(response, 200, {
      account: known.accountId ?? known.extra?.account ?? null,
      client: known.clientId,
      scopes: (known.scope ?? "").split(" ").filter(Boolean),
    });
  }

  const tools = {
    knobs: async (asked) => Object.assign(knobs, asked),
    counts: async () => ({ granted: state.granted, refused: state.refused, burned: state.burned }),
    calls: async () => state.calls,
    // As the person does it in the provider's settings: every grant of theirs is gone.
    withdraw: async ({ token }) => {
      const found =
        (await provider.AccessToken.find(token, { ignoreExpiration: true })) ??
        (await provider.RefreshToken.find(token, { ignoreExpiration: true }));
      for (const kind of [provider.AccessToken, provider.RefreshToken, provider.AuthorizationCode]) {
        await kind.adapter.revokeByGrantId(found.grantId);
      }
      return { grant: found.grantId };
    },
    // Ends one access token alone, long before its time.
    expire: async ({ token }) => {
      const found =
        (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
      await found?.destroy();
      return {};
    },
    account: async ({ address, ...account }) => {
      accounts.add(address, account);
      return {};
    },
    alive: async ({ token }) => ({
      alive:
        Boolean(await judge(provider, token)) ||
        Boolean((await provider.RefreshToken.find(token))?.isValid),
    }),
  };

  return (pathname) => {
    if (pathname.startsWith("/api/")) {
      return api;
    }
    if (pathname.startsWith("/test/")) {
      return async (request, response) =>
        say(response, 200, await tools[pathname.slice("/test/".length)](await jsonOf(request)));
    }
    return undefined;
  };
}
