// Opens every page of an organization, as everybody who opens one.
import { assert } from './harness.mjs'
import { ENTER, pagesOf } from './pages.mjs'
import { trace } from './organizations.mjs'

// `visit` is given each page, opened, and what it is called; what it throws is told of that page, and the next one is opened.
export async function walk(browser, place, visit, { whom = Object.keys(ENTER), options, query = '' } = {}) {
  const wrong = []
  const opened = new Set()
  const one = async (page, entry) => {
    try {
      const answer = query && entry.at ? await page.goto(`${entry.at}${entry.at.includes('?') ? '&' : '?'}${query}`) : await entry.go(page)
      assert(query || !answer || answer.ok(), `${answer?.status()}`)
      await visit(page, entry)
      opened.add(entry.name)
    } catch (error) {
      wrong.push(`${entry.name} (${entry.as}, ${place.slug}): ${error.message}`)
    }
  }
  for (const as of whom) {
    if (as === 'visitor') {
      for (const entry of pagesOf(place, as)) await browser.visit((page) => one(page, entry), options)
      continue
    }
    await browser.visit(async (page) => {
      await ENTER[as](page, place)
      if (as === 'set-up' && place.ids.connection && !place.ids.trace) await trace(page, place)
      for (const entry of pagesOf(place, as)) await one(page, entry)
    }, options)
  }
  return { wrong, opened }
}
