// A table of payloads in every field that an organization, its users or their identity provider can say: stored, in addresses,
// and typed into forms. Every page then shows them as they were written, runs nothing, and stays within its policy.
import { assert, signIn } from '../lib/harness.mjs'
import { atProvider, settle } from '../lib/organizations.mjs'
import { authorize, ENTER, leadingOn, PARAMETERS } from '../lib/pages.mjs'
import { ADDRESSES, COLOURS, DRAWING, inspect, PAYLOADS, texts, TURNING, watch } from '../lib/payloads.mjs'
import { arrive, walk } from '../lib/walk.mjs'

// So many organizations, each of which says its part of the table in every field.
const ORGANIZATIONS = 2

// Forms in which something can be typed, at least; and those of visitors, each of which says again what was.
const FORMS = 20
const OF_VISITORS = ['/discover', '/sign-in', '/sign-in/recovery', '/device', '/invitations', '/join']

// What is read of an address at most.
const LONGEST = 32 * 1024

// Fields that some page shows.
const SHOWN = [
  'organization', 'administrator', 'user', 'role', 'group', 'connection', 'invitation', 'application', 'key', 'rule', 'reason', 'upstream',
  'claim', 'declined', 'query', 'typed', 'suborganization', 'holding', 'joining', 'message', 'webhook', 'mail',
]

export async function payloads(world) {
  const { journeys } = world
  const parts = Array.from({ length: ORGANIZATIONS }, (_, number) => PAYLOADS.filter((_, index) => index % ORGANIZATIONS === number))
  const lengths = { external: 250, rule: 250, key: 100, mail: 170 }
  const words = (part) => (field) => {
    const length = lengths[field] ?? 200
    return Object.values(texts(field, part, length)).flat().filter((text) => [...text].length <= length)
  }
  const wanted = Object.fromEntries(parts.map((part, number) => [`payloads-${number}`, words(part)]))
  const { places, users, said, provider } = await settle(world, wanted)
  const seen = new Set()

  await journeys.run('payloads: refused as what is followed, loaded or turns what is around it', () => refuses(places['payloads-0']))
  // They share the user of the identity provider.
  const come = Object.values(places).map((place, number) => new Attack({ ...world, users, said, seen }, place, parts[number]))
  for (const attack of come) await attack.byProvider()
  await Promise.all(come.map((attack) => attack.everywhere()))
  await journeys.run('payloads: every field was seen on some page', () => {
    const missing = SHOWN.filter((field) => !seen.has(`-${field}-`))
    assert(!missing.length, `${missing.join(', ')}: on none`)
  })
  provider.stop()
}

async function refuses({ api }) {
  const accepted = []
  const say = async (method, below, body) => {
    const { status } = await api.ask(method, below, body)
    if (status !== 422) accepted.push(`${status}: ${below} ${JSON.stringify(body)}`)
  }
  for (const logo_url of ADDRESSES) await say('PATCH', '', { logo_url })
  for (const primary_color of COLOURS) await say('PATCH', '', { primary_color })
  for (const url of ADDRESSES.filter((url) => !url.startsWith('http'))) {
    await say('POST', '/clients', { type: 'web', name: 'gotyou', redirect_uris: ['https://gotyou.example/'], home_url: url })
    await say('POST', '/clients', { type: 'web', name: 'gotyou', redirect_uris: [url] })
    await say('POST', '/webhooks', { url })
  }
  for (const name of TURNING) {
    await say('PATCH', '', { name })
    await say('POST', '/users', { email: 'turning@gotyou.test', name })
    await say('POST', '/users', { email: `${name}@gotyou.test`, name: 'Turning' })
    await say('POST', '/roles', { slug: 'turning', name, permissions: [] })
    await say('POST', '/groups', { slug: 'turning', name })
    await say('POST', '/invitations', { email: 'turning@gotyou.test', name })
  }
  // The last has marks alone, which a mail from right to left may need.
  for (const text of TURNING.slice(0, -1)) {
    await say('PUT', '/mail-templates/invitation/ja', { subject: text, text: 'gotyou' })
    await say('PUT', '/mail-templates/invitation/ja', { subject: 'gotyou', text })
  }
  for (const email of ['"><img gotyou>@gotyou.test', '<gotyou@gotyou.test>', 'gotyou@gotyou.test\r\nbcc: gotyou']) await say('POST', '/users', { email, name: 'gotyou' })
  for (const text of ['<gotyou>', '"gotyou', '../gotyou', 'gotyou{']) {
    await say('POST', '/roles', { slug: 'odd', name: 'gotyou', permissions: [text] })
    await say('POST', '/roles', { slug: text, name: 'gotyou', permissions: [] })
  }
  for (const words of [{ subject: 'gotyou\r\nBcc: gotyou@gotyou.test', text: 'gotyou' }, { subject: 'gotyou', text: '{{gotyou}}' }]) {
    await say('PUT', '/mail-templates/invitation/ja', words)
  }
  assert(!accepted.length, `not refused\n  ${accepted.join('\n  ')}`)
}

