// Every hosted page under axe-core, at two widths, light and dark; and its weight and policy.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { assert, signIn } from '../lib/harness.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

export async function pages({ journeys, orgate, browser, callback }) {
  const authorize = (changes) => {
    const parameters = {
      client_id: 'relying-party', redirect_uri: `${callback.origin}/cb`, response_type: 'code', scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...changes,
    }
    return `${orgate.issuer}/authorize?${new URLSearchParams(parameters)}`
  }
  const shown = {
    discovery: (page) => page.goto(authorize({})),
    'discovery, mail sent': async (page) => {
      await page.goto(authorize({}))
      await page.getByRole('textbox').fill('someone@elsewhere.test')
      await page.getByRole('button', { name: /continue/i }).click()
      await page.getByRole('heading', { name: /mail/i }).waitFor()
    },
    'sign-in': (page) => page.goto(authorize({ organization: 'acme' })),
    'sign-in in a pale colour': (page) => page.goto(authorize({ organization: 'globex' })),
    'sign-in, refused': async (page) => {
      await page.goto(authorize({ organization: 'globex' }))
      await signIn(page, 'nobody@globex.test', 'wrong')
      await page.getByText('is not right').first().waitFor()
    },
    chooser: async (page) => {
      for (const organization of ['acme', 'globex']) {
        await page.goto(authorize({ organization }))
        if (await page.getByLabel(/password/i).count()) await signIn(page, `admin@${organization}.test`)
        await page.waitForURL(`${callback.origin}/**`)
        await callback.next()
      }
      await page.goto(authorize({ prompt: 'select_account' }))
      await page.getByRole('heading', { name: /choose/i }).waitFor()
    },
    'an error': (page) => page.goto(authorize({ client_id: 'nobody' })),
    'an organization that is not there': (page) => page.goto(authorize({ organization: 'no-such-organization' })),
    'the management API': async (page) => {
      await page.goto(`${orgate.issuer}/api/docs`)
      await page.locator('#updateClient summary').click()
      await page.locator('#updateClient').getByText('orgate:clients:manage').waitFor()
    },
    'sign-out': async (page) => {
      await page.goto(authorize({ organization: 'acme' }))
      if (await page.getByLabel(/password/i).count()) await signIn(page, 'admin@acme.test')
      await page.waitForURL(`${callback.origin}/**`)
      await callback.next()
      await page.goto(`${orgate.issuer}/logout`)
      await page.getByRole('button', { name: /sign out/i }).waitFor()
    },
  }
  for (const [name, open] of Object.entries(shown)) {
    await journeys.run(`axe: ${name}`, () => browser.visit((page) => examine(page, name, open)))
  }

  await journeys.run('a page is light, strict and not kept', async () => {
    const response = await fetch(authorize({ client_id: 'nobody' }))
    const headers = Object.fromEntries(response.headers)
    assert((await response.text()).length < 100_000, 'over 100 KB')
    assert(/default-src 'none'/.test(headers['content-security-policy']), headers['content-security-policy'])
    assert(!/unsafe/.test(headers['content-security-policy']), headers['content-security-policy'])
    assert(/frame-ancestors 'none'/.test(headers['content-security-policy']), 'can be framed')
    assert(headers['cache-control'] === 'no-store', headers['cache-control'])
  })
}

export async function examine(page, name, open) {
  const refused = []
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) refused.push(message.text())
  })
  await open(page)
  for (const [width, height] of [[360, 740], [1440, 900]]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme })
      if (process.env.SHOTS) {
        const file = `${name.replaceAll(/\W+/g, '-')}-${width}-${colorScheme}.png`
        await page.screenshot({ path: `${process.env.SHOTS}/${file}`, fullPage: true })
      }
      await examineAsItIs(page, `at ${width} px, ${colorScheme}`)
    }
  }
  assert(!refused.length, refused[0])
}

// As wide and as light as it is.
export async function examineAsItIs(page, where) {
  // Through the debugger, not a script element: the page's policy would rightly refuse that.
  await page.evaluate(`${axe};0`)
  const { violations } = await page.evaluate(
    (values) => axe.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] }), TAGS)
  const found = violations.map((v) => `${v.id} (${v.nodes[0].target.join(' ')})`)
  assert(!found.length, `${where}: ${found.join(', ')}`)
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert(overflow <= 1, `${where}: scrolls sideways by ${overflow} px`)
}
