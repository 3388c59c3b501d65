// Organizations whose pages are opened: their administrator, and what is in them, made by the management API in whatever words
// somebody wants to see there.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, freePort, mailTo, PASSWORD, tokenOf } from './harness.mjs'
import { startOpenIdProvider } from '../peers/openid_provider.mjs'

const SECRET = `for-these-journeys-${randomBytes(16).toString('hex')}`

const WORDS = {
  organization: ['Wayne Works'], administrator: ['Ada Adler'], user: ['Nina Newman', 'Omar Otis'], role: ['Archivist', 'Approver'],
  group: ['Night shift', 'Staff'], connection: ['Workforce', 'Former directory'], invitation: ['Ivy Inman'], application: ['Wiki'],
  key: ['Hiring tool'], rule: ['staff'], external: ['HR-4711'], reason: ['Ticket 4711'], joining: ['Jo Joiner'], suborganization: ['Wayne Labs'],
  holding: ['Wayne Holding'], message: ['I work with Ada, on the night shift.'],
  upstream: ['Uma Upstream'], webhook: ['Payroll, hears of new users', 'Alarms'], mail: ['Welcome aboard'],
}
// Languages that mails are worded in.
const LOCALES = ['de', 'en', 'es', 'fr', 'it', 'nl', 'pl', 'sv']

export const ordinary = (field) => WORDS[field]

const described = (wanted, slugs, issuer) => `
organizations:${slugs.map((slug) => `${wanted[slug] ? `
  - { slug: ${slug}-holding, name: ${slug} holding }` : ''}
  - slug: ${slug}
    name: ${slug}${wanted[slug] ? `
    parent: ${slug}-holding
    delegations: [{ organization: ${slug}-holding, permissions: ["orgate:users:*", "orgate:audit:read"] }]` : ''}
    domains: [${wanted[slug] ? `${slug}.test` : ''}]
    users: [{ email: admin@${slug}.test, name: Ada Adler, password: "${PASSWORD}", roles: [owner] }]${wanted[slug] ? `
  - { slug: ${slug}-labs, name: ${slug} labs, parent: ${slug}, delegations: [{ organization: ${slug}, permissions: ["orgate:users:*"] }] }` : ''}`).join('')}
clients:${slugs.flatMap((slug) => wanted[slug] ? [slug, `${slug}-labs`, `${slug}-holding`] : [slug]).map((slug) => `
  - { client_id: ${slug}-robot, organization: ${slug}, name: Robot, type: machine, audience: owner, client_secret: "${SECRET}", resources: ["${issuer}/api"], scopes: ["orgate:*"], roles: [owner] }`).join('')}
`

const blueprint = (slug, number) => `begin-${slug}-${number}`

// What roles of organizations begin as that are made from then on: none of these is.
const blueprints = (wanted) => `
organizations:
  - slug: operator
    name: Operator
    role_blueprints:${Object.entries(wanted).flatMap(([slug, words]) => (words ?? ordinary)('role').slice(0, 20).map((name, number) => `
    - { slug: ${blueprint(slug, number)}, name: ${JSON.stringify(name).replaceAll('${', '$$${')}, permissions: ["orgate:users:read"] }`)).join('')}
`

