// Sign-in through identity providers that others wrote.
import { assert, freePort, hasEnded, isRefused, signIn, signOut, tabTo, whoAmI } from '../lib/harness.mjs'
import * as lemonLdap from '../peers/lemonldap.mjs'
import * as pysaml2 from '../peers/pysaml2.mjs'
import { startOpenIdProvider } from '../peers/openid_provider.mjs'
import { isInstalled, prepare, startSimpleSamlPhp } from '../peers/simplesamlphp.mjs'

const connected = (slug, name, domain, connection, jit = true) => `
      - slug: ${slug}
        name: ${name}
        domains: [${domain}]
${connection}
          jit: { enabled: ${jit}, default_roles: [viewer] }
          rules: [{ value: staff, roles: [admin] }]`

const organization = (slug, name, domain, connections, policy = 'domains', users = []) => `
organizations:
  - slug: ${slug}
    name: ${name}
    domains: [${domain}]
    policy: { sso_enforcement: ${policy} }
    roles:
      - { slug: admin, permissions: ["notes:read", "notes:write"] }
      - { slug: viewer, permissions: ["notes:read"] }
    users: [${users.join(', ')}]
    connections:${connections}
`

const withOne = (slug, name, domain, connection, { policy, jit, users } = {}) =>
  organization(slug, name, domain, connected('own', `${name} Login`, domain, connection, jit), policy, users)

const begin = (page, orgate, slug) => page.goto(`${orgate.app}/sign-in?organization=${slug}`)

export async function federation(world) {
  await byOpenIdConnect(world)
  await bySaml(world)
  await byBoth(world)
  await byPysaml2(world)
}

async function byOpenIdConnect({ journeys, orgate, browser }) {
  const port = await freePort()
  const users = {
    alice: { sub: 'a-1', email: 'alice@oidc.test', email_verified: true, name: 'Alice Away', groups: ['staff'] },
    bob: { sub: 'b-2', email: 'bob@elsewhere.test', email_verified: true, name: 'Bob Away', groups: [] },
    erin: { sub: 'e-3', email: 'erin@oidc.test', email_verified: true, name: 'Erin Away', groups: ['staff'] },
  }
  const secret = 'between-orgate-and-the-foreign-provider'
  const described = (options) => withOne('oidc-co', 'Oidc Co', 'oidc.test', `        client_secret: ${secret}
        settings:
          provider: { oidc: { issuer: "http://localhost:${port}", client_id: orgate } }`, options)
  orgate.apply(described())
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
        assert(/alice@oidc\.test/.test(first.text), 'the address is missing')
        assert(first.roles === 'admin viewer', `the roles are ${first.roles}`)
      }))
    await journeys.run('oidc-provider: the second finds the same user, without the role that went; signing out reaches it', () =>
      browser.visit(async (page) => {
        users.alice.groups = []
        await begin(page, orgate, 'oidc-co')
        await signInAs(page, 'alice')
        const second = await whoAmI(page)
        assert(second.user === first.user, 'another user')
        assert(second.roles === 'viewer', `the roles are ${second.roles}`)
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
        await isRefused(page, 'That sign-in did not work')
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
        await hasEnded(page, orgate)
      }))
    await journeys.run('a password of the enforced domain leads to its identity provider, by keyboard alone', () =>
      browser.visit(async (page) => {
        await begin(page, orgate, 'oidc-co')
        await signIn(page, 'alice@oidc.test', 'whatever')
        await page.getByText(/own identity provider/).first().waitFor()
        assert(!(await page.getByLabel(/password/i).count()), 'a password is still asked for')
        await tabTo(page, page.getByRole('link', { name: /Oidc Co Login/ }))
        await page.keyboard.press('Enter')
        const user = page.getByLabel('User')
        await user.waitFor()
        assert((await user.inputValue()) === 'alice@oidc.test', 'the address is asked for again')
        await tabTo(page, user)
        await page.keyboard.press('Control+A')
        await page.keyboard.type('alice')
        await page.keyboard.press('Enter')
        assert((await whoAmI(page)).user === first.user, 'another user')
      }))
    await journeys.run('oidc-provider: where sign-ins make no users, only those with access come in', async () => {
      const visit = (user, meets) =>
        browser.visit(async (page) => {
          await begin(page, orgate, 'oidc-co')
          await signInAs(page, user)
          await meets(page)
        })
      orgate.apply(described({ jit: false, users: ['{ email: alice@oidc.test, name: Alice Away, status: deactivated }'] }))
      await visit('erin', (page) => isRefused(page, 'You have no access yet'))
      await visit('alice', (page) => isRefused(page, 'Your access has been switched off'))
      orgate.apply(described({ jit: false, users: ['{ email: erin@oidc.test, name: Erin Away }'] }))
      await visit('erin', async (page) => {
        const { roles } = await whoAmI(page)
        assert(roles === 'admin viewer', `the roles are ${roles}`)
      })
    })
    await journeys.run('oidc-provider: one that fails half way signs nobody in, and can be tried again', () =>
      browser.visit(async (page) => {
        provider.down.add('/token')
        await begin(page, orgate, 'oidc-co')
        await signInAs(page, 'bob')
        await isRefused(page, 'Oidc Co Login does not answer')
        provider.down.clear()
        await page.getByRole('link', { name: 'Choose how to sign in' }).click()
        await page.getByRole('link', { name: /Oidc Co Login/ }).click()
        await whoAmI(page)
      }))
  } finally {
    provider.stop()
  }
}

