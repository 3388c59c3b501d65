// mod_auth_openidc: an Apache that lets nobody past whom we did not sign in, and tells the backend behind it who it is.
import { chmodSync, rmSync } from 'node:fs'
import { assert, freePort, signIn } from '../lib/harness.mjs'
import { withKeys } from '../lib/keys.mjs'
import { isInstalled, startApache } from '../peers/mod_auth_openidc.mjs'

const SECRET = 'between-apache-and-orgate-and-nobody-else'

// What it signs of its requests: everything.
const REQUEST_OBJECT = {
  request_object_type: 'request',
  copy_from_request: [
    'response_type', 'client_id', 'redirect_uri', 'scope', 'state', 'nonce', 'code_challenge', 'code_challenge_method', 'organization',
  ],
  crypto: { sign_alg: 'PS256' },
}

const described = (base, keyed) => `
clients:
  - client_id: apache
    organization: operator
    name: Apache
    type: web
    audience: all
    client_secret: ${SECRET}
    redirect_uris: ["${base}/cb"]
    post_logout_redirect_uris: ["${base}/bye"]
  - client_id: keyed-apache
    organization: operator
    name: Keyed Apache
    type: web
    audience: all
    authentication: private_key_jwt
    jwks_uri: "${keyed}/cb?jwks=rsa"
    signing_algorithm: PS256
    redirect_uris: ["${keyed}/cb"]
    backchannel_logout_uri: "${keyed}/cb?logout=backchannel"
`

const provider = (orgate) => [
  `OIDCProviderMetadataURL ${orgate.issuer}/.well-known/openid-configuration`,
  'OIDCScope "openid profile email offline_access"', 'OIDCPKCEMethod S256', 'OIDCPassRefreshToken On',
]

// Whoever is signed in to another organization is sent to sign in to this one.
const of = (organization) => [
  'AuthType openid-connect', `OIDCPathAuthRequestParams organization=${organization}`, `Require claim org_name:${organization}`,
  'OIDCUnAutzAction auth',
]

export async function apache(world) {
  if (!isInstalled()) return world.journeys.skip('Apache with mod_auth_openidc is not installed')
  const [port, other] = [await freePort(), await freePort()]
  const [base, keyed] = [`http://localhost:${port}`, `http://localhost:${other}`]
  const keys = withKeys('apache')
  chmodSync(keys.directory, 0o755)
  world.orgate.apply(described(base, keyed))
  const secret = [
    'OIDCClientID apache', `OIDCClientSecret ${SECRET}`, 'OIDCProviderTokenEndpointAuth client_secret_basic',
    `OIDCOAuthClientID apache`, `OIDCOAuthClientSecret ${SECRET}`, `OIDCOAuthServerMetadataURL ${world.orgate.issuer}/.well-known/oauth-authorization-server`,
    'OIDCOAuthTokenIntrospectionInterval -1', 'OIDCOAuthRemoteUserClaim sub',
  ]
  const key = [
    // The keys first: without one it knows no private_key_jwt.
    `OIDCPublicKeyFiles apache#${keys.directory}/idp.pem`, `OIDCPrivateKeyFiles apache#${keys.directory}/idp.key`,
    'OIDCClientID keyed-apache', 'OIDCProviderTokenEndpointAuth private_key_jwt', 'OIDCIDTokenSignedResponseAlg PS256',
    `OIDCRequestObject ${JSON.stringify(JSON.stringify(REQUEST_OBJECT))}`,
  ]
  const server = await startApache([
    {
      port, settings: [...provider(world.orgate), ...secret],
      protect: { '/acme/': of('acme'), '/globex/': of('globex'), '/api/': ['AuthType oauth20', 'Require claim org_name:acme'] },
    },
    { port: other, settings: [...provider(world.orgate), ...key], protect: { '/acme/': of('acme') } },
  ])
  try {
    await world.journeys.run('mod_auth_openidc: two organizations in one browser, a refresh, a token at its API, sign-out', () =>
      switches(world, base))
    await world.journeys.run('mod_auth_openidc: proven by a key, with signed requests; it hears of a logout elsewhere', () =>
      hears(world, keyed))
  } finally {
    await server.stop()
    rmSync(keys.directory, { recursive: true, force: true })
  }
}

// What the backend was told of who is there.
async function told(page, path) {
  await page.waitForURL(path)
  const { headers } = JSON.parse(await page.locator('body').innerText())
  return { ...headers, organization: headers.oidc_claim_org_name, token: headers.oidc_access_token }
}

const asks = async (page, orgate) => {
  await page.getByLabel(/password/i).waitFor()
  return page.url().startsWith(orgate.issuer)
}

async function switches({ orgate, browser }, base) {
  await browser.visit(async (page) => {
    await page.goto(`${base}/acme/`)
    await signIn(page, 'admin@acme.test')
    const acme = await told(page, `${base}/acme/`)
    assert(acme.organization === 'acme' && /^org_/.test(acme.oidc_claim_org_id), JSON.stringify(acme))
    assert(acme.oidc_claim_email === 'admin@acme.test' && acme.oidc_claim_sid, JSON.stringify(acme))

    await page.goto(`${base}/globex/`)
    await signIn(page, 'admin@globex.test')
    const globex = await told(page, `${base}/globex/`)
    assert(globex.organization === 'globex' && globex.oidc_claim_org_id !== acme.oidc_claim_org_id, JSON.stringify(globex))
    assert(globex.oidc_claim_sid !== acme.oidc_claim_sid, 'one session for two organizations')

    await page.goto(`${base}/acme/`) // its session is still there: nobody is asked
    const again = await told(page, `${base}/acme/`)
    assert(again.organization === 'acme' && again.oidc_claim_sid === acme.oidc_claim_sid, JSON.stringify(again))

    await page.goto(`${base}/cb?refresh=${encodeURIComponent(`${base}/acme/`)}&access_token=${encodeURIComponent(again.token)}`)
    const renewed = await told(page, `${base}/acme/`)
    assert(renewed.token !== again.token && renewed.organization === 'acme', 'nothing was refreshed')

    const call = async (token) => (await fetch(`${base}/api/`, { headers: { authorization: `Bearer ${token}` } })).status
    assert((await call(renewed.token)) === 200, 'the API does not take the token')
    assert((await call(globex.token)) === 401, 'the API takes another organization’s token')

    await page.goto(`${base}/cb?logout=${encodeURIComponent(`${base}/bye`)}`)
    await page.waitForURL(`${base}/bye**`)
    assert((await call(renewed.token)) === 401, 'the API takes a token of a session that ended')
    await page.goto(`${base}/acme/`)
    assert(await asks(page, orgate), 'the session outlived the sign-out')
    await page.goto(`${base}/globex/`)
    assert((await told(page, `${base}/globex/`)).oidc_claim_sid === globex.oidc_claim_sid, 'the other organization’s session ended')
  })
}

async function hears({ orgate, browser }, base) {
  await browser.visit(async (page) => {
    await page.goto(`${base}/acme/`)
    await signIn(page, 'admin@acme.test')
    assert((await told(page, `${base}/acme/`)).organization === 'acme', 'another organization')

    await page.goto(`${orgate.issuer}/logout`)
    await page.getByRole('button', { name: /sign out/i }).click()
    await page.getByText(/signed out/i).first().waitFor()
    const until = Date.now() + 15_000
    for (;;) {
      await page.goto(`${base}/acme/`)
      if (page.url().startsWith(orgate.issuer)) break
      assert(Date.now() < until, 'it did not hear of the logout')
      await page.waitForTimeout(200)
    }
    assert(await asks(page, orgate), 'nobody was asked')
  })
}
