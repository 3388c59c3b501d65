// Pictures of every page, to be looked at: `cargo xtask screenshots`. SCREENSHOTS is where they go.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBrowser, startCallback, startOrgate } from './lib/harness.mjs'
import { crowd, ordinary, settle } from './lib/organizations.mjs'
import { ENTER, pathsFor } from './lib/pages.mjs'
import { walk } from './lib/walk.mjs'

const WIDTHS = [360, 768, 1440]
const THEMES = ['light', 'dark']
const CROWD = 100_000

const isLong = process.argv.includes('--long')
const part = process.argv.slice(2).find((argument) => !argument.startsWith('-')) ?? ''
const paths = Object.keys(ENTER).flatMap(pathsFor)
if (!paths.some((path) => path.includes(part))) {
  console.error(`No page has ${JSON.stringify(part)} in its path. There are:\n  ${paths.join('\n  ')}`)
  process.exit(1)
}
const directory = process.env.SCREENSHOTS
const began = Date.now()
const wrong = []
let [pages, pictures] = [0, 0]

// Where a terminal shows it, one line that changes; else a line for each page.
const isTerminal = process.stdout.isTTY
const tell = (line) => process.stdout.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`)
const fileOf = (path) => path.replace(/^\//, '').replaceAll(/[^\w]+/g, '-').replace(/-$/, '') || 'home'

async function take(browser, place, state) {
  const found = await walk(browser, place, async (page, { name, as }) => {
    const into = join(directory, state, as)
    mkdirSync(into, { recursive: true })
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme })
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 })
        await page.screenshot({ path: join(into, `${fileOf(name)}-${width}-${colorScheme}.png`), fullPage: true })
        pictures++
      }
    }
    pages++
    tell(`${pages} pages, ${pictures} pictures: ${state}, ${name}`)
  }, { only: part })
  wrong.push(...found.wrong)
}

const callback = await startCallback()
let orgate, browser, provider
try {
  const seed = fileURLToPath(new URL('seed.yaml', import.meta.url))
  orgate = await startOrgate(seed, { RP_SECRET: 'relying-party-secret-with-enough-entropy', RP_URL: callback.origin, ORGATE__LIMITS__API_PER_MINUTE: '100000' })
  browser = await startBrowser()
  const wanted = { bare: null, wayne: ordinary, ...(isLong && { crowd: ordinary }) }
  const settled = await settle({ orgate, callback }, wanted)
  provider = settled.provider
  const { bare, wayne, crowd: many } = settled.places
  if (many) {
    tell(`making ${CROWD.toLocaleString('en')} users`)
    crowd(many, CROWD)
  }
  await Promise.all([take(browser, bare, 'no-data'), take(browser, wayne, 'some-data')])
  if (many) await take(browser, many, 'many-users')
} catch (error) {
  wrong.push(error.stack)
} finally {
  provider?.stop()
  await browser?.close()
  await orgate?.stop()
  callback.close()
}
if (isTerminal) process.stdout.write('\n')
for (const what of wrong) console.log(`FAIL ${what}`)
console.log(`${pictures} pictures of ${pages} pages in ${directory}, in ${Math.round((Date.now() - began) / 1000)} s; ${wrong.length} pages could not be opened`)
process.exitCode = wrong.length || !pictures ? 1 : 0