async function bySaml({ journeys, orgate, browser }) {
  if (!isInstalled()) return journeys.skip('SimpleSAMLphp is not installed (Debian: simplesamlphp, php-cli, php-xml, php-mbstring)')
  const person = (name, domain, more) => ({
    [`${name}:${name}-pw`]: { uid: [name], mail: [`${name}@${domain}`], displayName: [`${name} Saml`], ...more },
  })
  for (const [name, binding, hosted] of [
    ['signed twice', 'redirect', {}],
    ['encrypted, by POST', 'post', { 'assertion.encryption': true, sharedkey_algorithm: 'http://www.w3.org/2009/xmlenc11#aes128-gcm' }],
  ]) {
    const port = await freePort()
    const prepared = prepare(port)
    const slug = `saml-${binding}`
    const domain = `${binding}.saml.test`
    const others = { ...person('dave', domain, { barred: ['yes'] }), ...person('erin', domain) }
    const users = { ...others, ...person('carol', domain, { groups: ['staff'] }) }
    const described = (options) => withOne(slug, `Saml ${binding}`, domain, `        settings:
          provider:
            saml:
              entity_id: "${prepared.entityId}"
              sso_url: "${prepared.ssoUrl}"
              sso_binding: ${binding}
              slo_url: "${prepared.sloUrl}"
              certificates: ["${prepared.certificate}"]
          trusts_addresses: true`, { policy: 'organization', ...options })
    orgate.apply(described())
    const told = orgate.run('connection', 'show', '--org', slug, 'own')
    const metadata = told.slice(told.indexOf('<'))
    const provider = await startSimpleSamlPhp(prepared, { port, users, metadata, hosted })
    const options = binding === 'post' ? { javaScriptEnabled: false } : {}
    const pass = async (page) => {
      if (binding === 'post') await page.getByRole('button', { name: 'Continue' }).click()
    }
    const signInAs = async (page, user) => {
      await begin(page, orgate, slug)
      await pass(page)
      await page.locator('input[name=username]').fill(user)
      await page.locator('input[name=password]').fill(`${user}-pw`)
      await page.keyboard.press('Enter')
      if (binding !== 'post') return
      await page.locator('input[name=password]').waitFor({ state: 'detached' })
      await page.waitForLoadState() // its style sheet hides one of two buttons
      await page.getByRole('button').first().click() // nothing posts the answer by itself
    }
    try {
      let first
      await journeys.run(`SimpleSAMLphp, ${name}: a first sign-in makes a user with mapped roles`, () =>
        browser.visit(async (page) => {
          await signInAs(page, 'carol')
          first = await whoAmI(page)
          assert(/carol Saml/.test(first.text) && first.text.includes(`carol@${domain}`), 'name or address is missing')
          assert(first.roles === 'admin viewer', `the roles are ${first.roles}`)
        }, options))
      await journeys.run(`SimpleSAMLphp, ${name}: the second finds the same user, without the role that went; signing out reaches it`, () =>
        browser.visit(async (page) => {
          provider.tell({ ...others, ...person('carol', domain, { groups: ['guests'] }) })
          await signInAs(page, 'carol')
          const second = await whoAmI(page)
          assert(second.user === first.user, 'another user')
          assert(second.roles === 'viewer', `the roles are ${second.roles}`)
          if (binding === 'post') return
          await signOut(page)
          await begin(page, orgate, slug)
          await page.locator('input[name=username]').waitFor()
        }, options))
      await journeys.run(`SimpleSAMLphp, ${name}: its refusal is a page that leads back`, () =>
        browser.visit(async (page) => {
          await signInAs(page, 'dave')
          await isRefused(page, 'That sign-in did not work')
          await page.getByText(`the administrators of Saml ${binding}`).waitFor()
          await page.getByRole('link', { name: 'Choose how to sign in' }).waitFor()
        }, options))
      if (binding === 'post') continue
      await journeys.run(`SimpleSAMLphp, ${name}: signing out there ends the session here`, () =>
        browser.visit(async (page) => {
          await signInAs(page, 'carol')
          await whoAmI(page)
          await page.goto(`${prepared.sloUrl}?ReturnTo=${encodeURIComponent(orgate.app)}`)
          await page.waitForURL(`${orgate.app}/**`) // it finds its way back by the RelayState of the answer
          await hasEnded(page, orgate)
        }))
      await journeys.run(`SimpleSAMLphp, ${name}: where sign-ins make no users, strangers and the deactivated are told apart`, async () => {
        const isTold = (user, headline) =>
          browser.visit(async (page) => {
            await signInAs(page, user)
            await isRefused(page, headline)
          })
        orgate.apply(described({ jit: false, users: [`{ email: carol@${domain}, name: carol Saml, status: deactivated }`] }))
        await isTold('erin', 'You have no access yet')
        await isTold('carol', 'Your access has been switched off')
      })
    } finally {
      provider.stop()
    }
  }
}

