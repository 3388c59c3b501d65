// A page under axe-core, as wide and as light as it is looked at; and that it is never wider than the window.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { assert } from './harness.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

// Narrow and wide, light and dark; from each to the next, as little changes as can.
const LOOKS = [[360, 740, 'light'], [360, 740, 'dark'], [1440, 900, 'dark'], [1440, 900, 'light']]

// Opens a page, which then also stays within its policy.
export async function examine(page, name, open) {
  const refused = []
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) refused.push(message.text())
  })
  await open(page)
  await examineInEveryLook(page, name)
  assert(!refused.length, refused[0])
}

// As it was loaded: it is only resized and told how light it is there.
export async function examineInEveryLook(page, name) {
  for (const [width, height, colorScheme] of LOOKS) {
    await page.setViewportSize({ width, height })
    await page.emulateMedia({ colorScheme })
    if (process.env.SHOTS) {
      const file = `${name.replaceAll(/\W+/g, '-')}-${width}-${colorScheme}.png`
      await page.screenshot({ path: `${process.env.SHOTS}/${file}`, fullPage: true })
    }
    // Through the debugger, not a script element: the page's policy would rightly refuse that.
    if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(`${axe};0`)
    const found = await page.evaluate(look, TAGS)
    assert(!found.length, `at ${width} px, ${colorScheme}: ${found.join(', ')}`)
    await fits(page)
  }
}

// In the page.
async function look(values) {
  const { violations } = await axe.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] })
  return violations.map(({ id, nodes }) => `${id} (${nodes[0].target.join(' ')})`)
}

// Nothing of it is beside the window.
export async function fits(page) {
  const [overflow, width] = await page.evaluate(() => [document.documentElement.scrollWidth - innerWidth, innerWidth])
  assert(overflow <= 1, `at ${width} px, ${new URL(page.url()).pathname} scrolls sideways by ${overflow} px`)
}
