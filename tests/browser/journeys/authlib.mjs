// Authlib with Flask, an application on a server, by each of its ways to prove itself.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { assert, freePort, signIn } from '../lib/harness.mjs'
import { clientKey } from '../lib/keys.mjs'
import { hasPython, startPython } from '../lib/python.mjs'
import { startOpenIdProvider } from '../peers/openid_provider.mjs'

const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
// Authlib does not encode what it sends by Basic, as RFC 6749 §2.3.1 has it: without `%` and `+` that comes to the same.
const SECRET = 'an-application-in-python,with:odd/characters=&~'
const PROVIDER_SECRET = 'between-orgate-and-who-vouches-for-users'

const described = (base, provider, key) => `
organizations:
  - slug: vouching
    name: Vouching
    domains: [vouching.test]
    connections:
      - slug: own
        name: Vouching Login
        domains: [vouching.test]
        client_secret: ${PROVIDER_SECRET}
        settings:
          provider: { oidc: { issuer: "${provider}", client_id: orgate } }
          jit: { enabled: true }
clients:${METHODS.map((method) => `
  - client_id: flask-${method.replaceAll('_', '-')}
    organization: operator
    name: Flask
    type: web
    audience: all
    authentication: ${method}
    ${method === 'private_key_jwt' ? `jwks: ${JSON.stringify({ keys: [key.jwk] })}` : `client_secret: "${SECRET}"`}
    redirect_uris: ["${base}/${method}/cb"]
    post_logout_redirect_uris: ["${base}/bye"]`).join('')}
  - client_id: flask-agent
    organization: operator
    name: Flask Agent
    type: machine
    audience: all
    client_secret: "${SECRET}"
    scopes: [chat]
    grants: ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
`

export async function authlib(world) {
  if (!hasPython('authlib')) return world.journeys.skip('Authlib is not installed')
  const [port, idp] = [await freePort(), await freePort()]
  const [base, issuer] = [`http://localhost:${port}`, `http://localhost:${idp}`]
  const directory = mkdtempSync(join(tmpdir(), 'orgate-authlib-'))
  const [key, signing] = [await clientKey('ES256'), await clientKey('RS256')]
  world.orgate.apply(described(base, issuer, key))
  const secret = { client_secret: SECRET }
  const clients = Object.fromEntries(METHODS.map((method) =>
    [method, { client_id: `flask-${method.replaceAll('_', '-')}`, ...(method === 'private_key_jwt' ? { key: key.private } : secret) }]))
  const provider = { issuer, key: signing.private, subject: 'a-1', organization: 'vouching' }
  const agent = { client_id: 'flask-agent', ...secret }
  writeFileSync(join(directory, 'clients.json'), JSON.stringify({ issuer: world.orgate.issuer, clients, provider, agent }))
  const end = await startPython('authlib_app.py', [port, directory], base)
  try {
    await signsIn(world, base)
    await isVouchedFor(world, { base, idp, signing })
  } finally {
    end()
    rmSync(directory, { recursive: true, force: true })
  }
}

const told = async (page) => JSON.parse(await page.locator('body').innerText())

async function signsIn({ journeys, orgate, browser }, base) {
  for (const method of METHODS) {
    await journeys.run(`Authlib, ${method}: sign in, userinfo, refresh, introspect, revoke, sign out`, () =>
      browser.visit(async (page) => {
        await page.goto(`${base}/${method}/sign-in?organization=acme`)
        await signIn(page, 'admin@acme.test')
        await page.waitForURL(`${base}/**`)
        const claims = await told(page)
        assert(claims.iss === orgate.issuer && claims.org_name === 'acme' && claims.email === 'admin@acme.test', JSON.stringify(claims))

        const { itself, ...wrong } = await (await fetch(`${base}/${method}/checks`)).json()
        assert(itself === null, `its own checks refuse ours: ${itself}`)
        for (const [what, refusal] of Object.entries(wrong)) assert(refusal, `${what}: taken`)

        const heard = await (await fetch(`${base}/${method}/work`)).json()
        assert(heard.userinfo.org_id === claims.org_id && heard.userinfo.sub === claims.sub, JSON.stringify(heard))
        assert(heard.renewed.changed && heard.renewed.claims.sid === claims.sid, JSON.stringify(heard.renewed))
        assert(heard.introspected.active && heard.introspected.org_id === claims.org_id, JSON.stringify(heard.introspected))
        assert(heard.revoked[0] === 200 && !heard.revoked[1].active, JSON.stringify(heard.revoked))
        assert(heard.refused === 'invalid_grant', `refreshed after revocation: ${heard.refused}`)

        await page.goto(`${base}/${method}/sign-out`)
        await page.waitForURL(`${base}/bye?state=**`)
        await page.goto(`${base}/${method}/sign-in?organization=acme&prompt=none`)
        assert((await told(page)).error === 'login_required', 'the session outlived the sign-out')
      }))
  }
}

async function isVouchedFor({ journeys, orgate, browser }, { base, idp, signing }) {
  const at = orgate.run('connection', 'show', '--org', 'vouching', 'own').match(/Redirect URI +(\S+)/)[1]
  const client = { client_id: 'orgate', client_secret: PROVIDER_SECRET, redirect_uris: [at] }
  const users = { alice: { sub: 'a-1', email: 'alice@vouching.test', email_verified: true, name: 'Alice Away' } }
  const provider = await startOpenIdProvider({ port: idp, client, users, keys: [signing.private] })
  try {
    await journeys.run('Authlib: a token for a user whom the organization’s provider vouches for, once', () =>
      browser.visit(async (page) => {
        await page.goto(`${base}/client_secret_basic/sign-in?organization=vouching`)
        await page.getByRole('link', { name: /Vouching Login/ }).click()
        await page.getByLabel('User').fill('alice')
        await page.getByRole('button', { name: 'Sign in' }).click()
        await page.waitForURL(`${base}/**`)
        const { sub } = await told(page)
        const { token, again } = await (await fetch(`${base}/vouched`)).json()
        const claims = decodeJwt(token.access_token)
        assert(claims.sub === sub && claims.org_name === 'vouching' && claims.scope === 'chat', JSON.stringify(claims))
        assert(again === 'invalid_grant', `the same assertion again: ${again}`)
      }))
  } finally {
    provider.stop()
  }
}
