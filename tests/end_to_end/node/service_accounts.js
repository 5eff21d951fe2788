// Tokens for service accounts, as Google gives them: a signed assertion buys one (RFC 7523, 2.1), and
// no client proves itself besides. The assertion is checked in full, also that the account may act
// for whom it names.

import { createPublicKey, verify } from "node:crypto";

import { errors } from "oidc-provider";

import { bodyOf } from "./forms.js";

export const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLIENT = "service-accounts";
const LIFETIME_MAX = 3600;
const CLOCK_LEEWAY = 300;

// The protocol wants a client for every grant: this one stands for all accounts.
export const client = {
  client_id: CLIENT,
  token_endpoint_auth_method: "none",
  grant_types: [GRANT],
  response_types: [],
  redirect_uris: [],
};

const jsonAt = (part) => JSON.parse(Buffer.from(part, "base64url").toString());

// What the assertion claims, once it is proven to be the account's own.
function claimsOf(assertion, accounts, audience) {
  const parts = assertion.split(".");
  if (parts.length !== 3) {
    throw new errors.InvalidGrant("not a signed JWT");
  }
  const [header, claims] = parts.slice(0, 2).map(jsonAt);
  const account = accounts.get(claims.iss);
  if (!account || header.alg !== "RS256") {
    throw new errors.InvalidGrant("no such account, or not RS256");
  }
  const key = createPublicKey({ key: account.jwk, format: "jwk" });
  const signed = Buffer.from(parts.slice(0, 2).join("."));
  if (!verify("RSA-SHA256", signed, key, Buffer.from(parts[2], "base64url"))) {
    throw new errors.InvalidGrant("Invalid JWT Signature.");
  }
  const now = Date.now() / 1000;
  if (claims.aud !== audience) {
    throw new errors.InvalidGrant("Invalid JWT: audience");
  }
  if (!(claims.iat <= now + CLOCK_LEEWAY && claims.exp > now - CLOCK_LEEWAY)
      || claims.exp - claims.iat > LIFETIME_MAX) {
    throw new errors.InvalidGrant("Invalid JWT: must be a short-lived token");
  }
  return { claims, account };
}

function scopeOf(claims, account) {
  const asked = (claims.scope ?? "").split(" ").filter(Boolean);
  if (asked.length === 0 || asked.some((scope) => !account.scopes.includes(scope))) {
    throw new errors.InvalidScope("no scope, or one that is not the account's", claims.scope);
  }
  return asked.join(" ");
}

export function serviceAccounts(provider, lifetime) {
  const accounts = new Map(); // address -> {jwk, scopes, acts_for}
  provider.registerGrantType(
    GRANT,
    async (ctx, next) => {
      const audience = ctx.oidc.urlFor("token");
      const { claims, account } = claimsOf(ctx.oidc.params.assertion, accounts, audience);
      if (claims.sub && !(account.acts_for ?? []).includes(claims.sub)) {
        throw new errors.UnauthorizedClient("the account may not act for this user");
      }
      const { AccessToken, ClientCredentials } = ctx.oidc.provider;
      const given = { client: ctx.oidc.client, scope: scopeOf(claims, account) };
      const token = claims.sub
        ? new AccessToken({ ...given, accountId: claims.sub, gty: "jwt_bearer" })
        : new ClientCredentials(given);
      token.account = claims.sub ? undefined : claims.iss;
      ctx.body = {
        access_token: await token.save(),
        expires_in: lifetime(),
        token_type: "Bearer",
      };
      await next();
    },
    ["assertion"],
  );
  return {
    add: (address, account) => accounts.set(address, account),
    // Reads the body, and names the client that such a request does not have.
    prepare: async (request) => {
      request.body = await bodyOf(request);
      const fields = new URLSearchParams(request.body);
      if (fields.get("grant_type") === GRANT && !fields.has("client_id")) {
        request.body += `&client_id=${CLIENT}`;
      }
    },
  };
}
