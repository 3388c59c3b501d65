// oauth4webapi, which checks each answer as its RFC says and keeps no state: a client that is held to everything
// (pushed requests, private_key_jwt, DPoP with nonces), and openid-client as a client of the FAPI 2.0 profile.
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { assert, signIn } from '../lib/harness.mjs'
import { clientKey } from '../lib/keys.mjs'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const INSECURE = { [oauth.allowInsecureRequests]: true } // plain http, on this machine
const RESOURCE = 'https://checked.example.test'

const described = (callback, keys) => `
clients:
  - client_id: checked
    organization: operator
    name: Checked
    type: web
    audience: all
    authentication: private_key_jwt
    jwks: ${JSON.stringify({ keys: [keys.checked.jwk] })}
    dpop_bound_access_tokens: true
    require_pushed_authorization_requests: true
    grants: [authorization_code, refresh_token, "${EXCHANGE}"]
    redirect_uris: ["${callback.origin}/cb"]
    resource: ${RESOURCE}
  - client_id: checked-apart
    organization: operator
    name: Checked Apart
    type: web
    audience: all
    issuer: organization
    authentication: private_key_jwt
    jwks: ${JSON.stringify({ keys: [keys.checked.jwk] })}
    dpop_bound_access_tokens: true
    redirect_uris: ["${callback.origin}/cb"]
  - client_id: checked-robot
    organization: acme
    name: Checked Robot
    type: machine
    audience: owner
    authentication: private_key_jwt
    jwks: ${JSON.stringify({ keys: [keys.robot.jwk] })}
    resource: ${RESOURCE}
    scopes: [sync]
${['ES256', 'PS256'].map((alg) => `
  - client_id: bank-${alg.toLowerCase()}
    organization: operator
    name: Bank
    type: web
    audience: all
    profile: fapi2
    authentication: private_key_jwt
    signing_algorithm: ${alg}
    jwks: ${JSON.stringify({ keys: [keys[alg].jwk] })}
    redirect_uris: ["${callback.origin}/cb"]`).join('')}
`

export async function oauth4webapi({ journeys, orgate, browser, callback }) {
  const keys = {
    checked: await clientKey('ES256'), robot: await clientKey('PS256'),
    ES256: await clientKey('ES256'), PS256: await clientKey('PS256'),
  }
  orgate.apply(described(callback, keys))
  const issuer = new URL(orgate.issuer)
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE))
  const world = { orgate, browser, callback, keys, as }
  await journeys.run('oauth4webapi: pushed, proven by keys, with nonces: sign in, refresh, introspect, revoke', () => everything(world))
  await journeys.run('oauth4webapi: what its own checks refuse of answers that are not ours or not for it', () => refusals(world))
  await journeys.run('oauth4webapi: at an organization’s own issuer, which is not taken for another', () => atOwnIssuer(world))
  await journeys.run('oauth4webapi: a machine, and a token exchanged for a narrower one', () => withoutPeople(world))
  for (const alg of ['ES256', 'PS256']) {
    await journeys.run(`openid-client: a client of the FAPI 2.0 profile, with ${alg}`, () => fapi(world, alg))
  }
}

// A client with a key that its tokens are bound to.
async function keyed({ keys }, client_id = 'checked') {
  const client = { client_id, id_token_signed_response_alg: 'ES256' }
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256', { extractable: true }))
  return { client, DPoP, auth: oauth.PrivateKeyJwt(keys.checked), options: { ...INSECURE, DPoP } }
}

// Sends, and once more where the answer was a nonce; how often it was sent.
async function withNonce(send, process) {
  try {
    return [await process(await send()), 1]
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return [await process(await send()), 2]
  }
}

// Pushes a request, and has a person answer it.
async function answered({ as, orgate, callback }, page, { client, auth, options }, more = {}) {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const asked = {
    response_type: 'code', redirect_uri: `${callback.origin}/cb`, scope: 'openid profile email offline_access', state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', organization: 'acme', ...more,
  }
  const push = () => oauth.pushedAuthorizationRequest(as, client, auth, asked, options)
  const [{ request_uri }, sent] = await withNonce(push, (answer) => oauth.processPushedAuthorizationResponse(as, client, answer))
  const url = new URL(as.authorization_endpoint)
  url.searchParams.set('client_id', client.client_id)
  url.searchParams.set('request_uri', request_uri)
  await page.goto(url.href)
  if (page.url().startsWith(orgate.issuer)) await signIn(page, 'admin@acme.test')
  const hit = await callback.next()
  return { url: hit.url, state, nonce, verifier, sent }
}

