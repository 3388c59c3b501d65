// Opens every page of an organization, as everybody who opens one.
import { assert } from './harness.mjs'
import { askToJoin, ENTER, pagesOf, pathsFor } from './pages.mjs'
import { trace } from './organizations.mjs'

// `visit` is given each page, opened, and what it is called; what it throws is told of that page, and the next one is opened.
// `only` is in the paths that are opened; `again` is whether those that administrators see too are opened as the operator;
// `beside` is whether several are open at once.
export async function walk(browser, place, visit, { only = '', again = true, beside = true } = {}) {
  const wrong = []
  const opened = new Set()
  const one = async (page, entry) => {
    try {
      await arrive(page, entry)
      await visit(page, entry)
      opened.add(entry.name)
    } catch (error) {
      wrong.push(`${entry.name} (${entry.as}, ${place.slug}): ${error.message}`)
      await page.goto('about:blank').catch(() => {}) // wherever it was going
    }
  }
  const listed = (as) => pagesOf(place, as).filter(({ name, isAgain }) => name.includes(only) && (again || !isAgain))
  const all = async (as) => {
    if (!pathsFor(as).some((path) => path.includes(only))) return
    if (as === 'visitor') {
      for (const entry of listed(as)) await browser.visit((page) => one(page, entry))
      return
    }
    await browser.visit(async (page) => {
      await ENTER[as](page, place)
      if (as === 'set-up' && place.ids.connection && !place.ids.trace) await trace(page, place)
      for (const entry of listed(as)) await one(page, entry)
    })
  }
  // Administrators open half of them: the others go beside them.
  const others = async () => {
    for (const as of Object.keys(ENTER).filter((as) => as !== 'administrator')) await all(as)
  }
  if (place.ids.joining && !place.ids.join_request) await browser.visit((page) => askToJoin(page, place))
  if (beside) await Promise.all([all('administrator'), others()])
  else await all('administrator').then(others)
  return { wrong, opened }
}

// Opens a page, and is sure that it is the one that was asked for: not where one signs in, and not what went wrong.
export async function arrive(page, entry) {
  let answer
  const note = (response) => {
    if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) answer = response
  }
  page.on('response', note)
  try {
    await entry.go(page)
  } finally {
    page.off('response', note)
  }
  const { origin, pathname } = new URL(page.url())
  assert(`${origin}${pathname}` === entry.at, `it led to ${origin}${pathname}`)
  assert(answer?.status() === 200, `it was answered with ${answer?.status()}`)
}
