// A page under axe-core, as wide and as light as it is looked at; and that it is never wider than the window.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { assert } from './harness.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

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