async function redeem({ as, callback }, { client, auth, options }, { url, state, nonce, verifier }) {
  const params = oauth.validateAuthResponse(as, client, url, state)
  const send = () => oauth.authorizationCodeGrantRequest(as, client, auth, params, `${callback.origin}/cb`, verifier, options)
  let response
  const [tokens] = await withNonce(send, (answer) => {
    response = answer
    return oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true, maxAge: 300 })
  })
  await oauth.validateApplicationLevelSignature(as, response, INSECURE)
  return tokens
}

async function everything(world) {
  const { as, browser } = world
  await browser.visit(async (page) => {
    const as_client = await keyed(world)
    const { client, auth, options } = as_client
    const answer = await answered(world, page, as_client)
    assert(answer.sent === 2, 'no nonce was asked for')
    const tokens = await redeem(world, as_client, answer)
    assert(tokens.token_type === 'dpop', tokens.token_type)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    assert(claims.org_name === 'acme', JSON.stringify(claims))

    const [userinfo] = await withNonce(
      () => oauth.userInfoRequest(as, client, tokens.access_token, options),
      (answer) => oauth.processUserInfoResponse(as, client, claims.sub, answer))
    assert(userinfo.org_id === claims.org_id && userinfo.email === 'admin@acme.test', JSON.stringify(userinfo))

    const asResource = await presented(as_client, tokens.access_token)
    assert(asResource.org_id === claims.org_id, 'the resource sees another organization')

    const [renewed] = await withNonce(
      () => oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, options),
      (answer) => oauth.processRefreshTokenResponse(as, client, answer))
    assert(decodeJwt(renewed.access_token).org_id === claims.org_id, 'the organization changed in a refresh')
    assert(oauth.getValidatedIdTokenClaims(renewed)?.sub === claims.sub, 'another user after a refresh')

    const plain = await introspected(world, as_client, renewed.access_token)
    const signed = await introspected(world, as_client, renewed.access_token, { requestJwtResponse: true })
    assert(plain.active && plain.cnf.jkt && plain.org_id === claims.org_id, JSON.stringify(plain))
    assert(signed.active && signed.org_id === claims.org_id, JSON.stringify(signed))

    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, renewed.refresh_token, INSECURE))
    assert(!(await introspected(world, as_client, renewed.access_token)).active, 'the token outlived its revocation')
    const refused = await withNonce(
      () => oauth.refreshTokenGrantRequest(as, client, auth, renewed.refresh_token, options),
      (answer) => oauth.processRefreshTokenResponse(as, client, answer)).catch((error) => error.error)
    assert(refused === 'invalid_grant', `refreshed after revocation: ${refused}`)
  })

  // The library as a resource server: the token as RFC 9068 has it, and the proof beside it.
  async function presented({ client, DPoP }, token) {
    let seen
    await oauth.protectedResourceRequest(token, 'GET', new URL(`${RESOURCE}/notes`), undefined, undefined, {
      DPoP,
      [oauth.customFetch]: async (url, { method, headers }) => ((seen = new Request(url, { method, headers })), new Response()),
    })
    return await oauth.validateJwtAccessToken(as, seen, RESOURCE, { ...INSECURE, requireDPoP: true, client })
  }
}

async function introspected({ as }, { client, auth }, token, more = {}) {
  const response = await oauth.introspectionRequest(as, client, auth, token, { ...INSECURE, ...more })
  const asked = more.requestJwtResponse ? { ...client, introspection_signed_response_alg: 'ES256' } : client
  const answer = await oauth.processIntrospectionResponse(as, asked, response)
  if (more.requestJwtResponse) await oauth.validateApplicationLevelSignature(as, response, INSECURE)
  return answer
}

