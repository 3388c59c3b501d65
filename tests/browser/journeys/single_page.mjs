// oidc-client-ts in the browser: an application without a server, whose every call to us is one that a browser lets
// through only because we say so.
import { decodeJwt } from 'jose'
import { assert, signIn } from '../lib/harness.mjs'
import { startSinglePage } from '../peers/single_page.mjs'

const described = (origin) => `
clients:${['script', 'bound-script'].map((id) => `
  - client_id: ${id}
    organization: operator
    name: Script
    type: spa
    audience: all
    dpop_bound_access_tokens: ${id === 'bound-script'}
    redirect_uris: ["${origin}/cb"]
    post_logout_redirect_uris: ["${origin}/bye"]`).join('')}
`

export async function singlePage({ journeys, orgate, browser }) {
  const [app, stranger] = [await startSinglePage(), await startSinglePage()]
  orgate.apply(described(app.origin))
  try {
    await journeys.run('oidc-client-ts: sign in, userinfo, silent renewal, revoke, sign out', () =>
      browser.visit((page) => signsInAndOut(page, orgate, app)))
    await journeys.run('oidc-client-ts: the same with tokens bound to a key of the browser, and nonces', () =>
      browser.visit((page) => withKey(page, orgate, app)))
    await journeys.run('a script elsewhere, or with cookies, reads nothing but the documents', () =>
      browser.visit((page) => isElsewhere(page, orgate, app, stranger)))
  } finally {
    app.stop()
    stranger.stop()
  }
}

// The library on this page; each page that is opened makes it anew, out of what it kept in the browser.
async function open(page, orgate, app, { path = '/', client_id = 'script', organization = 'acme', bound = false } = {}) {
  if (path) await page.goto(app.origin + path)
  await page.locator('#ready').waitFor()
  await page.evaluate(([authority, origin, client_id, organization, bound]) => {
    window.manager = new oidc.UserManager({
      authority, client_id, redirect_uri: `${origin}/cb`, post_logout_redirect_uri: `${origin}/bye`,
      scope: 'openid profile email offline_access', loadUserInfo: !bound, automaticSilentRenew: false,
      extraQueryParams: { organization },
      ...(bound && { dpop: { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() } }),
    })
  }, [orgate.issuer, app.origin, client_id, organization, bound])
}

const shown = ({ access_token, refresh_token, id_token, profile, token_type, expires_in }) =>
  ({ access_token, refresh_token, id_token, profile, token_type, expires_in })

async function arrive(page, orgate, app, options) {
  await page.waitForURL(`${app.origin}/cb?**`)
  await open(page, orgate, app, { ...options, path: null })
  return await page.evaluate(`manager.signinRedirectCallback().then(${shown})`)
}

async function signInAt(page, orgate, app, options) {
  await open(page, orgate, app, options)
  await page.evaluate('void manager.signinRedirect()')
  await signIn(page, 'admin@acme.test')
  return await arrive(page, orgate, app, options)
}