// On one organization.
class Attack {
  wrong = []

  constructor({ journeys, orgate, browser, users, said, seen }, place, part) {
    Object.assign(this, { journeys, orgate, users, said, seen, place, part })
    const options = { userAgent: part.join('').replaceAll(/[^ -~]/g, '').slice(0, 250) }
    // In this journey, what pages say is not for the Nu HTML checker: what somebody typed is no address and no date.
    this.browser = { visit: (journey) => browser.visit((page, context) => this.watched(page, context, journey), { ...options, isKept: false }) }
  }

  async watched(page, context, journey) {
    page.takeSeen = watch(page)
    await page.addInitScript(() => (globalThis.gotyou = () => (globalThis.gotyouRan = true)))
    return journey(page, context)
  }

  // `text` is what was said just now. Whether it is shown, and what else is said then: as much as can be shown at once, or each of
  // the table by itself where it is cut off.
  async check(page, where, { text, together = [], single = [] } = {}) {
    const { wrong, fields, parameters, isCut } = await page.evaluate(inspect, { payloads: PAYLOADS, text })
    fields.forEach((field) => this.seen.add(field))
    const unlisted = parameters.filter((name) => !PARAMETERS.includes(name)).map((name) => `${name} is not among PARAMETERS`)
    for (const what of [...wrong, ...unlisted, ...page.takeSeen()]) this.wrong.push(`${where}: ${what}`)
    if (isCut) return single
    return fields.includes(text?.split(' ').at(-1)) ? together : null
  }

  run(name, journey) {
    return this.journeys.run(`payloads: ${name} (${this.place.slug})`, async () => {
      const found = [...((await journey())?.wrong ?? []), ...this.wrong.splice(0)]
      assert(!found.length, `\n  ${found.slice(0, 30).join('\n  ')}${found.length > 30 ? `\n  and ${found.length - 30} more` : ''}`)
    })
  }

  // From now on, what there is one of says another of its texts, and another of what there are several of is looked at.
  async turn(number) {
    const { api, words, ids } = this.place
    const at = (list) => list[number % list.length]
    await api.call('PATCH', '', { name: at(words('organization')) })
    await api.call('PATCH', `/users/${ids.administrator}`, { name: at(words('administrator')) })
    for (const [name, list] of Object.entries(ids.all)) ids[name] = at(list)
  }

  byProvider() {
    const { orgate, users, place, part } = this
    const said = (field, length) => texts(field, part, length).together[0]
    return this.run('said by an identity provider of whoever comes through it', async () => {
      const claims = texts('claim', part)
      Object.assign(users.uma, { name: said('upstream'), sub: said('claim'), groups: [...claims.together, ...claims.single] })
      await this.browser.visit(async (page) => {
        await page.goto(authorize(place))
        await signIn(page, `failed@${place.slug}.test`, said('failed'))
        await this.check(page, 'a sign-in that failed')
        const answer = new URLSearchParams({ state: part[0], error: part[1], error_description: said('declined', 250) })
        await page.goto(`${orgate.issuer}/sso/${place.ids.organization}/${place.ids.connection}/callback?${answer}`)
        await this.check(page, 'an answer that nobody asked for')
      })
      await this.browser.visit(async (page) => {
        const { name } = await place.api.call('GET', `/connections/${place.ids.connection}`)
        await page.goto(authorize(place))
        await page.getByRole('link', { name }).click()
        await atProvider(page)
        await page.waitForURL(`${place.callback.origin}/**`)
        await place.callback.next()
        page.takeSeen() // of the identity provider's own pages
        for (const below of ['', '/activity', '/applications', '/sessions', '/sign-in', '/organizations']) {
          await page.goto(`${orgate.issuer}/account${below}?organization=${place.slug}`)
          await this.check(page, `/account${below} of whoever came through it`)
        }
      })
      await this.declined()
    })
  }