async function refusals(world) {
  const { as, browser, callback } = world
  const refuses = async (what, attempt) => {
    const error = await attempt().then(() => null, (error) => error)
    assert(error, `${what}: taken`)
    return error.error ?? error.code
  }
  await browser.visit(async (page) => {
    const as_client = await keyed(world)
    const { client, auth, options } = as_client
    const answer = await answered(world, page, as_client)
    const changed = (name, value) => {
      const url = new URL(answer.url)
      value ? url.searchParams.set(name, value) : url.searchParams.delete(name)
      return url
    }
    assert(as.authorization_response_iss_parameter_supported, 'iss is not promised')
    for (const url of [changed('iss', 'https://elsewhere.example.test'), changed('iss'), changed('state', 'x')]) {
      await refuses(url.search, async () => oauth.validateAuthResponse(as, client, url, answer.state))
    }
    await refuses('another nonce', () => redeem(world, as_client, { ...answer, nonce: 'of-another-sign-in' }))

    const replayed = await refuses('a code again', () => redeem(world, as_client, answer))
    assert(replayed === 'invalid_grant', `a code again: ${replayed}`)
    const other = await answered(world, page, as_client)
    const verifier = oauth.generateRandomCodeVerifier()
    const unproven = await refuses('another verifier', () => redeem(world, as_client, { ...other, verifier }))
    assert(unproven === 'invalid_grant', `another verifier: ${unproven}`)

    const thief = await keyed(world)
    const bound = await answered(world, page, as_client)
    const stolen = await refuses('another key', () => redeem(world, thief, bound))
    assert(stolen === 'invalid_grant', `another key: ${stolen}`)
    const mine = await redeem(world, as_client, await answered(world, page, as_client))
    await refuses('the token with a proof of another key', () => withNonce(
      () => oauth.userInfoRequest(as, client, mine.access_token, thief.options),
      (answer) => oauth.processUserInfoResponse(as, client, mine.sub, answer)))
    const bare = await oauth.userInfoRequest(as, client, mine.access_token, INSECURE)
    assert(bare.status === 401, `without a proof: ${bare.status}`)
    await refuses('the userinfo of another', () => withNonce(
      () => oauth.userInfoRequest(as, client, mine.access_token, options),
      (answer) => oauth.processUserInfoResponse(as, client, 'usr_somebody_else', answer)))

    // Beside what was pushed, nothing counts.
    const unpushed = new URL(as.authorization_endpoint)
    for (const [name, value] of Object.entries({ client_id: 'checked', response_type: 'code', redirect_uri: `${callback.origin}/cb`, scope: 'openid', state: 's' })) {
      unpushed.searchParams.set(name, value)
    }
    await page.goto(unpushed.href)
    const refused = (await callback.next()).url.searchParams
    assert(refused.get('error') === 'invalid_request' && refused.get('iss') === as.issuer, refused.toString())
  })
}

async function robotClaims({ as, keys }) {
  const robot = { client_id: 'checked-robot' }
  const auth = oauth.PrivateKeyJwt(keys.robot)
  const granted = await oauth.processClientCredentialsResponse(as, robot,
    await oauth.clientCredentialsGrantRequest(as, robot, auth, { scope: 'sync' }, INSECURE))
  return decodeJwt(granted.access_token)
}

// The issuer of one organization, found in either way. What it began the library takes from no other; a refresh at the shared
// endpoint answers for the issuer that began, so it is not taken there either.
async function atOwnIssuer(world) {
  const { as: shared, browser } = world
  const issuer = new URL(`${shared.issuer}/o/${(await robotClaims(world)).org_id}`)
  const [as, again] = await Promise.all(['oidc', 'oauth2'].map(async (algorithm) =>
    oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...INSECURE, algorithm }))))
  assert(as.token_endpoint === again.token_endpoint && as.jwks_uri !== shared.jwks_uri, 'two ways to two issuers')
  const own = { ...world, as }
  await browser.visit(async (page) => {
    const as_client = await keyed(world, 'checked-apart')
    const { client, auth, options } = as_client
    const answer = await answered(own, page, as_client)
    const mixed = (async () => oauth.validateAuthResponse(shared, client, answer.url, answer.state))()
    assert(await mixed.then(() => false, () => true), 'the answer passes for the shared issuer’s')
    const tokens = await redeem(own, as_client, answer)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    assert(claims.iss === issuer.href && claims.org_name === 'acme', JSON.stringify(claims))
    const refresh = (as) => withNonce(
      () => oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, options),
      (answer) => oauth.processRefreshTokenResponse(as, client, answer))
    const elsewhere = await refresh(shared).then(() => 'taken', (error) => error.code)
    assert(elsewhere === oauth.JWT_CLAIM_COMPARISON, `refreshed at the shared issuer: ${elsewhere}`)
    const [renewed] = await refresh(as)
    const [userinfo] = await withNonce(
      () => oauth.userInfoRequest(as, client, renewed.access_token, options),
      (answer) => oauth.processUserInfoResponse(as, client, claims.sub, answer))
    assert(userinfo.org_id === claims.org_id, JSON.stringify(userinfo))
  })
}