// One person by both protocols of one identity provider: one user.
async function byBoth({ journeys, orgate, browser }) {
  if (!lemonLdap.isInstalled()) return journeys.skip('LemonLDAP::NG is not installed (Debian: liblemonldap-ng-portal-perl, starman and more)')
  const prepared = lemonLdap.prepare(await freePort())
  const secret = 'between-orgate-and-lemonldap-ng'
  orgate.apply(organization('llng', 'Wolves', 'badwolf.org', connected('oidc', 'Wolves by OpenID', 'badwolf.org', `        client_secret: ${secret}
        settings:
          provider: { oidc: { issuer: "${prepared.issuer}", client_id: orgate } }
          trusts_addresses: true`) + connected('saml', 'Wolves by SAML', 'badwolf.org', `        settings:
          provider:
            saml:
              entity_id: "${prepared.entityId}"
              sso_url: "${prepared.base}/saml/singleSignOn"
              slo_url: "${prepared.base}/saml/singleLogout"
              certificates: ["${prepared.certificate}"]
          trusts_addresses: true`)).replaceAll('value: staff', 'value: earthlings'))
  const oidc = orgate.run('connection', 'show', '--org', 'llng', 'oidc')
  const saml = orgate.run('connection', 'show', '--org', 'llng', 'saml')
  const at = (what) => oidc.match(new RegExp(`${what} +(\\S+)`))[1]
  const client = {
    client_id: 'orgate',
    client_secret: secret,
    redirect_uris: [at('Redirect URI')],
    post_logout_redirect_uris: [at('Post-logout redirect URI')],
  }
  const provider = await lemonLdap.startLemonLdap(prepared, { client, metadata: saml.slice(saml.indexOf('<')) })
  const signInBy = async (page, protocol) => {
    await begin(page, orgate, 'llng')
    await page.getByRole('link', { name: `Wolves by ${protocol}` }).click()
    await page.locator('input[name=user]').fill('rtyler')
    await page.locator('input[name=password]').fill('rtyler')
    await page.keyboard.press('Enter')
    return whoAmI(page)
  }
  let first
  try {
    for (const protocol of ['OpenID', 'SAML']) {
      await journeys.run(`LemonLDAP::NG by ${protocol}: signing in makes or finds one user with mapped roles`, () =>
        browser.visit(async (page) => {
          const user = await signInBy(page, protocol)
          first ??= user
          assert(/Rose Tyler/.test(user.text) && /rtyler@badwolf\.org/.test(user.text), 'name or address is missing')
          assert(user.roles === 'admin viewer', `the roles are ${user.roles}`)
          assert(user.user === first.user, 'another user')
          await signOut(page)
          await begin(page, orgate, 'llng')
          await page.getByRole('link', { name: `Wolves by ${protocol}` }).click()
          await page.locator('input[name=user]').waitFor() // it has signed out there, too
        }))
    }
    // By OpenID Connect it has front-channel logout only.
    await journeys.run('LemonLDAP::NG by SAML: signing out there ends the session here', () =>
      browser.visit(async (page) => {
        await signInBy(page, 'SAML')
        await page.goto(`${prepared.base}/?logout=1`, { waitUntil: 'networkidle' }) // it asks Orgate in a frame
        await hasEnded(page, orgate)
      }))
  } finally {
    await provider.stop()
  }
}

