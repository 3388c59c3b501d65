// A resource server behind Orgate: GET /orgs/{org}/notes, for tokens of {org} alone.
import http from 'node:http';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const { ORGATE_ISSUER: issuer = 'http://localhost:8080', ORGATE_AUDIENCE: audience = 'notes', PORT = '3000' } = process.env;

/** An answer other than 200: a status, and the challenge that RFC 6750 §3 asks for. */
class Refusal extends Error {
  constructor(status, challenge) {
    super(http.STATUS_CODES[status]);
    Object.assign(this, { status, challenge });
  }
}

const discovered = await fetch(`${issuer}/.well-known/openid-configuration`).then((response) => response.json());
if (discovered.issuer !== issuer) throw new Error(`${issuer} calls itself ${discovered.issuer}`);
// Kept, and fetched again for a key that it does not know, every 30 seconds at most. A key is used with its own `alg` only.
const keys = createRemoteJWKSet(new URL(discovered.jwks_uri));

/** The claims of the request's access token. */
async function authenticate(authorization = '') {
  const [scheme, token] = authorization.split(' ');
  if (scheme.toLowerCase() !== 'bearer' || !token) throw new Refusal(401, 'Bearer');
  const invalid = new Refusal(401, 'Bearer error="invalid_token"');
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      typ: 'at+jwt', // an ID token is none
      algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA'],
      requiredClaims: ['sub', 'client_id', 'exp', 'iat', 'jti', 'org_id', 'org_name'],
      clockTolerance: 30,
    });
    // Bound to a key of the client's, whose proof is not checked here (RFC 9449 §7.2).
    if ('cnf' in payload) throw invalid;
    return payload;
  } catch (error) {
    const unreachable = !(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout;
    if (error !== invalid && (unreachable || error.code === 'ERR_JOSE_GENERIC')) throw new Refusal(503);
    throw invalid;
  }
}

/** Refuses a token of another organization. What begins like an id is compared with the id alone, or a slug could pose as one. */
function requireOrganization(claims, organization) {
  const own = /^org_/i.test(organization) ? claims.org_id : claims.org_name;
  if (organization !== own) throw new Refusal(403);
}

function requirePermission(claims, permission) {
  const held = Array.isArray(claims.permissions) && claims.permissions.includes(permission);
  if (!held) throw new Refusal(403, 'Bearer error="insufficient_scope"');
}

async function listNotes(request, organization) {
  const claims = await authenticate(request.headers.authorization);
  requireOrganization(claims, organization);
  requirePermission(claims, 'notes:read');
  // Query by `org_id` of the token, never by what the request says. Without `sid`, a machine asks: `sub` is its client.
  return { org_id: claims.org_id, sub: claims.sub, notes: [] };
}

/** The `{org}` of `/orgs/{org}/notes`. */
function organizationOf(request) {
  const [, organization] = /^\/orgs\/([^/?]+)\/notes(?:\?|$)/.exec(request.url) ?? [];
  if (request.method !== 'GET' || !organization) throw new Refusal(404);
  try {
    return decodeURIComponent(organization);
  } catch {
    throw new Refusal(400);
  }
}

const server = http.createServer(async (request, response) => {
  const answer = (status, body, headers = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  try {
    answer(200, await listNotes(request, organizationOf(request)));
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(error);
    const { status = 500, challenge } = error;
    answer(status, { error: http.STATUS_CODES[status] }, challenge && { 'www-authenticate': challenge });
  }
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
