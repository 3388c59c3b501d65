// Sign-in through identity providers that others wrote, and through the sample ones.
import { assert, freePort, signIn } from '../lib/harness.mjs'
import { startOpenIdProvider } from '../peers/openid_provider.mjs'
import { isInstalled, prepare, startSimpleSamlPhp } from '../peers/simplesamlphp.mjs'

const organization = (slug, name, domain, connection, policy = 'domains') => `
organizations:
  - slug: ${slug}
    name: ${name}
    domains: [${domain}]
    policy: { sso_enforcement: ${policy} }
    roles:
      - { slug: admin, permissions: ["notes:read", "notes:write"] }
      - { slug: viewer, permissions: ["notes:read"] }
    connections:
      - slug: own
        name: ${name} Login
        domains: [${domain}]
${connection}
          jit: { enabled: true, default_roles: [viewer] }
          rules: [{ value: staff, roles: [admin] }]
`

// What Notes shows of who is signed in.
async function whoAmI(page) {
  await page.getByRole('heading', { name: /^Notes of/ }).waitFor()
  const text = await page.locator('main, body').first().innerText()
  return { text, user: text.match(/usr_[0-9a-z]+/)?.[0] }
}

const begin = (page, orgate, slug) => page.goto(`${orgate.app}/sign-in?organization=${slug}`)

async function signOut(page) {
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You have signed out').waitFor()
}

export async function federation(world) {
  await byOpenIdConnect(world)
  await bySaml(world)
}