// The management API, as a machine that is an owner of the organization.
async function callerOf(orgate, slug) {
  const token = await tokenOf(orgate, `${slug}-robot`, SECRET)
  const ask = async (method, below, body) => {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
    const url = `${orgate.issuer}/api/v1/organizations/${slug}${below}`
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) })
    return { status: answer.status, body: await answer.json().catch(() => null) }
  }
  const call = async (method, below, body) => {
    const answer = await ask(method, below, body)
    assert(answer.status < 300, `${method} ${below} ${JSON.stringify(body)}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  return { ask, call }
}

// Makes organizations, by their slugs: `null` for one with no data, or the words for what is in it. One identity provider is
// everybody's; it knows `uma`, whose claims can be changed, as can what it says of whoever cancels.
export async function settle({ orgate, callback }, wanted) {
  orgate.apply(described(wanted, Object.keys(wanted), orgate.issuer))
  orgate.apply(blueprints(wanted))
  const users = { uma: { sub: 'uma', email: 'uma@elsewhere.test', email_verified: true, name: 'Uma Upstream', groups: ['staff'] } }
  const said = { declined: 'somebody cancelled' }
  const port = await freePort()
  const provide = (redirect_uris) => startOpenIdProvider({ port, client: { client_id: 'orgate', client_secret: SECRET, redirect_uris }, users, said })
  const places = {}
  const first = await provide([`${callback.origin}/`]) // where its answers go is known once connections are made
  try {
    for (const [slug, words] of Object.entries(wanted)) {
      const api = await callerOf(orgate, slug)
      const place = { orgate, callback, slug, api, words: words ?? ordinary, administrator: `admin@${slug}.test`, ids: {}, links: {} }
      place.ids.organization = (await api.call('GET', '')).id
      place.ids.blueprint = blueprint(slug, 0)
      const link = await api.call('POST', '/setup-links', { purposes: ['sso', 'domains'], roles: ['reader'] })
      place.links.setup = link.url
      if (words) await fill(place, `http://localhost:${port}`)
      places[slug] = place
    }
  } finally {
    first.stop()
  }
  const provider = await provide(Object.values(places).flatMap((place) => place.redirects ?? []))
  return { places, users, said, provider }
}

