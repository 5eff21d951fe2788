// An authorisation server and the API behind it, in one process: `oidc-provider`, told to be as
// strict as the strictest provider in the catalogue. PKCE is required, refresh tokens rotate and a
// reused one ends its whole grant, and the API under /api/ answers to living access tokens alone.
//
// CERTIFICATE and KEY name its TLS files. Once ready it prints its URL, which is its issuer. What a
// test may ask and change beside the protocol is under /test/ (bench.js).
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

import Provider from "oidc-provider";

import { bench } from "./bench.js";
import { interaction, interactionUrl, leastForms } from "./interaction.js";
import { client as accountsClient, serviceAccounts } from "./service_accounts.js";

const SCOPES = ["openid", "profile", "things:read", "things:write", "things:delete", "things:admin"];

// What a test may set while the server runs; lifetimes in seconds.
const knobs = { access_ttl: 3600, code_ttl: 60, refresh_ttl: 86400, device_ttl: 300 };

function configuration(key) {
  return {
    clients: [accountsClient],
    scopes: SCOPES,
    conformIdTokenClaims: false, // an id_token says whose it is
    claims: { openid: ["sub"], profile: ["name", "email"] },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: sub, email: `${sub}@example.com` }),
    }),
    jwks: { keys: [key] },
    // A service account's token says whose it is.
    extraTokenClaims: (_, { account }) => (account ? { account } : undefined),
    clientDefaults: {
      id_token_signed_response_alg: "ES256",
      grant_types: ["authorization_code", "refresh_token"],
    },
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
    cookies: { keys: [randomBytes(16).toString("hex")] },
    pkce: { methods: ["S256"], required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
    ttl: {
      AccessToken: () => knobs.access_ttl,
      ClientCredentials: () => knobs.access_ttl,
      AuthorizationCode: () => knobs.code_ttl,
      RefreshToken: () => knobs.refresh_ttl,
      DeviceCode: () => knobs.device_ttl,
      IdToken: 3600,
      Grant: 86400,
      Session: 86400,
      Interaction: 3600,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true, ...leastForms },
      introspection: { enabled: true, allowedPolicy: () => true },
      registration: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
    },
    interactions: { url: interactionUrl },
    renderError: (ctx, out) => {
      ctx.type = "text/plain";
      ctx.body = `${out.error}: ${out.error_description ?? ""}`;
    },
  };
}

function signingKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: "of-the-test" };
}

const server = createServer({
  cert: readFileSync(process.env.CERTIFICATE),
  key: readFileSync(process.env.KEY),
});
server.listen(0, "127.0.0.1", () => {
  const issuer = `https://localhost:${server.address().port}`;
  const provider = new Provider(issuer, configuration(signingKey()));
  const accounts = serviceAccounts(provider, () => knobs.access_ttl);
  const protocol = provider.callback();
  const besides = bench(provider, knobs, accounts);
  server.on("request", (request, response) => {
    const { pathname } = new URL(request.url, issuer);
    const token = async () => {
      await accounts.prepare(request);
      protocol(request, response);
    };
    const answer = pathname.startsWith("/interaction/") ? interaction(provider)
      : pathname === "/token" ? token : besides(pathname);
    if (!answer) {
      protocol(request, response);
      return;
    }
    answer(request, response).catch((error) => {
      response.writeHead(error.statusCode ?? 500, { "Content-Type": "text/plain" });
      response.end(String(error.stack));
    });
  });
  console.log(issuer);
});