async function withoutPeople(world) {
  const { as, browser } = world
  const claims = await robotClaims(world)
  assert(claims.org_name === 'acme' && claims.scope === 'sync' && !claims.sid, JSON.stringify(claims))

  await browser.visit(async (page) => {
    const as_client = await keyed(world)
    const tokens = await redeem(world, as_client, await answered(world, page, as_client))
    const asked = { subject_token: tokens.access_token, subject_token_type: ACCESS_TOKEN, scope: 'openid email' }
    const exchange = (asked) => withNonce(
      () => oauth.genericTokenEndpointRequest(as, as_client.client, as_client.auth, EXCHANGE, asked, as_client.options),
      (answer) => oauth.processGenericTokenEndpointResponse(as, as_client.client, answer))
    const [narrow] = await exchange(asked)
    assert(narrow.issued_token_type === ACCESS_TOKEN && narrow.token_type === 'dpop', JSON.stringify(narrow))
    const [before, after] = [decodeJwt(tokens.access_token), decodeJwt(narrow.access_token)]
    assert(after.org_id === before.org_id && after.sub === before.sub && after.scope === 'email openid', JSON.stringify(after))
    const wider = await exchange({ ...asked, subject_token: narrow.access_token, scope: 'profile' }).catch((error) => error.error)
    assert(wider === 'invalid_scope', `wider: ${wider}`)
  })
}

async function fapi({ orgate, browser, callback, keys }, alg) {
  const metadata = { id_token_signed_response_alg: alg, introspection_signed_response_alg: alg }
  const execute = [oidc.enableNonRepudiationChecks, oidc.allowInsecureRequests]
  const config = await oidc.discovery(new URL(orgate.issuer), `bank-${alg.toLowerCase()}`, metadata, oidc.PrivateKeyJwt(keys[alg]), { execute })
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(alg))
  await browser.visit(async (page) => {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const expectedNonce = oidc.randomNonce()
    const url = await oidc.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: `${callback.origin}/cb`, scope: 'openid email offline_access', nonce: expectedNonce, organization: 'acme',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
    }, { DPoP })
    await page.goto(url.href)
    await signIn(page, 'admin@acme.test')
    const { url: answer } = await callback.next()
    const tokens = await oidc.authorizationCodeGrant(config, answer, { pkceCodeVerifier, expectedNonce, idTokenExpected: true }, undefined, { DPoP })
    const claims = tokens.claims()
    assert(decodeProtectedHeader(tokens.id_token).alg === alg, 'another algorithm')
    assert(tokens.token_type === 'dpop' && decodeJwt(tokens.access_token).cnf?.jkt, 'the token is not bound')
    const known = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
    await jwtVerify(tokens.access_token, known, { issuer: orgate.issuer, typ: 'at+jwt', algorithms: [alg] })

    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP })
    assert(userinfo.org_id === claims.org_id, JSON.stringify(userinfo))
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
    assert((renewed.refresh_token ?? tokens.refresh_token) === tokens.refresh_token, 'FAPI 2.0 §5.3.2.1, 9: it rotated')
    const signed = await oidc.tokenIntrospection(config, renewed.access_token)
    assert(signed.active && signed.org_id === claims.org_id, JSON.stringify(signed))
    await oidc.tokenRevocation(config, tokens.refresh_token)
    assert(!(await oidc.tokenIntrospection(config, renewed.access_token)).active, 'the token outlived its revocation')

    const plain = oidc.buildAuthorizationUrl(config, { redirect_uri: `${callback.origin}/cb`, scope: 'openid', organization: 'acme' })
    await page.goto(plain.href)
    assert((await callback.next()).url.searchParams.get('error') === 'invalid_request', 'what was not pushed counted')
  })
}
