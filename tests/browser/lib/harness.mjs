// Starts `orgate dev` on free ports and a headless Chromium, and counts what passes.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const PASSWORD = 'orgate-dev'

export function assert(condition, message) {
  if (!condition) throw new Error(message)
}

export class Journeys {
  passed = 0
  failed = 0
  skipped = 0
  async run(name, journey) {
    try {
      await journey()
      this.passed++
      console.log(`ok   ${name}`)
    } catch (error) {
      this.failed++
      console.log(`FAIL ${name}: ${error.message}`)
      if (process.env.DEBUG) console.log(error.stack)
    }
  }
  // Loud, and a failure where nothing may be skipped.
  skip(why) {
    this.skipped++
    console.log(`SKIPPED: ${why}`)
  }
  end() {
    console.log(`${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`)
    return this.failed || !this.passed ? 1 : 0
  }
}

export async function freePort() {
  const server = net.createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

// `orgate dev` as a newcomer starts it, but on free ports; without a seed, with its samples.
export async function startOrgate(seed, extra) {
  const binary = process.env.ORGATE_BIN
  assert(binary && existsSync(binary), 'ORGATE_BIN names no file')
  const [port, app, idp, mailbox] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const directory = mkdtempSync(join(tmpdir(), 'orgate-journeys-'))
  const options = ['dev', '--port', port, '--app-port', app, '--idp-port', idp, '--mailbox-port', mailbox, '--data-dir', directory]
  if (seed) options.push('--seed', seed)
  const env = { ...process.env, ...extra }
  delete env.DATABASE_URL
  const child = spawn(binary, options.map(String), { env })
  let output = ''
  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (output += data))
  const ended = new Promise((resolve) => child.on('exit', resolve))
  const stop = async () => {
    child.kill('SIGINT')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  const until = Date.now() + 120_000
  while (!output.includes('Orgate is running')) {
    if (child.exitCode !== null || Date.now() > until) {
      await stop()
      throw new Error(`orgate dev did not start:\n${output}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const at = (port) => `http://localhost:${port}`
  // The database that it brought: elsewhere, where the database's user cannot read.
  const home = () => output.match(/database in (\S+)/)?.[1] ?? directory
  const socket = () => readFileSync(join(home(), 'data/postmaster.pid'), 'utf8').split('\n')[4]
  // Another of its commands on that.
  const run = (...command) => {
    const settings = {
      DATABASE_URL: `postgres://postgres@localhost/postgres?host=${socket()}`,
      ORGATE__SECRETS__MASTER_KEY_FILE: join(home(), 'master.key'),
      ORGATE__SERVER__ISSUER: at(port),
    }
    const ended = spawnSync(binary, command, { env: { ...env, ...settings }, encoding: 'utf8' })
    assert(ended.status === 0, `orgate ${command.join(' ')}: ${ended.stderr}`)
    return ended.stdout
  }
  const apply = (yaml) => {
    const file = join(directory, 'journey.yaml')
    writeFileSync(file, yaml)
    return run('apply', '-f', file)
  }
  return { issuer: at(port), app: at(app), idp: at(idp), mailbox: at(mailbox), directory, socket, run, apply, stop, output: () => output }
}

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  '--disable-features=Translate,PasswordManagerOnboarding,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
  // Nothing but loopback resolves.
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
]

// `keep` is given each page of HTML as it was sent: of which request, and what.
export async function startBrowser(keep) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: FLAGS })
  return {
    close: () => browser.close(),
    // A browser profile of its own, closed when the journey ends.
    async visit(journey, { isKept = true, ...options } = {}) {
      const context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce', ...options })
      context.setDefaultTimeout(15_000)
      if (keep && isKept) context.on('response', (response) => keepPage(response, keep))
      try {
        return await journey(await context.newPage(), context)
      } finally {
        await context.close()
      }
    },
  }
}

async function keepPage(response, keep) {
  const request = response.request()
  if (!request.isNavigationRequest() || !/^text\/html/.test(response.headers()['content-type'] ?? '')) return
  // The browser lets go of it once the next page is there.
  const html = await response.text().catch(() => null)
  if (html) keep(request, html)
}

