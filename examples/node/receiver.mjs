// A receiver of one organization's security events (SSF 1.0, CAEP 1.0): pushed here (RFC 8935), or polled (RFC 8936).
import { randomBytes, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const {
  ORGATE_ISSUER: issuer = 'http://localhost:8080',
  CLIENT_ID: clientId,
  CLIENT_SECRET: clientSecret,
  ORGANIZATION: organization, // an id: names may change
  DELIVERY: delivery = 'poll',
  PORT = '3001',
  PUBLIC_URL: publicUrl, // where Orgate reaches this receiver; for push
} = process.env;

const getJson = (url) => fetch(url).then((response) => response.json());
const transmitter = await getJson(`${issuer}/.well-known/ssf-configuration`);
const server = await getJson(`${issuer}/.well-known/oauth-authorization-server`);
if (transmitter.issuer !== issuer) throw new Error(`${issuer} calls itself ${transmitter.issuer}`);
const keys = createRemoteJWKSet(new URL(transmitter.jwks_uri));

/** Calls the transmitter with a fresh token: this receiver asks so rarely that it keeps none. */
async function call(method, url, body) {
  // `resource` names the transmitter: a token for anything else opens nothing there, and this one opens nothing else.
  const form = new URLSearchParams({ grant_type: 'client_credentials', resource: issuer, organization });
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  const token = await fetch(server.token_endpoint, { method: 'POST', headers: { authorization }, body: form });
  const { access_token: accessToken, error } = await token.json();
  if (!accessToken) throw new Error(`no token: ${error}`);
  const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' };
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

/** A token is refused for a reason of RFC 8935 §2.4. */
class Refusal extends Error {
  constructor(err, description) {
    super(description);
    this.err = err;
  }
}

/** Ids of what was taken: an event may come twice. Keep them where a restart does not forget them, as long as tokens are kept. */
const taken = new Set();

/** Checks a security event token, and acts on it. */
async function take(token) {
  let claims;
  try {
    ({ payload: claims } = await jwtVerify(token, keys, {
      issuer,
      audience: clientId,
      typ: 'secevent+jwt', // an access or ID token is none
      algorithms: ['RS256'],
      requiredClaims: ['iat', 'jti', 'events', 'sub_id', 'org_id'],
    }));
  } catch (error) {
    // A key that is not known yet, or keys that are not to be had now: it is to be sent again.
    const passes = [errors.JWKSNoMatchingKey, errors.JWKSTimeout].some((kind) => error instanceof kind);
    if (passes || !(error instanceof errors.JOSEError)) throw error;
    throw new Refusal({ aud: 'invalid_audience', iss: 'invalid_issuer' }[error.claim] ?? 'invalid_request', error.code);
  }
  if ('sub' in claims || 'exp' in claims) throw new Refusal('invalid_request', 'not a security event');
  if (claims.org_id !== organization) throw new Refusal('invalid_audience', 'of another organization');
  if (taken.has(claims.jti)) return claims.jti;
  for (const [type, event] of Object.entries(claims.events)) act(type.split('/').pop(), claims.sub_id, event);
  taken.add(claims.jti);
  return claims.jti;
}

/** What a backend would do: end its own session of `session`, or all of `user`'s, or load anew what it knows of them. */
function act(type, subject, event) {
  const { session, user, tenant, id } = subject;
  console.log(JSON.stringify({ type, session: session?.id, user: user?.sub, tenant: tenant?.id, stream: id, event }));
}

async function push() {
  const secret = `Bearer ${randomBytes(32).toString('base64url')}`;
  const isOrgate = (shown = '') => shown.length === secret.length && timingSafeEqual(Buffer.from(shown), Buffer.from(secret));
  const endpoint = http.createServer(async (request, response) => {
    const refuse = (status, err, description = err) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ err, description }));
    try {
      if (!isOrgate(request.headers.authorization)) return refuse(401, 'authentication_failed');
      if (request.headers['content-type'] !== 'application/secevent+jwt') return refuse(400, 'invalid_request');
      let token = '';
      for await (const chunk of request.setEncoding('utf8')) {
        token += chunk;
        if (token.length > 65536) return refuse(413, 'invalid_request');
      }
      await take(token);
      response.writeHead(202).end();
    } catch (error) {
      if (error instanceof Refusal) return refuse(400, error.err, error.message);
      console.error(error);
      response.writeHead(503).end(); // Orgate sends it again
    }
  });
  await new Promise((listening) => endpoint.listen(Number(PORT), '127.0.0.1', listening));
  const url = publicUrl ?? `http://localhost:${endpoint.address().port}/`;
  return { method: 'urn:ietf:rfc:8935', endpoint_url: url, authorization_header: secret };
}

async function poll(stream) {
  let [ack, setErrs] = [[], {}];
  for (;;) {
    const { sets } = await call('POST', stream.delivery.endpoint_url, { ack, setErrs, maxEvents: 50 });
    [ack, setErrs] = [[], {}];
    for (const [jti, token] of Object.entries(sets)) {
      try {
        ack.push(await take(token));
      } catch (error) {
        if (!(error instanceof Refusal)) {
          console.error(error);
          break; // it stays, and is given again before what comes after it
        }
        setErrs[jti] = { err: error.err, description: error.message };
      }
    }
    // Orgate answers at once where too many wait already.
    if (!ack.length && !Object.keys(setErrs).length) await pause(1000);
  }
}

const wanted = delivery === 'push' ? await push() : { method: 'urn:ietf:rfc:8936' };
const description = 'examples/node';
const endpoint = transmitter.configuration_endpoint;
// Events wait in the stream while nobody receives them: one that was made before is used again.
const made = (await call('GET', endpoint)).find((stream) => stream.description === description);
const stream = made
  ? await call('PATCH', endpoint, { stream_id: made.stream_id, delivery: wanted })
  : await call('POST', endpoint, { delivery: wanted, description });
if (made) await call('POST', transmitter.status_endpoint, { stream_id: made.stream_id, status: 'enabled' });
console.log(`receiving stream ${stream.stream_id}`);
const verification = { stream_id: stream.stream_id, state: 'it works' };
await call('POST', transmitter.verification_endpoint, verification).catch((error) => console.error(error.message)); // 429: a moment ago
if (delivery !== 'push') await poll(stream);