async function byPysaml2({ journeys, orgate, browser }) {
  if (!pysaml2.isInstalled()) return journeys.skip('pysaml2 is not installed (Debian: xmlsec1; pip: tests/browser/requirements.txt)')
  const prepared = pysaml2.prepare(await freePort())
  orgate.apply(withOne('snakes', 'Snakes', 'snakes.test', `        settings:
          provider:
            saml:
              entity_id: "${prepared.entityId}"
              sso_url: "${prepared.ssoUrl}"
              slo_url: "${prepared.sloUrl}"
              certificates: ["${prepared.certificate}"]
          trusts_addresses: true`, { policy: 'organization' }))
  const told = orgate.run('connection', 'show', '--org', 'snakes', 'own')
  const users = { dora: { mail: ['dora@snakes.test'], displayName: ['Dora Snake'], groups: ['staff'] } }
  const provider = await pysaml2.startPysaml2(prepared, { users, metadata: told.slice(told.indexOf('<')) })
  try {
    await journeys.run('pysaml2: a first sign-in makes a user with mapped roles, the second finds it without the role that went, signing out reaches it', () =>
      browser.visit(async (page) => {
        await begin(page, orgate, 'snakes')
        await page.getByLabel('User').fill('dora')
        await page.keyboard.press('Enter')
        const first = await whoAmI(page)
        assert(/Dora Snake/.test(first.text), 'the name is missing')
        assert(first.roles === 'admin viewer', `the roles are ${first.roles}`)
        await signOut(page)
        provider.tell({ dora: { ...users.dora, groups: [] } })
        await begin(page, orgate, 'snakes')
        await page.getByLabel('User').fill('dora') // it asks again: it was signed out of, too
        await page.keyboard.press('Enter')
        const second = await whoAmI(page)
        assert(second.user === first.user, 'another user')
        assert(second.roles === 'viewer', `the roles are ${second.roles}`)
      }))
    await journeys.run('pysaml2: signing out there ends the session here', () =>
      browser.visit(async (page) => {
        await begin(page, orgate, 'snakes')
        await page.getByLabel('User').fill('dora')
        await page.keyboard.press('Enter')
        await whoAmI(page)
        await page.goto(prepared.signOutUrl)
        await page.getByText('signed out').waitFor()
        await hasEnded(page, orgate)
      }))
  } finally {
    provider.stop()
  }
}