// A client's redirect URI that remembers what it was sent, by GET or by form post.
export async function startCallback() {
  const hits = []
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const url = new URL(request.url, `http://${request.headers.host}`)
    if (request.method === 'POST') for (const [name, value] of new URLSearchParams(body)) url.searchParams.set(name, value)
    if (url.pathname !== '/favicon.ico') hits.push({ method: request.method, url })
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>callback</title><p id="done">done</p>')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${server.address().port}`
  return {
    origin,
    close: () => (server.closeAllConnections(), server.close()),
    async next() {
      const until = Date.now() + 15_000
      while (!hits.length) {
        assert(Date.now() < until, 'no answer arrived at the redirect URI')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return hits.shift()
    },
  }
}

// What Notes shows of who is signed in.
export async function whoAmI(page) {
  await page.getByRole('heading', { name: /^Notes of/ }).waitFor()
  const text = await page.locator('main, body').first().innerText()
  const roles = await page.locator('dt:text-is("Roles") + dd li').allInnerTexts()
  return { text, user: text.match(/usr_[0-9a-z]+/)?.[0], roles: roles.sort().join(' ') }
}

export async function signOut(page) {
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You have signed out').waitFor()
}

// That Orgate has ended the session of which Notes still holds tokens.
export async function hasEnded(page, orgate) {
  await page.goto(orgate.app)
  await page.getByRole('button', { name: 'Refresh token' }).click()
  await page.getByText('Your session has ended').waitFor()
}

// A page of Orgate's that refuses, and the request id that leads its administrators to the reason.
export async function isRefused(page, headline) {
  await page.getByRole('heading', { name: headline }).waitFor()
  assert(await page.getByText(/req_/).count(), 'no request id')
}

// Moves there as someone without a mouse does, by so many presses at most, past the whole navigation; how many it took.
export async function tabTo(page, target, most = 40) {
  for (let presses = 0; presses <= most; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return presses
    await page.keyboard.press('Tab')
  }
  throw new Error('the keyboard does not reach it')
}

// Follows it, or does what it says, in the same way.
export async function press(page, target, most) {
  await tabTo(page, target, most)
  await page.keyboard.press('Enter')
}

export const heading = (page, name, level) => page.getByRole('heading', { name, level }).waitFor()

// What a mail to somebody leads to, once it is there.
export async function mailTo(orgate, email, link) {
  for (const until = Date.now() + 15_000; Date.now() < until; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const mails = await (await fetch(`${orgate.mailbox}/mails.json`)).json()
    const found = mails.find((mail) => JSON.stringify(mail.to).includes(email))?.text.match(link)
    if (found) return found[0]
  }
  throw new Error(`no mail to ${email} arrived`)
}

// A token of the management API, for a machine.
// At the issuer of an organization alone, `at` is its path.
export async function tokenOf({ issuer }, client_id, secret, at = '') {
  const form = { grant_type: 'client_credentials', resource: `${issuer}/api` }
  const authorization = `Basic ${Buffer.from(`${client_id}:${secret}`).toString('base64')}`
  const answer = await fetch(`${issuer}${at}/token`, { method: 'POST', headers: { authorization }, body: new URLSearchParams(form) })
  const { access_token } = await answer.json()
  assert(access_token, `no token for ${client_id}: ${answer.status}`)
  return access_token
}

// The mail to somebody that nobody was given yet, once it is there.
export async function newestMail(orgate, to) {
  const until = Date.now() + 15_000
  const seen = new Set(seenMails)
  for (;;) {
    const mails = await (await fetch(`${orgate.mailbox}/mails.json`)).json()
    const mail = mails.find((mail) => JSON.stringify(mail.to).toLowerCase().includes(to) && !seen.has(mail.text))
    if (mail) {
      seenMails.push(mail.text)
      return mail
    }
    assert(Date.now() < until, `no mail to ${to} arrived`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
const seenMails = []

export async function signIn(page, email, password = PASSWORD) {
  await page.getByLabel(/e-mail/i).fill(email)
  await page.getByLabel(/password/i).fill(password)
  await page.getByRole('button', { name: /sign in|continue/i }).first().click()
}

// Into the application Notes.
export async function enterNotes(page, orgate, organization, email, password) {
  await page.goto(`${orgate.app}/sign-in?organization=${organization}`)
  await signIn(page, email, password)
  await heading(page, /^Notes of/)
}

// A page of Acme's administration, as who runs it.
export async function openAdmin(page, orgate, below = '', name) {
  await page.goto(`${orgate.issuer}/admin/acme${below}`)
  if (await page.getByLabel('Password', { exact: true }).count()) await signIn(page, 'admin@acme.test')
  await page.getByRole('main').getByRole('heading', { level: 1, name }).waitFor()
}

// The operator's own.
export async function openConsole(page, orgate) {
  await page.goto(`${orgate.issuer}/console`)
  if (await page.getByLabel('Password', { exact: true }).count()) await signIn(page, 'ruth@operator.test')
  await heading(page, 'Organizations')
}