async function byOpenIdConnect({ journeys, orgate, browser }) {
  const port = await freePort()
  const users = {
    alice: { sub: 'a-1', email: 'alice@oidc.test', email_verified: true, name: 'Alice Away', groups: ['staff'] },
    bob: { sub: 'b-2', email: 'bob@elsewhere.test', email_verified: true, name: 'Bob Away', groups: [] },
  }
  const secret = 'between-orgate-and-the-foreign-provider'
  orgate.apply(organization('oidc-co', 'Oidc Co', 'oidc.test', `        client_secret: ${secret}
        settings:
          provider: { oidc: { issuer: "http://localhost:${port}", client_id: orgate } }`))
  const told = orgate.run('connection', 'show', '--org', 'oidc-co', 'own')
  const at = (what) => told.match(new RegExp(`${what} +(\\S+)`))[1]
  const client = {
    client_id: 'orgate',
    client_secret: secret,
    redirect_uris: [at('Redirect URI')],
    post_logout_redirect_uris: [at('Post-logout redirect URI')],
    backchannel_logout_uri: at('Back-channel logout URI'),
    backchannel_logout_session_required: true,
  }
  const provider = await startOpenIdProvider({ port, client, users })
  const signInAs = async (page, user) => {
    await page.getByRole('link', { name: /Oidc Co Login/ }).click()
    await page.getByLabel('User').fill(user)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  let first
  try {
    await journeys.run('oidc-provider: a first sign-in makes a user with mapped roles', () =>
      browser.visit(async (page) => {
        await begin(page, orgate, 'oidc-co')
        await signInAs(page, 'alice')
        first = await whoAmI(page)
        assert(/alice@oidc\.test/.test(first.text) && /admin/.test(first.text), 'address or role is missing')
      }))
    await journeys.run('oidc-provider: the second finds the same user, without the role that went; signing out reaches it', () =>
      browser.visit(async (page) => {
        users.alice.groups = []
        await begin(page, orgate, 'oidc-co')
        await signInAs(page, 'alice')
        const second = await whoAmI(page)
        assert(second.user === first.user, 'another user')
        assert(!/\badmin\b/.test(second.text), 'the role stayed')
        await page.getByRole('button', { name: 'Sign out' }).click()
        await page.getByRole('button', { name: /yes|sign me out/i }).click() // the provider asks
        await page.getByText('You have signed out').waitFor()
        await begin(page, orgate, 'oidc-co')
        await page.getByRole('link', { name: /Oidc Co Login/ }).click()
        await page.getByLabel('User').waitFor()
      }))
    await journeys.run('oidc-provider: an address elsewhere is not the user’s, and cancelling leads back', () =>
      browser.visit(async (page) => {
        await begin(page, orgate, 'oidc-co')
        await page.getByRole('link', { name: /Oidc Co Login/ }).click()
        await page.getByRole('button', { name: 'Cancel' }).click()
        await page.getByText('That sign-in did not work').waitFor()
        assert(await page.getByText(/req_/).count(), 'no request id')
        await page.getByRole('link', { name: 'Choose how to sign in' }).click()
        await signInAs(page, 'bob')
        assert(!/bob@elsewhere/.test((await whoAmI(page)).text), 'an address that nobody vouches for')
      }))
    await journeys.run('oidc-provider: signing out there ends the session here', () =>
      browser.visit(async (page) => {
        await begin(page, orgate, 'oidc-co')
        await signInAs(page, 'alice')
        await whoAmI(page)
        await page.goto(`${provider.issuer}/session/end`)
        await page.getByRole('button', { name: /yes|sign me out/i }).click()
        await page.goto(orgate.app)
        await page.getByRole('button', { name: 'Refresh token' }).click()
        await page.getByText('Your session has ended').waitFor()
      }))
    await journeys.run('a password of the enforced domain leads to its identity provider, by keyboard alone', () =>
      browser.visit(async (page) => {
        await begin(page, orgate, 'oidc-co')
        await signIn(page, 'alice@oidc.test', 'whatever')
        await page.getByText(/own identity provider/).first().waitFor()
        assert(!(await page.getByLabel(/password/i).count()), 'a password is still asked for')
        await page.getByRole('link', { name: /Oidc Co Login/ }).focus()
        await page.keyboard.press('Enter')
        await page.getByLabel('User').waitFor()
        assert((await page.getByLabel('User').inputValue()) === 'alice@oidc.test', 'the address is asked for again')
      }))
  } finally {
    provider.stop()
  }
}

async function bySaml({ journeys, orgate, browser }) {
  if (!isInstalled()) return journeys.skip('SimpleSAMLphp is not installed (Debian: simplesamlphp, php-cli, php-xml, php-mbstring)')
  const users = {
    'carol:carol-pw': { uid: ['carol'], mail: ['carol@saml.test'], displayName: ['Carol Saml'], groups: ['staff'] },
  }
  for (const [name, binding, hosted] of [
    ['signed twice', 'redirect', {}],
    ['encrypted, by POST', 'post', { 'assertion.encryption': true, sharedkey_algorithm: 'http://www.w3.org/2009/xmlenc11#aes128-gcm' }],
  ]) {
    const port = await freePort()
    const prepared = prepare(port)
    const slug = `saml-${binding}`
    orgate.apply(organization(slug, `Saml ${binding}`, `${binding}.saml.test`, `        settings:
          provider:
            saml:
              entity_id: "${prepared.entityId}"
              sso_url: "${prepared.ssoUrl}"
              sso_binding: ${binding}
              slo_url: "${prepared.sloUrl}"
              certificates: ["${prepared.certificate}"]
          trusts_addresses: true`, 'organization'))
    const told = orgate.run('connection', 'show', '--org', slug, 'own')
    const metadata = told.slice(told.indexOf('<'))
    const provider = await startSimpleSamlPhp(prepared, { port, users, metadata, hosted })
    const options = binding === 'post' ? { javaScriptEnabled: false } : {}
    const pass = async (page) => {
      if (binding === 'post') await page.getByRole('button', { name: 'Continue' }).click()
    }
    const signInAsCarol = async (page) => {
      await begin(page, orgate, slug)
      await pass(page)
      await page.locator('input[name=username]').fill('carol')
      await page.locator('input[name=password]').fill('carol-pw')
      await page.keyboard.press('Enter')
      if (binding !== 'post') return
      await page.locator('input[name=password]').waitFor({ state: 'detached' })
      await page.getByRole('button').first().click() // nothing posts the answer by itself
    }
    try {
      let first
      await journeys.run(`SimpleSAMLphp, ${name}: a first sign-in makes a user with mapped roles`, () =>
        browser.visit(async (page) => {
          await signInAsCarol(page)
          first = await whoAmI(page)
          assert(/Carol Saml/.test(first.text) && /admin/.test(first.text), 'name or role is missing')
        }, options))
      await journeys.run(`SimpleSAMLphp, ${name}: the second finds the same user; signing out reaches it`, () =>
        browser.visit(async (page) => {
          await signInAsCarol(page)
          assert((await whoAmI(page)).user === first.user, 'another user')
          if (binding === 'post') return
          await signOut(page)
          await begin(page, orgate, slug)
          await page.locator('input[name=username]').waitFor()
        }, options))
    } finally {
      provider.stop()
    }
  }
}