  // The test of the set-up shows what an identity provider said when it declined.
  async declined() {
    const { orgate, place, part } = this
    await this.browser.visit(async (page) => {
      await ENTER['set-up'](page, place)
      await page.goto(`${orgate.issuer}/setup/connections/${place.ids.connection}/test`)
      this.said.declined = texts('declined', part, 150).together[0]
      await page.getByRole('link', { name: 'Test sign-in' }).click()
      await atProvider(page, 'Cancel')
      await page.waitForURL(/\/setup\/test\//)
      await this.check(page, 'a test that the identity provider declined')
    })
  }

  async everywhere() {
    const { place, part } = this
    const { words } = place
    const round = async (number, name, journey) => {
      await this.turn(number)
      await this.run(name, journey)
    }
    await round(0, 'shown by every page', () => walk(this.browser, place, (page, { name, as }) => this.check(page, `${name} (${as})`)))
    await round(1, 'in the address of every page', async () => {
      const found = await walk(this.browser, place, (page, entry) => this.address(page, entry), { again: false })
      await this.browser.visit(async (page) => {
        for (const { name, at } of leadingOn(place)) await this.askWith(page, at, PARAMETERS, `${name}?…`)
      })
      return found
    })
    await round(2, 'typed into every form', async () => {
      this.forms = 0
      this.saidAgain = new Set()
      const found = await walk(this.browser, place, (page, entry) => this.typeInto(page, entry), { again: false })
      if (this.forms < FORMS) this.wrong.push(`only ${this.forms} forms`)
      const silent = OF_VISITORS.filter((path) => !this.saidAgain.has(path))
      if (silent.length) this.wrong.push(`${silent.join(', ')}: what was typed is not said again`)
      return found
    })
    await this.run('in a logo that is a program', () => this.browser.visit(async (page) => {
      const server = `https://logo.${place.slug}.test/logo.svg`
      await place.api.call('PATCH', '', { logo_url: `${server}?${encodeURIComponent(part.join(''))}` })
      await page.route(`${server}**`, (route) => route.fulfill({ contentType: 'image/svg+xml', body: DRAWING }))
      await page.goto(authorize(place))
      assert(await page.locator('.logo').evaluate((image) => image.decode().then(() => image.naturalWidth)), 'it is not shown')
      await this.check(page, 'where people sign in')
      await page.goto(`${server}`)
      page.takeSeen()
      await ENTER.administrator(page, place)
      await page.goto(`${this.orgate.issuer}/admin/${place.slug}/look`)
      await this.check(page, 'its preview')
    }))
    assert(words('organization').length >= 3, 'a round that says nothing of its own')
  }

  // Beside what its address has, and instead of each of that.
  async address(page, entry) {
    const at = page.url()
    const own = [...new URL(at).searchParams.keys()]
    await this.askWith(page, at, PARAMETERS.filter((name) => !own.includes(name)), `${entry.name}?… (${entry.as})`)
    for (const name of own) await this.askWith(page, at, [name], `${entry.name}?${name}=… (${entry.as})`)
  }

  async askWith(page, at, names, where) {
    const { together: [first, ...together], single } = texts('query', this.part)
    const ask = async (text) => {
      const url = new URL(at)
      for (const name of names) url.searchParams.set(name, text)
      assert(url.search.length < LONGEST, `${where}: longer than what is read`)
      const answer = await page.goto(url.href)
      assert(answer.status() < 500, `${where}: it was answered with ${answer.status()}`)
      return this.check(page, where, { text, together, single })
    }
    for (const text of (await ask(first)) ?? []) await ask(text)
  }

  // Each form of a page in which something can be typed, past what the browser itself would refuse.
  async typeInto(page, entry) {
    const { together: [first, ...together], single } = texts('typed', this.part, 400)
    const type = async (number, text) => {
      const sent = page.waitForEvent('framenavigated', { timeout: 5_000 }).catch(() => null)
      if (!(await page.evaluate(fillIn, { number, text }))) return
      const where = `${entry.name} (${entry.as}), form ${number + 1}`
      if (!(await sent)) this.wrong.push(`${where}: it leads nowhere`)
      return { more: await this.check(page, where, { text, together, single }) }
    }
    const count = await page.evaluate(() => document.forms.length)
    for (let number = 0, typed; number < count; number++) {
      if (typed) await arrive(page, entry)
      typed = await type(number, first)
      if (!typed) continue
      this.forms++
      if (typed.more) this.saidAgain.add(entry.name)
      for (const text of (entry.as === 'visitor' && typed.more) || []) {
        await arrive(page, entry)
        await type(number, text)
      }
    }
  }
}

// In the page.
function fillIn({ number, text }) {
  const form = document.forms[number]
  const fields = [...(form?.elements ?? [])].filter((field) => /^(text|search|email|url|number|tel|date|password|textarea|select-one)$/.test(field.type))
  if (!fields.length) return false
  for (const field of fields) {
    if (field.tagName === 'SELECT') field.add(new Option(text, text, true, true))
    else if (field.tagName === 'INPUT') field.type = 'text'
    field.value = text
  }
  form.noValidate = true
  form.requestSubmit()
  return true
}