async function fill(place, issuer) {
  const { api: { call }, words, slug, ids, links } = place
  const each = async (list, make) => {
    const made = []
    for (const [number, name] of list.entries()) made.push(await call(...make(name, number)))
    return made.map(({ id }) => id)
  }
  const [name] = words('organization')
  await tokenOf(place.orgate, `${slug}-robot`, SECRET, `/o/${ids.organization}`) // it has keys of its own then
  const below = await callerOf(place.orgate, `${slug}-labs`)
  await below.call('PATCH', '', { name: words('suborganization')[0] })
  const above = await callerOf(place.orgate, `${slug}-holding`)
  const { id: delegate } = await above.call('PATCH', '', { name: words('holding')[0] })
  await call('PATCH', '', { name, primary_color: '#0b5fff', contact_email: `it@${slug}.test` })
  const [administrator] = (await call('GET', `/users?email=${place.administrator}`)).items
  await call('PATCH', `/users/${administrator.id}`, { name: words('administrator')[0] })

  const roles = await each(words('role'), (name, number) => ['POST', '/roles', { slug: `role-${number}`, name, permissions: ['notes:read', 'orgate:users:read'] }])
  const groups = await each(words('group'), (name, number) => ['POST', '/groups', { slug: `group-${number}`, name, roles: ['role-0'] }])
  if (groups[1]) await call('PATCH', `/groups/${groups[0]}`, { parents: ['group-1'] })
  const users = await each(words('user'), (name, number) => ['POST', '/users', {
    email: `user-${number}@${slug}.test`, name, roles: ['role-0'], external_id: `${number}${words('external')[0]}`,
  }])
  for (const user of users) await call('PUT', `/groups/${groups[0]}/members/${user}`)
  const [gone] = await each([words('user').at(-1)], (name) => ['POST', '/users', { email: `gone@${slug}.test`, name }])
  await call('PATCH', `/users/${gone}`, { status: 'deactivated' })
  const invitations = await each(words('invitation'), (name, number) => ['POST', '/invitations', {
    email: `invited-${number}@partner.test`.replace('partner', slug), name, roles: ['role-0'], groups: ['group-0'],
  }])
  const applications = await each(words('application').slice(0, 10), (name) => ['POST', '/clients', {
    type: 'web', name, redirect_uris: [`https://${slug}.test/callback`], home_url: `https://${slug}.test/`,
    post_logout_redirect_uris: [`https://${slug}.test/`], scopes: ['openid', 'profile', 'wiki:read'], permissions: ['wiki:read'],
  }])
  await each(words('key').slice(0, 10), (name) => ['POST', '/api-keys', { name, permissions: ['orgate:users:read', 'orgate:audit:read'] }])
  const webhooks = await each(words('webhook').slice(0, 8), (description, number) => ['POST', '/webhooks', {
    url: `http://localhost:9/hook-${number}`, description, events: number ? null : ['user.*', 'group.*', 'role.*', 'sign_in.failed'],
  }])
  const events = []
  for (const webhook of webhooks) events.push((await call('POST', `/webhooks/${webhook}/test`, {})).event_id)
  const locales = LOCALES.slice(0, words('mail').length)
  for (const [number, locale] of locales.entries()) {
    const text = words('mail')[number]
    const said = text.includes('{') ? `{% raw %}${text}{% endraw %}` : text // it is no template
    await call('PUT', `/mail-templates/invitation/${locale}`, { subject: said, text: `Hello{% if name %} {{ name }}{% endif %},\n\n${said}` })
  }
  await call('PATCH', '/joining', { domains: 'request', others: 'request' })
  const [domain] = await each([`claimed.${slug}.test`], (name) => ['POST', '/domains', { name }])
  const settings = {
    provider: { oidc: { issuer, client_id: 'orgate' } },
    jit: { enabled: true, default_roles: ['role-0'] },
    mapping: { keep: ['groups'] },
    rules: words('rule').map((value) => ({ value, roles: ['role-0'] })),
  }
  const connections = []
  for (const name of words('connection').slice(0, 4)) {
    const made = await call('POST', '/connections', { name, settings, client_secret: SECRET })
    place.redirects = [...(place.redirects ?? []), made.service_provider.redirect_uri]
    await call('PUT', `/connections/${made.id}/state`, { state: 'active', version: 1, untested: true })
    connections.push(made.id)
  }
  await call('PATCH', `/connections/${connections[0]}`, { pilots: [`pilot@${slug}.test`] })
  const off = connections.pop()
  await call('PUT', `/connections/${off}/state`, { state: 'disabled', version: 1 })
  Object.assign(ids, {
    administrator: administrator.id, deactivated: gone, invitation: invitations[0], domain, off, delegate, joining: true, mail: 'invitation',
    all: {
      blueprint: words('role').slice(0, 20).map((_, number) => blueprint(slug, number)), role: roles, group: groups, user: users, connection: connections, client: applications, webhook: webhooks, event: events, locale: locales,
    },
  })
  for (const [name, [first]] of Object.entries(ids.all)) ids[name] = first
  links.invitation = await mailTo(place.orgate, `invited-0@${slug}.test`, /http\S+\/invitations\S+/)
}

// A test of the connection by the set-up, whose trace is a page of its own.
export async function trace(page, place) {
  await page.goto(`${place.orgate.issuer}/setup/connections/${place.ids.connection}/test`)
  await page.getByRole('link', { name: 'Test sign-in' }).click()
  await atProvider(page)
  await page.waitForURL(/\/setup\/test\//)
  place.ids.trace = new URL(page.url()).pathname.split('/').at(-1)
}

export async function atProvider(page, button = 'Sign in') {
  await page.getByLabel('User').fill('uma')
  await page.getByRole('button', { name: button }).click()
}

// An organization of very many users, by the command that imports them.
export function crowd(place, count) {
  const { orgate, slug } = place
  const lines = Array.from({ length: count }, (_, number) => `person-${number}@${slug}.test,Person ${number},reader`)
  const file = join(orgate.directory, 'crowd.csv')
  writeFileSync(file, `email,name,roles\n${lines.join('\n')}\n`)
  orgate.run('import', 'csv', file, '--org', slug, '--yes')
}
