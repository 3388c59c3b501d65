// What clients that others wrote do: openid-client (a certified relying party) and jose.
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { assert, PASSWORD, signIn } from '../lib/harness.mjs'

export async function clients({ journeys, orgate, browser, callback, secret }) {
  const redirect_uri = `${callback.origin}/cb`
  // Without the non-repudiation checks openid-client does not verify the ID token's signature in the code flow.
  const execute = [client.enableNonRepudiationChecks, client.allowInsecureRequests]
  const discover = (id, auth) => client.discovery(new URL(orgate.issuer), id, undefined, auth, { execute })
  const config = await discover('relying-party', client.ClientSecretBasic(secret))

  async function begin(page, changes = {}, as = config) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()]
    const parameters = {
      redirect_uri, scope: 'openid profile email offline_access', state: expectedState, nonce: expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
      organization: 'acme', ...changes,
    }
    for (const name in parameters) if (parameters[name] === null) delete parameters[name]
    await page.goto(client.buildAuthorizationUrl(as, parameters).href)
    return { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
  }
  const finish = (hit, checks, as = config) => client.authorizationCodeGrant(as, hit.url, checks)

  await journeys.run('openid-client: sign in, refresh, userinfo, silent renewal, sign out', () =>
    browser.visit(async (page) => {
      const checks = await begin(page)
      await signIn(page, 'admin@acme.test')
      const tokens = await finish(await callback.next(), checks)
      const claims = tokens.claims()
      const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
      await jwtVerify(tokens.id_token, keys, { issuer: orgate.issuer, audience: 'relying-party', algorithms: ['RS256'] })
      await jwtVerify(tokens.access_token, keys, { issuer: orgate.issuer, audience: 'relying-party', typ: 'at+jwt' })

      const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
      assert(decodeJwt(renewed.access_token).org_id === claims.org_id, 'the organization changed in a refresh')
      const userinfo = await client.fetchUserInfo(config, renewed.access_token, claims.sub)
      assert(userinfo.org_id === claims.org_id && userinfo.email === 'admin@acme.test', JSON.stringify(userinfo))

      const silent = await begin(page, { prompt: 'none' })
      const again = await finish(await callback.next(), silent)
      assert(again.claims().sub === claims.sub && again.claims().sid === claims.sid, 'another session')

      const post_logout_redirect_uri = `${callback.origin}/bye`
      const goodbye = { id_token_hint: tokens.id_token, post_logout_redirect_uri, state: 'bye' }
      await page.goto(client.buildEndSessionUrl(config, goodbye).href)
      const bye = await callback.next()
      assert(bye.url.pathname === '/bye' && bye.url.searchParams.get('state') === 'bye', bye.url.href)
      await begin(page, { prompt: 'none' })
      const refused = await callback.next()
      assert(refused.url.searchParams.get('error') === 'login_required', refused.url.href)
      const dead = await client.refreshTokenGrant(config, renewed.refresh_token).catch((error) => error.error)
      assert(dead === 'invalid_grant', `a refresh token survived the sign-out: ${dead}`)
    }))

  await journeys.run("Auth0's semantics: organization by slug and by id, org_id and org_name checked", () =>
    browser.visit(async (page) => {
      const checks = await begin(page)
      await signIn(page, 'admin@acme.test')
      const bySlug = (await finish(await callback.next(), checks)).claims()
      assert(bySlug.org_name === 'acme' && /^org_[0-9a-z]{26}$/.test(bySlug.org_id), JSON.stringify(bySlug))
      const byId = await begin(page, { organization: bySlug.org_id })
      const claims = (await finish(await callback.next(), byId)).claims()
      assert(claims.org_id === bySlug.org_id, 'another organization')
    }))

  await journeys.run('openid-client: a public client, the answer by form post', () =>
    browser.visit(async (page) => {
      const spa = await discover('single-page', client.None())
      const checks = await begin(page, { response_mode: 'form_post' }, spa)
      await signIn(page, 'admin@acme.test')
      const hit = await callback.next()
      assert(hit.method === 'POST', `the answer came by ${hit.method}`)
      const tokens = await finish({ url: hit.url }, checks, spa)
      assert(tokens.claims().org_name === 'acme', 'no organization')
    }))

  await journeys.run('form post without script: one press', () =>
    browser.visit(
      async (page) => {
        const checks = await begin(page, { response_mode: 'form_post' })
        await signIn(page, 'admin@acme.test')
        await page.getByRole('button', { name: 'Continue' }).click()
        await finish(await callback.next(), checks)
      },
      { javaScriptEnabled: false },
    ))

  await journeys.run('max_age and prompt=login ask again, and auth_time says so', () =>
    browser.visit(async (page) => {
      const first = await begin(page)
      await signIn(page, 'admin@acme.test')
      const before = (await finish(await callback.next(), first)).claims().auth_time
      await page.waitForTimeout(2100)
      const checks = await begin(page, { max_age: '1' })
      await page.getByLabel(/password/i).waitFor()
      await signIn(page, 'admin@acme.test', PASSWORD)
      const after = (await finish(await callback.next(), { ...checks, maxAge: 60 })).claims().auth_time
      assert(after > before, `auth_time ${before} then ${after}`)
      await begin(page, { prompt: 'login' })
      await page.getByLabel(/password/i).waitFor()
    }))

  await journeys.run('an unregistered redirect URI and an unknown client get a page, never a redirect', () =>
    browser.visit(async (page) => {
      for (const changes of [{ redirect_uri: `${redirect_uri}/evil` }, { redirect_uri: `${redirect_uri}?x=1` }, { client_id: 'nobody' }]) {
        await begin(page, changes)
        assert(page.url().startsWith(orgate.issuer), `redirected to ${page.url()}`)
        await page.getByRole('heading', { name: 'This sign-in link does not work' }).waitFor()
      }
    }))
}
