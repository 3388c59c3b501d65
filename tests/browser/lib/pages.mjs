// Every hosted page: its path as the router has it, who opens it, and what of several they look at. A page that an address
// alone does not lead to says how it is opened.
//
// `page_list.rs` of the suite fails for a route of the front channel that is neither here nor in NO_PAGES: it reads this file,
// one entry a line.
import { mailTo, openConsole, signIn } from './harness.mjs'

export const PAGES = [
  { as: 'visitor', path: '/' },
  { as: 'visitor', path: '/api/docs' },
  { as: 'visitor', path: '/discover', open: (page, place) => page.goto(authorize(place, {})) },
  { as: 'visitor', path: '/sign-in', open: (page, place) => page.goto(authorize(place)) },
  { as: 'visitor', path: '/sign-in/recovery', open: openRecovery },
  { as: 'visitor', path: '/device' },
  { as: 'visitor', path: '/invitations', open: (page, place) => page.goto(place.links.invitation), needs: 'invitation' },
  { as: 'visitor', path: '/join', open: openJoin, needs: 'joining' },
  { as: 'visitor', path: '/join/confirm', open: confirmJoin, needs: 'joining' },
  { as: 'visitor', path: '/sso/signed-out' },
  { as: 'visitor', path: '/setup', open: (page, place) => page.goto(place.links.setup) },

  { as: 'administrator', path: '/admin/{organization}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/users', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/users/{user}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/users/{user}/deactivate' },
  { as: 'administrator', path: '/admin/{organization}/users/{user}/delete' },
  { as: 'administrator', path: '/admin/{organization}/users/{user}/profile' },
  { as: 'administrator', path: '/admin/{organization}/users/{user}/reactivate', which: { user: 'deactivated' } },
  { as: 'administrator', path: '/admin/{organization}/users/{user}/groups' },
  { as: 'administrator', path: '/admin/{organization}/groups', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/groups/new' },
  { as: 'administrator', path: '/admin/{organization}/groups/{group}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/groups/{group}/delete' },
  { as: 'administrator', path: '/admin/{organization}/roles', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/roles/new' },
  { as: 'administrator', path: '/admin/{organization}/roles/{role}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/roles/{role}/delete' },
  { as: 'administrator', path: '/admin/{organization}/invitations', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/invitations/new' },
  { as: 'administrator', path: '/admin/{organization}/joining', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/join-requests', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/join-requests/{join_request}/approve' },
  { as: 'administrator', path: '/admin/{organization}/look', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/mails', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/mails/{mail}/{locale}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/mails/{mail}/{locale}/reset' },
  { as: 'administrator', path: '/admin/{organization}/policies', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/connections', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/connections/{connection}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/connections/{connection}/switch-off' },
  { as: 'administrator', path: '/admin/{organization}/connections/{connection}/switch-on', which: { connection: 'off' } },
  { as: 'administrator', path: '/admin/{organization}/setup-links', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/setup-links/new' },
  { as: 'administrator', path: '/admin/{organization}/domains', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/domains/{domain}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/domains/{domain}/give-up' },
  { as: 'administrator', path: '/admin/{organization}/applications', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/clients', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/clients/new' },
  { as: 'administrator', path: '/admin/{organization}/clients/{client}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/clients/{client}/secret' },
  { as: 'administrator', path: '/admin/{organization}/clients/{client}/switch-off' },
  { as: 'administrator', path: '/admin/{organization}/api-keys', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/api-keys/new' },
  { as: 'administrator', path: '/admin/{organization}/webhooks', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/webhooks/new' },
  { as: 'administrator', path: '/admin/{organization}/webhooks/{webhook}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/webhooks/{webhook}/deliveries/{event}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/webhooks/{webhook}/delete' },
  { as: 'administrator', path: '/admin/{organization}/audit', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/signing-keys', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/delegations', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/delegations/{delegate}', ofOthers: true },
  { as: 'administrator', path: '/admin/{organization}/delegations/{delegate}/end' },
  { as: 'administrator', path: '/admin/{organization}/suborganizations' },

  { as: 'operator', path: '/admin/{organization}/health' },
  { as: 'operator', path: '/admin/{organization}/organizations' },
  { as: 'operator', path: '/admin/{organization}/organizations/new' },
  { as: 'operator', path: '/admin/{organization}/new-role-blueprint' },
  { as: 'operator', path: '/admin/{organization}/role-blueprints' },
  { as: 'operator', path: '/admin/{organization}/role-blueprints/{blueprint}' },
  { as: 'operator', path: '/admin/{organization}/role-blueprints/{blueprint}/delete' },
  { as: 'operator', path: '/admin/{organization}/organizations/{other}/standing' },

  { as: 'administrator', path: '/account' },
  { as: 'administrator', path: '/account/activity' },
  { as: 'administrator', path: '/account/applications' },
  { as: 'administrator', path: '/account/organizations' },
  { as: 'administrator', path: '/account/sessions' },
  { as: 'administrator', path: '/account/sign-in' },
  { as: 'administrator', path: '/sso/{organization}/{connection}/link', which: { organization: 'id' } },
  { as: 'administrator', path: '/choose', open: (page, place) => page.goto(authorize(place, { prompt: 'select_account' })) },
  { as: 'administrator', path: '/consent', open: (page, place) => page.goto(authorize(place, { ...guest(place), scope: 'openid email' })) },
  { as: 'administrator', path: '/device/approve', open: openDevice },
  { as: 'administrator', path: '/logout' },

  { as: 'set-up', path: '/setup/connections' },
  { as: 'set-up', path: '/setup/new' },
  { as: 'set-up', path: '/setup/domains' },
  { as: 'set-up', path: '/setup/connections/{connection}/values' },
  { as: 'set-up', path: '/setup/connections/{connection}/provider' },
  { as: 'set-up', path: '/setup/connections/{connection}/mapping' },
  { as: 'set-up', path: '/setup/connections/{connection}/proposal' },
  { as: 'set-up', path: '/setup/connections/{connection}/domains' },
  { as: 'set-up', path: '/setup/connections/{connection}/test' },
  { as: 'set-up', path: '/setup/connections/{connection}/pilot' },
  { as: 'set-up', path: '/setup/connections/{connection}/activate' },
  { as: 'set-up', path: '/setup/test/{trace}' },
]

// What else is read, and why it is no page.
export const NO_PAGES = [
  ['/admin', 'leads to an organization, or to where one signs in'],
  ['/admin/-/callback', 'leads on'],
  ['/console', 'leads on'],
  ['/account/export', 'a file'],
  ['/admin/{organization}/audit/export', 'a file'],
  ['/authorize', 'leads on'],
  ['/discover/link', 'leads on'],
  ['/join/continue', 'leads on'],
  ['/setup/connections/{connection}/test/begin', 'leads to an identity provider'],
  ['/sign-in/connection', 'leads to an identity provider'],
  ['/sso/{organization}/{connection}/callback', 'leads on'],
  ['/sso/{organization}/{connection}/finish', 'leads on'],
  ['/sso/{organization}/{connection}/slo', 'leads on'],
  ['/sso/{organization}/{connection}/metadata', 'for programs'],
  ['/assets/{name}', 'a file'],
  ['/assets/brand/{color}', 'a file'],
]

// What the front channel reads from addresses. Whatever a page leads on with, or asks for by GET, is among them.
export const PARAMETERS = [
  // What is looked for, and where a page begins.
  'search', 'show', 'find', 'kind', 'user', 'from', 'until', 'format', 'after', 'mail', 'language',
  // What came of something.
  'done', 'failed', 'refused', 'error', 'error_description',
  // What a page is about.
  'request', 'organization', 'tenant', 'invitation', 'join', 'link', 'vendor', 'token', 'connection', 'user_code', 'code', 'state', 'iss',
  // What applications ask for (OAuth 2.0, OpenID Connect), and identity providers (SAML).
  'client_id', 'redirect_uri', 'response_type', 'response_mode', 'scope', 'nonce', 'prompt', 'max_age', 'login_hint', 'acr_values', 'claims',
  'code_challenge', 'code_challenge_method', 'dpop_jkt', 'request_uri', 'resource', 'id_token_hint', 'post_logout_redirect_uri', 'logout_hint',
  'ui_locales', 'SAMLRequest', 'SAMLResponse', 'RelayState', 'SigAlg', 'Signature',
]

// Addresses that lead on, of an organization, and to a page if they cannot: as whoever is not signed in.
export function leadingOn(place) {
  const leading = NO_PAGES.filter(([, why]) => why.startsWith('leads')).map(([path]) => path)
  return leading.map((path) => ({ name: path, at: `${place.orgate.issuer}${path.replaceAll(/{(\w+)}/g, (_, name) => place.ids[name])}` }))
}

// What is opened as whoever it is: of another organization, the operator sees what its administrators do.
function listedFor(as) {
  return PAGES.flatMap((entry) => {
    if (!entry.ofOthers || as !== 'operator') return entry.as === as ? [entry] : []
    return [{ ...entry, path: entry.path.replace('{organization}', '{organization}/organizations/{other}') }]
  })
}

export const pathsFor = (as) => listedFor(as).map(({ path }) => path)

// Those that can be opened of an organization: with what they are called, how to get there, and where that is; whether it is
// what its administrators see as well.
export function pagesOf(place, as) {
  return listedFor(as).flatMap((entry) => {
    if (entry.needs && !place.ids[entry.needs]) return []
    const address = entry.path.replaceAll(/{(\w+)}/g, (braced, name) => named(place, as, name, entry.which?.[name]) ?? braced)
    if (address.includes('{')) return []
    const at = `${place.orgate.issuer}${address}`
    const query = address.startsWith('/account') ? `?organization=${place.slug}` : ''
    const go = entry.open ? (page) => entry.open(page, place) : (page) => page.goto(`${at}${query}`)
    return [{ name: entry.path, as, at, go, isAgain: as === 'operator' && !!entry.ofOthers }]
  })
}

function named(place, as, name, which) {
  if (name === 'other') return place.ids.organization
  if (name !== 'organization') return place.ids[which ?? name]
  return which === 'id' ? place.ids.organization : as === 'operator' ? 'operator' : place.slug
}

// A page of every path that is listed, or what is missing.
export function unopened(opened) {
  return PAGES.map((entry) => entry.path).filter((path) => !opened.has(path))
}

export function authorize({ orgate, callback, slug }, changes = { organization: slug }) {
  const parameters = {
    client_id: 'relying-party', redirect_uri: `${callback.origin}/cb`, response_type: 'code', scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...changes,
  }
  return `${orgate.issuer}/authorize?${new URLSearchParams(parameters)}`
}

async function openRecovery(page, place) {
  await page.goto(authorize(place))
  const request = new URL(page.url()).searchParams.get('request')
  await page.goto(`${place.orgate.issuer}/sign-in/recovery?request=${request}`)
}

async function openJoin(page, place) {
  await page.goto(authorize(place))
  await page.getByRole('link', { name: /join with your work e-mail/i }).click()
  await page.getByRole('heading', { name: /^Join/ }).waitFor()
}

async function confirmJoin(page, place, message = '') {
  const email = `joining-${place.asked = (place.asked ?? 0) + 1}@${place.slug}.test`
  await openJoin(page, place)
  await page.getByLabel(/work e-mail/i).fill(email)
  await page.getByLabel(/your name/i).fill(place.words('joining')[0])
  await page.getByLabel(/message/i).fill(message)
  await page.getByRole('button', { name: /continue/i }).click()
  await page.getByText(/if you can join/i).waitFor()
  await page.goto(await mailTo(place.orgate, email, /http\S+\/join\S+/))
}

// Of an organization with data, somebody waits to be let in.
export async function askToJoin(page, place) {
  await confirmJoin(page, place, place.words('message')[0])
  await page.getByRole('button', { name: /this is my address/i }).click()
  await page.getByText(/request was sent/i).waitFor()
  const [request] = (await place.api.call('GET', '/join-requests')).items
  place.ids.join_request = request.id
}

async function openDevice(page, place) {
  const form = new URLSearchParams({ client_id: 'television', scope: 'openid', organization: place.slug })
  const device = await (await fetch(`${place.orgate.issuer}/device_authorization`, { method: 'POST', body: form })).json()
  await page.goto(device.verification_uri_complete)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: /on another device/ }).waitFor()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: 'Let the device in?' }).waitFor()
}

const guest = (place) => ({ client_id: 'guest', organization: place.slug })

// Of an organization with data, accounts have something to list as well: what somebody else's application may, and another
// organization that the browser is signed in to.
async function settleAccount(page, place) {
  const arrive = async () => {
    await page.waitForURL(`${place.callback.origin}/**`)
    await place.callback.next()
  }
  await page.goto(authorize(place, guest(place)))
  if (page.url().startsWith(place.orgate.issuer)) await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await arrive()
  await page.goto(authorize(place, { organization: 'acme' }))
  await signIn(page, 'admin@acme.test')
  await arrive()
}

// In each way once: then pages open by their addresses.
export const ENTER = {
  async visitor() {},
  async administrator(page, place) {
    await page.goto(`${place.orgate.issuer}/admin/${place.slug}`)
    await signIn(page, place.administrator)
    await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor()
    if (place.ids.user) await settleAccount(page, place)
  },
  async operator(page, place) {
    await openConsole(page, place.orgate)
    await page.goto(`${place.orgate.issuer}/admin/operator/organizations/${place.ids.organization}/users`)
    await page.getByLabel('Your reason').fill(place.words('reason')[0])
    await page.keyboard.press('Enter')
    await page.getByRole('note').waitFor()
  },
  async 'set-up'(page, place) {
    await page.goto(place.links.setup)
    await page.getByRole('button', { name: 'Begin' }).click()
    await page.getByRole('heading', { name: /^Sign-in of/ }).waitFor()
  },
}