async function signsInAndOut(page, orgate, app) {
  const user = await signInAt(page, orgate, app)
  assert(user.profile.org_name === 'acme' && user.profile.email === 'admin@acme.test', JSON.stringify(user.profile))
  assert(user.profile.sid === decodeJwt(user.access_token).sid, 'the session is not told')

  await open(page, orgate, app)
  const kept = await page.evaluate(`manager.getUser().then((user) => user?.profile.sub)`)
  assert(kept === user.profile.sub, `the next page knows ${kept}`)

  const renewed = await page.evaluate(`manager.signinSilent().then(${shown})`)
  assert(renewed.access_token !== user.access_token && renewed.refresh_token !== user.refresh_token, 'it was not renewed')
  const [before, after] = [decodeJwt(user.access_token), decodeJwt(renewed.access_token)]
  assert(after.org_id === before.org_id && after.sid === before.sid && after.sub === before.sub, 'the token is another’s')

  // What failed is told as it is, across origins: the library's error is the answer's.
  const refused = await page.evaluate(`manager._client.useRefreshToken({
    state: { refresh_token: 'x', scope: 'openid', profile: {} } }).then(() => null, (error) => error.error)`)
  assert(refused === 'invalid_grant', `a bad refresh token: ${refused}`)

  await page.evaluate(`manager.revokeTokens(['refresh_token'])`)
  const dead = await page.evaluate(([token]) => fetch(`${manager.settings.authority}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: 'script' }),
  }).then((answer) => answer.json()), [renewed.refresh_token])
  assert(dead.error === 'invalid_grant', `a revoked refresh token: ${JSON.stringify(dead)}`)

  await page.evaluate(`void manager.signoutRedirect({ state: 'later' })`)
  await page.waitForURL(`${app.origin}/bye?**`)
  await open(page, orgate, app, { path: null })
  const left = await page.evaluate(`manager.signoutRedirectCallback().then((answer) => answer.userState)`)
  assert(left === 'later', `the state of the sign-out: ${left}`)
  await page.evaluate(`void manager.signinRedirect({ prompt: 'none' })`)
  await page.waitForURL(`${app.origin}/cb?**`)
  await open(page, orgate, app, { path: null })
  const gone = await page.evaluate(`manager.signinRedirectCallback().then(() => null, (error) => error.error)`)
  assert(gone === 'login_required', `after the sign-out: ${gone}`)
}

async function withKey(page, orgate, app) {
  const options = { client_id: 'bound-script', bound: true }
  const user = await signInAt(page, orgate, app, options)
  assert(user.token_type === 'DPoP' && decodeJwt(user.access_token).cnf.jkt, JSON.stringify(user))
  // It does not prove its key at userinfo by itself: asked without, then with the nonce that the refusal gave.
  const userinfo = await page.evaluate(async () => {
    const url = await manager.metadataService.getUserInfoEndpoint()
    const user = await manager.getUser()
    const ask = async (nonce) => fetch(url, {
      headers: { authorization: `DPoP ${user.access_token}`, dpop: await manager.dpopProof(url, user, 'GET', nonce) },
    })
    const refused = await ask()
    const answer = await ask(refused.headers.get('dpop-nonce'))
    return { refused: [refused.status, refused.headers.get('www-authenticate')], claims: await answer.json() }
  })
  assert(/^DPoP .*use_dpop_nonce/.test(userinfo.refused[1]), JSON.stringify(userinfo))
  assert(userinfo.claims.email === 'admin@acme.test', JSON.stringify(userinfo))
  const renewed = await page.evaluate(`manager.signinSilent().then(${shown})`)
  assert(decodeJwt(renewed.access_token).cnf.jkt === decodeJwt(user.access_token).cnf.jkt, 'another key')
  assert(renewed.refresh_token !== user.refresh_token, 'it was not renewed')
}

async function isElsewhere(page, orgate, app, stranger) {
  const user = await signInAt(page, orgate, app)
  const tries = ([issuer, token]) => {
    const attempt = (path, options) => fetch(issuer + path, options).then((answer) => answer.status, () => 'refused')
    const headers = { authorization: `Bearer ${token}` }
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'script' })
    return Promise.all([
      attempt('/.well-known/openid-configuration'), attempt('/jwks.json'), attempt('/token', { method: 'POST', body }),
      attempt('/userinfo', { headers }), attempt('/userinfo', { headers, credentials: 'include' }),
      attempt('/introspect', { method: 'POST', body }), attempt('/par', { method: 'POST', body }), attempt('/sign-in'),
    ])
  }
  for (const [origin, expected] of [
    [app.origin, [200, 200, 400, 200, 'refused', 'refused', 'refused', 'refused']],
    [stranger.origin, [200, 200, 'refused', 'refused', 'refused', 'refused', 'refused', 'refused']],
  ]) {
    await page.goto(origin)
    const seen = await page.evaluate(tries, [orgate.issuer, user.access_token])
    assert(seen.join() === expected.join(), `${origin}: ${seen}`)
  }
}
