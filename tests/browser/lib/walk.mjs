// Opens every page of an organization, as everybody who opens one.
import { assert } from './harness.mjs'
import { ENTER, PAGES, pagesOf } from './pages.mjs'
import { trace } from './organizations.mjs'

// `visit` is given each page, opened, and what it is called; what it throws is told of that page, and the next one is opened.
// `query` is put behind each address, where there is one; `only` is in the paths that are opened.
export async function walk(browser, place, visit, { whom = Object.keys(ENTER), options, query = '', only = '' } = {}) {
  const wrong = []
  const opened = new Set()
  const one = async (page, entry) => {
    try {
      const answer = query ? await page.goto(`${entry.at}${entry.at.includes('?') ? '&' : '?'}${query}`) : await entry.go(page)
      assert(query || !answer || answer.ok(), `${answer?.status()}`)
      await visit(page, entry)
      opened.add(entry.name)
    } catch (error) {
      wrong.push(`${entry.name} (${entry.as}, ${place.slug}): ${error.message}`)
      await page.goto('about:blank').catch(() => {}) // wherever it was going
    }
  }
  const isMeant = ({ name, at, isAgain }) => name.includes(only) && !(query && (!at || isAgain))
  const listed = (as) => pagesOf(place, as).filter(isMeant)
  for (const as of whom) {
    if (!PAGES.some((entry) => entry.path.includes(only) && (entry.as === as || entry.ofOthers))) continue
    if (as === 'visitor') {
      for (const entry of listed(as)) await browser.visit((page) => one(page, entry), options)
      continue
    }
    await browser.visit(async (page) => {
      await ENTER[as](page, place)
      if (as === 'set-up' && place.ids.connection && !place.ids.trace) await trace(page, place)
      for (const entry of listed(as)) await one(page, entry)
    }, options)
  }
  return { wrong, opened }
}
